//! Tickets: what a customer is asked to change so that a listed partner's sign-ins get through.
//!
//! A ticket says only what the records of its own customer say. Only listed partners have
//! customers in a [`Summary`], so nothing is ever asked on behalf of another provider. The texts
//! are put together once, as plain lines; each format draws them.

mod ask;
mod draw;
mod follow_up;
mod remedies;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::clean::{clean, shorten};
use super::words;
use crate::error_code::Category;
use crate::redact::CAVEAT;
use crate::remedy::{Class, PlannedPolicy, Remedy};
use crate::summary::state::RouteState;
use crate::summary::{CustomerSummary, PartnerSummary, Proof, RouteSummary, Summary, ToDo};
use crate::tenant::TenantId;

pub use draw::{write_ticket_files, write_ticket_pages, write_tickets_csv, write_tickets_json};
pub use follow_up::{follow_up, parse_tickets};
pub use remedies::{RemedyFile, remedy_files};

/// An exclusion is looked at again after so many days.
const REVIEW_DAYS: i64 = 90;
/// The longest title that ticket systems show whole.
const TITLE_COLUMNS: usize = 100;
/// Of a name within a sentence.
const NAME_COLUMNS: usize = 60;
/// Longest account, app or file name in a line of proof.
const PROOF_COLUMNS: usize = 80;

/// What one customer is asked for on behalf of one partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The same over runs as long as customer, partner, kind and set of policies are.
    pub key: String,
    pub status: Status,
    /// The key of the ticket that this one takes the place of.
    pub replaces: Option<String>,
    pub kind: Kind,
    pub customer_tenant_id: TenantId,
    pub customer_name: Option<String>,
    pub partner_tenant_id: TenantId,
    pub partner_name: Option<String>,
    /// Of the files about this customer, without ending.
    pub file: String,
    pub title: String,
    /// 1 is the most urgent.
    pub priority: u8,
    /// Who can do it.
    pub assignee: String,
    pub since: Option<DateTime<Utc>>,
    pub last_try_at: Option<DateTime<Utc>>,
    pub tries: u64,
    pub policies: Vec<TicketPolicy>,
    /// The last moment of the customer's evidence.
    pub as_of: Option<DateTime<Utc>>,
    /// On this day an exclusion is looked at again.
    pub review: Option<NaiveDate>,
    /// Filled in by who approves it.
    pub approver: Option<String>,
    /// What the customer reads.
    pub sections: Vec<Section>,
    /// What only the partner reads.
    pub internal_note: Vec<String>,
    /// The routes that do not get through, as account, app and resource: once each of them got in
    /// again, the ticket is resolved.
    pub routes: Vec<[String; 3]>,
    /// What was asked, to tell whether it changed.
    pub fingerprint: String,
}

/// How a ticket stands against the run before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    New,
    /// Asked for before, and not done, or nothing new to tell by.
    Still,
    /// Something else is asked for now.
    Changed,
    /// What was refused got in.
    Resolved,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Still => "still",
            Self::Changed => "changed",
            Self::Resolved => "resolved",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// To change policies.
    Change,
    /// To consent to an app.
    Consent,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Consent => "consent",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketPolicy {
    pub policy_id: String,
    pub policy_name: String,
    /// The word of the machine output for the remedy.
    pub remedy: String,
}

/// A heading and its lines, plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub title: String,
    pub lines: Vec<String>,
}

/// The tickets of all customers, in their order: the worst first.
pub fn tickets_of(summary: &Summary) -> Vec<Ticket> {
    let files = files_of(summary);
    let mut tickets = Vec::new();
    for customer in &summary.customers {
        let partner =
            summary.partners.iter().find(|partner| partner.tenant_id == customer.partner_tenant_id);
        let (Some(partner), Some(file)) = (partner, files.get(&customer.child_tenant_id)) else {
            continue;
        };
        let writer = Writer { summary, customer, partner, file };
        tickets.extend(writer.change());
        tickets.extend(writer.consent());
    }
    tickets
}

/// A name for the files of each customer, in which nothing of a name can steer a path: letters,
/// digits and dashes, with the start of the tenant id, or the whole one where that is not enough.
fn files_of(summary: &Summary) -> BTreeMap<TenantId, String> {
    let names: BTreeMap<TenantId, String> = summary
        .customers
        .iter()
        .map(|customer| (customer.child_tenant_id, file_name(customer)))
        .collect();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names.values() {
        *times.entry(name).or_default() += 1;
    }
    let unique = |(&tenant, name): (&TenantId, &String)| {
        let is_double = times.get(name.as_str()).is_some_and(|&times| times > 1);
        (tenant, if is_double { format!("{name}-{tenant}") } else { name.clone() })
    };
    names.iter().map(unique).collect()
}

fn file_name(customer: &CustomerSummary) -> String {
    const NAME_MAX: usize = 40;
    let id = customer.child_tenant_id.to_string();
    let start = id.split('-').next().unwrap_or_default();
    let mut slug = String::new();
    for character in customer.child_name.as_deref().unwrap_or_default().chars() {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= NAME_MAX {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { start.to_owned() } else { format!("{slug}-{start}") }
}

/// Puts the tickets of one customer and partner together.
struct Writer<'a> {
    summary: &'a Summary,
    customer: &'a CustomerSummary,
    partner: &'a PartnerSummary,
    file: &'a str,
}

impl Writer<'_> {
    fn to_do(&self) -> &ToDo {
        &self.customer.to_do
    }

    fn change(&self) -> Option<Ticket> {
        let asked = self.to_do().plan.asked();
        if asked.is_empty() {
            return None;
        }
        let policies: Vec<TicketPolicy> =
            asked.iter().map(|policy| ticket_policy(policy)).collect();
        let excludes = asked.iter().any(|policy| policy.class == Class::Exclusion);
        let title = self.change_title(&asked);
        let sections = self.change_sections(&asked);
        Some(self.ticket(Kind::Change, title, policies, sections, excludes))
    }

    fn consent(&self) -> Option<Ticket> {
        let failures = &self.to_do().failures;
        let consent: Vec<_> =
            failures.iter().filter(|failure| failure.category == Category::Consent).collect();
        if consent.is_empty() {
            return None;
        }
        let sections = self.consent_sections(&consent);
        let mut apps: Vec<String> = consent
            .iter()
            .flat_map(|failure| &failure.accounts)
            .flat_map(|account| {
                account.tool.clone().map_or(account.apps.clone(), |tool| vec![tool])
            })
            .collect();
        apps.sort_unstable();
        apps.dedup();
        let apps: Vec<&str> = apps.iter().map(String::as_str).collect();
        let apps = clean(&words::and(&apps), 40);
        let app = if apps.is_empty() { "app".to_owned() } else { format!("app {apps}") };
        let (customer, partner) = (self.customer_name(), self.partner_name());
        let (customer, partner) = (shorten(&customer, 30), shorten(&partner, 20));
        let title = shorten(&format!("{customer}: consent to {partner}'s {app}"), TITLE_COLUMNS);
        Some(self.ticket(Kind::Consent, title, Vec::new(), sections, false))
    }

    fn ticket(
        &self,
        kind: Kind,
        title: String,
        policies: Vec<TicketPolicy>,
        sections: Vec<Section>,
        has_review: bool,
    ) -> Ticket {
        let customer = self.customer;
        let to_do = self.to_do();
        let tries = match kind {
            Kind::Change => to_do.plan.total.tries,
            Kind::Consent => {
                let consent =
                    to_do.failures.iter().filter(|failure| failure.category == Category::Consent);
                consent.map(|failure| failure.tries).sum()
            }
        };
        let review = customer.now.map(|now| (now + TimeDelta::days(REVIEW_DAYS)).date_naive());
        Ticket {
            key: key_of(customer, kind, &policies),
            status: Status::New,
            replaces: None,
            kind,
            customer_tenant_id: customer.child_tenant_id,
            customer_name: customer.child_name.clone(),
            partner_tenant_id: self.partner.tenant_id,
            partner_name: self.partner.name.clone(),
            file: self.file.to_owned(),
            title,
            priority: self.priority(),
            assignee: self.assignee(kind),
            since: customer.since,
            last_try_at: self.proof_for(kind).first().map(|proof| proof.at),
            tries,
            fingerprint: fingerprint(&policies, kind),
            policies,
            as_of: customer.now,
            review: review.filter(|_| has_review),
            approver: None,
            sections: self.with_caveat(sections),
            internal_note: self.internal_note(kind),
            routes: self.routes(kind),
        }
    }

    /// `Contoso: let Fabrikam's tool Liongard through 2 Conditional Access policies`; where it is
    /// not known yet whether that is right, nothing of the kind. Names give way before what is
    /// asked.
    fn change_title(&self, asked: &[&PlannedPolicy]) -> String {
        let counted = words::counted(
            count(asked.len()),
            "Conditional Access policy",
            "Conditional Access policies",
        );
        let who = self.who_for_title();
        let whole = self.title_with(asked, &counted, &who);
        if whole.chars().count() <= TITLE_COLUMNS {
            return whole;
        }
        shorten(&self.title_with(asked, &counted, &shorten(&who, 24)), TITLE_COLUMNS)
    }

    /// As long as `who` makes it; the customer's name gives way.
    fn title_with(&self, asked: &[&PlannedPolicy], counted: &str, who: &str) -> String {
        let partner = shorten(&self.partner_name(), 20);
        let is_unclear = asked.iter().all(|policy| matches!(policy.remedy, Remedy::LookFirst(_)));
        let ask = if is_unclear {
            let refuse = if asked.len() == 1 { "refuses" } else { "refuse" };
            format!("look at {counted} that {refuse} {partner}'s {who}")
        } else {
            format!("let {partner}'s {who} through {counted}")
        };
        let room = TITLE_COLUMNS.saturating_sub(format!(": {ask}").chars().count());
        let customer = shorten(&self.customer_name(), room.max(12));
        format!("{customer}: {ask}")
    }

    fn priority(&self) -> u8 {
        let customer = self.customer;
        let failing = customer.to_do.failures.iter().flat_map(|failure| &failure.accounts);
        let mut accounts = customer.blocked_accounts.iter().chain(failing);
        let has_tool = accounts.any(|account| account.is_integration);
        match (customer.all_accounts_blocked, has_tool) {
            (true, true) => 2,
            (_, true) => 3,
            _ => 4,
        }
    }

    /// Of pseudonyms a ticket says first of all that they are some.
    fn with_caveat(&self, mut sections: Vec<Section>) -> Vec<Section> {
        if self.summary.is_redacted {
            let lines = vec![CAVEAT.to_owned()];
            sections.insert(0, Section { title: "Note".to_owned(), lines });
        }
        sections
    }

    /// The proof that belongs to a ticket, newest first.
    fn proof_for(&self, kind: Kind) -> Vec<&Proof> {
        let to_do = self.to_do();
        let consent = |code: Option<i32>| {
            let failures = &to_do.failures;
            failures.iter().any(|f| f.category == Category::Consent && f.error_code == code)
        };
        let proof = to_do.proof.iter().filter(|proof| match kind {
            // What an older policy refused before the last success proves nothing of this.
            Kind::Change => {
                proof.is_blocked && self.customer.since.is_none_or(|since| proof.at >= since)
            }
            Kind::Consent => consent(proof.error_code),
        });
        proof.collect()
    }

    /// Routes in the trouble that the ticket is about, as they are told apart: a wrong password
    /// keeps no ticket about a policy open.
    fn routes(&self, kind: Kind) -> Vec<[String; 3]> {
        let failures = self.to_do().failures.iter();
        let without_consent: BTreeSet<&str> = failures
            .filter(|failure| failure.category == Category::Consent)
            .flat_map(|failure| &failure.accounts)
            .map(|account| account.account.as_str())
            .collect();
        let is_meant = |route: &RouteSummary| match (kind, route.state) {
            (Kind::Change, Some(RouteState::Blocked | RouteState::Intermittent)) => true,
            (Kind::Consent, Some(RouteState::Failing)) => {
                without_consent.contains(route.account.as_str())
            }
            _ => false,
        };
        let (child, partner) = (self.customer.child_tenant_id, self.partner.tenant_id);
        let own =
            self.summary.routes.iter().filter(|route| {
                route.child_tenant_id == child && route.partner_tenant_id == partner
            });
        own.filter(|route| is_meant(route)).map(follow_up::route_id).collect()
    }

    fn customer_name(&self) -> String {
        clean(&words::customer(self.customer), NAME_COLUMNS)
    }

    /// The partner as the customer knows it.
    fn partner_name(&self) -> String {
        match &self.partner.name {
            Some(name) => clean(name, NAME_COLUMNS),
            None => format!("tenant {}", self.partner.tenant_id.short()),
        }
    }
}

fn ticket_policy(policy: &PlannedPolicy) -> TicketPolicy {
    TicketPolicy {
        policy_id: policy.facts.policy_id.clone(),
        policy_name: policy.facts.policy_name.clone(),
        remedy: policy.remedy.as_str().to_owned(),
    }
}

/// Of customer, partner, kind and the set of policies.
fn key_of(customer: &CustomerSummary, kind: Kind, policies: &[TicketPolicy]) -> String {
    let mut ids: Vec<String> =
        policies.iter().map(|policy| policy.policy_id.to_lowercase()).collect();
    ids.sort_unstable();
    let parts = [
        customer.child_tenant_id.to_string(),
        customer.partner_tenant_id.to_string(),
        kind.as_str().to_owned(),
        ids.join("\n"),
    ];
    short_hash(&parts.join("\n"), "ts-")
}

fn fingerprint(policies: &[TicketPolicy], kind: Kind) -> String {
    let mut asked: Vec<String> = policies
        .iter()
        .map(|policy| format!("{} {}", policy.policy_id.to_lowercase(), policy.remedy))
        .collect();
    asked.sort_unstable();
    short_hash(&format!("{}\n{}", kind.as_str(), asked.join("\n")), "")
}

fn short_hash(text: &str, prefix: &str) -> String {
    format!("{prefix}{:08x}", xxh3_64(text.as_bytes()) >> 32)
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
