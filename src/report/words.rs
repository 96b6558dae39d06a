//! Phrases that all formats share: numbers, times, names, lists of controls and conditions.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{RunFacts, clean};
use crate::dataset::Custody;
use crate::error_code::ErrorCode;
use crate::policy::{condition_word, control_word};
use crate::remedy::{Remedy, Share};
use crate::summary::state::{CustomerState, Doubt};
use crate::summary::{
    BlockedAccount, CustomerSummary, PartnerSummary, ProviderSummary, Waiting, WaitingKind,
};
use crate::tenant::TenantId;
use crate::who::short_account;

/// A sentence with the full stop that it may lack.
pub(super) fn full_stop(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// A number with commas between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 customer`, `2 customers`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

pub(super) fn customers(count: u64) -> String {
    counted(count, "customer", "customers")
}

/// A size in the unit in which people say it.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let Some((unit, name)) = UNITS.into_iter().find(|&(unit, _)| bytes >= unit) else {
        return format!("{bytes} bytes");
    };
    let tenths = bytes / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

pub(super) fn duration(elapsed: std::time::Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0 => format!("{} ms", elapsed.as_millis()),
        1..=59 => format!("{}.{} s", seconds, elapsed.subsec_millis() / 100),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// What a run read; nothing where the dataset alone was looked at.
pub(super) fn work(facts: &RunFacts) -> String {
    if facts.files == 0 {
        return String::new();
    }
    let mut work = format!("{}, {}", counted(facts.files, "file", "files"), bytes(facts.bytes));
    if let Some(elapsed) = facts.elapsed {
        work.push_str(&format!(", {}", duration(elapsed)));
    }
    work
}

/// A moment as a table shows it; the head says that times are UTC.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b %H:%M").to_string()
}

pub(super) fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %b").to_string()
}

/// A moment with its year, for documents that are kept.
pub(super) fn full_moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// Since when a customer has been in trouble.
pub(super) fn since(customer: &CustomerSummary) -> String {
    match customer.since {
        Some(since) if customer.since_before_evidence => format!("before {}", day(since)),
        Some(since) => moment(since),
        None if customer.state == CustomerState::Partly => "at times".to_owned(),
        None => String::new(),
    }
}

/// Since when, and that the evidence is older than that of others.
pub(super) fn since_and_as_of(customer: &CustomerSummary) -> String {
    let since = since(customer);
    match customer.now.filter(|_| customer.is_stale) {
        Some(now) => format!("{since} (as of {}, stale)", day(now)),
        None => since,
    }
}

/// The last moment of a customer's evidence.
pub(super) fn as_of(customer: &CustomerSummary) -> String {
    let stale = if customer.is_stale { ", stale" } else { "" };
    customer.now.map(|now| format!("{}{stale}", full_moment(now))).unwrap_or_default()
}

/// A tenant's name, or the start of its id.
pub(super) fn tenant(name: Option<&str>, id: TenantId) -> String {
    name.map_or_else(|| id.short(), str::to_owned)
}

pub(super) fn customer(customer: &CustomerSummary) -> String {
    tenant(customer.child_name.as_deref(), customer.child_tenant_id)
}

/// A partner as sentences name it.
pub(super) fn partner(partner: &PartnerSummary) -> String {
    tenant(partner.name.as_deref(), partner.tenant_id)
}

/// A provider with the start of its id: names alone can be chosen by anyone.
pub(super) fn provider(provider: &ProviderSummary, name_columns: usize) -> String {
    let account = provider.example_account.as_deref().map(short_account);
    let name = provider.name.as_deref().map(Cow::Borrowed).or(account);
    let name = name.map(|name| clean::clean(&name, name_columns));
    match (provider.home_tenant_id, name) {
        (Some(id), Some(name)) => format!("{name} {}", id.short()),
        (Some(id), None) => id.short(),
        (None, _) => "home tenant not named".to_owned(),
    }
}

pub(super) fn state(state: CustomerState) -> &'static str {
    match state {
        CustomerState::Blocked => "blocked now",
        CustomerState::Partly => "partly blocked",
        CustomerState::Failing => "failing, not by a policy",
        CustomerState::GettingIn => "getting in",
        CustomerState::CannotTell => "cannot tell",
        CustomerState::NoLog => "no log here",
    }
}

/// A customer's state with what must be said beside it.
pub(super) fn state_of(customer: &CustomerSummary) -> String {
    let words = state(customer.state);
    match (customer.doubt, customer.state) {
        (Some(doubt), _) => format!("{words}: {}", doubt_words(doubt)),
        (None, CustomerState::GettingIn) if customer.recovered => format!("{words}, recovered"),
        (None, _) => words.to_owned(),
    }
}

pub(super) fn doubt_words(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Blind => "the logs could not show a block",
        Doubt::NeverTried => "no sign-in of the partner",
        Doubt::NotTriedLately => "no finished try in 14 days",
    }
}

/// Who does not get through: everybody, tools, or persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    All,
    /// Each name once; a name may hold a comma.
    Tools(Vec<String>),
    Persons(usize),
}

pub(super) fn refused(customer: &CustomerSummary) -> Refused {
    let accounts = &customer.blocked_accounts;
    if customer.all_accounts_blocked && accounts.len() > 1 {
        return Refused::All;
    }
    let mut tools: Vec<String> = Vec::new();
    for name in accounts.iter().filter(|account| account.is_integration).map(tool) {
        if !tools.contains(&name) {
            tools.push(name);
        }
    }
    if tools.is_empty() { Refused::Persons(accounts.len()) } else { Refused::Tools(tools) }
}

/// The same in a word or two.
pub(super) fn who(customer: &CustomerSummary) -> String {
    match refused(customer) {
        Refused::All => "all".to_owned(),
        Refused::Tools(tools) => tools.join(", "),
        Refused::Persons(1) => "1 person".to_owned(),
        Refused::Persons(persons) => format!("{persons} persons"),
    }
}

/// A tool by its name, else by that of its app, where it uses only one.
pub(super) fn tool(account: &BlockedAccount) -> String {
    match (&account.tool, account.apps.as_slice()) {
        (Some(tool), _) => tool.clone(),
        (None, [app]) => app.clone(),
        (None, _) => account_name(account),
    }
}

/// An account by the name under which people know it.
pub(super) fn account_name(account: &BlockedAccount) -> String {
    let known = account.account_name.as_deref().map(Cow::Borrowed);
    known.unwrap_or_else(|| short_account(&account.account)).into_owned()
}

pub(super) fn controls(names: &[String]) -> String {
    if names.is_empty() {
        return "not shown by this log".to_owned();
    }
    distinct(names.iter().map(|name| strength(name).unwrap_or_else(|| control_word(name))))
}

/// The name of an authentication strength without what the log says of its result.
fn strength(control: &str) -> Option<&str> {
    let name = control.strip_prefix("authentication strength: ")?;
    let without_result = name.rsplit_once(" (").filter(|(_, result)| {
        result.strip_suffix(')').is_some_and(|word| word.chars().all(char::is_alphanumeric))
    });
    Some(without_result.map_or(name, |(name, _)| name))
}

pub(super) fn conditions(names: &[String]) -> String {
    if names.is_empty() {
        return "not shown by this log".to_owned();
    }
    distinct(names.iter().map(|name| condition_word(name)))
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// A policy by its name, else by its id.
pub(super) fn policy(name: &str, id: &str) -> String {
    match (name.is_empty(), id.is_empty()) {
        (false, _) => name.to_owned(),
        (true, false) => id.to_owned(),
        (true, true) => "(a policy that the log does not name)".to_owned(),
    }
}

/// A moment in a sentence that leaves the house: `12 Nov 2026 02:10 UTC`.
pub(super) fn told_moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y %H:%M UTC").to_string()
}

/// The same without the time of day.
pub(super) fn told_day(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// To the second, as the portal shows it beside a request id.
pub(super) fn proof_moment(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y %H:%M:%S UTC").to_string()
}

/// `2 of 3 routes (440 of 448 tries)`.
pub(super) fn share(of: Share, total: Share) -> String {
    format!(
        "{} of {} ({} of {})",
        number(of.routes),
        counted(total.routes, "route", "routes"),
        number(of.tries),
        counted(total.tries, "try", "tries"),
    )
}

/// Of policies that every try met.
pub(super) fn all_policies(count: usize) -> &'static str {
    if count == 2 { "both policies" } else { "all of these policies" }
}

/// Why a policy waits behind those that refuse, and how sure that is.
pub(super) fn waiting(waiting: &Waiting) -> String {
    let kind = match waiting.kind {
        WaitingKind::ReportOnly => "report-only, would block",
        WaitingKind::Blocks => "blocked other tries of the same app",
    };
    format!("{kind}; {}", if waiting.is_certain { "certain" } else { "likely" })
}

/// What the partner does in its own tenant or tool.
pub(super) fn own_remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::ClearRisk => {
            "the account is a risk in the partner tenant: investigate, then clear it in Risky users; \
             never exclude"
        }
        Remedy::SignInInBrowser => {
            "sign in again in the browser, not by device code; never exclude"
        }
        Remedy::StopLegacyClient => "give up legacy authentication in the tool; never exclude",
        Remedy::SignInWithMfa => "sign in again with Microsoft MFA in the partner tenant",
        Remedy::SignInWithStrength => {
            "sign in again with a method that the strength accepts; only if there is none, exclude"
        }
        Remedy::SignInAgain => "sign in again: the session was over",
        Remedy::MeetSecurityDefaults => {
            "sign in again with Microsoft MFA; security defaults have no exclusions"
        }
        Remedy::TrustMfa => "trust MFA of the partner tenant for guests",
        Remedy::TrustDevices => "trust devices of the partner tenant, and sign in from one",
        Remedy::Exclude(_) | Remedy::ExcludeFromSession => "exclude, replacement policy first",
        Remedy::LookFirst(_) => "look at the policy first: the log does not say enough",
        Remedy::Investigate(_) => "do not open, investigate",
    }
}

/// Each word once, in the order in which it came first.
pub(super) fn distinct<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut once: Vec<&str> = Vec::new();
    for word in words {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    once.join(", ")
}

pub(super) fn error_code(code: Option<i32>) -> String {
    code.map_or_else(|| "no code".to_owned(), |code| ErrorCode(code).to_string())
}

pub(super) fn cause(code: Option<i32>, cause: Option<&str>) -> String {
    let unknown =
        if code.is_none() { "the export shows no code" } else { "not in the table of codes" };
    cause.unwrap_or(unknown).to_owned()
}

/// What a log cannot show, in words for people; most of the stable names are such words.
pub fn blind_spot_words(name: &str) -> &str {
    match name {
        "refused without P1" => "Graph refuses without P1; the portal's download works",
        "blocked at export" => "the export was blocked by policy, seen at export",
        "refused without rights" => "Graph refuses: AuditLog.Read.All is missing",
        "refused at export" => "the export was refused",
        "no home tenant" => "no home tenant: partners are known by their domains only",
        "partial answer" => "the answer of the query is not whole",
        "gaps in time" => "a day or more is missing in between",
        "retention edge" => "it reaches back as far as Entra keeps sign-ins",
        known => known,
    }
}

/// What the user said of the case, a line each.
pub(super) fn custody(custody: &Custody) -> Vec<String> {
    let Custody { case, examiner, note } = custody;
    let told = [("Case", case), ("Examiner", examiner), ("Note", note)];
    let line = |(what, text): (&str, &Option<String>)| Some(format!("{what}: {}", text.as_ref()?));
    told.into_iter().filter_map(line).collect()
}
