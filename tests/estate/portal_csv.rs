//! The portal's CSV downloads: the exact headers of three generations and of the
//! application log, with their duplicate column, trailing and double blanks.

use super::Kind;
use super::outcomes::failure_reason;
use super::records::{SignIn, Stream};
use super::time;
use super::truth::Verdict;
use super::world::{MICROSOFT, access_names};
use std::ops::Range;

pub const HEADER_2025: &str = "Date (UTC),Request ID,User agent,Correlation ID,User ID,User,Username,User type,Cross tenant access type,Incoming token type,Authentication Protocol,Unique token identifier,Original transfer method,Client credential type,Token Protection - Sign In Session,Token Protection - Sign In Session StatusCode,Application,Application ID ,App owner tenant ID,Resource,Resource ID ,Resource tenant ID,Resource owner tenant ID,Home tenant ID,Home tenant name,IP address,Location,Status,Sign-in error code,Failure reason,Client app,Device ID,Browser,Operating System,Compliant,Managed,Join Type,Multifactor authentication result,Multifactor authentication auth method,Multifactor authentication auth detail,Authentication requirement,Sign-in identifier,Session ID,IP address (seen by resource),Through Global Secure Access,Global Secure Access IP address,Autonomous system  number,Flagged for review,Token issuer type,Incoming token type,Token issuer name,Latency,Conditional Access,Managed Identity type,Associated Resource Id,Federated Token Id,Federated Token Issuer";
pub const HEADER_2023: &str = "Date (UTC),Request ID,Correlation ID,User ID,User,Username,User type,Cross tenant access type,Incoming token type,Authentication Protocol,Unique token identifier,Client credential type,Application,Application ID ,Resource,Resource ID ,Resource tenant ID,Home tenant ID,Home tenant name,IP address,Location,Status,Sign-in error code,Failure reason,Client app,Device ID,Browser,Operating System,Compliant,Managed,Join Type,Multifactor authentication result,Multifactor authentication auth method,Multifactor authentication auth detail,Authentication requirement,Sign-in identifier,IP address (seen by resource),Autonomous system  number,Flagged for review,Token issuer type,Incoming token type,Token issuer name,Latency,Conditional Access";
pub const HEADER_APPLICATION: &str = "Date (UTC),Request ID,Correlation ID,Service principal ID,Service principal name,Credential key ID,Credential thumbprint,Application,Application ID ,App owner tenant ID,Resource,Resource ID ,Resource tenant ID,Resource owner tenant ID,Home tenant ID,Home tenant name,IP address,Location,Status,Sign-in error code,Failure reason,Conditional Access";

/// The columns of a generation, in its order. That of 2024 is 2025's without two.
pub fn columns(kind: Kind) -> Vec<&'static str> {
    let header = match kind {
        Kind::PortalCsv2023 => HEADER_2023,
        Kind::ApplicationCsv => HEADER_APPLICATION,
        _ => HEADER_2025,
    };
    let lacks = |column: &&str| {
        kind != Kind::PortalCsv2024
            || !matches!(*column, "App owner tenant ID" | "Resource owner tenant ID")
    };
    header.split(',').filter(lacks).collect()
}

/// The header line, without its end. Every header of 2024 stands in quotes.
pub fn header(kind: Kind) -> String {
    match kind {
        Kind::PortalCsv2024 => format!("\"{}\"", columns(kind).join("\",\"")),
        _ => columns(kind).join(","),
    }
}

/// Appends a row without its end; answers where a text stands that damage may touch.
pub fn row(
    out: &mut Vec<u8>,
    columns: &[&str],
    sign_in: &SignIn,
    kind: Kind,
) -> Option<Range<usize>> {
    let mut soft = None;
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let start = out.len();
        quote_into(out, &cell(column, sign_in, kind));
        if matches!(*column, "User" | "Service principal name") {
            soft = Some(start..out.len());
        }
    }
    soft
}

fn quote_into(out: &mut Vec<u8>, value: &str) {
    if value.contains([',', '"', '\n', '\r']) {
        out.push(b'"');
        out.extend_from_slice(value.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(value.as_bytes());
    }
}

fn cell(column: &str, s: &SignIn, kind: Kind) -> String {
    match column.trim() {
        "Date (UTC)" => time::graph(s.created),
        "Request ID" => s.id.clone(),
        "User agent" => s.agent.clone(),
        "Correlation ID" => s.correlation_id.clone(),
        "User ID" => s.user_id.clone(),
        "User" | "Service principal name" => s.user_name.clone(),
        "Service principal ID" | "Session ID" => s.session_id.clone(),
        "Username" | "Sign-in identifier" => s.user_principal_name.clone(),
        "User type" => if s.access == 0 { "Member" } else { "Guest" }.into(),
        "Cross tenant access type" => access(s),
        "Unique token identifier" => s.token_id.clone(),
        "Application" => s.app.name.into(),
        "Application ID" => s.app.id.into(),
        "App owner tenant ID" => s.app_owner.into(),
        "Resource" => s.app.resource.into(),
        "Resource ID" => s.app.resource_id.into(),
        "Resource tenant ID" => s.resource.into(),
        "Resource owner tenant ID" => MICROSOFT.into(),
        "Home tenant ID" => s.home.unwrap_or_default().into(),
        "IP address" => s.address.clone(),
        "Location" => format!("{}, {}, {}", s.place.city, s.place.state, s.place.country),
        "Status" | "Sign-in error code" | "Failure reason" | "Conditional Access" => {
            judgement(column, s, kind)
        }
        "Client app" if s.stream == Stream::Interactive => "Browser".into(),
        "Client app" => "Mobile Apps and Desktop clients".into(),
        "Authentication requirement" => "Single-factor authentication".into(),
        "Autonomous system  number" => s.place.asn.to_string(),
        "Token issuer type" => "Azure AD".into(),
        "Latency" => (s.noise % 400).to_string(),
        "Compliant" | "Managed" | "Flagged for review" | "Through Global Secure Access" => {
            "False".into()
        }
        _ => String::new(),
    }
}

fn access(s: &SignIn) -> String {
    match s.access {
        8 if s.noise.is_multiple_of(3) => "Service Provider".into(),
        bits => access_names(bits),
    }
}

fn judgement(column: &str, s: &SignIn, kind: Kind) -> String {
    let code = s.outcome.code;
    match column {
        "Status" if code == 0 => "Success",
        "Status" if s.outcome.bare == Verdict::Interrupted => "Interrupted",
        "Status" => "Failure",
        // Both spellings of no error occur.
        "Sign-in error code" if code == 0 && kind == Kind::PortalCsv2023 => "",
        "Sign-in error code" => return code.to_string(),
        "Failure reason" => failure_reason(code).unwrap_or_default(),
        _ => match s.outcome.status {
            "success" => "Success",
            "failure" => "Failure",
            "notApplied" => "Not Applied",
            other => other,
        },
    }
    .into()
}
