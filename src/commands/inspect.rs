//! `tenantsweep inspect`: what each file is, and what it cannot show.

use std::io::{self, Write};

use tenantsweep::input::container::SpoolRoom;
use tenantsweep::input::frame::RECORD_LIMIT;
use tenantsweep::input::hint::hint_of;
use tenantsweep::input::peek::Peek;
use tenantsweep::input::read::{NotRead, ReadOptions};
use tenantsweep::input::source::{Member, Share, SourceOptions, read_source};
use tenantsweep::parallel;
use tenantsweep::report::blind_spot_words;
use tenantsweep::report::clean::clean;
use tenantsweep::stop::Stop;

use super::{gather, thread_count};
use crate::cli::InspectArgs;
use crate::exit::{End, Failure};

/// Reads every file and prints a few lines for each.
pub fn run(args: &InspectArgs, out: &mut dyn Write) -> Result<End, Failure> {
    let inputs = gather(&args.input, None, &[])?;
    let partners = &inputs.lists.partners;
    let peek = Peek::of(partners);
    let tables = args.input.tables.options();
    let options = SourceOptions {
        reading: ReadOptions {
            partners,
            tables: &tables,
            authentication: &inputs.lists.authentication,
            peek: &peek,
            use_peek: true,
            with_sha256: false,
            record_limit: RECORD_LIMIT,
            keep_rejected_bytes: false,
            keep_not_applied: false,
            pool: None,
        },
        template: inputs.found.template.as_ref(),
        passwords: &inputs.passwords,
        room: SpoolRoom::MemoryOnly,
        stop: &Stop::default(),
    };
    let results = parallel::map(&inputs.found.sources, thread_count(None), |source| {
        read_source(source, Share::WHOLE, &options, &|_, _| Ok(()), &|_| {})
    });
    let mut end = End::Done;
    for (list, kind) in &inputs.lists.used {
        writeln!(out, "{list}\n  {kind}").map_err(Failure::unwritten)?;
    }
    for list in &inputs.lists.not_used {
        writeln!(out, "{list}\n  a list of tenants; use it with --partners or --tenants")
            .map_err(Failure::unwritten)?;
    }
    for member in results.into_iter().flat_map(|read| read.members) {
        if matches!(member.result, Err(NotRead::Failed(_) | NotRead::Refused(_))) {
            end = End::Unread;
        }
        describe(out, member).map_err(Failure::unwritten)?;
    }
    Ok(end)
}

fn describe(out: &mut dyn Write, member: Member) -> io::Result<()> {
    writeln!(out, "{}", clean(&member.shown, 400))?;
    let export = match member.result {
        Err(NotRead::NoLog(no_log)) => {
            let what = clean(&no_log.what, 400);
            return writeln!(out, "  not a sign-in log: {what}\n  hint: {}", no_log.hint);
        }
        Err(NotRead::Refused(refused)) => {
            let what = clean(&refused.what, 2000);
            return writeln!(out, "  not read yet: {what}\n  hint: {}", refused.hint);
        }
        Err(NotRead::Failed(error) | NotRead::Taker(error)) => {
            let cause = clean(&error.to_string(), 400);
            writeln!(out, "  could not be read: {cause}")?;
            return hint_of(&error).map_or(Ok(()), |hint| writeln!(out, "  hint: {hint}"));
        }
        Ok(export) => export,
    };
    let packing = export.compression.as_str();
    writeln!(
        out,
        "  {}, {}, compression {packing}, {} bytes",
        export.dialect,
        export.encoding.as_str(),
        export.decoded_bytes
    )?;
    let tally = export.tally;
    writeln!(
        out,
        "  {} records: {} partners', {} other, {} unreadable",
        tally.records, tally.partner, tally.other, tally.rejected
    )?;
    if let (Some(first), Some(last)) = (export.evidence.first_at, export.evidence.last_at) {
        let time = "%Y-%m-%d %H:%M:%S";
        writeln!(out, "  from {} to {} UTC (sample)", first.format(time), last.format(time))?;
    }
    match export.evidence.exporting_tenant(member.path_tenant) {
        Some(tenant) => writeln!(out, "  log of tenant {tenant}")?,
        None => writeln!(out, "  log of several tenants, or of one that it does not name")?,
    }
    writeln!(out, "  evidence: {}", export.evidence.basis())?;
    for spot in &export.blind_spots {
        writeln!(out, "  cannot show: {}", blind_spot_words(spot.as_str()))?;
    }
    for reject in export.rejects.iter().take(5) {
        let reason = clean(&reject.reason, 200);
        writeln!(out, "  unreadable at byte {}: {reason}", reject.offset)?;
    }
    Ok(())
}
