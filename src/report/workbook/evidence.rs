//! The exports and what could not be read of them.

use super::customers::blind_spots;
use super::sheet::{Cell, Column, Sheet, count_of};
use crate::summary::{ExportSummary, ListedReject, ListedRows, Summary};

const EXPORTS: &[Column] = &[
    Column::of("file", 60.0),
    Column::of("kind of export", 20.0),
    Column::of("could show a block", 11.0),
    Column::of("cannot show", 44.0),
    Column::count("records"),
    Column::count("partners'"),
    Column::count("other"),
    Column::count("double"),
    Column::count("unreadable"),
    Column::of("unreadable (share)", 12.0),
    Column::count("half last records"),
    Column::moment("from (UTC)"),
    Column::moment("to (UTC)"),
    Column::of("size (bytes)", 16.0),
    Column::id("the log of tenant"),
    Column::of("SHA-256", 66.0),
];

/// One row for each live export, by path.
pub(super) fn exports(summary: &Summary) -> Sheet<'_> {
    Sheet {
        name: "exports",
        told: "an export that was read: what it holds and what it cannot show",
        columns: EXPORTS,
        rows: Box::new(summary.exports.iter().map(export)),
        count: count_of(&summary.exports),
        whole: "dataset/exports",
    }
}

fn export(export: &ExportSummary) -> Vec<Cell<'_>> {
    vec![
        Cell::text(export.path.as_str()),
        Cell::text_if(export.dialect.as_deref()),
        Cell::Flag(!export.is_blind),
        Cell::text(blind_spots(&export.blind_spots)),
        Cell::Count(export.records),
        Cell::Count(export.partner),
        Cell::Count(export.other),
        Cell::Count(export.duplicate),
        Cell::Count(export.rejected),
        Cell::share(export.rejected, export.records),
        Cell::Count(export.unfinished),
        Cell::moment(export.first_at),
        Cell::moment(export.last_at),
        Cell::Count(export.bytes),
        Cell::tenant(export.exporting_tenant_id),
        Cell::text_if(export.sha256.as_deref()),
    ]
}

const REJECTS: &[Column] = &[
    Column::of("file", 60.0),
    Column::of("offset (bytes)", 16.0),
    Column::of("length (bytes)", 16.0),
    Column::count("records"),
    Column::of("why it was not read", 70.0),
    Column::of("run", 30.0),
];

/// One row for each record that could not be read, by file and offset.
pub(super) fn rejects(rows: &ListedRows) -> Sheet<'_> {
    Sheet {
        name: "rejects",
        told: "a record that could not be read, with where it lies in its export",
        columns: REJECTS,
        rows: Box::new(rows.rejects.iter().map(reject)),
        count: rows.reject_count,
        whole: "dataset/rejects",
    }
}

fn reject(reject: &ListedReject) -> Vec<Cell<'_>> {
    vec![
        Cell::text(&*reject.source_export),
        Cell::Count(reject.offset),
        Cell::Count(reject.length),
        Cell::Count(reject.records),
        Cell::text(&*reject.reason),
        Cell::text(&*reject.run_id),
    ]
}
