//! Every way from state to state, by the routes.

use super::ChangeKind::*;
use super::standing::SCHEMA;
use super::*;
use crate::summary::state::RouteState;
use CustomerState::{Blocked, Failing, GettingIn, Partly};
use chrono::DateTime;

fn tenant(number: u32) -> TenantId {
    TenantId::parse(&format!("c0000000-0000-4000-8000-{number:012}")).expect("a GUID")
}

fn customer(state: CustomerState, policies: &[&str]) -> CustomerStanding {
    let policy = |id: &&str| PolicyStanding {
        policy_id: (*id).to_owned(),
        policy_name: format!("name of {id}"),
        demanded: vec!["block".to_owned()],
    };
    CustomerStanding {
        child_tenant_id: tenant(1),
        child_name: None,
        partner_tenant_id: tenant(99),
        state,
        doubt: None,
        recovered: state == GettingIn,
        since: None,
        since_before_evidence: false,
        as_of: None,
        policies: policies.iter().map(policy).collect(),
        policy_not_shown: false,
        error_code: None,
        tries: 0,
        blocked_tries: 0,
        routes: Vec::new(),
    }
}

fn at(hour: i64, customer: CustomerStanding) -> CustomerStanding {
    CustomerStanding { as_of: DateTime::from_timestamp(hour * 3600, 0), ..customer }
}

fn at_hour(hour: i64, standing: Standing) -> Standing {
    Standing { customers: vec![at(hour, customer(GettingIn, &[]))], ..standing }
}

fn standing(customers: Vec<CustomerStanding>) -> Standing {
    Standing { schema: SCHEMA, customers, ..Standing::default() }
}

fn kind(before: Option<CustomerStanding>, now: CustomerStanding) -> Option<ChangeKind> {
    let before = before.map(|before| standing(vec![before]));
    let changes = Changes::between(before.as_ref(), &standing(vec![now]));
    assert_eq!(changes.is_first, before.is_none());
    changes.customers.first().map(|change| change.kind)
}

#[test]
fn each_way_from_state_to_state_has_a_name() {
    let none: &[&str] = &[];
    let cases: &[(Option<CustomerState>, CustomerState, Option<ChangeKind>)] = &[
        (None, Blocked, Some(NewlyBlocked)),
        (None, Partly, Some(NewlyBlocked)),
        (None, Failing, Some(NewlyFailing)),
        (None, GettingIn, None),
        (None, CustomerState::CannotTell, Some(CannotTell)),
        (None, CustomerState::NoLog, Some(NoLog)),
        (Some(GettingIn), Blocked, Some(NewlyBlocked)),
        (Some(Partly), Blocked, Some(NewlyBlocked)),
        (Some(CustomerState::NoLog), Partly, Some(NewlyBlocked)),
        (Some(Blocked), Blocked, None),
        (Some(Blocked), Partly, Some(Eased)),
        (Some(Blocked), GettingIn, Some(Resolved)),
        (Some(Failing), GettingIn, Some(Resolved)),
        (Some(Blocked), Failing, Some(NewlyFailing)),
        (Some(Failing), Failing, None),
        // Blind evidence resolves nothing.
        (Some(Blocked), CustomerState::CannotTell, Some(NoLongerShown)),
        (Some(Partly), CustomerState::NoLog, Some(NoLongerShown)),
        (Some(GettingIn), CustomerState::CannotTell, Some(CannotTell)),
        (Some(CustomerState::CannotTell), GettingIn, Some(CanTell)),
        (Some(CustomerState::NoLog), GettingIn, Some(CanTell)),
        (Some(CustomerState::NoLog), CustomerState::NoLog, None),
    ];
    for &(before, now, expected) in cases {
        let before = before.map(|state| at(1, customer(state, none)));
        let now = at(2, customer(now, none));
        assert_eq!(kind(before.clone(), now.clone()), expected, "{before:?} {now:?}");
    }
}

#[test]
fn only_newer_tries_that_got_in_resolve_a_block() {
    for trouble in [Blocked, Partly, Failing] {
        let before = || Some(at(2, customer(trouble, &["a"])));
        let now = || customer(GettingIn, &[]);
        assert_eq!(kind(before(), at(3, now())), Some(Resolved));
        for not_newer in [at(2, now()), at(1, now()), now()] {
            assert_eq!(kind(before(), not_newer), Some(NoLongerShown));
        }
    }
    // Others get in; what was blocked did not come again.
    let others = CustomerStanding { recovered: false, ..at(3, customer(GettingIn, &[])) };
    assert_eq!(kind(Some(at(2, customer(Blocked, &["a"]))), others), Some(NoLongerShown));
}

#[test]
fn a_policy_that_did_not_block_before_is_a_new_block() {
    let before = Some(customer(Blocked, &["a"]));
    assert_eq!(kind(before.clone(), customer(Blocked, &["a", "b"])), Some(OtherPolicy));
    assert_eq!(kind(before.clone(), customer(Blocked, &["b"])), Some(OtherPolicy));
    assert_eq!(kind(before.clone(), customer(Partly, &["b"])), Some(OtherPolicy));
    assert_eq!(kind(before, customer(Partly, &["a"])), Some(Eased));
    assert_eq!(kind(Some(customer(Blocked, &["a", "b"])), customer(Blocked, &["a"])), None);
    assert!(OtherPolicy.is_new_block() && NewlyBlocked.is_new_block());
    assert!(!Eased.is_new_block());
}

/// A route of a tool or of a person, last tried at this hour.
fn route(account: &str, state: RouteState, hour: i64, policies: &[&str]) -> RouteStanding {
    let last_at = DateTime::from_timestamp(hour * 3600, 0);
    RouteStanding {
        account: account.to_owned(),
        is_integration: account == "tool",
        app: "app".to_owned(),
        app_name: "App".to_owned(),
        resource: "Graph".to_owned(),
        state: Some(state),
        last_at,
        policies: policies.iter().filter_map(|id| Some(((*id).to_owned(), last_at?))).collect(),
        policy_not_shown: false,
    }
}

fn with(routes: Vec<RouteStanding>, customer: CustomerStanding) -> CustomerStanding {
    CustomerStanding { routes, ..customer }
}

/// The one change between two moments of a customer, unchanged trouble included.
fn change(before: &CustomerStanding, now: &CustomerStanding) -> CustomerChange {
    // As it comes back from the file of the sweep before.
    let text = standing(vec![before.clone()]).to_json().expect("JSON");
    let before = Standing::parse(&text).expect("a standing");
    let changes = Changes::between(Some(&before), &standing(vec![now.clone()]));
    let mut all = changes.customers.into_iter().chain(changes.unchanged);
    all.next().expect("a change")
}

#[test]
fn only_the_account_that_was_blocked_shows_that_the_block_is_over() {
    use RouteState::{Blocked as Shut, Failing as Fails, GettingIn as In, Recovered};
    let blocked = |routes| at(10, with(routes, customer(Blocked, &["a"])));
    // Some route of the customer has recovered: that alone says nothing of the others.
    let getting_in = |routes| at(20, with(routes, customer(GettingIn, &[])));
    let tool = || route("tool", Shut, 9, &["a"]);
    let person = || route("person", Shut, 9, &["a"]);
    let cases = [
        (vec![tool()], vec![route("tool", In, 11, &[])], Resolved, PolicyFate::NotSince),
        (vec![tool()], vec![route("person", In, 11, &[])], NoLongerShown, PolicyFate::NotSeen),
        (
            vec![tool(), person()],
            vec![route("person", Recovered, 11, &[])],
            PartlyResolved,
            PolicyFate::NotSeen,
        ),
        // Tried before the block was seen, or never since.
        (vec![tool()], vec![route("tool", In, 9, &[])], NoLongerShown, PolicyFate::NotSeen),
        (vec![tool()], vec![route("tool", Fails, 11, &[])], NewlyFailing, PolicyFate::NotSeen),
    ];
    for (before, now, kind, fate) in cases {
        let told = change(&blocked(before.clone()), &getting_in(now.clone()));
        assert_eq!(told.kind, kind, "{before:?} {now:?}");
        assert_eq!(told.policies[0].fate, fate, "{before:?} {now:?}");
    }
    // With another app, or at another resource, it is another route.
    let elsewhere = RouteStanding { resource: "Exchange".to_owned(), ..route("tool", In, 11, &[]) };
    let told = change(&blocked(vec![tool()]), &getting_in(vec![elsewhere]));
    assert_eq!(told.kind, NoLongerShown);
    // Blind evidence.
    let blind = customer(CustomerState::CannotTell, &[]);
    let told =
        change(&blocked(vec![tool()]), &at(20, with(vec![route("tool", In, 11, &[])], blind)));
    assert_eq!((told.kind, told.routes[0].fate), (NoLongerShown, RouteFate::CannotTell));
    // Evidence that reaches no further.
    let told = change(
        &blocked(vec![tool()]),
        &at(10, with(vec![route("tool", In, 10, &[])], customer(GettingIn, &[]))),
    );
    assert_eq!(told.kind, NoLongerShown);
}

#[test]
fn what_is_still_blocked_was_tried_again() {
    use RouteState::{Blocked as Shut, GettingIn as In, Intermittent};
    let stands = |state, hour, ids: &[&str], routes| at(hour, with(routes, customer(state, ids)));
    let before = stands(Blocked, 10, &["a"], vec![route("tool", Shut, 9, &["a"])]);
    let told = |now: CustomerStanding| {
        let told = change(&before, &now);
        (told.kind, told.policies.iter().map(|policy| policy.fate).collect::<Vec<_>>())
    };
    let again = vec![route("tool", Shut, 11, &["a"])];
    assert_eq!(told(stands(Blocked, 20, &["a"], again)), (StillBlocked, vec![PolicyFate::Still]));
    let not_again = || vec![route("tool", Shut, 9, &["a"])];
    let expected = (NoNewTry, vec![PolicyFate::NotSeen]);
    assert_eq!(told(stands(Blocked, 20, &["a"], not_again())), expected);
    // Another one is blocked instead of it, by the same policy: nobody was let in.
    let other = vec![route("person", Shut, 11, &["a"])];
    assert_eq!(told(stands(Partly, 20, &["a"], other)).0, StillBlocked);
    // By another policy, and the first one did not block that try.
    let by_b = vec![route("tool", Shut, 11, &["b"])];
    assert_eq!(
        told(stands(Blocked, 20, &["b"], by_b)),
        (OtherPolicy, vec![PolicyFate::New, PolicyFate::NotSince])
    );
    // The tool gets in, a person does not.
    let eased = vec![route("tool", In, 11, &[]), route("person", Shut, 12, &["a"])];
    assert_eq!(told(stands(Partly, 20, &["a"], eased)).0, Eased);
    // All that is known now was shut before: others only did not come again.
    let partly = stands(Partly, 10, &["a"], vec![route("person", Shut, 9, &["a"])]);
    let alone = stands(Blocked, 20, &["a"], vec![route("person", Shut, 11, &["a"])]);
    assert_eq!(change(&partly, &alone).kind, StillBlocked);
    let at_times = stands(Partly, 10, &["a"], vec![route("person", Intermittent, 9, &["a"])]);
    assert_eq!(change(&at_times, &alone).kind, NewlyBlocked);
    // Within the days in which swings count, one success is one more swing.
    let in_again = |hour| stands(GettingIn, hour, &[], vec![route("person", In, hour, &[])]);
    assert_eq!(change(&at_times, &in_again(20)).kind, NoLongerShown);
    assert_eq!(change(&at_times, &in_again(9 + 7 * 24)).kind, Resolved);
}

#[test]
fn older_evidence_and_what_is_gone_tell_nothing_new() {
    let before = at(10, customer(GettingIn, &[]));
    assert_eq!(change(&before, &at(9, customer(Blocked, &["a"]))).kind, OlderEvidence);
    let before = at(10, customer(Blocked, &["a"]));
    assert_eq!(change(&before, &at(9, customer(Blocked, &["b"]))).kind, OlderEvidence);
    assert_eq!(change(&before, &at(9, customer(Blocked, &["a"]))).kind, NoNewTry);
    let changes = Changes::between(Some(&standing(vec![before])), &standing(vec![]));
    let told: Vec<_> = changes.customers.iter().map(|c| (c.kind, c.now.state)).collect();
    assert_eq!(told, [(NoLongerShown, CustomerState::NoLog)]);
    // A block of which no policy was named, and one that is: it may be the same.
    let before = CustomerStanding { policy_not_shown: true, ..customer(Blocked, &[]) };
    let told = change(&before, &customer(Blocked, &["a"]));
    assert_eq!((told.kind, told.policies[0].fate), (PolicyNamed, PolicyFate::FirstNamed));
    assert!(PolicyNamed.is_new_block());
}

#[test]
fn another_provider_is_told_where_it_got_in_first() {
    let provider = |children: &[u32]| ProviderStanding {
        home_tenant_id: Some(tenant(50)),
        name: Some("Northwind".to_owned()),
        child_tenant_ids: children.iter().map(|&number| tenant(number)).collect(),
    };
    let at =
        |children: &[u32]| Standing { providers: vec![provider(children)], ..standing(vec![]) };
    let new = |before: Option<Standing>, now: Standing| -> Vec<TenantId> {
        let changes = Changes::between(before.as_ref(), &now);
        changes.providers.into_iter().flat_map(|provider| provider.child_tenant_ids).collect()
    };
    assert_eq!(new(None, at(&[1, 2])), [tenant(1), tenant(2)]);
    assert_eq!(new(Some(at(&[1])), at(&[1, 2])), [tenant(2)]);
    assert!(new(Some(at(&[1, 2])), at(&[1])).is_empty());
    // By older evidence nothing is for the first time.
    let seen = |hour| at_hour(hour, at(&[1]));
    let before = Standing { providers: Vec::new(), ..seen(10) };
    assert!(new(Some(before.clone()), seen(9)).is_empty());
    assert_eq!(new(Some(before), seen(11)), [tenant(1)]);
}

#[test]
fn what_is_forgotten_leaves_and_what_was_not_told_stays() {
    let other = CustomerStanding { child_tenant_id: tenant(2), ..customer(GettingIn, &[]) };
    let provider = |child| ProviderStanding {
        home_tenant_id: Some(tenant(50)),
        name: None,
        child_tenant_ids: BTreeSet::from([tenant(child)]),
    };
    let before = Standing {
        providers: vec![provider(1)],
        ..standing(vec![customer(Blocked, &["a"]), other.clone()])
    };
    let now = CustomerStanding { state: Blocked, ..other.clone() };
    let now = standing(vec![customer(CustomerState::NoLog, &[]), now]);
    let kept = before.forgetting(tenant(1), &now);
    assert_eq!(kept, standing(vec![customer(CustomerState::NoLog, &[]), other]));
    let told = Changes::between(Some(&kept), &now);
    assert_eq!(told.new_block().map(|change| change.now.child_tenant_id), Some(tenant(2)));
    assert_eq!(told.len(), 1);
}

#[test]
fn a_standing_comes_back_from_its_file_and_a_newer_or_damaged_one_is_none() {
    let kept = standing(vec![customer(Blocked, &["a"])]);
    let text = kept.to_json().expect("JSON");
    assert_eq!(Standing::parse(&text), Some(kept));
    let text = String::from_utf8(text).expect("UTF-8");
    let more = text.replacen('{', r#"{"added_later":1,"#, 1);
    assert!(Standing::parse(more.as_bytes()).is_some());
    let older =
        text.replace(r#","tries":0,"blocked_tries":0"#, "").replace(r#","partners":{}"#, "");
    assert!(older.len() < text.len() - 40, "{text}");
    assert_eq!(Standing::parse(older.as_bytes()), Standing::parse(text.as_bytes()));
    assert_eq!(Standing::parse(text.replace(r#""schema":1"#, r#""schema":2"#).as_bytes()), None);
    assert_eq!(Standing::parse(&text.as_bytes()[..40]), None);
}
