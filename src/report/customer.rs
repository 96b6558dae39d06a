//! One customer in trouble: why, what to do in order, what waits behind it, proof.

use super::clean::clean;
use super::table::{Column, Table};
use super::todo::Act;
use super::words;
use crate::policy::in_reading_order;
use crate::remedy::{Class, PlannedPolicy, Remedy, Step};
use crate::summary::{CustomerSummary, Doer, FailureSummary, ToDo, Waiting, WaitingKind};

/// Proof shown of each customer; more is in the dataset.
const PROOF_SHOWN: usize = 5;
/// Of a policy's name in a sentence.
const NAME_COLUMNS: usize = 60;
/// A policy of Microsoft stays report-only at least so long, then it turns itself on (Microsoft,
/// managed policies of Conditional Access).
const MANAGED_DAYS: i64 = 45;

/// The steps of a customer, in order: what to do, by whom, and what that lets through.
pub(super) fn steps(customer: &CustomerSummary) -> Table {
    let plan = &customer.to_do.plan;
    let mut table = Table::new(vec![
        Column::right("step"),
        Column::left("policy", 16),
        Column::left("applied because of", 18),
        Column::left("required", 12),
        Column::left("what to do", 30),
        Column::left("would let through, by these logs", 20),
    ]);
    for (number, step) in plan.steps.iter().enumerate() {
        for (place, policy) in policies_of(customer, step).enumerate() {
            let is_first = place == 0;
            table.rows.push(vec![
                if is_first { (number + 1).to_string() } else { String::new() },
                name(policy),
                words::conditions(&in_reading_order(&policy.facts.matched)),
                required(policy),
                told_remedy(policy),
                if is_first { let_through(customer, step) } else { String::new() },
            ]);
        }
    }
    table
}

fn policies_of<'a>(
    customer: &'a CustomerSummary,
    step: &'a Step,
) -> impl Iterator<Item = &'a PlannedPolicy> {
    let policies = &customer.to_do.plan.policies;
    step.policies.iter().filter_map(|&policy| policies.get(policy))
}

fn name(policy: &PlannedPolicy) -> String {
    clean(&words::policy(&policy.facts.policy_name, &policy.facts.policy_id), NAME_COLUMNS)
}

/// What a policy asks for.
pub(super) fn required(policy: &PlannedPolicy) -> String {
    let controls: Vec<String> =
        policy.facts.demanded.iter().chain(&policy.facts.session).cloned().collect();
    let told = words::controls(&controls);
    if policy.facts.has_several_controls() {
        return format!("{told} (any one or all: the log does not say)");
    }
    told
}

/// What is done about a policy that refuses.
pub(super) fn told_remedy(policy: &PlannedPolicy) -> String {
    if policy.is_held_back {
        return "nothing yet: every try is refused for a risk or an unknown address, too"
            .to_owned();
    }
    words::own_remedy(policy.remedy).to_owned()
}

fn let_through(customer: &CustomerSummary, step: &Step) -> String {
    let mut share = words::share(step.let_through, customer.to_do.plan.total);
    if policies_of(customer, step).any(|policy| matches!(policy.remedy, Remedy::LookFirst(_))) {
        share.push_str(", if the policy allows it");
    }
    match (step.class, step.helps) {
        (Class::Never, _) => String::new(),
        (_, true) => share,
        (_, false) => "nothing more by itself".to_owned(),
    }
}

/// What has to be said beside the steps.
pub(super) fn remarks(customer: &CustomerSummary) -> Vec<String> {
    let ToDo { plan, doer, .. } = &customer.to_do;
    let mut lines = Vec::new();
    if plan.all_meet_all() {
        let all = words::all_policies(plan.policies.len());
        lines.push(format!("Every try met {all}: one change alone does not help."));
    }
    if !plan.is_exact {
        lines
            .push("So many policies that the order is a good one, not surely the best.".to_owned());
    }
    if plan.unknown.tries > 0 {
        let tries = words::counted(plan.unknown.tries, "try is", "tries are");
        lines.push(format!(
            "{tries} refused by a policy that the log does not show: export again as Security Reader."
        ));
    }
    if plan.has(Class::MeetCondition) || plan.has(Class::Exclusion) {
        lines.push(match doer {
            Doer::Technicians(at) => format!(
                "Who can make the change: your technicians got into the portal there, last {}; else \
                 the customer's administrator.",
                words::full_moment(*at)
            ),
            Doer::CustomerOnly => {
                "Who can make the change: the customer's own administrator; the portal refuses you, \
                 too."
                    .to_owned()
            }
            Doer::NotShown => "Who can make the change: the customer's administrator; the log does not \
                 show whether your technicians get into the portal there."
                .to_owned(),
        });
    }
    lines.extend(customer.to_do.waiting.iter().map(behind));
    lines
}

/// `Behind it: CA050 (report-only, would block; certain), since 3 Nov.`
fn behind(waiting: &Waiting) -> String {
    let name = words::policy(&waiting.policy_name, &waiting.policy_id);
    let is_managed = crate::remedy::facts::is_microsoft_managed(&waiting.policy_name);
    let turns_on = if is_managed && waiting.kind == WaitingKind::ReportOnly {
        let earliest = waiting.first_at + chrono::TimeDelta::days(MANAGED_DAYS);
        format!(
            " Microsoft's own: it turns itself on, 45 days after it came or later (first seen {}, so \
             perhaps from {} on).",
            words::day(waiting.first_at),
            words::day(earliest)
        )
    } else {
        String::new()
    };
    format!(
        "Behind it: {} ({}), last met {}.{turns_on}",
        clean(&name, NAME_COLUMNS),
        words::waiting(waiting),
        words::full_moment(waiting.last_at)
    )
}

/// What fails for reasons that no policy in the log explains.
pub(super) fn failures(customer: &CustomerSummary) -> Table {
    let mut table = Table::new(vec![
        Column::left("error code", 13),
        Column::left("cause", 20),
        Column::left("who can put it right", 12),
        Column::left("what to do", 30),
        Column::right("routes"),
        Column::right("tries"),
    ]);
    for failure in &customer.to_do.failures {
        table.rows.push(vec![
            words::error_code(failure.error_code),
            failure.cause.clone(),
            failure.who_fixes.words().to_owned(),
            failure_remedy(failure).to_owned(),
            words::number(failure.routes),
            words::number(failure.tries),
        ]);
    }
    table
}

/// What is done about tries that no policy in the log explains.
pub(super) fn failure_remedy(failure: &FailureSummary) -> &str {
    if Act::of_failure(failure) == Act::ExportAgain {
        return "Export again as Security Reader: the log does not show which policy.";
    }
    &failure.remedy
}

/// The newest refused sign-ins, with where their records lie.
pub(super) fn proof(customer: &CustomerSummary) -> Table {
    let mut table = Table::new(vec![
        Column::left("when (UTC)", 19),
        Column::left("request id", 36),
        Column::left("correlation id", 36),
        Column::left("error code", 13),
        Column::left("app", 12),
        Column::left("file", 20),
        Column::right("offset"),
    ]);
    for proof in customer.to_do.proof.iter().take(PROOF_SHOWN) {
        table.rows.push(vec![
            proof.at.format("%Y-%m-%d %H:%M:%S").to_string(),
            proof.sign_in_id.clone(),
            proof.correlation_id.clone().unwrap_or_default(),
            words::error_code(proof.error_code),
            proof.app_name.clone().unwrap_or_default(),
            proof.source_export.clone().unwrap_or_default(),
            proof.source_offset.to_string(),
        ]);
    }
    table
}
