//! What a ticket asks for, what that costs, how to check it and how to take it back.

use std::collections::BTreeSet;

use super::super::clean::clean;
use super::super::words;
use super::{Kind, NAME_COLUMNS, Section, Writer};
use crate::remedy::facts::{Control, Relation};
use crate::remedy::{Class, Exclude, PlannedPolicy, Remedy, Unclear};
use crate::summary::FailureSummary;

impl Writer<'_> {
    pub(super) fn change_sections(&self, asked: &[&PlannedPolicy]) -> Vec<Section> {
        let sections = [
            ("What happens", self.what_happens()),
            ("Why", self.why()),
            ("What we do ourselves", self.own_part()),
            ("What we ask", self.what_we_ask(asked)),
            ("What you give up, what stays", self.give_up(asked)),
            ("How to check", self.check(asked)),
            ("Undo", self.undo(asked)),
            ("Proof", self.proof(Kind::Change)),
        ];
        sections_of(sections)
    }

    pub(super) fn consent_sections(&self, failures: &[&FailureSummary]) -> Vec<Section> {
        let partner = self.partner_name();
        let lines = failures.iter().map(|failure| {
            let tries = words::counted(failure.tries, "try", "tries");
            let code = words::error_code(failure.error_code);
            format!("{} {code}, {tries}.", failure.cause)
        });
        let apps: Vec<String> = failures
            .iter()
            .flat_map(|failure| &failure.accounts)
            .flat_map(|account| account.apps.iter().map(|app| clean(app, NAME_COLUMNS)))
            .collect();
        let mut names: Vec<&str> = apps.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let (several, apps) = (names.len(), words::and(&names));
        let ask = format!(
            "A  Consent to {} for your tenant as an administrator (Privileged Role Administrator or \
             Cloud Application Administrator), through the link that {partner} sends you, and \
             compare the permissions with what {partner} told you before you accept.",
            if apps.is_empty() { "the app" } else { &apps }
        );
        let are_several = several > 1;
        sections_of([
            ("What happens", vec![self.consent_happens(&apps, are_several)]),
            ("Why", lines.collect()),
            ("What we ask", vec![
                ask,
                "Do not: let all users consent to apps, or consent to an app whose name or publisher \
                 you do not know."
                    .to_owned(),
            ]),
            ("How to check", vec![
                "Identity > Applications > Enterprise applications > the app > Permissions lists what \
                 was consented to; the next try gets in."
                    .to_owned(),
            ]),
            ("Undo", vec![
                "Enterprise applications > the app > Permissions > revoke, or delete the enterprise \
                 application."
                    .to_owned(),
            ]),
            ("Proof", self.proof(Kind::Consent)),
        ])
    }

    fn consent_happens(&self, apps: &str, are_several: bool) -> String {
        let partner = self.partner_name();
        let app = if apps.is_empty() { "An app" } else { apps };
        let (kind, ask, it) =
            if are_several { ("apps", "ask", "them") } else { ("an app", "asks", "it") };
        let kind = if apps.is_empty() { String::new() } else { format!(", {kind}") };
        format!(
            "{app}{kind} of {partner}, your IT provider, {ask} for access to your tenant, and nobody \
             there has consented to {it} yet."
        )
    }

    /// What the partner does at home before or beside what is asked for.
    fn own_part(&self) -> Vec<String> {
        let plan = &self.to_do().plan;
        let own: Vec<&PlannedPolicy> = plan.policies_of(Class::OwnTenant).collect();
        let mut lines: Vec<String> = own
            .iter()
            .map(|policy| format!("{}: {}", name(policy), words::own_remedy(policy.remedy)))
            .collect();
        if own.into_iter().any(|policy| policy.remedy == Remedy::ClearRisk) {
            lines.push(
                "Please change nothing of what we ask below before we tell you that this risk is \
                 cleared."
                    .to_owned(),
            );
        }
        lines
    }

    fn what_we_ask(&self, asked: &[&PlannedPolicy]) -> Vec<String> {
        let id = self.partner.tenant_id;
        let partner = self.partner_name();
        let numbers = (27_u32..).map(|number| number.to_string());
        let mut letters = ('A'..='Z').map(String::from).chain(numbers);
        let mut letter = || letters.next().unwrap_or_default();
        let mut lines = Vec::new();
        let excludes = asked.iter().any(|policy| excludes(policy.remedy));
        if excludes {
            lines.push(format!(
                "{}  Protect first: new policy \"{partner}: require MFA\". Users > Include > Select \
                 users and groups > Guest or external users > {} > Select > {id}. Target resources: \
                 all resources. Grant: require multifactor authentication. Report-only for a day, \
                 then On.",
                letter(),
                user_type(&excluded(asked)),
            ));
        }
        for policy in asked {
            lines.push(format!("{}  {}", letter(), self.ask(policy)));
            lines.extend(unclear_conditions(policy));
            lines.extend(several_controls(policy));
        }
        if excludes {
            lines.push(
                "If a policy already excludes guests or external users, stop and call us: the list of \
                 tenants applies to all types of users in it."
                    .to_owned(),
            );
        }
        lines.push(
            "Do not: exclude all guests, choose \"All\" organizations, exclude the app, mark an \
             address as trusted, or turn a policy off."
                .to_owned(),
        );
        lines.extend(self.shares());
        lines
    }

    fn ask(&self, policy: &PlannedPolicy) -> String {
        let id = self.partner.tenant_id;
        let partner = self.partner_name();
        let title = name(policy);
        let kind = user_type(&[policy]);
        let exclude = format!(
            "{title}: Users > Exclude > Guest or external users > {kind} > Select > paste {id} (a \
             search by name may find nothing) > Save."
        );
        let managed = if policy.facts.is_microsoft_managed() {
            " It is a policy of Microsoft: nothing but its state and its exclusions can be edited."
        } else {
            ""
        };
        match policy.remedy {
            Remedy::Exclude(Exclude::Location) => format!(
                "{exclude}{managed} Or, if the vendor publishes its addresses, leave those out of the \
                 blocked locations instead; never mark them as trusted."
            ),
            Remedy::Exclude(_) => format!("{exclude}{managed}"),
            Remedy::ExcludeFromSession => format!(
                "{exclude}{managed} From this policy only: it limits the session.{}",
                grant_part(policy, &partner)
            ),
            Remedy::TrustDevices => format!(
                "{title}: External Identities > Cross-tenant access settings > Organizational settings \
                 > {id} (Add organization, if it is not there) > Inbound access > Trust settings > note \
                 what is set > trust compliant and \
                 hybrid joined devices. Our technician then signs in from a managed device."
            ),
            Remedy::TrustMfa => format!(
                "{title}: External Identities > Cross-tenant access settings > Organizational settings \
                 > {id} (Add organization, if it is not there) > Inbound access > Trust settings > note \
                 what is set > trust multifactor \
                 authentication. It counts for guests only, as which this account came."
            ),
            Remedy::LookFirst(Unclear::Conditions) => format!(
                "{title}: the log does not say why it applies. Open it first. If it applies because \
                 of risk, device code flow, legacy clients or a location, stop and call us. Only if \
                 it blocks by users and apps alone: Users > Exclude > Guest or external users > {kind} \
                 > Select > paste {id} > Save.{managed}"
            ),
            _ => format!(
                "{title}: the log does not say what it requires, or requires something that we do not \
                 know. Open it, tell us its grant controls, and change nothing before we answer."
            ),
        }
    }

    /// What the steps would let through, where there are several.
    fn shares(&self) -> Vec<String> {
        let plan = &self.to_do().plan;
        let asked = plan
            .steps
            .iter()
            .filter(|step| matches!(step.class, Class::MeetCondition | Class::Exclusion));
        let steps: Vec<_> = asked.collect();
        if steps.len() < 2 {
            return Vec::new();
        }
        let told = steps.iter().enumerate().map(|(place, step)| {
            // A share is that of this step and of those before it.
            let also = if place > 0 { " as well" } else { "" };
            let names: Vec<String> = step
                .policies
                .iter()
                .filter_map(|&policy| plan.policies.get(policy))
                .map(name)
                .collect();
            let share = words::share(step.let_through, plan.total);
            let exact = if plan.is_exact { "" } else { " (a good order, not surely the best)" };
            let is_unclear = step
                .policies
                .iter()
                .filter_map(|&policy| plan.policies.get(policy))
                .any(|policy| matches!(policy.remedy, Remedy::LookFirst(_)));
            if step.helps && is_unclear {
                format!(
                    "If {} may be changed{also}, what these logs show: {share} would get through{exact}.",
                    names.join(" and ")
                )
            } else if step.helps {
                format!(
                    "With {} done{also}, what these logs show: {share} would get through{exact}.",
                    names.join(" and ")
                )
            } else {
                format!("{} lets nothing more through by itself.", names.join(" and "))
            }
        });
        told.collect()
    }

    fn give_up(&self, asked: &[&PlannedPolicy]) -> Vec<String> {
        let partner = self.partner_name();
        let mut lines = Vec::new();
        for policy in excluded(asked) {
            let given_up = given_up(policy);
            let name = name(policy);
            lines.push(match policy.remedy {
                Remedy::LookFirst(_) => format!(
                    "{name}: if it is excluded, it no longer asks {partner} for {given_up}. It stays \
                     as it is for everyone else."
                ),
                _ => format!(
                    "{name}: no longer asks {partner} for {given_up}. It stays as it is for everyone \
                     else."
                ),
            });
        }
        if lines.is_empty() {
            lines.push("No policy is opened.".to_owned());
        } else if excluded(asked).iter().any(|policy| policy.facts.relation == Relation::B2b) {
            // Microsoft counts the partner's own MFA for service providers only.
            lines.push(
                "What stays: the policy of step A, and all your other policies. Guests do this MFA in \
                 your tenant, unless you trust MFA of theirs."
                    .to_owned(),
            );
            lines.push(format!(
                "What it means: who holds an account of {partner} that is a guest of your tenant or \
                 assigned to it gets past these policies with MFA alone. That is why the exclusion \
                 has a review date."
            ));
        } else {
            lines.push(format!(
                "What stays: the policy of step A, MFA in {partner}'s own tenant (Microsoft demands it \
                 of every provider sign-in and counts it here), and all your other policies."
            ));
            lines.push(format!(
                "What it means: who holds an account of {partner} that is assigned to your tenant gets \
                 past these policies with MFA alone. That is why the exclusion has a review date."
            ));
        }
        if asked.iter().any(|policy| policy.remedy == Remedy::TrustDevices) {
            lines.push(format!("You rely on {partner} to manage its devices well."));
        }
        lines
    }

    fn check(&self, asked: &[&PlannedPolicy]) -> Vec<String> {
        let resource = self.to_do().proof.iter().find_map(|proof| proof.resource_name.as_deref());
        let resource = clean(resource.unwrap_or("Microsoft Graph"), NAME_COLUMNS);
        let opened = excluded(asked);
        let mut lines = Vec::new();
        if !opened.is_empty() {
            let names: Vec<String> = opened.iter().map(|policy| name(policy)).collect();
            let is_unclear =
                opened.iter().any(|policy| matches!(policy.remedy, Remedy::LookFirst(_)));
            lines.push(format!(
                "Conditional Access > What If: user type {} of tenant {}, resource {resource}. {} must \
                 not be among the policies that apply{}; the policy of step A must be.",
                user_type(&opened),
                self.partner.tenant_id,
                words::and(&names.iter().map(String::as_str).collect::<Vec<&str>>()),
                if is_unclear { ", as far as you excluded from them" } else { "" },
            ));
            lines.push("What If looks at policies that are on or report-only.".to_owned());
        }
        let trusting = asked.iter().filter(|policy| trusts(policy.remedy));
        let names: Vec<String> = trusting.map(|policy| name(policy)).collect();
        if !names.is_empty() {
            lines.push(format!(
                "{} still applies, and the next sign-in meets it: What If cannot show that.",
                names.join(" and ")
            ));
        }
        if lines.is_empty() {
            return lines;
        }
        let has_tool = self.customer.blocked_accounts.iter().any(|account| account.is_integration);
        lines.push(
            if has_tool {
                "Then wait for the next try: tools come again within the hour."
            } else {
                "Then our technician tries again."
            }
            .to_owned(),
        );
        lines
    }

    fn undo(&self, asked: &[&PlannedPolicy]) -> Vec<String> {
        let excluded = asked.iter().filter(|policy| excludes(policy.remedy));
        let names: Vec<String> = excluded.map(|policy| name(policy)).collect();
        let trusts = asked.iter().any(|policy| trusts(policy.remedy));
        let mut lines = Vec::new();
        if !names.is_empty() {
            lines.push(format!(
                "Take {} out of the exclusion of {} again, the same way. Then turn the policy of step \
                 A off.",
                self.partner.tenant_id,
                words::and(&names.iter().map(String::as_str).collect::<Vec<&str>>())
            ));
        }
        if trusts {
            lines.push(
                // A provider's relationship may rest on the organization's entry.
                "Cross-tenant access settings > the organization > Inbound access > Trust settings: set \
                 back what was noted. Do not remove the organization: other settings hang on it."
                    .to_owned(),
            );
        }
        lines
    }
}

fn sections_of<const N: usize>(sections: [(&str, Vec<String>); N]) -> Vec<Section> {
    let told = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
    told.map(|(title, lines)| Section { title: title.to_owned(), lines }).collect()
}

pub(super) fn name(policy: &PlannedPolicy) -> String {
    clean(&words::policy(&policy.facts.policy_name, &policy.facts.policy_id), NAME_COLUMNS)
}

/// Whether the remedy takes the partner out of a policy.
pub(super) fn excludes(remedy: Remedy) -> bool {
    matches!(
        remedy,
        Remedy::Exclude(_) | Remedy::ExcludeFromSession | Remedy::LookFirst(Unclear::Conditions)
    )
}

/// Those of the policies that the partner is taken out of.
pub(super) fn excluded<'a>(policies: &[&'a PlannedPolicy]) -> Vec<&'a PlannedPolicy> {
    policies.iter().copied().filter(|policy| excludes(policy.remedy)).collect()
}

/// Whether the remedy makes the customer trust what the partner's tenant says.
fn trusts(remedy: Remedy) -> bool {
    matches!(remedy, Remedy::TrustDevices | Remedy::TrustMfa)
}

/// As what the partner's accounts came; service providers where nothing tells.
pub(super) fn relations(policies: &[&PlannedPolicy]) -> BTreeSet<Relation> {
    let told: BTreeSet<Relation> = policies.iter().map(|policy| policy.facts.relation).collect();
    if told.is_empty() { BTreeSet::from([Relation::default()]) } else { told }
}

/// The types of users that the portal calls the partner's accounts: a policy that takes the place
/// of several covers whom any of them leaves out.
pub(super) fn user_type(policies: &[&PlannedPolicy]) -> &'static str {
    let relations = relations(policies);
    match (relations.contains(&Relation::ServiceProvider), relations.contains(&Relation::B2b)) {
        (true, true) => "Service provider users and B2B collaboration guest users",
        (false, true) => "B2B collaboration guest users",
        _ => "Service provider users",
    }
}

/// The control is known, and why the policy applies is not.
pub(super) fn unclear_conditions(policy: &PlannedPolicy) -> Option<String> {
    let is_sure = matches!(policy.remedy, Remedy::Exclude(_) | Remedy::ExcludeFromSession);
    (is_sure && policy.facts.hides_conditions()).then(|| {
        format!(
            "{}: the log does not say why it applies. Open it first: if it applies because of a risk, \
             device code flow or legacy clients, stop and call us, do not exclude.",
            name(policy)
        )
    })
}

pub(super) fn several_controls(policy: &PlannedPolicy) -> Option<String> {
    policy.facts.has_several_controls().then(|| {
        format!(
            "{} lists several controls. The log does not say whether any one of them would do: if the \
             policy says \"Require one of the selected controls\" and multifactor authentication is \
             among them, tell us and change nothing.",
            name(policy)
        )
    })
}

/// What becomes of the grant controls of a policy that limits the session: the new policy asks
/// for MFA and for nothing else.
fn grant_part(policy: &PlannedPolicy, partner: &str) -> String {
    let demanded: Vec<String> = policy.facts.demanded.iter().cloned().collect();
    let controls = words::controls(&demanded);
    if demanded.is_empty() {
        String::new()
    } else if demanded.iter().all(|control| Control::of_grant(control) == Control::Mfa) {
        format!(" Its grant part ({controls}) stays for {partner} in policy A.")
    } else {
        format!(
            " Its grant part ({controls}) is lost for {partner}, unless you require it in policy A: do \
             so where we tell you that we can meet it."
        )
    }
}

fn given_up(policy: &PlannedPolicy) -> String {
    match policy.remedy {
        Remedy::Exclude(Exclude::Location) => "sign-ins from allowed locations".to_owned(),
        Remedy::Exclude(Exclude::Device) => "a compliant or hybrid joined device".to_owned(),
        Remedy::Exclude(Exclude::ManagedApp) => "an approved or protected app".to_owned(),
        Remedy::Exclude(Exclude::ThirdParty) => "the third party's check".to_owned(),
        Remedy::Exclude(Exclude::Client) => "the allowed platforms or clients".to_owned(),
        Remedy::ExcludeFromSession => {
            let session: Vec<String> = policy.facts.session.iter().cloned().collect();
            if session.is_empty() {
                "its limits of the session".to_owned()
            } else {
                format!("its limits of the session ({})", words::controls(&session))
            }
        }
        _ => "what it blocks".to_owned(),
    }
}
