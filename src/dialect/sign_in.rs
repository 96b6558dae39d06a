//! The members of a sign-in, whatever kind of export carries them, and how they become a
//! [`SignIn`]: the one place that knows what each member means.
//!
//! Source: the `signIn` resource of Microsoft Graph, beta and v1.0.

use chrono::{DateTime, Datelike, Utc};

use super::json::Room;
use super::policies::{PolicyItem, read_policy};
use super::wire::{List, OrText, Present, Text, TextQuality, Words, wire};
use super::{Reading, RecordOptions, Unreadable};
use crate::error_code::ErrorCode;
use crate::policy::{
    AppliedPolicy, ConditionalAccessStatus, Conditions, PolicyFacts, PolicyResult,
};
use crate::sign_in::{CrossTenantAccess, Outcome, RowEvidence, SignIn, SignInType, StatusWord};
use crate::tenant::TenantId;
use crate::time::TimeReading;

wire! {
    /// The members of a Graph `signIn`; Azure Monitor's `properties` have the same keys.
    SignInWire<'a> {
        "id" => id: Text<'a>,
        "createdDateTime" => created: Text<'a>,
        "tenantId" => tenant: Text<'a>,
        "homeTenantId" => home_tenant: Text<'a>,
        "resourceTenantId" => resource_tenant: Text<'a>,
        "crossTenantAccessType" => cross_tenant_access: Text<'a>,
        "signInEventTypes" => event_types: Text<'a>,
        "isInteractive" => is_interactive: Text<'a>,
        "userId" => user_id: Text<'a>,
        "userPrincipalName" => user_principal_name: Text<'a>,
        "userDisplayName" => user_display_name: Text<'a>,
        "userType" => user_type: Text<'a>,
        "servicePrincipalId" => service_principal_id: Text<'a>,
        "servicePrincipalName" => service_principal_name: Text<'a>,
        "appId" => app_id: Text<'a>,
        "appDisplayName" => app_name: Text<'a>,
        "appOwnerTenantId" => app_owner_tenant: Text<'a>,
        "resourceId" => resource_id: Text<'a>,
        "resourceDisplayName" => resource_name: Text<'a>,
        "resourceServicePrincipalId" => resource_service_principal_id: Text<'a>,
        "ipAddress" => ip_address: Text<'a>,
        "location" => location: OrText<LocationWire<'a>>,
        "autonomousSystemNumber" => asn: Text<'a>,
        "clientAppUsed" => client_app: Text<'a>,
        "userAgent" => user_agent: Text<'a>,
        "deviceDetail" => device: OrText<DeviceWire<'a>>,
        "authenticationRequirement" => authentication_requirement: Text<'a>,
        "authenticationDetails" => authentication_details: OrText<List<AuthenticationWire<'a>>>,
        "authenticationMethodsUsed" => authentication_methods: Text<'a>,
        "sessionLifetimePolicies" => session_lifetime_policies: OrText<List<SessionLifetimeWire<'a>>>,
        "authenticationProtocol" => authentication_protocol: Text<'a>,
        "originalTransferMethod" => original_transfer_method: Text<'a>,
        "incomingTokenType" => incoming_token_type: Text<'a>,
        "networkLocationDetails" => network_locations: OrText<List<NetworkWire<'a>>>,
        "riskState" => risk_state: Text<'a>,
        "riskLevelDuringSignIn" => risk_level: Text<'a>,
        "status" => status: OrText<StatusWire<'a>>,
        "conditionalAccessStatus" => conditional_access_status: Text<'a>,
        "appliedConditionalAccessPolicies" => applied_policies: OrText<List<PolicyItem<'a>>>,
        "correlationId" => correlation_id: Text<'a>,
        "sessionId" => session_id: Text<'a>,
        "uniqueTokenIdentifier" => unique_token_id: Text<'a>,
        // Columns that tell a row of Log Analytics from an object of Graph.
        "TimeGenerated" => time_generated: Present,
        "ConditionalAccessPolicies" => log_analytics_policies: Present,
    }
}

impl SignInWire<'_> {
    pub(super) fn is_of_log_analytics(&self) -> bool {
        self.time_generated.0 || self.log_analytics_policies.0
    }
}

wire! { StatusWire<'a> {
    "errorCode" => error_code: Text<'a>,
    "failureReason" => failure_reason: Text<'a>,
    "additionalDetails" => additional_details: Text<'a>,
} }
wire! { LocationWire<'a> { "city" => city: Text<'a>, "countryOrRegion" => country: Text<'a>, } }
wire! { DeviceWire<'a> {
    "deviceId" => device_id: Text<'a>,
    "operatingSystem" => operating_system: Text<'a>,
    "browser" => browser: Text<'a>,
    "isCompliant" => is_compliant: Text<'a>,
    "isManaged" => is_managed: Text<'a>,
    "trustType" => trust_type: Text<'a>,
} }
wire! { AuthenticationWire<'a> {
    "authenticationMethod" => method: Text<'a>,
    "authenticationStepResultDetail" => result: Text<'a>,
} }
wire! { SessionLifetimeWire<'a> {
    "expirationRequirement" => requirement: Text<'a>,
    "detail" => detail: Text<'a>,
} }
wire! { NetworkWire<'a> { "networkType" => kind: Text<'a>, "networkNames" => names: Text<'a>, } }
wire! { PolicyWire<'a> {
    "id" => id: Text<'a>,
    "displayName" => name: Text<'a>,
    "result" => result: Text<'a>,
    "enforcedGrantControls" => grant_controls: Words<'a>,
    "enforcedSessionControls" => session_controls: Words<'a>,
    "conditionsSatisfied" => matched: Text<'a>,
    "conditionsNotSatisfied" => unmatched: Text<'a>,
    "includeRulesSatisfied" => include_rules: OrText<List<RuleWire<'a>>>,
    "excludeRulesSatisfied" => exclude_rules: OrText<List<RuleWire<'a>>>,
    "authenticationStrength" => strength: OrText<StrengthWire<'a>>,
} }
wire! { RuleWire<'a> {
    "conditionalAccessCondition" => condition: Text<'a>,
    "ruleSatisfied" => rule: Text<'a>,
} }
wire! { StrengthWire<'a> {
    "displayName" => name: Text<'a>,
    "authenticationStrengthId" => id: Text<'a>,
    "authenticationStrengthResult" => result: Text<'a>,
} }

/// What a record's envelope adds to the object inside it.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) published: Text<'a>,
    pub(super) exporting_tenant: Option<TenantId>,
    pub(super) sign_in_type: Option<SignInType>,
    /// The outcome where the object inside has no code.
    pub(super) outcome: Option<Outcome>,
    /// The portal's word beside the code.
    pub(super) status: Option<StatusWord>,
    pub(super) failure_reason: Text<'a>,
    pub(super) ip_address: Text<'a>,
    pub(super) correlation_id: Text<'a>,
    pub(super) user_display_name: Text<'a>,
    pub(super) country: Text<'a>,
    /// A publication time counts as the time of the sign-in where that is missing.
    pub(super) is_envelope: bool,
    pub(super) city: Text<'a>,
    pub(super) options: RecordOptions,
}

/// A time at which a sign-in can have been.
fn is_near(at: DateTime<Utc>) -> bool {
    (2000..2100).contains(&at.year())
}

/// Maps the members of a `signIn` object to a [`SignIn`].
pub(super) fn sign_in_of<'a>(
    wire: &SignInWire<'a>,
    envelope: &Envelope<'a>,
    room: &'a Room,
) -> Result<Reading, Unreadable> {
    let times = envelope.options.times;
    // Azure Monitor writes some times of the envelope month first.
    let published =
        TimeReading { order: times.order.or(TimeReading::default().order), zone: times.zone };
    let published_at =
        envelope.published.0.and_then(|text| published.parse(text)).filter(|at| is_near(*at));
    let created_at = match wire.created.0 {
        Some(text) => {
            times.parse(text).ok_or_else(|| Unreadable::BadTime { text: text.to_owned() })?
        }
        None => published_at.filter(|_| envelope.is_envelope).ok_or(Unreadable::NoTime)?,
    };
    if !is_near(created_at) {
        return Err(Unreadable::FarTime { text: created_at.to_string() });
    }
    let policies_cut = wire.applied_policies.text == TextQuality::Cut;
    let repaired = policies_cut || wire.applied_policies.text == TextQuality::Repaired;
    let status = &wire.status.value;
    let code = status.error_code.0.and_then(parse_code);
    let conditional_access_status =
        wire.conditional_access_status.0.and_then(ConditionalAccessStatus::parse);
    // PowerShell may lose the status of the sign-in; that of Conditional Access says enough if it
    // is a failure, and nothing otherwise.
    let refused = conditional_access_status == Some(ConditionalAccessStatus::Failure);
    let outcome = Outcome::new(code, envelope.status)
        .or(envelope.outcome)
        .or(refused.then_some(Outcome::Word(StatusWord::Failure)));
    let outcome = outcome.ok_or(Unreadable::NoOutcome);
    let (applied_policies, policy_facts) =
        policies_of(&wire.applied_policies.value.0, envelope.options.keep_not_applied, room);
    let row_evidence = RowEvidence::of(policy_facts, conditional_access_status.as_ref());
    let sign_in_type = envelope.sign_in_type.unwrap_or_else(|| {
        let is_user = wire.user_id.0.is_some() || wire.user_principal_name.0.is_some();
        sign_in_type_of(
            wire.event_types.0,
            flag(wire.is_interactive),
            is_user || wire.service_principal_id.0.is_none(),
        )
    });
    let device = &wire.device.value;
    let location = &wire.location.value;
    let (methods, of_mfa) = told_by_steps(&wire.authentication_details.value.0);
    let sign_in = SignIn {
        sign_in_id: wire.id.0.map(str::to_lowercase),
        created_at,
        published_at,
        sign_in_type,
        exporting_tenant: envelope.exporting_tenant.or_else(|| tenant(wire.tenant)),
        home_tenant: tenant(wire.home_tenant),
        resource_tenant: tenant(wire.resource_tenant),
        cross_tenant_access: wire.cross_tenant_access.0.map(CrossTenantAccess::parse),
        user_id: wire.user_id.owned(),
        user_principal_name: wire.user_principal_name.owned(),
        user_display_name: wire.user_display_name.or(envelope.user_display_name).owned(),
        user_type: wire.user_type.0.map(str::to_lowercase),
        service_principal_id: wire.service_principal_id.owned(),
        service_principal_name: wire.service_principal_name.owned(),
        app_id: wire.app_id.owned(),
        app_name: wire.app_name.owned(),
        app_owner_tenant: tenant(wire.app_owner_tenant),
        resource_id: wire.resource_id.owned(),
        resource_name: wire.resource_name.owned(),
        resource_service_principal_id: wire.resource_service_principal_id.owned(),
        ip_address: wire.ip_address.or(envelope.ip_address).owned(),
        country: location.country.or(envelope.country).owned(),
        city: location.city.or(envelope.city).owned(),
        asn: wire.asn.0.and_then(|text| text.parse().ok()),
        client_app: wire.client_app.owned(),
        user_agent: wire.user_agent.owned(),
        // The mark that Entra leaves of a device in another tenant is no id.
        device_id: device.device_id.0.filter(|&id| id != "{PII Removed}").map(str::to_owned),
        operating_system: device.operating_system.owned(),
        browser: device.browser.owned(),
        is_compliant: flag(device.is_compliant),
        is_managed: flag(device.is_managed),
        trust_type: device.trust_type.owned(),
        authentication_requirement: wire.authentication_requirement.owned(),
        authentication_methods: methods.or(wire.authentication_methods.owned()),
        session_lifetime_policies: joined(
            wire.session_lifetime_policies.value.0.iter().filter_map(session_lifetime),
        ),
        authentication_protocol: wire.authentication_protocol.owned(),
        original_transfer_method: wire.original_transfer_method.owned(),
        incoming_token_type: wire.incoming_token_type.owned(),
        network_location: joined(
            wire.network_locations.value.0.iter().filter_map(network_location),
        ),
        risk_state: wire.risk_state.owned(),
        risk_level: wire.risk_level.owned(),
        // A record without any outcome is refused below, once it is known whose it is.
        outcome: outcome.as_ref().copied().unwrap_or(Outcome::Code(ErrorCode::SUCCESS)),
        failure_reason: status.failure_reason.or(envelope.failure_reason).owned(),
        additional_details: status.additional_details.or(of_mfa).owned(),
        conditional_access_status,
        applied_policies,
        policy_facts,
        row_evidence,
        correlation_id: wire.correlation_id.or(envelope.correlation_id).owned(),
        session_id: wire.session_id.owned(),
        unique_token_id: wire.unique_token_id.owned(),
    };
    Ok(Reading { sign_in, missing: outcome.err(), repaired, policies_cut })
}

/// The methods of the steps, joined, and what became of MFA.
fn told_by_steps<'a>(steps: &[AuthenticationWire<'a>]) -> (Option<String>, Text<'a>) {
    let of_mfa = steps.iter().find_map(mfa_result);
    let methods = steps.iter().filter_map(|step| step.method.0);
    (joined(methods.map(str::to_owned)), Text(of_mfa))
}

/// What became of MFA, such as `MFA requirement skipped due to IP address`: most records say it in
/// their status, some only in a step. Of the first factor nothing is asked.
fn mfa_result<'a>(step: &AuthenticationWire<'a>) -> Option<&'a str> {
    let is_of_mfa = |word: &str| word.eq_ignore_ascii_case("MFA ");
    step.result.0.filter(|result| result.get(..4).is_some_and(is_of_mfa))
}

/// The policies, and what all of them show together. Those that did not look at the sign-in are
/// only counted, unless they are to be kept.
fn policies_of<'a>(
    items: &[PolicyItem<'a>],
    keep_not_applied: bool,
    room: &'a Room,
) -> (Vec<AppliedPolicy>, PolicyFacts) {
    let (mut policies, mut facts) = (Vec::new(), PolicyFacts::default());
    for item in items {
        let of_idle = match item {
            PolicyItem::Idle { facts, .. } => Some(*facts),
            PolicyItem::Read(wire) if wire.is_nothing() => continue,
            PolicyItem::Read(wire) => facts_of_idle(wire),
        };
        facts.add(match of_idle {
            Some(of_idle) if !keep_not_applied => of_idle,
            _ => {
                let policy = match item {
                    PolicyItem::Idle { text, .. } => policy_of(&read_policy(text, room), room),
                    PolicyItem::Read(wire) => policy_of(wire, room),
                };
                let facts = PolicyFacts::of_one(&policy);
                policies.push(policy);
                facts
            }
        });
    }
    (policies, facts)
}

impl PolicyWire<'_> {
    /// Such as the text that PowerShell leaves of an object below its depth.
    fn is_nothing(&self) -> bool {
        self.id.0.is_none() && self.name.0.is_none() && self.result.0.is_none()
    }

    fn result(&self) -> PolicyResult {
        self.result.0.map(PolicyResult::parse).unwrap_or_default()
    }
}

/// What a policy shows that did not look at the sign-in, if it is one: the same as
/// [`PolicyFacts::of_one`] says of the policy, which is not made.
pub(super) fn facts_of_idle(wire: &PolicyWire<'_>) -> Option<PolicyFacts> {
    let result = wire.result();
    if wire.is_nothing() || !result.is_idle() {
        return None;
    }
    let strength = &wire.strength.value;
    let rules = || {
        let lists = [&wire.include_rules, &wire.exclude_rules].into_iter();
        lists.flat_map(|list| &list.value.0).filter(|rule| rule.condition.0.is_some())
    };
    let hides =
        |text: Text<'_>| text.0.is_some_and(|text| Conditions::parse(text).hides_a_member());
    let rule_hides =
        |rule: &RuleWire<'_>| rule.rule.0.is_some_and(PolicyFacts::rule_hides_a_member);
    Some(PolicyFacts {
        count: 1,
        idle: 1,
        known: usize::from(result.is_known()),
        with_conditions: wire.matched.0.is_some(),
        with_rules: rules().next().is_some() || strength.name.or(strength.id).0.is_some(),
        hides_members: hides(wire.matched) || hides(wire.unmatched) || rules().any(rule_hides),
    })
}

fn policy_of<'a>(wire: &PolicyWire<'a>, room: &'a Room) -> AppliedPolicy {
    let strength = &wire.strength.value;
    let rules = |list: &OrText<List<RuleWire<'_>>>, exclude: bool| -> Vec<String> {
        list.value.0.iter().filter_map(|rule| rule_text(rule, exclude)).collect()
    };
    AppliedPolicy {
        id: wire.id.owned().unwrap_or_default(),
        name: wire.name.owned().unwrap_or_default(),
        result: wire.result(),
        enforced_grant_controls: wire.grant_controls.read(room),
        enforced_session_controls: wire.session_controls.read(room),
        matched: wire.matched.0.map(Conditions::parse),
        unmatched: wire.unmatched.0.map(Conditions::parse),
        matched_rules: [rules(&wire.include_rules, false), rules(&wire.exclude_rules, true)]
            .concat(),
        authentication_strength: strength.name.or(strength.id).0.map(|name| {
            match strength.result.0 {
                Some(result) => format!("{name} ({result})"),
                None => name.to_owned(),
            }
        }),
    }
}

fn rule_text(rule: &RuleWire<'_>, exclude: bool) -> Option<String> {
    let condition = rule.condition.0?;
    let rule = rule.rule.0.unwrap_or_default();
    let sign = if exclude { "not " } else { "" };
    Some(format!("{condition}: {sign}{rule}"))
}

fn session_lifetime(policy: &SessionLifetimeWire<'_>) -> Option<String> {
    with_detail(policy.requirement, policy.detail)
}

fn network_location(network: &NetworkWire<'_>) -> Option<String> {
    with_detail(network.kind, network.names)
}

fn with_detail(what: Text<'_>, detail: Text<'_>) -> Option<String> {
    match (what.0, detail.0) {
        (Some(what), Some(detail)) => Some(format!("{what}: {detail}")),
        _ => what.or(detail).owned(),
    }
}

/// Joins texts, each named once in the order of their first mention.
fn joined(texts: impl Iterator<Item = String>) -> Option<String> {
    let mut words: Vec<String> = Vec::new();
    for text in texts {
        if !words.contains(&text) {
            words.push(text);
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// `signInEventTypes` first, then `isInteractive`, then what kind of account signed in.
fn sign_in_type_of(
    event_types: Option<&str>,
    interactive: Option<bool>,
    is_user: bool,
) -> SignInType {
    let types = event_types.unwrap_or_default().to_ascii_lowercase();
    if types.contains("managedidentity") {
        return SignInType::ManagedIdentity;
    }
    if types.contains("serviceprincipal") || (types.is_empty() && !is_user) {
        return SignInType::ServicePrincipal;
    }
    let noninteractive = types.contains("noninteractive");
    let interactive_too = types.replace("noninteractive", "").contains("interactive");
    match (noninteractive, interactive_too, interactive) {
        (true, false, _) | (true, true, Some(false)) | (false, false, Some(false)) => {
            SignInType::NonInteractiveUser
        }
        (false, true, _) | (true, true, Some(true)) | (false, false, Some(true)) => {
            SignInType::InteractiveUser
        }
        (true, true, None) | (false, false, None) => SignInType::Unknown,
    }
}

/// An error code as a number or its text, with or without `AADSTS` before it.
pub(crate) fn parse_code(text: &str) -> Option<ErrorCode> {
    let text = text.trim();
    match text.get(..6) {
        // An error message begins with its code: `AADSTS53003: Access has been blocked …`.
        Some(prefix) if prefix.eq_ignore_ascii_case("AADSTS") => {
            let digits = text[6..].split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok().map(ErrorCode)
        }
        _ => text.parse().ok().map(ErrorCode),
    }
}

pub(super) fn tenant(text: Text<'_>) -> Option<TenantId> {
    text.0.and_then(TenantId::parse)
}

fn flag(text: Text<'_>) -> Option<bool> {
    let text = text.0?;
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_one_of(["true", "1", "yes"]) {
        return Some(true);
    }
    is_one_of(["false", "0", "no"]).then_some(false)
}
