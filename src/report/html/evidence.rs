//! How far all this can be trusted: notices, how to export again, the files with their hashes, the
//! ledger, and how the page was made.

use maud::{Markup, html};

use super::super::missing_logs::next_exports;
use super::super::{export_again, sentences, words};
use super::Page;
use super::draw::{more, say, say_short, section, table, tell};
use crate::dataset::Custody;
use crate::summary::{ExportSummary, Summary};

const ROWS_MAX: usize = 100;
/// Files in the list of exports.
const FILES_MAX: usize = 300;
/// Of a path.
const PATH_COLUMNS: usize = 160;

pub(super) fn draw(page: &Page<'_>) -> Markup {
    html! {
        (evidence(page))
        (export(page))
        (files(page))
        (ledger(page))
        (made(page))
    }
}

fn evidence(page: &Page<'_>) -> Markup {
    let notices = sentences::notices(page.summary, page.facts);
    let body = html! {
        @if notices.is_empty() { p { "Nothing to notice." } }
        ul.notices { @for notice in &notices { li { (tell(notice)) } } }
    };
    section("evidence", "Evidence", &body)
}

fn export(page: &Page<'_>) -> Markup {
    let again = export_again::table(page.summary);
    let body = html! {
        @if let Some(next) = next_exports(page.summary) { p { strong { (tell(&next)) } } }
        @if again.rows.is_empty() {
            p { "The logs show all that they can." }
        } @else {
            (table("What the logs do not show, and how to export again", &again, ROWS_MAX))
        }
    };
    section("export", "How to export again", &body)
}

fn files(page: &Page<'_>) -> Markup {
    let exports = &page.summary.exports;
    let shown = &exports[..exports.len().min(FILES_MAX)];
    let body = html! {
        @if exports.is_empty() {
            p { "No export." }
        } @else {
            div.scroll role="region" aria-label="Exports" tabindex="0" {
                table.files {
                    caption { "The exports (from, to: UTC); SHA-256 of the file as it was read" }
                    thead {
                        tr {
                            th scope="col" { "file" }
                            th scope="col" { "kind of export" }
                            th.n scope="col" { "records" }
                            th.n scope="col" { "partners'" }
                            th.n scope="col" { "unreadable" }
                            th scope="col" { "from" }
                            th scope="col" { "to" }
                        }
                    }
                    @for export in shown { (file(export, without_hash(page.summary))) }
                }
            }
            (more(exports.len() - shown.len(), "files"))
        }
    };
    section("files", "Files and hashes", &body)
}

/// In the place of a hash.
fn without_hash(summary: &Summary) -> &'static str {
    if summary.is_redacted { "hash left out" } else { "no hash was taken" }
}

fn file(export: &ExportSummary, without_hash: &str) -> Markup {
    let spots: Vec<&str> =
        export.blind_spots.iter().map(|spot| words::blind_spot_words(spot)).collect();
    html! {
        tbody {
            tr {
                th scope="row" { (say_short(&export.path, PATH_COLUMNS)) }
                td { (say(export.dialect.as_deref().unwrap_or_default())) }
                td.n { (words::number(export.records)) }
                td.n { (words::number(export.partner)) }
                td.n { (words::number(export.rejected)) }
                td.w { (export.first_at.map(words::full_moment).unwrap_or_default()) }
                td.w { (export.last_at.map(words::full_moment).unwrap_or_default()) }
            }
            tr.hash {
                td colspan="7" {
                    code { (say(export.sha256.as_deref().unwrap_or(without_hash))) }
                    @if !spots.is_empty() { " Cannot show: " (say(&spots.join(", "))) "." }
                }
            }
        }
    }
}

fn ledger(page: &Page<'_>) -> Markup {
    let ledger = page.summary.ledger;
    let lines = [
        ("sign-ins of partners and other providers, in the dataset", ledger.partner, true),
        ("other records", ledger.other, true),
        ("double", ledger.duplicate, true),
        ("unreadable", ledger.rejected, true),
        ("removed on request", ledger.removed, ledger.removed > 0),
    ];
    let body = html! {
        @if ledger.exports == 0 {
            p { "The ledger is that of the whole dataset; this page tells of less." }
        } @else {
            p {
                @if ledger.balances() {
                    "Every record is accounted for."
                } @else {
                    strong { "The records do not add up: this report cannot be trusted." }
                }
            }
            div.scroll role="region" aria-label="Ledger" tabindex="0" {
                table.ledger {
                    caption { "Where every record went" }
                    tbody {
                        @for (what, count, is_shown) in lines {
                            @if is_shown { tr { th scope="row" { (what) } td.n { (words::number(count)) } } }
                        }
                        tr.sum {
                            @let exports = words::counted(ledger.exports, "export", "exports");
                            th scope="row" { "records in " (exports) }
                            td.n { (words::number(ledger.records)) }
                        }
                    }
                }
            }
            @if ledger.undecided > 0 {
                p.note {
                    (words::number(ledger.undecided))
                    " of the other records do not say whose they are."
                }
            }
        }
    };
    section("ledger", "Ledger", &body)
}

fn made(page: &Page<'_>) -> Markup {
    let facts = page.facts;
    let body = html! {
        dl.made {
            dt { "Made by" }
            dd { "tenantsweep " (say(&facts.tool_version)) }
            @if !facts.input.is_empty() { dt { "From" } dd { (tell(&facts.input)) } }
            @if facts.files > 0 { dt { "Read" } dd { (words::work(facts)) } }
            @if facts.custody != Custody::default() {
                dt { "For" }
                @for line in words::custody(&facts.custody) { dd { (say(&line)) } }
            }
            dt { "Blocked now" }
            dd {
                "of the routes (account, app, resource) tried in the last 14 days of a customer's evidence, \
                 those of a tool, or of all accounts, were refused by a policy at their newest try."
            }
            dt { "Getting in" }
            dd { "the newest tries succeeded, in a log that could have shown a block." }
            dt { "A try" }
            dd {
                "sign-ins of one route with one correlation id, each within 10 minutes of the one before; \
                 tools that come again inflate tries."
            }
            dt { "Would let through" }
            dd {
                "what these logs show; never a promise. A policy in report-only mode, or one that no try \
                 has reached yet, may come next."
            }
            dt { "This page" }
            dd {
                "holds no script and fetches nothing. Texts out of logs are shown as they are; what cannot \
                 be seen, or turns the direction of reading, is shown as its code point, such as \\u{202e}."
            }
        }
    };
    section("made", "How this was made", &body)
}
