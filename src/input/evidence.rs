//! What an export can show: judged from a sample of its records and from every partner's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::refused::Refusal;
use crate::dialect::Dialect;
use crate::sign_in::{RowEvidence, SignIn, SignInType};
use crate::tenant::TenantId;

/// Chooses the sample: the first four records, and the first that starts in each further
/// 256 KiB of the decoded stream. By offset, so the same whatever the threads and the peek.
/// (The reader adds the export's last record.)
#[derive(Debug, Default)]
pub struct SampleClock {
    records: u64,
    window: u64,
}

const FIRST_RECORDS: u64 = 4;
const WINDOW_BYTES: u64 = 256 * 1024;

impl SampleClock {
    /// Whether the record at this offset is one of the sample; to be asked for each in turn.
    pub fn is_due(&mut self, offset: u64) -> bool {
        let window = offset / WINDOW_BYTES;
        let due = self.records < FIRST_RECORDS || window > self.window;
        self.records += 1;
        if due {
            self.window = window;
        }
        due
    }
}

/// Steps between hours of the sample from which on a gap among them is believed.
const GAP_STEPS: usize = 8;
/// How long Entra keeps sign-ins (Microsoft: Entra data retention).
const RETENTION_DAYS: [i64; 2] = [7, 30];

/// Something that an export cannot show (design: blind spots), with its stable name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlindSpot {
    ConditionsMissing,
    PoliciesMissing,
    StatusOnly,
    NoCrossTenantType,
    NoHomeTenant,
    InteractiveOnly,
    HiddenEnumMembers,
    FurtherPages,
    CountAtCap,
    NoUserSignIns,
    /// The service that answered the query says that its answer is not whole.
    PartialAnswer,
    /// Lists of policies were cut short: a cell of Excel holds 32,767 characters.
    PoliciesCut,
    /// Hours in the middle without records, in a log that has them all around.
    Gaps,
    /// The export reaches back as far as Entra keeps sign-ins: older ones may be lost.
    RetentionEdge,
    /// There is no log, but the error of someone who refused it.
    Refused(Refusal),
}

impl BlindSpot {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConditionsMissing => "conditions missing",
            Self::PoliciesMissing => "policies missing",
            Self::StatusOnly => "status only",
            Self::NoCrossTenantType => "no cross-tenant type",
            Self::NoHomeTenant => "no home tenant",
            Self::InteractiveOnly => "interactive only",
            Self::HiddenEnumMembers => "hidden enum members",
            Self::FurtherPages => "further pages exist",
            Self::CountAtCap => "count at a cap",
            Self::NoUserSignIns => "no user sign-ins",
            Self::PartialAnswer => "partial answer",
            Self::PoliciesCut => "policies cut off",
            Self::Gaps => "gaps in time",
            Self::RetentionEdge => "retention edge",
            Self::Refused(refusal) => refusal.as_str(),
        }
    }
}

/// The hours and logs in which an exporting tenant was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoverageKey {
    /// The exporting tenant by the envelope, if the record has one.
    pub exporting: Option<TenantId>,
    pub resource: Option<TenantId>,
    /// The start of the hour.
    pub hour: DateTime<Utc>,
    pub sign_in_type: SignInType,
}

/// What the records seen so far show; merging does not depend on the order.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    /// Records of the sample by tenant, hour and log.
    pub coverage: BTreeMap<CoverageKey, u64>,
    /// The records are followed by the error of someone who refused the rest.
    pub broken_off: bool,
    /// A record's list of policies was cut short.
    pub policies_cut: bool,
    /// Tenants that are home or resource in every record so far; `None` before the first.
    candidates: Option<BTreeSet<TenantId>>,
    envelopes: BTreeSet<TenantId>,
    /// Home tenants of users that came to other tenants, and which these are.
    visits: BTreeSet<(TenantId, TenantId)>,
    best: Option<RowEvidence>,
    user_records: u64,
    interactive: u64,
    with_home_tenant: u64,
    with_cross_tenant_type: u64,
    with_policies: u64,
    with_conditions: u64,
    hides_members: bool,
}

impl Evidence {
    /// Of a file that holds no records: whose it is, if that is known.
    pub fn without_records(tenant: Option<TenantId>) -> Self {
        Self { envelopes: tenant.into_iter().collect(), ..Self::default() }
    }

    /// Takes in a record, of the sample or a partner's.
    pub fn observe(&mut self, sign_in: &SignIn, sampled: bool) {
        let at = Some(sign_in.created_at);
        self.first_at = self.first_at.min(at).or(at);
        self.last_at = self.last_at.max(at);
        self.observe_tenants(sign_in);
        self.best = self.best.max(Some(sign_in.row_evidence));
        self.hides_members |= sign_in.policy_facts.hides_members;
        if sampled {
            *self.coverage.entry(coverage_key(sign_in)).or_default() += 1;
        }
        if !sign_in.sign_in_type.is_user() {
            return;
        }
        self.user_records += 1;
        self.interactive += u64::from(sign_in.sign_in_type == SignInType::InteractiveUser);
        self.with_home_tenant += u64::from(sign_in.home_tenant.is_some());
        self.with_cross_tenant_type += u64::from(sign_in.cross_tenant_access.is_some());
        self.with_policies += u64::from(sign_in.policy_facts.count > 0);
        self.with_conditions += u64::from(sign_in.row_evidence == RowEvidence::Conditions);
    }

    fn observe_tenants(&mut self, sign_in: &SignIn) {
        self.envelopes.extend(sign_in.exporting_tenant);
        if let (Some(home), Some(resource)) = (sign_in.home_tenant, sign_in.resource_tenant)
            && home != resource
            && sign_in.sign_in_type.is_user()
        {
            self.visits.insert((home, resource));
        }
        let own: BTreeSet<TenantId> =
            [sign_in.home_tenant, sign_in.resource_tenant].into_iter().flatten().collect();
        if !own.is_empty() {
            intersect(&mut self.candidates, own);
        }
    }

    /// Takes in what another part of the same export shows.
    pub fn merge(&mut self, other: Self) {
        self.first_at = match (self.first_at, other.first_at) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        self.last_at = self.last_at.max(other.last_at);
        for (key, count) in other.coverage {
            *self.coverage.entry(key).or_default() += count;
        }
        if let Some(candidates) = other.candidates {
            intersect(&mut self.candidates, candidates);
        }
        self.envelopes.extend(other.envelopes);
        self.visits.extend(other.visits);
        self.best = self.best.max(other.best);
        self.user_records += other.user_records;
        self.interactive += other.interactive;
        self.with_home_tenant += other.with_home_tenant;
        self.with_cross_tenant_type += other.with_cross_tenant_type;
        self.with_policies += other.with_policies;
        self.with_conditions += other.with_conditions;
        self.hides_members |= other.hides_members;
        self.broken_off |= other.broken_off;
        self.policies_cut |= other.policies_cut;
    }

    /// The tenant whose log this is: the envelopes' if they agree, else the path's, else the
    /// one tenant that is home or resource in every record.
    pub fn exporting_tenant(&self, path_tenant: Option<TenantId>) -> Option<TenantId> {
        let only = |set: &BTreeSet<TenantId>| (set.len() == 1).then(|| set.first().copied());
        match self.envelopes.len() {
            0 => path_tenant.or_else(|| self.candidates.as_ref().and_then(only).flatten()),
            _ => only(&self.envelopes).flatten(),
        }
    }

    /// Each home tenant whose users came to another tenant, with that tenant.
    pub fn visits(&self) -> impl Iterator<Item = (TenantId, TenantId)> {
        self.visits.iter().copied()
    }

    /// The most that a record of this export shows, in words.
    pub fn basis(&self) -> &'static str {
        self.best.map_or("none", RowEvidence::as_str)
    }

    /// What this evidence cannot show, in an export of this kind.
    pub fn blind_spots(&self, dialect: Dialect) -> Vec<BlindSpot> {
        if self.user_records == 0 {
            // A log of service principals says nothing of whether users get in.
            return vec![BlindSpot::NoUserSignIns];
        }
        let mut spots = Vec::new();
        if !dialect.lists_policies() {
            spots.push(BlindSpot::StatusOnly);
        } else if self.with_policies == 0 {
            spots.push(BlindSpot::PoliciesMissing);
        } else if self.with_conditions == 0 {
            spots.push(BlindSpot::ConditionsMissing);
        }
        if self.with_cross_tenant_type == 0 {
            spots.push(BlindSpot::NoCrossTenantType);
        }
        if self.with_home_tenant == 0 {
            spots.push(BlindSpot::NoHomeTenant);
        }
        if self.interactive == self.user_records {
            spots.push(BlindSpot::InteractiveOnly);
        }
        if self.hides_members {
            spots.push(BlindSpot::HiddenEnumMembers);
        }
        if self.policies_cut {
            spots.push(BlindSpot::PoliciesCut);
        }
        if self.has_gap() {
            spots.push(BlindSpot::Gaps);
        }
        if dialect.is_of_entras_store() && self.reaches_retention() {
            spots.push(BlindSpot::RetentionEdge);
        }
        spots
    }

    /// Whether the sample misses a day or more between two of its hours, although its hours follow
    /// each other closely elsewhere. (A filtered export has few records, and says nothing.)
    fn has_gap(&self) -> bool {
        let hours: BTreeSet<DateTime<Utc>> = self.coverage.keys().map(|key| key.hour).collect();
        let mut steps: Vec<TimeDelta> =
            hours.iter().zip(hours.iter().skip(1)).map(|(one, next)| *next - *one).collect();
        steps.sort();
        let (Some(&longest), Some(&median)) = (steps.last(), steps.get(steps.len() / 2)) else {
            return false;
        };
        steps.len() >= GAP_STEPS && longest > TimeDelta::days(1) && longest > median * 10
    }

    /// Whether the records reach back as far as Entra keeps them: 30 days, or 7 without P1.
    fn reaches_retention(&self) -> bool {
        let (Some(first), Some(last)) = (self.first_at, self.last_at) else { return false };
        RETENTION_DAYS.iter().any(|&days| {
            let kept = TimeDelta::days(days);
            let span = last - first;
            span > kept - TimeDelta::hours(12) && span < kept + TimeDelta::days(1)
        })
    }
}

/// `total` ∩ `part`, where no total yet stands for everything.
fn intersect(total: &mut Option<BTreeSet<TenantId>>, part: BTreeSet<TenantId>) {
    *total = Some(match total.take() {
        Some(known) => known.intersection(&part).copied().collect(),
        None => part,
    });
}

fn coverage_key(sign_in: &SignIn) -> CoverageKey {
    let hour = sign_in.created_at.duration_trunc(TimeDelta::hours(1));
    CoverageKey {
        exporting: sign_in.exporting_tenant,
        resource: sign_in.resource_tenant,
        hour: hour.unwrap_or(sign_in.created_at),
        sign_in_type: sign_in.sign_in_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(hours: impl IntoIterator<Item = i64>) -> Evidence {
        let start = DateTime::UNIX_EPOCH;
        let mut evidence = Evidence { user_records: 1, ..Evidence::default() };
        for hour in hours {
            let hour = start + TimeDelta::hours(hour);
            let key = CoverageKey {
                exporting: None,
                resource: None,
                hour,
                sign_in_type: SignInType::InteractiveUser,
            };
            evidence.coverage.insert(key, 1);
            evidence.first_at = evidence.first_at.or(Some(hour));
            evidence.last_at = Some(hour);
        }
        evidence
    }

    #[test]
    fn a_gap_is_believed_where_the_sample_is_dense() {
        let has = |hours: Vec<i64>| {
            evidence(hours).blind_spots(Dialect::Diagnostic).contains(&BlindSpot::Gaps)
        };
        assert!(has((0..10).chain(60..70).collect()));
        assert!(!has((0..10).chain(20..30).collect()), "less than a day");
        assert!(!has(vec![0, 1, 60]), "too few to tell");
        assert!(!has((0..20).map(|step| step * 30).collect()), "sparse all over");
    }

    #[test]
    fn an_export_may_end_where_entra_forgets() {
        let has = |dialect, hours: i64| {
            evidence([0, hours]).blind_spots(dialect).contains(&BlindSpot::RetentionEdge)
        };
        assert!(has(Dialect::Graph, 30 * 24) && has(Dialect::PortalCsv, 7 * 24 + 3));
        assert!(!has(Dialect::Graph, 20 * 24) && !has(Dialect::Diagnostic, 30 * 24));
    }

    #[test]
    fn the_sample_is_four_records_and_one_in_each_further_window() {
        let mut clock = SampleClock::default();
        let offsets = [0, 10, 20, 30, 40, 262_143, 262_144, 262_200, 900_000, 900_001];
        let due: Vec<u64> = offsets.into_iter().filter(|&at| clock.is_due(at)).collect();
        assert_eq!(due, [0, 10, 20, 30, 262_144, 900_000]);
    }
}
