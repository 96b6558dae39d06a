//! What the partner's own log shows of its own side: a test for each case of the vendors'
//! articles, each with the same where all is well.

use std::fs;

use serde_json::{Value, json};

use crate::cli::{Desk, stderr, stdout};

const PARTNER: &str = "8f3c52d1-6a0e-4c57-9b2d-3e71f0c4a586";
const CUSTOMER: &str = "c0000001-0000-4000-8000-000000000000";
const USER: &str = "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9";
const APP: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// A sign-in of the tool's account to the partner's own tenant, with MFA as it should be.
fn at_home(id: &str, at: &str, more: &Value) -> Value {
    let record = json!({
        "id": id,
        "createdDateTime": at,
        "userDisplayName": "Service Liongard",
        "userPrincipalName": "svc-liongard@fabrikam.example",
        "userId": USER,
        "appDisplayName": "Liongard",
        "appId": APP,
        "resourceDisplayName": "Windows Azure Active Directory",
        "resourceId": "00000002-0000-0000-c000-000000000000",
        "homeTenantId": PARTNER,
        "resourceTenantId": PARTNER,
        "crossTenantAccessType": "none",
        "isInteractive": true,
        "authenticationRequirement": "multiFactorAuthentication",
        "authenticationDetails": [
            {"authenticationMethod": "Password"},
            {"authenticationMethod": "Mobile app notification"},
        ],
        "riskState": "none",
        "riskLevelDuringSignIn": "none",
        "status": {"errorCode": 0, "additionalDetails": "MFA completed in Azure AD"},
        "conditionalAccessStatus": "success",
        "correlationId": format!("c-{id}"),
    });
    with(record, more)
}

/// A sign-in of the same account to a customer, as the customer's log has it.
fn at_customer(id: &str, at: &str, code: i32) -> Value {
    with(
        at_home(id, at, &json!({})),
        &json!({
            "userDisplayName": "Fabrikam Technician",
            "userPrincipalName": "user_1a2b3c4d5e6f40718293a4b5c6d7e8f9@contoso.onmicrosoft.com",
            "resourceTenantId": CUSTOMER,
            "crossTenantAccessType": "serviceProvider",
            "isInteractive": false,
            "status": {"errorCode": code},
            "conditionalAccessStatus": "notApplied",
            "appliedConditionalAccessPolicies": [
                {"id": "p1", "displayName": "CA001", "result": "notApplied"},
            ],
        }),
    )
}

fn with(mut record: Value, more: &Value) -> Value {
    let members = record.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    record
}

fn single_factor() -> Value {
    json!({
        "isInteractive": false,
        "authenticationRequirement": "singleFactorAuthentication",
        "authenticationDetails": [{"authenticationMethod": "Previously satisfied"}],
        "status": {"errorCode": 0, "additionalDetails": null},
    })
}

fn page(desk: &Desk, name: &str, records: &[Value]) {
    fs::create_dir_all(desk.path("logs")).expect("a folder");
    let page = json!({ "value": records });
    fs::write(desk.path(&format!("logs/{name}")), page.to_string()).expect("a page");
}

/// What the terminal says, with what no report ever advises left out of all of them.
fn sweep(desk: &Desk, more: &[&str]) -> String {
    let partner = format!("{PARTNER}=Fabrikam");
    let words = [&["sweep", "logs", "--partner", &partner], more].concat();
    let output = desk.run(&words);
    assert!(matches!(output.status.code(), Some(0 | 5)), "{}", stderr(&output));
    let told = report(desk) + &stdout(&output);
    assert!(!told.to_lowercase().contains("hotspot"), "{told}");
    let asks_for_none = told.replace("Ask no customer for an exclusion", "");
    let asks_for_none = asks_for_none.replace("Ask for no exclusion", "");
    assert!(!asks_for_none.contains("for an exclusion"), "{told}");
    stdout(&output)
}

fn report(desk: &Desk) -> String {
    fs::read_to_string(desk.path("sweep-out/report.md")).expect("a report")
}

/// Sweeps the partner's own log alone.
fn own_log(records: &[Value], more: &[&str]) -> (Desk, String) {
    let desk = Desk::empty();
    page(&desk, "fabrikam.json", records);
    let text = sweep(&desk, more);
    (desk, text)
}

fn own_tenant(desk: &Desk) -> Value {
    let sides = desk.summary()["own_tenants"].as_array().expect("a list").clone();
    assert_eq!(sides.len(), 1);
    sides[0].clone()
}

/// The one finding.
fn finding(desk: &Desk) -> Value {
    let findings = own_tenant(desk)["findings"].as_array().expect("a list").clone();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings[0].clone()
}

/// Nothing is wrong, and nothing is said, but that it was looked at.
fn nothing_is_said(desk: &Desk, text: &str) {
    assert_eq!(own_tenant(desk)["findings"], json!([]));
    assert!(!text.contains("In your own tenant"), "{text}");
    assert!(report(desk).contains("Nothing found."), "{}", report(desk));
}

/// The lines of the terminal that begin with these words, joined.
fn notice(text: &str, begin: &str) -> String {
    let mut lines = text.lines().skip_while(|line| !line.trim_start().starts_with(begin));
    let first = lines.next().unwrap_or_default().trim().to_owned();
    let rest = lines.take_while(|line| line.starts_with("    "));
    rest.fold(first, |joined, line| format!("{joined} {}", line.trim()))
}

#[test]
fn case_l1_1_a_sign_in_that_was_not_asked_for_mfa() {
    let (desk, text) = own_log(
        &[
            at_home("1", "2026-11-18T02:00:00Z", &single_factor()),
            at_home("2", "2026-11-20T09:00:00Z", &single_factor()),
        ],
        &[],
    );
    let found = finding(&desk);
    assert_eq!((&found["kind"], &found["cases"]), (&json!("single_factor"), &json!(["L1.1"])));
    assert_eq!(found["account"], "svc-liongard@fabrikam.example");
    assert_eq!(
        found["seen"],
        "2 sign-ins with one factor only (singleFactorAuthentication), none of them interactive; \
         first 2026-11-18 02:00, last 2026-11-20 09:00; apps: Liongard; resources: Windows Azure \
         Active Directory."
    );
    assert_eq!(
        notice(&text, "In your own tenant"),
        "In your own tenant: svc-liongard signed in without MFA (2 sign-ins, last 20 Nov 09:00): \
         require Microsoft MFA, then sign in again."
    );
    let report = report(&desk);
    assert!(report.contains("## In your own tenant\n"), "{report}");
    assert!(report.contains("that look like integrations"), "{report}");
    assert!(report.contains("- The log cannot show: Which policy is missing"), "{report}");
}

#[test]
fn case_l1_1_mfa_done_properly() {
    let (desk, text) = own_log(&[at_home("1", "2026-11-20T09:00:00Z", &json!({}))], &[]);
    nothing_is_said(&desk, &text);
}

#[test]
fn case_l2_1_a_token_for_graph_without_an_mfa_claim() {
    let graph = json!({"resourceId": GRAPH, "resourceDisplayName": "Microsoft Graph"});
    let record = at_home("1", "2026-11-20T09:00:00Z", &with(single_factor(), &graph));
    let (desk, _) = own_log(&[record], &[]);
    let found = finding(&desk);
    assert_eq!(found["cases"], json!(["L1.1", "L2.1"]));
    let means = found["means"].as_str().expect("a text");
    assert!(means.contains("unauthorizedMissingMfaTokenClaim"), "{means}");
    // A token of the app alone has no person behind it: nothing is wrong with that.
    let app_only = json!({"signInEventTypes": ["servicePrincipal"], "userPrincipalName": null,
        "userId": null, "servicePrincipalName": "Liongard", "servicePrincipalId": USER});
    let record =
        at_home("1", "2026-11-20T09:00:00Z", &with(with(single_factor(), &graph), &app_only));
    let (desk, text) = own_log(&[record], &["--integration-app", APP]);
    nothing_is_said(&desk, &text);
}

#[test]
fn case_l1_3_mfa_skipped_for_a_trusted_address() {
    let skipped = json!({
        "authenticationRequirement": "singleFactorAuthentication",
        "authenticationDetails": [{"authenticationMethod": "Password"}],
        "status": {"errorCode": 0, "additionalDetails": "MFA requirement skipped due to IP address"},
    });
    let (desk, text) = own_log(&[at_home("1", "2026-11-20T09:00:00Z", &skipped)], &[]);
    let found = finding(&desk);
    assert_eq!((&found["kind"], &found["cases"]), (&json!("mfa_skipped"), &json!(["L1.3"])));
    assert_eq!(found["said"], json!(["MFA requirement skipped due to IP address"]));
    assert_eq!(
        notice(&text, "In your own tenant"),
        "In your own tenant: svc-liongard was spared MFA (1 sign-in, last 20 Nov 09:00): end the \
         bypass, then sign in again."
    );
    let to_do = found["to_do"].as_str().expect("a text");
    assert!(to_do.starts_with("End the bypass") && to_do.contains("private window"), "{to_do}");
}

#[test]
fn case_l1_3_mfa_skipped_where_only_a_step_says_so() {
    let skipped = json!({
        "authenticationRequirement": "singleFactorAuthentication",
        "authenticationDetails": [
            {"authenticationMethod": "Password",
             "authenticationStepResultDetail": "Correct password"},
            {"authenticationMethod": "Previously satisfied",
             "authenticationStepResultDetail": "MFA requirement skipped due to IP address"},
        ],
        "status": {"errorCode": 0, "additionalDetails": null},
    });
    let (desk, _) = own_log(&[at_home("1", "2026-11-20T09:00:00Z", &skipped)], &[]);
    let found = finding(&desk);
    assert_eq!(found["kind"], "mfa_skipped");
    assert_eq!(found["said"], json!(["MFA requirement skipped due to IP address"]));
}

#[test]
fn case_l1_3_one_factor_from_a_trusted_location() {
    let trusted = json!({
        "isInteractive": true,
        "networkLocationDetails":
            [{"networkType": "trustedNamedLocation", "networkNames": ["Head office"]}],
    });
    let record = at_home("1", "2026-11-20T09:00:00Z", &with(single_factor(), &trusted));
    let (desk, _) = own_log(&[record], &[]);
    let found = finding(&desk);
    assert_eq!(found["kind"], "mfa_skipped");
    let said = found["said"][0].as_str().expect("a text");
    assert!(said.contains("trustedNamedLocation") && said.contains("Head office"), "{said}");
    // From the same place with MFA.
    let network = json!({"networkLocationDetails": trusted["networkLocationDetails"]});
    let (desk, text) = own_log(&[at_home("1", "2026-11-20T09:00:00Z", &network)], &[]);
    nothing_is_said(&desk, &text);
}

fn by_claim() -> Value {
    json!({
        "authenticationDetails": [{"authenticationMethod": "Previously satisfied"}],
        "status":
            {"errorCode": 0, "additionalDetails": "MFA requirement satisfied by claim in the token"},
    })
}

#[test]
fn case_sy_5_nobody_was_asked_for_mfa() {
    let (desk, text) = own_log(&[at_home("1", "2026-11-20T09:00:00Z", &by_claim())], &[]);
    let found = finding(&desk);
    assert_eq!(found["kind"], "mfa_by_claim");
    assert_eq!(found["cases"], json!(["L1.3", "SY.5"]));
    assert_eq!(
        notice(&text, "In your own tenant"),
        "In your own tenant: svc-liongard was not asked for MFA (1 sign-in, last 20 Nov 09:00): \
         sign in again so that MFA is asked."
    );
    // Without a person there is nobody to ask.
    let unattended = with(by_claim(), &json!({"isInteractive": false}));
    let (desk, text) = own_log(&[at_home("1", "2026-11-20T09:00:00Z", &unattended)], &[]);
    nothing_is_said(&desk, &text);
}

#[test]
fn case_sy_5_asked_since_then() {
    let (desk, text) = own_log(
        &[
            at_home("1", "2026-11-18T09:00:00Z", &by_claim()),
            at_home("2", "2026-11-20T09:00:00Z", &json!({})),
        ],
        &[],
    );
    assert_eq!(finding(&desk)["mfa_asked_since"], "2026-11-20T09:00:00Z");
    assert!(!text.contains("In your own tenant"), "{text}");
    assert!(report(&desk).contains("since then MFA was asked, on 2026-11-20 09:00"));
}

#[test]
fn case_l1_5_the_account_is_a_risky_user() {
    let desk = Desk::empty();
    let risky = json!({"riskState": "atRisk", "riskLevelDuringSignIn": "high"});
    page(&desk, "fabrikam.json", &[at_home("1", "2026-11-20T08:00:00Z", &risky)]);
    let refused = ["2", "3"].map(|id| at_customer(id, "2026-11-20T09:00:00Z", 530034));
    page(&desk, "contoso.json", &refused);
    let text = sweep(&desk, &[]);
    let found = finding(&desk);
    assert_eq!((&found["kind"], &found["cases"]), (&json!("risk"), &json!(["L1.5"])));
    assert_eq!(found["said"], json!(["riskState atRisk, risk level high"]));
    assert_eq!((&found["error_codes"], &found["sign_ins"]), (&json!([530034]), &json!(3)));
    assert_eq!(found["customers"], json!([CUSTOMER]));
    assert_eq!(
        notice(&text, "In your own tenant"),
        "In your own tenant: svc-liongard is at risk (3 sign-ins, last 20 Nov 09:00): investigate, \
         then clear it at home."
    );
    let cannot_show = found["cannot_show"].as_str().expect("a text");
    assert!(cannot_show.starts_with("Whether the risk was dismissed since then"), "{cannot_show}");
    assert!(found["to_do"].as_str().expect("a text").starts_with("Investigate first"));
}

#[test]
fn case_l1_5_a_risk_that_was_dismissed_or_remediated() {
    for state in ["none", "dismissed", "remediated", "confirmedSafe"] {
        let safe = json!({"riskState": state, "riskLevelDuringSignIn": "high"});
        let (desk, text) = own_log(&[at_home("1", "2026-11-20T08:00:00Z", &safe)], &[]);
        nothing_is_said(&desk, &text);
    }
}

#[test]
fn case_l1_5_a_risky_sign_in_in_a_customers_log_is_the_customers_to_judge() {
    let desk = Desk::empty();
    let risky =
        json!({"riskState": "atRisk", "isInteractive": true, "appDisplayName": "Azure Portal"});
    page(&desk, "contoso.json", &[with(at_customer("1", "2026-11-20T09:00:00Z", 53003), &risky)]);
    let text = sweep(&desk, &[]);
    assert_eq!(finding(&desk)["account_kind"], "person");
    assert!(
        notice(&text, "In your own tenant").ends_with("investigate with the customer."),
        "{text}"
    );
}

#[test]
fn case_l2_2_mfa_of_another_vendor() {
    let desk = Desk::empty();
    let duo = json!({"status": {"errorCode": 50158}});
    page(&desk, "fabrikam.json", &[at_home("1", "2026-11-20T08:00:00Z", &duo)]);
    page(&desk, "contoso.json", &[at_customer("2", "2026-11-20T09:00:00Z", 50177)]);
    let text = sweep(&desk, &[]);
    let found = finding(&desk);
    assert_eq!((&found["kind"], &found["cases"]), (&json!("third_party_mfa"), &json!(["L2.2"])));
    assert_eq!(found["error_codes"], json!([50158, 50177]));
    assert_eq!(
        notice(&text, "In your own tenant"),
        "In your own tenant: svc-liongard was sent to MFA that is not Microsoft's (2 sign-ins, last \
         20 Nov 09:00): require Microsoft MFA as well."
    );
    // Microsoft's own MFA.
    let (desk, text) = own_log(&[at_home("1", "2026-11-20T09:00:00Z", &json!({}))], &[]);
    nothing_is_said(&desk, &text);
}

#[test]
fn a_sign_in_in_both_logs_counts_once() {
    let desk = Desk::empty();
    let customers = at_customer("1", "2026-11-20T09:00:00Z", 530034);
    let own = with(
        customers.clone(),
        &json!({"userPrincipalName": "svc-liongard@fabrikam.example", "tenantId": PARTNER}),
    );
    page(&desk, "contoso.json", &[customers]);
    let home = at_home("h", "2026-11-19T09:00:00Z", &json!({}));
    page(&desk, "fabrikam.json", &[with(own, &json!({"id": "o"})), home]);
    sweep(&desk, &[]);
    assert_eq!(finding(&desk)["sign_ins"], 1);
}

#[test]
fn flags_choose_whose_sign_ins_are_judged() {
    let person = json!({"userPrincipalName": "ann@fabrikam.example", "appDisplayName": "Outlook",
        "appId": "bbbbbbbb-0000-4000-8000-000000000002", "userId": CUSTOMER});
    let records = [
        at_home("1", "2026-11-20T09:00:00Z", &single_factor()),
        at_home("2", "2026-11-20T09:00:00Z", &with(single_factor(), &person)),
    ];
    let judged = |more: &[&str]| {
        let (desk, _) = own_log(&records, more);
        let side = own_tenant(&desk);
        (side["chosen_by"].clone(), side["accounts"].clone())
    };
    let liongard = json!(["svc-liongard@fabrikam.example"]);
    assert_eq!(judged(&[]), (json!("looks"), liongard.clone()));
    assert_eq!(judged(&["--integration-app", &APP.to_uppercase()]), (json!("flags"), liongard));
    let ann = json!(["ann@fabrikam.example"]);
    assert_eq!(
        judged(&["--integration-user", "Ann@fabrikam.example"]),
        (json!("flags"), ann.clone())
    );
    assert_eq!(judged(&["--integration-user", CUSTOMER]), (json!("flags"), ann));
}

#[test]
fn technicians_in_a_tools_portal_are_not_the_tool() {
    let desk = Desk::empty();
    let rows: Vec<Value> =
        (0..6).map(|n| at_customer(&format!("i{n}"), "2026-11-20T09:00:00Z", 0)).collect();
    page(&desk, "contoso.json", &rows);
    let ann = json!({"userPrincipalName": "ann@fabrikam.example", "userId": CUSTOMER});
    let home = at_home("h1", "2026-11-20T09:00:00Z", &json!({}));
    let portal = at_home("h2", "2026-11-20T09:00:00Z", &with(by_claim(), &ann));
    page(&desk, "fabrikam.json", &[home, portal]);
    let text = sweep(&desk, &[]);
    assert_eq!(own_tenant(&desk)["accounts"], json!(["svc-liongard@fabrikam.example"]));
    nothing_is_said(&desk, &text);
}

#[test]
fn the_dataset_alone_says_the_same() {
    let records = [at_home("1", "2026-11-20T09:00:00Z", &single_factor())];
    let (desk, _) = own_log(&records, &["--integration-app", APP]);
    let output = desk.run(&["report", "--format", "json"]);
    let again: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(again["own_tenants"], desk.summary()["own_tenants"]);
    assert_eq!(again["own_tenants"][0]["chosen_by"], "flags");
}

#[test]
fn tenants_without_access_are_named() {
    let tried = |id: &str, at: &str| {
        let to = json!({"resourceTenantId": CUSTOMER, "crossTenantAccessType": "passthrough",
            "tenantId": PARTNER, "isInteractive": false, "status": {"errorCode": 90072},
            "conditionalAccessStatus": "notApplied"});
        at_home(id, at, &to)
    };
    let twice = with(tried("3", "2026-11-20T09:00:01Z"), &json!({"correlationId": "c-2"}));
    let records = [
        at_home("1", "2026-11-20T08:00:00Z", &json!({})),
        tried("2", "2026-11-20T09:00:00Z"),
        twice,
    ];
    let (desk, text) = own_log(&records, &[]);
    let tenants = own_tenant(&desk)["passthrough"].clone();
    assert_eq!(tenants[0]["tenant_id"], CUSTOMER);
    assert_eq!((&tenants[0]["tries"], &tenants[0]["sign_ins"]), (&json!(1), &json!(2)));
    assert_eq!(tenants[0]["error_codes"], json!([90072]));
    assert_eq!(
        notice(&text, "Tried"),
        "Tried 1 tenant it has no access to, 1 try, last 20 Nov 09:00: check the GDAP relationship."
    );
    assert!(report(&desk).contains("### Tried a tenant it has no access to"));
}

#[test]
fn without_the_partners_log_it_is_said_where_it_matters() {
    let desk = Desk::empty();
    page(&desk, "contoso.json", &[at_customer("1", "2026-11-20T09:00:00Z", 50076)]);
    let text = sweep(&desk, &[]);
    assert_eq!(
        notice(&text, "1 customer misses"),
        "1 customer misses MFA in your token (1 sign-in). Why cannot be told: no log of your own \
         tenant."
    );
    assert_eq!(own_tenant(&desk)["own_log"], "missing");
    let desk = Desk::empty();
    page(&desk, "contoso.json", &[at_customer("1", "2026-11-20T09:00:00Z", 0)]);
    let text = sweep(&desk, &[]);
    assert!(!text.contains("cannot be told") && !report(&desk).contains("own tenant\n"), "{text}");
}

#[test]
fn with_the_partners_log_alone_the_next_step_is_to_export_the_customers() {
    let desk = Desk::empty();
    let customer = |number: usize| format!("c000000{number}-0000-4000-8000-000000000000");
    let refused = |number: usize| {
        with(
            at_customer(&format!("o{number}"), "2026-11-20T09:00:00Z", 53003),
            &json!({"resourceTenantId": customer(number), "tenantId": PARTNER,
                "userPrincipalName": "svc-liongard@fabrikam.example",
                "conditionalAccessStatus": "failure", "appliedConditionalAccessPolicies": []}),
        )
    };
    let home = at_home("1", "2026-11-20T08:00:00Z", &json!({}));
    page(&desk, "fabrikam.json", &[home, refused(1), refused(2)]);
    fs::write(desk.path("customers.csv"), format!("tenant_id,name\n{},Contoso\n", customer(1)))
        .expect("a list");
    let text = sweep(&desk, &["--tenants", "customers.csv"]);
    let next = "Next: export these 2 customers' logs (missing-logs.csv); your own log does not show \
                their policies.";
    assert_eq!(text.lines().last(), Some(next), "{text}");
    assert!(report(&desk).contains("**Next: export these 2 customers' logs"));
    let missing = fs::read_to_string(desk.path("sweep-out/missing-logs.csv")).expect("a list");
    let why = "\"only the partner's own log tells of it, without policies\"";
    let starts: Vec<&str> = missing
        .lines()
        .filter_map(|line| line.split_once(",\"Entra"))
        .map(|(start, _)| start)
        .collect();
    assert_eq!(
        starts,
        [format!("{},Contoso,{why}", customer(1)), format!("{},,{why}", customer(2))],
        "{missing}"
    );
    // One customer's log more, and the others are a notice among others.
    page(&desk, "contoso.json", &[at_customer("i1", "2026-11-20T09:00:00Z", 0)]);
    let text = sweep(&desk, &["--tenants", "customers.csv"]);
    assert!(!text.contains("Next: export these"), "{text}");
    assert!(text.contains("Next: export 1 customer's log;"), "{text}");
}
