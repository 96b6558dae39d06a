//! `remedies/CUSTOMER/`: how to make the change by hand and by Graph, how to check it, how to
//! take it back, and what it costs.
//!
//! The definition of a policy is not in a sign-in log, so no file here can be pasted over one: a
//! change is a recipe that reads, merges and compares. Only files of their own are ready to use:
//! the replacement policy, in report-only mode, and the question for What If.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::super::clean::{clean, markdown};
use super::super::words;
use super::ask::{
    excluded, excludes, name, relations, several_controls, unclear_conditions, user_type,
};
use super::{Kind, NAME_COLUMNS, Status, Ticket};
use crate::remedy::facts::Relation;
use crate::remedy::{PlannedPolicy, Remedy};
use crate::summary::{CustomerSummary, Proof, Summary};
use crate::tenant::TenantId;

/// A file below `remedies/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemedyFile {
    /// Of the customer's folder: letters, digits and dashes.
    pub folder: String,
    pub name: String,
    pub text: String,
}

/// The files of all open tickets that ask for a change of policies.
///
/// # Errors
/// None that a summary can cause.
pub fn remedy_files(summary: &Summary, tickets: &[Ticket]) -> serde_json::Result<Vec<RemedyFile>> {
    let mut files = Vec::new();
    for ticket in tickets {
        let is_open = ticket.kind == Kind::Change && ticket.status != Status::Resolved;
        let customer = summary.customers.iter().find(|customer| {
            customer.child_tenant_id == ticket.customer_tenant_id
                && customer.partner_tenant_id == ticket.partner_tenant_id
        });
        let Some(customer) = customer.filter(|_| is_open) else { continue };
        let folder = Folder { ticket, customer };
        if customer.to_do.plan.asked().is_empty() {
            continue;
        }
        files.extend(folder.files()?);
    }
    Ok(files)
}

struct Folder<'a> {
    ticket: &'a Ticket,
    customer: &'a CustomerSummary,
}

impl Folder<'_> {
    fn partner(&self) -> TenantId {
        self.ticket.partner_tenant_id
    }

    fn partner_name(&self) -> String {
        clean(
            &words::tenant(self.ticket.partner_name.as_deref(), self.ticket.partner_tenant_id),
            NAME_COLUMNS,
        )
    }

    fn files(&self) -> serde_json::Result<Vec<RemedyFile>> {
        let asked = self.customer.to_do.plan.asked();
        let several = self.customer.to_do.plan.policies.len();
        let mut files = vec![("steps.md", self.steps(&asked, several))];
        if let Some(question) = self.customer.to_do.proof.iter().find(|proof| proof.is_blocked) {
            files.push(("what-if.json", pretty(&self.what_if(question, &asked))?));
        }
        if asked.iter().any(|policy| excludes(policy.remedy)) {
            files.push(("replacement-policy.json", pretty(&self.replacement(&asked))?));
        }
        Ok(files
            .into_iter()
            .map(|(name, text)| RemedyFile {
                folder: self.ticket.file.clone(),
                name: self.file_name(name),
                text,
            })
            .collect())
    }

    /// Two partners at one customer each have files of their own.
    fn file_name(&self, name: &str) -> String {
        let partner = self.partner().to_string();
        format!("{}-{name}", partner.split('-').next().unwrap_or_default())
    }

    fn steps(&self, asked: &[&PlannedPolicy], policies: usize) -> String {
        let mut lines = vec![
            format!("# {}", markdown(&self.ticket.title)),
            String::new(),
            format!("Ticket {}. Order of the steps: as below.", self.ticket.key),
        ];
        if !self.customer.to_do.plan.is_exact {
            lines.push(format!(
                "With {policies} policies this is a good order, not surely the best one."
            ));
        }
        if asked.iter().any(|policy| excludes(policy.remedy)) {
            lines.extend(self.protect_first(asked));
        }
        for policy in asked {
            lines.extend(self.policy(policy));
        }
        lines.extend(self.check_and_undo(asked));
        lines.join("\n") + "\n"
    }

    fn protect_first(&self, asked: &[&PlannedPolicy]) -> Vec<String> {
        let partner = markdown(&self.partner_name());
        let file = self.file_name("replacement-policy.json");
        vec![
            String::new(),
            "## First: the replacement policy".to_owned(),
            String::new(),
            format!(
                "An exclusion alone leaves {partner} with no condition of this tenant at all. So a \
                 policy of its own comes first: it includes {} of tenant {} and requires multifactor \
                 authentication. Its text is in `{file}` beside this file, in \
                 report-only mode:",
                user_type(&excluded(asked)).replace("Service", "service"),
                self.partner()
            ),
            String::new(),
            "```".to_owned(),
            "POST https://graph.microsoft.com/v1.0/identity/conditionalAccess/policies".to_owned(),
            "```".to_owned(),
            String::new(),
            "Look for a day at its report-only results, then turn it on. Keep the emergency accounts \
             of the tenant out of it: it does not include them."
                .to_owned(),
        ]
    }

    fn policy(&self, policy: &PlannedPolicy) -> Vec<String> {
        let id = &policy.facts.policy_id;
        let title = markdown(&name(policy));
        let mut lines = vec![String::new(), format!("## {title}"), String::new()];
        lines.push(format!("What to do: {}.", words::own_remedy(policy.remedy)));
        if policy.facts.is_microsoft_managed() {
            lines.push(
                "It is a policy of Microsoft: its state and its exclusions can be edited, nothing \
                 else."
                    .to_owned(),
            );
        }
        if !excludes(policy.remedy) {
            lines.extend(self.without_exclusion(policy));
            return lines;
        }
        if policy.remedy == Remedy::ExcludeFromSession {
            lines.push(
                "Exclude from this policy only, since it limits the session, and put its grant part \
                 into the replacement policy."
                    .to_owned(),
            );
        }
        if matches!(policy.remedy, Remedy::LookFirst(_)) {
            lines.push(
                "**Look first.** The log does not say why this policy applies. If it applies by risk, \
                 device code flow, legacy clients or location: stop, do not exclude."
                    .to_owned(),
            );
        }
        lines.extend(
            several_controls(policy).into_iter().chain(unclear_conditions(policy)).flat_map(
                |line| [String::new(), format!("**Look first.** {}", markdown_line(&line))],
            ),
        );
        lines.extend(self.click_path(policy));
        lines.extend(self.recipe(policy, id));
        lines.extend(posture(policy));
        lines
    }

    fn without_exclusion(&self, policy: &PlannedPolicy) -> Vec<String> {
        let trust = match policy.remedy {
            Remedy::TrustDevices => "Trust compliant devices, and hybrid joined devices",
            Remedy::TrustMfa => "Trust multifactor authentication from Microsoft Entra tenants",
            _ => {
                return vec![
                    "Open the policy and note its grant controls. Nothing is changed before it is \
                     known what it asks for."
                        .to_owned(),
                ];
            }
        };
        vec![
            String::new(),
            format!(
                "Click path: Entra admin center > External Identities > Cross-tenant access settings > \
                 Organizational settings > `{}` (Add organization, if it is not there) > Inbound \
                 access > Trust settings > note what is set > Customize settings > {trust} > Save.",
                self.partner()
            ),
            String::new(),
            "The policy itself stays as it is.".to_owned(),
        ]
    }

    fn click_path(&self, policy: &PlannedPolicy) -> Vec<String> {
        vec![
            String::new(),
            format!(
                "Click path: Entra admin center > Conditional Access > Policies > the policy > Users > \
                 Exclude > Guest or external users > {} > Select > paste `{}` (a search by name may \
                 find nothing) > Save.",
                user_type(&[policy]),
                self.partner()
            ),
        ]
    }

    /// Without the policy's present definition a PATCH would drop what it does not name: an
    /// `excludeUsers` that is lost is someone's emergency account.
    fn recipe(&self, policy: &PlannedPolicy, id: &str) -> Vec<String> {
        // Only an id goes into an address; anything else could be more than a name.
        let id = TenantId::parse(id)
            .map_or_else(|| "{id of the policy}".to_owned(), |id| id.to_string());
        let address =
            format!("https://graph.microsoft.com/v1.0/identity/conditionalAccess/policies/{id}");
        let fragment = exclusion(self.partner(), &relations(&[policy]));
        let fragment = serde_json::to_string_pretty(&fragment).unwrap_or_default();
        [
            "",
            "By Graph (Policy.Read.All and Policy.ReadWrite.ConditionalAccess): read, merge, compare.",
            "",
            &format!("1. Read: `GET {address}` and keep the answer as the way back."),
            "2. Merge: take `conditions.users` of the answer, all of it. If \
             `excludeGuestsOrExternalUsers` is null, put this in its place and leave every other \
             member as it is:",
            "",
            "```json",
            &fragment,
            "```",
            "",
            "   If it is **not** null, stop. There is one list of tenants for all types of users in it: \
             to add this type and this tenant would exclude guests of this tenant as well, and service \
             providers of the tenants that are there. Then decide by hand.",
            &format!(
                "3. Change: `PATCH {address}` with `{{\"conditions\": {{\"users\": …}}}}`, the merged \
                 `users` whole."
            ),
            "4. Compare: `GET` again. `excludeGuestsOrExternalUsers` and the time of the change may \
             differ from the first answer, nothing else; if more does, put the first answer's \
             `conditions.users` back.",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn check_and_undo(&self, asked: &[&PlannedPolicy]) -> Vec<String> {
        let mut lines = vec![String::new(), "## Check".to_owned(), String::new()];
        let section =
            |title: &str| self.ticket.sections.iter().find(|section| section.title == title);
        let told = |title: &str| {
            let section = section(title).into_iter();
            section
                .flat_map(|section| &section.lines)
                .map(|line| format!("- {}", markdown_line(line)))
        };
        lines.extend(told("How to check"));
        if self.customer.to_do.proof.iter().any(|proof| proof.is_blocked) {
            lines.extend([
                String::new(),
                format!(
                    "Or by Graph (Policy.Read.ConditionalAccess), with the newest refused try filled \
                     in as `{}`:",
                    self.file_name("what-if.json")
                ),
                String::new(),
                "```".to_owned(),
                "POST https://graph.microsoft.com/v1.0/identity/conditionalAccess/evaluate".to_owned(),
                "```".to_owned(),
            ]);
        }
        lines.extend([String::new(), "## Undo".to_owned(), String::new()]);
        lines.extend(told("Undo"));
        if asked.iter().any(|policy| excludes(policy.remedy)) {
            // The first answer may be months old then.
            lines.push(
                "- By Graph: read again, set `excludeGuestsOrExternalUsers` back to null, and send \
                 every other member of `conditions.users` as it is now: what was excluded since then, \
                 such as an emergency account, must stay."
                    .to_owned(),
            );
        }
        lines.extend([
            String::new(),
            "## What is lost, what protects instead".to_owned(),
            String::new(),
        ]);
        lines.extend(told("What you give up, what stays"));
        lines
    }

    /// The body of Graph's evaluate call (Microsoft, conditionalAccessRoot: evaluate; resources
    /// userSignIn, applicationContext and signInConditions).
    fn what_if(&self, question: &Proof, asked: &[&PlannedPolicy]) -> Value {
        let kind = if relations(asked).contains(&Relation::ServiceProvider) {
            "serviceProvider"
        } else {
            "b2bCollaborationGuest"
        };
        let resource = question.resource_id.as_deref().and_then(TenantId::parse);
        let mut conditions = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                conditions.insert(name.to_owned(), value);
            }
        };
        put(
            "clientAppType",
            question.client_app.as_deref().and_then(client_app_type).map(Value::from),
        );
        let platform = question.operating_system.as_deref().and_then(device_platform);
        put("devicePlatform", platform.map(Value::from));
        let address = question.ip_address.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
        put("ipAddress", address.map(|address| Value::from(address.to_string())));
        put("country", question.country.as_deref().and_then(country).map(Value::from));
        put(
            "signInRiskLevel",
            question.risk_level.as_deref().and_then(risk_level).map(Value::from),
        );
        json!({
            "signInIdentity": {
                "@odata.type": "#microsoft.graph.userSignIn",
                "externalTenantId": self.partner().to_string(),
                "externalUserType": kind,
            },
            "signInContext": {
                "@odata.type": "#microsoft.graph.applicationContext",
                // Policies bind the resource that is asked for, not the app that asks.
                "includeApplications": [resource.map_or_else(
                    || "00000003-0000-0000-c000-000000000000".to_owned(),
                    |resource| resource.to_string()
                )],
            },
            "signInConditions": conditions,
            "appliedPoliciesOnly": true,
        })
    }

    fn replacement(&self, asked: &[&PlannedPolicy]) -> Value {
        json!({
            "displayName": format!("{}: require MFA", self.partner_name()),
            "state": "enabledForReportingButNotEnforced",
            "conditions": {
                "clientAppTypes": ["all"],
                "applications": { "includeApplications": ["All"] },
                "users": {
                    "includeGuestsOrExternalUsers": exclusion(
                        self.partner(),
                        &relations(&excluded(asked))
                    ),
                },
            },
            "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
        })
    }
}

/// `conditionalAccessGuestsOrExternalUsers` for one tenant (Graph metadata).
fn exclusion(partner: TenantId, relations: &BTreeSet<Relation>) -> Value {
    let types: Vec<&str> = relations.iter().map(|&relation| graph_type(relation)).collect();
    json!({
        "guestOrExternalUserTypes": types.join(","),
        "externalTenants": {
            "@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
            "membershipKind": "enumerated",
            "members": [partner.to_string()],
        },
    })
}

fn graph_type(relation: Relation) -> &'static str {
    match relation {
        Relation::ServiceProvider => "serviceProvider",
        Relation::B2b => "b2bCollaborationGuest",
    }
}

/// Checks of the tenant's posture that look at exclusions of guests.
fn posture(policy: &PlannedPolicy) -> Vec<String> {
    let title = markdown(&name(policy));
    [
        "",
        &format!(
            "Posture checks that flip: Maester's `Test-MtCaMfaForGuest` counts a policy only while \
             `excludeGuestsOrExternalUsers` is empty, so {title} no longer counts there. ScubaGear \
             compares excluded types of guests with a list of its configuration; below the control \
             that fails:"
        ),
        "",
        "```yaml",
        "CapExclusions:",
        "  GuestUserTypes:",
        &format!("    - {}", graph_type(policy.facts.relation)),
        "```",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn markdown_line(text: &str) -> String {
    super::draw::long_markdown(text)
}

fn pretty(value: &Value) -> serde_json::Result<String> {
    let mut text = Vec::new();
    super::super::json::write_visible(&mut text, value).map_err(serde_json::Error::io)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `conditionalAccessClientApp` of Graph for what a log calls the client.
fn client_app_type(client: &str) -> Option<&'static str> {
    match client.trim().to_lowercase().as_str() {
        "browser" => Some("browser"),
        "mobile apps and desktop clients" => Some("mobileAppsAndDesktopClients"),
        "exchange activesync" => Some("exchangeActiveSync"),
        other if other.starts_with("other clients") => Some("other"),
        _ => None,
    }
}

/// `conditionalAccessDevicePlatform` of Graph for a system's name.
fn device_platform(system: &str) -> Option<&'static str> {
    let system = system.trim().to_lowercase();
    let known = [
        ("windows phone", "windowsPhone"),
        ("windows", "windows"),
        ("macos", "macOS"),
        ("mac os", "macOS"),
        ("ios", "iOS"),
        ("android", "android"),
        ("linux", "linux"),
    ];
    known.into_iter().find(|(start, _)| system.starts_with(start)).map(|(_, platform)| platform)
}

/// Two letters, as Graph wants it; some exports write the country out.
fn country(text: &str) -> Option<String> {
    let text = text.trim();
    let is_code = text.len() == 2 && text.chars().all(|letter| letter.is_ascii_alphabetic());
    is_code.then(|| text.to_ascii_uppercase())
}

fn risk_level(text: &str) -> Option<&'static str> {
    ["none", "low", "medium", "high"]
        .into_iter()
        .find(|level| level.eq_ignore_ascii_case(text.trim()))
}
