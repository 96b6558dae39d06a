"""The question that every tool answers, and how its time is taken.

The answer: how many records there are, how many of them are a partner's sign-ins, how many of
those Conditional Access blocked, and how many each policy of each customer blocked. A sign-in is a
partner's if its home tenant is on the list or if it came in as a service provider. It is blocked
if it did not succeed, its error code is no mere interruption, and a policy has the result failure.
Those are the program's own rules (src/relation.rs, src/attribution.rs) as far as plain generated
data need them.

A job prints one line of JSON: its CPU and wall seconds, without the start of Python and the import
of the library, and the answer.
"""

import csv
import json
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ERROR_CODES = Path(__file__).resolve().parents[3] / "data" / "error_codes.csv"

Answer = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """Where the exports lie, who the partners are, and which codes only interrupt a sign-in."""

    folder: Path
    partners: list[str]
    interrupts_interactive: list[int]
    interrupts_other: list[int]

    @classmethod
    def about(cls, folder: Path) -> "Question":
        with (folder / "partners.csv").open(newline="") as file:
            partners = [row["tenant_id"] for row in csv.DictReader(file)]
        with ERROR_CODES.open(newline="", encoding="utf-8") as file:
            codes = list(csv.DictReader(file))
        return cls(
            folder,
            partners,
            [int(code["code"]) for code in codes if code["kind"] == "interrupt"],
            [int(code["code"]) for code in codes if code["kind_noninteractive"] == "interrupt"],
        )

    def files(self) -> list[str]:
        """The exports, in a fixed order."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if path.name != "partners.csv")


def answer_of(
    records: int, partner: int, blocked: int, policies: Iterable[tuple[str, str, str, int]]
) -> Answer:
    """An answer in the form in which two of them are compared."""
    return {
        "records": records,
        "partner_sign_ins": partner,
        "blocked_sign_ins": blocked,
        "policies": sorted(list(policy) for policy in policies),
    }


def cpu_seconds() -> float:
    """User and system time of this process and all its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def report(job: Callable[[], Answer | None]) -> None:
    """Does the job and prints what it took and what it answers."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    answer = job()
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    print(json.dumps({"cpu": cpu, "wall": wall, "answer": answer}))
