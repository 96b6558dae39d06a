//! report.xlsx: the summary, and the sign-ins behind it, as sheets to sort, filter and count.
//!
//! `sheet` says what a sheet is; one file each fills them; only `draw` knows the library. Every
//! text is written as a text, whatever it begins with: the workbook holds no formula at all.

mod customers;
mod draw;
mod evidence;
mod overview;
mod sheet;
mod sign_ins;
mod to_do;

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{RunFacts, words};
use crate::summary::{ListedRows, Summary};
use crate::tenant::TenantId;
use sheet::Sheet;

/// Rows of one sheet, and the sign-ins that are worth reading for it. A workbook is drawn in
/// memory, and a sweep has little; who wants all rows asks the dataset.
pub const WORKBOOK_ROWS_MAX: usize = 20_000;

/// Writes the whole summary, and the rows that were listed for it, as a workbook. The same dataset
/// gives the same bytes.
pub fn write_workbook(
    sink: &mut impl Write,
    summary: &Summary,
    rows: &ListedRows,
    facts: Option<&RunFacts>,
) -> io::Result<()> {
    let unknown = RunFacts::default();
    let sheets = sheets(summary, rows);
    let overview = overview::Overview::of(summary, &sheets, facts.unwrap_or(&unknown));
    let bytes = draw::draw(summary, &overview, sheets).map_err(io::Error::other)?;
    sink.write_all(&bytes)
}

/// All sheets behind the first one.
fn sheets<'a>(summary: &'a Summary, rows: &'a ListedRows) -> Vec<Sheet<'a>> {
    vec![
        customers::customers(summary),
        customers::policies(summary),
        to_do::what_to_do(summary),
        customers::causes(summary),
        customers::other_providers(summary),
        sign_ins::sign_ins(rows),
        evidence::exports(summary),
        evidence::rejects(rows),
    ]
}

/// Names of listed partners and of customers.
struct Names<'a> {
    partners: BTreeMap<TenantId, String>,
    customers: BTreeMap<TenantId, Option<&'a str>>,
}

impl<'a> Names<'a> {
    fn of(summary: &'a Summary) -> Self {
        let customers = summary.customers.iter();
        Self {
            partners: summary.partners.iter().map(|p| (p.tenant_id, words::partner(p))).collect(),
            customers: customers.map(|c| (c.child_tenant_id, c.child_name.as_deref())).collect(),
        }
    }

    fn partner(&self, id: TenantId) -> String {
        self.partners.get(&id).cloned().unwrap_or_else(|| id.short())
    }

    fn customer(&self, id: TenantId) -> String {
        words::tenant(self.customers.get(&id).copied().flatten(), id)
    }
}
