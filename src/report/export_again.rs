//! How to export a log again, so that it shows what this one cannot.

use std::collections::BTreeMap;

use super::table::{Column, Table};
use super::words;
use crate::summary::Summary;

/// The way for each blind spot, by its stable name.
pub(super) fn way(spot: &str) -> Option<&'static str> {
    Some(match spot {
        "policies missing" => {
            "Export as someone who may read policies too: Security Reader, Global Reader or Security \
             Administrator; an app needs Policy.Read.ConditionalAccess beside AuditLog.Read.All. Reports \
             Reader alone gets rows without policies."
        }
        "conditions missing" => {
            "Graph beta (GET /beta/auditLogs/signIns) or diagnostic settings: v1.0 lists policies, \
             not their conditions."
        }
        "status only" => {
            "The portal's JSON instead of its CSV (Sign-in logs > Download > JSON), Graph beta, or \
             diagnostic settings: this kind of export holds the outcome only."
        }
        "no cross-tenant type" => {
            "Graph beta or diagnostic settings: v1.0 has no crossTenantAccessType. With --partner the \
             home tenant is enough."
        }
        "no home tenant" => {
            "Portal JSON, Graph, or diagnostic settings: without homeTenantId partners are known by \
             their domains only, which GDAP users do not have."
        }
        "interactive only" => {
            "Sign-in logs > User sign-ins (non-interactive) > Download; by Graph beta with $filter=\
             signInEventTypes/any(t: t eq 'nonInteractiveUser'). Tools fail there first."
        }
        "hidden enum members" => "Ask Graph with the header Prefer: include-unknown-enum-members.",
        "further pages exist" => {
            "Follow @odata.nextLink to the end and keep every page: this file is one page of several."
        }
        "count at a cap" => {
            "Ask for less time at once, or filter to service providers: the count of records is the \
             limit of this kind of export."
        }
        "no user sign-ins" => {
            "Export user sign-ins, interactive and non-interactive: this log is one of apps."
        }
        "partial answer" => {
            "Run the query again over less time: the answer says that it is not whole."
        }
        "policies cut off" => {
            "Export as JSON: a cell of this file was cut, and the policies behind the cut are lost."
        }
        "gaps in time" => {
            "Export the days that are missing between the first and the last record again."
        }
        "retention edge" => {
            "Nothing older is there: Entra keeps 30 days, 7 without P1. For more, set up diagnostic \
             settings to a storage account now."
        }
        "refused without P1" => {
            "The tenant has no Entra ID P1, and Graph refuses its log. Download JSON in the portal, \
             which keeps 7 days."
        }
        "refused without rights" => "Grant AuditLog.Read.All, then export again.",
        "blocked at export" => {
            "Your own export was blocked by a policy of the customer. Ask the customer to export, or \
             see what to do about that policy."
        }
        "refused at export" => "Export again; the file holds an error instead of records.",
        _ => return None,
    })
}

/// Each blind spot of the live exports, how many have it, and the way around it.
pub(super) fn table(summary: &Summary) -> Table {
    let mut exports: BTreeMap<&str, usize> = BTreeMap::new();
    for spot in summary.exports.iter().flat_map(|export| &export.blind_spots) {
        *exports.entry(spot).or_default() += 1;
    }
    let mut table = Table::new(vec![
        Column::left("what is not shown", 20),
        Column::right("exports"),
        Column::left("how to export again", 30),
    ]);
    for (spot, exports) in exports {
        let way = way(spot).unwrap_or("Export again.");
        table.rows.push(vec![
            words::blind_spot_words(spot).to_owned(),
            exports.to_string(),
            way.to_owned(),
        ]);
    }
    table
}
