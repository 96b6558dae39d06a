//! Rows of `SigninLogs`, `AADNonInteractiveUserSignInLogs` and their like in a workspace, and
//! the documents in which queries answer. Source: formats.md §4 and §5.

use super::Kind;
use super::json::Json;
use super::outcomes::failure_reason;
use super::quirks::Quirk;
use super::records::{SignIn, Stream};
use super::shapes::{Draft, client_app, location, monitor_policy, requirement};
use super::table::{Column, Type, Value, json_text};

const fn text(name: &'static str) -> Column {
    Column::new(name, Type::Text)
}

const fn dynamic(name: &'static str) -> Column {
    Column::new(name, Type::Dynamic)
}

/// What a union of the tables shows; a table without a column leaves it empty.
pub const COLUMNS: [Column; 49] = [
    text("TenantId"),
    text("SourceSystem"),
    Column::new("TimeGenerated", Type::Moment),
    text("ResourceId"),
    text("OperationName"),
    text("OperationVersion"),
    text("Category"),
    text("ResultType"),
    text("ResultSignature"),
    text("ResultDescription"),
    Column::new("DurationMs", Type::Number),
    text("CorrelationId"),
    text("Identity"),
    text("Level"),
    text("Location"),
    text("AppDisplayName"),
    text("AppId"),
    text("AuthenticationDetails"),
    text("AuthenticationRequirement"),
    text("ClientAppUsed"),
    dynamic("ConditionalAccessPolicies"),
    text("ConditionalAccessStatus"),
    Column::new("CreatedDateTime", Type::Moment),
    dynamic("DeviceDetail"),
    Column::new("IsInteractive", Type::Flag),
    text("Id"),
    text("IPAddress"),
    dynamic("LocationDetails"),
    text("NetworkLocationDetails"),
    text("OriginalRequestId"),
    text("RiskState"),
    text("ResourceDisplayName"),
    text("ResourceIdentity"),
    text("ServicePrincipalId"),
    text("ServicePrincipalName"),
    dynamic("Status"),
    text("TokenIssuerType"),
    text("UserAgent"),
    text("UserDisplayName"),
    text("UserId"),
    text("UserPrincipalName"),
    text("AADTenantId"),
    text("UserType"),
    text("ResourceTenantId"),
    text("HomeTenantId"),
    text("CrossTenantAccessType"),
    text("AppOwnerTenantId"),
    text("UniqueTokenIdentifier"),
    text("Type"),
];

/// The workspace that collects a tenant's logs: its id is no tenant's.
pub fn workspace_of(tenant: &str) -> String {
    format!("{}aaaa", &tenant[..tenant.len() - 4])
}

pub fn table(stream: Stream) -> &'static str {
    match stream {
        Stream::Interactive => "SigninLogs",
        Stream::NonInteractive => "AADNonInteractiveUserSignInLogs",
        Stream::ServicePrincipal => "AADServicePrincipalSignInLogs",
    }
}

pub fn value(column: &str, draft: Draft) -> Value {
    let s = draft.sign_in;
    let of_other_table = draft.has(Quirk::OtherTable);
    match column {
        "TenantId" => workspace_of(s.exporting).into(),
        "SourceSystem" => "Azure AD".into(),
        "TimeGenerated" => Value::Moment(s.published),
        "CreatedDateTime" => Value::Moment(s.created),
        "ResourceId" => format!("/tenants/{}/providers/Microsoft.aadiam", s.exporting).into(),
        "OperationVersion" => "1.0".into(),
        "OperationName" if of_other_table => "Update user".into(),
        "Category" if of_other_table => "UserManagement".into(),
        "Type" if of_other_table => "AuditLogs".into(),
        "OperationName" => "Sign-in activity".into(),
        // A union of tables need not keep the category.
        "Category" if s.noise.is_multiple_of(4) => Value::Nothing,
        "Category" => category(s.stream).into(),
        "Type" => table(s.stream).into(),
        "DurationMs" => Value::Number(0),
        "Id" if draft.has(Quirk::NoId) => Value::Nothing,
        "Id" => draft.id(&s.id).into(),
        "OriginalRequestId" => s.id.as_str().into(),
        "CorrelationId" => s.correlation_id.as_str().into(),
        "Level" => "4".into(),
        "RiskState" => "none".into(),
        "TokenIssuerType" => "AzureAD".into(),
        "UniqueTokenIdentifier" => s.token_id.as_str().into(),
        // Only one of the tables has this column.
        "AADTenantId" if s.stream != Stream::Interactive => Value::Nothing,
        "AADTenantId" => draft.id(s.exporting).into(),
        "ResourceTenantId" => draft.id(s.resource).into(),
        "HomeTenantId" => s.home.map_or(Value::Nothing, |home| draft.id(home).into()),
        "CrossTenantAccessType" => draft.access_text().into(),
        "AppOwnerTenantId" => s.app_owner.into(),
        "AuthenticationDetails" | "NetworkLocationDetails" => "[]".into(),
        _ => outcome(column, s).unwrap_or_else(|| who_and_where(column, s)),
    }
}

fn category(stream: Stream) -> &'static str {
    match stream {
        Stream::Interactive => "SignInLogs",
        Stream::NonInteractive => "NonInteractiveUserSignInLogs",
        Stream::ServicePrincipal => "ServicePrincipalSignInLogs",
    }
}

fn outcome(column: &str, s: &SignIn) -> Option<Value> {
    let code = s.outcome.code;
    Some(match column {
        "ResultType" => code.to_string().into(),
        "ResultSignature" => if code == 0 { "SUCCESS" } else { "FAILURE" }.into(),
        "ResultDescription" if code != 0 => failure_reason(code).unwrap_or_default().into(),
        "ResultDescription" => Value::Nothing,
        "Status" if s.noise.is_multiple_of(7) => Value::Nothing,
        "Status" => Value::Json(json_text(|w| status(w, s))),
        "ConditionalAccessStatus" => s.outcome.status.into(),
        "ConditionalAccessPolicies" if s.applied.is_empty() && s.noise.is_multiple_of(2) => {
            Value::Nothing
        }
        "ConditionalAccessPolicies" => Value::Json(policies(s)),
        _ => return None,
    })
}

fn status(w: &mut Json, s: &SignIn) {
    w.object(|w| {
        w.key("errorCode").number(s.outcome.code.into());
        if let Some(reason) = failure_reason(s.outcome.code).filter(|_| s.outcome.code != 0) {
            w.field("failureReason", reason);
        }
    });
}

/// The policies with the seven keys that Azure Monitor gives them.
pub fn policies(s: &SignIn) -> String {
    json_text(|w| w.array(|w| s.applied.iter().for_each(|applied| monitor_policy(w, applied))))
}

fn who_and_where(column: &str, s: &SignIn) -> Value {
    let is_user = s.stream != Stream::ServicePrincipal;
    match column {
        "Identity" => s.user_name.as_str().into(),
        "UserDisplayName" if is_user => Value::Soft(s.user_name.clone()),
        "ServicePrincipalName" if !is_user => Value::Soft(s.user_name.clone()),
        "UserId" if is_user => s.user_id.as_str().into(),
        "ServicePrincipalId" if !is_user => s.session_id.as_str().into(),
        "UserPrincipalName" => s.user_principal_name.as_str().into(),
        "UserType" if is_user => if s.access == 0 { "Member" } else { "Guest" }.into(),
        "UserAgent" if is_user => s.agent.as_str().into(),
        "IsInteractive" => Value::Flag(s.stream == Stream::Interactive),
        "AppDisplayName" => s.app.name.into(),
        "AppId" => s.app.id.into(),
        "ResourceDisplayName" => s.app.resource.into(),
        "ResourceIdentity" => s.app.resource_id.into(),
        "ClientAppUsed" => client_app(s).into(),
        "AuthenticationRequirement" => requirement(s).into(),
        "IPAddress" => s.address.as_str().into(),
        "Location" => s.place.country.into(),
        "LocationDetails" => Value::Json(json_text(|w| location(w, s))),
        "DeviceDetail" => Value::Json(json_text(|w| {
            w.object(|w| {
                w.field("deviceId", if s.access == 0 { "" } else { "{PII Removed}" });
                w.field("operatingSystem", "Windows10");
                w.field("browser", "Edge 142.0.0");
            });
        })),
        _ => Value::Nothing,
    }
}

/// The row of a query's answer: a list, an object with its members in order or sorted.
pub fn row(w: &mut Json, draft: Draft, kind: Kind) {
    match kind {
        Kind::LogAnalyticsAz => az_row(w, draft),
        Kind::InvokeJson => w.object(|w| {
            for column in &COLUMNS {
                w.key(column.name);
                value(column.name, draft).write_as_text(w);
            }
        }),
        Kind::DataExport => w.object(|w| {
            // One of the tables keeps its JSON as text.
            let keeps_dynamic = draft.sign_in.stream != Stream::NonInteractive;
            for column in &COLUMNS {
                let value = value(column.name, draft);
                if !matches!(value, Value::Nothing) {
                    w.key(column.name);
                    value.write(w, keeps_dynamic);
                }
            }
        }),
        _ => w.array(|w| {
            let keeps_dynamic = kind == Kind::KustoV2;
            COLUMNS.iter().for_each(|column| value(column.name, draft).write(w, keeps_dynamic));
        }),
    }
}

fn az_row(w: &mut Json, draft: Draft) {
    let mut names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
    names.push("TableName");
    names.sort_unstable();
    w.object(|w| {
        for name in names {
            w.key(name);
            match name {
                "TableName" => w.text("PrimaryResult"),
                _ => value(name, draft).write_as_text(w),
            }
        }
    });
}

/// What stands before and behind the rows of a query's answer.
pub fn document(kind: Kind, variant: u64) -> (String, String) {
    match kind {
        Kind::LogAnalyticsRest => {
            let columns = columns("name", &["type"], |of| [type_name(of)]);
            (
                format!(r#"{{"tables":[{{"name":"PrimaryResult","columns":{columns},"rows":["#),
                "]}]}".into(),
            )
        }
        Kind::KustoV1 => {
            let name = if variant.is_multiple_of(2) { "Table_0" } else { "PrimaryResult" };
            let columns = columns("ColumnName", &["DataType", "ColumnType"], |of| {
                [dot_net_name(of), type_name(of)]
            });
            let open =
                format!(r#"{{"Tables":[{{"TableName":"{name}","Columns":{columns},"Rows":["#);
            (open, format!("]}},{KUSTO_V1_TABLES}]}}"))
        }
        _ => {
            let columns = columns("ColumnName", &["ColumnType"], |of| [type_name(of)]);
            let open = format!(
                r#"[{KUSTO_V2_HEAD},{{"FrameType":"DataTable","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult","Columns":{columns},"Rows":["#
            );
            (open, format!("]}},{KUSTO_V2_TAIL}]"))
        }
    }
}

fn columns<const N: usize>(
    name_key: &str,
    type_keys: &[&str; N],
    types: impl Fn(Type) -> [&'static str; N],
) -> String {
    json_text(|w| {
        w.array(|w| {
            for column in &COLUMNS {
                w.object(|w| {
                    w.field(name_key, column.name);
                    for (key, name) in type_keys.iter().zip(types(column.of)) {
                        w.field(key, name);
                    }
                });
            }
        });
    })
}

fn type_name(of: Type) -> &'static str {
    match of {
        Type::Text => "string",
        Type::Moment => "datetime",
        Type::Number => "long",
        Type::Flag => "bool",
        Type::Dynamic => "dynamic",
    }
}

fn dot_net_name(of: Type) -> &'static str {
    match of {
        Type::Text => "String",
        Type::Moment => "DateTime",
        Type::Number => "Int64",
        Type::Flag => "SByte",
        Type::Dynamic => "Object",
    }
}

/// Tables that tell of the query, behind its answer.
const KUSTO_V1_TABLES: &str = r#"{"TableName":"Table_1","Columns":[{"ColumnName":"Value","DataType":"String","ColumnType":"string"}],"Rows":[["{\"Visualization\":null}"]]},{"TableName":"Table_2","Columns":[{"ColumnName":"Timestamp","DataType":"DateTime","ColumnType":"datetime"},{"ColumnName":"StatusDescription","DataType":"String","ColumnType":"string"}],"Rows":[["2026-11-20T10:00:00Z","Query completed successfully"]]}"#;
const KUSTO_V2_HEAD: &str = r#"{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0"},{"FrameType":"DataTable","TableId":0,"TableKind":"QueryProperties","TableName":"@ExtendedProperties","Columns":[{"ColumnName":"TableId","ColumnType":"int"},{"ColumnName":"Key","ColumnType":"string"},{"ColumnName":"Value","ColumnType":"dynamic"}],"Rows":[[1,"Visualization","{\"Visualization\":null}"]]}"#;
const KUSTO_V2_TAIL: &str = r#"{"FrameType":"DataTable","TableId":2,"TableKind":"QueryCompletionInformation","TableName":"QueryCompletionInformation","Columns":[{"ColumnName":"Timestamp","ColumnType":"datetime"},{"ColumnName":"EventTypeName","ColumnType":"string"}],"Rows":[["2026-11-20T10:00:00Z","QueryInfo"]]},{"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}"#;
