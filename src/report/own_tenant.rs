//! What is wrong in the partner's own tenant: what was seen, what it means, what to do, and what
//! the log cannot show.
//!
//! What to do follows the vendors' articles where they are safe, and says otherwise where they
//! are not: a bypass is ended and not walked around, a risk is looked into before it is cleared,
//! and no customer is asked for an exclusion.

use std::io::{self, Write};

use super::table::{Column, Table};
use super::{clean, words};
use crate::error_code::ErrorCode;
use crate::summary::Summary;
use crate::summary::partner_side::{
    ChosenBy, Finding, FindingKind, OwnLog, PartnerSide, PassthroughTenant,
};
use crate::tenant::TenantId;
use crate::who::short_account;

/// Of an account's name in a line of the terminal.
const NAME_COLUMNS: usize = 40;
/// Of names in a list within a sentence; more are counted.
const NAMED_MAX: usize = 5;

/// A finding in words.
pub(super) struct Told {
    pub(super) title: String,
    pub(super) seen: String,
    pub(super) means: &'static str,
    pub(super) to_do: &'static str,
    pub(super) cannot_show: &'static str,
}

impl Told {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            title: format!("{} {}", short_account(&finding.account), headline(finding)),
            seen: seen(finding),
            means: means(finding),
            to_do: to_do(finding),
            cannot_show: cannot_show(finding.kind),
        }
    }

    /// What a document says below the title.
    pub(super) fn lines(&self) -> [(&'static str, &str); 4] {
        [
            ("Seen", self.seen.as_str()),
            ("Means", self.means),
            ("To do", self.to_do),
            ("The log cannot show", self.cannot_show),
        ]
    }
}

fn headline(finding: &Finding) -> &'static str {
    match finding.kind {
        FindingKind::Risk if !finding.is_users_risk => "had risky sign-ins",
        FindingKind::Risk if finding.said.is_empty() => "was refused because of a risk",
        FindingKind::Risk => "is at risk",
        FindingKind::MfaSkipped => "was spared MFA",
        FindingKind::SingleFactor => "signed in without MFA",
        FindingKind::ThirdPartyMfa => "was sent to MFA that is not Microsoft's",
        FindingKind::MfaByClaim => "was not asked for MFA",
    }
}

fn seen(finding: &Finding) -> String {
    let mut parts = vec![sign_ins(finding)];
    if !finding.said.is_empty() {
        let said: Vec<String> = finding.said.iter().map(|said| format!("\"{said}\"")).collect();
        parts.push(format!("the log says {}", some_of(&said)));
    }
    if !finding.error_codes.is_empty() {
        let codes: Vec<String> =
            finding.error_codes.iter().map(|&code| ErrorCode(code).to_string()).collect();
        parts.push(some_of(&codes));
    }
    let first = words::full_moment(finding.first_at);
    parts.push(format!("first {first}, last {}", words::full_moment(finding.last_at)));
    for (what, names) in [("apps", &finding.apps), ("resources", &finding.resources)] {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().cloned().collect();
            parts.push(format!("{what}: {}", some_of(&names)));
        }
    }
    if !finding.customers.is_empty() {
        let count = u64::try_from(finding.customers.len()).unwrap_or(u64::MAX);
        parts.push(format!("at {}", words::customers(count)));
    }
    if let Some(at) = finding.mfa_asked_since {
        parts.push(format!("since then MFA was asked, on {}", words::full_moment(at)));
    }
    format!("{}.", parts.join("; "))
}

fn sign_ins(finding: &Finding) -> String {
    let mut all = words::counted(finding.sign_ins, "sign-in", "sign-ins");
    if finding.kind == FindingKind::SingleFactor {
        all.push_str(" with one factor only (singleFactorAuthentication)");
    }
    match finding.interactive_sign_ins {
        0 => format!("{all}, none of them interactive"),
        interactive if interactive == finding.sign_ins => format!("{all}, interactive"),
        interactive => format!("{all}, {} of them interactive", words::number(interactive)),
    }
}

fn some_of(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED_MAX).map(String::as_str).collect();
    match names.len().saturating_sub(NAMED_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn means(finding: &Finding) -> &'static str {
    match finding.kind {
        FindingKind::Risk if !finding.is_users_risk => {
            "A customer's log marks these sign-ins as risky. The risk of a sign-in is judged by the \
             customer's tenant, that of a user by your own."
        }
        FindingKind::Risk => {
            "User risk is judged in your own tenant, and it shuts the account out of customers' \
             tenants as well; no customer can clear it."
        }
        FindingKind::MfaSkipped => {
            "A bypass spares this account MFA, so its token lacks the MFA claim for which Partner \
             Center, Microsoft Graph and customers' policies ask. Signing in again does not help as \
             long as the bypass is there."
        }
        FindingKind::SingleFactor if finding.asks_for_mfa_claim => {
            "MFA was not required of these sign-ins. Microsoft Graph and Partner Center refuse what a \
             partner asks of customers with a token without MFA claim: unauthorized, \
             unauthorizedMissingMfaTokenClaim."
        }
        FindingKind::SingleFactor => {
            "MFA was not required of these sign-ins. A partner must require Microsoft MFA of all its \
             accounts; a token without MFA claim is refused at customers."
        }
        FindingKind::ThirdPartyMfa => {
            "MFA of another vendor (Duo, Okta and others) was asked for. Through a custom control it \
             does not count in other tenants: the token has no MFA claim there."
        }
        FindingKind::MfaByClaim => {
            "MFA of an earlier sign-in in the same browser was good enough, and nobody was asked. The \
             tool's token is only as good as that earlier sign-in."
        }
    }
}

fn to_do(finding: &Finding) -> &'static str {
    match finding.kind {
        FindingKind::Risk if !finding.is_users_risk => {
            "Investigate with the customer first, and look at this account under Risky users in your \
             own tenant. Ask for no exclusion."
        }
        FindingKind::Risk => {
            "Investigate first: Entra admin centre, Risky users and Risky sign-ins of this account. \
             Only when it is explained, clear the risk in your own tenant (new password, or dismiss \
             it), and sign in again. Ask no customer for an exclusion."
        }
        FindingKind::MfaSkipped => {
            "End the bypass for this account: take trusted addresses out of the MFA service \
             settings, remembered devices likewise, and trusted locations out of the exclusions of \
             your MFA policy. Require Microsoft MFA at each sign-in. Then sign in to the tool again \
             in a private window, so that MFA is asked."
        }
        FindingKind::SingleFactor => {
            "Require Microsoft MFA of this account at each sign-in, by a Conditional Access policy of \
             your own tenant or by security defaults. Then sign in to the tool again in a private \
             window, so that MFA is asked and the tool's token holds it."
        }
        FindingKind::ThirdPartyMfa => {
            "Require Microsoft MFA of this account as well, at each sign-in. Then sign in to the tool \
             again in a private window, so that MFA is asked."
        }
        FindingKind::MfaByClaim => {
            "Require MFA of this account at each sign-in (sign-in frequency: every time). Then sign \
             in to the tool again in a private window, so that MFA is asked."
        }
    }
}

fn cannot_show(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Risk => {
            "Whether the risk was dismissed since then: the log cannot tell, the list of risky users \
             can."
        }
        FindingKind::MfaSkipped => {
            "Which setting spares the account MFA: the MFA service settings, or a policy."
        }
        FindingKind::SingleFactor => {
            "Which policy is missing, and whether the token still held the MFA of an earlier sign-in."
        }
        FindingKind::ThirdPartyMfa => {
            "Whether Microsoft MFA is set up besides. AADSTS50177 has other causes, too: a missing \
             GDAP group, or a policy of the customer."
        }
        FindingKind::MfaByClaim => "When the earlier sign-in was, and whether the vendor minds.",
    }
}

/// One or two lines for the terminal, and one where the log that could tell is missing.
pub(super) fn sentences(summary: &Summary) -> Vec<String> {
    summary.partner_sides.iter().flat_map(sentences_of).collect()
}

fn sentences_of(side: &PartnerSide) -> Vec<String> {
    let mut lines = Vec::new();
    let open: Vec<&Finding> = side.open_findings().collect();
    if let [first, rest @ ..] = open.as_slice() {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" {more} more in report.html."),
        };
        // The domain is the partner's own.
        let account = short_account(&first.account);
        let account = account.split('@').next().unwrap_or_default();
        let account = clean::clean(account, NAME_COLUMNS);
        lines.push(format!(
            "In your own tenant: {account} {} ({}, last {}): {}.{more}",
            headline(first),
            words::counted(first.sign_ins, "sign-in", "sign-ins"),
            words::moment(first.last_at),
            in_short(first),
        ));
    }
    if !side.passthrough.is_empty() {
        let tries = side.passthrough.iter().map(|tenant| tenant.tries).sum();
        let count = u64::try_from(side.passthrough.len()).unwrap_or(u64::MAX);
        let last = side.passthrough.iter().map(|tenant| tenant.last_at).max();
        let last = last.map(|last| format!(", last {}", words::moment(last))).unwrap_or_default();
        lines.push(format!(
            "Tried {} it has no access to, {}{last}: check the GDAP relationship.",
            words::counted(count, "tenant", "tenants"),
            words::counted(tries, "try", "tries"),
        ));
    }
    lines.extend(lacking(side));
    lines
}

fn in_short(finding: &Finding) -> &'static str {
    match finding.kind {
        FindingKind::Risk if !finding.is_users_risk => "investigate with the customer",
        FindingKind::Risk => "investigate, then clear it at home",
        FindingKind::MfaSkipped => "end the bypass, then sign in again",
        FindingKind::SingleFactor => "require Microsoft MFA, then sign in again",
        FindingKind::ThirdPartyMfa => "require Microsoft MFA as well",
        FindingKind::MfaByClaim => "sign in again so that MFA is asked",
    }
}

fn lacking(side: &PartnerSide) -> Option<String> {
    let log = match side.own_log {
        OwnLog::OutboundOnly => "your own log holds no sign-ins to your own tenant",
        _ => "no log of your own tenant",
    };
    side.lacks_log().then(|| {
        let customers = side.mfa_refused_customers;
        format!(
            "{} {} MFA in your token ({}). Why cannot be told: {log}.",
            words::customers(customers),
            if customers == 1 { "misses" } else { "miss" },
            words::counted(side.mfa_refused, "sign-in", "sign-ins"),
        )
    })
}

/// The sides of which something is known, each with its heading.
pub(super) fn told_sides(summary: &Summary) -> impl Iterator<Item = (&PartnerSide, String)> {
    let told = |side: &&PartnerSide| {
        side.own_log == OwnLog::Here
            || side.lacks_log()
            || !side.findings.is_empty()
            || !side.passthrough.is_empty()
    };
    summary.partner_sides.iter().filter(told).map(|side| {
        let title = match summary.partner_sides.len() {
            1 => "In your own tenant".to_owned(),
            _ => format!("In your own tenant: {}", name_of(summary, side.partner_tenant_id)),
        };
        (side, title)
    })
}

/// The section of report.md; nothing of a partner of whose own side nothing is known.
pub(super) fn write_section(sink: &mut impl Write, summary: &Summary) -> io::Result<()> {
    for (side, title) in told_sides(summary) {
        writeln!(sink, "## {}\n", clean::markdown(&title))?;
        writeln!(sink, "{}\n", clean::markdown(&basis(side)))?;
        for finding in &side.findings {
            write_finding(sink, finding)?;
        }
        write_passthrough(sink, side)?;
    }
    Ok(())
}

fn name_of(summary: &Summary, partner: TenantId) -> String {
    let known = summary.partners.iter().find(|known| known.tenant_id == partner);
    known.map_or_else(|| partner.short(), words::partner)
}

/// Whose sign-ins were looked at, and how they were chosen.
pub(super) fn basis(side: &PartnerSide) -> String {
    let by = match side.chosen_by {
        ChosenBy::Flags => "named by you",
        ChosenBy::Looks => {
            "that look like integrations (say which are with --integration-user and \
             --integration-app)"
        }
    };
    match (side.own_log, side.accounts.as_slice()) {
        (OwnLog::Here, []) => format!("Your own log holds no sign-in of accounts {by}."),
        (OwnLog::Here, accounts) => {
            let nothing = if side.findings.is_empty() { " Nothing found." } else { "" };
            format!(
                "Looked at {} of accounts {by}: {}.{nothing}",
                words::counted(side.sign_ins, "sign-in", "sign-ins"),
                some_of(accounts),
            )
        }
        _ => lacking(side).unwrap_or_else(|| {
            "Your own sign-ins are not judged: no log of your own tenant.".to_owned()
        }),
    }
}

fn write_finding(sink: &mut impl Write, finding: &Finding) -> io::Result<()> {
    let told = Told::of(finding);
    writeln!(sink, "### {}\n", clean::markdown(&told.title))?;
    for (what, text) in told.lines() {
        writeln!(sink, "- {what}: {}", clean::markdown(text))?;
    }
    writeln!(sink)
}

/// Below the table of tenants that were tried without access.
pub(super) const PASSTHROUGH: &str = "Your own log marks these as passthrough: the account has no \
                                      access to the tenant. Check that the GDAP relationship is \
                                      active and that its security group holds the account. Roles and \
                                      groups do not stand in a sign-in log.";

fn write_passthrough(sink: &mut impl Write, side: &PartnerSide) -> io::Result<()> {
    if side.passthrough.is_empty() {
        return Ok(());
    }
    writeln!(sink, "### Tried a tenant it has no access to\n")?;
    super::markdown::write_table(sink, &passthrough(side))?;
    writeln!(sink, "\n{PASSTHROUGH}\n")
}

pub(super) fn passthrough(side: &PartnerSide) -> Table {
    let mut table = Table::new(vec![
        Column::left("tenant", 12),
        Column::left("tenant id", 36),
        Column::right("tries"),
        Column::left("last", 16),
        Column::left("error codes", 13),
        Column::left("accounts", 16),
    ]);
    table.rows.extend(side.passthrough.iter().map(passthrough_cells));
    table
}

fn passthrough_cells(tenant: &PassthroughTenant) -> Vec<String> {
    let codes: Vec<String> =
        tenant.error_codes.iter().map(|&code| ErrorCode(code).to_string()).collect();
    let accounts: Vec<String> = tenant.accounts.iter().cloned().collect();
    vec![
        words::tenant(tenant.name.as_deref(), tenant.tenant_id),
        tenant.tenant_id.to_string(),
        words::number(tenant.tries),
        words::full_moment(tenant.last_at),
        some_of(&codes),
        some_of(&accounts),
    ]
}
