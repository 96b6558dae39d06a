//! Rows of Defender XDR's `EntraIdSignInEvents` and `AADSignInEventsBeta`: no home tenant, no
//! kind of cross-tenant access. Source: formats.md §6.

use super::json::Json;
use super::log_analytics::policies;
use super::quirks::Quirk;
use super::records::{SignIn, Stream};
use super::shapes::{Draft, client_app, requirement};
use super::table::{Column, Type, Value, json_text};

const fn text(name: &'static str) -> Column {
    Column::new(name, Type::Text)
}

const fn number(name: &'static str) -> Column {
    Column::new(name, Type::Number)
}

pub const COLUMNS: [Column; 33] = [
    Column::new("Timestamp", Type::Moment),
    text("Application"),
    text("ApplicationId"),
    text("LogonType"),
    number("ErrorCode"),
    text("CorrelationId"),
    text("SessionId"),
    text("AccountDisplayName"),
    text("AccountObjectId"),
    text("AccountUpn"),
    number("IsExternalUser"),
    Column::new("IsGuestUser", Type::Flag),
    text("AlternateSignInName"),
    text("ResourceDisplayName"),
    text("ResourceId"),
    text("ResourceTenantId"),
    text("DeviceName"),
    text("EntraIdDeviceId"),
    text("OSPlatform"),
    number("IsManaged"),
    number("IsCompliant"),
    text("AuthenticationRequirement"),
    number("RiskState"),
    text("UserAgent"),
    text("ClientAppUsed"),
    text("Browser"),
    text("ConditionalAccessPolicies"),
    number("ConditionalAccessStatus"),
    text("IPAddress"),
    text("Country"),
    text("City"),
    text("RequestId"),
    text("ReportId"),
];

pub fn value(column: &str, draft: Draft) -> Value {
    let s = draft.sign_in;
    match column {
        "Timestamp" => Value::Moment(s.created),
        "Application" => s.app.name.into(),
        "ApplicationId" => s.app.id.into(),
        "LogonType" if s.stream == Stream::Interactive => "[\"interactiveUser\"]".into(),
        "LogonType" => "[\"nonInteractiveUser\"]".into(),
        "ErrorCode" => Value::Number(s.outcome.code.into()),
        "CorrelationId" => s.correlation_id.as_str().into(),
        "SessionId" => s.session_id.as_str().into(),
        "AccountDisplayName" => Value::Soft(s.user_name.clone()),
        "AccountObjectId" => s.user_id.as_str().into(),
        "AccountUpn" => s.user_principal_name.as_str().into(),
        "IsExternalUser" => Value::Number((s.access != 0).into()),
        "IsGuestUser" => Value::Flag(s.access != 0),
        "ResourceDisplayName" => s.app.resource.into(),
        "ResourceId" => s.app.resource_id.into(),
        "ResourceTenantId" => draft.id(s.resource).into(),
        "OSPlatform" => "Windows10".into(),
        "IsManaged" | "IsCompliant" | "RiskState" => Value::Number(0),
        "AuthenticationRequirement" => requirement(s).into(),
        "UserAgent" => s.agent.as_str().into(),
        "ClientAppUsed" => client_app(s).into(),
        "Browser" => "Edge 142.0.0".into(),
        "ConditionalAccessPolicies" => policies(s).into(),
        "ConditionalAccessStatus" => status(s),
        "IPAddress" => s.address.as_str().into(),
        "Country" => s.place.country.into(),
        "City" => s.place.city.into(),
        "RequestId" if draft.has(Quirk::NoId) => Value::Nothing,
        "RequestId" => draft.id(&s.id).into(),
        "ReportId" => format!("{:x}", s.noise).into(),
        _ => Value::Nothing,
    }
}

fn status(s: &SignIn) -> Value {
    match s.outcome.status {
        "success" => Value::Number(0),
        "failure" => Value::Number(1),
        "notApplied" => Value::Number(2),
        _ => Value::Nothing,
    }
}

pub fn row(w: &mut Json, draft: Draft) {
    w.object(|w| {
        for column in &COLUMNS {
            w.key(column.name);
            value(column.name, draft).write(w, false);
        }
    });
}

/// What stands before and behind the rows: Graph's `runHuntingQuery`, or the API before it.
pub fn document(variant: u64) -> (String, String) {
    let of_graph = variant.is_multiple_of(2);
    let (name_key, type_key) = if of_graph { ("name", "type") } else { ("Name", "Type") };
    let schema = json_text(|w| {
        w.array(|w| {
            for column in &COLUMNS {
                w.object(|w| {
                    w.field(name_key, column.name);
                    w.field(type_key, type_name(column.of));
                });
            }
        });
    });
    let open = if of_graph {
        format!(
            r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults","schema":{schema},"results":["#
        )
    } else {
        format!(r#"{{"Stats":{{"ExecutionTime":0.5}},"Schema":{schema},"Results":["#)
    };
    (open, "]}".into())
}

fn type_name(of: Type) -> &'static str {
    match of {
        Type::Text | Type::Dynamic => "String",
        Type::Moment => "DateTime",
        Type::Number => "Int32",
        Type::Flag => "SByte",
    }
}
