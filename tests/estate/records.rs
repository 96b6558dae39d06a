//! One sign-in, before it takes the shape of any export. Made anew from its seed
//! wherever a copy of it is written, so no estate has to hold its records.

use std::collections::BTreeSet;

use super::kind::{Kind, Shows};
use super::outcomes::{self, OUTCOMES, Outcome};
use super::rng::Rng;
use super::time::{BEGIN, DAY, SECOND};
use super::truth::{Facts, PartnerMatch, Side, Standing, Verdict};
use super::world::{
    AGENTS, APPS, App, MICROSOFT, PLACES, Partner, Place, Policy, PolicyState, Tenant, World,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    Interactive,
    NonInteractive,
    ServicePrincipal,
}

/// Whose log a record stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    Child(usize),
    Partner(usize),
}

impl Exporter {
    pub fn tenant(self, world: &World) -> &Tenant {
        match self {
            Self::Child(at) => &world.children[at],
            Self::Partner(at) => &world.partner_tenants[at],
        }
    }
}

/// Who signs in. Numbers index the lists of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Staff,
    /// Own staff in a record that lacks the home tenant.
    StaffWithoutHome,
    Guest(usize),
    /// A stranger's guest whose mail address lies in a partner's domain: no partner, because
    /// the home tenant is known.
    GuestWithPartnerMail(usize),
    /// Listed partner as service provider, as guest, and known by its domain only.
    Gdap(usize),
    B2b(usize),
    Mail(usize),
    OtherProvider(usize),
    ServicePrincipal,
    /// Service principal of an app that a listed partner owns.
    AppOwner(usize),
    /// In a partner's own log: its own sign-ins, and those to a child.
    Home(usize),
    Outbound(usize, usize),
}

/// A sign-in to be written: enough to make it again.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub seed: u64,
    /// The id's own seed: a sign-in may stand under one id in two logs.
    pub id_seed: u64,
    /// Its place in time: the nth of so many.
    pub nth: usize,
    pub of: usize,
    pub role: Role,
    pub stream: Stream,
    /// An earlier state of the attempt.
    pub interim: bool,
    /// Another copy or state exists, so the id must not go missing.
    pub has_twin: bool,
    /// Damage keeps off: the estate's answers rest on this record.
    pub safe: bool,
}

pub struct Applied<'w> {
    pub policy: &'w Policy,
    pub result: &'static str,
    pub satisfied: u32,
    pub not_satisfied: u32,
}

pub struct SignIn<'w> {
    pub id: String,
    pub correlation_id: String,
    pub session_id: String,
    pub token_id: String,
    pub role: Role,
    pub stream: Stream,
    pub home: Option<&'w str>,
    pub resource: &'w str,
    pub exporting: &'w str,
    pub access: u8,
    pub app: &'static App,
    pub app_owner: &'w str,
    pub place: &'static Place,
    pub address: String,
    pub user_id: String,
    pub user_name: String,
    pub user_principal_name: String,
    pub agent: String,
    pub created: i64,
    pub published: i64,
    pub outcome: &'static Outcome,
    pub applied: Vec<Applied<'w>>,
    /// Fills numbers and lists that mean nothing.
    pub noise: u64,
}

impl<'w> SignIn<'w> {
    pub fn new(world: &'w World, exporter: Exporter, entry: &Entry) -> Self {
        let mut rng = Rng::new(entry.seed);
        let who = Who::new(world, exporter, entry.role, &mut rng);
        let created = moment(world, entry, &mut rng);
        let published = created + rng.between(60 * SECOND, 300 * SECOND);
        let earlier = rng.between(2 * SECOND, 40 * SECOND);
        let (outcome, applied) = ending(who.tenant, entry, &mut rng);
        let place = rng.pick(&PLACES);
        let hostile = rng.chance(world.options.hostile_share);
        Self {
            id: Rng::derived(entry.id_seed, &[7]).guid(),
            correlation_id: rng.guid(),
            session_id: rng.guid(),
            token_id: rng.guid()[..22].replace('-', "A"),
            role: entry.role,
            stream: entry.stream,
            home: who.home,
            resource: who.resource,
            exporting: &exporter.tenant(world).id,
            access: who.access,
            app: rng.pick(if who.is_partner { &APPS } else { &APPS[..3] }),
            app_owner: who.app_owner,
            place,
            address: format!("{}{}", place.network, rng.between(1, 250)),
            user_id: rng.guid(),
            user_name: if hostile { rng.pick(&NASTY_TEXTS).to_string() } else { who.user_name },
            user_principal_name: who.user_principal_name,
            agent: agent(world, hostile, &mut rng),
            created,
            published: if entry.interim { published - earlier } else { published },
            outcome,
            applied,
            noise: rng.next(),
        }
    }

    /// What this record is to a reader of that kind of export.
    pub fn standing(&self, world: &World, kind: Kind) -> Standing {
        let shows = kind.shows();
        let Some((partner, partner_match)) = self.partner(world, shows) else {
            return Standing::Other;
        };
        let bare = self.applied.is_empty() || !shows.policies;
        let verdict = match self.outcome {
            // All that is left of the outcome is the status.
            outcome if !shows.code && outcome.status != "failure" => return Standing::Reject,
            _ if !shows.code => Verdict::Unexplained,
            outcome if bare => outcome.bare,
            outcome => outcome.verdict,
        };
        let side = self.side(shows);
        let with = |results: &[&str]| -> BTreeSet<String> {
            let applied =
                self.applied.iter().filter(|applied| !bare && results.contains(&applied.result));
            applied.map(|applied| applied.policy.id.to_ascii_lowercase()).collect()
        };
        Standing::Partner(Facts {
            side,
            partner: partner.to_string(),
            partner_match,
            child: (side != Side::Home).then(|| self.resource.to_string()),
            verdict,
            disputed: !bare && self.outcome.disputed,
            error_code: shows.code.then_some(self.outcome.code),
            blocking: if verdict == Verdict::Blocked {
                with(&["failure"])
            } else {
                BTreeSet::new()
            },
            would_block: with(&["reportOnlyFailure", "reportOnlyInterrupted"]),
            created_second: self.created / SECOND,
        })
    }

    /// Without a home tenant a record can only be seen from its resource.
    fn side(&self, shows: Shows) -> Side {
        match self.role {
            Role::Home(_) if shows.home => Side::Home,
            Role::Outbound(..) if shows.home => Side::Outbound,
            _ => Side::Inbound,
        }
    }

    fn partner<'a>(&self, world: &'a World, shows: Shows) -> Option<(&'a str, PartnerMatch)> {
        if !shows.home {
            return self.partner_without_home(world, shows);
        }
        let listed = |at: usize| world.partners[at].id.as_str();
        match self.role {
            Role::Gdap(at) | Role::B2b(at) | Role::Home(at) | Role::Outbound(at, _) => {
                Some((listed(at), PartnerMatch::Listed))
            }
            Role::Mail(at) => Some((listed(at), PartnerMatch::Domain)),
            Role::AppOwner(at) => shows.app_owner.then(|| (listed(at), PartnerMatch::AppOwner)),
            Role::OtherProvider(at) => shows
                .access
                .then(|| (world.providers[at].id.as_str(), PartnerMatch::ServiceProvider)),
            Role::Staff
            | Role::StaffWithoutHome
            | Role::Guest(_)
            | Role::GuestWithPartnerMail(_)
            | Role::ServicePrincipal => None,
        }
    }

    /// A mail address in a partner's domain is all that can tell; a service provider has none.
    fn partner_without_home<'a>(
        &self,
        world: &'a World,
        shows: Shows,
    ) -> Option<(&'a str, PartnerMatch)> {
        if self.access == 8 {
            return shows.access.then_some(("", PartnerMatch::ServiceProvider));
        }
        let (_, domain) = self.user_principal_name.rsplit_once('@')?;
        let partners = world.partners.iter();
        let mut owners = partners
            .filter(|partner| partner.domains.iter().any(|own| own.eq_ignore_ascii_case(domain)));
        owners.next().map(|owner| (owner.id.as_str(), PartnerMatch::Domain))
    }
}

fn moment(world: &World, entry: &Entry, rng: &mut Rng) -> i64 {
    let step = (world.options.days.max(1) as i64 * DAY) / entry.of.max(1) as i64;
    BEGIN + entry.nth as i64 * step + rng.between(0, step.max(1) - 1)
}

/// The tenants of a role, and the name that its user goes by.
struct Who<'w> {
    home: Option<&'w str>,
    resource: &'w str,
    /// The tenant whose policies the record lists; `None` where the log does not show any.
    tenant: Option<&'w Tenant>,
    access: u8,
    app_owner: &'w str,
    user_name: String,
    user_principal_name: String,
    is_partner: bool,
}

impl<'w> Who<'w> {
    fn new(world: &'w World, exporter: Exporter, role: Role, rng: &mut Rng) -> Self {
        let own = exporter.tenant(world);
        let base = Who::staff(own, rng);
        match role {
            Role::Staff | Role::Home(_) => Who { is_partner: role != Role::Staff, ..base },
            Role::StaffWithoutHome => Who { home: None, ..base },
            // Guests of a partner itself must not use its apps: would that be its sign-in?
            Role::Guest(at) => Who {
                app_owner: MICROSOFT,
                ..base.guest_of(&world.strangers[at], *rng.pick(&[1, 1, 1, 2, 32, 4]))
            },
            Role::GuestWithPartnerMail(at) => {
                let mail = rng.pick(&world.partners);
                base.guest_of(&world.strangers[at], 1).with_mail(mail, rng)
            }
            Role::Gdap(at) => {
                base.technician_of(world, &world.partners[at].id, &world.partners[at].name, rng)
            }
            Role::OtherProvider(at) => {
                let provider = &world.providers[at];
                Who {
                    app_owner: &provider.id,
                    ..base.technician_of(world, &provider.id, &provider.name, rng)
                }
            }
            Role::B2b(at) => {
                Who { is_partner: true, ..base.guest_of(&world.partner_tenants[at], 1) }
            }
            Role::Mail(at) => Who {
                home: None,
                access: 1,
                is_partner: true,
                ..base.with_mail(&world.partners[at], rng)
            },
            Role::ServicePrincipal => Who { home: None, ..base.service_principal() },
            Role::AppOwner(at) => {
                Who { app_owner: &world.partners[at].id, ..base.service_principal() }
            }
            Role::Outbound(_, child) => base.outbound_to(&world.children[child], rng),
        }
    }

    fn staff(own: &'w Tenant, rng: &mut Rng) -> Self {
        const NAMES: [&str; 6] =
            ["Adele Vance", "Lee Gu", "Zoë Müller", "Megan Bowen", "Łukasz Żak", "Anne O'Hara"];
        let name = *rng.pick(&NAMES);
        let owner = if rng.chance(0.8) { MICROSOFT } else { own.id.as_str() };
        Who {
            home: Some(&own.id),
            resource: &own.id,
            tenant: Some(own),
            access: 0,
            app_owner: owner,
            user_name: name.into(),
            user_principal_name: format!("user{}@{}", rng.below(400), own.domain),
            is_partner: false,
        }
    }

    fn guest_of(self, home: &'w Tenant, access: u8) -> Self {
        let mailbox = self.user_principal_name.split('@').next().unwrap_or("guest").to_string();
        Who {
            home: Some(&home.id),
            access,
            user_principal_name: format!("{mailbox}@{}", home.domain),
            ..self
        }
    }

    /// A domain counts in any letter case.
    fn with_mail(self, partner: &Partner, rng: &mut Rng) -> Self {
        let domain = rng.pick(&partner.domains);
        let domain = if rng.chance(0.3) { domain.to_uppercase() } else { domain.clone() };
        Who { user_principal_name: format!("tech{}@{domain}", rng.below(9)), ..self }
    }

    /// GDAP users have no mail address in the customer's log.
    fn technician_of(self, world: &World, home: &'w str, name: &str, rng: &mut Rng) -> Self {
        let someone_new = rng.guid();
        let object_id = match world.options.technicians {
            0 => someone_new,
            count => {
                let of_home = home
                    .bytes()
                    .fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
                let nth = Rng::new(rng.clone().next()).below(count);
                Rng::derived(of_home, &[nth as u64]).guid()
            }
        };
        let user_principal_name = format!("user_{}", object_id.replace('-', ""));
        Who {
            home: Some(home),
            access: 8,
            user_name: format!("{name} Technician"),
            user_principal_name,
            is_partner: true,
            ..self
        }
    }

    fn service_principal(self) -> Self {
        Who {
            home: None,
            tenant: None,
            user_name: "Backup connector".into(),
            user_principal_name: String::new(),
            ..self
        }
    }

    fn outbound_to(self, child: &'w Tenant, rng: &mut Rng) -> Self {
        Who {
            resource: &child.id,
            tenant: None,
            access: *rng.pick(&[8, 8, 1]),
            is_partner: true,
            ..self
        }
    }
}

fn ending<'w>(
    tenant: Option<&'w Tenant>,
    entry: &Entry,
    rng: &mut Rng,
) -> (&'static Outcome, Vec<Applied<'w>>) {
    let is_common = matches!(
        entry.role,
        Role::Staff
            | Role::StaffWithoutHome
            | Role::Guest(_)
            | Role::GuestWithPartnerMail(_)
            | Role::ServicePrincipal
    );
    let mut outcome = pick_outcome(entry.stream, is_common, rng);
    let policies = tenant.map_or(&[][..], |tenant| &tenant.policies);
    let failing = failing_policies(policies, outcome, rng);
    if failing.is_empty() && outcome.failing.0 > 0 && tenant.is_some() {
        outcome = &outcomes::NOTHING_TO_SHOW;
    }
    let would_block = rng.chance(if is_common { 0.03 } else { 0.2 });
    if entry.interim {
        return (&outcomes::INTERIM, apply(policies, &outcomes::INTERIM, &[], false, rng));
    }
    if outcome.withheld {
        return (outcome, Vec::new());
    }
    (outcome, apply(policies, outcome, &failing, would_block, rng))
}

fn pick_outcome(stream: Stream, is_common: bool, rng: &mut Rng) -> &'static Outcome {
    let weight = |outcome: &Outcome| if is_common { outcome.weights.1 } else { outcome.weights.0 };
    let fitting = || OUTCOMES.iter().filter(|outcome| outcome.streams.contains(&stream));
    let mut left = rng.below(fitting().map(weight).sum::<u32>() as usize) as u32;
    let drawn = fitting().find(|outcome| {
        let is_drawn = left < weight(outcome);
        left = left.saturating_sub(weight(outcome));
        is_drawn
    });
    drawn.unwrap_or(&OUTCOMES[0])
}

/// Which of a tenant's policies fail, as indices.
fn failing_policies(policies: &[Policy], outcome: &Outcome, rng: &mut Rng) -> Vec<usize> {
    let on = |at: &usize| policies[*at].state == PolicyState::On;
    // A policy of session controls alone has nothing that could fail.
    let demands = |at: &usize| {
        policies[*at].strength.is_some() == outcome.strength
            && (outcome.strength || !policies[*at].grants.is_empty())
    };
    let mut candidates: Vec<usize> = (0..policies.len()).filter(on).filter(demands).collect();
    if candidates.is_empty() {
        candidates = (0..policies.len()).filter(on).collect();
    }
    let (least, most) = outcome.failing;
    let wanted = rng.between(least.into(), most.into()) as usize;
    while candidates.len() > wanted {
        candidates.swap_remove(rng.below(candidates.len()));
    }
    candidates
}

/// A record lists every policy of the tenant, applied or not.
fn apply<'w>(
    policies: &'w [Policy],
    outcome: &Outcome,
    failing: &[usize],
    would_block: bool,
    rng: &mut Rng,
) -> Vec<Applied<'w>> {
    let mut would_block_left = if would_block { 2 } else { 0 };
    let mut applied = Vec::with_capacity(policies.len());
    for (at, policy) in policies.iter().enumerate() {
        let (result, satisfied, not_satisfied) = if failing.contains(&at) {
            ("failure", policy.satisfied, 0)
        } else if would_block_left > 0 && policy.state == PolicyState::ReportOnly {
            would_block_left -= 1;
            (*rng.pick(&["reportOnlyFailure", "reportOnlyInterrupted"]), policy.satisfied, 0)
        } else {
            harmless(policy, outcome.status, rng)
        };
        applied.push(Applied { policy, result, satisfied, not_satisfied });
    }
    applied
}

/// Results and masks of policies that block nobody, as formats.md §1.6 counts them.
fn harmless(policy: &Policy, status: &str, rng: &mut Rng) -> (&'static str, u32, u32) {
    const MISSED: [(u32, u32); 6] = [(1, 2), (0, 1), (3, 16), (3, 64), (3, 32), (3, 1032)];
    let (satisfied, not_satisfied) = *rng.pick(&MISSED);
    match policy.state {
        PolicyState::Off => ("notEnabled", 0, 0),
        PolicyState::ReportOnly if rng.chance(0.1) => ("reportOnlySuccess", policy.satisfied, 0),
        PolicyState::ReportOnly => ("reportOnlyNotApplied", satisfied, not_satisfied),
        PolicyState::On if status == "success" && rng.chance(0.4) => {
            ("success", policy.satisfied, 0)
        }
        PolicyState::On => ("notApplied", satisfied, not_satisfied),
    }
}

/// Texts that outsiders can put into a log.
const NASTY_TEXTS: [&str; 9] = [
    "He said \"hi\" \\ and left {",
    "}]},{\"id\":\"00000000-0000-0000-0000-000000000000\"",
    "C:\\Users\\x\\",
    "=HYPERLINK(\"http://x\")",
    "🛑 emoji \u{202e}ltr",
    "tab\tand\nnewline, comma",
    "<script>alert(1)</script>",
    "\u{1b}[31mred",
    "ends in backslash and quote \\\"",
];

/// A hostile agent may spell out what a peek looks for: the id of a partner, under the right key.
fn agent(world: &World, hostile: bool, rng: &mut Rng) -> String {
    if !hostile {
        return rng.pick(&AGENTS).to_string();
    }
    let partner = &rng.pick(&world.partners).id;
    match rng.below(3) {
        0 => format!("x\",\"homeTenantId\":\"{partner}\",\"y\":\""),
        1 => format!("\"crossTenantAccessType\":\"serviceProvider\" {}", rng.pick(&NASTY_TEXTS)),
        _ => rng.pick(&NASTY_TEXTS).to_string(),
    }
}
