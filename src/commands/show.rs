//! `tenantsweep show`: the raw record behind a sign-in, from its source.

use std::io::{IsTerminal, Write};

use anyhow::{Context, anyhow};
use chrono::{DateTime, SecondsFormat};
use tenantsweep::dataset::{FoundRow, ReadSourceRecord, Sources, find_sign_in, sources};
use tenantsweep::dialect::TableOptions;
use tenantsweep::input::authentication_details::AuthenticationDetails;
use tenantsweep::input::container::SpoolRoom;
use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::input::discover::{DiscoverOptions, discover};
use tenantsweep::input::peek::Peek;
use tenantsweep::input::raw::RawRecord;
use tenantsweep::input::read::ReadOptions;
use tenantsweep::input::recheck::Recheck;
use tenantsweep::input::source::{SourceOptions, read_record};
use tenantsweep::report::clean::clean;
use tenantsweep::stop::Stop;
use tenantsweep::tenant::PartnerList;

use super::create_file;
use super::notices::PATH_COLUMNS;
use super::sources::check_one;
use crate::cli::ShowArgs;
use crate::exit::{End, Failure};

/// Prints each copy of the sign-in that the dataset holds: what is known of it as messages, the
/// record itself as output.
pub fn run(args: &ShowArgs, out: &mut dyn Write, messages: &mut dyn Write) -> Result<End, Failure> {
    let rows = find_sign_in(&args.out, &args.sign_in_id).map_err(Failure::usage)?;
    if rows.is_empty() {
        return Err(Failure::usage(anyhow!(
            "{}: no sign-in with this id in the dataset\n\
             hint: ids stand in the column sign_in_id of dataset/sign_ins",
            clean(&args.sign_in_id, PATH_COLUMNS)
        )));
    }
    let known = sources(&args.out).map_err(Failure::usage)?;
    let mut end = End::Done;
    let mut sink: Box<dyn Write> = match &args.output {
        None => Box::new(&mut *out),
        Some(path) => Box::new(create_file(path)?),
    };
    let is_escaped = args.output.is_none() && std::io::stdout().is_terminal();
    for row in &rows {
        let export = known
            .exports
            .iter()
            .find(|export| export.path == row.source_export && export.run_id == row.run_id);
        let shown = match export {
            Some(export) => show(args, row, export, &known, messages),
            None => Err(anyhow!("{}: not in the list of exports", row.source_export)),
        };
        match shown {
            Ok(record) => {
                write_record(&mut sink, &record, is_escaped).map_err(Failure::unwritten)?;
            }
            Err(error) => {
                let text = clean(&format!("{error:#}"), 1000);
                writeln!(messages, "error: {text}").map_err(Failure::unwritten)?;
                end = End::Unread;
            }
        }
    }
    sink.flush().map_err(Failure::unwritten)?;
    Ok(end)
}

/// Says where a row comes from, checks the source, and fetches the record.
fn show(
    args: &ShowArgs,
    row: &FoundRow,
    export: &ReadSourceRecord,
    known: &Sources,
    messages: &mut dyn Write,
) -> anyhow::Result<RawRecord> {
    let created = DateTime::from_timestamp_micros(row.created_at);
    let created = created.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let (path, state) = check_one(export, known, args.inputs_root.as_deref());
    let hash = export.container_sha256.as_ref().or(export.sha256.as_ref());
    let source = match &state {
        None => "not checked: no hash of it was taken".to_owned(),
        Some(Recheck::Same) => "unchanged since it was read".to_owned(),
        Some(Recheck::Grown) => {
            "has grown since it was read; what was read is unchanged".to_owned()
        }
        Some(Recheck::Changed) => "is not what was read".to_owned(),
        Some(Recheck::Missing) => "is not there any more".to_owned(),
        Some(Recheck::Unreadable(error)) => format!("cannot be read: {error}"),
    };
    for (what, text) in [
        ("sign-in", row.sign_in_id.as_str()),
        ("created", created.as_deref().unwrap_or_default()),
        ("seen as", &format!("{}, {}", row.side, row.verdict)),
        ("export", &row.source_export),
        ("offset", &format!("{} (decoded bytes)", row.source_offset)),
        ("sha-256", hash.map_or("not taken", String::as_str)),
        ("run", &row.run_id),
        ("source", &source),
    ] {
        writeln!(messages, "{what:<8} {}", clean(text, PATH_COLUMNS))?;
    }
    match state {
        Some(Recheck::Same | Recheck::Grown) | None => {}
        Some(_) => anyhow::bail!(
            "{}: {source}, so its record is not shown (hint: where the file lies now, say with \
             `--inputs-root`)",
            path.display()
        ),
    }
    let passwords = match &args.zip_password_file {
        None => Passwords::default(),
        Some(path) => Passwords::read(path)
            .with_context(|| format!("{}: could not be read", path.display()))?,
    };
    let record = fetch(&path, row, export, &passwords)?;
    record.ok_or_else(|| anyhow!("{}: no record begins at this offset", path.display()))
}

fn fetch(
    path: &std::path::Path,
    row: &FoundRow,
    export: &ReadSourceRecord,
    passwords: &Passwords,
) -> anyhow::Result<Option<RawRecord>> {
    let options = DiscoverOptions { out: None, given: &[], template: None };
    let found = discover(&[path.to_owned()], &options)?;
    let source = found.sources.first().ok_or_else(|| anyhow!("{}: not found", path.display()))?;
    // The file may lie elsewhere now: its members are shown by its present path.
    let member = export.path.strip_prefix(export.container.as_deref().unwrap_or(&export.path));
    let shown = format!("{}{}", source.shown, member.unwrap_or_default());
    let (partners, tables) = (PartnerList::default(), TableOptions::default());
    let (peek, authentication) = (Peek::of(&partners), AuthenticationDetails::default());
    let options = SourceOptions {
        reading: ReadOptions {
            partners: &partners,
            tables: &tables,
            authentication: &authentication,
            peek: &peek,
            use_peek: true,
            with_sha256: false,
            // Whatever limit the sweep had: the record was read.
            record_limit: 1 << 30,
            keep_rejected_bytes: false,
            keep_not_applied: false,
            pool: None,
        },
        template: None,
        passwords,
        room: SpoolRoom::MemoryOnly,
        stop: &Stop::default(),
    };
    let offset = u64::try_from(row.source_offset)?;
    read_record(source, &shown, offset, &options)
        .with_context(|| format!("{}: cannot be read", path.display()))
}

/// Byte for byte; on a terminal without what could steer it.
fn write_record(sink: &mut dyn Write, record: &RawRecord, is_escaped: bool) -> std::io::Result<()> {
    for bytes in record.header.iter().chain([&record.record]) {
        if is_escaped {
            let text = String::from_utf8_lossy(bytes);
            for line in text.lines() {
                writeln!(sink, "{}", clean(line, usize::MAX / 8))?;
            }
        } else {
            sink.write_all(bytes)?;
            if !bytes.ends_with(b"\n") {
                writeln!(sink)?;
            }
        }
    }
    Ok(())
}
