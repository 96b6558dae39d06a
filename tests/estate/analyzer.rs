//! Microsoft-Analyzer-Suite's `Untouched.csv`: nested members expanded, neither home tenant nor
//! policies. Source: the columns that its script names.

use super::outcomes::{additional_details, failure_reason};
use super::quirks::Quirk;
use super::records::Stream;
use super::shapes::{Draft, client_app, event_type, requirement};
use super::table::Value;
use super::time;

pub const COLUMNS: [&str; 45] = [
    "Id",
    "CreatedDateTime",
    "UserDisplayName",
    "UserPrincipalName",
    "UserId",
    "AppDisplayName",
    "AppId",
    "ClientAppUsed",
    "IpAddress",
    "ASN",
    "IPAddressFromResourceProvider",
    "City",
    "State",
    "CountryOrRegion",
    "AuthenticationRequirement",
    "SignInEventTypes",
    "AuthenticationMethodsUsed",
    "ErrorCode",
    "FailureReason",
    "AdditionalDetails",
    "Domain Hint Present",
    "Is CAE Token",
    "ClientCredentialType",
    "ConditionalAccessStatus",
    "CorrelationId",
    "IncomingTokenType",
    "OriginalRequestId",
    "IsInteractive",
    "ResourceDisplayName",
    "ResourceId",
    "ResourceTenantId",
    "RiskState",
    "TokenIssuerType",
    "UniqueTokenIdentifier",
    "SessionId",
    "UserAgent",
    "UserType",
    "CrossTenantAccessType",
    "DeviceId",
    "DisplayName",
    "OperatingSystem",
    "Browser",
    "NetworkType",
    "NetworkNames",
    "TrustedNamedLocation",
];

pub fn value(column: &str, draft: Draft) -> Value {
    let s = draft.sign_in;
    match column {
        "Id" if draft.has(Quirk::NoId) => Value::Nothing,
        "Id" => draft.id(&s.id).into(),
        "CreatedDateTime" => time::plain(s.created).into(),
        "UserDisplayName" => Value::Soft(s.user_name.clone()),
        "UserPrincipalName" => s.user_principal_name.as_str().into(),
        "UserId" => s.user_id.as_str().into(),
        "AppDisplayName" => s.app.name.into(),
        "AppId" => s.app.id.into(),
        "ClientAppUsed" => client_app(s).into(),
        "IpAddress" => s.address.as_str().into(),
        "ASN" => Value::Number(s.place.asn),
        "City" => s.place.city.into(),
        "State" => s.place.state.into(),
        "CountryOrRegion" => s.place.country.into(),
        "AuthenticationRequirement" => requirement(s).into(),
        // What Export-Csv makes of a list.
        "SignInEventTypes" if s.noise.is_multiple_of(9) => "System.Object[]".into(),
        "SignInEventTypes" => event_type(s).into(),
        "ErrorCode" => Value::Number(s.outcome.code.into()),
        "FailureReason" => failure_reason(s.outcome.code).unwrap_or_default().into(),
        "AdditionalDetails" => additional_details(s.outcome.code).unwrap_or_default().into(),
        "Is CAE Token" => "False".into(),
        "ClientCredentialType" | "IncomingTokenType" | "RiskState" => "none".into(),
        "ConditionalAccessStatus" => s.outcome.status.into(),
        "CorrelationId" => s.correlation_id.as_str().into(),
        "IsInteractive" => Value::Flag(s.stream == Stream::Interactive),
        "ResourceDisplayName" => s.app.resource.into(),
        "ResourceId" => s.app.resource_id.into(),
        "ResourceTenantId" => draft.id(s.resource).into(),
        "TokenIssuerType" => "AzureAD".into(),
        "UniqueTokenIdentifier" => s.token_id.as_str().into(),
        "SessionId" => s.session_id.as_str().into(),
        "UserAgent" => s.agent.as_str().into(),
        "UserType" => if s.access == 0 { "Member" } else { "Guest" }.into(),
        "CrossTenantAccessType" => draft.access_text().into(),
        // That of the device.
        "DisplayName" => "LAPTOP-07".into(),
        "OperatingSystem" => "Windows10".into(),
        "Browser" => "Edge 142.0.0".into(),
        // Two networks, a line each.
        "NetworkType" if s.noise.is_multiple_of(5) => "trustedNamedLocation\r\nnamedNetwork".into(),
        "TrustedNamedLocation" => if s.noise.is_multiple_of(5) { "Yes" } else { "No" }.into(),
        _ => Value::Nothing,
    }
}
