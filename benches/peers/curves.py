"""How the cost of a sweep grows, with one thing at a time: a handful of points each."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from charts import Line, Panel, chart
from data import Dataset
from measure import measure
from rows import GB, Plan, small_estate

MIB = 1 << 20
SWEEPS = {"without SHA-256": ("--no-hash",), "with SHA-256": ()}
# A part of what the rows read: there are many points.
SHARE = 0.25


@dataclass(frozen=True)
class Curve:
    """Medians at each point."""

    title: str
    x_label: str
    # What is the same at all points.
    held: str
    xs: list[float]
    cpu: dict[str, list[float]]
    peak_mib: dict[str, list[float]]


@dataclass(frozen=True)
class Subject:
    """What one curve varies."""

    title: str
    x_label: str
    held: str
    points: Callable[[Plan], Iterator[tuple[float, Dataset]]]


def by_files(plan: Plan) -> Iterator[tuple[float, Dataset]]:
    data = small_estate(plan)
    for tenths in (1, 2, 4, 7, 10):
        count = len(data.files) * tenths // 10
        yield count, plan.store.first(data, count)


def by_bytes(plan: Plan) -> Iterator[tuple[float, Dataset]]:
    for factor in (0.1, 0.25, 0.5, 1, 2):
        recipe = plan.recipe("DiagnosticLines").sized(GB * plan.scale * factor)
        data = plan.store.estate(recipe)
        yield data.size / GB, data


def by_partner_share(plan: Plan) -> Iterator[tuple[float, Dataset]]:
    recipe = plan.recipe("DiagnosticLines").sized(GB * plan.scale * SHARE)
    for percent in (0, 5, 10, 25, 50, 100):
        yield percent, plan.store.estate(replace(recipe, partner_share=percent / 100))


def by_tenants(plan: Plan) -> Iterator[tuple[float, Dataset]]:
    recipe = plan.recipe("DiagnosticLines").sized(GB * plan.scale * SHARE)
    for tenants in (1, 25, 50, 100, 200, 400):
        yield tenants, plan.store.estate(replace(recipe, tenants=tenants))


def by_policies(plan: Plan) -> Iterator[tuple[float, Dataset]]:
    recipe = plan.recipe("DiagnosticLines").sized(GB * plan.scale * SHARE)
    for policies in (5, 10, 20, 40, 80):
        yield policies, plan.store.estate(replace(recipe, policies=str(policies)))


SUBJECTS = {
    "files": Subject("files", "files of 100 KiB", "JSON lines, 5 % partner sign-ins", by_files),
    "bytes": Subject("bytes", "GB of JSON lines", "5 % partner sign-ins", by_bytes),
    "partner-share": Subject(
        "partner share", "% partner sign-ins", "the same number of records", by_partner_share
    ),
    "tenants": Subject("tenants", "customer tenants", "the same number of records", by_tenants),
    "policies": Subject("policies", "policies a record", "the same number of records", by_policies),
}


def trace(plan: Plan, subject: Subject) -> Curve:
    """Measures every point of a curve."""
    xs: list[float] = []
    cpu: dict[str, list[float]] = {name: [] for name in SWEEPS}
    peak: dict[str, list[float]] = {name: [] for name in SWEEPS}
    for x, data in subject.points(plan):
        data.warm()
        sweeps = [
            replace(plan.bench.sweep(data, *flags, name=name), answers=False)
            for name, flags in SWEEPS.items()
        ]
        xs.append(x)
        for name, series in measure(sweeps, plan.rounds).items():
            cpu[name].append(series.median("cpu"))
            peak[name].append(series.median("peak_bytes") / MIB)
    return Curve(subject.title, subject.x_label, subject.held, xs, cpu, peak)


def picture(curve: Curve) -> str:
    """CPU and memory side by side."""
    panels = [
        Panel(title, curve.x_label, curve.xs, [Line(name, ys) for name, ys in lines.items()])
        for title, lines in (("CPU seconds", curve.cpu), ("Peak memory, MiB", curve.peak_mib))
    ]
    return chart(panels, f"Cost of a sweep by {curve.title}; {curve.held}")


def to_json(curve: Curve) -> dict[str, object]:
    return asdict(curve)
