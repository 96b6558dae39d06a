//! What an estate holds, known because we put it there; never computed by reading it back.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Inbound,
    Outbound,
    Home,
}

impl Side {
    const ALL: [Self; 3] = [Self::Inbound, Self::Outbound, Self::Home];

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Home => "home",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Succeeded,
    Blocked,
    Interrupted,
    Failed,
    Unexplained,
}

impl Verdict {
    const ALL: [Self; 5] =
        [Self::Succeeded, Self::Blocked, Self::Interrupted, Self::Failed, Self::Unexplained];

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Blocked => "blocked",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Unexplained => "unexplained",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartnerMatch {
    Listed,
    ServiceProvider,
    Domain,
    AppOwner,
}

impl PartnerMatch {
    const ALL: [Self; 4] = [Self::Listed, Self::ServiceProvider, Self::Domain, Self::AppOwner];

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }

    /// The word of the dataset's column `partner_match`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::ServiceProvider => "service_provider",
            Self::Domain => "domain",
            Self::AppOwner => "app_owner",
        }
    }
}

/// Side and sign-in id in lower case: what makes two records the same sign-in.
pub type Key = (Side, String);

/// What a record is to every correct reader.
pub enum Standing {
    Partner(Facts),
    Other,
    /// A partner's, without anything that tells what came of it.
    Reject,
}

/// What every correct reader says of a partner's sign-in. Ids are in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Facts {
    pub side: Side,
    /// Empty where the export shows a service provider and not which.
    pub partner: String,
    pub partner_match: PartnerMatch,
    /// `None` on side `home`.
    pub child: Option<String>,
    pub verdict: Verdict,
    pub disputed: bool,
    /// `None` where the export does not show it.
    pub error_code: Option<u32>,
    /// Ids of policies with result failure, if the verdict is blocked.
    pub blocking: BTreeSet<String>,
    pub would_block: BTreeSet<String>,
    /// Created at, in whole seconds since 1970 (kinds differ in their fractions).
    pub created_second: i64,
}

/// A number that damage may leave open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub least: u64,
    pub most: u64,
}

impl Span {
    pub fn contains(self, value: u64) -> bool {
        (self.least..=self.most).contains(&value)
    }

    fn add(&mut self, least: u64, most: u64) {
        self.least += least;
        self.most += most;
    }
}

/// The ledger. Without damage `least == most` throughout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub records: Span,
    /// Rows that remain after duplicates are gone.
    pub partner: Span,
    pub other: Span,
    pub duplicate: Span,
    pub rejected: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyCounts {
    pub blocked: u64,
    /// Of `blocked`, those whose sign-in is disputed.
    pub disputed: u64,
    pub would_block: u64,
}

/// Child and policy, or child and verdict, counted over winning rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All partner rows, every side.
    pub verdicts: BTreeMap<Verdict, u64>,
    pub children: BTreeMap<(String, Verdict), u64>,
    pub policies: BTreeMap<(String, String), PolicyCounts>,
}

impl Counts {
    /// A child's figures come from its inbound rows; outbound ones count only for
    /// children that have none.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Facts> + Clone) -> Self {
        let inbound = |row: &&Facts| row.side == Side::Inbound;
        let with_inbound: BTreeSet<&String> =
            rows.clone().into_iter().filter(inbound).filter_map(|row| row.child.as_ref()).collect();
        let mut counts = Self::default();
        for row in rows {
            *counts.verdicts.entry(row.verdict).or_default() += 1;
            let Some(child) = &row.child else { continue };
            if row.side == Side::Inbound || !with_inbound.contains(child) {
                counts.add_child(child, row);
            }
        }
        counts
    }

    fn add_child(&mut self, child: &str, row: &Facts) {
        *self.children.entry((child.into(), row.verdict)).or_default() += 1;
        for policy in &row.blocking {
            let counts = self.policies.entry((child.into(), policy.clone())).or_default();
            counts.blocked += 1;
            counts.disputed += u64::from(row.disputed);
        }
        for policy in &row.would_block {
            self.policies.entry((child.into(), policy.clone())).or_default().would_block += 1;
        }
    }
}

/// One file as written.
#[derive(Clone, Debug)]
pub struct FileTruth {
    pub path: String,
    pub kind: super::Kind,
    /// Length as UTF-8 text, before encoding and compression, without a byte order mark.
    pub text_bytes: u64,
    /// Records put in, damaged ones included.
    pub records: u64,
    pub damaged: u64,
    pub exporting_tenant: String,
}

#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Winners that every correct reader finds, with these facts.
    pub sign_ins: BTreeMap<Key, Facts>,
    /// Keys that damage leaves open: absent, or with one of these facts.
    pub uncertain: BTreeMap<Key, Vec<Facts>>,
    /// Partner rows whose record has no id (their key is a hash of the record).
    pub without_id: Vec<Facts>,
    /// Of `without_id`, those that damage may have taken.
    pub without_id_uncertain: Vec<Facts>,
    pub totals: Totals,
    /// Counted over the certain rows; exact without damage.
    pub counts: Counts,
    pub files: Vec<FileTruth>,
}

impl Truth {
    /// Compares rows that a reader found with what is here; one line for each disagreement.
    /// Rows without an id go under any key text that begins with `raw:`.
    pub fn disagreements(&self, found: &BTreeMap<Key, Facts>) -> Vec<String> {
        let mut lines = Vec::new();
        for (key, facts) in &self.sign_ins {
            match found.get(key) {
                Some(other) if other == facts => {}
                Some(other) => lines.push(format!("{key:?}: expected {facts:?}, found {other:?}")),
                None => lines.push(format!("{key:?}: not found, expected {facts:?}")),
            }
        }
        let extra = |key: &Key| !key.1.starts_with("raw:") && !self.sign_ins.contains_key(key);
        for (key, facts) in found.iter().filter(|(key, _)| extra(key)) {
            if !self.uncertain.get(key).is_some_and(|possible| possible.contains(facts)) {
                lines.push(format!("{key:?}: found and not expected: {facts:?}"));
            }
        }
        lines.extend(self.disagreements_without_id(found));
        lines
    }

    fn disagreements_without_id(&self, found: &BTreeMap<Key, Facts>) -> Vec<String> {
        let mut left: Vec<&Facts> = self.without_id.iter().collect();
        let mut open: Vec<&Facts> = self.without_id_uncertain.iter().collect();
        let mut lines = Vec::new();
        for facts in
            found.iter().filter(|(key, _)| key.1.starts_with("raw:")).map(|(_, facts)| facts)
        {
            let taken = take(&mut left, facts) || take(&mut open, facts);
            if !taken {
                lines.push(format!("without id, not expected: {facts:?}"));
            }
        }
        lines.extend(left.iter().map(|facts| format!("without id, not found: {facts:?}")));
        lines
    }
}

fn take(from: &mut Vec<&Facts>, facts: &Facts) -> bool {
    let at = from.iter().position(|candidate| *candidate == facts);
    at.map(|at| from.swap_remove(at)).is_some()
}

/// What became of a record on its way into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Every correct reader finds it.
    Certain,
    /// It may be found, lost, or replaced by nothing.
    Doubtful,
}

/// One record of a partner's sign-in as it stands in one file.
struct Copy {
    facts: Facts,
    /// The final state, and evidence that can name policies.
    rank: (bool, bool),
    fate: Fate,
}

/// Collects while files are written; keeps partner rows only, so a large estate fits.
#[derive(Default)]
pub struct TruthBuilder {
    copies: BTreeMap<Key, Vec<Copy>>,
    truth: Truth,
}

impl TruthBuilder {
    /// A record that is no partner's.
    pub fn add_other(&mut self, fate: Fate) {
        self.truth.totals.other.add(u64::from(fate == Fate::Certain), 1);
    }

    pub fn add_partner(&mut self, id: Option<&str>, facts: Facts, rank: (bool, bool), fate: Fate) {
        match id {
            Some(id) => {
                let key = (facts.side, id.to_ascii_lowercase());
                self.copies.entry(key).or_default().push(Copy { facts, rank, fate });
            }
            None if fate == Fate::Certain => self.truth.without_id.push(facts),
            None => self.truth.without_id_uncertain.push(facts),
        }
    }

    pub fn add_rejects(&mut self, least: u64, most: u64) {
        self.truth.totals.rejected.add(least, most);
    }

    pub fn add_file(&mut self, file: FileTruth) {
        self.truth.files.push(file);
    }

    pub fn finish(self) -> Truth {
        let Self { copies, mut truth } = self;
        for (key, copies) in copies {
            truth.settle(key, &copies);
        }
        let certain = truth.without_id.len() as u64;
        let all = certain + truth.without_id_uncertain.len() as u64;
        truth.totals.partner.add(certain, all);
        truth.counts =
            Counts::of(truth.sign_ins.values().chain(&truth.without_id).collect::<Vec<_>>());
        truth.totals.records = truth.totals.sum();
        truth
    }
}

impl Totals {
    fn sum(&self) -> Span {
        let parts = [self.partner, self.other, self.duplicate, self.rejected];
        Span {
            least: parts.iter().map(|part| part.least).sum(),
            most: parts.iter().map(|part| part.most).sum(),
        }
    }
}

impl Truth {
    /// The winner among certain copies, unless a doubtful one could outrank it and differs.
    fn settle(&mut self, key: Key, copies: &[Copy]) {
        let certain = copies.iter().filter(|copy| copy.fate == Fate::Certain);
        let certain_count = certain.clone().count() as u64;
        let best = certain.max_by_key(|copy| copy.rank);
        self.totals.partner.add(certain_count.min(1), 1);
        self.totals.duplicate.add(certain_count.saturating_sub(1), copies.len() as u64 - 1);

        let could_win = |copy: &&Copy| {
            copy.fate == Fate::Doubtful && best.is_none_or(|best| copy.rank >= best.rank)
        };
        let mut possible: Vec<Facts> = best.iter().map(|copy| copy.facts.clone()).collect();
        possible.extend(copies.iter().filter(could_win).map(|copy| copy.facts.clone()));
        possible.sort();
        possible.dedup();
        match (best, possible.len()) {
            (Some(best), 1) => drop(self.sign_ins.insert(key, best.facts.clone())),
            _ => drop(self.uncertain.insert(key, possible)),
        }
    }
}
