//! Single sign-ins and unreadable records, for a format that lists them one by one.
//!
//! A dataset may hold millions of rows. So the first look reads two columns and keeps only where
//! the rows stand that are wanted; the second reads these rows alone.

mod policies;
mod pool;
mod rejects;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::lists::Lists;
use super::tables::in_table;
use super::{DatasetParts, SummaryError, SummaryOptions, guarded};
use crate::dataset::{DatasetError, RowGroup, Stretch, Walk};
use crate::tenant::TenantId;

pub use policies::ListedPolicy;
pub use rejects::ListedReject;

use pool::Pool;

/// Rows that are read together.
const ROWS_AT_A_TIME: usize = 8 << 10;

/// The rows that are listed, and how many there are in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedRows {
    /// Flagged ones first, the newest first.
    pub sign_ins: Vec<ListedSignIn>,
    /// In view, listed or not.
    pub sign_in_count: u64,
    /// In the order of exports and offsets.
    pub rejects: Vec<ListedReject>,
    /// Lines of the table, listed or not.
    pub reject_count: u64,
}

/// A sign-in as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSignIn {
    pub at: DateTime<Utc>,
    pub is_flagged: bool,
    pub is_disputed: bool,
    pub error_code: Option<i32>,
    pub source_offset: Option<u64>,
    /// `None`: a sign-in in the partner's own tenant.
    pub child_tenant_id: Option<TenantId>,
    pub child_name: Option<Arc<str>>,
    /// `None`: the log does not name the home tenant.
    pub partner_tenant_id: Option<TenantId>,
    pub partner_name: Option<Arc<str>>,
    /// Who it is, where the account's own name does not say so.
    pub account_name: Option<Arc<str>>,
    texts: [Option<Arc<str>>; TEXTS.len()],
    /// That block it, with what they required.
    pub policies: Vec<ListedPolicy>,
}

/// A text of a listed sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInText {
    SignInId,
    CorrelationId,
    Side,
    Verdict,
    SignInType,
    Account,
    AppName,
    ResourceName,
    Cause,
    IpAddress,
    Country,
    ClientApp,
    SourceExport,
}

/// The columns of these texts, in the order of [`SignInText`].
const TEXTS: [&str; 13] = [
    "sign_in_id",
    "correlation_id",
    "side",
    "verdict",
    "sign_in_type",
    "account",
    "app_name",
    "resource_name",
    "cause",
    "ip_address",
    "country",
    "client_app",
    "source_export",
];

/// The first of them have another value in nearly every row.
const MANIFOLD: usize = 2;

const OTHERS: [&str; 7] = [
    "created_at",
    "flagged",
    "disputed",
    "error_code",
    "source_offset",
    "child_tenant_id",
    "partner_tenant_id",
];

impl ListedSignIn {
    /// One of its texts; an empty one is none.
    pub fn text(&self, which: SignInText) -> Option<&str> {
        self.texts.get(which as usize)?.as_deref()
    }
}

/// Lists at most so many sign-ins and so many rejects of what the options look at.
///
/// # Errors
/// A table cannot be read.
pub fn list_rows(
    parts: &DatasetParts,
    options: &SummaryOptions,
    rows_max: usize,
) -> Result<ListedRows, SummaryError> {
    guarded(|| {
        let lists = Lists::read(parts)?;
        let mut pool = Pool::default();
        let (mut sign_ins, sign_in_count) =
            list_sign_ins(parts, options, rows_max, &lists, &mut pool)
                .map_err(in_table("sign_ins"))?;
        policies::add(parts, &mut sign_ins, &mut pool).map_err(in_table("applied_policies"))?;
        let (rejects, reject_count) = rejects::list(parts, options, rows_max, &mut pool)?;
        Ok(ListedRows { sign_ins, sign_in_count, rejects, reject_count })
    })
}

fn list_sign_ins(
    parts: &DatasetParts,
    options: &SummaryOptions,
    rows_max: usize,
    lists: &Lists,
    pool: &mut Pool,
) -> Result<(Vec<ListedSignIn>, u64), DatasetError> {
    let walk = Walk::open(&parts.sign_ins)?;
    let groups = walk.row_groups();
    let (places, count) = choose(&walk, &groups, options, rows_max)?;
    let mut reader = Reader { lists, pool };
    let mut rows = Vec::with_capacity(places.len());
    let columns: Vec<&str> = TEXTS.into_iter().chain(OTHERS).collect();
    for (number, chosen) in by_group(&places) {
        let Some(group) = groups.get(number) else { continue };
        walk.read_rows(group, &chosen, &columns, |stretch| {
            for row in 0..stretch.rows() {
                rows.extend(reader.sign_in(stretch, row)?);
            }
            Ok::<(), DatasetError>(())
        })?;
    }
    rows.sort_by(|a: &ListedSignIn, b: &ListedSignIn| {
        let wanted = (b.is_flagged, b.at).cmp(&(a.is_flagged, a.at));
        wanted.then_with(|| a.texts.cmp(&b.texts))
    });
    Ok((rows, count))
}

/// Where a row stands, in the order in which rows are wanted: the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    is_flagged: bool,
    micros: i64,
    /// Of equal moments any may stand: the first.
    group: Reverse<usize>,
    row: Reverse<usize>,
}

/// The places of the rows that are wanted most, and how many rows are in view.
fn choose(
    walk: &Walk,
    groups: &[RowGroup],
    options: &SummaryOptions,
    rows_max: usize,
) -> Result<(Vec<Place>, u64), DatasetError> {
    let only = options.only.map(|tenant| tenant.to_string());
    let mut columns = vec!["created_at", "flagged"];
    columns.extend(only.is_some().then_some("child_tenant_id"));
    // The least wanted of the chosen is on top, so that it is the one to go.
    let mut chosen: BinaryHeap<Reverse<Place>> = BinaryHeap::new();
    let mut count = 0;
    for (number, group) in groups.iter().enumerate() {
        let mut first = 0;
        walk.read(group, &columns, ROWS_AT_A_TIME, |stretch| {
            let (times, flags) = (stretch.times("created_at")?, stretch.flags("flagged")?);
            let children = only.as_ref().map(|_| stretch.words("child_tenant_id")).transpose()?;
            for row in 0..stretch.rows() {
                let Some(micros) = times.get(row) else { continue };
                let at = DateTime::from_timestamp_micros(micros);
                let is_own =
                    children.as_ref().is_none_or(|words| words.get(row) == only.as_deref());
                if !is_own || !at.is_some_and(|at| options.covers(at)) {
                    continue;
                }
                count += 1;
                let place = Place {
                    is_flagged: flags.get(row),
                    micros,
                    group: Reverse(number),
                    row: Reverse(first + row),
                };
                if chosen.len() < rows_max {
                    chosen.push(Reverse(place));
                } else if let Some(mut least) = chosen.peek_mut()
                    && least.0 < place
                {
                    *least = Reverse(place);
                }
            }
            first += stretch.rows();
            Ok::<(), DatasetError>(())
        })?;
    }
    Ok((chosen.into_iter().map(|place| place.0).collect(), count))
}

/// The rows of each row group, ascending.
fn by_group(places: &[Place]) -> BTreeMap<usize, Vec<usize>> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in places {
        groups.entry(place.group.0).or_default().push(place.row.0);
    }
    groups.values_mut().for_each(|rows| rows.sort_unstable());
    groups
}

/// Makes a row of what stands in the columns and what the lists know.
struct Reader<'a> {
    lists: &'a Lists,
    pool: &'a mut Pool,
}

impl Reader<'_> {
    fn sign_in(
        &mut self,
        stretch: &Stretch,
        row: usize,
    ) -> Result<Option<ListedSignIn>, DatasetError> {
        let at = stretch.times("created_at")?.get(row).and_then(DateTime::from_timestamp_micros);
        let Some(at) = at else { return Ok(None) };
        let mut texts: [Option<Arc<str>>; TEXTS.len()] = Default::default();
        for (place, (text, column)) in texts.iter_mut().zip(TEXTS).enumerate() {
            // Parts of older versions lack some.
            if stretch.has(column) {
                let found = match place < MANIFOLD {
                    true => stretch.texts(column)?.get(row),
                    false => stretch.words(column)?.get(row),
                };
                *text = found.filter(|text| !text.is_empty()).map(|text| self.pool.take(text));
            }
        }
        let tenant = |column| {
            let words = stretch.words(column)?;
            Ok::<_, DatasetError>(words.get(row).and_then(TenantId::parse))
        };
        let (child, partner) = (tenant("child_tenant_id")?, tenant("partner_tenant_id")?);
        let account = texts.get(SignInText::Account as usize).and_then(Option::as_deref);
        let known = partner.zip(account).and_then(|(id, name)| self.lists.people.account(id, name));
        let account_name = known.and_then(|account| account.name.as_deref());
        let child_name = child.and_then(|id| self.lists.customer_name(id));
        let partner_name = partner.and_then(|id| self.lists.partner_name(id));
        let number = |column| Ok::<_, DatasetError>(stretch.numbers(column)?.get(row));
        Ok(Some(ListedSignIn {
            at,
            is_flagged: stretch.flags("flagged")?.get(row),
            is_disputed: stretch.flags("disputed")?.get(row),
            error_code: number("error_code")?.and_then(|code| i32::try_from(code).ok()),
            source_offset: number("source_offset")?.and_then(|offset| u64::try_from(offset).ok()),
            child_tenant_id: child,
            child_name: child_name.map(|name| self.pool.take(&name)),
            partner_tenant_id: partner,
            partner_name: partner_name.map(|name| self.pool.take(&name)),
            account_name: account_name.map(|name| self.pool.take(name)),
            texts,
            policies: Vec::new(),
        }))
    }
}
