//! `missing-logs.csv`: whose logs to export next, why, and how.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::clean::cell;
use super::{export_again, words};
use crate::summary::state::CustomerState;
use crate::summary::{CustomerSummary, Summary};
use crate::tenant::TenantId;

/// Of a customer's name in a cell.
const NAME_COLUMNS: usize = 200;

/// Blind spots that another kind of export does not cure.
const OF_TIME: [&str; 2] = ["retention edge", "gaps in time"];

/// Writes a line for each customer of a listed partner whose own log is wanted: there is none at
/// all, only the partner's side of it, or one that could not have shown a block. Returns the
/// number of lines below the header.
///
/// # Errors
/// The sink cannot be written.
pub fn write_missing_logs(sink: &mut impl Write, summary: &Summary) -> io::Result<u64> {
    let mut table = csv::Writer::from_writer(sink);
    table.write_record(["tenant_id", "name", "why", "how"])?;
    let mut lines = 0;
    for (customer, why) in wanted(summary) {
        let name = customer.child_name.as_deref().unwrap_or_default();
        let id = customer.child_tenant_id.to_string();
        let name = cell(name, NAME_COLUMNS);
        table.write_record([id.as_str(), &name, why, how(customer)])?;
        lines += 1;
    }
    table.flush()?;
    Ok(lines)
}

/// How to export the log, so that it shows what is wanted.
fn how(customer: &CustomerSummary) -> &'static str {
    const FIRST: &str = "Entra admin center > Sign-in logs > User sign-ins (non-interactive) > filter \
                         Cross tenant access type = Service provider > Download > JSON, as Security \
                         Reader or higher";
    let spots = customer.blind_spots.iter().map(String::as_str);
    let way = spots.filter(|spot| !OF_TIME.contains(spot)).find_map(export_again::way);
    match customer.state {
        CustomerState::CannotTell if !customer.outbound_only => way.unwrap_or(FIRST),
        _ => FIRST,
    }
}

/// The customers whose own logs are wanted, and why.
fn wanted(summary: &Summary) -> impl Iterator<Item = (&CustomerSummary, &'static str)> {
    const ONLY_OURS: &str = "only the partner's own log tells of it, without policies";
    summary.customers.iter().filter_map(|customer| {
        let why = match customer.state {
            CustomerState::NoLog => "no log here",
            CustomerState::GettingIn => return None,
            _ if customer.outbound_only => ONLY_OURS,
            CustomerState::CannotTell => "the log could not show a block",
            _ => return None,
        };
        Some((customer, why))
    })
}

/// What to do next where nothing but partners' own logs is here: which customers fail is known,
/// their policies are not.
pub(super) fn next_exports(summary: &Summary) -> Option<String> {
    let has_own_log =
        |customer: &CustomerSummary| customer.counts.sign_ins() > 0 && !customer.outbound_only;
    if summary.customers.iter().any(has_own_log) {
        return None;
    }
    let known: BTreeSet<TenantId> = wanted(summary)
        .filter(|(customer, _)| customer.outbound_only)
        .map(|(customer, _)| customer.child_tenant_id)
        .collect();
    match known.len() {
        0 => None,
        1 => Some(
            "Next: export this 1 customer's log (missing-logs.csv); your own log does not show its \
             policies."
                .to_owned(),
        ),
        count => Some(format!(
            "Next: export these {} customers' logs (missing-logs.csv); your own log does not show \
             their policies.",
            words::number(u64::try_from(count).unwrap_or(u64::MAX)),
        )),
    }
}
