//! Records and tables that are no sign-ins, named by their keys alone: a value is an outsider's
//! text, and a user agent that quotes another log's keys must not get a file refused.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::NoLog;
use super::files::no_log;

const SIGN_INS: &str = "download the sign-in logs instead: Entra admin center, Monitoring & \
                        health, Sign-in logs, `Download`";
const UNIFIED_AUDIT: &str = "it tells that someone signed in, but not which policy blocked; download the sign-in logs: \
     Entra admin center, Monitoring & health, Sign-in logs, `Download`";
const POLICIES: &str = "policy definitions show what should happen, sign-in logs what happened: \
                        give the sign-in logs";
const GRID: &str = "this is the overview of the portal, which adds sign-ins up; use its \
                    `Download` button, as JSON";
const OTHER_PRODUCT: &str = "only sign-in logs of Entra are read";

/// What no sign-in lacks: a record with such a key is not named here.
const OF_SIGN_INS: [&str; 4] = [
    "appliedconditionalaccesspolicies",
    "conditionalaccesspolicies",
    "conditionalaccessstatus",
    "conditional access",
];

/// A kind of record: a key of each group has to be there.
struct Kind {
    what: &'static str,
    hint: &'static str,
    keys: &'static [&'static [&'static str]],
}

const UNIFIED: &str = "the unified audit log of Microsoft 365";
const AUDIT: &str = "an audit log of Entra (who changed what), not a sign-in log";
const RISK: &str = "a report of risks from Entra ID Protection";
const PROVISIONING: &str = "a log of user provisioning";
const GRAPH_ACTIVITY: &str = "a log of calls to Microsoft Graph";
const DEFINITIONS: &str = "definitions of Conditional Access policies";
const OVERVIEW: &str = "an overview of sign-ins, not their records";

/// Keys in lower case, as Graph, PowerShell, Log Analytics and the portal write them.
#[rustfmt::skip]
const RECORDS: [Kind; 18] = [
    Kind { what: UNIFIED, hint: UNIFIED_AUDIT, keys: &[&["auditdata"], &["operation", "operations", "recordtype", "auditlogrecordtype"]] },
    Kind { what: UNIFIED, hint: UNIFIED_AUDIT, keys: &[&["operation"], &["creationtime", "recordtype"], &["workload", "organizationid", "userkey"]] },
    Kind { what: AUDIT, hint: SIGN_INS, keys: &[&["activitydisplayname"], &["initiatedby", "targetresources"]] },
    Kind { what: AUDIT, hint: SIGN_INS, keys: &[&["targetresources"], &["initiatedby"], &["operationname", "activitydatetime"]] },
    Kind { what: RISK, hint: SIGN_INS, keys: &[&["riskeventtype", "detectiontimingtype"], &["detecteddatetime", "activitydatetime"]] },
    Kind { what: RISK, hint: SIGN_INS, keys: &[&["risklastupdateddatetime"], &["riskstate", "risklevel"]] },
    Kind { what: PROVISIONING, hint: SIGN_INS, keys: &[&["provisioningaction", "provisioningsteps"], &["sourceidentity", "targetidentity", "jobid"]] },
    Kind { what: GRAPH_ACTIVITY, hint: SIGN_INS, keys: &[&["requesturi"], &["requestmethod"], &["responsestatuscode"]] },
    Kind { what: DEFINITIONS, hint: POLICIES, keys: &[&["grantcontrols"], &["conditions"]] },
    Kind { what: OVERVIEW, hint: GRID, keys: &[&["firstsignindatetime"], &["signincount"]] },
    Kind { what: "a list of GDAP relationships", hint: "give it with `--tenants`, and the sign-in logs besides", keys: &[&["accessdetails"], &["customer"]] },
    Kind { what: "a list of users", hint: SIGN_INS, keys: &[&["accountenabled"], &["userprincipalname"]] },
    Kind { what: "a list of applications", hint: SIGN_INS, keys: &[&["signinaudience"], &["appid"]] },
    Kind { what: "an activity log of Azure (changes of resources)", hint: SIGN_INS, keys: &[&["caller"], &["claims"], &["operationname"]] },
    Kind { what: "a log of Amazon Web Services", hint: OTHER_PRODUCT, keys: &[&["eventversion"], &["awsregion"]] },
    Kind { what: "a log of Okta", hint: OTHER_PRODUCT, keys: &[&["published"], &["actor"], &["eventtype"]] },
    Kind { what: "a log of Google Workspace", hint: OTHER_PRODUCT, keys: &[&["kind"], &["etag"], &["actor"]] },
    Kind { what: "an error message instead of records", hint: "the text in it says what was wrong: correct that and export again", keys: &[&["error", "errors"]] },
];

/// Headers in lower case, as the portal, PowerShell and Log Analytics write them.
#[rustfmt::skip]
const TABLES: [Kind; 15] = [
    Kind { what: UNIFIED, hint: UNIFIED_AUDIT, keys: &[&["auditdata"], &["operation", "operations", "recordtype", "creationdate", "userids"]] },
    Kind { what: UNIFIED, hint: UNIFIED_AUDIT, keys: &[&["operation", "operations"], &["creationdate", "creationtime"], &["workload", "recordtype", "userids"]] },
    Kind { what: AUDIT, hint: SIGN_INS, keys: &[&["service"], &["category"], &["activity"]] },
    Kind { what: AUDIT, hint: SIGN_INS, keys: &[&["targetresources"], &["initiatedby"]] },
    Kind { what: AUDIT, hint: SIGN_INS, keys: &[&["activitydisplayname"], &["activitydatetime"]] },
    Kind { what: RISK, hint: SIGN_INS, keys: &[&["riskeventtype", "detection type", "risk detection type", "detectiontimingtype"]] },
    Kind { what: RISK, hint: SIGN_INS, keys: &[&["risk last updated", "risk last updated (utc)", "risklastupdateddatetime"]] },
    Kind { what: PROVISIONING, hint: SIGN_INS, keys: &[&["source system", "sourcesystem"], &["target system", "targetsystem"]] },
    Kind { what: GRAPH_ACTIVITY, hint: SIGN_INS, keys: &[&["requesturi"], &["responsestatuscode"]] },
    Kind { what: DEFINITIONS, hint: POLICIES, keys: &[&["includeusers", "include users", "included users"], &["excludeusers", "exclude users", "excluded users"]] },
    Kind { what: OVERVIEW, hint: GRID, keys: &[&["firstsignindatetime", "first sign-in"], &["signincount", "sign-in count", "number of sign-ins"]] },
    Kind { what: OVERVIEW, hint: GRID, keys: &[&["success rate"], &["failed sign-ins", "successful sign-ins"]] },
    Kind { what: "a list of users", hint: SIGN_INS, keys: &[&["accountenabled", "account enabled"], &["userprincipalname", "user principal name"]] },
    Kind { what: "a list of hashes", hint: "it belongs to an export; give the export", keys: &[&["algorithm"], &["hash"], &["path"]] },
    Kind { what: "a list of GDAP relationships", hint: "give it with `--tenants`, and the sign-in logs besides", keys: &[&["relationship name", "gdap relationship name", "admin relationship name"]] },
];

/// Names a JSON record that is no sign-in by its keys, if it is of a kind that people mix up.
pub fn name_json(record: &[u8]) -> Option<NoLog> {
    let Keys(keys) = serde_json::from_slice(record).ok()?;
    name(&keys, &RECORDS)
}

/// Names a table that holds no sign-ins by its header, if it is of a kind that people mix up.
pub fn name_table(header: &[String]) -> Option<NoLog> {
    let keys = header.iter().map(|cell| {
        let cell = cell.trim_start_matches('\u{FEFF}').trim().trim_matches('"').to_lowercase();
        // Log Analytics adds the time zone.
        cell.trim_end_matches(" [utc]").trim_end_matches(" [local time]").to_owned()
    });
    name(&keys.collect(), &TABLES)
}

fn name(keys: &BTreeSet<String>, kinds: &[Kind]) -> Option<NoLog> {
    let is_like_sign_ins = OF_SIGN_INS.iter().any(|key| keys.contains(*key));
    let fits = |kind: &&Kind| {
        // The overview has the keys of its sign-ins.
        (!is_like_sign_ins || kind.what == OVERVIEW)
            && kind.keys.iter().all(|group| group.iter().any(|key| keys.contains(*key)))
    };
    kinds.iter().find(fits).map(|kind| no_log((kind.what, kind.hint)))
}

/// The keys of an object, without what stands below them.
struct Keys(BTreeSet<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfObject;

        impl<'de> Visitor<'de> for OfObject {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                /// No record of a known kind has as many.
                const KEYS_MAX: usize = 1000;
                let mut keys = BTreeSet::new();
                while let Some((key, IgnoredAny)) = map.next_entry::<String, _>()? {
                    if keys.len() < KEYS_MAX {
                        keys.insert(key.to_lowercase());
                    }
                }
                Ok(Keys(keys))
            }
        }

        from.deserialize_map(OfObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(record: &str) -> Option<String> {
        name_json(record.as_bytes()).map(|no_log| no_log.what)
    }

    fn table(header: &str) -> Option<String> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        name_table(&header).map(|no_log| no_log.what)
    }

    #[test]
    fn records_are_named_by_their_keys() {
        for (record, what) in [
            (
                r#"{"CreationTime":"x","Operation":"UserLoggedIn","RecordType":15,"Workload":"AzureActiveDirectory"}"#,
                UNIFIED,
            ),
            (r#"{"RecordType":15,"CreationDate":"x","Operations":"y","AuditData":"{}"}"#, UNIFIED),
            (
                r#"{"id":"x","activityDisplayName":"Add user","initiatedBy":{},"targetResources":[]}"#,
                AUDIT,
            ),
            (r#"{"riskEventType":"x","detectedDateTime":"y"}"#, RISK),
            (r#"{"provisioningAction":"create","sourceIdentity":{}}"#, PROVISIONING),
            (
                r#"{"RequestUri":"x","RequestMethod":"GET","ResponseStatusCode":200}"#,
                GRAPH_ACTIVITY,
            ),
            (r#"{"displayName":"x","conditions":{},"grantControls":{}}"#, DEFINITIONS),
            (
                r#"{"firstSignInDateTime":"x","signInCount":3,"conditionalAccessStatus":"y"}"#,
                OVERVIEW,
            ),
            (r#"{"eventVersion":"1","awsRegion":"eu"}"#, "a log of Amazon Web Services"),
            (r#"{"error":{"code":"BadArgumentError"}}"#, "an error message instead of records"),
        ] {
            assert_eq!(json(record).as_deref(), Some(what), "{record}");
        }
    }

    #[test]
    fn tables_are_named_by_their_headers() {
        for (header, what) in [
            ("CreationDate,UserIds,Operations,AuditData", UNIFIED),
            ("RecordId,CreationDate,RecordType,Operation,UserId,AuditData", UNIFIED),
            ("Date (UTC),CorrelationId,Service,Category,Activity,Result", AUDIT),
            ("TimeGenerated [UTC],OperationName,InitiatedBy,TargetResources", AUDIT),
            ("\u{FEFF}\"firstSignInDateTime\",\"signInCount\"", OVERVIEW),
            ("Algorithm,Hash,Path", "a list of hashes"),
        ] {
            assert_eq!(table(header).as_deref(), Some(what), "{header}");
        }
    }

    #[test]
    fn values_and_sign_ins_are_not_judged() {
        for record in [
            r#"{"id":"1","createdDateTime":"x","userAgent":"\"AuditData\":\"Operations\""}"#,
            r#"{"properties":{"AuditData":1,"Operations":2},"category":"SignInLogs"}"#,
            r#"{"conditionalAccessStatus":"failure","auditData":"x","operation":"y"}"#,
            "[]",
            "{\"AuditData\":",
        ] {
            assert_eq!(json(record), None, "{record}");
        }
        assert_eq!(table("Date (UTC),Request ID,User,Conditional Access,Activity"), None);
    }
}
