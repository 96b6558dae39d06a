"""What is asked of a figure, and whether it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass

from measure import Series

IN_WORDS = {"cpu": "CPU", "wall": "wall", "peak_bytes": "memory"}
MIB = 1 << 20


@dataclass(frozen=True)
class Judgement:
    """One goal of the issue, beside what was measured."""

    goal: str
    reached: str
    is_reached: bool


def times_less(
    series: Mapping[str, Series], of: str, against: str, least: float, metric: str = "cpu"
) -> Judgement:
    """So many times less than another takes."""
    ratio = series[against].median(metric) / series[of].median(metric)
    goal = f"{of}: ≥ {least:g} × {against} in {IN_WORDS[metric]}"
    return Judgement(goal, f"{ratio:.2f} ×", ratio >= least)


def at_most_times(
    series: Mapping[str, Series], of: str, against: str, most: float, metric: str
) -> Judgement:
    """At most so many times what another takes."""
    ratio = series[of].median(metric) / series[against].median(metric)
    goal = f"{of}: ≤ {most:g} × {against} in {IN_WORDS[metric]}"
    return Judgement(goal, f"{ratio:.2f} ×", ratio <= most)


def seconds(series: Mapping[str, Series], of: str, most: float) -> Judgement:
    """By the clock."""
    wall = series[of].median("wall")
    return Judgement(f"{of}: ≤ {most:g} s wall", f"{wall:.2f} s", wall <= most)


def memory(series: Mapping[str, Series], of: str, most_mib: float) -> Judgement:
    """Of the run that took most."""
    peak = max(series[of].values("peak_bytes")) / MIB
    return Judgement(f"{of}: ≤ {most_mib:g} MiB", f"{peak:.0f} MiB", peak <= most_mib)
