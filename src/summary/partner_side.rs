//! The partner's own sign-ins, as the log of its own tenant shows them: what keeps its
//! integrations out, or will, and is put right at home.
//!
//! The cases (L1.1, L1.3, L1.5, L2.1, L2.2, SY.5) are those of the vendors' articles; which field
//! is a sign of which case stands in the reference "the failures that the vendors' articles
//! describe". A log shows signs only: each finding has its limits said beside it.

mod rows;
pub(super) mod signs;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::custody::Custody;
use super::lists::Lists;
use super::model::PartnerSummary;
use crate::relation::Side;
use crate::tenant::TenantId;
use crate::tools::{ToolKind, ToolList};
use crate::who::{AccountRef, ObjectId};

pub(super) use rows::OwnRow;

/// What is known of the sign-ins of one listed partner in its own tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerSide {
    pub partner_tenant_id: TenantId,
    pub own_log: OwnLog,
    pub chosen_by: ChosenBy,
    /// Integrations whose sign-ins at home were looked at, by name.
    pub accounts: Vec<String>,
    /// Their sign-ins at home.
    pub sign_ins: u64,
    /// The gravest first.
    pub findings: Vec<Finding>,
    /// Tenants that the partner tried without having access to them, most tries first.
    pub passthrough: Vec<PassthroughTenant>,
    /// Sign-ins that customers refused for want of MFA: only the partner's log shows why.
    pub mfa_refused: u64,
    /// The customers that did.
    pub mfa_refused_customers: u64,
}

impl PartnerSide {
    /// The log that could tell why customers miss MFA is not here.
    pub fn lacks_log(&self) -> bool {
        self.own_log != OwnLog::Here && self.mfa_refused > 0
    }

    /// Findings that nothing later in the log has put right.
    pub fn open_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.mfa_asked_since.is_none())
    }
}

/// How much of the partner's own log is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnLog {
    Missing,
    /// It holds sign-ins to customers only, as a filtered export does.
    OutboundOnly,
    Here,
}

impl OwnLog {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::OutboundOnly => "outbound only",
            Self::Here => "here",
        }
    }
}

/// How the integrations were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy {
    /// By the user: accounts, apps.
    Flags,
    /// Accounts that sign in as integrations do; if there are none, whoever uses a known tool.
    Looks,
}

impl ChosenBy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flags => "flags",
            Self::Looks => "looks",
        }
    }
}

/// What is wrong, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    Risk,
    MfaSkipped,
    SingleFactor,
    ThirdPartyMfa,
    MfaByClaim,
}

impl FindingKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Risk => "risk",
            Self::MfaSkipped => "mfa_skipped",
            Self::SingleFactor => "single_factor",
            Self::ThirdPartyMfa => "third_party_mfa",
            Self::MfaByClaim => "mfa_by_claim",
        }
    }
}

/// One thing that is wrong with one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    pub account: String,
    pub is_integration: bool,
    pub sign_ins: u64,
    pub interactive_sign_ins: u64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub apps: BTreeSet<String>,
    pub resources: BTreeSet<String>,
    /// Microsoft Graph or Partner Center, which refuse tokens without MFA, is among the resources.
    pub asks_for_mfa_claim: bool,
    pub error_codes: BTreeSet<i32>,
    /// What the log says, in its words.
    pub said: BTreeSet<String>,
    /// In whose logs, or at whom, it was seen.
    pub customers: BTreeSet<TenantId>,
    /// Of a risk: it is the user's, which is judged in the partner's own tenant. A customer's log
    /// marks risky sign-ins, too, and those the customer judges.
    pub is_users_risk: bool,
    /// MFA was asked interactively after the last of these sign-ins.
    pub mfa_asked_since: Option<DateTime<Utc>>,
}

impl Finding {
    fn begin(kind: FindingKind, account: &str, row: &OwnRow<'_>) -> Self {
        Self {
            kind,
            account: account.to_owned(),
            is_integration: false,
            sign_ins: 0,
            interactive_sign_ins: 0,
            first_at: row.first_at,
            last_at: row.last_at,
            apps: BTreeSet::new(),
            resources: BTreeSet::new(),
            asks_for_mfa_claim: false,
            error_codes: BTreeSet::new(),
            said: BTreeSet::new(),
            customers: BTreeSet::new(),
            is_users_risk: false,
            mfa_asked_since: None,
        }
    }

    /// The cases of the vendors' articles.
    pub fn cases(&self) -> &'static [&'static str] {
        match self.kind {
            FindingKind::Risk => &["L1.5"],
            FindingKind::MfaSkipped => &["L1.3"],
            FindingKind::SingleFactor if self.asks_for_mfa_claim => &["L1.1", "L2.1"],
            FindingKind::SingleFactor => &["L1.1"],
            FindingKind::ThirdPartyMfa => &["L2.2"],
            FindingKind::MfaByClaim => &["L1.3", "SY.5"],
        }
    }
}

/// Whose sign-in a row is, as far as a finding needs it.
struct Whose<'a> {
    name: &'a str,
    is_integration: bool,
    is_copy: bool,
}

/// A tenant to which the partner has no access (`crossTenantAccessType` passthrough), by the
/// partner's own log. Source: Microsoft, concept-interactive-sign-ins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassthroughTenant {
    pub tenant_id: TenantId,
    pub name: Option<String>,
    pub sign_ins: u64,
    /// Distinct correlation ids; a sign-in without one counts by itself.
    pub tries: u64,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
    pub accounts: BTreeSet<String>,
    pub error_codes: BTreeSet<i32>,
}

/// Judges rows as they come.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    lists: &'a Lists,
    by_partner: BTreeMap<TenantId, Judged>,
    known_apps: KnownApps,
}

/// The kinds of the tools behind apps, which many rows ask for again and again.
#[derive(Debug, Default)]
struct KnownApps(BTreeMap<String, BTreeMap<String, Option<ToolKind>>>);

impl KnownApps {
    /// A log with more ids is no real one.
    const IDS_MAX: usize = 10_000;

    fn kind_of(&mut self, tools: &ToolList, row: &OwnRow<'_>) -> Option<ToolKind> {
        let (id, name) = (row.app_id.unwrap_or_default(), row.app_name.unwrap_or_default());
        let known = self.0.get(id).and_then(|names| names.get(name));
        if let Some(&known) = known {
            return known;
        }
        let kind = tools.tool_of(row.app_id, row.app_name).map(|(tool, _)| tool.kind);
        if self.0.len() >= Self::IDS_MAX {
            self.0.clear();
        }
        self.0.entry(id.to_owned()).or_default().insert(name.to_owned(), kind);
        kind
    }
}

/// What one partner's rows add up to.
#[derive(Debug, Default)]
struct Judged {
    has_home: bool,
    has_outbound: bool,
    accounts: BTreeSet<String>,
    sign_ins: u64,
    findings: BTreeMap<(FindingKind, String), (Finding, Copies)>,
    passthrough: BTreeMap<TenantId, PassthroughTenant>,
    /// When MFA was last asked of an account, by its name in lower case.
    mfa_asked: BTreeMap<String, DateTime<Utc>>,
    mfa_refused: u64,
    mfa_refused_customers: BTreeSet<TenantId>,
    /// Accounts of each partner that sign in as integrations do.
    seen: Option<BTreeSet<AccountRef>>,
}

/// Sign-ins in the partner's log to customers whose own log is here: they count only where that
/// one does not show the same.
#[derive(Debug, Clone, Copy, Default)]
struct Copies {
    sign_ins: u64,
    interactive: u64,
}

impl<'a> Judge<'a> {
    pub(super) fn new(lists: &'a Lists) -> Self {
        Self { lists, by_partner: BTreeMap::new(), known_apps: KnownApps::default() }
    }

    fn chosen_by(&self) -> ChosenBy {
        let people = &self.lists.people;
        let mut accounts = people.named.integrations();
        let mut apps = people.tools.integration_apps();
        match (accounts.next(), apps.next()) {
            (None, None) => ChosenBy::Looks,
            _ => ChosenBy::Flags,
        }
    }

    /// The partner's log holds sign-ins to customers.
    pub(super) fn see_outbound(&mut self, partner: TenantId) {
        self.by_partner.entry(partner).or_default().has_outbound = true;
    }

    /// Takes sign-ins that are alike.
    pub(super) fn add(&mut self, row: &OwnRow<'_>) {
        let name = self.name_of(row);
        let is_integration = self.is_integration(row, &name);
        let is_at_home = row.side == Side::Home;
        let is_copy = row.side == Side::Outbound
            && row.child.is_some_and(|child| self.lists.inbound.contains(&child));
        let judged = self.by_partner.entry(row.partner).or_default();
        judged.has_home |= is_at_home;
        if row.is_passthrough() {
            judged.add_passthrough(row, &name, self.lists);
        }
        if !is_at_home
            && !is_copy
            && row.error_code.is_some_and(|code| signs::WANTS_MFA.contains(&code))
        {
            judged.mfa_refused += row.sign_ins;
            judged.mfa_refused_customers.extend(row.child);
        }
        if is_at_home && !is_integration {
            return;
        }
        if is_at_home {
            judged.accounts.insert(name.clone());
            judged.sign_ins += row.sign_ins;
            if signs::mfa_was_asked(row) {
                let last = judged.mfa_asked.entry(name.to_lowercase()).or_insert(row.last_at);
                *last = (*last).max(row.last_at);
            }
        }
        for (kind, said) in signs::findings(row) {
            // The portals of administrators are no tools that were authorised.
            if kind == FindingKind::MfaByClaim && self.is_administration(row) {
                continue;
            }
            self.by_partner.entry(row.partner).or_default().add_finding(
                kind,
                said,
                row,
                &Whose { name: &name, is_integration, is_copy },
            );
        }
    }

    pub(super) fn add_tries(&mut self, partner: TenantId, child: TenantId, tries: u64) {
        let judged = self.by_partner.entry(partner).or_default();
        if let Some(tenant) = judged.passthrough.get_mut(&child) {
            tenant.tries += tries;
        }
    }

    /// The name under which people know the account, from whichever log.
    fn name_of(&self, row: &OwnRow<'_>) -> String {
        let known = self.lists.people.account(row.partner, row.account);
        known.and_then(|known| known.name.clone()).unwrap_or_else(|| row.account.to_owned())
    }

    fn is_integration(&mut self, row: &OwnRow<'_>, name: &str) -> bool {
        let people = &self.lists.people;
        let app_id = row.app_id;
        if self.chosen_by() == ChosenBy::Flags {
            return people.named.is_named_integration(row.user_id, &[row.account, name])
                || app_id.is_some_and(|app| people.tools.is_integration_app(app));
        }
        let judged = self.by_partner.entry(row.partner).or_default();
        let seen = judged.seen.get_or_insert_with(|| seen_integrations(self.lists, row.partner));
        let refs = [
            row.user_id.map(AccountRef::Id),
            AccountRef::parse(row.account),
            AccountRef::parse(name),
        ];
        // Technicians sign in to a tool's portal by the same app: where the tool's own account is
        // known, they are not meant.
        let known_apps = &mut self.known_apps;
        let mut uses_tool =
            || known_apps.kind_of(&people.tools, row) == Some(ToolKind::Integration);
        refs.iter().flatten().any(|account| seen.contains(account))
            || seen.is_empty() && uses_tool()
    }

    fn is_administration(&mut self, row: &OwnRow<'_>) -> bool {
        let kind = self.known_apps.kind_of(&self.lists.people.tools, row);
        kind == Some(ToolKind::Administration)
    }

    /// The answer for each listed partner.
    pub(super) fn finish(
        mut self,
        partners: &[PartnerSummary],
        custody: &Custody,
    ) -> Vec<PartnerSide> {
        let chosen_by = self.chosen_by();
        let answer = |partner: &PartnerSummary| {
            let partner = partner.tenant_id;
            let judged = self.by_partner.remove(&partner).unwrap_or_default();
            judged.finish(partner, chosen_by, custody.logs.contains_key(&partner))
        };
        partners.iter().map(answer).collect()
    }
}

/// Accounts of a partner that sign in as integrations do, by every name they have.
fn seen_integrations(lists: &Lists, partner: TenantId) -> BTreeSet<AccountRef> {
    let accounts = lists.people.accounts_of(partner);
    let integrations = accounts.filter(|(_, known)| known.is_integration());
    let refs = integrations.flat_map(|(account, known)| {
        [
            known.user_id.map(AccountRef::Id),
            AccountRef::parse(account),
            known.name.as_deref().and_then(AccountRef::parse),
        ]
    });
    refs.flatten().collect()
}

impl Judged {
    fn add_finding(
        &mut self,
        kind: FindingKind,
        said: Option<String>,
        row: &OwnRow<'_>,
        whose: &Whose<'_>,
    ) {
        let key = (kind, whose.name.to_lowercase());
        let empty = || (Finding::begin(kind, whose.name, row), Copies::default());
        let (finding, copies) = self.findings.entry(key).or_insert_with(empty);
        finding.is_integration |= whose.is_integration;
        let interactive = if row.is_interactive { row.sign_ins } else { 0 };
        if whose.is_copy {
            copies.sign_ins += row.sign_ins;
            copies.interactive += interactive;
        } else {
            finding.sign_ins += row.sign_ins;
            finding.interactive_sign_ins += interactive;
        }
        finding.is_users_risk |= kind == FindingKind::Risk && signs::is_users_risk(row);
        finding.first_at = finding.first_at.min(row.first_at);
        finding.last_at = finding.last_at.max(row.last_at);
        finding.apps.extend(row.app_name.or(row.app_id).map(str::to_owned));
        finding.resources.extend(row.resource_name.or(row.resource_id).map(str::to_owned));
        finding.asks_for_mfa_claim |= signs::asks_for_mfa_claim(row);
        finding.error_codes.extend(row.error_code.filter(|&code| code != 0));
        finding.said.extend(said);
        finding.customers.extend(row.child);
    }

    fn add_passthrough(&mut self, row: &OwnRow<'_>, name: &str, lists: &Lists) {
        let Some(child) = row.child else { return };
        let tenant = self.passthrough.entry(child).or_insert_with(|| PassthroughTenant {
            tenant_id: child,
            name: lists.customer_name(child),
            sign_ins: 0,
            tries: 0,
            first_at: row.first_at,
            last_at: row.last_at,
            accounts: BTreeSet::new(),
            error_codes: BTreeSet::new(),
        });
        tenant.sign_ins += row.sign_ins;
        tenant.first_at = tenant.first_at.min(row.first_at);
        tenant.last_at = tenant.last_at.max(row.last_at);
        tenant.accounts.insert(name.to_owned());
        tenant.error_codes.extend(row.error_code.filter(|&code| code != 0));
    }

    fn finish(self, partner: TenantId, chosen_by: ChosenBy, has_export: bool) -> PartnerSide {
        let mfa_asked = self.mfa_asked;
        let counted = |(mut finding, copies): (Finding, Copies)| {
            if finding.sign_ins == 0 {
                finding.sign_ins = copies.sign_ins;
                finding.interactive_sign_ins = copies.interactive;
            }
            finding
        };
        let mut findings: Vec<Finding> = self.findings.into_values().map(counted).collect();
        for finding in &mut findings {
            let is_of_mfa = !matches!(finding.kind, FindingKind::Risk | FindingKind::ThirdPartyMfa);
            let asked = mfa_asked.get(&finding.account.to_lowercase()).copied();
            finding.mfa_asked_since = asked.filter(|&at| is_of_mfa && at > finding.last_at);
        }
        // Tools before people: what stops a tool stops it at every customer.
        findings.sort_by_key(|finding| {
            (finding.mfa_asked_since.is_some(), finding.kind, !finding.is_integration)
        });
        let mut passthrough: Vec<PassthroughTenant> = self.passthrough.into_values().collect();
        passthrough.sort_by_key(|tenant| std::cmp::Reverse(tenant.tries));
        PartnerSide {
            partner_tenant_id: partner,
            own_log: match (self.has_home, self.has_outbound || has_export) {
                (true, _) => OwnLog::Here,
                (false, true) => OwnLog::OutboundOnly,
                (false, false) => OwnLog::Missing,
            },
            chosen_by,
            accounts: self.accounts.into_iter().collect(),
            sign_ins: self.sign_ins,
            findings,
            passthrough,
            mfa_refused: self.mfa_refused,
            mfa_refused_customers: self.mfa_refused_customers.len() as u64,
        }
    }
}

/// The object id of a row's user: its name may hold it.
pub(super) fn user_id_of(account: &str, user_id: Option<&str>) -> Option<ObjectId> {
    ObjectId::of_gdap_name(account).or_else(|| user_id.and_then(ObjectId::parse))
}
