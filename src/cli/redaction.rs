//! Flags of every command that can hide who someone is.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Redaction")]
pub struct RedactArgs {
    /// Put pseudonyms in the place of people, customers, partners, policies, addresses and ids, the
    /// same ones for the same key
    #[arg(long)]
    pub redact: bool,
    /// The key of the pseudonyms; made if missing, for you alone to read [default: redact.key beside
    /// the dataset]
    #[arg(long, value_name = "FILE", requires = "redact")]
    pub redact_key: Option<PathBuf>,
}
