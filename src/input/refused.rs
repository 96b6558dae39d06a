//! Exports that were refused: the file holds the error of Graph or of the sign-in in place of the
//! records. That says something of the customer, too.
//!
//! Source: the error bodies of Microsoft Graph (`error.code`) and of the token endpoint
//! (`error_description`, `error_codes`), and how PowerShell prints them.

use serde_json::Value;

use crate::dialect::parse_code;
use crate::error_code::{Certainty, ErrorCode};

/// Why an export was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Graph gives sign-ins only to tenants with Entra ID P1 or P2; the portal gives them to all.
    WithoutPremium,
    /// Conditional Access refused the one who exported.
    ByPolicy,
    WithoutRights,
    /// Whatever else.
    Otherwise,
}

impl Refusal {
    /// What to do about it, for people.
    pub fn hint(self) -> &'static str {
        match self {
            Self::WithoutPremium => {
                "download the log in the portal instead (Entra admin center, Sign-in logs): that \
                 works without P1"
            }
            Self::ByPolicy => {
                "a policy of the customer blocks whoever exported; let the customer export the log"
            }
            Self::WithoutRights => {
                "consent to `AuditLog.Read.All` and `Policy.Read.ConditionalAccess`, and export again"
            }
            Self::Otherwise => {
                "the error in the file says what was wrong: correct it, export again"
            }
        }
    }

    /// The stable name, among the blind spots of an export.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WithoutPremium => "refused without P1",
            Self::ByPolicy => "blocked at export",
            Self::WithoutRights => "refused without rights",
            Self::Otherwise => "refused at export",
        }
    }
}

/// Errors are short.
const LENGTH_MAX: usize = 256 * 1024;

/// Finds the refusal in a file that holds no log; `None` if it is something else.
pub(super) fn refusal_in(text: &[u8]) -> Option<Refusal> {
    if text.len() > LENGTH_MAX {
        return None;
    }
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start_matches('\u{FEFF}').trim();
    match serde_json::from_str::<Value>(text) {
        Ok(value) => refusal_in_json(&value),
        // A page about errors is not one.
        Err(_) if text.starts_with(['<', '#']) => None,
        Err(_) => refusal_in_text(text),
    }
}

fn refusal_in_json(value: &Value) -> Option<Refusal> {
    match value {
        Value::Array(items) => items.first().and_then(refusal_in_json),
        Value::String(text) => refusal_in_text(text),
        Value::Object(_) => {
            let error = member(value, "error")?;
            if let Some(description) = member(value, "error_description").and_then(Value::as_str) {
                return Some(by_code(parse_code(description)));
            }
            let code = member(error, "code").and_then(Value::as_str)?;
            let message = member(error, "message").and_then(Value::as_str).unwrap_or_default();
            Some(by_graph_code(code, message))
        }
        _ => None,
    }
}

fn member<'a>(object: &'a Value, key: &str) -> Option<&'a Value> {
    let (_, value) = object.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    Some(value)
}

const NO_PREMIUM: &str = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";

/// Codes of Graph that mean: not with these rights.
const NO_RIGHTS: [&str; 5] = [
    "Authentication_MSGraphPermissionMissing",
    "Authorization_RequestDenied",
    "Authorization_IdentityNotFound",
    "Forbidden",
    "AccessDenied",
];

fn by_graph_code(code: &str, message: &str) -> Refusal {
    if code.eq_ignore_ascii_case(NO_PREMIUM) {
        return Refusal::WithoutPremium;
    }
    if NO_RIGHTS.iter().any(|known| known.eq_ignore_ascii_case(code)) {
        return Refusal::WithoutRights;
    }
    let aadsts = message.find("AADSTS").and_then(|at| parse_code(&message[at..]));
    aadsts.map_or(Refusal::Otherwise, |code| by_code(Some(code)))
}

fn by_code(code: Option<ErrorCode>) -> Refusal {
    let certainty = code.and_then(ErrorCode::entry).map(|entry| entry.is_conditional_access);
    match certainty {
        Some(Certainty::Yes) => Refusal::ByPolicy,
        _ => Refusal::Otherwise,
    }
}

/// What stands before a code where an error is printed.
const BEFORE_CODE: [&str; 5] = ["Code: ", "ErrorCode: ", "\"code\":\"", "\"code\": \"", "Code : "];

/// Errors as PowerShell and CIPP print them. A text that only mentions a code is none.
fn refusal_in_text(text: &str) -> Option<Refusal> {
    // A console breaks lines where it is full, in the middle of a code, too.
    let unbroken: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let printed = |code: &str| {
        unbroken
            .match_indices(code)
            .any(|(at, _)| BEFORE_CODE.iter().any(|before| unbroken[..at].ends_with(before)))
    };
    if printed(NO_PREMIUM) || text.contains("Graph Error: This feature requires a P1 license") {
        return Some(Refusal::WithoutPremium);
    }
    if NO_RIGHTS.iter().any(|code| printed(code)) {
        return Some(Refusal::WithoutRights);
    }
    let token_error = text.match_indices("AADSTS").find_map(|(at, _)| {
        let behind = &text[at..];
        let line: String = behind.chars().take(2000).collect();
        (line.contains("Trace ID:") && line.contains("Correlation ID:"))
            .then(|| by_code(parse_code(behind)))
    });
    let token_error = token_error.or_else(|| {
        let blocked = "Graph Error: Access has been blocked by Conditional Access policies";
        text.contains(blocked).then_some(Refusal::ByPolicy)
    });
    let forbidden = || {
        let is_forbidden = text.contains("403 Forbidden") || text.contains("Forbidden (Forbidden)");
        (is_forbidden && text.contains("auditLogs/signIns")).then_some(Refusal::Otherwise)
    };
    token_error.or_else(forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_in_every_rendering() {
        for (text, expected) in [
            (
                r#"{"error":{"code":"Authentication_RequestFromNonPremiumTenantOrB2CTenant","message":"Neither tenant is B2C or tenant doesn't have premium license"}}"#,
                Some(Refusal::WithoutPremium),
            ),
            (
                r#"[{"Error":{"Code":"Authorization_RequestDenied","Message":"Insufficient privileges"}}]"#,
                Some(Refusal::WithoutRights),
            ),
            (
                r#"{"error":"invalid_grant","error_description":"AADSTS53003: Access has been blocked. Trace ID: x","error_codes":[53003]}"#,
                Some(Refusal::ByPolicy),
            ),
            (
                r#"{"error":"invalid_grant","error_description":"AADSTS50173: expired"}"#,
                Some(Refusal::Otherwise),
            ),
            (r#"{"error":{"code":"TooManyRequests","message":""}}"#, Some(Refusal::Otherwise)),
            (
                "Get-MgBetaAuditLogSignIn : x\nCode: Authentication_RequestFromNonPremiumTenantOrB2CTenant\nMessage: y",
                Some(Refusal::WithoutPremium),
            ),
            (
                "ERROR: AADSTS53003: refused.\nTrace ID: 1\nCorrelation ID: 2\nTimestamp: 3",
                Some(Refusal::ByPolicy),
            ),
            (
                "Invoke-MgGraphRequest : GET https://graph.microsoft.com/beta/auditLogs/signIns\nHTTP/1.1 403 Forbidden\n{\"error\":{\"code\":\"Authentication_RequestFromNonPremium\nTenantOrB2CTenant\"",
                Some(Refusal::WithoutPremium),
            ),
            ("Notes: AADSTS53003 means that a policy blocks", None),
            ("# AADSTS53003: blocked. Trace ID: 1 Correlation ID: 2", None),
            (r#"{"userAgent":"AADSTS53003: Trace ID: Correlation ID:"}"#, None),
            ("[]", None),
        ] {
            assert_eq!(refusal_in(text.as_bytes()), expected, "{text}");
        }
    }
}
