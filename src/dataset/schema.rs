//! What stands in each column of each table: the one place, from which the Arrow schemas, the
//! writers and the documentation come.

use std::borrow::Cow;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};

use crate::cause::Cause;
use crate::error_code::ErrorCodeEntry;
use crate::policy::write_joined;

use super::column::{Column, ColumnDoc, Owned, RowKind, arrow_schema};
use super::derived::{AccountRow, PartnerRow, TenantRow};
use super::exports::{CoverageEntry, ExportRow, RejectEntry};
use super::people::{ToolRow, UserRow};
use super::row::{PolicyRow, SignInRow, write_times};
use super::table::Table;

/// Raised by every change of a table; a tool refuses datasets that are newer than its own.
/// 2: `exports` names the archive that an export lies in.
/// 3: `sign_ins` says category, who fixes it, remedy and basis of the cause; `error_codes` says
/// source and confidence; `accounts` says who it is; `users` and `tools` keep what the user said
/// of them.
pub const SCHEMA_VERSION: u32 = 3;

/// The documented columns of a table, in their order.
pub fn columns(table: Table) -> Vec<&'static ColumnDoc> {
    fn docs<K: RowKind>(columns: &'static [Column<K>]) -> Vec<&'static ColumnDoc> {
        columns.iter().map(|column| &column.doc).collect()
    }
    match table {
        Table::SignIns | Table::ReserveSignIns => docs(SIGN_INS),
        Table::AppliedPolicies | Table::ReserveAppliedPolicies => docs(APPLIED_POLICIES),
        Table::Exports => docs(EXPORTS),
        Table::Coverage => docs(COVERAGE),
        Table::Rejects => docs(REJECTS),
        Table::Tenants => docs(TENANTS),
        Table::Partners => docs(PARTNERS),
        Table::Accounts => docs(ACCOUNTS),
        Table::Users => docs(USERS),
        Table::Tools => docs(TOOLS),
        Table::ErrorCodes => docs(ERROR_CODES),
    }
}

/// How a column is written.
pub(super) struct ColumnUse {
    pub name: &'static str,
    pub is_unique: bool,
    pub is_searched: bool,
}

/// How the columns of a large table are written; none of a small one.
pub(super) fn column_uses(table: Table) -> Vec<ColumnUse> {
    fn uses<K: RowKind>(columns: &'static [Column<K>]) -> Vec<ColumnUse> {
        let of = |column: &Column<K>| ColumnUse {
            name: column.doc.name,
            is_unique: column.is_unique,
            is_searched: column.is_searched,
        };
        columns.iter().map(of).collect()
    }
    match table {
        Table::SignIns | Table::ReserveSignIns => uses(SIGN_INS),
        Table::AppliedPolicies | Table::ReserveAppliedPolicies => uses(APPLIED_POLICIES),
        _ => Vec::new(),
    }
}

/// The columns as Arrow knows them.
pub(super) fn arrow_schema_of(table: Table) -> SchemaRef {
    arrow_schema(columns(table).into_iter())
}

fn plain<T: AsRef<str>>(text: &Option<T>) -> Option<Cow<'_, str>> {
    text.as_ref().map(|text| Cow::Borrowed(text.as_ref()))
}

fn word(text: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(text))
}

/// Counts and sizes: no export comes near the limit, and a wrong sign would be worse.
fn count(value: u64) -> Option<i64> {
    Some(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Days since 1970, as Arrow's date32 wants them.
fn date_of(time: DateTime<Utc>) -> Option<i32> {
    i32::try_from(time.timestamp().div_euclid(86_400)).ok()
}

fn hour_of(time: DateTime<Utc>) -> Option<i32> {
    i32::try_from(time.timestamp().rem_euclid(86_400) / 3_600).ok()
}

// The columns of each table's rows.
type OfSignIn = Column<SignInRows>;
type OfPolicy = Column<PolicyRows>;
type OfExport = Column<Owned<ExportRow>>;
type OfHour = Column<Owned<CoverageEntry>>;
type OfReject = Column<Owned<RejectEntry>>;
type OfTenant = Column<Owned<TenantRow>>;
type OfPartner = Column<Owned<PartnerRow>>;
type OfAccount = Column<Owned<AccountRow>>;
type OfUser = Column<Owned<UserRow>>;
type OfTool = Column<Owned<ToolRow>>;
type OfCode = Column<Owned<&'static ErrorCodeEntry>>;

pub(super) struct SignInRows;

impl RowKind for SignInRows {
    type Row<'a> = SignInRow<'a>;
}

pub(super) struct PolicyRows;

impl RowKind for PolicyRows {
    type Row<'a> = PolicyRow<'a>;
}

fn of_cause<'a>(
    row: &'a SignInRow<'_>,
    word_of: fn(&Cause) -> &'static str,
) -> Option<Cow<'a, str>> {
    row.cause.as_ref().map(|cause| Cow::Borrowed(word_of(cause)))
}

pub(super) static SIGN_INS: &[OfSignIn] = &[
    OfSignIn::text("sign_in_id", |r| word(r.id)).required().from("id").unique().means(
        "The sign-in's id in lower case, or raw: and a hash of the record where the log gives none; \
         unique with side",
    ),
    OfSignIn::timestamp("created_at", |r| Some(r.sign_in.created_at))
        .required()
        .from("createdDateTime")
        .unique().searched().means("When the sign-in began"),
    OfSignIn::date("created_date", |r| date_of(r.sign_in.created_at))
        .from("createdDateTime")
        .searched().means("The UTC day of created_at"),
    OfSignIn::int32("created_hour", |r| hour_of(r.sign_in.created_at))
        .unit("hour of the day, 0 to 23")
        .from("createdDateTime")
        .means("The UTC hour of created_at"),
    OfSignIn::text("sign_in_type", |r| word(r.sign_in.sign_in_type.as_str()))
        .required()
        .from("signInEventTypes, category")
        .means("interactiveUser, nonInteractiveUser, servicePrincipal, managedIdentity or unknown"),
    OfSignIn::text("side", |r| word(r.place.side.as_str())).required().means(
        "inbound: from the log of the resource tenant; outbound: from the log of the home tenant; \
         home: both are the same",
    ),
    OfSignIn::tenant("partner_tenant_id", |r| r.provider.tenant)
        .from("homeTenantId")
        .searched().means("The service provider; null where the log does not name its tenant"),
    OfSignIn::text("partner_match", |r| word(r.provider.matched_by.as_str()))
        .required()
        .means("Why it counts as a provider's: listed, service_provider, domain or app_owner"),
    OfSignIn::tenant("child_tenant_id", |r| r.place.child_tenant)
        .from("resourceTenantId")
        .searched().means("The customer signed in to; null on side home"),
    OfSignIn::tenant("exporting_tenant_id", |r| r.sign_in.exporting_tenant)
        .from("tenantId of the envelope")
        .means("The tenant whose log this is"),
    OfSignIn::tenant("home_tenant_id", |r| r.sign_in.home_tenant)
        .from("homeTenantId")
        .means("The tenant of the user"),
    OfSignIn::tenant("resource_tenant_id", |r| r.sign_in.resource_tenant)
        .from("resourceTenantId")
        .means("The tenant signed in to"),
    OfSignIn::written("cross_tenant_access", |r, text| {
        r.sign_in.cross_tenant_access.as_ref().map(|access| access.write_to(text))
    })
    .from("crossTenantAccessType")
    .means("Graph's words, joined by commas; null where the log has no such field"),
    OfSignIn::text("account", |r| r.sign_in.account().map(Cow::Borrowed))
        .from("userPrincipalName, userDisplayName, servicePrincipalName, userId")
        .means("The name under which people know the account"),
    OfSignIn::text("user_id", |r| plain(&r.sign_in.user_id))
        .from("userId")
        .means("The user's object id in the resource tenant"),
    OfSignIn::text("user_principal_name", |r| plain(&r.sign_in.user_principal_name))
        .from("userPrincipalName")
        .means("The user's sign-in name"),
    OfSignIn::text("user_display_name", |r| plain(&r.sign_in.user_display_name))
        .from("userDisplayName")
        .means("The user's name as shown"),
    OfSignIn::text("user_type", |r| plain(&r.sign_in.user_type))
        .from("userType")
        .means("member or guest, as the log says it"),
    OfSignIn::text("app_id", |r| plain(&r.sign_in.app_id))
        .from("appId")
        .means("The app that signed in"),
    OfSignIn::text("app_name", |r| plain(&r.sign_in.app_name))
        .from("appDisplayName")
        .means("That app's name"),
    OfSignIn::tenant("app_owner_tenant_id", |r| r.sign_in.app_owner_tenant)
        .from("appOwnerTenantId")
        .means("The tenant to which the app belongs"),
    OfSignIn::text("resource_id", |r| plain(&r.sign_in.resource_id))
        .from("resourceId")
        .means("What was signed in to"),
    OfSignIn::text("resource_name", |r| plain(&r.sign_in.resource_name))
        .from("resourceDisplayName")
        .means("That resource's name"),
    OfSignIn::text("resource_service_principal_id", |r| plain(&r.sign_in.resource_service_principal_id))
        .from("resourceServicePrincipalId")
        .means("The resource's service principal in the resource tenant"),
    OfSignIn::text("ip_address", |r| plain(&r.sign_in.ip_address))
        .from("ipAddress")
        .means("The address from which it came"),
    OfSignIn::text("country", |r| plain(&r.sign_in.country))
        .from("location.countryOrRegion")
        .means("Country or region of that address"),
    OfSignIn::text("city", |r| plain(&r.sign_in.city))
        .from("location.city")
        .means("City of that address"),
    OfSignIn::int64("asn", |r| r.sign_in.asn)
        .from("autonomousSystemNumber")
        .means("Number of the network of that address"),
    OfSignIn::text("client_app", |r| plain(&r.sign_in.client_app))
        .from("clientAppUsed")
        .means("Kind of client, such as Browser"),
    OfSignIn::text("user_agent", |r| plain(&r.sign_in.user_agent))
        .from("userAgent")
        .means("What the client calls itself; written by outsiders"),
    OfSignIn::text("device_id", |r| plain(&r.sign_in.device_id))
        .from("deviceDetail.deviceId")
        .means("The device's id in the resource tenant"),
    OfSignIn::text("operating_system", |r| plain(&r.sign_in.operating_system))
        .from("deviceDetail.operatingSystem")
        .means("The device's operating system"),
    OfSignIn::text("browser", |r| plain(&r.sign_in.browser))
        .from("deviceDetail.browser")
        .means("The browser and its version"),
    OfSignIn::bool("is_compliant", |r| r.sign_in.is_compliant)
        .from("deviceDetail.isCompliant")
        .means("The device is compliant"),
    OfSignIn::bool("is_managed", |r| r.sign_in.is_managed)
        .from("deviceDetail.isManaged")
        .means("The device is managed"),
    OfSignIn::text("trust_type", |r| plain(&r.sign_in.trust_type))
        .from("deviceDetail.trustType")
        .means("How the device is joined"),
    OfSignIn::text("authentication_requirement", |r| plain(&r.sign_in.authentication_requirement))
        .from("authenticationRequirement")
        .means("Single-factor or multifactor authentication"),
    OfSignIn::text("authentication_methods", |r| plain(&r.sign_in.authentication_methods))
        .from("authenticationDetails")
        .means("Methods of the steps taken, joined"),
    OfSignIn::text("session_lifetime_policies", |r| plain(&r.sign_in.session_lifetime_policies))
        .from("sessionLifetimePolicies")
        .means("What limited the session"),
    OfSignIn::text("authentication_protocol", |r| plain(&r.sign_in.authentication_protocol))
        .from("authenticationProtocol")
        .means("Protocol, such as deviceCode"),
    OfSignIn::text("original_transfer_method", |r| plain(&r.sign_in.original_transfer_method))
        .from("originalTransferMethod")
        .means("How the session came to this device"),
    OfSignIn::text("incoming_token_type", |r| plain(&r.sign_in.incoming_token_type))
        .from("incomingTokenType")
        .means("The token shown, such as refreshToken"),
    OfSignIn::text("network_location", |r| plain(&r.sign_in.network_location))
        .from("networkLocationDetails")
        .means("Named locations that matched"),
    OfSignIn::text("risk_state", |r| plain(&r.sign_in.risk_state))
        .from("riskState")
        .means("State of the risk"),
    OfSignIn::text("risk_level", |r| plain(&r.sign_in.risk_level))
        .from("riskLevelDuringSignIn")
        .means("Risk during the sign-in"),
    OfSignIn::int32("error_code", |r| r.sign_in.outcome.code().map(|code| code.0))
        .from("status.errorCode, resultType")
        .searched().means("AADSTS number, 0 is success; null where the log gives only a word"),
    OfSignIn::text("failure_reason", |r| plain(&r.sign_in.failure_reason))
        .from("status.failureReason")
        .means("The log's text for the code"),
    OfSignIn::text("additional_details", |r| plain(&r.sign_in.additional_details))
        .from("status.additionalDetails, authenticationStepResultDetail")
        .means("What the log adds to it, else what a step says of MFA"),
    OfSignIn::text("conditional_access_status", |r| {
        let status = r.sign_in.conditional_access_status.as_ref();
        status.map(|status| Cow::Borrowed(status.as_str()))
    })
    .from("conditionalAccessStatus")
    .means("Outcome of Conditional Access for the whole sign-in"),
    OfSignIn::text("verdict", |r| word(r.attribution.verdict.as_str()))
        .required()
        .searched().means("succeeded, blocked, interrupted, failed or unexplained"),
    OfSignIn::bool("flagged", |r| Some(r.attribution.verdict.is_flagged()))
        .required()
        .searched().means("The verdict is blocked, failed or unexplained"),
    OfSignIn::bool("disputed", |r| Some(r.attribution.disputed))
        .required()
        .means("A policy says failure where the sign-in as a whole does not"),
    OfSignIn::text("cause", |r| r.cause().map(Cow::Borrowed))
        .means("Why it did not succeed: the error code in words, adapted to its circumstances"),
    OfSignIn::text("category", |r| of_cause(r, |cause| cause.category.as_str()))
        .means("Kind of cause, as in error_codes, or unknown; null for a success"),
    OfSignIn::text("who_fixes", |r| of_cause(r, |cause| cause.who_fixes.as_str()))
        .means("Who can put it right: partner, child, both or microsoft; null for a success"),
    OfSignIn::text("remedy", |r| r.cause.as_ref().and_then(|cause| word(&cause.remedy)))
        .means("What to do, in general; null for a success"),
    OfSignIn::text("cause_basis", |r| of_cause(r, |cause| cause.basis.as_str())).means(
        "What cause was judged by: code, reason (words of failure_reason), family (range of the \
         code, or that Conditional Access refused) or unknown; null for a success",
    ),
    OfSignIn::int32("blocking_policy_count", |r| r.count_policies(|policy| r.blocks(policy)))
        .required()
        .unit("policies")
        .from("appliedConditionalAccessPolicies")
        .means("Policies with result failure, if the verdict is blocked"),
    OfSignIn::int32("would_block_policy_count", |r| r.count_policies(|p| p.result.would_block()))
        .required()
        .unit("policies")
        .from("appliedConditionalAccessPolicies")
        .means("Policies with result reportOnlyFailure or reportOnlyInterrupted"),
    OfSignIn::int32("not_applied_policy_count", |r| Some(r.not_applied_policy_count))
        .required()
        .unit("policies")
        .from("appliedConditionalAccessPolicies")
        .means("Policies with result notApplied, notEnabled or reportOnlyNotApplied"),
    OfSignIn::text("row_evidence", |r| word(r.sign_in.row_evidence.as_str()))
        .required()
        .means("How much of Conditional Access the record shows: conditions, results, status only, none"),
    OfSignIn::int32("states", |r| Some(r.states))
        .required()
        .unit("states")
        .means("Distinct publication times seen for this id, at least 1"),
    OfSignIn::text("correlation_id", |r| plain(&r.sign_in.correlation_id))
        .from("correlationId")
        .unique().means("Joins the rows of one try"),
    OfSignIn::text("session_id", |r| plain(&r.sign_in.session_id))
        .from("sessionId")
        .means("The session"),
    OfSignIn::text("unique_token_id", |r| plain(&r.sign_in.unique_token_id))
        .from("uniqueTokenIdentifier")
        .unique().means("The token issued"),
    OfSignIn::text("source_export", |r| word(&r.source.path))
        .required()
        .means("The export it was read from: column path of exports, with run_id"),
    OfSignIn::text("source_sha256", |r| plain(&r.source.sha256))
        .means("SHA-256 of that export; null if the run did not hash"),
    OfSignIn::int64("source_offset", |r| count(r.offset))
        .required()
        .unit("bytes")
        .unique().means("Where the record begins in that export, decoded"),
    OfSignIn::bool("recovered", |r| Some(r.recovered))
        .required()
        .means("The record was taken after damage"),
    OfSignIn::bool("repaired", |r| Some(r.repaired))
        .required()
        .means("Bad characters were replaced by U+FFFD"),
    OfSignIn::text("run_id", |r| word(&r.source.run_id)).required().means("The run that read it"),
    OfSignIn::timestamp("published_at", |r| r.sign_in.published_at)
        .from("time of the envelope")
        .unique().means("When this state of the attempt was published; null in Graph and portal copies"),
    OfSignIn::written("state_times", |r, text| {
        (!r.times.is_empty()).then(|| write_times(r.times, text))
    })
        .unit("microseconds since 1970, ascending, joined by blanks")
        .from("time of the envelope")
        .unique().means("The publication times counted in states"),
    OfSignIn::int32("evidence_rank", |r| Some(r.evidence_rank))
        .required()
        .means("How much this copy tells; the greatest of equally final copies is kept"),
    OfSignIn::int64("row_hash", |r| Some(r.row_hash))
        .required()
        .unique().means("XXH3 of all that the row says, without source_ columns and run_id"),
];

pub(super) static APPLIED_POLICIES: &[OfPolicy] = &[
    OfPolicy::text("sign_in_id", |r| word(r.sign_in.id))
        .required()
        .from("id")
        .unique()
        .means("The sign-in, with side"),
    OfPolicy::text("side", |r| word(r.sign_in.place.side.as_str()))
        .required()
        .means("As in sign_ins"),
    OfPolicy::timestamp("created_at", |r| Some(r.sign_in.sign_in.created_at))
        .required()
        .from("createdDateTime")
        .unique()
        .searched()
        .means("When the sign-in began"),
    OfPolicy::tenant("partner_tenant_id", |r| r.sign_in.provider.tenant)
        .searched()
        .means("As in sign_ins"),
    OfPolicy::tenant("child_tenant_id", |r| r.sign_in.place.child_tenant)
        .searched()
        .means("As in sign_ins"),
    OfPolicy::text("app_name", |r| plain(&r.sign_in.sign_in.app_name))
        .from("appDisplayName")
        .means("The app that signed in"),
    OfPolicy::text("policy_id", |r| word(r.policy().id))
        .required()
        .from("appliedConditionalAccessPolicies.id")
        .means("Normally a GUID; SecurityDefaults occurs too"),
    OfPolicy::text("policy_name", |r| word(r.policy().name))
        .required()
        .from("appliedConditionalAccessPolicies.displayName")
        .means("The policy's name; written by the customer"),
    OfPolicy::text("policy_result", |r| word(r.policy().result.as_str()))
        .required()
        .from("appliedConditionalAccessPolicies.result")
        .searched()
        .means("Graph's word"),
    OfPolicy::bool("blocks", |r| Some(r.sign_in.blocks(r.policy())))
        .required()
        .searched()
        .means("Result failure in a blocked sign-in"),
    OfPolicy::bool("would_block", |r| Some(r.policy().result.would_block()))
        .required()
        .means("Report-only, and would have refused or asked for something"),
    OfPolicy::written("matched_conditions", |r, text| {
        r.policy().matched.as_ref().map(|matched| matched.write_names(text))
    })
    .from("conditionsSatisfied")
    .means("Why the policy applied, joined by commas; null where the log has no such field"),
    OfPolicy::written("matched_rules", |r, text| {
        let rules = &r.policy().matched_rules;
        (!rules.is_empty()).then(|| write_joined(rules, "; ", text))
    })
    .from("includeRulesSatisfied, excludeRulesSatisfied")
    .means("Condition and rule, joined by semicolons"),
    OfPolicy::written("unmatched_conditions", |r, text| {
        r.policy().unmatched.as_ref().map(|unmatched| unmatched.write_names(text))
    })
    .from("conditionsNotSatisfied")
    .means("Why the policy did not apply; empty for every block"),
    OfPolicy::written("demanded_controls", |r, text| {
        write_joined(r.policy().demanded_controls(), ",", text);
        Some(())
    })
    .from("enforcedGrantControls")
    .means("What the policy required, joined by commas; the authentication strength if none"),
    OfPolicy::written("session_controls", |r, text| {
        write_joined(&r.policy().enforced_session_controls, ",", text);
        Some(())
    })
    .from("enforcedSessionControls")
    .means("Limits put on the session, joined by commas"),
    OfPolicy::text("authentication_strength", |r| plain(&r.policy().authentication_strength))
        .from("authenticationStrength")
        .means("Name of the strength that was required"),
];

pub(super) static EXPORTS: &[OfExport] = &[
    OfExport::text("path", |r| word(&r.path)).required().means("The export; archive!/member"),
    OfExport::text("sha256", |r| plain(&r.sha256))
        .means("Of the file as it lies there, or unpacked in its archive"),
    OfExport::text("container", |r| plain(&r.container))
        .means("The file that it lies in, if that is an archive; of nested ones the outermost"),
    OfExport::text("container_sha256", |r| plain(&r.container_sha256)).means("Of that archive"),
    OfExport::text("xxh3", |r| Some(Cow::Owned(format!("{:032x}", r.identity.xxh3))))
        .required()
        .means("XXH3-128 of the export: with its length, its identity"),
    OfExport::int64("xxh3_bytes", |r| count(r.identity.length))
        .required()
        .unit("bytes")
        .means("How many bytes xxh3 covers"),
    OfExport::text("fingerprint", |r| Some(Cow::Owned(format!("{:016x}", r.fingerprint))))
        .required()
        .means("How it was read: partner list, dialect, version of the reader"),
    OfExport::int64("bytes", |r| count(r.bytes)).required().unit("bytes").means("Size"),
    OfExport::int64("decoded_bytes", |r| count(r.decoded_bytes))
        .required()
        .unit("bytes")
        .means("Size without compression"),
    OfExport::text("encoding", |r| word(&r.encoding)).required().means("Of its text"),
    OfExport::text("compression", |r| word(&r.compression)).required().means("none, gzip …"),
    OfExport::text("dialect", |r| word(&r.dialect)).required().means("The kind of export"),
    OfExport::int64("records", |r| count(r.records))
        .required()
        .unit("records")
        .means("partner + other + duplicate + rejected"),
    OfExport::int64("partner", |r| Some(r.partner))
        .required()
        .unit("records")
        .means("Became rows of sign_ins"),
    OfExport::int64("other", |r| count(r.other)).required().unit("records").means("All else"),
    OfExport::int64("undecided", |r| count(r.undecided))
        .required()
        .unit("records")
        .means("Of the others: nothing to judge them by"),
    OfExport::int64("duplicate", |r| Some(r.duplicate))
        .required()
        .unit("records")
        .means("Partner sign-ins that lost to another copy"),
    OfExport::int64("rejected", |r| count(r.rejected))
        .required()
        .unit("records")
        .means("Could not be read"),
    OfExport::int64("unfinished", |r| count(r.unfinished))
        .required()
        .unit("records")
        .means("Of the rejected: a half last record"),
    OfExport::int64("superseded", |r| Some(r.superseded))
        .required()
        .unit("rows")
        .means("Rows that lost to a better copy in a later run"),
    OfExport::int64("removed", |r| Some(r.removed))
        .required()
        .unit("rows")
        .means("Rows taken out because a new reading of the export no longer has them"),
    OfExport::text("superseded_by", |r| plain(&r.superseded_by))
        .means("The run that read this export again, or its grown file"),
    OfExport::int64("record_bytes", |r| count(r.record_bytes))
        .required()
        .unit("bytes")
        .means("In records; with separator_bytes and damage_bytes all decoded_bytes"),
    OfExport::int64("separator_bytes", |r| count(r.separator_bytes))
        .required()
        .unit("bytes")
        .means("Between records"),
    OfExport::int64("damage_bytes", |r| count(r.damage_bytes))
        .required()
        .unit("bytes")
        .means("In no record"),
    OfExport::timestamp("first_at", |r| r.first_at).means("Least time in the evidence sample"),
    OfExport::timestamp("last_at", |r| r.last_at).means("Greatest time in the evidence sample"),
    OfExport::text("evidence_basis", |r| word(&r.evidence_basis))
        .required()
        .means("What the export's evidence was judged by"),
    OfExport::tenant("exporting_tenant_id", |r| r.exporting_tenant)
        .means("The tenant whose log this is; null if there are several or none"),
    OfExport::text("blind_spots", |r| plain(&r.blind_spots))
        .means("What this export cannot show, joined by commas"),
    OfExport::text("run_id", |r| word(&r.run_id)).required().means("The run that read it"),
];

pub(super) static COVERAGE: &[OfHour] = &[
    OfHour::text("source_export", |r| word(&r.path))
        .required()
        .means("The export: column path of exports, with run_id"),
    OfHour::tenant("tenant_id", |r| r.row.tenant)
        .means("The tenant whose log the sampled records stand in"),
    OfHour::timestamp("hour", |r| Some(r.row.hour)).required().means("Begin of the hour"),
    OfHour::int64("sampled", |r| count(r.row.sampled))
        .required()
        .unit("records")
        .means("Records of that hour in the evidence sample"),
    OfHour::int64("interactive_user", |r| count(r.row.interactive_user))
        .required()
        .unit("records")
        .means("Of them, by sign-in type"),
    OfHour::int64("non_interactive_user", |r| count(r.row.non_interactive_user))
        .required()
        .unit("records")
        .means("Of them, by sign-in type"),
    OfHour::int64("service_principal", |r| count(r.row.service_principal))
        .required()
        .unit("records")
        .means("Of them, by sign-in type"),
    OfHour::int64("managed_identity", |r| count(r.row.managed_identity))
        .required()
        .unit("records")
        .means("Of them, by sign-in type"),
    OfHour::int64("unknown_type", |r| count(r.row.unknown_type))
        .required()
        .unit("records")
        .means("Of them, by sign-in type"),
    OfHour::text("run_id", |r| word(&r.run_id)).required().means("The run that read it"),
];

pub(super) static REJECTS: &[OfReject] = &[
    OfReject::text("source_export", |r| word(&r.path))
        .required()
        .means("The export: column path of exports, with run_id"),
    OfReject::int64("offset", |r| count(r.reject.offset))
        .required()
        .unit("bytes")
        .means("Where it begins, decoded"),
    OfReject::int64("length", |r| count(r.reject.length)).required().unit("bytes").means("Size"),
    OfReject::int64("records", |r| count(r.reject.records))
        .required()
        .unit("records")
        .means("Records that it stands for; more than one only where an export has very many"),
    OfReject::text("reason", |r| word(&r.reject.reason)).required().means("Why it was not read"),
    OfReject::text("raw_hex", |r| r.reject.raw.as_deref().map(|raw| Cow::Owned(hex(raw))))
        .unit("hexadecimal digits")
        .means("Its bytes, if the run was asked to keep them"),
    OfReject::text("run_id", |r| word(&r.run_id)).required().means("The run that read it"),
];

pub(super) static TENANTS: &[OfTenant] = &[
    OfTenant::tenant("child_tenant_id", |r| Some(r.tenant)).required().means("The customer"),
    OfTenant::text("name", |r| plain(&r.name)).means("From the list of customers"),
    OfTenant::bool("listed", |r| Some(r.listed)).required().means("On the present list"),
    OfTenant::bool("has_inbound", |r| Some(r.has_inbound))
        .required()
        .means("Its own log of users was read; if not, its outbound rows count"),
    OfTenant::timestamp("first_at", |r| r.span.first_at).means("First counted sign-in"),
    OfTenant::timestamp("last_at", |r| r.span.last_at).means("Last counted sign-in"),
    OfTenant::int64("sign_ins", |r| count(r.span.sign_in_count))
        .required()
        .unit("sign-ins")
        .means("Counted sign-ins: inbound ones, and outbound ones unless has_inbound"),
];

pub(super) static PARTNERS: &[OfPartner] = &[
    OfPartner::tenant("partner_tenant_id", |r| Some(r.tenant))
        .required()
        .means("The service provider"),
    OfPartner::text("name", |r| plain(&r.name)).means("From the list of partners"),
    OfPartner::bool("listed", |r| Some(r.listed)).required().means("On the present list"),
    OfPartner::timestamp("first_at", |r| r.span.first_at).means("First counted sign-in"),
    OfPartner::timestamp("last_at", |r| r.span.last_at).means("Last counted sign-in"),
    OfPartner::int64("sign_ins", |r| count(r.span.sign_in_count))
        .required()
        .unit("sign-ins")
        .means("Counted as in tenants"),
];

pub(super) static ACCOUNTS: &[OfAccount] = &[
    OfAccount::tenant("partner_tenant_id", |r| r.tenant).means("As in sign_ins"),
    OfAccount::text("account", |r| word(&r.account)).required().means("As in sign_ins"),
    OfAccount::text("kind", |r| word(r.kind())).required().means(
        "integration: named so by the user, or 95 % of its sign-ins are non-interactive with one app, \
         and they are at least 5, or the app is a tool's; else person",
    ),
    OfAccount::text("kind_from", |r| word(r.kind_from)).required().means(
        "By what the kind was judged: named (a flag), user list, or sign-ins",
    ),
    OfAccount::text("user_id", |r| r.user_id.map(|id| Cow::Owned(id.to_string())))
        .from("userId, userPrincipalName")
        .means("Object id: in the partner's tenant where the name is that of a GDAP user"),
    OfAccount::text("name", |r| plain(&r.name))
        .means("Who it is, where account does not say so: from the user list or the partner's own log"),
    OfAccount::text("name_from", |r| r.name_from.map(Cow::Borrowed))
        .means("Where name is from: user list, or partner's log"),
    OfAccount::int64("sign_ins", |r| count(r.span.sign_in_count))
        .required()
        .unit("sign-ins")
        .means("Counted as in tenants"),
    OfAccount::timestamp("first_at", |r| r.span.first_at).means("First counted sign-in"),
    OfAccount::timestamp("last_at", |r| r.span.last_at).means("Last counted sign-in"),
];

pub(super) static USERS: &[OfUser] = &[
    OfUser::text("object_id", |r| plain(&r.object_id)).means("In the partner's tenant"),
    OfUser::text("user_principal_name", |r| plain(&r.user_principal_name))
        .means("Sign-in name, or the name that a flag gave"),
    OfUser::text("display_name", |r| plain(&r.display_name)).means("Name as shown"),
    OfUser::text("kind", |r| r.kind.map(|kind| Cow::Borrowed(kind.as_str())))
        .means("integration or person, where the list says so"),
    OfUser::bool("named", |r| Some(r.named))
        .required()
        .means("Named by --integration-user; else from the user list"),
];

pub(super) static TOOLS: &[OfTool] = &[
    OfTool::text("app_id", |r| plain(&r.app_id)).means("The app"),
    OfTool::text("app_name", |r| plain(&r.app_name)).means("What the app's name holds"),
    OfTool::text("tool", |r| plain(&r.tool)).means("The tool's name"),
    OfTool::text("vendor", |r| plain(&r.vendor)).means("Who makes it"),
    OfTool::text("kind", |r| r.kind.map(|kind| Cow::Borrowed(kind.as_str())))
        .means("integration or administration"),
    OfTool::bool("named", |r| Some(r.named))
        .required()
        .means("Named by --integration-app; else from the user's list of tools"),
];

pub(super) static ERROR_CODES: &[OfCode] = &[
    OfCode::int32("error_code", |r| Some(r.code.0)).required().means("AADSTS number"),
    OfCode::text("symbolic_name", |r| word(&r.symbolic_name)).means("Microsoft's name"),
    OfCode::text("category", |r| word(r.category.as_str())).required().means("Kind of cause"),
    OfCode::text("who_fixes", |r| word(r.who_fixes.as_str()))
        .means("partner, child, both or microsoft"),
    OfCode::text("cause", |r| word(&r.cause)).required().means("What it means"),
    OfCode::text("remedy", |r| word(&r.remedy)).required().means("What to do"),
    OfCode::text("source", |r| word(&r.source)).means("Keys of the sources, joined by blanks"),
    OfCode::text("confidence", |r| word(r.confidence.as_str())).means("high, medium or low"),
];

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
