//! Exports as CSV: header lines, quoting, and the rows of every kind.

use std::ops::Range;

use super::Kind;
use super::shapes::Draft;
use super::table::Value;
use super::{analyzer, cipp, defender, log_analytics, portal_csv, power_shell, time};

/// The columns of a file under the names that its cells are asked by. A raw export of CIPP has
/// columns for as many policies as each record lists.
pub fn columns(kind: Kind, policies: usize) -> Vec<String> {
    match kind {
        Kind::LogAnalyticsCsv | Kind::InvokeCsv => {
            log_analytics::COLUMNS.iter().map(|column| column.name.to_string()).collect()
        }
        Kind::DefenderCsv => defender::COLUMNS.iter().map(|column| column.name.into()).collect(),
        Kind::AnalyzerCsv => analyzer::COLUMNS.map(String::from).to_vec(),
        Kind::PowerShellCsv => power_shell::COLUMNS.map(String::from).to_vec(),
        Kind::CippCsv => cipp::report_columns(),
        Kind::CippRawCsv => cipp::raw_columns(policies),
        _ => portal_csv::columns(kind).into_iter().map(String::from).collect(),
    }
}

/// The lines before the first row.
pub fn head(kind: Kind, columns: &[String], variant: u64, line_end: &str) -> Vec<u8> {
    let type_line = match kind {
        _ if variant.is_multiple_of(2) => None,
        Kind::PowerShellCsv => {
            Some("#TYPE Microsoft.Graph.Beta.PowerShell.Models.MicrosoftGraphSignIn")
        }
        Kind::InvokeCsv => Some("#TYPE System.Management.Automation.PSCustomObject"),
        _ => None,
    };
    let mut out =
        type_line.map(|line| format!("{line}{line_end}").into_bytes()).unwrap_or_default();
    let names = columns.iter().enumerate().map(|(at, name)| shown_name(kind, at, name));
    for (at, name) in names.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        quote_into(&mut out, &name, quotes_headers(kind));
    }
    out.extend_from_slice(line_end.as_bytes());
    out
}

/// The name of a column in the file.
fn shown_name(kind: Kind, at: usize, name: &str) -> String {
    match (kind, name) {
        (Kind::LogAnalyticsCsv, "TimeGenerated" | "CreatedDateTime") => format!("{name} [UTC]"),
        (Kind::PortalCsvGerman, _) => portal_csv::GERMAN[at].into(),
        (Kind::PortalCsvJapanese, _) => portal_csv::JAPANESE[at].into(),
        _ => name.into(),
    }
}

/// PowerShell quotes everything, and the portal of 2024 its headers.
fn quotes_headers(kind: Kind) -> bool {
    kind == Kind::PortalCsv2024 || quotes_cells(kind)
}

fn quotes_cells(kind: Kind) -> bool {
    matches!(kind, Kind::InvokeCsv | Kind::AnalyzerCsv | Kind::PowerShellCsv | Kind::CippCsv)
}

/// Appends a row without its end; answers where a text stands that damage may touch.
pub fn row(
    out: &mut Vec<u8>,
    columns: &[String],
    draft: Draft,
    kind: Kind,
) -> Option<Range<usize>> {
    let mut soft = None;
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let start = out.len();
        let value = value(column, draft, kind);
        let is_soft = matches!(value, Value::Soft(_));
        quote_into(out, &value.into_cell(clock(kind)), quotes_cells(kind));
        if is_soft {
            soft = Some(start..out.len());
        }
    }
    soft
}

fn value(column: &str, draft: Draft, kind: Kind) -> Value {
    match kind {
        Kind::LogAnalyticsCsv | Kind::InvokeCsv => log_analytics::value(column, draft),
        Kind::DefenderCsv => defender::value(column, draft),
        Kind::AnalyzerCsv => analyzer::value(column, draft),
        Kind::PowerShellCsv => power_shell::value(column, draft),
        Kind::CippCsv => cipp::report_value(column, draft),
        Kind::CippRawCsv => cipp::raw_value(column, draft),
        _ => portal_csv::value(column, draft.sign_in, kind),
    }
}

fn clock(kind: Kind) -> fn(i64) -> String {
    match kind {
        Kind::LogAnalyticsCsv => time::american_with_milliseconds,
        _ => |moment| time::monitor(moment, "Z"),
    }
}

fn quote_into(out: &mut Vec<u8>, value: &str, always: bool) {
    if always || value.contains([',', '"', '\n', '\r']) {
        out.push(b'"');
        out.extend_from_slice(value.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(value.as_bytes());
    }
}
