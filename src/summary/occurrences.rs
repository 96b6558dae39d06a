//! Where and when certain error codes occur in a dataset.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use polars::prelude::{DataFrame, DataType, LazyFrame, PolarsResult, col, len, lit};
use serde::Serialize;

use super::frames::{self, Columns};
use super::lists::Lists;
use super::{DatasetParts, SummaryError, guarded};
use crate::error_code::ErrorCode;
use crate::relation::Side;
use crate::tenant::TenantId;

/// How often, where and when. Rows, not tries; of the two copies of a sign-in the customer's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Occurrences {
    /// In customer tenants.
    pub sign_ins: u64,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub codes: Vec<CodeOccurrences>,
    /// Those with most of them first.
    pub customers: Vec<CustomerOccurrences>,
    pub apps: Vec<AppOccurrences>,
    /// In partner tenants themselves.
    pub own_sign_ins: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeOccurrences {
    #[serde(rename = "error_code")]
    pub code: ErrorCode,
    pub sign_ins: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CustomerOccurrences {
    /// `None` where the log names no customer.
    #[serde(rename = "child_tenant_id")]
    pub tenant: Option<TenantId>,
    #[serde(rename = "child_name")]
    pub name: Option<String>,
    pub sign_ins: u64,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppOccurrences {
    #[serde(rename = "app_name")]
    pub name: String,
    pub sign_ins: u64,
}

/// Counts the rows with one of these codes.
pub fn occurrences(parts: &DatasetParts, codes: &[ErrorCode]) -> Result<Occurrences, SummaryError> {
    guarded(|| collect(parts, codes))
}

fn collect(parts: &DatasetParts, codes: &[ErrorCode]) -> Result<Occurrences, SummaryError> {
    let Some(sign_ins) = frames::scan("sign_ins", &parts.sign_ins)? else {
        return Ok(Occurrences::default());
    };
    let inbound = with_inbound(parts)?;
    let lists = Lists::read(parts)?;
    let in_sign_ins = frames::in_table("sign_ins");
    let found = query(sign_ins, codes).map_err(&in_sign_ins)?;
    added(&found, &inbound, &lists).map_err(&in_sign_ins)
}

/// Customers whose own log is here: their outbound rows are copies and do not count.
fn with_inbound(parts: &DatasetParts) -> Result<BTreeSet<TenantId>, SummaryError> {
    let columns = vec![col("child_tenant_id"), col("has_inbound")];
    let Some(frame) = frames::read("tenants", &parts.tenants, columns)? else {
        return Ok(BTreeSet::new());
    };
    let tenants = || -> PolarsResult<BTreeSet<TenantId>> {
        let columns = Columns::of(&frame);
        let (tenant, is_inbound) = (columns.text("child_tenant_id")?, columns.flag("has_inbound")?);
        let rows = (0..frame.height()).filter(|&row| is_inbound.get(row));
        Ok(rows.filter_map(|row| tenant.tenant(row)).collect())
    };
    tenants().map_err(frames::in_table("tenants"))
}

const KEYS: [&str; 4] = ["side", "child_tenant_id", "app_name", "error_code"];

fn query(sign_ins: LazyFrame, codes: &[ErrorCode]) -> PolarsResult<DataFrame> {
    let is_one = codes.iter().fold(lit(false), |any, code| {
        any.or(frames::number("error_code").eq(lit(i64::from(code.0))))
    });
    sign_ins
        .filter(is_one)
        .select([
            col("side"),
            col("child_tenant_id"),
            col("app_name"),
            frames::number("error_code"),
            frames::micros("created_at").alias("at"),
        ])
        .group_by(KEYS.map(col))
        .agg([
            len().cast(DataType::Int64).alias("rows"),
            col("at").min().alias("first"),
            col("at").max().alias("last"),
        ])
        .collect()
}

/// Adds up what was counted by side, customer, app and code.
fn added(
    found: &DataFrame,
    inbound: &BTreeSet<TenantId>,
    lists: &Lists,
) -> PolarsResult<Occurrences> {
    let columns = Columns::of(found);
    let (side, child) = (columns.text("side")?, columns.text("child_tenant_id")?);
    let (app, code) = (columns.text("app_name")?, columns.number("error_code")?);
    let (rows, first, last) =
        (columns.number("rows")?, columns.number("first")?, columns.number("last")?);
    let mut all = Occurrences::default();
    let mut customers: BTreeMap<Option<TenantId>, CustomerOccurrences> = BTreeMap::new();
    let (mut apps, mut codes): (BTreeMap<String, u64>, BTreeMap<i64, u64>) = Default::default();
    for row in 0..found.height() {
        let (tenant, count) = (child.tenant(row), rows.count(row));
        let side = side.get(row).unwrap_or_default();
        if side == Side::Home.as_str() {
            all.own_sign_ins += count;
            continue;
        }
        let is_copy = tenant.is_some_and(|tenant| inbound.contains(&tenant));
        if side == Side::Outbound.as_str() && is_copy {
            continue;
        }
        all.sign_ins += count;
        span(&mut all.first_at, &mut all.last_at, first.time(row), last.time(row));
        let customer = customers.entry(tenant).or_default();
        customer.sign_ins += count;
        span(&mut customer.first_at, &mut customer.last_at, first.time(row), last.time(row));
        *apps.entry(app.get(row).unwrap_or("no app named").to_owned()).or_default() += count;
        *codes.entry(code.get(row).unwrap_or_default()).or_default() += count;
    }
    all.customers = customers
        .into_iter()
        .map(|(tenant, found)| {
            let name = tenant.and_then(|tenant| lists.customer_name(tenant));
            CustomerOccurrences { tenant, name, ..found }
        })
        .collect();
    all.customers.sort_by_key(|customer| std::cmp::Reverse(customer.sign_ins));
    all.apps = apps.into_iter().map(|(name, sign_ins)| AppOccurrences { name, sign_ins }).collect();
    all.apps.sort_by_key(|app| std::cmp::Reverse(app.sign_ins));
    let code = |(code, sign_ins): (i64, u64)| {
        let code = ErrorCode(i32::try_from(code).unwrap_or_default());
        CodeOccurrences { code, sign_ins }
    };
    all.codes = codes.into_iter().map(code).collect();
    Ok(all)
}

fn span(
    first: &mut Option<DateTime<Utc>>,
    last: &mut Option<DateTime<Utc>>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) {
    *first = [*first, from].into_iter().flatten().min();
    *last = (*last).max(to);
}
