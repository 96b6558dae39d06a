//! The members of a sign-in, whatever kind of export carries them, and how they become a
//! [`SignIn`]: the one place that knows what each member means.
//!
//! Source: the `signIn` resource of Microsoft Graph, beta and v1.0.

use chrono::{DateTime, Datelike, Utc};

use super::wire::{List, OrText, Present, Text, TextQuality, wire};
use super::{Reading, Unreadable};
use crate::error_code::ErrorCode;
use crate::policy::{AppliedPolicy, ConditionalAccessStatus, Conditions, PolicyResult};
use crate::sign_in::{CrossTenantAccess, Outcome, RowEvidence, SignIn, SignInType, StatusWord};
use crate::tenant::TenantId;
use crate::time::TimeReading;

wire! {
    /// The members of a Graph `signIn`; Azure Monitor's `properties` have the same keys.
    SignInWire {
        "id" => id: Text,
        "createddatetime" => created: Text,
        "tenantid" => tenant: Text,
        "hometenantid" => home_tenant: Text,
        "resourcetenantid" => resource_tenant: Text,
        "crosstenantaccesstype" => cross_tenant_access: Text,
        "signineventtypes" => event_types: Text,
        "isinteractive" => is_interactive: Text,
        "userid" => user_id: Text,
        "userprincipalname" => user_principal_name: Text,
        "userdisplayname" => user_display_name: Text,
        "usertype" => user_type: Text,
        "serviceprincipalid" => service_principal_id: Text,
        "serviceprincipalname" => service_principal_name: Text,
        "appid" => app_id: Text,
        "appdisplayname" => app_name: Text,
        "appownertenantid" => app_owner_tenant: Text,
        "resourceid" => resource_id: Text,
        "resourcedisplayname" => resource_name: Text,
        "resourceserviceprincipalid" => resource_service_principal_id: Text,
        "ipaddress" => ip_address: Text,
        "location" => location: OrText<LocationWire>,
        "autonomoussystemnumber" => asn: Text,
        "clientappused" => client_app: Text,
        "useragent" => user_agent: Text,
        "devicedetail" => device: OrText<DeviceWire>,
        "authenticationrequirement" => authentication_requirement: Text,
        "authenticationdetails" => authentication_details: OrText<List<AuthenticationWire>>,
        "authenticationmethodsused" => authentication_methods: Text,
        "sessionlifetimepolicies" => session_lifetime_policies: OrText<List<SessionLifetimeWire>>,
        "authenticationprotocol" => authentication_protocol: Text,
        "originaltransfermethod" => original_transfer_method: Text,
        "incomingtokentype" => incoming_token_type: Text,
        "networklocationdetails" => network_locations: OrText<List<NetworkWire>>,
        "riskstate" => risk_state: Text,
        "risklevelduringsignin" => risk_level: Text,
        "status" => status: OrText<StatusWire>,
        "conditionalaccessstatus" => conditional_access_status: Text,
        "appliedconditionalaccesspolicies" => applied_policies: OrText<List<OrText<PolicyWire>>>,
        "correlationid" => correlation_id: Text,
        "sessionid" => session_id: Text,
        "uniquetokenidentifier" => unique_token_id: Text,
        // Columns that tell a row of Log Analytics from an object of Graph.
        "timegenerated" => time_generated: Present,
        "conditionalaccesspolicies" => log_analytics_policies: Present,
    }
}

impl SignInWire {
    pub(super) fn is_of_log_analytics(&self) -> bool {
        self.time_generated.0 || self.log_analytics_policies.0
    }
}

wire! { StatusWire {
    "errorcode" => error_code: Text,
    "failurereason" => failure_reason: Text,
    "additionaldetails" => additional_details: Text,
} }
wire! { LocationWire { "city" => city: Text, "countryorregion" => country: Text, } }
wire! { DeviceWire {
    "deviceid" => device_id: Text,
    "operatingsystem" => operating_system: Text,
    "browser" => browser: Text,
    "iscompliant" => is_compliant: Text,
    "ismanaged" => is_managed: Text,
    "trusttype" => trust_type: Text,
} }
wire! { AuthenticationWire {
    "authenticationmethod" => method: Text,
    "authenticationstepresultdetail" => result: Text,
} }
wire! { SessionLifetimeWire {
    "expirationrequirement" => requirement: Text,
    "detail" => detail: Text,
} }
wire! { NetworkWire { "networktype" => kind: Text, "networknames" => names: Text, } }
wire! { PolicyWire {
    "id" => id: Text,
    "displayname" => name: Text,
    "result" => result: Text,
    "enforcedgrantcontrols" => grant_controls: OrText<List<Text>>,
    "enforcedsessioncontrols" => session_controls: OrText<List<Text>>,
    "conditionssatisfied" => matched: Text,
    "conditionsnotsatisfied" => unmatched: Text,
    "includerulessatisfied" => include_rules: OrText<List<RuleWire>>,
    "excluderulessatisfied" => exclude_rules: OrText<List<RuleWire>>,
    "authenticationstrength" => strength: OrText<StrengthWire>,
} }
wire! { RuleWire {
    "conditionalaccesscondition" => condition: Text,
    "rulesatisfied" => rule: Text,
} }
wire! { StrengthWire {
    "displayname" => name: Text,
    "authenticationstrengthid" => id: Text,
    "authenticationstrengthresult" => result: Text,
} }

/// What a record's envelope adds to the object inside it.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) published: Option<String>,
    pub(super) exporting_tenant: Option<TenantId>,
    pub(super) sign_in_type: Option<SignInType>,
    /// The outcome where the object inside has no code.
    pub(super) outcome: Option<Outcome>,
    /// The portal's word beside the code.
    pub(super) status: Option<StatusWord>,
    pub(super) failure_reason: Option<String>,
    pub(super) ip_address: Option<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) user_display_name: Option<String>,
    pub(super) country: Option<String>,
    /// A publication time counts as the time of the sign-in where that is missing.
    pub(super) is_envelope: bool,
    pub(super) city: Option<String>,
    /// How the times are written.
    pub(super) times: TimeReading,
}

/// A time at which a sign-in can have been.
fn is_near(at: DateTime<Utc>) -> bool {
    (2000..2100).contains(&at.year())
}

/// Maps the members of a `signIn` object to a [`SignIn`].
pub(super) fn sign_in_of(wire: SignInWire, envelope: Envelope) -> Result<Reading, Unreadable> {
    let times = envelope.times;
    // Azure Monitor writes some times of the envelope month first.
    let published =
        TimeReading { order: times.order.or(TimeReading::default().order), zone: times.zone };
    let published_at = envelope
        .published
        .as_deref()
        .and_then(|text| published.parse(text))
        .filter(|at| is_near(*at));
    let created_at = match wire.created.as_deref() {
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
    let status = wire.status.value;
    let code = status.error_code.as_deref().and_then(parse_code);
    let conditional_access_status =
        wire.conditional_access_status.as_deref().and_then(ConditionalAccessStatus::parse);
    // PowerShell may lose the status of the sign-in; that of Conditional Access says enough if it
    // is a failure, and nothing otherwise.
    let refused = conditional_access_status == Some(ConditionalAccessStatus::Failure);
    let outcome = Outcome::new(code, envelope.status)
        .or(envelope.outcome)
        .or(refused.then_some(Outcome::Word(StatusWord::Failure)));
    let outcome = outcome.ok_or(Unreadable::NoOutcome);
    let policies =
        wire.applied_policies.value.0.into_iter().filter_map(|policy| policy_of(policy.value));
    let applied_policies: Vec<AppliedPolicy> = policies.collect();
    let row_evidence = RowEvidence::of(&applied_policies, conditional_access_status.as_ref());
    let sign_in_type = envelope.sign_in_type.unwrap_or_else(|| {
        let is_user = wire.user_id.0.is_some() || wire.user_principal_name.0.is_some();
        sign_in_type_of(
            wire.event_types.as_deref(),
            flag(&wire.is_interactive),
            is_user || wire.service_principal_id.0.is_none(),
        )
    });
    let device = wire.device.value;
    let location = wire.location.value;
    let (methods, of_mfa) = told_by_steps(wire.authentication_details.value.0);
    let sign_in = SignIn {
        sign_in_id: wire.id.0.map(|id| id.to_lowercase()),
        created_at,
        published_at,
        sign_in_type,
        exporting_tenant: envelope.exporting_tenant.or_else(|| tenant(&wire.tenant)),
        home_tenant: tenant(&wire.home_tenant),
        resource_tenant: tenant(&wire.resource_tenant),
        cross_tenant_access: wire.cross_tenant_access.as_deref().map(CrossTenantAccess::parse),
        user_id: wire.user_id.0,
        user_principal_name: wire.user_principal_name.0,
        user_display_name: wire.user_display_name.0.or(envelope.user_display_name),
        user_type: wire.user_type.0.map(|word| word.to_lowercase()),
        service_principal_id: wire.service_principal_id.0,
        service_principal_name: wire.service_principal_name.0,
        app_id: wire.app_id.0,
        app_name: wire.app_name.0,
        app_owner_tenant: tenant(&wire.app_owner_tenant),
        resource_id: wire.resource_id.0,
        resource_name: wire.resource_name.0,
        resource_service_principal_id: wire.resource_service_principal_id.0,
        ip_address: wire.ip_address.0.or(envelope.ip_address),
        country: location.country.0.or(envelope.country),
        city: location.city.0.or(envelope.city),
        asn: wire.asn.as_deref().and_then(|text| text.parse().ok()),
        client_app: wire.client_app.0,
        user_agent: wire.user_agent.0,
        // The mark that Entra leaves of a device in another tenant is no id.
        device_id: device.device_id.0.filter(|id| id != "{PII Removed}"),
        operating_system: device.operating_system.0,
        browser: device.browser.0,
        is_compliant: flag(&device.is_compliant),
        is_managed: flag(&device.is_managed),
        trust_type: device.trust_type.0,
        authentication_requirement: wire.authentication_requirement.0,
        authentication_methods: methods.or(wire.authentication_methods.0),
        session_lifetime_policies: joined(
            wire.session_lifetime_policies.value.0.into_iter().filter_map(session_lifetime),
        ),
        authentication_protocol: wire.authentication_protocol.0,
        original_transfer_method: wire.original_transfer_method.0,
        incoming_token_type: wire.incoming_token_type.0,
        network_location: joined(
            wire.network_locations.value.0.into_iter().filter_map(network_location),
        ),
        risk_state: wire.risk_state.0,
        risk_level: wire.risk_level.0,
        // A record without any outcome is refused below, once it is known whose it is.
        outcome: outcome.as_ref().copied().unwrap_or(Outcome::Code(ErrorCode::SUCCESS)),
        failure_reason: status.failure_reason.0.or(envelope.failure_reason),
        additional_details: status.additional_details.0.or(of_mfa),
        conditional_access_status,
        applied_policies,
        row_evidence,
        correlation_id: wire.correlation_id.0.or(envelope.correlation_id),
        session_id: wire.session_id.0,
        unique_token_id: wire.unique_token_id.0,
    };
    Ok(Reading { sign_in, missing: outcome.err(), repaired, policies_cut })
}

/// The methods of the steps, joined, and what became of MFA.
fn told_by_steps(steps: Vec<AuthenticationWire>) -> (Option<String>, Option<String>) {
    let of_mfa = steps.iter().find_map(mfa_result);
    (joined(steps.into_iter().filter_map(|step| step.method.0)), of_mfa)
}

/// What became of MFA, such as `MFA requirement skipped due to IP address`: most records say it in
/// their status, some only in a step. Of the first factor nothing is asked.
fn mfa_result(step: &AuthenticationWire) -> Option<String> {
    let result = step.result.as_deref()?;
    let is_of_mfa = result.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("MFA "));
    is_of_mfa.then(|| result.to_owned())
}

/// A policy; `None` for what names neither itself nor a result, such as the text that PowerShell
/// leaves of an object below its depth.
fn policy_of(wire: PolicyWire) -> Option<AppliedPolicy> {
    if wire.id.0.is_none() && wire.name.0.is_none() && wire.result.0.is_none() {
        return None;
    }
    let strength = wire.strength.value;
    let strength_name = strength.name.0.or(strength.id.0);
    let rules = |list: OrText<List<RuleWire>>, exclude: bool| {
        list.value.0.into_iter().filter_map(move |rule| rule_text(rule, exclude))
    };
    Some(AppliedPolicy {
        id: wire.id.0.unwrap_or_default(),
        name: wire.name.0.unwrap_or_default(),
        result: wire.result.as_deref().map(PolicyResult::parse).unwrap_or_default(),
        enforced_grant_controls: texts(wire.grant_controls.value),
        enforced_session_controls: texts(wire.session_controls.value),
        matched: wire.matched.as_deref().map(Conditions::parse),
        unmatched: wire.unmatched.as_deref().map(Conditions::parse),
        matched_rules: rules(wire.include_rules, false)
            .chain(rules(wire.exclude_rules, true))
            .collect(),
        authentication_strength: strength_name.map(|name| match strength.result.0 {
            Some(result) => format!("{name} ({result})"),
            None => name,
        }),
    })
}

fn rule_text(rule: RuleWire, exclude: bool) -> Option<String> {
    let condition = rule.condition.0?;
    let rule = rule.rule.0.unwrap_or_default();
    let sign = if exclude { "not " } else { "" };
    Some(format!("{condition}: {sign}{rule}"))
}

fn texts(list: List<Text>) -> Vec<String> {
    list.0.into_iter().filter_map(|text| text.0).collect()
}

fn session_lifetime(policy: SessionLifetimeWire) -> Option<String> {
    match (policy.requirement.0, policy.detail.0) {
        (Some(requirement), Some(detail)) => Some(format!("{requirement}: {detail}")),
        (requirement, detail) => requirement.or(detail),
    }
}

fn network_location(network: NetworkWire) -> Option<String> {
    match (network.kind.0, network.names.0) {
        (Some(kind), Some(names)) => Some(format!("{kind}: {names}")),
        (kind, names) => kind.or(names),
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

pub(super) fn tenant(text: &Text) -> Option<TenantId> {
    text.as_deref().and_then(TenantId::parse)
}

fn flag(text: &Text) -> Option<bool> {
    match text.as_deref()?.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}
