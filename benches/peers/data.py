"""Generated exports, made once and kept."""

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from environment import HERE, Programs

# Bytes of a generated record with 10 to 26 policies, by kind of export, to come near a size.
RECORD_BYTES = {
    "DiagnosticLines": 8_500,
    "PortalJson": 19_500,
    "GraphBetaPage": 16_000,
    "LogAnalyticsCsv": 5_700,
}


@dataclass(frozen=True)
class Recipe:
    """All that decides what an estate holds."""

    kind: str
    records: int
    partner_share: float = 0.05
    policies: str = "10..26"
    records_per_file: int = 40_000
    tenants: int = 6
    days: int = 3
    # Accounts of each provider; 0: every sign-in is one of a new account.
    technicians: int = 40
    seed: int = 1

    def sized(self, size: float) -> "Recipe":
        """With about as many bytes. Tenants differ in size by chance, so few of them may give a
        fifth less or more."""
        return dataclasses.replace(self, records=round(size / RECORD_BYTES[self.kind]))

    def name(self) -> str:
        words = [self.kind, self.records, self.partner_share, self.policies]
        words += [self.records_per_file, self.tenants, self.days, self.technicians, self.seed]
        return "-".join(str(word) for word in words)


@dataclass(frozen=True)
class Dataset:
    """A folder with exports and the list of partners."""

    folder: Path

    @cached_property
    def files(self) -> list[Path]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path for path in found if path.name != "partners.csv")

    @cached_property
    def size(self) -> int:
        return sum(path.stat().st_size for path in self.files)

    def warm(self) -> None:
        """Reads all once, so that it lies in the page cache."""
        buffer = bytearray(1 << 20)
        for path in self.files:
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass


class Store:
    """Estates by what they hold. A folder that was not finished is made anew."""

    def __init__(self, root: Path, programs: Programs) -> None:
        self.root = root
        self.programs = programs

    def estate(self, recipe: Recipe) -> Dataset:
        options = ["--partner-share", recipe.partner_share, "--policies", recipe.policies]
        options += ["--records-per-file", recipe.records_per_file]
        options += ["--tenants", recipe.tenants, "--days", recipe.days]
        options += ["--technicians", recipe.technicians]
        given = [str(word) for word in (recipe.records, recipe.seed, recipe.kind, *options)]

        def make(folder: Path) -> None:
            command = [str(self.programs.make_estate), str(folder), *given]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)

        return self.derived(recipe.name(), make)

    def swept(self, recipe: Recipe) -> Path:
        """What a sweep over an estate has written. The exports, which may be large, go."""

        def make(folder: Path) -> None:
            exports = self.estate(recipe)
            sweep = (self.programs.tenantsweep, "sweep", exports.folder, "--out", folder / "out")
            subprocess.run((*sweep, "--quiet", "--no-hash"), check=True)
            self.remove(exports)

        return self.derived(f"{recipe.name()}-swept", make).folder / "out"

    def remove(self, data: Dataset) -> None:
        (self.root / f"{data.folder.name}.done").unlink(missing_ok=True)
        shutil.rmtree(data.folder)

    def derived(self, name: str, make: Callable[[Path], None]) -> Dataset:
        """The folder of that name, filled by `make` unless it is there."""
        folder = self.root / name
        mark = self.root / f"{name}.done"
        if not mark.exists():
            print(f"  making {name}", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            mark.touch()
        return Dataset(folder)

    def joined(self, estate: Dataset, name: str) -> Dataset:
        """All lines of an estate in one file."""

        def make(folder: Path) -> None:
            copy_list(estate, folder)
            with (folder / "all.json").open("wb") as target:
                for path in estate.files:
                    with path.open("rb") as source:
                        shutil.copyfileobj(source, target, 1 << 20)
                        source.seek(-1, os.SEEK_END)
                        if source.read(1) != b"\n":
                            target.write(b"\n")

        return self.derived(f"{estate.folder.name}-{name}", make)

    def largest(self, estate: Dataset) -> Dataset:
        """The largest file of an estate alone."""

        def make(folder: Path) -> None:
            copy_list(estate, folder)
            link(estate, max(estate.files, key=lambda path: path.stat().st_size), folder)

        return self.derived(f"{estate.folder.name}-largest", make)

    def first(self, estate: Dataset, count: int) -> Dataset:
        """So many files of an estate, evenly chosen."""

        def make(folder: Path) -> None:
            copy_list(estate, folder)
            for nth in range(count):
                link(estate, estate.files[nth * len(estate.files) // count], folder)

        return self.derived(f"{estate.folder.name}-first-{count}", make)

    def packed(self, estate: Dataset, extension: str) -> Dataset:
        """The same files, compressed."""

        def make(folder: Path) -> None:
            copy_list(estate, folder)
            for path in estate.files:
                target = folder / f"{path.relative_to(estate.folder)}.{extension}"
                target.parent.mkdir(parents=True, exist_ok=True)
                pack = [self.programs.python, HERE / "jobs" / "pack.py", path, target]
                subprocess.run(pack, check=True)

        return self.derived(f"{estate.folder.name}-{extension}", make)


def copy_list(estate: Dataset, folder: Path) -> None:
    shutil.copy(estate.folder / "partners.csv", folder)


def link(estate: Dataset, path: Path, folder: Path) -> None:
    target = folder / path.relative_to(estate.folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(path, target)
