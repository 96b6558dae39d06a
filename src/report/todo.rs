//! What to do, over all customers: by who acts, in the order in which it is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::clean::clean;
use super::table::{Column, Table};
use super::words;
use crate::error_code::{Category, WhoFixes};
use crate::remedy::facts::is_risk_code;
use crate::remedy::{Class, PlannedPolicy, Remedy};
use crate::summary::{BlockedAccount, CustomerSummary, Doer, FailureSummary, Summary};
use crate::tenant::TenantId;

/// Of an account or a tool in a line.
const NAME_COLUMNS: usize = 32;
/// Of all names in a line.
const NAMES_COLUMNS: usize = 60;

/// Who acts; the numbers are the same in every report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    OwnTenant,
    ChangePolicy,
    Consent,
    Investigate,
    OtherByCustomer,
    ExportAgain,
}

impl Act {
    pub(super) const ALL: [Self; 6] = [
        Self::OwnTenant,
        Self::ChangePolicy,
        Self::Consent,
        Self::Investigate,
        Self::OtherByCustomer,
        Self::ExportAgain,
    ];

    pub(super) fn number(self) -> usize {
        1 + Self::ALL.iter().position(|act| *act == self).unwrap_or_default()
    }

    /// The word of the machine output.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::OwnTenant => "own_tenant",
            Self::ChangePolicy => "change_policy",
            Self::Consent => "consent",
            Self::Investigate => "investigate",
            Self::OtherByCustomer => "other_by_customer",
            Self::ExportAgain => "export_again",
        }
    }

    /// By which class of a plan it is done.
    pub(super) fn of_class(class: Class) -> Self {
        match class {
            Class::OwnTenant => Self::OwnTenant,
            Class::MeetCondition | Class::Exclusion => Self::ChangePolicy,
            Class::Never => Self::Investigate,
        }
    }

    /// By whom tries are put right that no policy in the log explains.
    pub(super) fn of_failure(failure: &FailureSummary) -> Self {
        let is_risk = failure.error_code.is_some_and(is_risk_code);
        match (failure.category, failure.who_fixes) {
            _ if is_risk => Self::OwnTenant,
            (Category::Risk, _) => Self::Investigate,
            (Category::Consent, _) => Self::Consent,
            // The code says what to do; the policy is not needed for that.
            (Category::ConditionalAccess, WhoFixes::Partner) => Self::OwnTenant,
            (Category::ConditionalAccess | Category::Device, _) if failure.is_unexplained => {
                Self::ExportAgain
            }
            _ if failure.is_unexplained && failure.error_code.is_none() => Self::ExportAgain,
            (Category::Unknown, _) if failure.is_unexplained => Self::ExportAgain,
            (Category::Mfa | Category::SecurityDefaults | Category::PartnerRelationship, _) => {
                Self::OwnTenant
            }
            (_, WhoFixes::Partner | WhoFixes::Microsoft) => Self::OwnTenant,
            (_, WhoFixes::Child | WhoFixes::Both) => Self::OtherByCustomer,
        }
    }
}

/// All that one kind of actor does.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) customers: BTreeSet<TenantId>,
    pub(super) policies: BTreeSet<(TenantId, String)>,
    /// Customers in which technicians got into the portal lately.
    pub(super) own_hands: BTreeSet<TenantId>,
    lines: BTreeMap<Action, Acted>,
}

/// What someone does, because of an error code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Action {
    /// `: authorise again`, behind the names.
    tail: String,
    code: String,
}

/// By or for whom, and where.
#[derive(Debug, Default)]
struct Acted {
    names: BTreeSet<String>,
    customers: BTreeSet<TenantId>,
}

impl Group {
    /// What to do, with the code behind it, and for how many customers: risks first, then most
    /// customers.
    pub(super) fn lines(&self) -> Vec<(String, &str, usize)> {
        let mut lines: Vec<(&Action, &Acted)> = self.lines.iter().collect();
        lines.sort_by_key(|(action, acted)| {
            (action.tail != RISK, std::cmp::Reverse(acted.customers.len()))
        });
        let line = |(action, acted): (&'_ Action, &Acted)| {
            let names: Vec<&str> = acted.names.iter().map(String::as_str).collect();
            format!("{}{}", clean(&words::and(&names), NAMES_COLUMNS), action.tail)
        };
        lines
            .into_iter()
            .map(|(action, acted)| {
                (line((action, acted)), action.code.as_str(), acted.customers.len())
            })
            .collect()
    }

    fn names(&self) -> BTreeSet<&str> {
        self.lines.values().flat_map(|acted| &acted.names).map(String::as_str).collect()
    }

    /// The code behind all of it, where there is but one.
    fn only_code(&self) -> Option<&str> {
        let codes: BTreeSet<&str> = self.lines.keys().map(|action| action.code.as_str()).collect();
        codes.first().copied().filter(|_| codes.len() == 1)
    }

    fn add(&mut self, customer: TenantId) {
        self.customers.insert(customer);
    }

    fn add_action(&mut self, customer: TenantId, names: Vec<String>, tail: String, code: String) {
        self.customers.insert(customer);
        let acted = self.lines.entry(Action { tail, code }).or_default();
        acted.customers.insert(customer);
        acted.names.extend(names);
    }
}

/// What is to be done, by who does it; nothing for who has nothing to do.
pub(super) fn groups(summary: &Summary) -> BTreeMap<Act, Group> {
    let mut groups: BTreeMap<Act, Group> = BTreeMap::new();
    for customer in &summary.customers {
        add_policies(&mut groups, customer);
        for failure in &customer.to_do.failures {
            let act = Act::of_failure(failure);
            let group = groups.entry(act).or_default();
            if act == Act::ExportAgain {
                group.add(customer.child_tenant_id);
                continue;
            }
            let is_risk = failure.error_code.is_some_and(is_risk_code);
            let names = match act {
                // Consent is to an app, whoever asked for it.
                Act::Consent => apps_of(&failure.accounts),
                _ => names_of(&failure.accounts, is_risk),
            };
            let code = words::error_code(failure.error_code);
            group.add_action(customer.child_tenant_id, names, failure_tail(failure), code);
        }
        if customer.to_do.plan.unknown.tries > 0 {
            groups.entry(Act::ExportAgain).or_default().add(customer.child_tenant_id);
        }
    }
    groups
}

fn add_policies(groups: &mut BTreeMap<Act, Group>, customer: &CustomerSummary) {
    let child = customer.child_tenant_id;
    let accounts = customer.to_do.refused_accounts.iter();
    for (policy, accounts) in customer.to_do.plan.policies.iter().zip(accounts) {
        let act = Act::of_class(policy.class);
        let group = groups.entry(act).or_default();
        group.add(child);
        if act == Act::OwnTenant {
            let names = names_of(accounts, policy.remedy == Remedy::ClearRisk);
            group.add_action(child, names, tail(policy.remedy), telling_code(policy));
        }
        if act == Act::ChangePolicy {
            group.policies.insert((child, policy.facts.policy_id.clone()));
            if matches!(customer.to_do.doer, Doer::Technicians(_)) {
                group.own_hands.insert(child);
            }
        }
    }
}

/// The code that tells most of a policy's refusals.
fn telling_code(policy: &PlannedPolicy) -> String {
    let codes = &policy.facts.codes;
    let telling = codes.iter().find(|code| is_risk_code(**code)).or_else(|| codes.first());
    words::error_code(telling.copied())
}

/// Behind the name of an account at risk.
const RISK: &str = ": a risky user at home; investigate, then clear it";

/// What is done in the partner's own tenant or tool, behind the names of who does it.
fn tail(remedy: Remedy) -> String {
    match remedy {
        Remedy::ClearRisk => RISK,
        Remedy::SignInInBrowser => ": sign in again in the browser, not by device code",
        Remedy::StopLegacyClient => ": give up legacy authentication",
        Remedy::SignInWithMfa | Remedy::MeetSecurityDefaults => {
            ": sign in again with Microsoft MFA"
        }
        Remedy::SignInWithStrength => ": sign in again by a method that the strength accepts",
        _ => ": sign in again",
    }
    .to_owned()
}

fn failure_tail(failure: &FailureSummary) -> String {
    let is_risk = failure.error_code.is_some_and(is_risk_code);
    match failure.category {
        _ if is_risk => tail(Remedy::ClearRisk),
        Category::TokenSession => ": authorise again".to_owned(),
        Category::Mfa | Category::SecurityDefaults => tail(Remedy::SignInWithMfa),
        Category::ConditionalAccess if failure.error_code == Some(530_036) => {
            tail(Remedy::SignInInBrowser)
        }
        Category::Consent => ": consent".to_owned(),
        Category::PartnerRelationship => ": check relationship, groups and guests".to_owned(),
        Category::AppRegistration | Category::Certificate => {
            ": check the app's registration".to_owned()
        }
        Category::Credential | Category::UserAccount => ": check the account".to_owned(),
        Category::ThrottlingTransient => ": a passing fault, wait".to_owned(),
        _ => format!(": {}", failure.cause),
    }
}

fn apps_of(accounts: &[BlockedAccount]) -> Vec<String> {
    let apps = accounts.iter().flat_map(|account| match &account.tool {
        Some(tool) => std::slice::from_ref(tool),
        None => account.apps.as_slice(),
    });
    let names: BTreeSet<String> = apps.map(|app| clean(app, NAME_COLUMNS)).collect();
    if names.is_empty() { vec!["an app".to_owned()] } else { names.into_iter().collect() }
}

/// Tools by their names, persons together; for a risk the accounts themselves.
fn names_of(accounts: &[BlockedAccount], by_account: bool) -> Vec<String> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut persons = 0_u64;
    for account in accounts {
        if account.is_integration || by_account {
            let name = if by_account { words::account_name(account) } else { words::tool(account) };
            // The domain of a partner's account is the partner's, and known.
            let name = name.split('@').next().unwrap_or_default();
            names.insert(clean(name, NAME_COLUMNS));
        } else {
            persons += 1;
        }
    }
    let persons = (persons > 0).then(|| words::counted(persons, "person", "persons"));
    let names: Vec<String> = names.into_iter().chain(persons).collect();
    if names.is_empty() { vec!["accounts".to_owned()] } else { names }
}

/// The heading of what one actor does.
pub(super) fn heading(act: Act, group: &Group) -> String {
    let policies = u64::try_from(group.policies.len()).unwrap_or(u64::MAX);
    match act {
        Act::OwnTenant => "In your own tenant or tool; no customer needed".to_owned(),
        Act::ChangePolicy => format!(
            "Ask the customer to change a policy: {}, tickets written",
            words::counted(policies, "policy", "policies")
        ),
        Act::Consent => {
            let names: BTreeSet<&str> = group.names();
            let names: Vec<&str> = names.into_iter().collect();
            let names = clean(&words::and(&names), NAME_COLUMNS);
            format!("Ask the customer to consent to {names}, tickets written")
        }
        Act::Investigate => {
            "Do NOT open, investigate: a risk, or an address that never got in".to_owned()
        }
        Act::OtherByCustomer => "Ask the customer, not about a policy".to_owned(),
        Act::ExportAgain => {
            "Export again as Security Reader: the log does not show which policy".to_owned()
        }
    }
}

/// What to do as a table, with at most `lines_max` lines below each heading.
pub(super) fn table(summary: &Summary, lines_max: usize) -> Table {
    let mut table = Table::new(vec![
        Column::left("", 1),
        Column::left("what to do", 40),
        Column::left("error code", 13),
        Column::right("customers"),
    ]);
    for (act, group) in groups(summary) {
        // The heading of a consent says all.
        let is_told = act == Act::Consent;
        let code = group.only_code().filter(|_| is_told).unwrap_or_default();
        table.rows.push(vec![
            act.number().to_string(),
            heading(act, &group),
            code.to_owned(),
            group.customers.len().to_string(),
        ]);
        if !group.own_hands.is_empty() {
            let own = group.own_hands.len();
            let told =
                format!("in {own} of them your technicians get into the portal: you may do it");
            table.rows.push(vec![String::new(), told, String::new(), String::new()]);
        }
        let lines = if is_told { Vec::new() } else { group.lines() };
        for (action, code, customers) in lines.iter().take(lines_max) {
            let cells = [String::new(), format!("- {action}"), (*code).to_owned()];
            table.rows.push(cells.into_iter().chain([customers.to_string()]).collect());
        }
        if lines.len() > lines_max && lines_max > 0 {
            let more = format!("- {} more", lines.len() - lines_max);
            table.rows.push(vec![String::new(), more, String::new(), String::new()]);
        }
    }
    table
}

/// How many customers in trouble are whose turn: `6 of the 22 with trouble are fixed in your own
/// tenant or tool; 13 need a change by the customer`.
pub(super) fn turns(summary: &Summary) -> Option<String> {
    let in_trouble: BTreeSet<TenantId> = summary
        .customers
        .iter()
        .filter(|customer| {
            customer.to_do.plan.total.tries > 0 || !customer.to_do.failures.is_empty()
        })
        .map(|customer| customer.child_tenant_id)
        .collect();
    let parts: Vec<String> = groups(summary)
        .into_iter()
        .map(|(act, group)| {
            let count = group.customers.len();
            let (one, many) = match act {
                Act::OwnTenant => (
                    "is for you, in your own tenant or tool",
                    "are for you, in your own tenant or tool",
                ),
                Act::ChangePolicy => ("needs a change of policy", "need a change of policy"),
                Act::Consent => ("needs a consent", "need a consent"),
                Act::Investigate => {
                    ("must stay shut until looked into", "must stay shut until looked into")
                }
                Act::OtherByCustomer => {
                    ("needs the customer otherwise", "need the customer otherwise")
                }
                Act::ExportAgain => ("needs another export", "need another export"),
            };
            format!("{count} {}", if count == 1 { one } else { many })
        })
        .collect();
    (!parts.is_empty()).then(|| {
        let all = u64::try_from(in_trouble.len()).unwrap_or(u64::MAX);
        format!("Of {} in trouble: {}.", words::customers(all), parts.join("; "))
    })
}
