//! What a ticket tells: what happens, to whom, why, who can change it, and the proof.

use super::super::clean::clean;
use super::super::words::{self, Refused};
use super::ask::name;
use super::{Kind, NAME_COLUMNS, PROOF_COLUMNS, Writer};
use crate::policy::in_reading_order;
use crate::remedy::facts::Control;
use crate::remedy::{Class, Danger, PlannedPolicy, Remedy};
use crate::summary::state::CustomerState;
use crate::summary::{Doer, Proof};

/// Sign-ins that are attached as proof.
const PROOF_SHOWN: usize = 5;

impl Writer<'_> {
    /// Who is refused: `Liongard, a tool of Fabrikam, your IT provider`.
    pub(super) fn subject(&self) -> String {
        let partner = self.partner_name();
        let who = match words::refused(self.customer) {
            Refused::All => "all accounts".to_owned(),
            Refused::Tools(tools) => {
                let tool = if tools.len() == 1 { "a tool" } else { "tools" };
                format!("{}, {tool}", names_of_tools(&tools))
            }
            Refused::Persons(1) => "a technician".to_owned(),
            Refused::Persons(_) => "technicians".to_owned(),
        };
        format!("{who} of {partner}, your IT provider")
    }

    pub(super) fn who_for_title(&self) -> String {
        match words::refused(self.customer) {
            Refused::All => "access".to_owned(),
            Refused::Tools(tools) => {
                let tool = if tools.len() == 1 { "tool" } else { "tools" };
                format!("{tool} {}", names_of_tools(&tools))
            }
            Refused::Persons(1) => "technician".to_owned(),
            Refused::Persons(_) => "technicians".to_owned(),
        }
    }

    pub(super) fn what_happens(&self) -> Vec<String> {
        let customer = self.customer;
        let tries = words::counted(customer.blocked_tries, "try", "tries");
        let last = self.to_do().proof.iter().find(|proof| proof.is_blocked);
        let last = last.map(|proof| format!(", last {}", words::told_moment(proof.at)));
        let last = last.unwrap_or_default();
        let subject = self.subject();
        let since = match customer.since {
            Some(since) if customer.since_before_evidence => {
                format!("Since before {}, where the log begins,", words::told_day(since))
            }
            Some(since) => format!("Since {}", words::told_moment(since)),
            None => "At times".to_owned(),
        };
        let none = match customer.state {
            CustomerState::Blocked if customer.since.is_some() => "; none got through",
            _ => "",
        };
        vec![format!(
            "{since} your tenant refuses the sign-ins of {subject} ({tries}{last}{none})."
        )]
    }

    pub(super) fn why(&self) -> Vec<String> {
        let plan = &self.to_do().plan;
        let mut lines: Vec<String> = Vec::new();
        for (number, policy) in plan.policies.iter().enumerate() {
            lines.push(format!("{}  {}", number + 1, reason(policy)));
        }
        if plan.all_meet_all() {
            let all = words::all_policies(plan.policies.len());
            lines.push(format!("Every try met {all}, so one change alone does not help."));
        }
        if plan.unknown.tries > 0 {
            let tries = words::counted(plan.unknown.tries, "try was", "tries were");
            lines.push(format!(
                "{tries} refused by a policy that the log does not show, so more may be needed."
            ));
        }
        lines
    }

    pub(super) fn proof(&self, kind: Kind) -> Vec<String> {
        let proof = self.proof_for(kind).into_iter().take(PROOF_SHOWN);
        let mut lines: Vec<String> = proof.map(proof_line).collect();
        if lines.is_empty() {
            return lines;
        }
        lines.push(
            "The address in a non-interactive record is where access was first granted, not where \
             the tool runs."
                .to_owned(),
        );
        lines
    }

    pub(super) fn assignee(&self, kind: Kind) -> String {
        let customer = self.customer_name();
        let partner = self.partner_name();
        let role = match kind {
            // Cross-tenant access settings are not for a Conditional Access Administrator
            // (Microsoft, cross-tenant-access-settings-b2b-collaboration).
            Kind::Change if self.to_do().plan.has(Class::MeetCondition) => {
                "Security Administrator or higher"
            }
            Kind::Change => "Conditional Access Administrator or higher",
            Kind::Consent => "Privileged Role Administrator or Cloud Application Administrator",
        };
        let own_roles = if self.to_do().plan.has(Class::MeetCondition) {
            "Security Administrator"
        } else {
            "Conditional Access Administrator or Security Administrator"
        };
        match self.to_do().doer {
            Doer::Technicians(_) if kind == Kind::Change => format!(
                "{customer} approves; {partner}'s technicians got into the portal there lately and can \
                 do it if their roles include {own_roles}."
            ),
            Doer::CustomerOnly => format!(
                "{customer} administrator ({role}). {partner} cannot do this itself: its own access is \
                 blocked too."
            ),
            _ => format!("{customer} administrator ({role})."),
        }
    }

    /// What the partner must know and the customer need not.
    pub(super) fn internal_note(&self, kind: Kind) -> Vec<String> {
        let plan = &self.to_do().plan;
        let mut lines = Vec::new();
        lines.push(match self.to_do().doer {
            Doer::Technicians(at) => format!(
                "Your technicians got into the portal of this customer, last {}: you may be able to do \
                 it yourself, once the customer approves.",
                words::told_moment(at)
            ),
            Doer::CustomerOnly => "Your own access to the portal there is blocked, too.".to_owned(),
            Doer::NotShown => {
                "The log does not show whether your technicians get into the portal there.".to_owned()
            }
        });
        if kind == Kind::Change {
            if plan.has(Class::OwnTenant) {
                lines.push("Do your own part first: see What we do ourselves.".to_owned());
            }
            if plan.policies_of(Class::OwnTenant).any(|policy| policy.remedy == Remedy::ClearRisk) {
                lines.push(
                    "An account is a risk in your own tenant. Do not send this before that is cleared."
                        .to_owned(),
                );
            }
            lines.extend(
                plan.policies_of(Class::Never).map(|policy| {
                    format!("Not asked for: {}. {}", name(policy), not_asked(policy))
                }),
            );
        }
        lines.extend(self.to_do().waiting.iter().map(|waiting| {
            let name = words::policy(&waiting.policy_name, &waiting.policy_id);
            format!("Behind it: {name} ({}).", words::waiting(waiting))
        }));
        lines
    }
}

/// `CA007 Managed devices: required compliant device; these sign-ins presented none.`
fn reason(policy: &PlannedPolicy) -> String {
    let facts = &policy.facts;
    let name = name(policy);
    let because = if facts.matched.is_empty() {
        "the log does not say why it applied".to_owned()
    } else {
        format!("applied because of {}", words::conditions(&in_reading_order(&facts.matched)))
    };
    let demanded: Vec<String> = facts.demanded.iter().cloned().collect();
    let session: Vec<String> = facts.session.iter().cloned().collect();
    if demanded.iter().any(|control| Control::of_grant(control) == Control::Block) {
        return format!("{name}: {because}; it blocks.");
    }
    let required = match (demanded.is_empty(), session.is_empty()) {
        (true, true) => "the log does not show what it required".to_owned(),
        (true, false) => format!("it limits the session ({})", words::controls(&session)),
        _ => format!("required {}; these sign-ins did not present it", words::controls(&demanded)),
    };
    format!("{name}: {required}; {because}.")
}

fn names_of_tools(tools: &[String]) -> String {
    let names: Vec<&str> = tools.iter().map(String::as_str).collect();
    clean(&words::and(&names), NAME_COLUMNS)
}

fn not_asked(policy: &PlannedPolicy) -> &'static str {
    match policy.remedy {
        Remedy::Investigate(Danger::SignInRisk) => {
            "It saw a risky sign-in: find out with the customer who signed in, and from where."
        }
        Remedy::Investigate(Danger::InsiderRisk) => {
            "It saw an insider risk: find out with the customer what it is about."
        }
        Remedy::Investigate(Danger::UnknownAddress) => {
            "The address never got in anywhere: find out whose it is before anything is opened."
        }
        _ => "Every try that it refuses is refused for a risk or an unknown address, too.",
    }
}

fn proof_line(proof: &Proof) -> String {
    let mut parts = vec![format!("request {}", clean(&proof.sign_in_id, PROOF_COLUMNS))];
    parts.extend(
        proof.correlation_id.iter().map(|id| format!("correlation {}", clean(id, PROOF_COLUMNS))),
    );
    parts.push(words::error_code(proof.error_code));
    parts.extend(proof.app_name.iter().map(|app| clean(app, PROOF_COLUMNS)));
    format!("{}  {}", words::proof_moment(proof.at), parts.join("  "))
}
