//! Sign-ins as CSV, flattened by scripts and tools: Graph's names without their nesting
//! (`ErrorCode`), with it (`status.errorCode`), or with words of their own (`Signin Date`).
//!
//! Source: the columns that these tools write: PowerShell's `Export-Csv`, CIPP's exports,
//! Microsoft-Analyzer-Suite, AdminDroid. Most of them lose the policies.

use super::row::{Field, FieldOf};

/// The fields of this kind's columns.
pub(super) const FIELD_OF: FieldOf = |column| {
    Field::Member(match column {
        // AdminDroid.
        "signin date" => "createddatetime",
        "signinid" => "id",
        "upn" => "userprincipalname",
        "user name" => "userdisplayname",
        "user type" => "usertype",
        "application name" => "appdisplayname",
        "resource name" => "resourcedisplayname",
        "ip address" => "ipaddress",
        "operating system" => "devicedetail.operatingsystem",
        "authentication requirement" => "authenticationrequirement",
        "risk state" => "riskstate",
        "conditional access status" => "conditionalaccessstatus",
        // A nested status, place or device, flattened.
        "error code" | "errorcode" => "status.errorcode",
        "failure reason" | "failurereason" => "status.failurereason",
        "additionaldetails" => "status.additionaldetails",
        "city" => "location.city",
        "countryorregion" | "country" => "location.countryorregion",
        "deviceid" => "devicedetail.deviceid",
        "operatingsystem" | "os" => "devicedetail.operatingsystem",
        "browser" => "devicedetail.browser",
        "iscompliant" => "devicedetail.iscompliant",
        "ismanaged" => "devicedetail.ismanaged",
        "trusttype" => "devicedetail.trusttype",
        "asn" => "autonomoussystemnumber",
        "signineventtype" => "signineventtypes",
        // A word, or the nested status as JSON.
        "status" => return Field::Status,
        "location" => return Field::Place,
        "authenticationmethod" => "authenticationmethodsused",
        // A device's name; lists of names without results, which tell nothing of who blocked.
        "displayname" | "applied conditional access policies" | "tenant" => return Field::Nothing,
        member => member,
    })
};

/// One of these beside a time and a second one makes a table a log of sign-ins.
const MARKS: [&str; 9] = [
    "userprincipalname",
    "userdisplayname",
    "appdisplayname",
    "resourcedisplayname",
    "ipaddress",
    "status.errorcode",
    "conditionalaccessstatus",
    "serviceprincipalname",
    "status",
];

/// Whether a table is of this kind; `has` answers for fields, whatever their columns' names.
pub(super) fn detect_table(has: impl Fn(Field<'_>) -> bool) -> Result<(), String> {
    if !has(Field::Member("createddatetime")) {
        return Err("it has no column `CreatedDateTime`".to_owned());
    }
    let status = has(Field::Status);
    let marks = MARKS.iter().filter(|mark| has(Field::Member(mark))).count();
    if marks + usize::from(status) < 2 {
        return Err("it names no user, app, resource, address or status".to_owned());
    }
    Ok(())
}
