//! A partner sign-in on its way to the dataset, and the row that it becomes.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use postcard::ser_flavors::Flavor;
use postcard::serialize_with_flavor;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

use crate::attribution::{Attribution, Verdict, attribute};
use crate::cause::{Cause, Circumstances, Way, cause_of};
use crate::policy::{AppliedPolicy, ConditionalAccessStatus, PolicyResult};
use crate::relation::{Place, Provider, Side, place};
use crate::sign_in::SignIn;
use crate::tenant::TenantId;

use super::spill::push_frame;

/// A partner sign-in as a worker hands it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerSignIn {
    pub sign_in: SignIn,
    pub provider: Provider,
    /// Index among the run's exports.
    pub export: u32,
    /// Where the record begins in the decoded stream.
    pub offset: u64,
    /// Taken after damage.
    pub recovered: bool,
    /// Bad UTF-8 or a lone surrogate was replaced.
    pub repaired: bool,
    /// XXH3 of the raw record: the key of a record without an id.
    pub record_hash: u64,
}

impl PartnerSignIn {
    /// The UTC day of the sign-in, cut to the second, in days since 1970.
    pub(super) fn day(&self) -> i64 {
        self.sign_in.created_at.timestamp().div_euclid(SECONDS_PER_DAY)
    }

    /// Appends the row as it goes to the spill: its length, what the finish must know to choose
    /// among copies, and the rest, which is decoded only if the row is written. `scratch` is
    /// overwritten.
    ///
    /// Policies that did not look at the sign-in are the bulk of a record; unless they are to be
    /// kept, only their number goes on from here.
    pub(super) fn encode(
        mut self,
        keep_not_applied: bool,
        scratch: &mut Vec<u8>,
        to: &mut Vec<u8>,
    ) -> Result<(), postcard::Error> {
        let evidence_rank = evidence_rank(&self.sign_in);
        let idle = self.sign_in.policy_facts.idle;
        let policies = &mut self.sign_in.applied_policies;
        if !keep_not_applied {
            policies.retain(|policy| !policy.result.is_idle());
        }
        let content = (&self.sign_in, &self.provider, self.recovered, self.repaired, count(idle));
        let content = encode_in(scratch, &content)?;
        let bits = |tenant: Option<TenantId>| tenant.map(|tenant| tenant.as_u128().to_le_bytes());
        let head = RowHead {
            export: self.export.to_le_bytes(),
            offset: self.offset,
            id: &self.key_id(),
            created_at: self.sign_in.created_at.timestamp_micros(),
            published_at: self.sign_in.published_at.map(|time| time.timestamp_micros()),
            home_tenant: bits(self.sign_in.home_tenant),
            resource_tenant: bits(self.sign_in.resource_tenant),
            exporting_tenant: bits(self.sign_in.exporting_tenant),
            evidence_rank,
            content_hash: xxh3_64(content).to_le_bytes(),
        };
        push_frame(to, |to| {
            serialize_with_flavor(&head, Behind(to))?;
            to.extend_from_slice(content);
            Ok(())
        })
    }

    /// The id by which copies are known, see [`Key`].
    fn key_id(&self) -> Cow<'_, str> {
        let id = self.sign_in.sign_in_id.as_deref().map(str::trim);
        match id.filter(|id| !id.is_empty()) {
            Some(id) if id.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Cow::Owned(id.to_ascii_lowercase())
            }
            Some(id) => Cow::Borrowed(id),
            None => Cow::Owned(format!("raw:{:016x}", self.record_hash)),
        }
    }
}

fn count(policies: usize) -> i32 {
    i32::try_from(policies).unwrap_or(i32::MAX)
}

/// Encodes into room that is made larger until the value fits.
fn encode_in<'s>(
    scratch: &'s mut Vec<u8>,
    value: &impl Serialize,
) -> Result<&'s [u8], postcard::Error> {
    let length = loop {
        let used = postcard::to_slice(value, scratch).map(|used| used.len());
        match used {
            Ok(length) => break length,
            Err(postcard::Error::SerializeBufferFull) if scratch.len() < ROW_BYTES_MAX => {
                scratch.resize((scratch.len() * 2).max(8 << 10), 0);
            }
            Err(error) => return Err(error),
        }
    };
    Ok(&scratch[..length])
}

/// A record is far shorter.
const ROW_BYTES_MAX: usize = 1 << 31;

/// Encodes behind what is there already.
struct Behind<'a>(&'a mut Vec<u8>);

impl Flavor for Behind<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> Result<(), postcard::Error> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> Result<(), postcard::Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> Result<(), postcard::Error> {
        Ok(())
    }
}

/// What decides among copies of a row. Numbers of many bits lie as their bytes, which are quicker
/// to read than numbers of varying length. The export's does, too: it depends on which thread was
/// first, and the length of a row must not.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct RowHead<'a> {
    export: [u8; 4],
    pub offset: u64,
    pub id: &'a str,
    /// Microseconds, like all times here.
    pub created_at: i64,
    pub published_at: Option<i64>,
    home_tenant: Option<[u8; 16]>,
    resource_tenant: Option<[u8; 16]>,
    exporting_tenant: Option<[u8; 16]>,
    pub evidence_rank: i32,
    content_hash: [u8; 8],
}

/// What else a row says: the sign-in, its provider, recovered, repaired, and the number of
/// policies that did not apply.
type RowContent<'a> = (SignIn<&'a str>, Provider, bool, bool, i32);

impl<'a> RowHead<'a> {
    /// The head of an encoded row, and its content, still encoded.
    pub(super) fn decode(row: &'a [u8]) -> Result<(Self, &'a [u8]), postcard::Error> {
        postcard::take_from_bytes(row)
    }

    /// Index among the run's exports.
    pub(super) fn export(&self) -> u32 {
        u32::from_le_bytes(self.export)
    }

    /// Fills in what only the export's end could tell, and places the sign-in.
    pub(super) fn resolve(&mut self, exporting_tenant: Option<TenantId>) -> Place {
        let of_export = exporting_tenant.map(|tenant| tenant.as_u128().to_le_bytes());
        self.exporting_tenant = self.exporting_tenant.or(of_export);
        let [home, resource] = [self.home_tenant, self.resource_tenant].map(tenant_of);
        place(home, resource, self.exporting_tenant())
    }

    fn exporting_tenant(&self) -> Option<TenantId> {
        tenant_of(self.exporting_tenant)
    }

    /// A hash of all that the row says, but not where it was read or by which run. The export's
    /// tenant is in it: it makes another row of the same record.
    pub(super) fn row_hash(&self) -> i64 {
        let exporting = self.exporting_tenant.unwrap_or_default();
        let hash = xxh3_64_with_seed(&exporting, u64::from_le_bytes(self.content_hash));
        i64::from_ne_bytes(hash.to_ne_bytes())
    }
}

fn tenant_of(bits: Option<[u8; 16]>) -> Option<TenantId> {
    bits.and_then(|bits| TenantId::of(u128::from_le_bytes(bits)))
}

const SECONDS_PER_DAY: i64 = 86_400;
pub(super) const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * 1_000_000;

/// The identity of a sign-in: its id (or `raw:` and the hash of its record) on one side.
///
/// Sides are never merged: what the partner's own log says of a sign-in is another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Key<'a> {
    pub id: &'a str,
    pub side: Side,
}

impl Key<'_> {
    /// Names one row among all days: by this, policies find their sign-in.
    pub(super) fn hash_at(self, created_at: i64) -> u128 {
        hash_at(self.side.as_str(), self.id, created_at)
    }

    /// By this, copies of a sign-in come together.
    pub(super) fn hash(self) -> u64 {
        xxh3_64_with_seed(self.id.as_bytes(), self.side as u64)
    }
}

/// See [`Key::hash_at`].
pub(super) fn hash_at(side: &str, id: &str, created_at: i64) -> u128 {
    let mut bytes = Vec::with_capacity(id.len() + side.len() + 9);
    bytes.extend_from_slice(&created_at.to_le_bytes());
    bytes.extend_from_slice(side.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(id.as_bytes());
    xxh3_128(&bytes)
}

/// How much a copy tells: policies with a known result, then decoded conditions, then rules or
/// an authentication strength, then fields filled.
fn evidence_rank(sign_in: &SignIn) -> i32 {
    let policies = sign_in.policy_facts;
    let rank = policies.known.min(999) * 1_000_000
        + usize::from(policies.with_conditions) * 100_000
        + usize::from(policies.with_rules) * 10_000
        + filled_field_count(sign_in);
    i32::try_from(rank).unwrap_or(i32::MAX)
}

fn filled_field_count(sign_in: &SignIn) -> usize {
    let texts = [
        &sign_in.sign_in_id,
        &sign_in.user_id,
        &sign_in.user_principal_name,
        &sign_in.user_display_name,
        &sign_in.user_type,
        &sign_in.service_principal_id,
        &sign_in.service_principal_name,
        &sign_in.app_id,
        &sign_in.app_name,
        &sign_in.resource_id,
        &sign_in.resource_name,
        &sign_in.resource_service_principal_id,
        &sign_in.ip_address,
        &sign_in.country,
        &sign_in.city,
        &sign_in.client_app,
        &sign_in.user_agent,
        &sign_in.device_id,
        &sign_in.operating_system,
        &sign_in.browser,
        &sign_in.trust_type,
        &sign_in.authentication_requirement,
        &sign_in.authentication_methods,
        &sign_in.session_lifetime_policies,
        &sign_in.authentication_protocol,
        &sign_in.original_transfer_method,
        &sign_in.incoming_token_type,
        &sign_in.network_location,
        &sign_in.risk_state,
        &sign_in.risk_level,
        &sign_in.failure_reason,
        &sign_in.additional_details,
        &sign_in.correlation_id,
        &sign_in.session_id,
        &sign_in.unique_token_id,
    ];
    let others = [
        sign_in.home_tenant.is_some(),
        sign_in.resource_tenant.is_some(),
        sign_in.app_owner_tenant.is_some(),
        sign_in.cross_tenant_access.is_some(),
        sign_in.asn.is_some(),
        sign_in.is_compliant.is_some(),
        sign_in.is_managed.is_some(),
        sign_in.conditional_access_status.is_some(),
        sign_in.outcome.code().is_some(),
    ];
    texts.iter().filter(|text| text.is_some()).count() + others.iter().filter(|&&is| is).count()
}

/// Where rows come from: an export of this run.
#[derive(Debug)]
pub(super) struct RowSource {
    pub path: String,
    pub sha256: Option<String>,
    pub run_id: Arc<str>,
}

/// A row of `sign_ins`, ready to be written. Its texts lie in the encoded row.
pub(super) struct SignInRow<'a> {
    pub sign_in: SignIn<&'a str>,
    pub id: &'a str,
    pub provider: Provider,
    pub place: Place,
    pub attribution: Attribution,
    /// `None` for a success.
    pub cause: Option<Cause>,
    /// How many states of the attempt are known; what zero means, see [`States`].
    pub states: i32,
    /// The publication times of these states, ascending.
    pub times: &'a [i64],
    pub evidence_rank: i32,
    pub row_hash: i64,
    pub source: &'a RowSource,
    pub offset: u64,
    pub recovered: bool,
    pub repaired: bool,
    pub not_applied_policy_count: i32,
}

impl<'a> SignInRow<'a> {
    /// Decodes the content of a row for writing.
    pub(super) fn decode(
        mut head: RowHead<'a>,
        content: &'a [u8],
        exporting_tenant: Option<TenantId>,
        source: &'a RowSource,
        states: i32,
        times: &'a [i64],
    ) -> Result<Self, postcard::Error> {
        let place = head.resolve(exporting_tenant);
        let content: RowContent = postcard::from_bytes(content)?;
        let (mut sign_in, provider, recovered, repaired, not_applied_policy_count) = content;
        sign_in.exporting_tenant = head.exporting_tenant();
        let attribution = attribute(&sign_in);
        Ok(Self {
            provider,
            place,
            attribution,
            cause: cause_in(&sign_in, place.side, attribution),
            states,
            times,
            evidence_rank: head.evidence_rank,
            row_hash: head.row_hash(),
            id: head.id,
            source,
            offset: head.offset,
            recovered,
            repaired,
            not_applied_policy_count,
            sign_in,
        })
    }

    /// The policy's failure is why this sign-in was refused.
    pub(super) fn blocks<T>(&self, policy: &AppliedPolicy<T>) -> bool {
        self.attribution.verdict == Verdict::Blocked && policy.result == PolicyResult::Failure
    }

    pub(super) fn count_policies(&self, is: impl Fn(&AppliedPolicy<&str>) -> bool) -> Option<i32> {
        Some(count(self.sign_in.applied_policies.iter().filter(|policy| is(policy)).count()))
    }

    /// Why it did not succeed; of a success what the code means, else what the log says.
    pub(super) fn cause(&self) -> Option<&str> {
        if let Some(cause) = &self.cause {
            return Some(&cause.cause);
        }
        let known = self.sign_in.outcome.code().and_then(|code| code.entry());
        known.map(|entry| entry.cause.as_str()).or(self.sign_in.failure_reason)
    }
}

/// The cause of a sign-in that did not succeed.
fn cause_in(sign_in: &SignIn<&str>, side: Side, attribution: Attribution) -> Option<Cause> {
    if attribution.verdict == Verdict::Succeeded {
        return None;
    }
    let failing = |policy: &AppliedPolicy<&str>| policy.result == PolicyResult::Failure;
    Some(cause_of(&Circumstances {
        code: sign_in.outcome.code(),
        failure_reason: sign_in.failure_reason,
        additional_details: sign_in.additional_details,
        sign_in_type: sign_in.sign_in_type,
        way: Way::of(sign_in.cross_tenant_access.as_ref(), side == Side::Home),
        policy_failed: !attribution.disputed && sign_in.applied_policies.iter().any(failing),
        conditional_access_failed: sign_in.conditional_access_status
            == Some(ConditionalAccessStatus::Failure),
    }))
}

/// The states of an attempt that Azure Monitor published under one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct States {
    pub count: i32,
    /// As [`write_times`] writes them; `None` when none is known.
    pub times: Option<String>,
}

impl States {
    pub(super) fn of(times: &[i64]) -> Self {
        let mut text = String::new();
        write_times(times, &mut text);
        Self { count: state_count(times), times: (!times.is_empty()).then_some(text) }
    }

    /// Marks a row of the reserve that never stood in `sign_ins`.
    pub(super) const NEVER_A_ROW: i32 = 0;

    /// Marks a row of the reserve that once stood in `sign_ins`.
    pub(super) const ONCE_A_ROW: Self = Self { count: 1, times: None };
}

/// A state without a time is one, too.
pub(super) fn state_count(times: &[i64]) -> i32 {
    i32::try_from(times.len()).unwrap_or(i32::MAX).max(1)
}

/// Times as they stand in `state_times`.
pub(super) fn write_times(times: &[i64], text: &mut String) {
    for (at, time) in times.iter().enumerate() {
        let between = if at > 0 { " " } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{between}{time}");
    }
}

/// A policy of a sign-in, ready to be written.
pub(super) struct PolicyRow<'a> {
    pub sign_in: &'a SignInRow<'a>,
    /// Its place among the sign-in's policies.
    pub index: usize,
}

impl<'a> PolicyRow<'a> {
    pub(super) fn policy(&self) -> &'a AppliedPolicy<&'a str> {
        &self.sign_in.sign_in.applied_policies[self.index]
    }
}
