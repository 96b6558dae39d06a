//! From the dataset to a [`Summary`].
//!
//! The rows of `sign_ins` and `applied_policies`, of which there are millions, are counted in one
//! walk (`counting`). The judgement on routes and customers is plain Rust in [`state`] and
//! [`tries`].

mod activity;
mod assemble;
mod counting;
mod custody;
mod hash;
mod lists;
mod model;
mod occurrences;
mod only;
mod over_time;
pub mod partner_side;
mod people;
mod proof;
mod refusals;
mod routes;
mod row_filter;
mod rows;
pub mod state;
mod tables;
mod texts;
mod to_do;
pub mod tries;

use std::any::Any;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use crate::dataset::{Dataset, DatasetError, Table};
use crate::tenant::TenantId;
use chrono::{DateTime, Utc};

pub use model::{
    BlockedAccount, BlockingPolicy, CauseFigures, CauseSummary, Counts, CustomerSummary, Doer,
    ExportSummary, FailureSummary, Ledger, PartnerSummary, PolicyFigures, PolicySummary, Proof,
    ProviderCustomer, ProviderSummary, RouteBlock, RouteSummary, Summary, ToDo, Totals, Waiting,
    WaitingKind,
};

pub use over_time::{Address, CUSTOMER_DAYS, CameIn, DayCounts, FAILED_DAYS, FailedBy, FailedDays};

pub use occurrences::{
    AppOccurrences, CodeOccurrences, CustomerOccurrences, Occurrences, occurrences,
};
pub use row_filter::RowFilter;

pub use rows::{ListedPolicy, ListedReject, ListedRows, ListedSignIn, SignInText, list_rows};

/// The live parts of each table that is read here, as the manifest names them; any may be empty.
#[derive(Debug, Clone, Default)]
pub struct DatasetParts {
    pub sign_ins: Vec<PathBuf>,
    pub applied_policies: Vec<PathBuf>,
    pub exports: Vec<PathBuf>,
    pub coverage: Vec<PathBuf>,
    pub rejects: Vec<PathBuf>,
    pub tenants: Vec<PathBuf>,
    pub partners: Vec<PathBuf>,
    pub accounts: Vec<PathBuf>,
    pub users: Vec<PathBuf>,
    pub tools: Vec<PathBuf>,
}

impl DatasetParts {
    pub fn of(dataset: &Dataset) -> Self {
        Self {
            sign_ins: dataset.paths(Table::SignIns),
            applied_policies: dataset.paths(Table::AppliedPolicies),
            exports: dataset.paths(Table::Exports),
            coverage: dataset.paths(Table::Coverage),
            rejects: dataset.paths(Table::Rejects),
            tenants: dataset.paths(Table::Tenants),
            partners: dataset.paths(Table::Partners),
            accounts: dataset.paths(Table::Accounts),
            users: dataset.paths(Table::Users),
            tools: dataset.paths(Table::Tools),
        }
    }
}

/// Which part of the dataset to look at.
#[derive(Debug, Clone)]
pub struct SummaryOptions {
    /// Looks at the dataset as it was at this moment, itself included.
    pub as_of: Option<DateTime<Utc>>,
    /// From this moment on.
    pub since: Option<DateTime<Utc>>,
    /// Up to this moment, itself excluded.
    pub until: Option<DateTime<Utc>>,
    /// Of this customer only: nothing of any other is told.
    pub only: Option<TenantId>,
    /// Of these sign-ins only.
    pub rows: RowFilter,
    /// Rows of a row group that a thread reads together.
    pub rows_at_a_time: u64,
    /// Threads that read.
    pub threads: usize,
}

/// More threads only wait for the one that brings their findings together.
const THREADS_MAX: usize = 8;

impl Default for SummaryOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = cores.min(THREADS_MAX);
        Self {
            as_of: None,
            since: None,
            until: None,
            only: None,
            rows: RowFilter::default(),
            rows_at_a_time: 16 << 10,
            threads,
        }
    }
}

impl SummaryOptions {
    /// Whether a moment is within since, until and as-of.
    pub fn covers(&self, moment: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| moment >= since)
            && self.until.is_none_or(|until| moment < until)
            && self.as_of.is_none_or(|as_of| moment <= as_of)
    }
}

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    #[error("table `{table}` of the dataset cannot be read: {source}")]
    Table { table: &'static str, source: Box<DatasetError> },
    /// A library gave up by a panic, which must not take the program with it.
    #[error("the dataset cannot be summarised: {message}")]
    Panicked { message: String },
}

/// Summarises a dataset.
pub fn summarise(parts: &DatasetParts, options: &SummaryOptions) -> Result<Summary, SummaryError> {
    guarded(|| collect(parts, options))
}

/// A panic of a library stays in this room.
fn guarded<T>(read: impl FnOnce() -> Result<T, SummaryError>) -> Result<T, SummaryError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        Err(SummaryError::Panicked { message: panic_message(panic.as_ref()) })
    })
}

fn collect(parts: &DatasetParts, options: &SummaryOptions) -> Result<Summary, SummaryError> {
    let mut lists = lists::Lists::read(parts)?;
    if let Some(only) = options.only {
        lists.customers.retain(|&customer, _| customer == only);
    }
    let mut custody = custody::Custody::read(parts, options)?;
    let mut judge = partner_side::Judge::new(&lists);
    let mut counted = counting::count(parts, options, &lists, &mut judge)?;
    if let Some(only) = options.only {
        only::keep(only, &mut counted.activity, &mut custody);
    }
    counted.activity.find_tools(&lists.people.tools);
    let activity = &counted.activity;
    let partners = assemble::listed_partners(&lists, activity);
    let closer = proof::look(&counted.sign_ins, &counted.proof, &partners, activity, options)?;
    let mut summary = assemble::assemble(&lists, &custody, activity, &closer);
    summary.routes = routes::routes_of(&lists, activity, &summary);
    over_time::add_to(&mut summary, &lists, activity);
    summary.only_rows = options.rows.in_words();
    match options.only {
        // The partner's own side is made of sign-ins at all customers.
        Some(only) => only::keep_exports(only, &mut summary, activity, &custody),
        None => summary.partner_sides = judge.finish(&summary.partners, &custody),
    }
    Ok(summary)
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "an unknown fault".to_owned())
}
