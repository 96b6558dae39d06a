//! The CSV that the Entra admin centre downloads: columns found by their English names, in
//! any order and any subset. It names no policy, only the status of Conditional Access.
//!
//! Source: header lines of exports of 2023, 2024-10, 2025 and of the application log.

use super::row::{Field, FieldOf};

/// The fields of this kind's columns.
pub(super) const FIELD_OF: FieldOf = |column| {
    Field::Member(match column {
        DATE => "createddatetime",
        "request id" => "id",
        "correlation id" => "correlationid",
        "user id" => "userid",
        "user" => "userdisplayname",
        "username" => "userprincipalname",
        "user type" => "usertype",
        "user agent" => "useragent",
        "cross tenant access type" => "crosstenantaccesstype",
        "incoming token type" => "incomingtokentype",
        "authentication protocol" => "authenticationprotocol",
        "unique token identifier" => "uniquetokenidentifier",
        "original transfer method" => "originaltransfermethod",
        "application" => "appdisplayname",
        "application id" => "appid",
        "app owner tenant id" => "appownertenantid",
        "resource" => "resourcedisplayname",
        "resource id" => "resourceid",
        "resource tenant id" => "resourcetenantid",
        "home tenant id" => "hometenantid",
        "service principal id" => "serviceprincipalid",
        "service principal name" => "serviceprincipalname",
        "ip address" => "ipaddress",
        "location" => return Field::Place,
        "status" => return Field::Status,
        "sign-in error code" => "status.errorcode",
        "failure reason" => "status.failurereason",
        "client app" => "clientappused",
        "device id" => "devicedetail.deviceid",
        "browser" => "devicedetail.browser",
        "operating system" => "devicedetail.operatingsystem",
        "compliant" => "devicedetail.iscompliant",
        "managed" => "devicedetail.ismanaged",
        "join type" => "devicedetail.trusttype",
        "multifactor authentication auth method" => "authenticationmethodsused",
        "authentication requirement" => return Field::Requirement,
        "session id" => "sessionid",
        "autonomous system number" => "autonomoussystemnumber",
        "conditional access" => return Field::ConditionalAccess,
        _ => return Field::Nothing,
    })
};

pub(super) const DATE: &str = "date (utc)";
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

/// Whether a table with these columns is of this kind.
pub(super) fn detect_table(has: impl Fn(&str) -> bool) -> Result<(), String> {
    if !has(DATE) {
        return Err("it has no column `Date (UTC)`".to_owned());
    }
    // The portal's audit log has a date, a status and an activity.
    if has("activity") || !TELLING.iter().any(|name| has(name)) {
        return Err("it has none of the columns by which a sign-in is judged".to_owned());
    }
    Ok(())
}
