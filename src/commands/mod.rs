//! One file per subcommand: arguments to options, answers to the terminal.

pub mod compare;
pub mod documents;
pub mod explain;
pub mod inspect;
mod log_file;
pub mod maintain;
mod notices;
mod outputs;
mod progress;
pub mod query;
mod redaction;
pub mod report;
mod scheduled;
pub mod schema;
pub mod show;
mod sources;
pub mod sweep;
mod ticket_files;
pub mod verify;

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::input::discover::{DiscoverOptions, Found, STANDARD_INPUT, discover};
use tenantsweep::input::path_tenant::PathTemplate;
use tenantsweep::lists::{GivenLists, Lists};

use crate::cli::InputArgs;
use crate::exit::Failure;

/// What the input flags lead to.
pub struct Inputs {
    pub found: Found,
    pub lists: Lists,
    /// Of encrypted archives.
    pub passwords: Passwords,
}

/// Makes the file that `-o` names.
fn create_file(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file = File::create(path);
    let file = file.with_context(|| format!("{}: cannot create", path.display()));
    file.map(BufWriter::new).map_err(Failure::unwritten)
}

/// Finds the inputs and reads the lists.
pub fn gather(
    args: &InputArgs,
    out: Option<&PathBuf>,
    beside: &[PathBuf],
) -> Result<Inputs, Failure> {
    let template = args.tenant_from_path.as_deref().map(PathTemplate::parse).transpose();
    let template = template.map_err(Failure::usage)?;
    let given_files: Vec<PathBuf> = args
        .partners
        .iter()
        .chain(&args.tenants)
        .chain(&args.zip_password_file)
        .chain(&args.config)
        .chain(beside)
        .cloned()
        .collect();
    let passwords = match &args.zip_password_file {
        None => Passwords::default(),
        Some(path) => Passwords::read(path)
            .with_context(|| format!("{}: could not be read", path.display()))
            .map_err(Failure::usage)?,
    };
    let options = DiscoverOptions {
        out: out.map(PathBuf::as_path),
        given: &given_files,
        template: template.as_ref(),
    };
    if args.inputs.iter().any(|input| input == Path::new(STANDARD_INPUT))
        && std::io::stdin().is_terminal()
    {
        return Err(Failure::usage(anyhow::anyhow!(
            "`-` reads standard input, and nothing is piped into it\n\
             hint: `tenantsweep … - < FILE`, or give the file itself"
        )));
    }
    let found = discover(&args.inputs, &options).map_err(Failure::usage)?;
    let given = GivenLists {
        partners: &args.partner,
        partner_files: &args.partners,
        customer_files: &args.tenants,
    };
    let lists = Lists::gather(&given, &found).map_err(Failure::usage)?;
    Ok(Inputs { found, lists, passwords })
}

/// The threads to use: as asked, else one for each core.
pub fn thread_count(asked: Option<std::num::NonZeroUsize>) -> usize {
    let cores = || std::thread::available_parallelism().ok();
    asked.or_else(cores).map_or(1, std::num::NonZeroUsize::get)
}

/// Removes a file that need not be there.
fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Failure::unwritten(anyhow!("{}: cannot remove: {error}", path.display())))
        }
        _ => Ok(()),
    }
}
