//! What a summary holds: plain values, no Parquet, no formats.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use chrono::{DateTime, Utc};

use super::over_time::{CameIn, DayCounts, FailedDays};
use super::partner_side::PartnerSide;
use super::state::{CustomerState, Doubt, RouteState};
use crate::error_code::{Category, WhoFixes};
use crate::remedy::Plan;
use crate::tenant::TenantId;

/// Everything that a report says, whatever its format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The last moment of all evidence; never the clock.
    pub newest_evidence: Option<DateTime<Utc>>,
    pub totals: Totals,
    pub ledger: Ledger,
    /// Sign-ins of providers that name no customer, in logs that do not either: part of no state.
    pub unplaced: Counts,
    /// Tenants that the logs tell of, the listed partners' own left out.
    pub tenants_in_logs: u64,
    /// Whether the user gave a list of customers, which then is the denominator.
    pub has_customer_list: bool,
    /// Listed partners, most customers first.
    pub partners: Vec<PartnerSummary>,
    /// What the log of each listed partner's own tenant tells, in the order of the partners.
    pub partner_sides: Vec<PartnerSide>,
    /// One for each customer and listed partner; worst first.
    pub customers: Vec<CustomerSummary>,
    /// One for each customer and policy that blocked or would have; most blocked first.
    pub policies: Vec<PolicySummary>,
    /// Of flagged sign-ins, most sign-ins first.
    pub causes: Vec<CauseSummary>,
    /// Providers that came in and are not listed, most customers first.
    pub other_providers: Vec<ProviderSummary>,
    /// Live exports, by path.
    pub exports: Vec<ExportSummary>,
    /// Of listed partners; a report shows none of them by itself, a comparison needs them all.
    pub routes: Vec<RouteSummary>,
    /// Why sign-ins did not succeed, day by day: of listed partners, or of all providers where none
    /// is listed. Most sign-ins first.
    pub failed_days: Vec<FailedDays>,
    /// Who got in, from where: other providers first, then those with most sign-ins.
    pub came_in: Vec<CameIn>,
    /// By which accounts, apps and the like sign-ins were chosen, in words; empty for all.
    pub only_rows: Vec<String>,
    /// Pseudonyms stand in the place of names, and every report says so.
    pub is_redacted: bool,
}

impl Summary {
    /// Customers of one listed partner, worst first.
    pub fn customers_of(&self, partner: TenantId) -> impl Iterator<Item = &CustomerSummary> {
        self.customers.iter().filter(move |customer| customer.partner_tenant_id == partner)
    }
}

/// Rows by verdict, and the tries that they make.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub succeeded: u64,
    /// Disputed ones included.
    pub blocked: u64,
    pub interrupted: u64,
    pub failed: u64,
    pub unexplained: u64,
    /// Of all verdicts.
    pub disputed: u64,
    pub tries: u64,
}

impl Counts {
    pub fn sign_ins(&self) -> u64 {
        self.succeeded + self.interrupted + self.flagged()
    }

    pub fn flagged(&self) -> u64 {
        self.blocked + self.failed + self.unexplained
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.blocked += other.blocked;
        self.interrupted += other.interrupted;
        self.failed += other.failed;
        self.unexplained += other.unexplained;
        self.disputed += other.disputed;
        self.tries += other.tries;
    }
}

/// Over the whole dataset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records of the live exports.
    pub records: u64,
    /// Rows of `sign_ins`, whatever the view; those in it are the sum of the counts.
    pub partner: u64,
    pub other: u64,
    pub duplicate: u64,
    pub rejected: u64,
    /// Partners' sign-ins that were taken out on request: too old, or of a customer to forget.
    pub removed: u64,
    /// By verdict over all rows, whatever their side; tries over the counted ones.
    pub counts: Counts,
}

/// Where every record of the live exports went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    pub exports: u64,
    pub records: u64,
    pub partner: u64,
    pub other: u64,
    pub undecided: u64,
    pub duplicate: u64,
    pub rejected: u64,
    /// Half last records, among the rejected.
    pub unfinished: u64,
    /// Rows that a better copy replaced later.
    pub superseded: u64,
    /// Rows taken out on request.
    pub removed: u64,
    /// Rows of `sign_ins` that the exports' counts call for.
    pub rows_expected: i64,
    pub rows: u64,
}

impl Ledger {
    /// Every record is in one place, and every row in the dataset.
    pub fn balances(&self) -> bool {
        let told = self.partner + self.other + self.duplicate + self.rejected + self.removed;
        told == self.records && i64::try_from(self.rows) == Ok(self.rows_expected)
    }
}

/// A listed partner and the states of its customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerSummary {
    pub tenant_id: TenantId,
    pub name: Option<String>,
    /// Customers by state; their sum is the denominator.
    pub states: BTreeMap<CustomerState, u64>,
    /// Customers seen in the logs that the customer list does not have.
    pub unlisted_customers: u64,
    /// Customers in trouble of which only the partner's own log is here.
    pub logs_wanted: u64,
    pub counts: Counts,
}

impl PartnerSummary {
    /// The number of customers that the states add up to.
    pub fn customers(&self) -> u64 {
        self.states.values().sum()
    }

    pub fn in_state(&self, state: CustomerState) -> u64 {
        self.states.get(&state).copied().unwrap_or_default()
    }
}

/// A customer as one listed partner meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerSummary {
    pub child_tenant_id: TenantId,
    pub child_name: Option<String>,
    pub partner_tenant_id: TenantId,
    /// On the user's list of customers.
    pub is_listed: bool,
    pub state: CustomerState,
    pub doubt: Option<Doubt>,
    pub recovered: bool,
    /// The last moment of this customer's evidence.
    pub now: Option<DateTime<Utc>>,
    /// Its evidence ends days before that of others.
    pub is_stale: bool,
    pub since: Option<DateTime<Utc>>,
    /// The trouble is as old as the evidence, so it may be older.
    pub since_before_evidence: bool,
    /// First and last counted row.
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub blind_spots: Vec<String>,
    /// Only the partner's own log tells of this customer.
    pub outbound_only: bool,
    pub counts: Counts,
    /// Blocked tries of the routes that are blocked or intermittent.
    pub blocked_tries: u64,
    pub all_accounts_blocked: bool,
    /// Accounts with a blocked or intermittent route, integrations first.
    pub blocked_accounts: Vec<BlockedAccount>,
    /// Policies that block these routes now, most blocked sign-ins first.
    pub blocking_policies: Vec<BlockingPolicy>,
    /// Some block has no policy in the log.
    pub policy_not_shown: bool,
    /// Of the failing routes, the most frequent code.
    pub failing_error_code: Option<i32>,
    /// Days with sign-ins, of the last 30 days that have any.
    pub days: Vec<DayCounts>,
    pub to_do: ToDo,
}

/// What to do about a customer's trouble; empty where there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToDo {
    /// Step by step, about the policies.
    pub plan: Plan,
    /// Whom each policy of the plan refuses, in the order of the plan's policies; where the remedy
    /// is about a risk, the accounts that are one.
    pub refused_accounts: Vec<Vec<BlockedAccount>>,
    /// What does not get in for reasons that no policy in the log explains, most tries first.
    pub failures: Vec<FailureSummary>,
    pub doer: Doer,
    /// What will refuse once this is done, or sooner.
    pub waiting: Vec<Waiting>,
    /// The newest refused sign-ins of each error code, newest first.
    pub proof: Vec<Proof>,
}

/// Who can change a policy of the customer, as far as the log shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Doer {
    /// No technician of the partner was at the customer's portal lately.
    #[default]
    NotShown,
    /// A technician got into the portal there at this time.
    Technicians(DateTime<Utc>),
    /// The portal refuses the partner, too.
    CustomerOnly,
}

/// Tries that fail with one error code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureSummary {
    pub error_code: Option<i32>,
    /// Conditional Access refused, and the log does not show by which policy.
    pub is_unexplained: bool,
    pub category: Category,
    pub who_fixes: WhoFixes,
    /// In words, by the circumstances of the sign-ins.
    pub cause: String,
    pub remedy: String,
    /// Whose tries these are, integrations first.
    pub accounts: Vec<BlockedAccount>,
    pub routes: u64,
    pub tries: u64,
}

/// A policy that does not refuse these routes yet, and will or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub policy_id: String,
    pub policy_name: String,
    /// Graph's names of the controls.
    pub demanded: Vec<String>,
    pub kind: WaitingKind,
    /// Met by the refused routes themselves; if not, by other routes of the same app.
    pub is_certain: bool,
    /// First and last met.
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitingKind {
    /// Would block once it is turned on.
    ReportOnly,
    /// Blocked other tries of the same app.
    Blocks,
}

/// A refused sign-in, with where its record lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub at: DateTime<Utc>,
    /// The request id.
    pub sign_in_id: String,
    pub correlation_id: Option<String>,
    pub error_code: Option<i32>,
    pub failure_reason: Option<String>,
    /// Blocked by policies that the log shows, without dispute.
    pub is_blocked: bool,
    pub account: Option<String>,
    pub user_id: Option<String>,
    pub app_id: Option<String>,
    pub app_name: Option<String>,
    pub resource_id: Option<String>,
    pub resource_name: Option<String>,
    pub client_app: Option<String>,
    pub ip_address: Option<String>,
    pub country: Option<String>,
    pub operating_system: Option<String>,
    pub risk_level: Option<String>,
    pub source_export: Option<String>,
    /// Bytes from the start of that export, decoded.
    pub source_offset: u64,
}

/// An account that does not get through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedAccount {
    /// As the log names it.
    pub account: String,
    /// Who it is, where that name does not say so.
    pub account_name: Option<String>,
    pub is_integration: bool,
    /// The tool behind these apps, if all that are known belong to one.
    pub tool: Option<String>,
    /// Names of the apps that it used on these routes.
    pub apps: Vec<String>,
}

/// A policy that stands in the way of a customer's routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockingPolicy {
    pub policy_id: String,
    pub policy_name: String,
    /// Graph's names of the controls.
    pub demanded: Vec<String>,
    /// Graph's names of the conditions.
    pub matched: Vec<String>,
    pub blocked_sign_ins: u64,
}

/// A way of a listed partner into a customer: an account, an app and a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSummary {
    pub child_tenant_id: TenantId,
    pub partner_tenant_id: TenantId,
    /// Blank where the log had none, as the other parts.
    pub account: String,
    pub is_integration: bool,
    /// The app's id, else its name.
    pub app: String,
    pub app_name: String,
    /// The resource's id, else its name.
    pub resource: String,
    /// `None`: not tried lately.
    pub state: Option<RouteState>,
    /// The newest try that was no interruption.
    pub last_at: Option<DateTime<Utc>>,
    /// By policies, since the route's trouble began.
    pub blocks: Vec<RouteBlock>,
    /// Among these blocks is one whose policy the log does not show.
    pub policy_not_shown: bool,
}

/// A policy that blocks a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteBlock {
    pub policy_id: String,
    pub last_at: DateTime<Utc>,
}

/// A policy of a customer over all counted rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySummary {
    pub child_tenant_id: TenantId,
    pub policy_id: String,
    pub policy_name: String,
    pub matched: Vec<String>,
    pub demanded: Vec<String>,
    pub figures: PolicyFigures,
    /// The same, for each partner or other provider; `None`: home tenant not named.
    pub by_partner: BTreeMap<Option<TenantId>, PolicyFigures>,
    pub last_blocked_at: Option<DateTime<Utc>>,
}

/// Sign-ins, each counted once for the policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyFigures {
    /// Disputed ones included.
    pub blocked_sign_ins: u64,
    pub disputed_sign_ins: u64,
    pub would_block_sign_ins: u64,
}

impl AddAssign for PolicyFigures {
    fn add_assign(&mut self, other: Self) {
        self.blocked_sign_ins += other.blocked_sign_ins;
        self.disputed_sign_ins += other.disputed_sign_ins;
        self.would_block_sign_ins += other.would_block_sign_ins;
    }
}

/// An error code, over flagged counted rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseSummary {
    /// `None` where the export has no code.
    pub error_code: Option<i32>,
    /// In words, from the table of codes.
    pub cause: Option<String>,
    /// Listed partners and other providers together.
    pub all: CauseFigures,
    pub listed: CauseFigures,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CauseFigures {
    pub sign_ins: u64,
    /// Tries that ended with this code.
    pub tries: u64,
    pub customers: u64,
}

/// A provider that is not on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSummary {
    /// `None`: the records do not name the home tenant.
    pub home_tenant_id: Option<TenantId>,
    pub name: Option<String>,
    /// The account seen most.
    pub example_account: Option<String>,
    pub counts: Counts,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    /// By tenant id.
    pub customers: Vec<ProviderCustomer>,
}

impl ProviderSummary {
    /// Customers in which a sign-in of this provider succeeded.
    pub fn customers_got_in(&self) -> usize {
        self.customers.iter().filter(|customer| customer.counts.succeeded > 0).count()
    }

    /// Customers that refused a sign-in of this provider by policy.
    pub fn customers_blocked(&self) -> usize {
        let refused = |counts: &Counts| counts.blocked + counts.unexplained > 0;
        self.customers.iter().filter(|customer| refused(&customer.counts)).count()
    }
}

/// What another provider did at one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderCustomer {
    pub child_tenant_id: TenantId,
    pub child_name: Option<String>,
    /// On the user's list of customers.
    pub is_listed: bool,
    /// First and last counted row.
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub counts: Counts,
}

/// A live export and what it can show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportSummary {
    pub path: String,
    pub sha256: Option<String>,
    pub dialect: Option<String>,
    pub exporting_tenant_id: Option<TenantId>,
    pub bytes: u64,
    pub records: u64,
    pub partner: u64,
    pub other: u64,
    pub undecided: u64,
    pub duplicate: u64,
    pub rejected: u64,
    pub unfinished: u64,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub blind_spots: Vec<String>,
    /// Could not have shown a block.
    pub is_blind: bool,
}
