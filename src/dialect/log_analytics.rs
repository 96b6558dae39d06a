//! Log Analytics and Sentinel: the tables `SigninLogs` and `AADNonInteractiveUserSignInLogs`, as
//! the portal's CSV, the answers of the query interfaces, `az`, PowerShell, or data-export blobs.
//! One row a state of a sign-in; policies, status, device and place are JSON text or objects.
//!
//! Source: the Azure Monitor table references of these tables. `TenantId` is the workspace, not
//! an Entra tenant; `TimeGenerated` is when the row arrived.

use super::json::{Room, read_record};
use super::row::{Field, FieldOf, read_object};
use super::wire::{Present, wire};
use super::{Reading, RecordOptions, Unreadable};
use crate::sign_in::SignInType;

/// The fields of this kind's columns.
pub(super) const FIELD_OF: FieldOf = |column| match column {
    "timegenerated" => Field::Published,
    "aadtenantid" => Field::ExportingTenant,
    "category" | "type" => Field::Log,
    "resulttype" => Field::ResultType,
    "resultsignature" => Field::ResultSignature,
    "resultdescription" => Field::ResultDescription,
    "conditionalaccesspolicies" => Field::Member("appliedconditionalaccesspolicies"),
    "locationdetails" => Field::Member("location"),
    "location" => Field::Country,
    "identity" => Field::Identity,
    "appliedconditionalaccesspolicies" => Field::SparePolicies,
    "resourceidentity" => Field::Member("resourceid"),
    // The workspace, and the Azure resource that sent the row.
    "tenantid" | "resourceid" => Field::Nothing,
    member => Field::Member(member),
};

/// Columns that only these tables have. (`CreatedDateTime` is Graph's as well.)
const TELLING: [&str; 6] = [
    "timegenerated",
    "resulttype",
    "conditionalaccesspolicies",
    "locationdetails",
    "aadtenantid",
    "resourceidentity",
];

/// Columns by which a table is a log of sign-ins and not another one of the workspace.
const OF_SIGN_INS: [&str; 10] = [
    "resulttype",
    "conditionalaccesspolicies",
    "conditionalaccessstatus",
    "userprincipalname",
    "appdisplayname",
    "hometenantid",
    "crosstenantaccesstype",
    "resourcetenantid",
    "appid",
    "status",
];

/// Whether a table with these columns is of this kind.
pub(super) fn detect_table(has: impl Fn(&str) -> bool) -> Result<(), String> {
    if !has("timegenerated") && !has("createddatetime") {
        return Err("it has no column `TimeGenerated` or `CreatedDateTime`".to_owned());
    }
    if !TELLING.iter().any(|name| has(name)) {
        return Err("it has no column that only Log Analytics writes".to_owned());
    }
    // A Graph table re-imported into a workspace keeps Graph's names; the results decide.
    if OF_SIGN_INS.iter().filter(|name| has(name)).count() < 2 {
        return Err("it has too few columns of a sign-in log (`ResultType`, `AppId` …)".to_owned());
    }
    Ok(())
}

wire! { Keys {
    "properties" => properties: Present,
    "timegenerated" => time_generated: Present,
    "createddatetime" => created: Present,
    "resulttype" => result_type: Present,
    "conditionalaccesspolicies" => policies: Present,
    "conditionalaccessstatus" => status: Present,
    "userprincipalname" => user_principal_name: Present,
    "appdisplayname" => app_name: Present,
    "hometenantid" => home_tenant: Present,
    "resourcetenantid" => resource_tenant: Present,
} }

/// Whether a record is a row of such a table as a flat object.
pub(super) fn detect(record: &[u8]) -> Result<(), String> {
    let keys: Keys = read_record(record, &Room::new()).map_err(|error| error.to_string())?;
    if keys.properties.0 {
        return Err("it has `properties`, so it is an envelope".to_owned());
    }
    detect_table(|name| match name {
        "timegenerated" => keys.time_generated.0,
        "createddatetime" => keys.created.0,
        "resulttype" => keys.result_type.0,
        "conditionalaccesspolicies" => keys.policies.0,
        "conditionalaccessstatus" => keys.status.0,
        "userprincipalname" => keys.user_principal_name.0,
        "appdisplayname" => keys.app_name.0,
        "hometenantid" => keys.home_tenant.0,
        "resourcetenantid" => keys.resource_tenant.0,
        _ => false,
    })
}

/// Reads one row that is a flat object.
pub(super) fn normalise(record: &[u8], options: RecordOptions) -> Result<Reading, Unreadable> {
    let room = Room::new();
    let row = read_object(record, FIELD_OF, &room)?;
    if !row.is_published() && !row.has_result_type() {
        return Err(Unreadable::OtherKind);
    }
    row.finish(SignInType::Unknown, options, &room)
}
