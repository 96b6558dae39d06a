//! Where and when certain error codes occur in a dataset.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::hash::ByNumber;
use super::lists::Lists;
use super::tables::in_table;
use super::texts::Texts;
use super::{DatasetParts, SummaryError, guarded};
use crate::dataset::{DatasetError, KnownWords, Stretch, Walk};
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
    let lists = Lists::read(parts)?;
    let found = Alike::read(parts, codes).map_err(in_table("sign_ins"))?;
    Ok(added(&found, &lists))
}

const COLUMNS: [&str; 5] = ["side", "child_tenant_id", "app_name", "error_code", "created_at"];
const WORDS: [&str; 3] = ["side", "child_tenant_id", "app_name"];

/// Rows that are alike, together.
#[derive(Default)]
struct Alike {
    texts: Texts,
    /// By side, customer and app, as numbers of texts, and error code.
    rows: ByNumber<([u32; WORDS.len()], i32), Rows>,
}

/// How many rows, and when.
#[derive(Clone, Copy)]
struct Rows {
    count: u64,
    first: i64,
    last: i64,
}

impl Alike {
    /// Reads the rows with one of these codes.
    fn read(parts: &DatasetParts, codes: &[ErrorCode]) -> Result<Self, DatasetError> {
        let mut alike = Self::default();
        let walk = Walk::open(&parts.sign_ins)?;
        for group in walk.row_groups() {
            let mut known: [KnownWords; WORDS.len()] = Default::default();
            walk.read(&group, &COLUMNS, ROWS_AT_A_TIME, |stretch| {
                alike.add(stretch, &mut known, codes)
            })?;
        }
        Ok(alike)
    }

    fn add(
        &mut self,
        stretch: &Stretch,
        known: &mut [KnownWords; WORDS.len()],
        codes: &[ErrorCode],
    ) -> Result<(), DatasetError> {
        let mut words: [Vec<u32>; WORDS.len()] = Default::default();
        for (name, (known, numbers)) in WORDS.into_iter().zip(known.iter_mut().zip(&mut words)) {
            let texts = &mut self.texts;
            stretch.words(name)?.each(known, |text| texts.number(Some(text)), numbers);
        }
        let (all_codes, times) = (stretch.numbers("error_code")?, stretch.times("created_at")?);
        for row in 0..stretch.rows() {
            let code = all_codes.get(row).and_then(|code| i32::try_from(code).ok());
            let code = code.filter(|&code| codes.contains(&ErrorCode(code)));
            let (Some(code), Some(at)) = (code, times.get(row)) else { continue };
            let number = |numbers: &Vec<u32>| numbers.get(row).copied().unwrap_or_default();
            let fresh = Rows { count: 0, first: at, last: at };
            let rows = self.rows.entry((words.each_ref().map(number), code)).or_insert(fresh);
            rows.count += 1;
            rows.first = rows.first.min(at);
            rows.last = rows.last.max(at);
        }
        Ok(())
    }
}

/// Rows that are read together.
const ROWS_AT_A_TIME: usize = 16 << 10;

/// Adds up what was counted by side, customer, app and code.
fn added(found: &Alike, lists: &Lists) -> Occurrences {
    let mut all = Occurrences::default();
    let mut customers: BTreeMap<Option<TenantId>, CustomerOccurrences> = BTreeMap::new();
    let (mut apps, mut codes): (BTreeMap<String, u64>, BTreeMap<i32, u64>) = Default::default();
    for (&([side, child, app], code), rows) in &found.rows {
        let text = |number| found.texts.filled(number);
        let tenant = text(child).and_then(TenantId::parse);
        let (side, count) = (text(side).unwrap_or_default(), rows.count);
        let (first, last) = (time(rows.first), time(rows.last));
        if side == Side::Home.as_str() {
            all.own_sign_ins += count;
            continue;
        }
        let is_copy = tenant.is_some_and(|tenant| lists.inbound.contains(&tenant));
        if side == Side::Outbound.as_str() && is_copy {
            continue;
        }
        all.sign_ins += count;
        span(&mut all.first_at, &mut all.last_at, first, last);
        let customer = customers.entry(tenant).or_default();
        customer.sign_ins += count;
        span(&mut customer.first_at, &mut customer.last_at, first, last);
        *apps.entry(text(app).unwrap_or("no app named").to_owned()).or_default() += count;
        *codes.entry(code).or_default() += count;
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
    let code = |(code, sign_ins)| CodeOccurrences { code: ErrorCode(code), sign_ins };
    all.codes = codes.into_iter().map(code).collect();
    all
}

fn time(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
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
