//! The sentences of a report, for all formats: the answer first, then what must be noticed.

use std::collections::BTreeSet;

use super::missing_logs::next_exports;
use super::{RunFacts, own_tenant, words};
use crate::remedy::facts::is_microsoft_managed;
use crate::summary::state::{CustomerState, Doubt};
use crate::summary::{CustomerSummary, PartnerSummary, ProviderSummary, Summary};
use crate::tenant::TenantId;
use crate::who::short_account;

/// How many other providers are named in the notices; all stand in the table.
const PROVIDERS_NAMED: usize = 2;
/// Wide enough for most notices, and narrow enough for a terminal.
const NOTICE_COLUMNS: usize = 98;
/// Of a provider's name in a sentence: a name must not push the figures out of the line.
const NAME_COLUMNS: usize = 28;

/// That only some sign-ins are told of, if so.
pub(super) fn only_some(summary: &Summary) -> Option<String> {
    let rows = &summary.only_rows;
    (!rows.is_empty()).then(|| {
        let rows = rows.join(", ");
        format!("Only sign-ins with {rows}: every figure and every state is of these alone.")
    })
}

/// The answer in one line for each listed partner, or what is missing for one.
pub(super) fn answers(summary: &Summary) -> Vec<String> {
    if summary.partners.is_empty() {
        return without_partner(summary);
    }
    summary.partners.iter().map(|partner| answer(summary, partner)).collect()
}

fn answer(summary: &Summary, partner: &PartnerSummary) -> String {
    let name = words::partner(partner);
    let all = denominator(summary, partner);
    let blocked = partner.in_state(CustomerState::Blocked);
    let partly = partner.in_state(CustomerState::Partly);
    let failing = partner.in_state(CustomerState::Failing);
    let mut answer = match (blocked, partner.customers()) {
        (_, 0) => return format!("No customer of {name} is in these logs."),
        (0, _) => format!("None of {all} blocks {name} by policy"),
        (1, _) => format!("1 of {all} blocks {name} by policy"),
        (blocked, _) => format!("{} of {all} block {name} by policy", words::number(blocked)),
    };
    if partly > 0 {
        answer.push_str(&format!(
            ", {} {}partly",
            words::number(partly),
            if blocked > 0 { "more " } else { "" }
        ));
    }
    answer.push('.');
    if failing > 0 {
        let verb = if failing == 1 { "fails" } else { "fail" };
        answer.push_str(&format!(" {} {verb} for other reasons.", words::number(failing)));
    }
    if blocked + partly == 0 {
        // "None" is worth as much as the logs that could have shown one.
        let shown = partner.in_state(CustomerState::GettingIn) + failing;
        answer
            .push_str(&format!(" The logs of {} could have shown a block.", words::number(shown)));
    }
    answer
}

fn denominator(summary: &Summary, partner: &PartnerSummary) -> String {
    let customers = partner.customers();
    if summary.has_customer_list {
        return words::customers(customers);
    }
    words::counted(customers, "customer in these logs", "customers in these logs")
}

fn without_partner(summary: &Summary) -> Vec<String> {
    let mut lines =
        vec!["No partner was given, so no customer can be said to block one.".to_owned()];
    let likely = summary
        .other_providers
        .iter()
        .find_map(|provider| Some((provider, provider.home_tenant_id?)));
    match likely {
        Some((provider, id)) => lines.extend(likely_partner(summary, provider, id)),
        None => lines.push(
            "No service provider came in: give your partner tenant with --partner GUID=NAME"
                .to_owned(),
        ),
    }
    lines
}

/// The command line has a line of its own, since no terminal may cut it, and no name out of
/// a log, since people paste it.
fn likely_partner(summary: &Summary, provider: &ProviderSummary, id: TenantId) -> [String; 2] {
    let account = provider
        .example_account
        .as_ref()
        .map(|account| format!(", '{}'", short_account(account)))
        .unwrap_or_default();
    let looks_like = format!(
        "Looks like your partner tenant: {}, in {} of {} tenants{account}.",
        id.short(),
        provider.customers.len(),
        words::number(summary.tenants_in_logs),
    );
    [looks_like, format!("Confirm: --partner {id}=NAME")]
}

/// Up to when the logs reach, and whose tenant is meant.
pub(super) fn evidence(summary: &Summary) -> String {
    let newest = summary.newest_evidence.map_or_else(
        || "No evidence in these logs.".to_owned(),
        |newest| format!("Newest evidence {}.", words::full_moment(newest)),
    );
    let partners: Vec<String> = summary
        .partners
        .iter()
        .map(|partner| match &partner.name {
            Some(name) => format!("{name} {}", partner.tenant_id.short()),
            None => partner.tenant_id.short(),
        })
        .collect();
    match partners.len() {
        0 => newest,
        1 => format!("{newest} Your partner tenant: {}", partners.join(", ")),
        _ => format!("{newest} Your partner tenants: {}", partners.join(", ")),
    }
}

/// What must not be overlooked, the gravest first; the ledger last.
pub(super) fn notices(summary: &Summary, facts: &RunFacts) -> Vec<String> {
    let mut notices: Vec<String> = own_tenant::sentences(summary);
    if !summary.partners.is_empty() {
        notices.extend(other_providers(summary));
    }
    notices.extend(coming_blocks(summary));
    notices.extend(cannot_tell(summary));
    notices.extend(unplaced(summary));
    notices.extend(logs_wanted(summary));
    notices.extend(packed(missing(summary, facts)));
    notices.extend(disputed(summary));
    notices.extend(packed(reservations(summary)));
    notices.extend(ledger(summary));
    notices
}

/// Short sentences side by side, as long as a terminal's line holds them.
fn packed(sentences: Vec<String>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for sentence in sentences {
        match lines.last_mut() {
            Some(line) if line.len() + sentence.len() < NOTICE_COLUMNS => {
                line.push(' ');
                line.push_str(&sentence);
            }
            _ => lines.push(sentence),
        }
    }
    lines
}

fn other_providers(summary: &Summary) -> Vec<String> {
    let named = summary.other_providers.iter().take(PROVIDERS_NAMED).map(other_provider);
    let mut lines: Vec<String> = named.collect();
    let more = summary.other_providers.len().saturating_sub(PROVIDERS_NAMED);
    if more > 0 {
        lines.push(format!("{more} more other providers in report.html. Not on your list."));
    }
    lines
}

fn other_provider(provider: &ProviderSummary) -> String {
    let name = words::provider(provider, NAME_COLUMNS);
    if provider.home_tenant_id.is_none() {
        return format!(
            "Service providers whose home tenant the logs do not name (it may be yours): {}, {} got in.",
            customers_of(provider.customers.len()),
            words::counted(provider.counts.succeeded, "sign-in", "sign-ins"),
        );
    }
    if provider.counts.succeeded > 0 {
        return format!(
            "Other provider, not on your list, got in: {name}, {}, {}.",
            customers_of(provider.customers_got_in()),
            words::counted(provider.counts.succeeded, "time", "times"),
        );
    }
    let customers = customers_of(provider.customers.len());
    format!("Other provider, not on your list, did not get in: {name}, {customers}.")
}

fn customers_of(count: usize) -> String {
    words::customers(u64::try_from(count).unwrap_or(u64::MAX))
}

/// Customers with a report-only policy that would block a listed partner.
fn coming_blocks(summary: &Summary) -> Option<String> {
    let would_block = |partner: TenantId| {
        summary.policies.iter().filter(move |policy| {
            let figures = policy.by_partner.get(&Some(partner));
            figures.is_some_and(|figures| figures.would_block_sign_ins > 0)
        })
    };
    let partners = summary.partners.iter().map(|partner| partner.tenant_id);
    let customers: BTreeSet<TenantId> =
        partners.flat_map(would_block).map(|policy| policy.child_tenant_id).collect();
    let partners = summary.partners.iter().map(|partner| partner.tenant_id);
    let managed: BTreeSet<TenantId> = partners
        .flat_map(would_block)
        .filter(|policy| is_microsoft_managed(&policy.policy_name))
        .map(|policy| policy.child_tenant_id)
        .collect();
    let verb = if customers.len() == 1 { "has" } else { "have" };
    (!customers.is_empty()).then(|| {
        let customers = customers_of(customers.len());
        let managed = match managed.len() {
            0 => String::new(),
            1 => "; 1 is Microsoft's and turns itself on".to_owned(),
            several => format!("; {several} are Microsoft's and turn themselves on"),
        };
        format!("Soon: {customers} {verb} a report-only policy that would block you{managed}.")
    })
}

fn cannot_tell(summary: &Summary) -> Vec<String> {
    let of = |doubt: Doubt| -> Vec<&CustomerSummary> {
        summary.customers.iter().filter(|customer| customer.doubt == Some(doubt)).collect()
    };
    let parts: Vec<String> = [Doubt::Blind, Doubt::NeverTried, Doubt::NotTriedLately]
        .into_iter()
        .filter_map(|doubt| cannot_tell_for(doubt, &of(doubt)))
        .collect();
    packed(parts.into_iter().map(|part| format!("Cannot tell: {part}.")).collect())
}

fn cannot_tell_for(doubt: Doubt, customers: &[&CustomerSummary]) -> Option<String> {
    let count = customers.len();
    let part = format!("{}, {}", customers_of(count), words::doubt_words(doubt));
    let spots: BTreeSet<&str> =
        customers.iter().flat_map(|customer| &customer.blind_spots).map(String::as_str).collect();
    let reasons: Vec<&str> = spots.into_iter().map(words::blind_spot_words).collect();
    match (count, doubt) {
        (0, _) => None,
        (_, Doubt::Blind) if !reasons.is_empty() => {
            Some(format!("{part} ({}): export again, see report.html", reasons.join(", ")))
        }
        _ => Some(part),
    }
}

/// Sign-ins that belong to some customer, and nothing says to which.
fn unplaced(summary: &Summary) -> Option<String> {
    let counts = summary.unplaced;
    let refused = counts.blocked + counts.unexplained;
    let all = refused + counts.succeeded + counts.failed + counts.interrupted;
    (all > 0).then(|| {
        format!(
            "No customer named: {} ({} refused by Conditional Access). Say whose log it is with \
             --tenant-from-path, or --map COLUMN=exporting_tenant_id.",
            words::counted(all, "sign-in", "sign-ins"),
            words::number(refused),
        )
    })
}

fn logs_wanted(summary: &Summary) -> Option<String> {
    if next_exports(summary).is_some() {
        // Said at the end.
        return None;
    }
    let wanted: u64 = summary.partners.iter().map(|partner| partner.logs_wanted).sum();
    let logs = words::counted(wanted, "customer's log", "customers' logs");
    (wanted > 0)
        .then(|| format!("Next: export {logs}; your own log does not show the policies there."))
}

/// What is not here, or is here and was not asked for.
fn missing(summary: &Summary, facts: &RunFacts) -> Vec<String> {
    let mut lines = Vec::new();
    let no_log = of_state(summary, CustomerState::NoLog);
    if no_log > 0 {
        lines.push(format!("{} without a log: missing-logs.csv.", words::customers(no_log)));
    }
    let unlisted = summary.partners.iter().map(|partner| partner.unlisted_customers).max();
    if let Some(unlisted) = unlisted.filter(|&unlisted| unlisted > 0) {
        lines.push(format!("{} not on your list, counted above.", words::customers(unlisted)));
    }
    lines.extend(unreadable(summary, facts));
    lines
}

/// Customers, not pairs of customer and partner.
fn of_state(summary: &Summary, state: CustomerState) -> u64 {
    let customers: BTreeSet<TenantId> = summary
        .customers
        .iter()
        .filter(|customer| customer.state == state)
        .map(|customer| customer.child_tenant_id)
        .collect();
    u64::try_from(customers.len()).unwrap_or(u64::MAX)
}

fn disputed(summary: &Summary) -> Option<String> {
    let disputed: u64 = summary.partners.iter().map(|partner| partner.counts.disputed).sum();
    let sign_ins = words::counted(disputed, "sign-in lists", "sign-ins list");
    (disputed > 0).then(|| {
        format!(
            "Disputed: {sign_ins} a failing policy, the status says otherwise; no state rests on it."
        )
    })
}

/// How far the states can be trusted.
fn reservations(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    let stale = summary.customers.iter().filter(|customer| customer.is_stale).count();
    if stale > 0 {
        lines.push(format!(
            "Stale: evidence on {} ends 3 days or more before the newest.",
            customers_of(stale)
        ));
    }
    let recovered = |customer: &&CustomerSummary| {
        customer.recovered && customer.state == CustomerState::GettingIn
    };
    let recovered = summary.customers.iter().filter(recovered).count();
    if recovered > 0 {
        let verb = if recovered == 1 { "blocks" } else { "block" };
        lines.push(format!("Recovered: {} no longer {verb} you.", customers_of(recovered)));
    }
    lines
}

fn unreadable(summary: &Summary, facts: &RunFacts) -> Option<String> {
    let rejected = summary.ledger.rejected;
    let skipped = facts.files_skipped;
    let mut parts = Vec::new();
    if skipped > 0 {
        parts.push(words::counted(skipped, "file not read", "files not read"));
    }
    if rejected > 0 {
        parts.push(words::counted(rejected, "record unreadable", "records unreadable"));
    }
    (!parts.is_empty()).then(|| format!("{}.", parts.join(", ")))
}

fn ledger(summary: &Summary) -> Option<String> {
    let ledger = summary.ledger;
    if ledger.exports == 0 {
        return None;
    }
    let number = words::number;
    if !ledger.balances() {
        return Some(format!(
            "Records do NOT add up: {} read, {} partners' + {} other + {} double + {} unreadable; {} rows.",
            number(ledger.records),
            number(ledger.partner),
            number(ledger.other),
            number(ledger.duplicate),
            number(ledger.rejected),
            number(ledger.rows),
        ));
    }
    let removed = match ledger.removed {
        0 => String::new(),
        removed => format!(" + {} removed", number(removed)),
    };
    Some(format!(
        "All records accounted for: {} = {} partners' + {} other + {} double + {}{removed}",
        number(ledger.records),
        number(ledger.partner),
        number(ledger.other),
        number(ledger.duplicate),
        match ledger.rejected {
            0 => "0".to_owned(),
            rejected => format!("{} unreadable", number(rejected)),
        },
    ))
}
