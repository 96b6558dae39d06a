//! Who lives in an estate: tenants with their policies, partners, strangers, apps and places.

use super::EstateOptions;
use super::rng::Rng;

/// A partner tenant as its owner would list it.
#[derive(Clone, Debug)]
pub struct Partner {
    pub id: String,
    pub name: String,
    pub domains: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PolicyState {
    On,
    ReportOnly,
    Off,
}

pub struct Policy {
    pub id: String,
    pub name: String,
    pub state: PolicyState,
    pub grants: &'static [&'static str],
    pub sessions: &'static [&'static str],
    /// Name of the authentication strength it demands; `grants` is empty then.
    pub strength: Option<&'static str>,
    /// The conditions that match when it applies.
    pub satisfied: u32,
}

pub struct Tenant {
    pub id: String,
    pub name: String,
    pub domain: String,
    pub policies: Vec<Policy>,
}

pub struct World {
    pub options: EstateOptions,
    pub partners: Vec<Partner>,
    /// The partners once more, as tenants with policies of their own.
    pub partner_tenants: Vec<Tenant>,
    pub children: Vec<Tenant>,
    /// Home tenants of ordinary guests.
    pub strangers: Vec<Tenant>,
    /// Service providers that nobody listed.
    pub providers: Vec<Tenant>,
}

pub const MICROSOFT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

impl World {
    pub fn new(options: &EstateOptions) -> Self {
        let mut rng = Rng::derived(options.seed, &[1]);
        let partners: Vec<Partner> =
            (0..options.partners.max(1)).map(|at| partner(at, &mut rng)).collect();
        let partner_tenants =
            partners.iter().map(|p| partner_tenant(p, options, &mut rng)).collect();
        let children = (0..options.tenants).map(|at| child(at, options, &mut rng)).collect();
        let strangers = (0..12).map(|at| bare_tenant("Guesthome", at, &mut rng)).collect();
        let providers = (0..3).map(|at| bare_tenant("Northwind IT", at, &mut rng)).collect();
        Self { options: options.clone(), partners, partner_tenants, children, strangers, providers }
    }

    /// Children without a log of their own, of which only a partner's export tells.
    pub fn lacks_export(&self, child: usize) -> bool {
        self.options.with_partner_export && child % 3 == 2
    }
}

fn partner(at: usize, rng: &mut Rng) -> Partner {
    let name = format!("{} {}", ["Fabrikam", "Adatum", "Proseware", "Tailspin"][at % 4], at + 1);
    let stem = name.to_lowercase().replace(' ', "");
    let domains = vec![format!("{stem}.com"), format!("{stem}.onmicrosoft.com")];
    Partner { id: rng.guid(), name, domains }
}

fn partner_tenant(partner: &Partner, options: &EstateOptions, rng: &mut Rng) -> Tenant {
    let policies = policies(options, rng);
    Tenant {
        id: partner.id.clone(),
        name: partner.name.clone(),
        domain: partner.domains[0].clone(),
        policies,
    }
}

fn child(at: usize, options: &EstateOptions, rng: &mut Rng) -> Tenant {
    let tenant =
        bare_tenant(["Contoso", "Woodgrove Bank", "Litware", "Adventure Works"][at % 4], at, rng);
    Tenant { policies: policies(options, rng), ..tenant }
}

fn bare_tenant(stem: &str, at: usize, rng: &mut Rng) -> Tenant {
    let name = format!("{stem} {at:03}");
    let domain = format!("{}.example", name.to_lowercase().replace(' ', ""));
    Tenant { id: rng.guid(), name, domain, policies: Vec::new() }
}

fn policies(options: &EstateOptions, rng: &mut Rng) -> Vec<Policy> {
    let (least, most) = (*options.policies_per_record.start(), *options.policies_per_record.end());
    let count = rng.between(least as i64, most as i64) as usize;
    let trap = rng.chance(options.hostile_share * 3.0).then(|| rng.below(count));
    (0..count).map(|at| policy(at, trap == Some(at), rng)).collect()
}

fn policy(at: usize, trap: bool, rng: &mut Rng) -> Policy {
    const GRANTS: [&[&str]; 9] = [
        &["Block"],
        &["Mfa"],
        &["Block"],
        &["RequireCompliantDevice"],
        &["Mfa", "RequireCompliantDevice"],
        &["RequireDomainJoinedDevice", "RequireCompliantDevice"],
        &["RequireApprovedApp", "RequireCompliantApp"],
        &["Guest terms of use"],
        &[],
    ];
    const SESSIONS: [&[&str]; 5] = [
        &[],
        &[],
        &["SignInFrequency"],
        &["SignInFrequency", "PersistentBrowserSessionMode"],
        &["CloudAppSecurity"],
    ];
    const SATISFIED: [u32; 10] = [3, 3, 7, 19, 23, 263, 279, 1035, 1039, 32771];
    // The first three give every tenant one of each state, the fourth a strength.
    let state = match at {
        0 | 3 => PolicyState::On,
        1 => PolicyState::ReportOnly,
        2 => PolicyState::Off,
        _ => *rng.pick(&[
            PolicyState::On,
            PolicyState::On,
            PolicyState::On,
            PolicyState::ReportOnly,
            PolicyState::Off,
        ]),
    };
    let strength = (at == 3).then_some("Phishing-resistant MFA");
    let default = at == 4 && rng.chance(0.2);
    Policy {
        id: if default { "SecurityDefaults".into() } else { rng.guid() },
        name: if default { "Security Defaults".into() } else { policy_name(at, trap, rng) },
        state,
        grants: if strength.is_some() { &[] } else { GRANTS[rng.below(GRANTS.len())] },
        sessions: SESSIONS[rng.below(SESSIONS.len())],
        strength,
        satisfied: *rng.pick(&SATISFIED),
    }
}

/// A trap name holds what a careless reader would take for structure or for a partner.
fn policy_name(at: usize, trap: bool, rng: &mut Rng) -> String {
    const NAMES: [&str; 9] = [
        "Require MFA for all users",
        "Block legacy authentication",
        "Block outside EU",
        "Managed devices only",
        "Microsoft-managed: Multifactor authentication and reauthentication for risky sign-ins",
        "Guests: terms of use",
        "Block device code flow",
        "Zugriff für Gäste sperren",
        "Require compliant device",
    ];
    const TRAPS: [&str; 5] = [
        "Block \"serviceProvider\" users }]},{\"id\":\"x\"",
        "Gäste & Service Provider \\ sperren 🛑",
        "{\"homeTenantId\":\"none\"}",
        "CA {EU} only [v2]\\",
        "line\nbreak\tand \u{1} control",
    ];
    let name = if trap { rng.pick(&TRAPS) } else { rng.pick(&NAMES) };
    format!("CA{at:03} {name}")
}

pub struct App {
    pub name: &'static str,
    pub id: &'static str,
    pub resource: &'static str,
    pub resource_id: &'static str,
}

pub const APPS: [App; 6] = [
    App {
        name: "Azure Portal",
        id: "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
        resource: "Azure Resource Manager",
        resource_id: "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    },
    App {
        name: "Microsoft Graph Command Line Tools",
        id: "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        resource: "Microsoft Graph",
        resource_id: "00000003-0000-0000-c000-000000000000",
    },
    App {
        name: "Office 365 Exchange Online",
        id: "00000002-0000-0ff1-ce00-000000000000",
        resource: "Office 365 Exchange Online",
        resource_id: "00000002-0000-0ff1-ce00-000000000000",
    },
    App {
        name: "CIPP-SAM",
        id: "5d1f0c52-6e0b-4f8e-9a55-0c3c86c0a001",
        resource: "Microsoft Graph",
        resource_id: "00000003-0000-0000-c000-000000000000",
    },
    App {
        name: "Liongard",
        id: "5d1f0c52-6e0b-4f8e-9a55-0c3c86c0a002",
        resource: "Microsoft Graph",
        resource_id: "00000003-0000-0000-c000-000000000000",
    },
    App {
        name: "Rewst",
        id: "5d1f0c52-6e0b-4f8e-9a55-0c3c86c0a003",
        resource: "Microsoft Graph",
        resource_id: "00000003-0000-0000-c000-000000000000",
    },
];

pub struct Place {
    pub city: &'static str,
    pub state: &'static str,
    pub country: &'static str,
    pub coordinates: (&'static str, &'static str),
    pub network: &'static str,
    pub asn: i64,
}

pub const PLACES: [Place; 4] = [
    Place {
        city: "Redmond",
        state: "Washington",
        country: "US",
        coordinates: ("47.680290222167969", "-122.12094116210938"),
        network: "198.51.100.",
        asn: 8075,
    },
    Place {
        city: "Köln",
        state: "Nordrhein-Westfalen",
        country: "DE",
        coordinates: ("50.938361", "6.9599738"),
        network: "203.0.113.",
        asn: 3320,
    },
    Place {
        city: "Utrecht",
        state: "Utrecht",
        country: "NL",
        coordinates: ("52.092876434326172", "5.1044797897338867"),
        network: "192.0.2.",
        asn: 1136,
    },
    Place {
        city: "",
        state: "",
        country: "",
        coordinates: ("0.0", "0.0"),
        network: "2001:db8:4:1::",
        asn: 6079,
    },
];

pub const AGENTS: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "python-requests/2.32.3",
    "PowerShell/7.5.1 AzurePowershell/Az.Accounts5.0.1",
    "axios/1.7.9",
];

pub const CONDITIONS: [(u32, &str); 14] = [
    (1, "application"),
    (2, "users"),
    (4, "devicePlatform"),
    (8, "location"),
    (16, "clientType"),
    (32, "signInRisk"),
    (64, "userRisk"),
    (128, "time"),
    (256, "deviceState"),
    (512, "client"),
    (1024, "ipAddressSeenByAzureAD"),
    (2048, "ipAddressSeenByResourceProvider"),
    (32768, "authenticationFlows"),
    (65536, "insiderRisk"),
];

/// `application,users`, as Graph spells the mask 3.
pub fn condition_names(mask: u32) -> String {
    let names: Vec<&str> =
        CONDITIONS.iter().filter(|(bit, _)| mask & bit != 0).map(|(_, name)| *name).collect();
    if names.is_empty() { "none".into() } else { names.join(",") }
}

pub const ACCESS: [(u8, &str); 5] = [
    (1, "b2bCollaboration"),
    (2, "b2bDirectConnect"),
    (4, "microsoftSupport"),
    (8, "serviceProvider"),
    (32, "passthrough"),
];

pub fn access_names(bits: u8) -> String {
    let names: Vec<&str> =
        ACCESS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    if names.is_empty() { "none".into() } else { names.join(",") }
}
