//! `missing-logs.csv`: whose logs to export next, and why.

use std::io::{self, Write};

use super::clean::cell;
use crate::summary::Summary;
use crate::summary::state::CustomerState;

/// Of a customer's name in a cell.
const NAME_COLUMNS: usize = 200;

/// Writes a line for each customer of a listed partner whose own log is wanted: there is none at
/// all, only the partner's side of it, or one that could not have shown a block. Returns the
/// number of lines below the header.
///
/// # Errors
/// The sink cannot be written.
pub fn write_missing_logs(sink: &mut impl Write, summary: &Summary) -> io::Result<u64> {
    let mut table = csv::Writer::from_writer(sink);
    table.write_record(["tenant_id", "name", "why"])?;
    let mut lines = 0;
    for customer in &summary.customers {
        let why = match customer.state {
            CustomerState::NoLog => "no log here",
            CustomerState::CannotTell => "the log could not show a block",
            CustomerState::GettingIn => continue,
            _ if customer.outbound_only => {
                "only the partner's own log tells of it, without policies"
            }
            _ => continue,
        };
        let name = customer.child_name.as_deref().unwrap_or_default();
        let id = customer.child_tenant_id.to_string();
        table.write_record([id.as_str(), &cell(name, NAME_COLUMNS), why])?;
        lines += 1;
    }
    table.flush()?;
    Ok(lines)
}
