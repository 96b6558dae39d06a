//! CIPP: the report page's CSV with the columns that a user chose to see, the raw export that
//! flattens everything, and the API. Source: formats.md §7.

use super::json::Json;
use super::outcomes::{additional_details, failure_reason};
use super::quirks::Quirk;
use super::records::{Applied, SignIn, Stream};
use super::shapes::{Draft, beta_policy, client_app, event_type, requirement};
use super::table::{Value, json_text};
use super::time;
use super::world::condition_names;

const SHOWN: [&str; 20] = [
    "createdDateTime",
    "userPrincipalName",
    "clientAppUsed",
    "authenticationRequirement",
    "status.errorCode",
    "status.additionalDetails",
    "ipAddress",
    "location.city",
    "location.countryOrRegion",
    "id",
    "userDisplayName",
    "appDisplayName",
    "isInteractive",
    "conditionalAccessStatus",
    "appliedConditionalAccessPolicies",
    "homeTenantId",
    "resourceTenantId",
    "crossTenantAccessType",
    "correlationId",
    "userId",
];

/// The columns of a report: those shown.
pub fn report_columns() -> Vec<String> {
    SHOWN.iter().map(ToString::to_string).collect()
}

const POLICY_KEYS: [&str; 7] = [
    "id",
    "displayName",
    "enforcedGrantControls.0",
    "enforcedGrantControls.1",
    "result",
    "conditionsSatisfied",
    "conditionsNotSatisfied",
];

/// The columns of a raw export, where each record lists so many policies.
pub fn raw_columns(policies: usize) -> Vec<String> {
    let lists = ["appliedConditionalAccessPolicies", "location.city", "location.countryOrRegion"];
    let plain = SHOWN.iter().filter(|name| !lists.contains(name)).map(ToString::to_string);
    let of_policy = |at| {
        POLICY_KEYS.map(|key| format!("appliedConditionalAccessPolicies.{at}.{key}")).into_iter()
    };
    let rest = ["signInEventTypes.0", "status.failureReason", "location.city", "locationcipp"];
    plain
        .chain((0..policies).flat_map(of_policy))
        .chain(rest.iter().map(ToString::to_string))
        .collect()
}

/// A cell of the report; what is missing is `No data`.
pub fn report_value(column: &str, draft: Draft) -> Value {
    let s = draft.sign_in;
    let value = match column {
        // The page words the codes that it knows.
        "status.errorCode" if s.outcome.code == 0 && draft.variant.is_multiple_of(2) => {
            "Success".into()
        }
        "isInteractive" => if s.stream == Stream::Interactive { "Yes" } else { "No" }.into(),
        "appliedConditionalAccessPolicies" => policies(s).into(),
        _ => raw_value(column, draft),
    };
    match value {
        Value::Nothing => "No data".into(),
        Value::Text(text) if text.is_empty() => "No data".into(),
        other => other,
    }
}

/// `{json}, {json}` without brackets.
fn policies(s: &SignIn) -> String {
    let texts = s.applied.iter().map(|applied| json_text(|w| beta_policy(w, applied)));
    texts.collect::<Vec<_>>().join(", ")
}

/// A cell of the raw export.
pub fn raw_value(column: &str, draft: Draft) -> Value {
    let s = draft.sign_in;
    if let Some(of_policy) = column.strip_prefix("appliedConditionalAccessPolicies.") {
        return policy_value(of_policy, s);
    }
    match column {
        "createdDateTime" => time::graph(s.created).into(),
        "id" if draft.has(Quirk::NoId) => Value::Nothing,
        "id" => draft.id(&s.id).into(),
        "userPrincipalName" => s.user_principal_name.as_str().into(),
        "userDisplayName" => Value::Soft(s.user_name.clone()),
        "userId" => s.user_id.as_str().into(),
        "appDisplayName" => s.app.name.into(),
        "clientAppUsed" => client_app(s).into(),
        "authenticationRequirement" => requirement(s).into(),
        "isInteractive" => if s.stream == Stream::Interactive { "true" } else { "false" }.into(),
        "signInEventTypes.0" => event_type(s).into(),
        "status.errorCode" => Value::Number(s.outcome.code.into()),
        "status.additionalDetails" => additional_details(s.outcome.code).unwrap_or_default().into(),
        "status.failureReason" => failure_reason(s.outcome.code).unwrap_or_default().into(),
        "ipAddress" => s.address.as_str().into(),
        "location.city" => s.place.city.into(),
        "location.countryOrRegion" => s.place.country.into(),
        "locationcipp" => format!("{} - {}", s.place.city, s.place.country).into(),
        "conditionalAccessStatus" => s.outcome.status.into(),
        "homeTenantId" => s.home.map_or(Value::Nothing, |home| draft.id(home).into()),
        "resourceTenantId" => draft.id(s.resource).into(),
        "crossTenantAccessType" => draft.access_text().into(),
        "correlationId" => s.correlation_id.as_str().into(),
        _ => Value::Nothing,
    }
}

fn policy_value(key: &str, s: &SignIn) -> Value {
    let policy = |at: &str| at.parse().ok().and_then(|at: usize| s.applied.get(at));
    let Some((applied, key)) = key.split_once('.').and_then(|(at, key)| Some((policy(at)?, key)))
    else {
        return Value::Nothing;
    };
    let grant = |at: usize| applied.policy.grants.get(at).map_or(Value::Nothing, |&it| it.into());
    match key {
        "id" => applied.policy.id.as_str().into(),
        "displayName" => applied.policy.name.as_str().into(),
        "enforcedGrantControls.0" => grant(0),
        "enforcedGrantControls.1" => grant(1),
        "result" => applied.result.into(),
        "conditionsSatisfied" => condition_names(applied.satisfied).into(),
        "conditionsNotSatisfied" => condition_names(applied.not_satisfied).into(),
        _ => Value::Nothing,
    }
}

/// What the API adds to Graph's members.
pub fn additions(w: &mut Json, s: &SignIn) {
    w.key("additionalDetails");
    match additional_details(s.outcome.code) {
        Some(details) => w.text(details),
        None => w.raw("null"),
    }
    w.key("errorCode").number(s.outcome.code.into());
    w.field("locationcipp", &format!("{} - {}", s.place.city, s.place.country));
}

/// What stands before and behind the records: an array, or the answer of an endpoint.
pub fn document(variant: u64) -> (String, String) {
    if variant.is_multiple_of(2) {
        return ("[".into(), "]".into());
    }
    let close = r#"],"Metadata":{"nextLink":"https://graph.microsoft.com/beta/auditLogs/signIns?$skiptoken=3cff228c"}}"#;
    ("{\"Results\":[".into(), close.into())
}
