//! The CSV that the Entra admin centre downloads: columns found by their English names, in
//! any order and any subset. It names no policy, only the status of Conditional Access.
//!
//! Source: header lines of exports of 2023, 2024-10, 2025 and of the application log.

use std::collections::HashMap;

use super::graph::parse_code;
use super::{Reading, Unreadable};
use crate::error_code::ErrorCode;
use crate::policy::ConditionalAccessStatus;
use crate::sign_in::{CrossTenantAccess, Outcome, RowEvidence, SignIn, SignInType, StatusWord};
use crate::tenant::TenantId;
use crate::time::parse_time;

/// Where each known column stands in a file.
#[derive(Debug, Clone)]
pub struct Columns {
    by_name: HashMap<String, usize>,
    sign_in_type: SignInType,
}

const DATE: &str = "date (utc)";
/// One of these beside the date makes a table a sign-in log. (A request id alone does not: the
/// portal's table of authentication details has one, too.)
const TELLING: [&str; 6] = [
    "status",
    "sign-in error code",
    "home tenant id",
    "cross tenant access type",
    "conditional access",
    "resource tenant id",
];

/// Recognises the header of this kind, or says what is missing.
///
/// `file_type` is what the file's name says of the log it holds.
pub fn detect_header(header: &csv::ByteRecord, file_type: SignInType) -> Result<Columns, String> {
    let mut by_name = HashMap::new();
    for (at, name) in header.iter().enumerate() {
        // `Incoming token type` stands twice; the first holds the raw value.
        by_name.entry(column_key(name)).or_insert(at);
    }
    if !by_name.contains_key(DATE) {
        return Err("it has no column `Date (UTC)`".to_owned());
    }
    if !TELLING.iter().any(|name| by_name.contains_key(*name)) {
        return Err("it has none of the columns by which a sign-in is judged".to_owned());
    }
    let users = by_name.contains_key("user id") || by_name.contains_key("username");
    let sign_in_type = match file_type {
        SignInType::Unknown if !users && by_name.contains_key("service principal id") => {
            SignInType::ServicePrincipal
        }
        known => known,
    };
    Ok(Columns { by_name, sign_in_type })
}

/// A column's name in lower case, single blanks, no blanks around (exports have trailing and
/// double ones).
fn column_key(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let name = name.trim_start_matches('\u{FEFF}');
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

impl Columns {
    /// Reads one row.
    pub fn normalise(&self, row: &csv::ByteRecord) -> Result<Reading, Unreadable> {
        let cells = Cells { columns: self, row };
        let date = cells.text(DATE).ok_or(Unreadable::NoTime)?;
        let created_at = parse_time(&date).ok_or(Unreadable::BadTime { text: date })?;
        let status = cells.text("status").as_deref().and_then(StatusWord::parse);
        let code = cells.text("sign-in error code").as_deref().and_then(parse_code);
        let outcome = Outcome::new(code, status).ok_or(Unreadable::NoOutcome);
        let conditional_access_status =
            cells.text("conditional access").as_deref().and_then(ConditionalAccessStatus::parse);
        let (city, country) = place_of(cells.text("location").as_deref());
        let sign_in = SignIn {
            sign_in_id: cells.text("request id").map(|id| id.to_lowercase()),
            created_at,
            published_at: None,
            sign_in_type: self.sign_in_type,
            exporting_tenant: None,
            home_tenant: cells.tenant("home tenant id"),
            resource_tenant: cells.tenant("resource tenant id"),
            cross_tenant_access: cells
                .text("cross tenant access type")
                .map(|text| CrossTenantAccess::parse(&text)),
            user_id: cells.text("user id"),
            user_principal_name: cells.text("username"),
            user_display_name: cells.text("user"),
            user_type: cells.text("user type").map(|word| word.to_lowercase()),
            service_principal_id: cells.text("service principal id"),
            service_principal_name: cells.text("service principal name"),
            app_id: cells.text("application id"),
            app_name: cells.text("application"),
            app_owner_tenant: cells.tenant("app owner tenant id"),
            resource_id: cells.text("resource id"),
            resource_name: cells.text("resource"),
            resource_service_principal_id: None,
            ip_address: cells.text("ip address"),
            country,
            city,
            asn: cells.text("autonomous system number").and_then(|text| text.parse().ok()),
            client_app: cells.text("client app"),
            user_agent: cells.text("user agent"),
            device_id: cells.text("device id"),
            operating_system: cells.text("operating system"),
            browser: cells.text("browser"),
            is_compliant: cells.flag("compliant"),
            is_managed: cells.flag("managed"),
            trust_type: cells.text("join type"),
            authentication_requirement: cells
                .text("authentication requirement")
                .map(|text| requirement_of(&text)),
            authentication_methods: cells.text("multifactor authentication auth method"),
            session_lifetime_policies: None,
            authentication_protocol: cells.text("authentication protocol"),
            original_transfer_method: cells.text("original transfer method"),
            incoming_token_type: cells.text("incoming token type"),
            network_location: None,
            risk_state: None,
            risk_level: None,
            outcome: outcome.as_ref().copied().unwrap_or(Outcome::Code(ErrorCode::SUCCESS)),
            failure_reason: cells.text("failure reason"),
            additional_details: None,
            row_evidence: RowEvidence::of(&[], conditional_access_status.as_ref()),
            conditional_access_status,
            applied_policies: Vec::new(),
            correlation_id: cells.text("correlation id"),
            session_id: cells.text("session id"),
            unique_token_id: cells.text("unique token identifier"),
        };
        Ok(Reading { sign_in, missing: outcome.err(), repaired: false })
    }
}

/// The cells of one row, by column name.
struct Cells<'a> {
    columns: &'a Columns,
    row: &'a csv::ByteRecord,
}

impl Cells<'_> {
    /// A cell's text; empty is none. Exports guard cells that could start a formula with `'`.
    fn text(&self, name: &str) -> Option<String> {
        let cell = self.row.get(*self.columns.by_name.get(name)?)?;
        let text = String::from_utf8_lossy(cell);
        let text = text.trim();
        let text = match text.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['-', '+', '=', '@']) => rest,
            _ => text,
        };
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn tenant(&self, name: &str) -> Option<TenantId> {
        self.text(name).as_deref().and_then(TenantId::parse)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        }
    }
}

/// City and country of `City, State, CC`; the parts are empty where nothing is known.
fn place_of(location: Option<&str>) -> (Option<String>, Option<String>) {
    let parts: Vec<&str> = location.unwrap_or_default().split(',').map(str::trim).collect();
    let part =
        |text: Option<&&str>| text.filter(|text| !text.is_empty()).map(|text| (*text).to_owned());
    if parts.len() < 3 {
        return (None, None);
    }
    (part(parts.first()), part(parts.last()))
}

/// Graph's word for the portal's "Multifactor authentication" and "Single-factor authentication".
fn requirement_of(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "multifactor authentication" => "multiFactorAuthentication".to_owned(),
        "single-factor authentication" => "singleFactorAuthentication".to_owned(),
        _ => text.to_owned(),
    }
}
