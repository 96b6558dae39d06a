"""From results.json to RESULTS.md: the part between the markers, and the pictures beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from curves import Curve, picture

BEGIN, END = "<!-- BEGIN: peers -->", "<!-- END: peers -->"
MIB = 1 << 20
PREFACE = """\
Every tool answers the same question on the same generated files: whose sign-ins are a partner's, \
and how many of them each policy of each customer blocked. The answers are compared, and a run in \
which two differ ends there. tenantsweep does more in its time: it also writes the dataset, every \
column of each partner sign-in, the ledger of all records, the summary and the reports, and syncs \
them to disk. DuckDB and Polars get a schema that names what the answer needs and nothing else; \
their start, and the import into Python, is not counted, while tenantsweep is measured from its \
start to its end. All tools may use all cores unless a row says otherwise. CPU is user and system \
time of all threads; memory is the peak of resident memory, with Python's own some 20 MiB in it \
where a tool runs in Python. Files lie in the page cache. In each round every tool runs once, and \
each round begins with another."""


def render(results: dict[str, Any]) -> str:
    """All of it as Markdown."""
    parts = [PREFACE, setting(results), goal_table(results["rows"])]
    parts.extend(section(row) for row in results["rows"].values() if row["series"])
    if results["curves"]:
        parts.append(curve_list(results["curves"]))
    return "\n\n".join(parts)


def splice(page: str, part: str) -> str:
    """The page with the part between its markers; at its end, if it has none."""
    if BEGIN not in page:
        page = f"{page.rstrip()}\n\n## Beside DuckDB and Polars\n\n{BEGIN}\n{END}\n"
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{part}\n{END}{after}"


def setting(results: dict[str, Any]) -> str:
    machine, plan = results["machine"], results["plan"]
    versions = " · ".join(f"{name} {version}" for name, version in results["versions"].items())
    place = f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}"
    return (
        f"Measured {results['measured']} on {place}, {machine['system']}. {versions}. "
        f"Data of seed {plan['seed']}, scale {plan['scale']:g} (1 is a GB a row), "
        f"{plan['partner_share']:.0%} partner sign-ins, {plan['policies']} policies a record; "
        f"medians of {plan['rounds']} runs (least–most)."
    )


def goal_table(rows: dict[str, Any]) -> str:
    lines = ["| work | goal | measured | |", "|---|---|---|---|"]
    for row in rows.values():
        for number, goal in enumerate(row["goals"]):
            title = row["title"] if number == 0 else ""
            verdict = "reached" if goal["is_reached"] else "**short**"
            lines.append(f"| {title} | {goal['goal']} | {goal['reached']} | {verdict} |")
    lines.append("| Clean release build, two cores | ≤ 12 minutes | measured by hand, above | |")
    return "\n".join(lines)


def section(row: dict[str, Any]) -> str:
    lines = [f"### {row['title']}", "", f"{row['data']}.", ""]
    lines += ["| | CPU, s | wall, s | peak memory, MiB |", "|---|---|---|---|"]
    for name, series in row["series"].items():
        figures = " | ".join(
            [spread(series["cpu"]), spread(series["wall"]), spread(series["peak_bytes"], MIB)]
        )
        lines.append(f"| {name} | {figures} |")
    for note in row["notes"]:
        lines += ["", note]
    return "\n".join(lines)


def spread(values: dict[str, Any], unit: int = 1) -> str:
    """Median, least and most."""
    digits = 0 if unit > 1 else 2
    median, least, most = (values[key] / unit for key in ("median", "least", "most"))
    return f"{median:.{digits}f} ({least:.{digits}f}–{most:.{digits}f})"


def curve_list(curves: dict[str, Any]) -> str:
    lines = ["### How the cost grows", "", "tenantsweep alone, medians, all cores."]
    for key, curve in curves.items():
        lines += ["", f"By {curve['title']} ({curve['held']}):", ""]
        lines.append(f"![Cost by {curve['title']}](pictures/{key}.svg)")
    return "\n".join(lines)


def pictures(curves: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """File names and their contents."""
    for key, curve in curves.items():
        yield f"{key}.svg", picture(Curve(**curve))


def write(results: dict[str, Any], page: Path, folder: Path) -> None:
    page.write_text(splice(page.read_text(), render(results)))
    for name, text in pictures(results["curves"]):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
