//! Microsoft Graph `signIn` objects: beta and v1.0 pages, arrays, single objects and JSON
//! lines, and the JSON that the Entra admin centre downloads (the same objects).
//!
//! Source: the `signIn` resource of Microsoft Graph, beta and v1.0.

use super::json::{Room, read_record};
use super::sign_in::{Envelope, SignInWire, sign_in_of};
use super::wire::{Present, Text, wire};
use super::{Reading, RecordOptions, Unreadable};

wire! {
    /// The keys by which a Graph sign-in is told from an envelope, and from other objects of
    /// Graph that have an id and a time (policies, audit records).
    Keys<'a> {
        "properties" => properties: Present,
        "createddatetime" => created: Text<'a>,
        "status" => status: Present,
        "appdisplayname" => app_name: Present,
        "userprincipalname" => user_principal_name: Present,
        "resourcedisplayname" => resource_name: Present,
        "ipaddress" => ip_address: Present,
        "timegenerated" => time_generated: Present,
        "conditionalaccesspolicies" => log_analytics_policies: Present,
    }
}

/// Whether a record looks like an object of this kind.
pub(super) fn detect(record: &[u8]) -> Result<(), String> {
    let room = Room::new();
    let keys: Keys<'_> = read_record(record, &room).map_err(|error| error.to_string())?;
    if keys.properties.0 {
        return Err("it has `properties`, so it is an envelope".to_owned());
    }
    if keys.time_generated.0 || keys.log_analytics_policies.0 {
        return Err("it has columns of a Log Analytics table".to_owned());
    }
    if keys.created.0.is_none() {
        return Err("it has no `createdDateTime`".to_owned());
    }
    let marks =
        [keys.status, keys.app_name, keys.user_principal_name, keys.resource_name, keys.ip_address];
    if marks.iter().filter(|mark| mark.0).count() < 2 {
        return Err("it names no user, app, resource, address or status".to_owned());
    }
    Ok(())
}

/// Reads one Graph object.
pub(super) fn normalise(record: &[u8], options: RecordOptions) -> Result<Reading, Unreadable> {
    let room = Room::new();
    let wire: SignInWire<'_> = read_record(record, &room)?;
    if wire.is_of_log_analytics() {
        return Err(Unreadable::OtherKind);
    }
    sign_in_of(&wire, &Envelope { options, ..Envelope::default() }, &room)
}
