//! Arguments of `query`, and which part of a dataset to look at.

use std::net::IpAddr;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use tenantsweep::query::Filter;
use tenantsweep::summary::RowFilter;
use tenantsweep::tenant::TenantId;

use super::RedactArgs;
use super::examples::QUERY_EXAMPLES;
use super::values::{parse_moment, parse_tenant};

#[derive(Debug, Args)]
#[command(after_help = QUERY_EXAMPLES)]
pub struct QueryArgs {
    /// The folder that a sweep has written
    #[arg(value_name = "DIR")]
    pub out: PathBuf,
    /// One of the questions that come with the program, or a file with SQL; without it, the
    /// questions are listed
    #[arg(value_name = "NAME|FILE.sql")]
    pub question: Option<String>,
    /// The question in SQL, over tables named as the folders of the dataset are
    #[arg(long, value_name = "TEXT", conflicts_with = "question")]
    pub sql: Option<String>,
    /// In which form; CSV keeps texts from being taken for formulas, the others give them as they are
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub format: QueryFormat,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Addresses that are yours, for the question unknown-addresses: one address or range
    /// (203.0.113.0/24) a line
    #[arg(long, value_name = "FILE")]
    pub known_addresses: Option<PathBuf>,
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub redaction: RedactArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueryFormat {
    Table,
    Csv,
    Json,
    Jsonl,
    Parquet,
    Timesketch,
}

/// Rows need to fit one value of each kind.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which rows")]
pub struct FilterArgs {
    /// Leave out sign-ins before this moment (UTC)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub since: Option<DateTime<Utc>>,
    /// Leave out sign-ins from this moment on (UTC)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub until: Option<DateTime<Utc>>,
    /// Only of this customer, by its tenant id
    #[arg(long, value_name = "GUID", value_parser = parse_tenant, value_delimiter = ',')]
    pub tenant: Vec<TenantId>,
    #[command(flatten)]
    pub rows: RowArgs,
}

/// Which sign-ins to look at. Each flag may be given several times: one of its values is enough.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which rows")]
pub struct RowArgs {
    /// Only of this service provider, by its tenant id (may be given several times, as those below)
    #[arg(long, value_name = "GUID", value_parser = parse_tenant, value_delimiter = ',')]
    pub partner: Vec<TenantId>,
    /// Only of this account: its sign-in name or object id
    #[arg(long, value_name = "NAME|ID", value_delimiter = ',')]
    pub account: Vec<String>,
    /// Only with this app: its name or app (client) id
    #[arg(long, value_name = "NAME|ID")]
    pub app: Vec<String>,
    /// Only from this address
    #[arg(long, value_name = "IP", value_delimiter = ',')]
    pub address: Vec<IpAddr>,
    /// Only with this error code
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pub code: Vec<i32>,
}

impl FilterArgs {
    pub fn filter(&self) -> Filter {
        Filter {
            since: self.since,
            until: self.until,
            tenants: self.tenant.clone(),
            rows: self.rows.filter(),
        }
    }
}

impl RowArgs {
    pub fn filter(&self) -> RowFilter {
        RowFilter {
            partners: self.partner.clone(),
            accounts: self.account.clone(),
            apps: self.app.clone(),
            addresses: self.address.clone(),
            codes: self.code.clone(),
        }
    }
}
