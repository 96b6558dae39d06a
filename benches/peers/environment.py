"""What the measuring needs: programs that are built, a scratch environment with the peers, and what
the machine is."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
REQUIREMENTS = HERE / "requirements.txt"


@dataclass(frozen=True)
class Programs:
    """What is run: tenantsweep itself, what makes data and frames a file alone, and Python."""

    tenantsweep: Path
    make_estate: Path
    frame_file: Path
    python: Path


def build(tenantsweep: Path | None) -> Programs:
    """Builds what is missing; a program that is given is taken as it is."""
    if tenantsweep is None:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        tenantsweep = TARGET / "release" / "tenantsweep"
    place = TARGET / "peers" / "tools"
    tools = ROOT / "benches" / "tools" / "Cargo.toml"
    build = ("cargo", "build", "--release", "--quiet", "--locked", "--target-dir", place)
    subprocess.run((*build, "--manifest-path", tools), check=True)
    return Programs(
        tenantsweep=tenantsweep.resolve(),
        make_estate=place / "release" / "make_estate",
        frame_file=place / "release" / "frame_file",
        python=peers(),
    )


def peers() -> Path:
    """The Python of an environment that holds what requirements.txt names, made anew when that
    changes."""
    place = TARGET / "peers" / "venv"
    python, mark = place / "bin" / "python", place / "requirements.txt"
    wanted = REQUIREMENTS.read_text()
    if not mark.exists() or mark.read_text() != wanted:
        print("installing the peers", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r")
        subprocess.run([python, *install, REQUIREMENTS], check=True)
        mark.write_text(wanted)
    return python


def first_line(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0].strip()


def commit_of_source() -> str:
    """The last commit that changed the program's source, and whether it is changed since."""
    git, source = ("git", "-C", str(ROOT)), ("src", "data", "Cargo.toml", "Cargo.lock")
    commit = first_line(*git, "log", "-1", "--format=%h", "--", *source)
    changed = subprocess.run((*git, "diff", "--quiet", "HEAD", "--", *source))
    return f"{commit}, changed" if changed.returncode else commit


def machine() -> dict[str, str]:
    """What the figures were measured on, in the words of the system."""
    cpu = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": cpu,
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
    }


def versions(programs: Programs, is_built_here: bool) -> dict[str, str]:
    """Of everything that is measured, and of what built it."""
    commit = f" ({commit_of_source()})" if is_built_here else " (a given binary)"
    pinned = dict(line.split("==") for line in REQUIREMENTS.read_text().split("\n") if "==" in line)
    return {
        "tenantsweep": f"{first_line(programs.tenantsweep, '--version').split()[-1]}{commit}",
        "rustc": first_line("rustc", "--version").split()[1],
        "DuckDB": pinned["duckdb"],
        "Polars": pinned["polars"],
        "Python": platform.python_version(),
    }
