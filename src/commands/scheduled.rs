//! What a job that runs by itself needs: conditions, and a digest of what changed.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tenantsweep::change::{Changes, Standing};
use tenantsweep::dataset::Disk;
use tenantsweep::report::clean::clean;
use tenantsweep::report::digest::{
    Digest, write_digest_card, write_digest_html, write_digest_json, write_digest_text,
};
use tenantsweep::summary::Summary;
use tenantsweep::summary::state::{CustomerState, Doubt};
use tenantsweep::tenant::TenantId;

use super::remove;
use crate::cli::Condition;
use crate::exit::Failure;

/// The files of a digest.
const DIGEST: [&str; 4] = ["digest.txt", "digest.html", "teams-card.json", "digest.json"];

/// Where a digest lies, and what else a job writes outside of the output folder: none of it is
/// an export.
pub fn written_beside(digest: Option<&Path>, log_file: Option<&Path>) -> Vec<PathBuf> {
    let digest = digest.iter().flat_map(|folder| DIGEST.map(|name| folder.join(name)));
    digest.chain(log_file.map(Path::to_owned)).collect()
}

/// How things stood when the last sweep ended, beside the dataset.
fn standing_path(out: &Path) -> PathBuf {
    out.join("dataset").join("standing.json")
}

/// How things stand now, and what changed since the last sweep that told its end.
pub struct Comparison {
    pub now: Standing,
    pub before: Option<Standing>,
    pub changes: Changes,
}

impl Comparison {
    pub fn of(out: &Path, summary: &Summary) -> Self {
        let before = fs::read(standing_path(out)).ok();
        let before = before.and_then(|text| Standing::parse(&text));
        let now = Standing::of(summary);
        let changes = Changes::between(before.as_ref(), &now);
        Self { now, before, changes }
    }

    /// Keeps how things stand for the next sweep. Written last: a sweep that is killed before it
    /// has told what changed leaves that to the next one.
    pub fn keep(&self, out: &Path, disk: &Disk) -> Result<(), Failure> {
        keep(&self.now, out, disk)
    }

    /// Writes the digest. Where nothing changed there is nothing to send: an older one goes.
    pub fn write_digest(&self, folder: &Path, disk: &Disk) -> Result<(), Failure> {
        if self.changes.is_empty() {
            return DIGEST.iter().try_for_each(|name| remove(&folder.join(name)));
        }
        disk.make_folders(folder).map_err(Failure::unwritten)?;
        let digest = Digest {
            changes: &self.changes,
            now: &self.now,
            before: self.before.as_ref().and_then(|before| before.newest_evidence),
        };
        type Form = fn(&mut Vec<u8>, &Digest<'_>) -> io::Result<()>;
        let forms: [Form; 4] =
            [write_digest_text, write_digest_html, write_digest_card, write_digest_json];
        for (name, form) in DIGEST.iter().zip(forms) {
            let mut text = Vec::new();
            form(&mut text, &digest).map_err(Failure::unwritten)?;
            disk.replace(&folder.join(name), &text).map_err(Failure::unwritten)?;
        }
        Ok(())
    }

    /// A line for the terminal.
    pub fn told(&self) -> String {
        match self.changes.len() {
            count @ 1.. if self.changes.is_first => {
                format!("First digest: {count} things to know, all of them new.")
            }
            0 => "Nothing changed since the sweep before: no digest.".to_owned(),
            1 => "1 change since the sweep before, in the digest.".to_owned(),
            count => format!("{count} changes since the sweep before, in the digest."),
        }
    }
}

/// Forgets a customer in what is kept for the next sweep.
pub fn forget_standing(
    out: &Path,
    disk: &Disk,
    tenant: TenantId,
    summary: &Summary,
) -> Result<(), Failure> {
    let Comparison { now, before, .. } = Comparison::of(out, summary);
    match before {
        Some(before) => keep(&before.forgetting(tenant, &now), out, disk),
        // All is new to the next sweep, and stays so; what cannot be read may still hold the name.
        None => remove(&standing_path(out)),
    }
}

fn keep(standing: &Standing, out: &Path, disk: &Disk) -> Result<(), Failure> {
    let text = standing.to_json().map_err(Failure::unwritten)?;
    disk.replace(&standing_path(out), &text).map_err(Failure::unwritten)
}

/// What a condition is judged by.
pub struct Judged<'a> {
    pub summary: &'a Summary,
    /// Of a sweep only.
    pub changes: Option<&'a Changes>,
    /// Unreadable records of this run.
    pub rejected: u64,
}

impl Judged<'_> {
    /// Says which of the conditions are met, each with an example.
    pub fn met(&self, conditions: &[Condition]) -> Vec<String> {
        conditions.iter().filter_map(|&condition| self.example(condition)).collect()
    }

    fn example(&self, condition: Condition) -> Option<String> {
        let customers = &self.summary.customers;
        let named = |name: &Option<String>, id: TenantId| {
            clean(name.as_deref().unwrap_or(&id.to_string()), 60)
        };
        let first = |is_met: &dyn Fn(CustomerState, Option<Doubt>) -> bool| {
            let mut met = customers.iter().filter(|c| is_met(c.state, c.doubt));
            let first = met.next()?;
            let more = met.count();
            let name = named(&first.child_name, first.child_tenant_id);
            Some(if more == 0 { name } else { format!("{name} and {more} more") })
        };
        let what = match condition {
            Condition::NewBlock => {
                let new = self.changes?.new_block()?;
                named(&new.now.child_name, new.now.child_tenant_id)
            }
            Condition::Blocked => {
                first(&|state, _| matches!(state, CustomerState::Blocked | CustomerState::Partly))?
            }
            Condition::UnlistedSuccess => {
                let mut got_in =
                    self.summary.other_providers.iter().filter(|p| p.customers_got_in() > 0);
                let provider = got_in.next()?;
                let name = provider.name.as_ref().or(provider.example_account.as_ref());
                let id = provider.home_tenant_id.map(|id| id.to_string());
                let name = name.or(id.as_ref()).map_or("home tenant not named", String::as_str);
                format!("{} at {} customers", clean(name, 60), provider.customers_got_in())
            }
            Condition::NoLog => first(&|state, _| state == CustomerState::NoLog)?,
            Condition::Blind => {
                let log = self.summary.exports.iter().find(|log| log.is_blind);
                let is_blind = |_, doubt| doubt == Some(Doubt::Blind);
                log.map(|log| clean(&log.path, 200)).or_else(|| first(&is_blind))?
            }
            Condition::Reject => {
                (self.rejected > 0).then(|| format!("{} unreadable records", self.rejected))?
            }
        };
        Some(format!("--fail-on {}: {what}", condition.as_str()))
    }
}

/// Says on standard error which conditions are met.
pub fn tell_met(met: &[String], messages: &mut dyn Write) -> Result<(), Failure> {
    met.iter().try_for_each(|line| writeln!(messages, "{line}")).map_err(Failure::unwritten)
}
