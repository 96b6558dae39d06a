"""The rows of the issue's table of goals: for each the data, the contestants and the goals."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import goals
from data import Dataset, Recipe, Store
from goals import Judgement
from measure import Contestant, Series, measure
from tools import SAMPLE_LOGS, Bench, Job, Report, Sweep, SweepAgain

GB = 1e9
# The two ways to sweep, by the names that Bench.sweep gives them.
HASHED, UNHASHED = "tenantsweep", "tenantsweep --no-hash"
DUCKDB, DUCKDB_LAZY = "DuckDB", "DuckDB, policies parsed only where needed"


@dataclass(frozen=True)
class Plan:
    """How much is measured, and on which data."""

    bench: Bench
    store: Store
    # Of a GB.
    scale: float
    rounds: int
    seed: int
    partner_share: float
    policies: str

    def recipe(self, kind: str, **changes: object) -> Recipe:
        """The plan's data in one kind of export: at scale 1 so much that by chance, too, it is
        hardly ever less than a GB."""
        recipe = Recipe(
            kind, 0, partner_share=self.partner_share, policies=self.policies, seed=self.seed
        )
        return replace(recipe.sized(1.25 * GB * self.scale), **changes)  # type: ignore[arg-type]

    def data(self, kind: str, **changes: object) -> Dataset:
        return self.store.estate(self.recipe(kind, **changes))


@dataclass
class Section:
    """What a row has measured."""

    title: str
    data: str
    series: dict[str, Series]
    goals: list[Judgement]
    notes: list[str] = field(default_factory=list)


def contest(plan: Plan, data: Dataset, contestants: Sequence[Contestant]) -> dict[str, Series]:
    """All of them on the same files, which lie in the page cache."""
    data.warm()
    return measure(contestants, plan.rounds)


def facts(data: Dataset) -> str:
    count, size = len(data.files), data.size
    files = "1 file" if count == 1 else f"{count:,} files"
    return f"{files}, {size / GB:.2f} GB" if size >= GB / 10 else f"{files}, {size / 1e6:.0f} MB"


def json_lines(plan: Plan) -> Section:
    data, bench = plan.data("DiagnosticLines"), plan.bench
    counting, sha256 = bench.counting_lines(data), bench.sha256(data)
    series = contest(
        plan,
        data,
        [
            bench.sweep(data, "--no-hash"),
            bench.sweep(data),
            bench.duckdb("lines", data),
            bench.duckdb("lines-lazy", data),
            bench.polars("lines", data),
            counting,
            sha256,
        ],
    )
    judgements = [
        goals.times_less(series, UNHASHED, DUCKDB, 6),
        goals.times_less(series, UNHASHED, "Polars", 15),
        goals.at_most_times(series, UNHASHED, counting.name, 2, "cpu"),
        goals.times_less(series, HASHED, DUCKDB, 2.5),
        goals.at_most_times(series, HASHED, sha256.name, 1.2, "wall"),
    ]
    return Section("JSON lines (diagnostic settings)", facts(data), series, judgements)


def against_duckdb(
    plan: Plan, title: str, data: Dataset, shape: str, unhashed: float, hashed: float
) -> Section:
    """Both ways to sweep against DuckDB, in CPU; Polars beside them."""
    bench = plan.bench
    peers: list[Contestant] = [bench.duckdb(shape, data), bench.polars(shape, data)]
    if shape != "csv":
        peers.insert(1, bench.duckdb(f"{shape}-lazy", data))
    series = contest(plan, data, [bench.sweep(data, "--no-hash"), bench.sweep(data), *peers])
    judgements = [
        goals.times_less(series, UNHASHED, DUCKDB, unhashed),
        goals.times_less(series, HASHED, DUCKDB, hashed),
    ]
    return Section(title, facts(data), series, judgements)


def arrays(plan: Plan) -> Section:
    return against_duckdb(
        plan, "Top-level arrays (portal JSON)", plan.data("PortalJson"), "array", 6, 2.5
    )


def pages(plan: Plan) -> Section:
    data = plan.data("GraphBetaPage")
    section = against_duckdb(plan, 'Pages `{"value": […]}` (Graph beta)', data, "pages", 6, 2.5)
    section.notes.append(
        "A page holds 1,000 records at most. DuckDB reads a page as one object, which its default "
        "limit of 16 MiB refuses for the largest: it was given `maximum_object_size` of 64 MiB."
    )
    return section


def log_analytics(plan: Plan) -> Section:
    data = plan.data("LogAnalyticsCsv")
    section = against_duckdb(
        plan, "Log Analytics CSV, policies as JSON in cells", data, "csv", 3, 2
    )
    section.notes.append("DuckDB and Polars parse the policies of stopped partner sign-ins only.")
    return section


def all_partner(plan: Plan, technicians: int) -> Section:
    data = plan.data("DiagnosticLines", partner_share=1.0, technicians=technicians)
    title = f"100 % partner sign-ins (JSON lines), {who(technicians)}"
    return against_duckdb(plan, title, data, "lines", 1.5, 1.1)


def who(technicians: int) -> str:
    return f"{technicians} accounts a provider" if technicians else "every sign-in a new account"


def compressed(plan: Plan, extension: str, in_one_file: bool) -> Section:
    """Against decompressing alone, which may use all cores as well."""
    bench, name = plan.bench, {"gz": "gzip", "zst": "zstd"}[extension]
    if in_one_file:
        lines = plan.store.joined(plan.data("DiagnosticLines", tenants=1), "joined")
    else:
        lines = plan.data("DiagnosticLines")
    data = plan.store.packed(lines, extension)
    alone = bench.unpacking(extension, data)
    sweeps = [bench.sweep(data, "--no-hash"), bench.sweep(data)]
    series = contest(plan, data, [*sweeps, bench.duckdb("lines", data), alone])
    judgements = [
        goals.at_most_times(series, sweep.name, alone.name, 1.2, "wall") for sweep in sweeps
    ]
    title = f"{name}, {'one file' if in_one_file else 'many files'} of JSON lines"
    return Section(title, f"{facts(data)} packed, {lines.size / GB:.2f} GB", series, judgements)


def small_files(plan: Plan) -> Section:
    data, bench = small_estate(plan), plan.bench
    quarter = plan.store.first(data, len(data.files) // 4)
    part = bench.sweep(quarter, "--no-hash", name="tenantsweep --no-hash, a quarter of the files")
    part = replace(part, answers=False)
    series = contest(
        plan,
        data,
        [
            bench.sweep(data, "--no-hash"),
            bench.sweep(data),
            part,
            bench.duckdb("lines", data),
            bench.polars("lines", data),
        ],
    )
    growth = series[UNHASHED].median("cpu") / series[part.name].median("cpu")
    growth *= len(quarter.files) / len(data.files)
    judgements = [
        goals.times_less(series, UNHASHED, DUCKDB, 5),
        goals.times_less(series, HASHED, DUCKDB, 2.5),
        Judgement(
            "linear: CPU for a file ≤ 1.1 × that with a quarter of the files",
            f"{growth:.2f} ×",
            growth <= 1.1,
        ),
    ]
    return Section("Many files of 100 KiB (JSON lines)", facts(data), series, judgements)


def small_estate(plan: Plan) -> Dataset:
    """10,000 files of 100 KiB at scale 1, about: 50 tenants with a file an hour and stream."""
    recipe = plan.recipe("DiagnosticLines").sized(GB * plan.scale)
    return plan.store.estate(replace(recipe, tenants=50, days=14, records_per_file=12))


def one_file(plan: Plan) -> Section:
    data = plan.store.joined(plan.data("DiagnosticLines", tenants=1), "joined")
    bench, cores = plan.bench, os.cpu_count() or 1
    threads = [
        replace(bench.sweep(data, *flags, "--threads", str(count)), answers=False)
        for flags in (("--no-hash",), ())
        for count in (1, cores)
    ]
    series = contest(plan, data, threads)
    judgements = []
    for single, full in (threads[:2], threads[2:]):
        busy = series[full.name].median("cpu") / series[full.name].median("wall")
        faster = series[single.name].median("wall") / series[full.name].median("wall")
        judgements.append(
            Judgement(
                f"{full.name}: all cores (≥ 0.8 of {cores} busy throughout)",
                f"{busy:.2f} busy, {faster:.2f} × one thread",
                busy >= 0.8 * cores,
            )
        )
    return Section("One big file of JSON lines", facts(data), series, judgements)


def one_array(plan: Plan) -> Section:
    # Four fifths of a tenant's sign-ins are in the larger of its two files.
    recipe = plan.recipe("PortalJson", tenants=1, records_per_file=10**9)
    data = plan.store.largest(
        plan.store.estate(replace(recipe, records=round(recipe.records * 1.25)))
    )
    bench, framing = plan.bench, plan.bench.framing(data)
    sweeps = [bench.sweep(data, "--no-hash"), bench.sweep(data)]
    series = contest(plan, data, [*sweeps, framing])
    judgements = [goals.at_most_times(series, UNHASHED, framing.name, 1.1, "wall")]
    note = "Framing alone: reads the file and runs the program's own framer, on one thread."
    return Section("One big array", facts(data), series, judgements, [note])


def memory(plan: Plan) -> Section:
    series: dict[str, Series] = {}
    judgements, sizes = [], []
    for times in (1, 10, 100):
        recipe = plan.recipe("DiagnosticLines").sized(GB / 10 * times * plan.scale)
        data = plan.store.estate(recipe)
        name = f"tenantsweep --threads 2, {times} ×"
        sweep = replace(plan.bench.sweep(data, "--threads", "2", name=name), answers=False)
        series |= contest(plan, data, [sweep])
        judgements.append(goals.memory(series, name, 256))
        sizes.append(facts(data))
        if times == 100:
            plan.store.remove(data)
    peaks = [max(one.values("peak_bytes")) for one in series.values()]
    growth = peaks[2] / peaks[1]
    judgements.append(
        Judgement("flat: 100 × ≤ 1.1 × the peak of 10 ×", f"{growth:.2f} ×", growth <= 1.1)
    )
    return Section("Memory: 1, 10 and 100 times the input", "; ".join(sizes), series, judgements)


def quick_ends(plan: Plan) -> Section:
    """Where next to nothing is to be done."""
    bench, known = plan.bench, small_estate(plan)
    sample = Sweep(
        "tenantsweep sweep sample-logs",
        bench.programs,
        SAMPLE_LOGS,
        bench.scratch / "sample",
        answers=False,
    )
    first = replace(bench.sweep(known), out=bench.scratch / "known", answers=False)
    again = SweepAgain(f"again, {len(known.files):,} known files", first)
    shutil.rmtree(first.out, ignore_errors=True)
    first.run_once()
    series = contest(plan, known, [sample, again])
    judgements = [
        goals.seconds(series, sample.name, 0.5),
        goals.seconds(series, again.name, 1),
    ]
    return Section("Quick ends", f"sample-logs; {facts(known)}", series, judgements)


def report(plan: Plan, millions: int, technicians: int) -> Section:
    """From a dataset whose exports are not needed any more."""
    rows = round(millions * 1_000_000 * plan.scale)
    recipe = Recipe(
        "DiagnosticLines",
        rows,
        partner_share=1.0,
        policies="3..5",
        tenants=200,
        technicians=technicians,
        seed=plan.seed,
    )
    out, bench = plan.store.swept(recipe), plan.bench
    own = Report("tenantsweep report", bench.programs, out)
    tables = ("tables", out)
    duckdb = Job("DuckDB, basic figures", bench.programs.python, "duckdb_job.py", tables)
    series = contest(plan, Dataset(out), [own, duckdb])
    note = (
        "DuckDB counts by verdict, by customer, by policy and by error code over the same Parquet "
        "files; tenantsweep also follows every route from try to try."
    )
    return Section(
        f"Report over {rows / 1e6:g} million partner rows, {who(technicians)}",
        facts(Dataset(out)),
        series,
        [goals.seconds(series, own.name, 2)],
        [note],
    )


def size(plan: Plan) -> Section:
    """Of the program as it is built for release, which strips it."""
    bytes_ = plan.bench.programs.tenantsweep.stat().st_size
    judgements = [Judgement("stripped binary: ≤ 60 MB", f"{bytes_ / 1e6:.1f} MB", bytes_ <= 60e6)]
    return Section("Size of the program", "", {}, judgements)


ROWS: dict[str, Callable[[Plan], Section]] = {
    "lines": json_lines,
    "arrays": arrays,
    "pages": pages,
    "csv": log_analytics,
    "all-partner": lambda plan: all_partner(plan, 40),
    "all-partner-accounts": lambda plan: all_partner(plan, 0),
    "gzip": lambda plan: compressed(plan, "gz", False),
    "gzip-one": lambda plan: compressed(plan, "gz", True),
    "zstd": lambda plan: compressed(plan, "zst", False),
    "zstd-one": lambda plan: compressed(plan, "zst", True),
    "small-files": small_files,
    "one-file": one_file,
    "one-array": one_array,
    "memory": memory,
    "quick-ends": quick_ends,
    "report": lambda plan: report(plan, 1, 40),
    "report-accounts": lambda plan: report(plan, 1, 0),
    "report-10m": lambda plan: report(plan, 10, 40),
    "size": size,
}
# Takes some 40 GB of disk and a quarter of an hour: only when asked for by name.
ONLY_BY_NAME = {"report-10m"}
