//! Single sign-ins, those that are flagged first.

use super::super::words;
use super::sheet::{Cell, Column, Sheet};
use crate::summary::SignInText::{
    Account, AppName, Cause, ClientApp, CorrelationId, Country, IpAddress, ResourceName, Side,
    SignInId, SignInType, SourceExport, Verdict,
};
use crate::summary::{ListedRows, ListedSignIn};
use crate::tenant::TenantId;

const COLUMNS: &[Column] = &[
    Column::moment("when (UTC)"),
    Column::of("verdict", 13.0),
    Column::of("flagged", 9.0),
    Column::name("customer"),
    Column::name("provider"),
    Column::of("account", 34.0),
    Column::name("who it is"),
    Column::name("app"),
    Column::name("resource"),
    Column::of("error code", 13.0),
    Column::of("cause", 60.0),
    Column::of("policies that block", 44.0),
    Column::of("required", 32.0),
    Column::of("disputed", 9.0),
    Column::of("address", 18.0),
    Column::of("country", 9.0),
    Column::of("client", 26.0),
    Column::of("type", 20.0),
    Column::of("from the log of", 16.0),
    Column::id("sign-in (request) id"),
    Column::id("correlation id"),
    Column::id("customer tenant id"),
    Column::id("provider's tenant id"),
    Column::of("file", 50.0),
    Column::count("offset (bytes)"),
];

/// The sign-ins that were listed.
pub(super) fn sign_ins(rows: &ListedRows) -> Sheet<'_> {
    Sheet {
        name: "sign-ins",
        told: "a sign-in of a provider: flagged ones (blocked, failed, unexplained) first, the newest \
               first. For tools that keep their access a non-interactive sign-in shows the address \
               where access was first granted, not where the tool runs",
        columns: COLUMNS,
        rows: Box::new(rows.sign_ins.iter().map(sign_in)),
        count: rows.sign_in_count,
        whole: "dataset/sign_ins",
    }
}

fn sign_in(row: &ListedSignIn) -> Vec<Cell<'_>> {
    let policies: Vec<&str> = row.policies.iter().map(|policy| &*policy.name).collect();
    let demanded: Vec<String> = row
        .policies
        .iter()
        .flat_map(|policy| policy.demanded.split(','))
        .filter(|control| !control.is_empty())
        .map(str::to_owned)
        .collect();
    let text = |which| Cell::text_if(row.text(which));
    vec![
        Cell::Moment(row.at),
        text(Verdict),
        Cell::Flag(row.is_flagged),
        tenant(row.child_name.as_deref(), row.child_tenant_id),
        tenant(row.partner_name.as_deref(), row.partner_tenant_id),
        text(Account),
        Cell::text_if(row.account_name.as_deref()),
        text(AppName),
        text(ResourceName),
        Cell::code(row.error_code),
        text(Cause),
        Cell::text(policies.join("; ")),
        if demanded.is_empty() { Cell::Blank } else { Cell::text(words::controls(&demanded)) },
        Cell::Flag(row.is_disputed),
        text(IpAddress),
        text(Country),
        text(ClientApp),
        text(SignInType),
        Cell::text(log_of(row.text(Side).unwrap_or_default())),
        text(SignInId),
        text(CorrelationId),
        Cell::tenant(row.child_tenant_id),
        Cell::tenant(row.partner_tenant_id),
        text(SourceExport),
        row.source_offset.map_or(Cell::Blank, Cell::Count),
    ]
}

/// A tenant by its name, else by the start of its id.
fn tenant(name: Option<&str>, id: Option<TenantId>) -> Cell<'_> {
    id.map_or(Cell::Blank, |id| Cell::text(words::tenant(name, id)))
}

/// Whose log a sign-in stands in.
fn log_of(side: &str) -> &str {
    match side {
        "inbound" => "the customer",
        "outbound" => "the provider",
        "home" => "your own tenant",
        other => other,
    }
}
