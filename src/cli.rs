//! Arguments, and what they mean: the only place that knows flags.

mod config;
mod documents;
mod examples;
mod query;
mod redaction;
mod tables;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use tenantsweep::dataset::{Custody, Mode};
use tenantsweep::tenant::{Partner, TenantId};
use tenantsweep::who::AccountRef;

use examples::{
    COMPACT_EXAMPLES, COMPARE_EXAMPLES, EXPLAIN_EXAMPLES, FORGET_EXAMPLES, INSPECT_EXAMPLES,
    PROGRAM_EXAMPLES, REPORT_EXAMPLES, SCHEMA_EXAMPLES, SHOW_EXAMPLES, SWEEP_EXAMPLES,
    VERIFY_EXAMPLES,
};
use values::{
    parse_account, parse_app_id, parse_custody, parse_duration, parse_mode, parse_moment,
    parse_partner, parse_run_id, parse_share, parse_span, parse_tenant,
};

pub use config::ConfigError;
pub use documents::{CompletionsArgs, ManArgs, man_pages, write_completions};
pub use query::{QueryArgs, QueryFormat, RowArgs};
pub use redaction::RedactArgs;
pub use tables::TableArgs;
pub use values::MomentSpan;

/// Finds, over the exported sign-in logs of many customer tenants, where Conditional Access
/// blocks a service provider: by which policy, why it applied and what it required.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, disable_help_subcommand = true)]
#[command(subcommand_value_name = "COMMAND", after_help = PROGRAM_EXAMPLES)]
pub struct Cli {
    /// Flags out of a TOML file, with a table for each subcommand; what you type yourself counts more
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What the user typed, and what the file of `--config` adds to it. Wrong words end the program
    /// here.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn read() -> Result<Self, ConfigError> {
        let mut cli = Self::parse_from(config::arguments(std::env::args_os().collect())?);
        let input = match &mut cli.command {
            Command::Sweep(args) => Some(&mut args.input),
            Command::Inspect(args) => Some(&mut args.input),
            _ => None,
        };
        if let Some(input) = input {
            input.config.clone_from(&cli.config);
        }
        Ok(cli)
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read exports, write the dataset, and say who is blocked
    Sweep(Box<SweepArgs>),
    /// Print the summary of an earlier sweep again, from its dataset alone
    Report(ReportArgs),
    /// Ask the dataset one of the questions that come with the program, or your own in SQL
    Query(QueryArgs),
    /// Say what changed between two sweeps, or between two spans of one
    Compare(CompareArgs),
    /// Say what each file is, how far it reaches, and what it cannot show
    Inspect(InspectArgs),
    /// Say what an error code, a case, a mask of conditions or a tool's error message means
    Explain(ExplainArgs),
    /// Say what a file holds: a JSON Schema, or the tables and columns of the dataset
    Schema(SchemaArgs),
    /// Print the raw record behind a sign-in, from its export, after checking that one
    Show(ShowArgs),
    /// Check a dataset: hashes, rows, and the account of every export
    Verify(VerifyArgs),
    /// Join the many small files of many runs; no row changes
    Compact(CompactArgs),
    /// Remove all that a dataset holds of one customer
    Forget(ForgetArgs),
    /// Print a script that completes commands and flags in your shell
    Completions(CompletionsArgs),
    /// Print the man page, or write the pages of all subcommands into a folder
    Man(ManArgs),
}

#[derive(Debug, Args)]
#[command(after_help = SWEEP_EXAMPLES)]
pub struct SweepArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub people: PeopleArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub writer: WriterArgs,
    #[command(flatten)]
    pub schedule: ScheduleArgs,
    #[command(flatten)]
    pub custody: CustodyArgs,
    #[command(flatten)]
    pub view: ViewArgs,
    #[command(flatten)]
    pub reading: ReadingArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Files, archives, folders with all below them, or patterns such as `exports/*.json`; `-` reads
    /// standard input
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Your partner tenant: its id, with a name if you like (may be given several times)
    #[arg(long, value_name = "GUID[=NAME]", value_parser = parse_partner)]
    pub partner: Vec<Partner>,
    /// A list of partner tenants: CSV `tenant_id,name,domains`, JSON, or one id a line
    #[arg(long, value_name = "FILE")]
    pub partners: Vec<PathBuf>,
    /// A list of customers: Partner Center, Graph, CIPP, or CSV `tenant_id,name`
    #[arg(long, value_name = "FILE")]
    pub tenants: Vec<PathBuf>,
    /// Where paths hold the tenant's id, such as `exports/{tenant}/*.json`
    #[arg(long, value_name = "TEMPLATE")]
    pub tenant_from_path: Option<String>,
    /// Passwords of encrypted zip archives, one a line, tried in turn
    #[arg(long, value_name = "FILE")]
    pub zip_password_file: Option<PathBuf>,
    #[command(flatten)]
    pub tables: TableArgs,
    /// The file of `--config`, which may lie among the inputs and is none.
    #[arg(skip)]
    pub config: Option<PathBuf>,
}

/// What the user knows of the partner's own accounts and tools; kept with the dataset until a
/// later sweep says otherwise.
#[derive(Debug, Args)]
#[command(next_help_heading = "Accounts and tools")]
pub struct PeopleArgs {
    /// A list of your own users: the portal's "Download users", `Get-MgUser` or Graph's `users`; gives
    /// names to accounts such as `user_1a2b…`
    #[arg(long, value_name = "FILE")]
    pub users: Vec<PathBuf>,
    /// An account of a tool, not of a person: its sign-in name or object id (may be given several
    /// times)
    #[arg(long, value_name = "NAME|ID", value_parser = parse_account)]
    pub integration_user: Vec<AccountRef>,
    /// An app with which your tools sign in: its app (client) id (may be given several times)
    #[arg(long, value_name = "ID", value_parser = parse_app_id)]
    pub integration_app: Vec<String>,
    /// Names of tools by app: CSV `app_id,app_name,tool`; `app_name` is what the app's name holds
    #[arg(long, value_name = "FILE")]
    pub tools: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Where the dataset and the reports go; made if missing
    #[arg(long, value_name = "DIR", default_value = "sweep-out")]
    pub out: PathBuf,
    /// Keep the policies that did not apply to a sign-in, too
    #[arg(long)]
    pub keep_not_applied: bool,
    /// Keep the bytes of unreadable records in the dataset
    #[arg(long)]
    pub keep_rejected_bytes: bool,
    /// Remove sign-ins older than this, such as 400d (counted from --as-of, else from now)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub keep: Option<Duration>,
    /// The name of this run in the dataset [default: the time of its start]
    #[arg(long, value_name = "ID", value_parser = parse_run_id)]
    pub run_id: Option<String>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// How a writer comes to a dataset, and whom it serves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct WriterArgs {
    /// While another run writes here, wait for its end, at most so long (such as 10m) if said
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true,
          default_missing_value = "365d", value_parser = parse_duration)]
    pub wait: Option<Duration>,
    /// Who may read what is written, as chmod has it, such as 0640 [default: only you]
    #[arg(long, value_name = "MODE", value_parser = parse_mode)]
    pub mode: Option<Mode>,
}

/// For jobs that run by themselves.
#[derive(Debug, Args)]
#[command(next_help_heading = "Scheduled runs")]
pub struct ScheduleArgs {
    /// End with exit code 1 if one of these is so (several: with commas)
    #[arg(long, value_enum, value_name = "CONDITION", value_delimiter = ',')]
    pub fail_on: Vec<Condition>,
    /// Write what changed since the sweep before: digest.txt, digest.html, teams-card.json,
    /// digest.json; nothing, if nothing changed
    #[arg(long, value_name = "DIR")]
    pub digest: Option<PathBuf>,
    /// Append a line for this run
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

/// What a job wants to be told of by its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Condition {
    /// A customer blocks that did not, or by a policy that did not
    NewBlock,
    /// A customer blocks, wholly or partly
    Blocked,
    /// A provider that is not on your list got in
    UnlistedSuccess,
    /// A customer on your list has no log here
    NoLog,
    /// A log could not have shown a block
    Blind,
    /// A record of this run is unreadable
    Reject,
}

impl Condition {
    /// About what a run found, which a dataset alone does not tell.
    pub fn is_of_a_run(self) -> bool {
        matches!(self, Self::NewBlock | Self::Reject)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewBlock => "new-block",
            Self::Blocked => "blocked",
            Self::UnlistedSuccess => "unlisted-success",
            Self::NoLog => "no-log",
            Self::Blind => "blind",
            Self::Reject => "reject",
        }
    }
}

/// For whom the work is done: kept in the manifest and printed in the reports.
#[derive(Debug, Args)]
#[command(next_help_heading = "Custody")]
pub struct CustodyArgs {
    /// The number or name of the case
    #[arg(long, value_name = "TEXT", value_parser = parse_custody)]
    pub case: Option<String>,
    /// Who does the work
    #[arg(long, value_name = "TEXT", value_parser = parse_custody)]
    pub examiner: Option<String>,
    /// What else has to be known
    #[arg(long, value_name = "TEXT", value_parser = parse_custody)]
    pub note: Option<String>,
}

impl CustodyArgs {
    pub fn custody(&self) -> Custody {
        Custody {
            case: self.case.clone(),
            examiner: self.examiner.clone(),
            note: self.note.clone(),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub struct VerifyArgs {
    /// The folder that a sweep has written
    #[arg(value_name = "DIR", default_value = "sweep-out")]
    pub out: PathBuf,
    /// Also read the exports again and compare them with what was read
    #[arg(long)]
    pub inputs: bool,
    /// Where the exports lie now
    #[arg(long, value_name = "DIR", requires = "inputs")]
    pub inputs_root: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub struct ShowArgs {
    /// The folder that a sweep has written
    #[arg(value_name = "DIR")]
    pub out: PathBuf,
    /// The sign-in's id (column sign_in_id), in any case
    #[arg(value_name = "SIGN_IN_ID")]
    pub sign_in_id: String,
    /// Where the exports lie now
    #[arg(long, value_name = "DIR")]
    pub inputs_root: Option<PathBuf>,
    /// Passwords of encrypted zip archives, one a line, tried in turn
    #[arg(long, value_name = "FILE")]
    pub zip_password_file: Option<PathBuf>,
    /// Write the record to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_EXAMPLES)]
pub struct ExplainArgs {
    /// An error code, a case of the vendors' articles, mask: and a number, or an error message
    #[arg(required = true, value_name = "WHAT")]
    pub what: Vec<String>,
    /// Also say how often, where and when it occurs in what a sweep has written
    #[arg(long = "in", value_name = "DIR")]
    pub dataset: Option<PathBuf>,
    /// In which form
    #[arg(long, value_enum, default_value_t = ExplainFormat::Text)]
    pub format: ExplainFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExplainFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = SCHEMA_EXAMPLES)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_enum, value_name = "WHAT")]
    pub of: SchemaOf,
    /// In which form [default: md for the dataset, json for all else]
    #[arg(long, value_enum)]
    pub format: Option<SchemaFormat>,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaOf {
    /// summary.json
    Summary,
    /// tickets.json
    Tickets,
    /// The answer of `compare --format json`
    Compare,
    /// The Parquet files below dataset/
    Dataset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaFormat {
    Md,
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = COMPACT_EXAMPLES)]
pub struct CompactArgs {
    /// The folder that a sweep has written
    #[arg(value_name = "DIR", default_value = "sweep-out")]
    pub out: PathBuf,
    #[command(flatten)]
    pub writer: WriterArgs,
}

#[derive(Debug, Args)]
#[command(after_help = FORGET_EXAMPLES)]
pub struct ForgetArgs {
    /// The folder that a sweep has written
    #[arg(value_name = "DIR", default_value = "sweep-out")]
    pub out: PathBuf,
    /// The customer: its tenant id
    #[arg(long, value_name = "GUID", value_parser = parse_tenant)]
    pub tenant: TenantId,
    #[command(flatten)]
    pub writer: WriterArgs,
    #[command(flatten)]
    pub custody: CustodyArgs,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "View")]
pub struct ViewArgs {
    /// Judge as of this moment (UTC) instead of each customer's newest evidence
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub as_of: Option<DateTime<Utc>>,
    /// Leave out sign-ins before this moment (UTC)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub since: Option<DateTime<Utc>>,
    /// Leave out sign-ins from this moment on (UTC)
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub until: Option<DateTime<Utc>>,
}

impl ViewArgs {
    /// All that the dataset holds, as of its own evidence.
    pub fn is_whole(&self) -> bool {
        self.as_of.is_none() && self.since.is_none() && self.until.is_none()
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Reading")]
pub struct ReadingArgs {
    /// Threads to read with [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<std::num::NonZeroUsize>,
    /// Parse every record, even those that cannot be a partner's
    #[arg(long)]
    pub no_peek: bool,
    /// Leave out the SHA-256 of the exports
    #[arg(long)]
    pub no_hash: bool,
    /// Read exports again that an earlier run has read
    #[arg(long)]
    pub rehash: bool,
    /// The longest record that is read
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub record_limit: u16,
    /// The share of unreadable records (0 to 1) above which the run counts as failed
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = parse_share)]
    pub max_reject_share: f64,
}

#[derive(Debug, Args)]
#[command(after_help = REPORT_EXAMPLES)]
pub struct ReportArgs {
    /// The folder that a sweep has written
    #[arg(value_name = "DIR", default_value = "sweep-out")]
    pub out: PathBuf,
    /// In which form
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End with exit code 1 if one of these is so (several: with commas)
    #[arg(long, value_enum, value_name = "CONDITION", value_delimiter = ',')]
    pub fail_on: Vec<Condition>,
    /// Of one customer only, by its tenant id: nothing of any other customer is told
    #[arg(long, value_name = "GUID", value_parser = parse_tenant)]
    pub tenant: Option<TenantId>,
    #[command(flatten)]
    pub rows: RowArgs,
    #[command(flatten)]
    pub redaction: RedactArgs,
    #[command(flatten)]
    pub view: ViewArgs,
}

#[derive(Debug, Args)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct CompareArgs {
    /// The folder of the sweep before
    #[arg(id = "old_folder", value_name = "OLD")]
    pub old: PathBuf,
    /// The folder of the sweep after it [default: OLD, looked at by --old and --new, or --at]
    #[arg(id = "new_folder", value_name = "NEW")]
    pub new: Option<PathBuf>,
    /// Of OLD, look at this span only: FROM..UNTIL (UTC), either end left out if you like
    #[arg(long = "old", value_name = "SPAN", value_parser = parse_span)]
    pub old_span: Option<MomentSpan>,
    /// Of NEW, look at this span only
    #[arg(long = "new", value_name = "SPAN", value_parser = parse_span)]
    pub new_span: Option<MomentSpan>,
    /// Before and after this moment (UTC), such as when a policy was changed: the same as
    /// `--old ..TIME --new TIME..`
    #[arg(long, value_name = "TIME", value_parser = parse_moment, conflicts_with_all = ["old_span", "new_span"])]
    pub at: Option<DateTime<Utc>>,
    /// In which form
    #[arg(long, value_enum, default_value_t = CompareFormat::Text)]
    pub format: CompareFormat,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End with exit code 1 if one of these is so now (several: with commas)
    #[arg(long, value_enum, value_name = "CONDITION", value_delimiter = ',')]
    pub fail_on: Vec<Condition>,
    #[command(flatten)]
    pub rows: RowArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Markdown,
    Html,
    Xlsx,
    Json,
    /// The open tickets of all customers, as Markdown
    Tickets,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CompareFormat {
    Text,
    Markdown,
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = INSPECT_EXAMPLES)]
pub struct InspectArgs {
    #[command(flatten)]
    pub input: InputArgs,
}
