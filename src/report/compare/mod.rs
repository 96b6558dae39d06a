//! What changed between two looks at the evidence, for people and for programs. The entries are
//! put together once; each format draws them.

mod draw;
mod entry;
mod json;

use chrono::{DateTime, Utc};

use super::words;
use crate::change::{ChangeKind, Changes, CustomerChange, ProviderChange, Standing};
use crate::summary::state::CustomerState;
use crate::tenant::TenantId;

pub use draw::{write_comparison_markdown, write_comparison_text};
pub use json::write_comparison_json;

/// One of the two looks.
#[derive(Debug)]
pub struct ComparedSide<'a> {
    /// The folder as the user named it.
    pub input: String,
    pub since: Option<DateTime<Utc>>,
    /// Itself excluded.
    pub until: Option<DateTime<Utc>>,
    pub standing: &'a Standing,
}

/// All that a comparison says, before it takes a form.
#[derive(Debug)]
pub struct Comparison<'a> {
    pub tool_version: &'a str,
    pub old: ComparedSide<'a>,
    pub new: ComparedSide<'a>,
    pub changes: &'a Changes,
}

/// Changes that are told under one heading.
struct Group {
    title: &'static str,
    /// One of them in the headline, after its count, and several.
    counted: [&'static str; 2],
    kinds: &'static [ChangeKind],
}

/// In the order in which they are told.
const GROUPS: [Group; 9] = [
    Group {
        title: "New block",
        counted: ["new block", "new blocks"],
        kinds: &[ChangeKind::NewlyBlocked],
    },
    Group {
        title: "Now blocked by another policy",
        counted: ["blocked by another policy"; 2],
        kinds: &[ChangeKind::OtherPolicy],
    },
    Group {
        title: "Blocked, policy named only now",
        counted: ["blocked with the policy named only now"; 2],
        kinds: &[ChangeKind::PolicyNamed],
    },
    Group {
        title: "Still blocked, by the same policies",
        counted: ["still blocked"; 2],
        kinds: &[ChangeKind::StillBlocked],
    },
    Group { title: "Resolved", counted: ["resolved"; 2], kinds: &[ChangeKind::Resolved] },
    Group {
        title: "Partly resolved",
        counted: ["partly resolved"; 2],
        kinds: &[ChangeKind::PartlyResolved, ChangeKind::Eased],
    },
    Group {
        title: "No new evidence, so not resolved",
        counted: ["without new evidence"; 2],
        kinds: &[ChangeKind::NoLongerShown, ChangeKind::NoNewTry],
    },
    Group {
        title: "Evidence older than before, so nothing follows",
        counted: ["by older evidence"; 2],
        kinds: &[ChangeKind::OlderEvidence],
    },
    Group {
        title: "Other changes",
        counted: ["other change", "other changes"],
        kinds: &[
            ChangeKind::NewlyFailing,
            ChangeKind::StillFailing,
            ChangeKind::CannotTell,
            ChangeKind::NoLog,
            ChangeKind::CanTell,
        ],
    },
];

impl Group {
    /// Its changes, by kind and then by name.
    fn of<'a>(&self, changes: &'a Changes) -> Vec<&'a CustomerChange> {
        let all = changes.customers.iter().chain(&changes.unchanged);
        let mut own: Vec<&CustomerChange> =
            all.filter(|change| self.kinds.contains(&change.kind)).collect();
        own.sort_by_cached_key(|change| {
            let name = change.now.child_name.as_ref().map(|name| name.to_lowercase());
            (change.kind, name.is_none(), name, change.now.child_tenant_id)
        });
        own
    }
}

impl Comparison<'_> {
    /// The answer in one line.
    fn headline(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for group in &GROUPS {
            let count = group.of(self.changes).len() as u64;
            if count > 0 {
                parts.push(words::counted(count, group.counted[0], group.counted[1]));
            }
        }
        let providers = self.changes.providers.len() as u64;
        if providers > 0 {
            let one = "other provider newly in";
            parts.push(words::counted(providers, one, "other providers newly in"));
        }
        if parts.is_empty() {
            return "Nothing changed, and nothing was blocked.".to_owned();
        }
        format!("{}.", parts.join(", "))
    }

    /// The customers that no group holds, by state.
    fn as_before(&self) -> Option<String> {
        let told = self.changes.customers.iter().chain(&self.changes.unchanged);
        let told: std::collections::BTreeSet<_> =
            told.map(|change| (change.now.child_tenant_id, change.now.partner_tenant_id)).collect();
        let states = CustomerState::ALL.into_iter().filter_map(|state| {
            let customers = self.new.standing.customers.iter().filter(|customer| {
                let key = (customer.child_tenant_id, customer.partner_tenant_id);
                customer.state == state && !told.contains(&key)
            });
            let count = customers.count() as u64;
            (count > 0).then(|| format!("{} {}", words::number(count), state.as_str()))
        });
        let states: Vec<String> = states.collect();
        (!states.is_empty()).then(|| format!("As before: {}.", states.join(", ")))
    }

    /// What takes force from the answer.
    fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.reach_warning().into_iter().collect();
        let (old, new) = (&self.old.standing.partners, &self.new.standing.partners);
        if old.is_empty() && new.is_empty() {
            warnings.push(
                "Neither side has a listed partner: sweep again with --partner GUID=NAME."
                    .to_owned(),
            );
        }
        for (one, other, side) in [(old, new, "OLD"), (new, old, "NEW")] {
            for (&id, name) in one.iter().filter(|(id, _)| !other.contains_key(id)) {
                warnings.push(format!(
                    "{} is a listed partner of {side} only: its customers cannot be compared.",
                    named(name.as_deref(), id)
                ));
            }
        }
        warnings
    }

    fn reach_warning(&self) -> Option<String> {
        let (old, new) = (self.old.standing.newest_evidence, self.new.standing.newest_evidence);
        let told = |at: DateTime<Utc>| format!("{} UTC", words::full_moment(at));
        match (old, new) {
            (_, None) => Some("NEW has no evidence at all: nothing can be resolved.".to_owned()),
            (None, _) => Some("OLD has no evidence at all: all trouble counts as new.".to_owned()),
            (Some(old), Some(new)) if new < old => Some(format!(
                "OLD is newer than NEW: its evidence ends {}, that of NEW {}. Are the two swapped? \
                 Older evidence resolves nothing, and no block in it is new.",
                told(old),
                told(new),
            )),
            (Some(old), Some(new)) if new == old => Some(format!(
                "NEW reaches no further than OLD: both end {}. Nothing can be resolved.",
                told(old),
            )),
            _ => None,
        }
    }

    /// Which partner is meant, where there are several.
    fn partner_of(&self, change: &CustomerChange) -> Option<String> {
        let (old, new) = (&self.old.standing.partners, &self.new.standing.partners);
        let all: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let id = change.now.partner_tenant_id;
        let name = new.get(&id).or_else(|| old.get(&id))?;
        (all.len() > 1).then(|| words::tenant(name.as_deref(), id))
    }

    fn names_of(&self, provider: &ProviderChange) -> Vec<String> {
        let known = self.new.standing.customers.iter();
        let known = known.chain(&self.old.standing.customers);
        let name = |id: TenantId| {
            let mut same = known.clone().filter(|customer| customer.child_tenant_id == id);
            let name = same.find_map(|customer| customer.child_name.as_deref());
            words::tenant(name, id)
        };
        provider.child_tenant_ids.iter().map(|&id| name(id)).collect()
    }
}

impl ComparedSide<'_> {
    /// The folder, what of it was looked at, and how far that reaches.
    fn told(&self) -> String {
        let mut told = self.input.clone();
        let end = |at: Option<DateTime<Utc>>| at.map(words::full_moment).unwrap_or_default();
        if self.since.is_some() || self.until.is_some() {
            let span = format!("{}..{}", end(self.since), end(self.until));
            told.push_str(&format!(", {span} UTC"));
        }
        match self.standing.newest_evidence {
            Some(newest) => format!("{told}: evidence up to {} UTC", words::full_moment(newest)),
            None => format!("{told}: no evidence"),
        }
    }
}

/// A name with the start of its id: names alone can be chosen by anyone.
fn named(name: Option<&str>, id: TenantId) -> String {
    name.map_or_else(|| id.short(), |name| format!("{name} {}", id.short()))
}
