"""The contestants: tenantsweep, its peers, and single steps done alone."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data import Dataset
from environment import HERE, ROOT, Programs
from measure import Contestant, Run, run_job, run_process

JOBS = HERE / "jobs"
Words = tuple[str | Path, ...]
# What could be the fastest to decompress with: functions of jobs/alone.py, and commands.
UNPACKERS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "gz": (
        ("gzip-zlib", "gzip-isal", "gzip-libdeflate"),
        (("gzip", "-dc"), ("pigz", "-dc"), ("igzip", "-dc")),
    ),
    "zst": (("zstd-libzstd",), (("zstd", "-dcq"),)),
}


@dataclass(frozen=True)
class Sweep:
    """A whole `tenantsweep sweep`, from files to the committed dataset with summary and reports;
    its answer is read from that dataset afterwards."""

    name: str
    programs: Programs
    folder: Path
    out: Path
    flags: tuple[str, ...] = ()
    # Whether the answer is a part of what is compared.
    answers: bool = True

    def run(self) -> Run:
        shutil.rmtree(self.out, ignore_errors=True)
        run = self.run_once()
        if not self.answers:
            return run
        told = run_job(self.programs.python, JOBS / "duckdb_job.py", "dataset", self.out)
        return Run(run.cpu, run.wall, run.peak_bytes, told.answer)

    def run_once(self) -> Run:
        command = (self.programs.tenantsweep, "sweep", self.folder, "--out", self.out, "--quiet")
        return run_process((*command, *self.flags))[0]


@dataclass(frozen=True)
class SweepAgain:
    """A sweep over exports that an earlier one has read."""

    name: str
    sweep: Sweep

    def run(self) -> Run:
        if not self.sweep.out.exists():
            self.sweep.run_once()
        return self.sweep.run_once()


@dataclass(frozen=True)
class Report:
    """`tenantsweep report`: the summary once more, from the dataset alone."""

    name: str
    programs: Programs
    out: Path

    def run(self) -> Run:
        command = (self.programs.tenantsweep, "report", self.out, "--format", "json")
        return run_process(command)[0]


@dataclass(frozen=True)
class Job:
    """One of our scripts in the peers' Python."""

    name: str
    python: Path
    script: str
    arguments: tuple[str | Path, ...]

    def run(self) -> Run:
        return run_job(self.python, JOBS / self.script, *self.arguments)


@dataclass(frozen=True)
class Command:
    """Any program."""

    name: str
    words: Words

    def run(self) -> Run:
        return run_process(self.words)[0]


def fastest(candidates: Sequence[Contestant], metric: str) -> Contestant:
    """The one that takes least; each is tried twice."""
    best = min(candidates, key=lambda one: min(getattr(one.run(), metric) for _ in range(2)))
    names = ", ".join(one.name for one in candidates)
    print(f"    fastest of {names}: {best.name}", file=sys.stderr)
    return best


@dataclass(frozen=True)
class Bench:
    """What a row needs to set up its contestants."""

    programs: Programs
    scratch: Path

    def sweep(self, data: Dataset, *flags: str, name: str | None = None) -> Sweep:
        """With a name made of its flags, unless one is given."""
        name = name or " ".join(("tenantsweep", *flags))
        return Sweep(name, self.programs, data.folder, self.scratch / "out", flags)

    def duckdb(self, shape: str, data: Dataset) -> Job:
        name = "DuckDB, policies parsed only where needed" if "-" in shape else "DuckDB"
        return Job(name, self.programs.python, "duckdb_job.py", (shape, data.folder))

    def polars(self, shape: str, data: Dataset) -> Job:
        return Job("Polars", self.programs.python, "polars_job.py", (shape, data.folder))

    def counting_lines(self, data: Dataset) -> Contestant:
        """On one thread, by the fastest of what the machine has."""
        memchr: Words = (self.programs.frame_file, "lines", *data.files)
        candidates: list[Contestant] = [
            Command("counting lines (memchr)", memchr),
            *commands({"counting lines (wc -l)": ("wc", "-l")}, data),
            self.alone("counting lines (Python)", "count-lines", data),
        ]
        return fastest(candidates, "cpu")

    def sha256(self, data: Dataset) -> Contestant:
        """On one thread, by the fastest of what the machine has."""
        words = {
            "SHA-256 alone (sha256sum)": ("sha256sum",),
            "SHA-256 alone (openssl)": ("openssl", "dgst", "-sha256"),
        }
        python = self.alone("SHA-256 alone (Python's hashlib)", "sha256", data)
        return fastest([*commands(words, data), python], "wall")

    def unpacking(self, extension: str, data: Dataset) -> Contestant:
        """On as many threads as there are files and cores, by the fastest of what the machine has;
        commands take one file after the other."""
        libraries, tools = UNPACKERS[extension]
        jobs = [self.alone(f"decompressing alone ({one})", one, data) for one in libraries]
        named = {f"decompressing alone ({words[0]})": words for words in tools}
        return fastest([*jobs, *commands(named, data)], "wall")

    def framing(self, data: Dataset) -> Command:
        """Reading and framing alone, with the program's own framer on one thread."""
        return Command("framing alone", (self.programs.frame_file, "frame", *data.files))

    def alone(self, name: str, what: str, data: Dataset) -> Job:
        return Job(name, self.programs.python, "alone.py", (what, *data.files))


def commands(named: Mapping[str, tuple[str, ...]], data: Dataset) -> list[Command]:
    """Those commands that the machine has, over all files."""
    present = ((name, words) for name, words in named.items() if shutil.which(words[0]))
    return [Command(name, (*words, *data.files)) for name, words in present]


SAMPLE_LOGS = ROOT / "sample-logs"
