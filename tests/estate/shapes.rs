//! Sign-ins as records of Azure Monitor's diagnostic settings and of Microsoft Graph,
//! key by key after formats.md §1 and §3.

use super::cipp;
use super::json::{Json, Style};
use super::outcomes::{additional_details, failure_reason};
use super::quirks::Quirk;
use super::records::{Applied, SignIn, Stream};
use super::rng::Rng;
use super::time;
use super::world::{MICROSOFT, access_names, condition_names};

/// One record to write, and how.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    pub sign_in: &'a SignIn<'a>,
    pub quirk: Option<Quirk>,
    /// Drawn once for a file, for what its tool does in one way throughout.
    pub variant: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum GraphVersion {
    V1,
    Beta,
    /// Beta with what CIPP's API adds.
    Cipp,
}

impl Draft<'_> {
    pub fn has(self, quirk: Quirk) -> bool {
        self.quirk == Some(quirk)
    }

    pub fn id(self, id: &str) -> String {
        if self.has(Quirk::UpperIds) { id.to_ascii_uppercase() } else { id.to_string() }
    }

    /// The kind of cross-tenant access in words.
    pub fn access_text(self) -> String {
        const LISTS: [&str; 2] =
            ["b2bCollaboration,serviceProvider", "serviceProvider, passthrough"];
        let bits = self.sign_in.access;
        match self.quirk {
            Some(Quirk::AccessNumber) => bits.to_string(),
            Some(Quirk::AccessSpaced) if bits == 8 => "Service Provider".into(),
            Some(Quirk::AccessList) if bits == 8 => LISTS[(self.sign_in.noise & 1) as usize].into(),
            Some(Quirk::AccessOtherCase) => access_names(bits).to_uppercase(),
            _ => access_names(bits),
        }
    }

    fn set_key_case(self, w: &mut Json) {
        w.style.pascal |= self.has(Quirk::PascalRecord);
    }
}

// ---- Azure Monitor ----

pub fn diagnostic(w: &mut Json, draft: Draft) {
    let envelope_style = w.style;
    draft.set_key_case(w);
    w.object(|w| {
        envelope(w, draft);
        w.key("properties");
        let pascal = w.style.pascal;
        w.style = Style { pascal, ascii: envelope_style.ascii, ..Style::default() };
        if draft.has(Quirk::PropertiesText) {
            w.as_text(|w| properties(w, draft));
            w.soft = None;
        } else {
            properties(w, draft);
        }
    });
    w.style = envelope_style;
}

fn envelope(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    let american = draft.has(Quirk::AmericanTime);
    w.field(
        "time",
        &if american { time::american(s.published) } else { time::monitor(s.published, "Z") },
    );
    w.field("resourceId", &format!("/tenants/{}/providers/Microsoft.aadiam", s.exporting));
    w.field("operationName", "Sign-in activity");
    w.field("operationVersion", "1.0");
    w.field("category", category(s.stream));
    if !draft.has(Quirk::NoEnvelopeTenant) {
        w.field("tenantId", &draft.id(s.exporting));
    }
    result(w, draft);
    w.key("durationMs").number(0);
    w.field("callerIpAddress", &s.address);
    w.field("correlationId", &s.correlation_id);
    if s.stream != Stream::ServicePrincipal {
        w.field("identity", &s.user_name);
    }
    w.key("Level");
    if draft.has(Quirk::LevelText) {
        w.text("4");
    } else {
        w.number(4);
    }
    w.field("location", s.place.country);
}

fn category(stream: Stream) -> &'static str {
    match stream {
        Stream::Interactive => "SignInLogs",
        Stream::NonInteractive => "NonInteractiveUserSignInLogs",
        Stream::ServicePrincipal => "ServicePrincipalSignInLogs",
    }
}

fn result(w: &mut Json, draft: Draft) {
    let code = draft.sign_in.outcome.code;
    if draft.has(Quirk::ResultTypeNumber) {
        w.key("resultType").number(code.into());
    } else if !draft.has(Quirk::NoResultType) {
        w.field("resultType", &code.to_string());
    }
    w.field("resultSignature", if code == 0 { "SUCCESS" } else { "FAILURE" });
    if let Some(reason) = failure_reason(code).filter(|_| code != 0) {
        w.field("resultDescription", reason);
    }
}

fn properties(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    w.object(|w| {
        if !draft.has(Quirk::NoId) {
            w.field("id", &draft.id(&s.id));
        }
        decoy(w, draft);
        let west = draft.has(Quirk::WesternTime);
        w.field(
            "createdDateTime",
            &if west { time::monitor_west(s.created) } else { time::monitor(s.created, "+00:00") },
        );
        if s.stream == Stream::ServicePrincipal {
            principal_properties(w, draft);
        } else {
            user_properties(w, draft);
        }
    });
}

fn user_properties(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    user_and_app(w, draft);
    if !draft.has(Quirk::NoStatus) {
        w.key("status").object(|w| {
            w.key("errorCode").number(s.outcome.code.into());
            if s.outcome.code != 0 {
                reasons(w, s);
            }
        });
    }
    w.field("clientAppUsed", client_app(s));
    agent(w, draft);
    if !draft.has(Quirk::Missing) {
        device_and_place(w, draft, false);
    }
    w.field("correlationId", &s.correlation_id);
    conditional_access(w, draft, monitor_policy);
    w.key("authenticationContextClassReferences").array(|_| {});
    w.field("originalRequestId", &s.id);
    w.key("isInteractive").boolean(s.stream == Stream::Interactive);
    w.field("tokenIssuerName", "");
    w.field("tokenIssuerType", "AzureAD");
    processing_details(w, s);
    network_details(w, draft);
    w.field("clientCredentialType", "none");
    w.key("processingTimeInMilliseconds").number((s.noise % 400) as i64);
    user_circumstances(w, draft);
}

fn user_circumstances(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    risk(w);
    w.key("riskEventTypes").array(|_| {});
    w.key("riskEventTypes_v2").array(|_| {});
    resource_and_tenants(w, draft);
    w.field("tenantId", s.exporting);
    authentication(w, s, true);
    w.field("servicePrincipalId", "");
    w.field("userType", if s.access == 0 { "Member" } else { "Guest" });
    w.key("flaggedForReview").boolean(false);
    w.key("isTenantRestricted").boolean(false);
    w.key("autonomousSystemNumber").number(s.place.asn);
    access(w, draft);
    w.key("privateLinkDetails").object(|_| {});
    w.field("ssoExtensionVersion", "");
    w.field("uniqueTokenIdentifier", &s.token_id);
    w.key("authenticationStrengths").array(|_| {});
    w.field("incomingTokenType", if s.noise & 1 == 0 { "none" } else { "refreshToken" });
    w.field("authenticationProtocol", "none");
    w.key("appServicePrincipalId").raw("null");
    w.field("resourceServicePrincipalId", &s.session_id);
    w.key("rngcStatus").number(0);
    token_protection(w);
    w.key("conditionalAccessAudiences").array(|w| {
        for at in 0..1 + s.noise % 4 {
            w.object(|w| {
                w.field("applicationId", if at == 0 { s.app.resource_id } else { s.app.id });
                w.field("audienceReasons", "none");
            });
        }
    });
    if !draft.has(Quirk::Missing) {
        w.field("sessionId", &s.session_id);
    }
    w.field("appOwnerTenantId", s.app_owner);
    w.field("resourceOwnerTenantId", MICROSOFT);
}

fn principal_properties(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    w.key("userId").raw("null");
    w.field("appId", s.app.id);
    w.field("ipAddress", &s.address);
    if !draft.has(Quirk::NoStatus) {
        w.key("status").object(|w| w.key("errorCode").number(s.outcome.code.into()));
    }
    place(w, s);
    w.field("correlationId", &s.correlation_id);
    conditional_access(w, draft, monitor_policy);
    w.key("isInteractive").boolean(false);
    w.field("tokenIssuerType", "AzureAD");
    w.field("clientCredentialType", "clientAssertion");
    w.key("processingTimeInMilliseconds").number(0);
    risk(w);
    w.field("resourceDisplayName", s.app.resource);
    w.field("resourceId", s.app.resource_id);
    w.field("resourceTenantId", &draft.id(s.resource));
    w.field("homeTenantId", "");
    w.field("tenantId", s.exporting);
    w.key("servicePrincipalName").soft_text(&s.user_name);
    w.field("servicePrincipalId", &s.session_id);
    w.key("flaggedForReview").boolean(false);
    w.key("isTenantRestricted").boolean(false);
    w.field("crossTenantAccessType", "none");
    w.field("uniqueTokenIdentifier", &s.token_id);
    w.field("incomingTokenType", "none");
    w.field("authenticationProtocol", "none");
    w.key("appServicePrincipalId").raw("null");
    w.field("resourceServicePrincipalId", "");
    token_protection(w);
    w.field("appOwnerTenantId", s.app_owner);
}

fn token_protection(w: &mut Json) {
    w.field("signInTokenProtectionStatus", "none");
    w.key("tokenProtectionStatusDetails").object(|w| {
        w.field("signInSessionStatus", "unbound");
        w.key("signInSessionStatusCode").number(1002);
    });
    w.field("originalTransferMethod", "none");
    w.key("isThroughGlobalSecureAccess").boolean(false);
}

/// Seven keys, the conditions as bit masks, nothing of an authentication strength.
pub fn monitor_policy(w: &mut Json, applied: &Applied) {
    w.object(|w| {
        policy_head(w, applied);
        w.key("conditionsSatisfied").number(applied.satisfied.into());
        w.key("conditionsNotSatisfied").number(applied.not_satisfied.into());
    });
}

// ---- Microsoft Graph ----

pub fn graph(w: &mut Json, draft: Draft, version: GraphVersion) {
    let style = w.style;
    draft.set_key_case(w);
    w.object(|w| match version {
        GraphVersion::V1 => graph_v1(w, draft),
        GraphVersion::Beta => graph_beta(w, draft),
        GraphVersion::Cipp => {
            graph_beta(w, draft);
            cipp::additions(w, draft.sign_in);
        }
    });
    w.style = style;
}

fn graph_head(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    if !draft.has(Quirk::NoId) {
        w.field("id", &draft.id(&s.id));
    }
    decoy(w, draft);
    let west = draft.has(Quirk::WesternTime);
    w.field(
        "createdDateTime",
        &if west { time::monitor_west(s.created) } else { time::graph(s.created) },
    );
    user_and_app(w, draft);
    w.field("clientAppUsed", client_app(s));
    agent(w, draft);
    w.field("correlationId", &s.correlation_id);
    w.key("isInteractive").boolean(s.stream == Stream::Interactive);
}

fn graph_v1(w: &mut Json, draft: Draft) {
    graph_head(w, draft);
    conditional_access(w, draft, |w, applied| w.object(|w| policy_head(w, applied)));
    risk(w);
    w.key("riskEventTypes").array(|_| {});
    resource_and_tenants(w, draft);
    graph_status(w, draft.sign_in);
    if !draft.has(Quirk::Missing) {
        device_and_place(w, draft, true);
    }
}

fn graph_beta(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    graph_head(w, draft);
    conditional_access(w, draft, beta_policy);
    w.field("homeTenantName", "");
    w.key("isTenantRestricted").boolean(false);
    w.field("originalRequestId", "");
    w.field("tokenIssuerName", "");
    w.field("tokenIssuerType", "AzureAD");
    w.field("clientCredentialType", "none");
    w.key("processingTimeInMilliseconds").number((s.noise % 400) as i64);
    risk(w);
    w.key("riskEventTypes_v2").array(|_| {});
    resource_and_tenants(w, draft);
    w.key("authenticationMethodsUsed").array(|_| {});
    w.field("incomingTokenType", "none");
    w.field("authenticationProtocol", "none");
    w.field("signInIdentifier", &s.user_principal_name);
    w.key("signInIdentifierType").raw("null");
    w.key("signInEventTypes").texts(&[event_type(s)]);
    w.field("servicePrincipalId", "");
    w.field("userType", if s.access == 0 { "member" } else { "guest" });
    w.key("flaggedForReview").boolean(false);
    w.key("autonomousSystemNumber").number(s.place.asn);
    access(w, draft);
    for key in [
        "federatedCredentialId",
        "servicePrincipalCredentialKeyId",
        "globalSecureAccessIpAddress",
        "mfaDetail",
    ] {
        w.key(key).raw("null");
    }
    w.key("privateLinkDetails").raw("null");
    w.field("uniqueTokenIdentifier", &s.token_id);
    token_protection(w);
    w.key("conditionalAccessAudiences").texts(&[s.app.resource_id]);
    w.field("appOwnerTenantId", s.app_owner);
    w.field("resourceOwnerTenantId", MICROSOFT);
    if !draft.has(Quirk::Missing) {
        w.field("sessionId", &s.session_id);
        device_and_place(w, draft, true);
    }
    graph_status(w, s);
    processing_details(w, s);
    network_details(w, draft);
    authentication(w, s, false);
}

fn graph_status(w: &mut Json, s: &SignIn) {
    w.key("status").object(|w| {
        w.key("errorCode").number(s.outcome.code.into());
        reasons(w, s);
    });
}

/// Eleven keys: names for masks, the rules, and the strength where one is demanded.
pub fn beta_policy(w: &mut Json, applied: &Applied) {
    w.object(|w| {
        policy_head(w, applied);
        w.field("conditionsSatisfied", &condition_names(applied.satisfied));
        w.field("conditionsNotSatisfied", &condition_names(applied.not_satisfied));
        w.key("includeRulesSatisfied").array(|w| {
            for (bit, condition, rule) in
                [(1, "application", "allApps"), (2, "users", "serviceProvider")]
            {
                if applied.satisfied & bit != 0 {
                    w.object(|w| {
                        w.field("conditionalAccessCondition", condition);
                        w.field("ruleSatisfied", rule);
                    });
                }
            }
        });
        w.key("excludeRulesSatisfied").array(|_| {});
        w.key("sessionControlsNotSatisfied").array(|_| {});
        w.key("authenticationStrength");
        match applied.policy.strength {
            None => w.raw("null"),
            Some(name) => w.object(|w| {
                w.field("displayName", name);
                w.field("authenticationStrengthId", "00000000-0000-0000-0000-000000000004");
                w.field("authenticationStrengthResult", "singleChallengeRequired");
            }),
        }
    });
}

// ---- what both have ----

/// An earlier home tenant that a later one overrules.
fn decoy(w: &mut Json, draft: Draft) {
    if draft.sign_in.home.is_none() {
        return;
    }
    if draft.has(Quirk::TwiceHome) {
        w.field("homeTenantId", MICROSOFT);
    } else if draft.has(Quirk::TwiceHomeOtherCase) {
        w.raw_key("\"HomeTenantId\"").text(MICROSOFT);
    }
}

fn user_and_app(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    w.field("userDisplayName", &s.user_name);
    w.field("userPrincipalName", &s.user_principal_name);
    w.field("userId", &s.user_id);
    w.field("appId", s.app.id);
    w.field("appDisplayName", s.app.name);
    w.field("ipAddress", &s.address);
}

fn agent(w: &mut Json, draft: Draft) {
    if draft.has(Quirk::Missing) {
        return;
    }
    w.key("userAgent");
    if draft.has(Quirk::Nulls) {
        return w.raw("null");
    }
    match draft.quirk.and_then(|quirk| quirk.agent_json(draft.sign_in)) {
        Some(json) => w.raw(&json),
        None => w.soft_text(&draft.sign_in.agent),
    }
}

fn reasons(w: &mut Json, s: &SignIn) {
    if let Some(reason) = failure_reason(s.outcome.code) {
        w.field("failureReason", reason);
    }
    if let Some(details) = additional_details(s.outcome.code) {
        w.field("additionalDetails", details);
    }
}

fn device_and_place(w: &mut Json, draft: Draft, full: bool) {
    let s = draft.sign_in;
    w.key("deviceDetail");
    if draft.has(Quirk::Nulls) {
        w.raw("null");
    } else {
        w.object(|w| {
            w.field("deviceId", if s.access == 0 { "" } else { "{PII Removed}" });
            w.field("operatingSystem", "Windows10");
            w.field("browser", "Edge 142.0.0");
            if full {
                w.field("displayName", "");
                w.key("isCompliant").boolean(false);
                w.key("isManaged").boolean(false);
                w.field("trustType", "");
            }
        });
    }
    place(w, s);
}

fn place(w: &mut Json, s: &SignIn) {
    w.key("location");
    location(w, s);
}

pub fn location(w: &mut Json, s: &SignIn) {
    w.object(|w| {
        w.field("city", s.place.city);
        w.field("state", s.place.state);
        w.field("countryOrRegion", s.place.country);
        w.key("geoCoordinates").object(|w| {
            w.key("latitude").raw(s.place.coordinates.0);
            w.key("longitude").raw(s.place.coordinates.1);
        });
    });
}

fn conditional_access(w: &mut Json, draft: Draft, policy: fn(&mut Json, &Applied)) {
    let s = draft.sign_in;
    if !s.outcome.status.is_empty() {
        w.field("conditionalAccessStatus", s.outcome.status);
    } else if draft.has(Quirk::Nulls) {
        w.key("conditionalAccessStatus").raw("null");
    }
    w.key("appliedConditionalAccessPolicies");
    let fill = |w: &mut Json| w.array(|w| s.applied.iter().for_each(|applied| policy(w, applied)));
    if draft.has(Quirk::PoliciesText) {
        w.as_text(fill);
    } else if draft.has(Quirk::Nulls) && s.applied.is_empty() {
        w.raw("null");
    } else {
        fill(w);
    }
}

fn policy_head(w: &mut Json, applied: &Applied) {
    w.field("id", &applied.policy.id);
    w.field("displayName", &applied.policy.name);
    w.key("enforcedGrantControls").texts(applied.policy.grants);
    w.key("enforcedSessionControls").texts(applied.policy.sessions);
    w.field("result", applied.result);
}

fn processing_details(w: &mut Json, s: &SignIn) {
    const SCOPES: [&str; 8] = [
        "Directory.AccessAsUser.All",
        "DeviceManagementConfiguration.ReadWrite.All",
        "Policy.ReadWrite.ConditionalAccess",
        "User.Read",
        "AuditLog.Read.All",
        "SecurityEvents.Read.All",
        "Group.ReadWrite.All",
        "offline_access",
    ];
    let mut rng = Rng::new(s.noise);
    let scopes: Vec<String> =
        (0..rng.below(8)).map(|_| format!("\"{}\"", rng.pick(&SCOPES))).collect();
    w.key("authenticationProcessingDetails").array(|w| {
        let legacy = ("Legacy TLS (TLS 1.0, 1.1, 3DES)", "False".to_string());
        let scope_info = ("Oauth Scope Info", format!("[{}]", scopes.join(",")));
        for (key, value) in [legacy, scope_info, ("Is CAE Token", "False".to_string())] {
            w.object(|w| {
                w.field("key", key);
                w.field("value", &value);
            });
        }
    });
}

fn network_details(w: &mut Json, draft: Draft) {
    w.key("networkLocationDetails");
    if draft.has(Quirk::Nulls) {
        return w.raw("null");
    }
    let named = draft.sign_in.noise.is_multiple_of(5);
    w.array(|w| {
        if named {
            w.object(|w| {
                w.field("networkType", "trustedNamedLocation");
                w.key("networkNames").texts(&["Head office {1}"]);
            });
        }
    });
}

fn risk(w: &mut Json) {
    for key in ["riskDetail", "riskLevelAggregated", "riskLevelDuringSignIn", "riskState"] {
        w.field(key, "none");
    }
}

fn resource_and_tenants(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    w.field("resourceDisplayName", s.app.resource);
    w.field("resourceId", s.app.resource_id);
    w.field("resourceTenantId", &draft.id(s.resource));
    home_tenant(w, draft);
}

fn home_tenant(w: &mut Json, draft: Draft) {
    let Some(home) = draft.sign_in.home else {
        match draft.sign_in.noise % 3 {
            0 => w.field("homeTenantId", ""),
            1 => w.key("homeTenantId").raw("null"),
            _ => {}
        }
        return;
    };
    let id = draft.id(home);
    match draft.quirk {
        Some(Quirk::PascalHome) => w.raw_key("\"HomeTenantId\"").text(&id),
        Some(Quirk::EscapedKey) => w.raw_key("\"home\\u0054enantId\"").text(&id),
        Some(Quirk::EscapedValue) => w.key("homeTenantId").raw(&with_escape(&id)),
        _ => w.field("homeTenantId", &id),
    }
}

/// The third character as an escape, in quotes.
fn with_escape(id: &str) -> String {
    format!("\"{}\\u{:04X}{}\"", &id[..2], id.as_bytes()[2], &id[3..])
}

fn access(w: &mut Json, draft: Draft) {
    let bits = draft.sign_in.access;
    w.key("crossTenantAccessType");
    match draft.quirk {
        Some(Quirk::AccessNumber) => w.number(bits.into()),
        Some(Quirk::EscapedValue) if bits == 8 => w.raw("\"service\\u0050rovider\""),
        Some(Quirk::Nulls) if bits == 0 => w.raw("null"),
        _ => w.text(&draft.access_text()),
    }
}

fn authentication(w: &mut Json, s: &SignIn, of_monitor: bool) {
    w.key("authenticationDetails").array(|w| {
        let steps = if s.stream == Stream::Interactive { 1 + s.noise % 2 } else { 0 };
        for step in 0..steps {
            authentication_step(w, s, of_monitor, step as i64);
        }
    });
    w.key("authenticationRequirementPolicies").array(|w| {
        if s.outcome.code == 50076 {
            w.object(|w| {
                w.field("detail", "Conditional Access");
                w.field("requirementProvider", "multiConditionalAccess");
            });
        }
    });
    w.key("sessionLifetimePolicies").array(|_| {});
    w.field("authenticationRequirement", requirement(s));
}

pub fn requirement(s: &SignIn) -> &'static str {
    if matches!(s.outcome.code, 50074 | 50076) {
        "multiFactorAuthentication"
    } else {
        "singleFactorAuthentication"
    }
}

pub fn client_app(s: &SignIn) -> &'static str {
    if s.stream == Stream::Interactive { "Browser" } else { "Mobile Apps and Desktop clients" }
}

pub fn event_type(s: &SignIn) -> &'static str {
    if s.stream == Stream::Interactive { "interactiveUser" } else { "nonInteractiveUser" }
}

fn authentication_step(w: &mut Json, s: &SignIn, of_monitor: bool, step: i64) {
    w.object(|w| {
        w.field("authenticationStepDateTime", &time::graph(s.created));
        w.field("authenticationMethod", "Previously satisfied");
        w.key("succeeded").boolean(s.outcome.code == 0);
        w.field(
            "authenticationStepResultDetail",
            "First factor requirement satisfied by claim in the token",
        );
        w.field("authenticationStepRequirement", "Primary authentication");
        if of_monitor {
            w.key("StatusSequence").number(step);
            w.key("RequestSequence").number(step);
        }
    });
}
