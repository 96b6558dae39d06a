//! Defender XDR advanced hunting: `EntraIdSignInEvents` and, before December 2025,
//! `AADSignInEventsBeta`, as CSV or as the answer of its interface. Neither has the home tenant or
//! the cross-tenant type, so only the domain of the account tells a partner.
//!
//! Source: the advanced hunting schema reference of these two tables.

use super::json::{Room, read_record};
use super::row::{Field, FieldOf, read_object};
use super::wire::{Present, wire};
use super::{Reading, RecordOptions, Unreadable};
use crate::sign_in::SignInType;

/// The fields of this kind's columns.
pub(super) const FIELD_OF: FieldOf = |column| {
    Field::Member(match column {
        "timestamp" => "createddatetime",
        // Where the table was forwarded to a workspace.
        "timegenerated" => return Field::Published,
        "requestid" => "id",
        "application" => "appdisplayname",
        "applicationid" => "appid",
        "logontype" => "signineventtypes",
        "errorcode" => "status.errorcode",
        "accountdisplayname" => "userdisplayname",
        "accountobjectid" => "userid",
        "accountupn" => "userprincipalname",
        "isguestuser" => return Field::IsGuest,
        "entraiddeviceid" | "aaddeviceid" => "devicedetail.deviceid",
        "devicetrusttype" => "devicedetail.trusttype",
        "osplatform" => "devicedetail.operatingsystem",
        "browser" => "devicedetail.browser",
        "ismanaged" => "devicedetail.ismanaged",
        "iscompliant" => "devicedetail.iscompliant",
        "city" => "location.city",
        "country" => "location.countryorregion",
        "conditionalaccesspolicies" => "appliedconditionalaccesspolicies",
        "risklevelaggregated" => "risklevelduringsignin",
        "uniquetokenid" => "uniquetokenidentifier",
        // The row's number in the report, and what has no place in a sign-in.
        "reportid" | "tenantid" => return Field::Nothing,
        member => member,
    })
};

/// Whether a table with these columns is of this kind.
pub(super) fn detect_table(has: impl Fn(&str) -> bool) -> Result<(), String> {
    if !has("timestamp") && !has("timegenerated") {
        return Err("it has no column `Timestamp`".to_owned());
    }
    if !["accountupn", "accountobjectid", "accountdisplayname"].into_iter().any(&has) {
        return Err("it has no column `AccountUpn` or `AccountObjectId`".to_owned());
    }
    if !["errorcode", "conditionalaccessstatus", "conditionalaccesspolicies"].into_iter().any(&has)
    {
        return Err("it has no column `ErrorCode` or `ConditionalAccessStatus`".to_owned());
    }
    Ok(())
}

wire! { Keys {
    "timestamp" => timestamp: Present,
    "timegenerated" => time_generated: Present,
    "accountupn" => upn: Present,
    "accountobjectid" => object_id: Present,
    "accountdisplayname" => display_name: Present,
    "errorcode" => error_code: Present,
    "conditionalaccessstatus" => status: Present,
    "conditionalaccesspolicies" => policies: Present,
} }

fn keys_of(record: &[u8]) -> Result<Keys, Unreadable> {
    read_record(record, &Room::new())
}

/// Whether a record is a row of such a table as a flat object.
pub(super) fn detect(record: &[u8]) -> Result<(), String> {
    let keys = keys_of(record).map_err(|error| error.to_string())?;
    detect_table(|name| match name {
        "timestamp" => keys.timestamp.0,
        "timegenerated" => keys.time_generated.0,
        "accountupn" => keys.upn.0,
        "accountobjectid" => keys.object_id.0,
        "accountdisplayname" => keys.display_name.0,
        "errorcode" => keys.error_code.0,
        "conditionalaccessstatus" => keys.status.0,
        "conditionalaccesspolicies" => keys.policies.0,
        _ => false,
    })
}

/// Reads one row that is a flat object.
pub(super) fn normalise(record: &[u8], options: RecordOptions) -> Result<Reading, Unreadable> {
    if detect(record).is_err() {
        // Valid JSON, or its fault is told below.
        keys_of(record)?;
        return Err(Unreadable::OtherKind);
    }
    let room = Room::new();
    read_object(record, FIELD_OF, &room)?.finish(SignInType::Unknown, options, &room)
}
