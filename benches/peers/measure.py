"""Runs of a program, one after the other, and their figures."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Answer = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """Of one run: seconds of all processors, seconds by the clock, most memory held at a time."""

    cpu: float
    wall: float
    peak_bytes: int
    answer: Answer | None = None


class Contestant(Protocol):
    """Something that does a job and can be measured at it."""

    @property
    def name(self) -> str: ...

    def run(self) -> Run: ...


@dataclass
class Series:
    """The runs of one contestant."""

    runs: list[Run] = field(default_factory=list)

    def values(self, metric: str) -> list[float]:
        return [getattr(run, metric) for run in self.runs]

    def median(self, metric: str) -> float:
        return statistics.median(self.values(metric))

    def to_json(self) -> dict[str, Any]:
        """Medians, least and most, and all values in the order of the runs."""
        return {
            metric: {
                "median": self.median(metric),
                "least": min(self.values(metric)),
                "most": max(self.values(metric)),
                "runs": self.values(metric),
            }
            for metric in ("cpu", "wall", "peak_bytes")
        }


class AnswersDifferError(Exception):
    """Two tools answer the same question differently: nothing that they took is worth telling."""


def run_process(command: Sequence[str | Path], output: int = subprocess.DEVNULL) -> tuple[Run, str]:
    """Runs a command to its end and tells what it and its children took, and what it printed."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=output, text=True)
    printed = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, [str(word) for word in command])
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024), printed


def run_job(python: Path, script: Path, *arguments: str | Path) -> Run:
    """Runs one of our scripts in the peers' Python. What it took it tells itself, so that the start
    of Python and the import of the library, which are no part of the job, do not count."""
    run, printed = run_process([python, script, *arguments], subprocess.PIPE)
    told = json.loads(printed)
    return Run(told["cpu"], told["wall"], run.peak_bytes, told["answer"])


def measure(contestants: Sequence[Contestant], rounds: int) -> dict[str, Series]:
    """Lets all run in turn, round by round, so that what else the machine does hits all alike;
    another one begins each round. All answers must be one."""
    series = {contestant.name: Series() for contestant in contestants}
    agreed: Answer | None = None
    for turn in range(rounds):
        first = turn % len(contestants)
        for contestant in [*contestants[first:], *contestants[:first]]:
            run = contestant.run()
            series[contestant.name].runs.append(run)
            if run.answer is not None:
                agreed = agreed or run.answer
                expect_same(contestant.name, run.answer, agreed)
            print(f"    {contestant.name}: {run.cpu:.2f} s CPU, {run.wall:.2f} s", file=sys.stderr)
    return series


def expect_same(name: str, answer: Answer, agreed: Answer) -> None:
    different = [key for key in agreed if answer[key] != agreed[key]]
    if different:
        raise AnswersDifferError(f"{name} answers otherwise: {', '.join(different)}")
    if not agreed["policies"]:
        raise AnswersDifferError("nobody is blocked: too few records to compare answers")
