//! One small made-up estate with a customer for every state, for the golden reports.

use super::parts::{Dataset, Export, Policy, Row, Tenant, minutes_before_end, tenant_id};

const DAY: i64 = 24 * 60;
pub(super) const FABRIKAM: u32 = 0x8f3c_52d1;
const NORTHWIND: u32 = 0x51b2_7e90;

/// What a customer's tries were: minutes before the end, verdict, error code.
type Tries = &'static [(i64, &'static str, i32)];

struct Customer {
    number: u32,
    name: &'static str,
    blind_spots: &'static str,
    routes: &'static [(&'static str, Tries)],
    policies: &'static [(&'static str, &'static str, &'static str)],
}

const BLOCK: (&str, &str, &str) =
    ("CA012 Block outside EU", "Block", "users, application, location");
const DEVICE: (&str, &str, &str) =
    ("CA007 Managed devices", "RequireCompliantDevice", "users, application");

const CUSTOMERS: [Customer; 9] = [
    Customer {
        number: 1,
        name: "Contoso Ltd",
        blind_spots: "",
        routes: &[
            (
                "svc-liongard",
                &[(12 * DAY, "succeeded", 0), (9 * DAY, "blocked", 53003), (60, "blocked", 53003)],
            ),
            ("Fabrikam Technician", &[(100, "succeeded", 0)]),
        ],
        policies: &[BLOCK, DEVICE],
    },
    Customer {
        number: 2,
        name: "Woodgrove Bank",
        blind_spots: "",
        routes: &[
            ("svc-liongard", &[(20 * DAY, "blocked", 53003), (90, "blocked", 53003)]),
            ("Fabrikam Technician", &[(80, "blocked", 53003)]),
        ],
        policies: &[("Baseline: block unknown", "Block", "users, application")],
    },
    Customer {
        number: 3,
        name: "Litware",
        blind_spots: "gaps in time",
        routes: &[
            ("svc-liongard", &[(90, "succeeded", 0)]),
            ("Fabrikam Technician", &[(228, "blocked", 53003)]),
        ],
        policies: &[("CA003 Risky sign-ins", "Block", "users, signInRisk")],
    },
    Customer {
        number: 4,
        name: "Adventure Works",
        blind_spots: "",
        routes: &[(
            "svc-liongard",
            &[
                (5 * DAY, "succeeded", 0),
                (4 * DAY, "blocked", 53003),
                (3 * DAY, "succeeded", 0),
                (2 * DAY, "blocked", 53003),
                (DAY, "succeeded", 0),
            ],
        )],
        policies: &[BLOCK],
    },
    Customer {
        number: 5,
        name: "Tailspin",
        blind_spots: "",
        routes: &[("svc-liongard", &[(2 * DAY, "failed", 50173), (DAY, "failed", 50173)])],
        policies: &[],
    },
    Customer {
        number: 6,
        name: "Proseware",
        blind_spots: "",
        routes: &[("svc-liongard", &[(8 * DAY, "blocked", 53003), (6 * DAY, "succeeded", 0)])],
        policies: &[DEVICE],
    },
    Customer {
        number: 7,
        name: "Fourth Coffee",
        blind_spots: "policies missing",
        routes: &[("svc-liongard", &[(DAY, "succeeded", 0)])],
        policies: &[],
    },
    Customer {
        number: 8,
        name: "Northwind Traders",
        blind_spots: "",
        routes: &[("svc-liongard", &[(3 * DAY, "unexplained", 53003)])],
        policies: &[],
    },
    Customer { number: 9, name: "Wide World", blind_spots: "", routes: &[], policies: &[] },
];

/// The estate: nine customers with a log, one without, one only in the partner's own log.
pub(super) fn estate() -> Dataset {
    let mut dataset = Dataset::default();
    for customer in &CUSTOMERS {
        add_customer(&mut dataset, customer);
    }
    add_customers_without_log(&mut dataset);
    add_other_provider(&mut dataset);
    let tenant = |number, name: &str, listed| Tenant {
        id: tenant_id(number),
        name: Some(name.to_owned()),
        listed,
        has_inbound: false,
    };
    dataset.partners =
        vec![tenant(FABRIKAM, "Fabrikam", true), tenant(NORTHWIND, "Northwind IT", false)];
    dataset.integrations = vec![(tenant_id(FABRIKAM), "svc-liongard".to_owned())];
    dataset
}

fn add_customer(dataset: &mut Dataset, customer: &Customer) {
    let source = format!("exports/{}.json", customer.name);
    let before = dataset.rows.len();
    for (account, tries) in customer.routes {
        for &(minutes, verdict, code) in *tries {
            let mut row = row(dataset.rows.len(), minutes, customer.number, account, verdict);
            row.code = Some(code);
            row.source.clone_from(&source);
            if verdict == "blocked" {
                row.policies =
                    customer.policies.iter().map(|policy| blocking(customer, *policy)).collect();
            }
            dataset.rows.push(row);
        }
    }
    let end = if customer.number == 6 { 6 * DAY } else { 0 };
    let rows = i64::try_from(dataset.rows.len() - before).unwrap_or_default();
    dataset.exports.push(Export {
        path: source,
        tenant: Some(tenant_id(customer.number)),
        blind_spots: customer.blind_spots,
        records: rows + 1000,
        partner: rows,
        other: 997,
        duplicate: 2,
        rejected: 1,
        span: Some((minutes_before_end(20 * DAY), minutes_before_end(end))),
        ..Export::default()
    });
    dataset.customers.push(listed(customer.number, customer.name, true));
}

fn listed(number: u32, name: &str, has_inbound: bool) -> Tenant {
    Tenant { id: tenant_id(number), name: Some(name.to_owned()), listed: true, has_inbound }
}

fn blocking(
    customer: &Customer,
    (name, demanded, matched): (&str, &'static str, &'static str),
) -> Policy {
    Policy {
        id: format!("{name} of {}", customer.number),
        name: name.to_owned(),
        blocks: true,
        would_block: false,
        matched,
        demanded,
    }
}

fn row(number: usize, minutes: i64, child: u32, account: &str, verdict: &'static str) -> Row {
    Row {
        id: format!("sign-in-{number:04}"),
        at: minutes_before_end(minutes),
        partner: Some(tenant_id(FABRIKAM)),
        matched: "listed",
        child: Some(tenant_id(child)),
        side: "inbound",
        account: Some(account.to_owned()),
        app: if account == "svc-liongard" { "Liongard" } else { "Azure Portal" },
        resource: "Microsoft Graph",
        verdict,
        disputed: false,
        code: None,
        evidence: "conditions",
        source: String::new(),
        correlation: None,
        policies: Vec::new(),
    }
}

fn add_customers_without_log(dataset: &mut Dataset) {
    dataset.customers.push(listed(10, "Lamna Healthcare", false));
    dataset.customers.push(listed(11, "Relecloud", false));
    let mut outbound = row(dataset.rows.len(), 300, 11, "svc-liongard", "failed");
    outbound.side = "outbound";
    outbound.code = Some(65001);
    outbound.source = "exports/own.json".to_owned();
    let mut copy = row(dataset.rows.len() + 1, 60, 1, "svc-liongard", "blocked");
    copy.side = "outbound";
    copy.source = "exports/own.json".to_owned();
    let mut home = row(dataset.rows.len() + 2, 60, 1, "Fabrikam Technician", "failed");
    home.side = "home";
    home.child = None;
    home.source = "exports/own.json".to_owned();
    dataset.rows.extend([outbound, copy, home]);
    dataset.exports.push(Export {
        path: "exports/own.json".to_owned(),
        tenant: Some(tenant_id(FABRIKAM)),
        records: 3,
        partner: 3,
        span: Some((minutes_before_end(DAY), minutes_before_end(60))),
        ..Export::default()
    });
}

fn add_other_provider(dataset: &mut Dataset) {
    for (child, verdict) in [(1, "succeeded"), (1, "succeeded"), (2, "blocked")] {
        let mut row = row(dataset.rows.len(), 500, child, "Northwind Technician", verdict);
        row.partner = Some(tenant_id(NORTHWIND));
        row.matched = "service_provider";
        row.source = "exports/Contoso Ltd.json".to_owned();
        let (name, demanded, matched) = DEVICE;
        row.policies.push(Policy {
            id: format!("{name} of {child}"),
            name: name.to_owned(),
            blocks: verdict == "blocked",
            would_block: false,
            matched,
            demanded,
        });
        dataset.rows.push(row);
        if let Some(export) = dataset.exports.first_mut() {
            export.partner += 1;
            export.records += 1;
        }
    }
    if let Some(row) =
        dataset.rows.iter_mut().find(|row| row.account.as_deref() == Some("svc-liongard"))
    {
        row.policies.push(Policy {
            id: "report-only".to_owned(),
            name: "CA020 Report-only MFA".to_owned(),
            blocks: false,
            would_block: true,
            matched: "users",
            demanded: "Mfa",
        });
    }
}
