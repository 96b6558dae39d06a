//! What to do, in summary.json.

use serde::Serialize;

use super::super::todo::{self, Act, Group};
use super::{Account, Moment};
use crate::remedy::{PlannedPolicy, Share, Step};
use crate::summary::{self, Doer, Summary, WaitingKind};

/// All that one who acts has to do.
#[derive(Serialize)]
pub(super) struct Acting {
    /// The same number in every report.
    number: usize,
    act: &'static str,
    customers: usize,
    policies: usize,
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct Action {
    action: String,
    error_code: String,
    customers: usize,
}

impl Acting {
    pub(super) fn all(summary: &Summary) -> Vec<Self> {
        todo::groups(summary).iter().map(|(act, group)| Self::of(*act, group)).collect()
    }

    fn of(act: Act, group: &Group) -> Self {
        let actions = group.lines().into_iter().map(|(action, code, customers)| Action {
            action,
            error_code: code.to_owned(),
            customers,
        });
        Self {
            number: act.number(),
            act: act.as_str(),
            customers: group.customers.len(),
            policies: group.policies.len(),
            actions: actions.collect(),
        }
    }
}

/// What to do about one customer.
#[derive(Serialize)]
pub(super) struct ToDo<'a> {
    /// `technicians`, `customer_only` or `not_shown`.
    doer: &'static str,
    technicians_got_in_at: Option<Moment>,
    steps: Vec<PlanStep<'a>>,
    total: Counted,
    /// Of it what the log shows no policy for.
    unknown: Counted,
    exact_order: bool,
    failures: Vec<Failure<'a>>,
    waiting: Vec<Waiting<'a>>,
    proof: Vec<Proof<'a>>,
}

#[derive(Serialize)]
struct Counted {
    routes: u64,
    tries: u64,
}

impl Counted {
    fn of(share: Share) -> Self {
        Self { routes: share.routes, tries: share.tries }
    }
}

#[derive(Serialize)]
struct PlanStep<'a> {
    class: &'static str,
    policies: Vec<StepPolicy<'a>>,
    /// This step and those before it, by what these logs show.
    would_let_through: Counted,
    helps: bool,
}

#[derive(Serialize)]
struct StepPolicy<'a> {
    policy_id: &'a str,
    policy_name: &'a str,
    remedy: &'static str,
    never_exclude: bool,
    refused: Counted,
    held_back: bool,
    several_controls: bool,
    microsoft_managed: bool,
}

impl<'a> StepPolicy<'a> {
    fn of(policy: &'a PlannedPolicy) -> Self {
        Self {
            policy_id: &policy.facts.policy_id,
            policy_name: &policy.facts.policy_name,
            remedy: policy.remedy.as_str(),
            never_exclude: policy.remedy.never_exclude(),
            refused: Counted::of(policy.refused),
            held_back: policy.is_held_back,
            several_controls: policy.facts.has_several_controls(),
            microsoft_managed: policy.facts.is_microsoft_managed(),
        }
    }
}

#[derive(Serialize)]
struct Failure<'a> {
    error_code: Option<i32>,
    act: &'static str,
    unexplained: bool,
    category: &'static str,
    who_fixes: &'static str,
    cause: &'a str,
    remedy: &'a str,
    accounts: Vec<Account<'a>>,
    routes: u64,
    tries: u64,
}

#[derive(Serialize)]
struct Waiting<'a> {
    policy_id: &'a str,
    policy_name: &'a str,
    kind: &'static str,
    certain: bool,
    demanded: &'a [String],
    first_at: Moment,
    last_at: Moment,
}

#[derive(Serialize)]
struct Proof<'a> {
    at: Moment,
    sign_in_id: &'a str,
    correlation_id: Option<&'a str>,
    error_code: Option<i32>,
    account: Option<&'a str>,
    app_name: Option<&'a str>,
    resource_name: Option<&'a str>,
    source_export: Option<&'a str>,
    source_offset: u64,
}

impl<'a> ToDo<'a> {
    /// Nothing where there is nothing to do.
    pub(super) fn of(to_do: &'a summary::ToDo) -> Option<Self> {
        if *to_do == summary::ToDo::default() {
            return None;
        }
        let (doer, at) = match to_do.doer {
            Doer::Technicians(at) => ("technicians", Some(Moment(at))),
            Doer::CustomerOnly => ("customer_only", None),
            Doer::NotShown => ("not_shown", None),
        };
        let plan = &to_do.plan;
        let policies = |step: &Step| {
            let places = step.policies.iter().filter_map(|&place| plan.policies.get(place));
            places.map(StepPolicy::of).collect()
        };
        Some(Self {
            doer,
            technicians_got_in_at: at,
            steps: plan
                .steps
                .iter()
                .map(|step| PlanStep {
                    class: step.class.as_str(),
                    policies: policies(step),
                    would_let_through: Counted::of(step.let_through),
                    helps: step.helps,
                })
                .collect(),
            total: Counted::of(plan.total),
            unknown: Counted::of(plan.unknown),
            exact_order: plan.is_exact,
            failures: to_do.failures.iter().map(failure).collect(),
            waiting: to_do.waiting.iter().map(waiting).collect(),
            proof: to_do.proof.iter().map(proof).collect(),
        })
    }
}

fn failure(failure: &summary::FailureSummary) -> Failure<'_> {
    Failure {
        error_code: failure.error_code,
        act: Act::of_failure(failure).as_str(),
        unexplained: failure.is_unexplained,
        category: failure.category.as_str(),
        who_fixes: failure.who_fixes.as_str(),
        cause: &failure.cause,
        remedy: &failure.remedy,
        accounts: failure.accounts.iter().map(Account::of).collect(),
        routes: failure.routes,
        tries: failure.tries,
    }
}

fn waiting(waiting: &summary::Waiting) -> Waiting<'_> {
    Waiting {
        policy_id: &waiting.policy_id,
        policy_name: &waiting.policy_name,
        kind: match waiting.kind {
            WaitingKind::ReportOnly => "report_only",
            WaitingKind::Blocks => "blocks",
        },
        certain: waiting.is_certain,
        demanded: &waiting.demanded,
        first_at: Moment(waiting.first_at),
        last_at: Moment(waiting.last_at),
    }
}

fn proof(proof: &summary::Proof) -> Proof<'_> {
    Proof {
        at: Moment(proof.at),
        sign_in_id: &proof.sign_in_id,
        correlation_id: proof.correlation_id.as_deref(),
        error_code: proof.error_code,
        account: proof.account.as_deref(),
        app_name: proof.app_name.as_deref(),
        resource_name: proof.resource_name.as_deref(),
        source_export: proof.source_export.as_deref(),
        source_offset: proof.source_offset,
    }
}
