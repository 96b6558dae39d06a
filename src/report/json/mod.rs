//! summary.json, schema 1: structs of its own, so that ours can change.
//!
//! Within schema 1 keys are only added.

mod own_tenant;
mod to_do;

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};

use self::own_tenant::OwnTenant;
use self::to_do::{Acting, ToDo};
use super::{RunFacts, clean};
use crate::dataset::Custody;
use crate::summary::state::CustomerState;
use crate::summary::{self, Summary};
use crate::tenant::TenantId;

const SCHEMA: u32 = 1;

/// Writes the summary for machines.
pub fn write_json(
    sink: &mut impl Write,
    summary: &Summary,
    facts: Option<&RunFacts>,
) -> io::Result<()> {
    write_visible(sink, &Document::of(summary, facts))
}

/// Writes JSON in which no character is invisible or turns the direction of reading.
pub(super) fn write_visible(sink: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut *sink, VisibleFormatter::default());
    document.serialize(&mut serializer)?;
    writeln!(sink)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custody: Option<&'a Custody>,
    /// Said only where not all sign-ins are told of: by which ones they were chosen.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    only_rows: &'a [String],
    /// Said only where it is so: names, addresses and ids are pseudonyms.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redacted: bool,
    newest_evidence: Option<Moment>,
    totals: Totals,
    ledger: Ledger,
    partners: Vec<Partner<'a>>,
    what_to_do: Vec<Acting>,
    own_tenants: Vec<OwnTenant<'a>>,
    tenants: Vec<Tenant<'a>>,
    policies: Vec<Policy<'a>>,
    causes: Vec<Cause<'a>>,
    other_providers: Vec<Provider<'a>>,
    exports: Vec<Export<'a>>,
}

impl<'a> Document<'a> {
    fn of(summary: &'a Summary, facts: Option<&'a RunFacts>) -> Self {
        Self {
            schema: SCHEMA,
            tool_version: facts.map(|facts| facts.tool_version.as_str()),
            custody: facts.map(|facts| &facts.custody).filter(|said| **said != Custody::default()),
            only_rows: &summary.only_rows,
            redacted: summary.is_redacted,
            newest_evidence: summary.newest_evidence.map(Moment),
            totals: Totals::of(&summary.totals),
            ledger: Ledger::of(&summary.ledger),
            partners: summary.partners.iter().map(Partner::of).collect(),
            what_to_do: Acting::all(summary),
            own_tenants: summary.partner_sides.iter().map(OwnTenant::of).collect(),
            tenants: tenants(summary),
            policies: summary.policies.iter().map(Policy::of).collect(),
            causes: summary.causes.iter().map(Cause::of).collect(),
            other_providers: summary.other_providers.iter().map(Provider::of).collect(),
            exports: summary.exports.iter().map(Export::of).collect(),
        }
    }
}

/// A row for each customer and partner, then one for each customer and other provider, so that
/// the counts add up to all counted sign-ins. Only listed partners have states.
fn tenants(summary: &Summary) -> Vec<Tenant<'_>> {
    let others = summary.other_providers.iter().flat_map(|provider| {
        let home = provider.home_tenant_id;
        provider.customers.iter().map(move |customer| Tenant::of_other(home, customer))
    });
    summary.customers.iter().map(Tenant::of).chain(others).collect()
}

/// UTC, as `2026-11-21T09:40:00Z`.
#[derive(Clone, Copy)]
pub(super) struct Moment(pub(super) DateTime<Utc>);

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

#[derive(Serialize)]
struct Counts {
    sign_ins: u64,
    succeeded: u64,
    blocked: u64,
    interrupted: u64,
    failed: u64,
    unexplained: u64,
    flagged: u64,
    disputed: u64,
    tries: u64,
}

impl Counts {
    fn of(counts: summary::Counts) -> Self {
        Self {
            sign_ins: counts.sign_ins(),
            succeeded: counts.succeeded,
            blocked: counts.blocked,
            interrupted: counts.interrupted,
            failed: counts.failed,
            unexplained: counts.unexplained,
            flagged: counts.flagged(),
            disputed: counts.disputed,
            tries: counts.tries,
        }
    }
}

#[derive(Serialize)]
struct Totals {
    records: u64,
    partner: u64,
    other: u64,
    duplicate: u64,
    rejected: u64,
    removed: u64,
    #[serde(flatten)]
    counts: Counts,
}

impl Totals {
    fn of(totals: &summary::Totals) -> Self {
        Self {
            records: totals.records,
            partner: totals.partner,
            other: totals.other,
            duplicate: totals.duplicate,
            rejected: totals.rejected,
            removed: totals.removed,
            counts: Counts::of(totals.counts),
        }
    }
}

#[derive(Serialize)]
struct Ledger {
    balances: bool,
    exports: u64,
    records: u64,
    partner: u64,
    other: u64,
    undecided: u64,
    duplicate: u64,
    rejected: u64,
    unfinished: u64,
    superseded: u64,
    removed: u64,
    rows: u64,
}

impl Ledger {
    fn of(ledger: &summary::Ledger) -> Self {
        Self {
            balances: ledger.balances(),
            exports: ledger.exports,
            records: ledger.records,
            partner: ledger.partner,
            other: ledger.other,
            undecided: ledger.undecided,
            duplicate: ledger.duplicate,
            rejected: ledger.rejected,
            unfinished: ledger.unfinished,
            superseded: ledger.superseded,
            removed: ledger.removed,
            rows: ledger.rows,
        }
    }
}

#[derive(Serialize)]
struct Partner<'a> {
    partner_tenant_id: String,
    partner_name: Option<&'a str>,
    customers: u64,
    unlisted_customers: u64,
    logs_wanted: u64,
    states: States,
    counts: Counts,
}

impl<'a> Partner<'a> {
    fn of(partner: &'a summary::PartnerSummary) -> Self {
        Self {
            partner_tenant_id: partner.tenant_id.to_string(),
            partner_name: partner.name.as_deref(),
            customers: partner.customers(),
            unlisted_customers: partner.unlisted_customers,
            logs_wanted: partner.logs_wanted,
            states: States::of(partner),
            counts: Counts::of(partner.counts),
        }
    }
}

#[derive(Serialize)]
struct States {
    blocked: u64,
    partly: u64,
    failing: u64,
    getting_in: u64,
    cannot_tell: u64,
    no_log: u64,
}

impl States {
    fn of(partner: &summary::PartnerSummary) -> Self {
        Self {
            blocked: partner.in_state(CustomerState::Blocked),
            partly: partner.in_state(CustomerState::Partly),
            failing: partner.in_state(CustomerState::Failing),
            getting_in: partner.in_state(CustomerState::GettingIn),
            cannot_tell: partner.in_state(CustomerState::CannotTell),
            no_log: partner.in_state(CustomerState::NoLog),
        }
    }
}

#[derive(Serialize)]
struct Tenant<'a> {
    child_tenant_id: String,
    child_name: Option<&'a str>,
    /// `None`: a service provider whose home tenant the records do not name.
    partner_tenant_id: Option<String>,
    /// The partner is on the user's list; if not, there is no state.
    listed_partner: bool,
    /// The customer is on the user's list.
    listed: bool,
    state: Option<&'static str>,
    doubt: Option<&'static str>,
    recovered: bool,
    /// The moment for which the state holds: the end of this customer's evidence.
    as_of: Option<Moment>,
    stale: bool,
    since: Option<Moment>,
    since_before_evidence: bool,
    first_at: Option<Moment>,
    last_at: Option<Moment>,
    blind_spots: &'a [String],
    outbound_only: bool,
    #[serde(flatten)]
    counts: Counts,
    blocked_tries: u64,
    blocked_accounts: Vec<Account<'a>>,
    blocking_policies: Vec<&'a str>,
    policy_not_shown: bool,
    failing_error_code: Option<i32>,
    to_do: Option<ToDo<'a>>,
}

impl<'a> Tenant<'a> {
    fn of(customer: &'a summary::CustomerSummary) -> Self {
        let policies = customer.blocking_policies.iter();
        Self {
            child_tenant_id: customer.child_tenant_id.to_string(),
            child_name: customer.child_name.as_deref(),
            partner_tenant_id: Some(customer.partner_tenant_id.to_string()),
            listed_partner: true,
            listed: customer.is_listed,
            state: Some(customer.state.as_str()),
            doubt: customer.doubt.map(|doubt| doubt.as_str()),
            recovered: customer.recovered,
            as_of: customer.now.map(Moment),
            stale: customer.is_stale,
            since: customer.since.map(Moment),
            since_before_evidence: customer.since_before_evidence,
            first_at: customer.first_at.map(Moment),
            last_at: customer.last_at.map(Moment),
            blind_spots: &customer.blind_spots,
            outbound_only: customer.outbound_only,
            counts: Counts::of(customer.counts),
            blocked_tries: customer.blocked_tries,
            blocked_accounts: customer.blocked_accounts.iter().map(Account::of).collect(),
            blocking_policies: policies.map(|policy| policy.policy_id.as_str()).collect(),
            policy_not_shown: customer.policy_not_shown,
            failing_error_code: customer.failing_error_code,
            to_do: ToDo::of(&customer.to_do),
        }
    }

    fn of_other(home: Option<TenantId>, customer: &'a summary::ProviderCustomer) -> Self {
        Self {
            child_tenant_id: customer.child_tenant_id.to_string(),
            child_name: customer.child_name.as_deref(),
            partner_tenant_id: home.map(|tenant| tenant.to_string()),
            listed_partner: false,
            listed: customer.is_listed,
            state: None,
            doubt: None,
            recovered: false,
            as_of: None,
            stale: false,
            since: None,
            since_before_evidence: false,
            first_at: customer.first_at.map(Moment),
            last_at: customer.last_at.map(Moment),
            blind_spots: &[],
            outbound_only: false,
            counts: Counts::of(customer.counts),
            blocked_tries: 0,
            blocked_accounts: Vec::new(),
            blocking_policies: Vec::new(),
            policy_not_shown: false,
            failing_error_code: None,
            to_do: None,
        }
    }
}

#[derive(Serialize)]
struct Account<'a> {
    account: &'a str,
    account_name: Option<&'a str>,
    kind: &'static str,
    tool: Option<&'a str>,
    apps: &'a [String],
}

impl<'a> Account<'a> {
    fn of(account: &'a summary::BlockedAccount) -> Self {
        Self {
            account: &account.account,
            account_name: account.account_name.as_deref(),
            kind: if account.is_integration { "integration" } else { "person" },
            tool: account.tool.as_deref(),
            apps: &account.apps,
        }
    }
}

#[derive(Serialize)]
struct Policy<'a> {
    child_tenant_id: String,
    policy_id: &'a str,
    policy_name: &'a str,
    blocked_sign_ins: u64,
    disputed_sign_ins: u64,
    would_block_sign_ins: u64,
    matched: &'a [String],
    demanded: &'a [String],
    last_blocked_at: Option<Moment>,
    partners: Vec<PolicyPartner>,
}

impl<'a> Policy<'a> {
    fn of(policy: &'a summary::PolicySummary) -> Self {
        let partners = policy.by_partner.iter().map(|(partner, figures)| PolicyPartner {
            partner_tenant_id: partner.map(|partner| partner.to_string()),
            blocked_sign_ins: figures.blocked_sign_ins,
            disputed_sign_ins: figures.disputed_sign_ins,
            would_block_sign_ins: figures.would_block_sign_ins,
        });
        Self {
            child_tenant_id: policy.child_tenant_id.to_string(),
            policy_id: &policy.policy_id,
            policy_name: &policy.policy_name,
            blocked_sign_ins: policy.figures.blocked_sign_ins,
            disputed_sign_ins: policy.figures.disputed_sign_ins,
            would_block_sign_ins: policy.figures.would_block_sign_ins,
            matched: &policy.matched,
            demanded: &policy.demanded,
            last_blocked_at: policy.last_blocked_at.map(Moment),
            partners: partners.collect(),
        }
    }
}

#[derive(Serialize)]
struct PolicyPartner {
    partner_tenant_id: Option<String>,
    blocked_sign_ins: u64,
    disputed_sign_ins: u64,
    would_block_sign_ins: u64,
}

#[derive(Serialize)]
struct Cause<'a> {
    error_code: Option<i32>,
    cause: Option<&'a str>,
    sign_ins: u64,
    tries: u64,
    customers: u64,
    /// The same, of listed partners only.
    listed: CauseFigures,
}

#[derive(Serialize)]
struct CauseFigures {
    sign_ins: u64,
    tries: u64,
    customers: u64,
}

impl<'a> Cause<'a> {
    fn of(cause: &'a summary::CauseSummary) -> Self {
        Self {
            error_code: cause.error_code,
            cause: cause.cause.as_deref(),
            sign_ins: cause.all.sign_ins,
            tries: cause.all.tries,
            customers: cause.all.customers,
            listed: CauseFigures {
                sign_ins: cause.listed.sign_ins,
                tries: cause.listed.tries,
                customers: cause.listed.customers,
            },
        }
    }
}

#[derive(Serialize)]
struct Provider<'a> {
    home_tenant_id: Option<String>,
    name: Option<&'a str>,
    example_account: Option<&'a str>,
    customers_got_in: usize,
    customers_blocked: usize,
    first_at: Option<Moment>,
    last_at: Option<Moment>,
    #[serde(flatten)]
    counts: Counts,
    customers: Vec<ProviderCustomer<'a>>,
}

impl<'a> Provider<'a> {
    fn of(provider: &'a summary::ProviderSummary) -> Self {
        Self {
            home_tenant_id: provider.home_tenant_id.map(|id| id.to_string()),
            name: provider.name.as_deref(),
            example_account: provider.example_account.as_deref(),
            customers_got_in: provider.customers_got_in(),
            customers_blocked: provider.customers_blocked(),
            first_at: provider.first_at.map(Moment),
            last_at: provider.last_at.map(Moment),
            counts: Counts::of(provider.counts),
            customers: provider.customers.iter().map(ProviderCustomer::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct ProviderCustomer<'a> {
    child_tenant_id: String,
    child_name: Option<&'a str>,
    #[serde(flatten)]
    counts: Counts,
}

impl<'a> ProviderCustomer<'a> {
    fn of(customer: &'a summary::ProviderCustomer) -> Self {
        Self {
            child_tenant_id: customer.child_tenant_id.to_string(),
            child_name: customer.child_name.as_deref(),
            counts: Counts::of(customer.counts),
        }
    }
}

#[derive(Serialize)]
struct Export<'a> {
    path: &'a str,
    sha256: Option<&'a str>,
    dialect: Option<&'a str>,
    exporting_tenant_id: Option<String>,
    bytes: u64,
    records: u64,
    partner: u64,
    other: u64,
    undecided: u64,
    duplicate: u64,
    rejected: u64,
    unfinished: u64,
    first_at: Option<Moment>,
    last_at: Option<Moment>,
    blind_spots: &'a [String],
    blind: bool,
}

impl<'a> Export<'a> {
    fn of(export: &'a summary::ExportSummary) -> Self {
        Self {
            path: &export.path,
            sha256: export.sha256.as_deref(),
            dialect: export.dialect.as_deref(),
            exporting_tenant_id: export.exporting_tenant_id.map(|id| id.to_string()),
            bytes: export.bytes,
            records: export.records,
            partner: export.partner,
            other: export.other,
            undecided: export.undecided,
            duplicate: export.duplicate,
            rejected: export.rejected,
            unfinished: export.unfinished,
            first_at: export.first_at.map(Moment),
            last_at: export.last_at.map(Moment),
            blind_spots: &export.blind_spots,
            blind: export.is_blind,
        }
    }
}

/// Pretty JSON in which characters that steer a terminal or a reader are `\u` escapes: the
/// value stays the log's own, and printing the file does no harm.
#[derive(Default)]
struct VisibleFormatter {
    pretty: PrettyFormatter<'static>,
}

impl Formatter for VisibleFormatter {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut plain_from = 0;
        for (at, character) in fragment.char_indices().filter(|(_, c)| clean::is_steering(*c)) {
            writer.write_all(fragment.get(plain_from..at).unwrap_or_default().as_bytes())?;
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain_from = at + character.len_utf8();
        }
        writer.write_all(fragment.get(plain_from..).unwrap_or_default().as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_array_value(w, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(w, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }
}
