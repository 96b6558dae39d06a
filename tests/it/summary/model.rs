//! The summary against a slow, plain fold over the same rows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use tenantsweep::summary::{Summary, SummaryOptions};

use super::parts::{Dataset, Export, Policy, Row, Tenant, minutes_before_end, tenant_id};
use super::summary_of;

const LISTED: u32 = 100;
const OTHER: u32 = 200;

/// Counts by verdict word, `disputed` and `tries`.
type Figures = BTreeMap<&'static str, u64>;

#[derive(Debug, Default, PartialEq, Eq)]
struct Model {
    totals: Figures,
    pairs: BTreeMap<(String, String), Figures>,
    /// Customer and policy: blocked, would block.
    policies: BTreeMap<(String, String), (u64, u64)>,
    /// Error code: sign-ins, tries, customers.
    causes: BTreeMap<i32, (u64, u64, usize)>,
    states: BTreeMap<String, &'static str>,
}

fn bump(figures: &mut Figures, word: &'static str) {
    *figures.entry(word).or_default() += 1;
}

fn model_of(dataset: &Dataset) -> Model {
    let inbound: BTreeSet<&str> =
        dataset.customers.iter().filter(|c| c.has_inbound).map(|c| c.id.as_str()).collect();
    let counts = |row: &&Row| {
        let Some(child) = &row.child else { return false };
        let once =
            row.side == "inbound" || row.side == "outbound" && !inbound.contains(child.as_str());
        once && row.matched != "app_owner"
    };
    let mut model = Model::default();
    for row in &dataset.rows {
        bump(&mut model.totals, row.verdict);
        if row.disputed {
            bump(&mut model.totals, "disputed");
        }
    }
    let mut counted: Vec<&Row> = dataset.rows.iter().filter(counts).collect();
    counted.sort_by_key(|row| (row.at, row.side, row.id.clone()));
    let mut cause_children: BTreeMap<i32, BTreeSet<&str>> = BTreeMap::new();
    for row in &counted {
        let figures = model.pairs.entry(pair(row)).or_default();
        bump(figures, row.verdict);
        if row.disputed {
            bump(figures, "disputed");
        }
        let flagged = ["blocked", "failed", "unexplained"].contains(&row.verdict);
        if let (true, Some(code), Some(child)) = (flagged, row.code, &row.child) {
            model.causes.entry(code).or_default().0 += 1;
            cause_children.entry(code).or_default().insert(child);
        }
        add_policies(&mut model, row);
    }
    for (code, children) in cause_children {
        model.causes.entry(code).or_default().2 = children.len();
    }
    add_tries(&mut model, dataset, &counted);
    model
}

fn pair(row: &Row) -> (String, String) {
    (row.partner.clone().unwrap_or_default(), row.child.clone().unwrap_or_default())
}

fn add_policies(model: &mut Model, row: &Row) {
    let ids: BTreeSet<(&String, bool, bool)> =
        row.policies.iter().map(|p| (&p.id, p.blocks, p.would_block)).collect();
    for (id, blocks, would_block) in ids.into_iter().filter(|(_, b, w)| *b || *w) {
        let key = (row.child.clone().unwrap_or_default(), id.clone());
        let figures = model.policies.entry(key).or_default();
        figures.0 += u64::from(blocks);
        figures.1 += u64::from(would_block);
    }
}

type RouteOf<'a> = (String, String, &'a Option<String>, &'a str, &'a str);

/// Tries of each route, by scanning back for the try that a row belongs to.
fn add_tries<'a>(model: &mut Model, dataset: &Dataset, counted: &[&'a Row]) {
    let mut routes: BTreeMap<RouteOf<'a>, Vec<Vec<&'a Row>>> = BTreeMap::new();
    for &row in counted {
        let (partner, child) = pair(row);
        let tries =
            routes.entry((partner, child, &row.account, row.app, row.resource)).or_default();
        let same = |rows: &&mut Vec<&Row>| {
            rows.last().is_some_and(|last| {
                row.correlation.is_some()
                    && last.correlation == row.correlation
                    && row.at - last.at <= TimeDelta::minutes(10)
            })
        };
        match tries.iter_mut().find(same) {
            Some(rows) => rows.push(row),
            None => tries.push(vec![row]),
        }
    }
    for ((partner, child, ..), tries) in &mut routes {
        tries.sort_by_key(|rows| rows.last().map(|row| (row.at, row.side, row.id.clone())));
        for rows in tries.iter() {
            bump(model.pairs.entry((partner.clone(), child.clone())).or_default(), "tries");
            bump(&mut model.totals, "tries");
            let Some(last) = rows.last() else { continue };
            let flagged = ["blocked", "failed", "unexplained"].contains(&last.verdict);
            if let (true, Some(code)) = (flagged, last.code) {
                model.causes.entry(code).or_default().1 += 1;
            }
        }
    }
    add_states(model, dataset, &routes);
}

fn add_states(
    model: &mut Model,
    dataset: &Dataset,
    routes: &BTreeMap<RouteOf<'_>, Vec<Vec<&Row>>>,
) {
    let listed = tenant_id(LISTED);
    for customer in &dataset.customers {
        let export = dataset.exports.iter().find(|e| e.tenant.as_ref() == Some(&customer.id));
        let rows = dataset.rows.iter().filter(|row| row.child.as_ref() == Some(&customer.id));
        let any_row = routes.keys().any(|route| route.0 == listed && route.1 == customer.id);
        if export.is_none() && !any_row {
            model.states.insert(customer.id.clone(), "no log here");
            continue;
        }
        let counted =
            rows.filter(|row| routes.values().flatten().flatten().any(|known| known.id == row.id));
        let span_end = export.and_then(|export| export.span).map(|span| span.1);
        let now = counted.map(|row| row.at).chain(span_end).max().unwrap_or_default();
        let own: Vec<(&str, &'static str)> = routes
            .iter()
            .filter(|(route, _)| route.0 == listed && route.1 == customer.id)
            .filter_map(|(route, tries)| {
                Some((route.2.as_deref().unwrap_or_default(), route_state(tries, now)?))
            })
            .collect();
        let integrations: BTreeSet<&str> =
            dataset.integrations.iter().map(|(_, account)| account.as_str()).collect();
        let blind = match export {
            Some(export) => export.blind_spots == "status only",
            None => false,
        };
        model.states.insert(customer.id.clone(), state(&own, &integrations, blind));
    }
}

fn route_state(tries: &[Vec<&Row>], now: DateTime<Utc>) -> Option<&'static str> {
    let letters: Vec<(char, DateTime<Utc>)> = tries
        .iter()
        .filter_map(|rows| rows.last())
        .filter_map(|row| {
            let letter = match (row.verdict, row.disputed) {
                ("succeeded", _) => 'S',
                ("blocked", false) | ("unexplained", _) => 'B',
                ("interrupted", _) => return None,
                _ => 'F',
            };
            Some((letter, row.at))
        })
        .collect();
    let &(newest, at) = letters.last()?;
    if now - at > TimeDelta::days(14) {
        return None;
    }
    let mut week: Vec<char> = letters
        .iter()
        .filter(|(letter, at)| *letter != 'F' && now - *at <= TimeDelta::days(7))
        .map(|(letter, _)| *letter)
        .collect();
    week.dedup();
    let week: String = week.into_iter().collect();
    Some(match newest {
        _ if week.contains("SBSBS") => "intermittent",
        'B' => "blocked",
        'F' => "failing",
        _ => "in",
    })
}

fn state(
    routes: &[(&str, &'static str)],
    integrations: &BTreeSet<&str>,
    blind: bool,
) -> &'static str {
    let accounts: BTreeSet<&str> = routes.iter().map(|(account, _)| *account).collect();
    let with = |wanted: &str| -> BTreeSet<&str> {
        routes.iter().filter(|(_, state)| *state == wanted).map(|(account, _)| *account).collect()
    };
    let general = |hit: &BTreeSet<&str>| {
        !hit.is_empty() && (*hit == accounts || hit.iter().any(|a| integrations.contains(a)))
    };
    let (blocked, failing) = (with("blocked"), with("failing"));
    if general(&blocked) {
        "blocked"
    } else if !blocked.is_empty() || !with("intermittent").is_empty() {
        "partly"
    } else if general(&failing) {
        "failing"
    } else if blind || routes.is_empty() {
        "cannot tell"
    } else {
        "getting in"
    }
}

/// The same figures out of the real summary.
fn figures_of(summary: &Summary) -> Model {
    let mut model = Model { totals: figures(summary.totals.counts), ..Model::default() };
    let mut add = |partner: String, child: String, counts| {
        let found = figures(counts);
        if !found.is_empty() {
            model.pairs.insert((partner, child), found);
        }
    };
    for customer in &summary.customers {
        let child = customer.child_tenant_id.to_string();
        add(customer.partner_tenant_id.to_string(), child.clone(), customer.counts);
        model.states.insert(child, customer.state.as_str());
    }
    for provider in &summary.other_providers {
        let home = provider.home_tenant_id.map(|id| id.to_string()).unwrap_or_default();
        for customer in &provider.customers {
            add(home.clone(), customer.child_tenant_id.to_string(), customer.counts);
        }
    }
    for policy in &summary.policies {
        let key = (policy.child_tenant_id.to_string(), policy.policy_id.clone());
        let figures = policy.figures;
        model.policies.insert(key, (figures.blocked_sign_ins, figures.would_block_sign_ins));
    }
    for cause in &summary.causes {
        if let Some(code) = cause.error_code {
            let customers = usize::try_from(cause.all.customers).unwrap_or_default();
            model.causes.insert(code, (cause.all.sign_ins, cause.all.tries, customers));
        }
    }
    model
}

fn figures(counts: tenantsweep::summary::Counts) -> Figures {
    [
        ("succeeded", counts.succeeded),
        ("blocked", counts.blocked),
        ("interrupted", counts.interrupted),
        ("failed", counts.failed),
        ("unexplained", counts.unexplained),
        ("disputed", counts.disputed),
        ("tries", counts.tries),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .collect()
}

fn any_row() -> impl Strategy<Value = Row> {
    let verdict =
        select(vec!["succeeded", "blocked", "blocked", "interrupted", "failed", "unexplained"]);
    let side = select(vec!["inbound", "inbound", "inbound", "outbound", "home"]);
    let matched = select(vec!["listed", "listed", "listed", "app_owner"]);
    // Bursts within minutes, spread over three weeks.
    let minutes = (0..8_i64, 0..25_i64).prop_map(|(burst, minute)| burst * 3 * 24 * 60 + minute);
    let correlation = prop_oneof![Just(None), (0..2_u8).prop_map(Some)];
    let names = (0..2_u8, 0..2_u8, 0..2_u8, 0..4_u8);
    let policies = vec((0..3_u8, any::<bool>(), any::<bool>()), 0..3);
    (verdict, side, matched, minutes, correlation, names, 1..4_u32, (any::<bool>(), policies))
        .prop_map(
            |(
                verdict,
                side,
                matched,
                minutes,
                correlation,
                (account, app, code, home),
                child,
                (disputed, policies),
            )| {
                let listed = home > 0;
                Row {
                    id: String::new(),
                    at: minutes_before_end(minutes),
                    partner: Some(tenant_id(if listed { LISTED } else { OTHER })),
                    matched: if listed { matched } else { "service_provider" },
                    child: (side != "home").then(|| tenant_id(child)),
                    side,
                    account: (account > 0).then(|| "technician".to_owned()),
                    app: if app > 0 { "Liongard" } else { "Azure Portal" },
                    resource: "Microsoft Graph",
                    verdict,
                    disputed: disputed && ["blocked", "succeeded"].contains(&verdict),
                    code: Some(if code > 0 { 53003 } else { 50173 }),
                    evidence: "conditions",
                    source: "some.json".to_owned(),
                    correlation: correlation.map(|number| format!("correlation-{number}")),
                    policies: policies.into_iter().map(|p| any_policy(p, verdict)).collect(),
                }
            },
        )
}

fn any_policy((id, blocks, would_block): (u8, bool, bool), verdict: &str) -> Policy {
    Policy {
        id: format!("policy-{id}"),
        name: format!("Policy {id}"),
        blocks: blocks && verdict == "blocked",
        would_block: would_block && !blocks,
        matched: "users, application",
        demanded: "Mfa",
    }
}

fn any_dataset() -> impl Strategy<Value = Dataset> {
    let customers = vec((any::<bool>(), any::<bool>(), any::<bool>()), 4);
    (vec(any_row(), 0..60), customers, any::<bool>()).prop_map(
        |(mut rows, customers, integration)| {
            for (number, row) in rows.iter_mut().enumerate() {
                row.id = format!("id-{number}");
            }
            let mut dataset = Dataset { rows, ..Dataset::default() };
            for (number, (has_inbound, has_log, blind)) in (1..).zip(customers) {
                let id = tenant_id(number);
                if has_log {
                    dataset.exports.push(Export {
                        path: format!("{number}.json"),
                        tenant: Some(id.clone()),
                        blind_spots: if blind { "status only" } else { "count at a cap" },
                        span: Some((minutes_before_end(50_000), minutes_before_end(3_000))),
                        ..Export::default()
                    });
                }
                dataset.customers.push(Tenant { id, name: None, listed: true, has_inbound });
            }
            let partner = |number, listed| Tenant {
                id: tenant_id(number),
                name: None,
                listed,
                has_inbound: false,
            };
            dataset.partners = vec![partner(LISTED, true), partner(OTHER, false)];
            if integration {
                dataset.integrations.push((tenant_id(LISTED), "technician".to_owned()));
            }
            dataset
        },
    )
}

proptest! {
    #![proptest_config(crate::cases(48))]

    #[test]
    fn the_summary_is_what_a_plain_fold_says(dataset in any_dataset(), rows_at_a_time in 1..80_u64) {
        let options = SummaryOptions { rows_at_a_time, ..SummaryOptions::default() };
        let summary = summary_of(&dataset, &options);
        prop_assert_eq!(figures_of(&summary), model_of(&dataset));
        let states: u64 = summary.partners.iter().flat_map(|p| p.states.values()).sum();
        prop_assert_eq!(states, 4);
    }
}
