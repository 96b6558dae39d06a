"""The question in DuckDB:  duckdb_job.py SHAPE FOLDER [THREADS]

Shapes: `lines`, `array`, `pages` and `csv` with the schema spelled out; `lines-lazy`, `array-lazy`
and `pages-lazy` leave the policies as JSON and parse those of stopped partner sign-ins only, which
is DuckDB at its best; `dataset` and `tables` read what tenantsweep wrote.

`records = true` matters: without it DuckDB looks at the records first to decide whether they are
objects, which takes ten times as long as reading them.
"""

import csv
import json
import sys
from pathlib import Path

import duckdb
from question import Answer, Question, answer_of, report

POLICIES = "STRUCT(id VARCHAR, displayName VARCHAR, result VARCHAR)[]"
# The same for json_transform.
POLICIES_OF_TEXT = json.dumps([{"id": "VARCHAR", "displayName": "VARCHAR", "result": "VARCHAR"}])
FIELDS = {
    "homeTenantId": "VARCHAR",
    "resourceTenantId": "VARCHAR",
    "crossTenantAccessType": "VARCHAR",
    "isInteractive": "BOOLEAN",
    "status": "STRUCT(errorCode INTEGER)",
    "appliedConditionalAccessPolicies": POLICIES,
}
# The longest JSON object, by which DuckDB sizes its buffers: a quarter of its default is more than
# any record needs and makes it a fifth faster. A page is one object, and 1,000 records exceed the
# default.
RECORD_BYTES = 4 << 20
PAGE_BYTES = 64 << 20


def text(value: str) -> str:
    """A literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def columns_of(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f"{text(name)}: {text(of)}" for name, of in fields.items()) + "}"


def struct_of(fields: dict[str, str]) -> str:
    return "STRUCT(" + ", ".join(f"{name} {of}" for name, of in fields.items()) + ")"


def read_json(question: Question, layout: str, columns: str, limit: int = RECORD_BYTES) -> str:
    files = text(f"{question.folder}/**/*.json*")
    return (
        f"read_json({files}, format = '{layout}', records = true, hive_partitioning = false, "
        f"maximum_object_size = {limit}, columns = {columns})"
    )


def source(question: Question, shape: str, lazy: bool) -> str:
    """The records of one shape as rows with the columns tenant, home, access, interactive, code
    and policies."""
    fields = FIELDS | ({"appliedConditionalAccessPolicies": "JSON"} if lazy else {})
    if shape == "lines":
        prefix = "properties."
        columns = columns_of({"properties": struct_of(fields)})
        table = read_json(question, "newline_delimited", columns)
    elif shape == "array":
        prefix = ""
        table = read_json(question, "array", columns_of(fields))
    elif shape == "pages":
        prefix = "record."
        columns = columns_of({"value": struct_of(fields) + "[]"})
        pages = read_json(question, "unstructured", columns, PAGE_BYTES)
        table = f"(SELECT unnest(value) AS record FROM {pages})"
    elif shape == "csv":
        return source_of_csv(question)
    else:
        raise SystemExit(f"no such shape: {shape}")
    return f"""
        SELECT {prefix}resourceTenantId AS tenant, {prefix}homeTenantId AS home,
               {prefix}crossTenantAccessType AS access, {prefix}isInteractive AS interactive,
               {prefix}status.errorCode AS code,
               {prefix}appliedConditionalAccessPolicies AS policies
        FROM {table}"""


def source_of_csv(question: Question) -> str:
    """All columns named, since a CSV has them by position; cells of JSON stay text."""
    files = question.files()
    with open(files[0], newline="", encoding="utf-8-sig") as file:
        names = next(csv.reader(file))
    columns = columns_of({name: "VARCHAR" for name in names})
    listed = "[" + ", ".join(text(file) for file in files) + "]"
    return f"""
        SELECT ResourceTenantId AS tenant, HomeTenantId AS home, CrossTenantAccessType AS access,
               IsInteractive::BOOLEAN AS interactive, ResultType::INTEGER AS code,
               ConditionalAccessPolicies AS policies
        FROM read_csv({listed}, header = true, auto_detect = false, delim = ',', quote = '"',
                      escape = '"', max_line_size = {RECORD_BYTES}, columns = {columns})"""


def ask(connection: duckdb.DuckDBPyConnection, question: Question, shape: str) -> Answer:
    """One pass over the files; the policies are looked at where a partner was stopped."""
    base, _, lazy = shape.partition("-")
    listed = ", ".join(text(partner) for partner in question.partners)
    is_text = bool(lazy) or base == "csv"
    policies = f"json_transform(policies, {text(POLICIES_OF_TEXT)})" if is_text else "policies"
    failing = f"list_filter({policies}, lambda policy: policy.result = 'failure')"
    rows = connection.execute(f"""
        WITH judged AS (
            SELECT tenant, policies,
                   coalesce(home IN ({listed}) OR access = 'serviceProvider', false) AS partner,
                   code <> 0 AND NOT CASE
                       WHEN interactive THEN code IN {tuple(question.interrupts_interactive)}
                       ELSE code IN {tuple(question.interrupts_other)} END AS stopped
            FROM ({source(question, base, bool(lazy))})
        ),
        sign_ins AS MATERIALIZED (
            SELECT partner, tenant,
                   CASE WHEN partner AND stopped THEN nullif({failing}, []) END AS failing
            FROM judged
        )
        SELECT NULL, NULL, NULL, count(*), count(*) FILTER (partner), count(failing) FROM sign_ins
        UNION ALL
        SELECT tenant, policy.id, policy.displayName, count(*), NULL, NULL
        FROM (SELECT tenant, unnest(failing) AS policy FROM sign_ins WHERE failing IS NOT NULL)
        GROUP BY ALL""").fetchall()
    (totals,) = [row for row in rows if row[4] is not None]
    return answer_of(totals[3], totals[4], totals[5], [row[:4] for row in rows if row[4] is None])


def ask_dataset(connection: duckdb.DuckDBPyConnection, out: Path) -> Answer:
    """tenantsweep's own answer: its Parquet files, which must say what its summary says. Apps of
    a partner, which the question leaves out, are left out."""
    summary = json.loads((out / "summary.json").read_text())
    sign_ins = text(f"{out}/dataset/sign_ins/**/*.parquet")
    policies = text(f"{out}/dataset/applied_policies/**/*.parquet")
    partner, apps, blocked = connection.execute(f"""
        SELECT count(*) FILTER (partner_match <> 'app_owner'),
               count(*) FILTER (partner_match = 'app_owner'), count(*) FILTER (verdict = 'blocked')
        FROM {sign_ins}""").fetchone() or (0, 0, 0)
    by_policy = connection.execute(f"""
        SELECT child_tenant_id, policy_id, policy_name, count(*)
        FROM {policies} WHERE blocks GROUP BY ALL""").fetchall()
    totals = summary["totals"]
    told = {(row["child_tenant_id"], row["policy_id"]): row for row in summary["policies"]}
    assert (partner + apps, blocked) == (totals["partner"], totals["blocked"]), totals
    for tenant, policy, _, count in by_policy:
        assert told[tenant, policy]["blocked_sign_ins"] == count, (tenant, policy, count)
    return answer_of(totals["records"], partner, blocked, by_policy)


def aggregate(connection: duckdb.DuckDBPyConnection, out: Path) -> None:
    """The basic figures of a report, from the same Parquet files."""
    sign_ins = text(f"{out}/dataset/sign_ins/**/*.parquet")
    policies = text(f"{out}/dataset/applied_policies/**/*.parquet")
    for query in (
        f"SELECT verdict, count(*) FROM {sign_ins} GROUP BY ALL",
        f"""SELECT child_tenant_id, partner_tenant_id, verdict, count(*), min(created_at),
                   max(created_at) FROM {sign_ins} GROUP BY ALL""",
        f"""SELECT child_tenant_id, policy_id, any_value(policy_name), count(*) FILTER (blocks),
                   count(*) FILTER (would_block) FROM {policies} GROUP BY ALL""",
        f"SELECT error_code, cause, count(*) FROM {sign_ins} WHERE flagged GROUP BY ALL",
    ):
        connection.execute(query).fetchall()


def main() -> None:
    shape, folder = sys.argv[1], Path(sys.argv[2])
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    if len(sys.argv) > 3:
        connection.execute(f"SET threads = {int(sys.argv[3])}")
    if shape == "dataset":
        report(lambda: ask_dataset(connection, folder))
    elif shape == "tables":
        report(lambda: aggregate(connection, folder))
    else:
        question = Question.about(folder)
        report(lambda: ask(connection, question, shape))


main()
