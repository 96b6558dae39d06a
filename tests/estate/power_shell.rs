//! `Get-MgBetaAuditLogSignIn | ConvertTo-Json` at its default depth, which turns policies into
//! text, and `| Export-Csv`, which leaves type names of all that is nested. Source: formats.md §7.

use super::json::Json;
use super::outcomes::{additional_details, failure_reason};
use super::quirks::Quirk;
use super::records::{Applied, SignIn, Stream};
use super::shapes::{Draft, client_app, event_type, requirement};
use super::table::Value;
use super::time;

const MODELS: &str = "Microsoft.Graph.Beta.PowerShell.Models.MicrosoftGraph";

pub const COLUMNS: [&str; 28] = [
    "AppDisplayName",
    "AppId",
    "AppOwnerTenantId",
    "AppliedConditionalAccessPolicies",
    "AuthenticationRequirement",
    "AutonomousSystemNumber",
    "ClientAppUsed",
    "ConditionalAccessStatus",
    "CorrelationId",
    "CreatedDateTime",
    "CrossTenantAccessType",
    "DeviceDetail",
    "HomeTenantId",
    "IPAddress",
    "Id",
    "IsInteractive",
    "Location",
    "ResourceDisplayName",
    "ResourceId",
    "ResourceTenantId",
    "SignInEventTypes",
    "Status",
    "UserAgent",
    "UserDisplayName",
    "UserId",
    "UserPrincipalName",
    "UserType",
    "AdditionalProperties",
];

pub fn value(column: &str, draft: Draft) -> Value {
    let s = draft.sign_in;
    match column {
        "AppDisplayName" => s.app.name.into(),
        "AppId" => s.app.id.into(),
        "AppOwnerTenantId" => s.app_owner.into(),
        "AppliedConditionalAccessPolicies" => "System.Object[]".into(),
        "AuthenticationRequirement" => requirement(s).into(),
        "AutonomousSystemNumber" => Value::Number(s.place.asn),
        "ClientAppUsed" => client_app(s).into(),
        "ConditionalAccessStatus" => s.outcome.status.into(),
        "CorrelationId" => s.correlation_id.as_str().into(),
        "CreatedDateTime" => time::plain(s.created).into(),
        "CrossTenantAccessType" => draft.access_text().into(),
        "DeviceDetail" => format!("{MODELS}DeviceDetail").into(),
        "HomeTenantId" => s.home.map_or(Value::Nothing, |home| draft.id(home).into()),
        "IPAddress" => s.address.as_str().into(),
        "Id" if draft.has(Quirk::NoId) => Value::Nothing,
        "Id" => draft.id(&s.id).into(),
        "IsInteractive" => Value::Flag(s.stream == Stream::Interactive),
        "Location" => format!("{MODELS}SignInLocation").into(),
        "ResourceDisplayName" => s.app.resource.into(),
        "ResourceId" => s.app.resource_id.into(),
        "ResourceTenantId" => draft.id(s.resource).into(),
        "SignInEventTypes" => "System.String[]".into(),
        "Status" => format!("{MODELS}SignInStatus").into(),
        "UserAgent" => s.agent.as_str().into(),
        "UserDisplayName" => Value::Soft(s.user_name.clone()),
        "UserId" => s.user_id.as_str().into(),
        "UserPrincipalName" => s.user_principal_name.as_str().into(),
        "UserType" => if s.access == 0 { "member" } else { "guest" }.into(),
        _ => "System.Collections.Generic.Dictionary`2[System.String,System.Object]".into(),
    }
}

/// A record of `ConvertTo-Json`: plain members as they are, what is nested as far as depth 2.
pub fn record(w: &mut Json, draft: Draft) {
    let s = draft.sign_in;
    w.object(|w| {
        for column in COLUMNS {
            if column == "Id" && draft.has(Quirk::NoId) {
                continue;
            }
            w.key(column);
            match column {
                "AppliedConditionalAccessPolicies" => policies(w, draft),
                "CreatedDateTime" => moment(w, draft),
                "DeviceDetail" => device(w),
                "Location" => location(w, s),
                "SignInEventTypes" => w.texts(&[event_type(s)]),
                "Status" => status(w, s),
                "AdditionalProperties" => w.object(|_| {}),
                plain => value(plain, draft).write(w, false),
            }
        }
    });
}

/// The text of each policy: its members between `@{` and `}`, or the name of its type.
fn policies(w: &mut Json, draft: Draft) {
    w.array(|w| {
        for Applied { policy, result, .. } in &draft.sign_in.applied {
            if draft.variant.is_multiple_of(2) {
                w.text(&format!("{MODELS}AppliedConditionalAccessPolicy"));
            } else {
                w.text(&format!(
                    "@{{DisplayName={}; EnforcedGrantControls=System.Object[]; Id={}; Result={result}}}",
                    policy.name, policy.id
                ));
            }
        }
    });
}

/// Windows PowerShell writes milliseconds since 1970, its successor ISO.
fn moment(w: &mut Json, draft: Draft) {
    let created = draft.sign_in.created;
    if draft.variant.is_multiple_of(2) {
        w.raw(&format!("\"\\/Date({})\\/\"", created / 10_000));
    } else {
        w.text(&time::graph(created));
    }
}

fn status(w: &mut Json, s: &SignIn) {
    w.object(|w| {
        w.key("AdditionalDetails");
        match additional_details(s.outcome.code) {
            Some(details) => w.text(details),
            None => w.raw("null"),
        }
        w.key("ErrorCode").number(s.outcome.code.into());
        w.field("FailureReason", failure_reason(s.outcome.code).unwrap_or("Other."));
        w.key("AdditionalProperties").object(|_| {});
    });
}

fn location(w: &mut Json, s: &SignIn) {
    w.object(|w| {
        w.field("City", s.place.city);
        w.field("CountryOrRegion", s.place.country);
        w.field("GeoCoordinates", &format!("{MODELS}GeoCoordinates"));
        w.field("State", s.place.state);
        w.key("AdditionalProperties").object(|_| {});
    });
}

fn device(w: &mut Json) {
    w.object(|w| {
        w.field("Browser", "Edge 142.0.0");
        w.field("DeviceId", "");
        w.key("IsCompliant").boolean(false);
        w.field("OperatingSystem", "Windows10");
    });
}
