//! Who the accounts are: users of the partner in customers' logs, with their names and tools.

use std::fs;

use serde_json::{Value, json};

use tenantsweep::dataset::Table;

use crate::cli::{Desk, stderr, stdout};
use crate::parquet_reader::read_table;

const PARTNER: &str = "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586";
const CUSTOMER: &str = "c0000001-0000-4000-8000-000000000000";
const USER: &str = "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9";
const IN_THE_LOG: &str = "user_1a2b3c4d5e6f40718293a4b5c6d7e8f9";

/// A blocked sign-in of a GDAP user as the customer's log has it.
fn blocked(number: usize, interactive: bool, app: &str) -> Value {
    json!({
        "id": format!("b{number}"),
        "createdDateTime": format!("2026-11-20T09:{number:02}:00Z"),
        "userDisplayName": "Fabrikam Technician",
        "userPrincipalName": format!("{IN_THE_LOG}@contoso.onmicrosoft.com"),
        "userId": USER,
        "appDisplayName": app,
        "appId": "aaaaaaaa-0000-4000-8000-000000000001",
        "resourceDisplayName": "Microsoft Graph",
        "homeTenantId": PARTNER,
        "resourceTenantId": CUSTOMER,
        "crossTenantAccessType": "serviceProvider",
        "isInteractive": interactive,
        "correlationId": format!("c{number}"),
        "status": {"errorCode": 53003},
        "conditionalAccessStatus": "failure",
        "appliedConditionalAccessPolicies": [{
            "id": "p1", "displayName": "CA007", "result": "failure",
            "enforcedGrantControls": ["Block"], "conditionsSatisfied": "users,application",
        }],
    })
}

/// The same user in the partner's own log.
fn at_home() -> Value {
    json!({
        "id": "h1",
        "createdDateTime": "2026-11-20T08:00:00Z",
        "userDisplayName": "Service Liongard",
        "userPrincipalName": "svc-liongard@fabrikam.example",
        "userId": USER,
        "appDisplayName": "Liongard",
        "appId": "aaaaaaaa-0000-4000-8000-000000000001",
        "homeTenantId": PARTNER,
        "resourceTenantId": PARTNER,
        "crossTenantAccessType": "none",
        "isInteractive": true,
        "authenticationRequirement": "multiFactorAuthentication",
        "status": {"errorCode": 0},
        "conditionalAccessStatus": "success",
    })
}

fn page(desk: &Desk, name: &str, records: &[Value]) {
    fs::create_dir_all(desk.path("logs")).expect("a folder");
    let page = json!({ "value": records });
    fs::write(desk.path(&format!("logs/{name}")), page.to_string()).expect("a page");
}

fn sweep(desk: &Desk, more: &[&str]) -> String {
    let partner = format!("{PARTNER}=Fabrikam");
    let words = [&["sweep", "logs", "--partner", &partner], more].concat();
    let output = desk.run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

/// The one blocked account of the one customer.
fn account(summary: &Value) -> Value {
    let accounts = summary["tenants"][0]["blocked_accounts"].as_array().expect("a list");
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    accounts[0].clone()
}

fn non_interactive(app: &str) -> Vec<Value> {
    (0..6).map(|number| blocked(number, false, app)).collect()
}

#[test]
fn a_user_without_a_list_stays_as_it_is_and_is_an_integration_by_its_sign_ins() {
    let desk = Desk::empty();
    page(&desk, "contoso.json", &non_interactive("Liongard"));
    sweep(&desk, &[]);
    let account = account(&desk.summary());
    assert_eq!(account["account"], format!("{IN_THE_LOG}@contoso.onmicrosoft.com"));
    assert_eq!(account["account_name"], Value::Null);
    assert_eq!((&account["kind"], &account["tool"]), (&json!("integration"), &json!("Liongard")));
}

#[test]
fn the_partners_own_log_tells_who_it_is() {
    let desk = Desk::empty();
    page(&desk, "contoso.json", &non_interactive("Liongard"));
    page(&desk, "fabrikam.json", &[at_home()]);
    sweep(&desk, &[]);
    assert_eq!(account(&desk.summary())["account_name"], "svc-liongard@fabrikam.example");
    let report = fs::read_to_string(desk.path("sweep-out/report.md")).expect("a report");
    assert!(
        report.contains("svc-liongard\\@fabrikam.example | integration | Liongard"),
        "{report}"
    );
}

#[test]
fn the_list_of_users_comes_first_and_is_kept_with_the_dataset() {
    let desk = Desk::empty();
    page(&desk, "contoso.json", &non_interactive("Liongard"));
    page(&desk, "fabrikam.json", &[at_home()]);
    let list = format!(
        "userPrincipalName,displayName,Object Id,type,department\r\n\
         monitoring@fabrikam.example,Monitoring,{USER},person,IT\r\n"
    );
    fs::write(desk.path("users.csv"), list).expect("a list");
    sweep(&desk, &["--users", "users.csv"]);
    fs::remove_file(desk.path("users.csv")).expect("removed");
    let report = desk.run(&["report", "--format", "json"]);
    let summary: Value = serde_json::from_slice(&report.stdout).expect("JSON");
    assert_eq!(account(&summary)["account_name"], "monitoring@fabrikam.example");
    assert_eq!(account(&summary)["kind"], "person");
    // A later sweep without a list leaves it as it is.
    sweep(&desk, &[]);
    assert_eq!(account(&desk.summary())["account_name"], "monitoring@fabrikam.example");
    // A flag says more than the list.
    let text = sweep(&desk, &["--integration-user", "Monitoring@fabrikam.example"]);
    assert!(!text.contains("1 person"), "{text}");
    assert_eq!(account(&desk.summary())["kind"], "integration");
}

#[test]
fn what_was_said_of_accounts_outlives_a_customer_that_is_forgotten() {
    let desk = Desk::empty();
    page(&desk, "contoso.json", &non_interactive("Liongard"));
    let other = "c0000002-0000-4000-8000-000000000000";
    let rows = non_interactive("Liongard").into_iter().map(|mut row| {
        row["resourceTenantId"] = json!(other);
        row["id"] = json!(format!("other-{}", row["id"]));
        row
    });
    page(&desk, "other.json", &rows.collect::<Vec<Value>>());
    fs::write(
        desk.path("users.json"),
        format!(r#"{{"value":[{{"id":"{USER}","displayName":"Robot"}}]}}"#),
    )
    .expect("a list");
    sweep(&desk, &["--users", "users.json", "--integration-user", USER]);
    let output = desk.run(&["forget", "sweep-out", "--tenant", other]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let accounts = desk.summary()["tenants"].as_array().expect("a list").clone();
    assert_eq!(accounts.len(), 1);
    assert_eq!(account(&desk.summary())["account_name"], "Robot");
    // Nor does a sweep without the flags change it.
    fs::remove_file(desk.path("logs/other.json")).expect("removed");
    sweep(&desk, &[]);
    assert_eq!(account(&desk.summary())["account_name"], "Robot");
}

#[test]
fn persons_are_counted_and_a_flag_makes_an_integration_of_one() {
    let desk = Desk::empty();
    let rows: Vec<Value> = (0..6).map(|number| blocked(number, true, "Azure Portal")).collect();
    page(&desk, "contoso.json", &rows);
    let text = sweep(&desk, &[]);
    assert!(text.contains("1 person"), "{text}");
    for name in [USER, IN_THE_LOG] {
        sweep(&desk, &["--integration-user", name]);
        assert_eq!(account(&desk.summary())["kind"], "integration", "{name}");
    }
}

#[test]
fn a_list_of_tools_adds_names() {
    let desk = Desk::empty();
    page(&desk, "contoso.json", &non_interactive("Fabrikam sync service"));
    let text = sweep(&desk, &[]);
    assert!(text.contains("Fabrikam sync service"), "{text}");
    fs::write(desk.path("tools.csv"), "app_id,app_name,tool\n,sync service,TenantSync\n")
        .expect("a list");
    let text = sweep(&desk, &["--tools", "tools.csv"]);
    assert!(text.contains("TenantSync") && !text.contains("sync service"), "{text}");
    let report = desk.run(&["report"]);
    assert!(stdout(&report).contains("TenantSync"), "{}", stdout(&report));
}

#[test]
fn a_list_without_object_ids_is_wrong_use() {
    let desk = Desk::empty();
    page(&desk, "contoso.json", &non_interactive("Liongard"));
    fs::write(desk.path("users.csv"), "userPrincipalName,displayName\na@b,A\n").expect("a list");
    let output = desk.run(&["sweep", "logs", "--partner", PARTNER, "--users", "users.csv"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let told = "users.csv: no column with the users' object ids (`id`, `objectId` or `Object Id`)";
    assert!(stderr(&output).contains(told), "{}", stderr(&output));
    let output = desk.run(&["sweep", "logs", "--integration-app", "Liongard"]);
    assert!(stderr(&output).contains("`Liongard` is no app id (a GUID)"), "{}", stderr(&output));
}

#[test]
fn a_known_tool_is_one_from_its_first_sign_in_on() {
    let desk = Desk::empty();
    let record = |id: &str, app: &str, account: &str| {
        json!({
            "id": id,
            "createdDateTime": "2026-11-20T06:00:00Z",
            "userPrincipalName": account,
            "appDisplayName": app,
            "appId": format!("app-{app}"),
            "isInteractive": false,
            "signInEventTypes": ["nonInteractiveUser"],
            "resourceTenantId": "c0000000-0000-4000-8000-000000000001",
            "homeTenantId": "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586",
            "crossTenantAccessType": "serviceProvider",
            "status": {"errorCode": 0},
        })
    };
    let records = [
        record("1", "Liongard", "svc@fabrikam.example"),
        record("2", "Outlook", "dana@fabrikam.example"),
    ];
    fs::write(desk.path("log.json"), json!({ "value": records }).to_string()).expect("written");
    let words = ["sweep", "log.json", "--partner", "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586", "-q"];
    // Without policies the log could have shown no block.
    assert_eq!(desk.run(&words).status.code(), Some(5));
    let kinds: Vec<(String, String)> = read_table(&desk.path("sweep-out"), Table::Accounts)
        .iter()
        .map(|row| (row.text("account"), row.text("kind")))
        .collect();
    let kind = |account: &str, kind: &str| (account.to_owned(), kind.to_owned());
    assert_eq!(
        kinds,
        [kind("dana@fabrikam.example", "person"), kind("svc@fabrikam.example", "integration")]
    );
}
