//! The accounts that do not get through, one by one: for documents.

use super::table::{Column, Table};
use super::{tables, words};
use crate::summary::{BlockedAccount, CustomerSummary, Summary};
use crate::who::AccountKind;

/// Blocked customers' accounts, with the names under which people know them.
pub(super) fn blocked(summary: &Summary) -> Table {
    let mut table = Table::new(vec![
        Column::left("customer", 12),
        Column::left("account in the log", 20),
        Column::left("who it is", 16),
        Column::left("kind", 11),
        Column::left("tool", 8),
        Column::left("apps", 12),
    ]);
    for customer in summary.customers.iter().filter(|customer| tables::is_blocked(customer)) {
        let accounts = customer.blocked_accounts.iter();
        table.rows.extend(accounts.map(|account| cells(customer, account)));
    }
    table
}

fn cells(customer: &CustomerSummary, account: &BlockedAccount) -> Vec<String> {
    let kind = if account.is_integration { AccountKind::Integration } else { AccountKind::Person };
    vec![
        words::customer(customer),
        account.account.clone(),
        account.account_name.clone().unwrap_or_default(),
        kind.as_str().to_owned(),
        account.tool.clone().unwrap_or_default(),
        account.apps.join(", "),
    ]
}
