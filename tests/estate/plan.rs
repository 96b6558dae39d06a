//! Which files an estate has and which sign-ins stand in each.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::Kind;
use super::log_analytics;
use super::records::{Entry, Exporter, Role, Stream};
use super::rng::Rng;
use super::time::{self, BEGIN, DAY, HOUR};
use super::world::World;

pub struct FilePlan {
    pub path: String,
    /// The archive that the file is put into.
    pub archive: Option<String>,
    pub kind: Kind,
    pub exporter: Exporter,
    pub entries: Vec<Entry>,
    pub seed: u64,
}

/// An export: the kind, and whether it holds second copies of what stands elsewhere.
type Exports = BTreeMap<(Kind, bool), Vec<Entry>>;

/// The files of one child's own exports.
pub fn child_files(world: &World, child: usize) -> Vec<FilePlan> {
    if world.lacks_export(child) {
        return Vec::new();
    }
    let mut exports = Exports::new();
    let mut rng = Rng::derived(world.options.seed, &[2, child as u64]);
    let users = user_kinds(world);
    let count = sign_in_count(world, &mut rng);
    for nth in 0..if users.is_empty() { 0 } else { count } {
        // Two kinds for each child, others for each seed, so that few children show all kinds.
        let first = child * 2 + world.options.seed as usize * 5;
        let second = first + 1 + first / users.len();
        let kind = users[if rng.chance(0.6) { first } else { second } % users.len()];
        let entry = child_entry(world, child, kind, (nth, count), &mut rng);
        place(world, &mut exports, kind, entry, &mut rng);
    }
    principals(world, &mut exports, count, &mut rng);
    files(world, Exporter::Child(child), exports)
}

/// The files of a partner's own exports: its own rows, those to children, guests of its own.
pub fn partner_files(world: &World, partner: usize) -> Vec<FilePlan> {
    if !world.options.with_partner_export || world.children.is_empty() {
        return Vec::new();
    }
    let mut rng = Rng::derived(world.options.seed, &[3, partner as u64]);
    let count = (world.options.records / 10 / world.partners.len()).max(8);
    let entries =
        (0..count).map(|nth| partner_entry(world, partner, nth, count, &mut rng)).collect();
    // A single object shows two tenants and so cannot tell whose log it is; nor does a log
    // without home tenants.
    let fits = |kind: &Kind| *kind != Kind::GraphObject && kind.shows().home && kind.shows().code;
    let kinds: Vec<Kind> = user_kinds(world).into_iter().filter(fits).collect();
    let kind = if kinds.is_empty() { Kind::DiagnosticLines } else { *rng.pick(&kinds) };
    files(world, Exporter::Partner(partner), Exports::from([((kind, false), entries)]))
}

fn user_kinds(world: &World) -> Vec<Kind> {
    let kinds: BTreeSet<Kind> = world.options.kinds.iter().copied().collect();
    kinds.into_iter().filter(|kind| *kind != Kind::ApplicationCsv).collect()
}

/// Tenants differ in size.
fn sign_in_count(world: &World, rng: &mut Rng) -> usize {
    let with_export = (0..world.children.len()).filter(|&child| !world.lacks_export(child)).count();
    let mean = world.options.records / with_export.max(1);
    let least = (mean / 2) as i64;
    (rng.between(least, least * 3) as usize).max(4)
}

/// The seed of the second sign-in of each child, which is always a listed partner's and safe:
/// so every child with an export has an inbound row.
fn landmark_seed(world: &World, child: usize) -> u64 {
    Rng::derived(world.options.seed, &[4, child as u64]).next()
}

fn child_entry(
    world: &World,
    child: usize,
    kind: Kind,
    (nth, of): (usize, usize),
    rng: &mut Rng,
) -> Entry {
    let is_landmark = nth == 1;
    let seed = if is_landmark { landmark_seed(world, child) } else { rng.next() };
    let role = match is_landmark {
        true if kind.shows().home => Role::Gdap(0),
        true => Role::Mail(0),
        false => child_role(world, rng),
    };
    let stream = if rng.chance(0.2) { Stream::Interactive } else { Stream::NonInteractive };
    Entry {
        seed,
        id_seed: seed,
        nth,
        of,
        role,
        stream,
        interim: false,
        has_twin: is_landmark,
        safe: is_landmark,
    }
}

fn child_role(world: &World, rng: &mut Rng) -> Role {
    let options = &world.options;
    let partner = rng.below(world.partners.len());
    if rng.chance(options.partner_share) {
        let roles = [
            Role::Gdap(partner),
            Role::Gdap(partner),
            Role::Gdap(partner),
            Role::B2b(partner),
            Role::Mail(partner),
        ];
        return *rng.pick(if options.partners_by_mail { &roles } else { &roles[..4] });
    }
    if rng.chance(options.other_provider_share) {
        return Role::OtherProvider(rng.below(world.providers.len()));
    }
    let stranger = rng.below(world.strangers.len());
    if rng.chance(options.hostile_share) {
        return *rng.pick(&[Role::StaffWithoutHome, Role::GuestWithPartnerMail(stranger)]);
    }
    if rng.chance(0.08) { Role::Guest(stranger) } else { Role::Staff }
}

fn partner_entry(world: &World, partner: usize, nth: usize, of: usize, rng: &mut Rng) -> Entry {
    let seed = rng.next();
    // The first go to each child in turn, one of them under the id that the child's log has.
    let child = if nth < world.children.len() { nth } else { rng.below(world.children.len()) };
    let is_twin = partner == 0 && nth < world.children.len();
    let role = match rng.below(20) {
        _ if nth < world.children.len() => Role::Outbound(partner, child),
        0..10 => Role::Outbound(partner, child),
        10..17 => Role::Home(partner),
        _ => Role::Guest(rng.below(world.strangers.len())),
    };
    let id_seed = if is_twin { landmark_seed(world, child) } else { seed };
    let stream = if rng.chance(0.2) { Stream::Interactive } else { Stream::NonInteractive };
    Entry { seed, id_seed, nth, of, role, stream, interim: false, has_twin: true, safe: false }
}

/// Into its export, with an earlier state before it or a second copy elsewhere, now and then.
fn place(world: &World, exports: &mut Exports, kind: Kind, mut entry: Entry, rng: &mut Rng) {
    let options = &world.options;
    let has_state = kind.is_dated() && rng.chance(options.states_share);
    let has_copy = rng.chance(options.duplicate_share);
    entry.has_twin |= has_state || has_copy;
    if has_copy {
        let copy_kind = kind_of_copy(world, kind, rng);
        exports.entry((copy_kind, true)).or_default().push(entry);
    }
    let export = exports.entry((kind, false)).or_default();
    if has_state {
        export.push(Entry { interim: true, ..entry });
    }
    export.push(entry);
    // States need not stand in order.
    if has_state && rng.chance(0.3) {
        let last = export.len() - 1;
        export.swap(last, last - 1);
    }
}

fn kind_of_copy(world: &World, kind: Kind, rng: &mut Rng) -> Kind {
    let fits = |other: &Kind| {
        let beside = world.options.csv_beside_diagnostic
            && (kind.is_diagnostic() && other.is_portal_csv()
                || kind.is_portal_csv() && other.is_diagnostic());
        kind.can_share_with(*other) || beside
    };
    let kinds: Vec<Kind> = user_kinds(world).into_iter().filter(fits).collect();
    *rng.pick(&kinds)
}

/// Service principals, beside the users in diagnostic settings and in a download of their own.
fn principals(world: &World, exports: &mut Exports, users: usize, rng: &mut Rng) {
    let mut kinds: Vec<(Kind, usize)> = exports
        .keys()
        .filter(|(kind, copy)| kind.holds_principals() && !copy)
        .map(|(kind, _)| (*kind, users / 30))
        .collect();
    if world.options.kinds.contains(&Kind::ApplicationCsv) {
        kinds.push((Kind::ApplicationCsv, (users / 20).max(4)));
    }
    for (kind, count) in kinds {
        for nth in 0..count {
            let seed = rng.next();
            let is_landmark = kind == Kind::ApplicationCsv && nth == 1;
            let is_partner = is_landmark || rng.chance(world.options.partner_share);
            let role = if is_partner {
                Role::AppOwner(rng.below(world.partners.len()))
            } else {
                Role::ServicePrincipal
            };
            let stream = Stream::ServicePrincipal;
            let entry = Entry {
                seed,
                id_seed: seed,
                nth,
                of: count,
                role,
                stream,
                interim: false,
                has_twin: is_landmark,
                safe: is_landmark,
            };
            exports.entry((kind, false)).or_default().push(entry);
        }
    }
}

fn files(world: &World, exporter: Exporter, exports: Exports) -> Vec<FilePlan> {
    let mut plans = Vec::new();
    for ((kind, is_copy), entries) in exports {
        for (stream, entries) in by_stream(kind, entries) {
            let count = file_count(world, kind, entries.len());
            let size = entries.len().div_ceil(count);
            for (number, chunk) in entries.chunks(size.max(1)).enumerate() {
                let mut chunk = chunk.to_vec();
                let seed = chunk[0].seed ^ u64::from(is_copy);
                if let (Exporter::Partner(partner), false) = (exporter, kind.names_exporter()) {
                    chunk.insert(0, home_landmark(partner, &chunk[0]));
                }
                let path = path(world, exporter, kind, stream, is_copy, number, count);
                plans.push(FilePlan { path, archive: None, kind, exporter, entries: chunk, seed });
            }
        }
    }
    plans
}

/// A row of the partner in its own tenant, so that each of its files tells whose it is.
fn home_landmark(partner: usize, beside: &Entry) -> Entry {
    let seed = Rng::derived(beside.seed, &[5]).next();
    Entry { seed, id_seed: seed, role: Role::Home(partner), safe: true, ..*beside }
}

/// Kinds that keep interactive, non-interactive and service principal sign-ins apart.
fn by_stream(kind: Kind, entries: Vec<Entry>) -> Vec<(Option<Stream>, Vec<Entry>)> {
    if !kind.is_by_stream() {
        return vec![(None, entries)];
    }
    let mut streams: BTreeMap<Stream, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        streams.entry(entry.stream).or_default().push(entry);
    }
    streams.into_iter().map(|(stream, entries)| (Some(stream), entries)).collect()
}

fn file_count(world: &World, kind: Kind, records: usize) -> usize {
    let per_file = world.options.records_per_file.max(1);
    match kind {
        Kind::GraphBetaPage | Kind::GraphV1Page => records.div_ceil(per_file.min(1000)),
        Kind::GraphObject => records.min(8),
        // One file an hour is the most that its path can name.
        Kind::DiagnosticLines | Kind::DataExport | Kind::DfirJson => {
            records.div_ceil(per_file).min(world.options.days.max(1) * 24)
        }
        _ => records.div_ceil(per_file),
    }
}

fn path(
    world: &World,
    exporter: Exporter,
    kind: Kind,
    stream: Option<Stream>,
    is_copy: bool,
    number: usize,
    of: usize,
) -> String {
    let tenant = exporter.tenant(world);
    let folder = if is_copy { "again/" } else { "" };
    let stem = match stream {
        Some(Stream::Interactive) => "InteractiveSignIns",
        Some(Stream::NonInteractive) => "NonInteractiveSignIns",
        Some(Stream::ServicePrincipal) => "ApplicationSignIns",
        None => "SignIns",
    };
    let hour = hour_of_file(world, number, of);
    let by_hour = match kind {
        Kind::DiagnosticLines => Some(blob_path(&tenant.id, stream, hour)),
        Kind::DataExport => Some(data_export_path(&tenant.id, stream, hour)),
        Kind::DfirJson => Some(dfir_path(&tenant.name, &tenant.id, hour)),
        _ => None,
    };
    if let Some(path) = by_hour {
        return folder.to_string() + &path;
    }
    let extension = if kind.is_csv() { "csv" } else { "json" };
    let (from, to) =
        (time::date(BEGIN), time::date(BEGIN + world.options.days.max(1) as i64 * DAY));
    let browser_number = if number == 0 { String::new() } else { format!(" ({number})") };
    format!(
        "{folder}{}/{}/{stem}_{from}_{to}{browser_number}.{extension}",
        tenant.name,
        kind.folder()
    )
}

/// Files named by their hour share out the estate's days.
fn hour_of_file(world: &World, number: usize, of: usize) -> i64 {
    let hours = world.options.days.max(1) * 24;
    BEGIN + (number * hours / of) as i64 * HOUR
}

fn blob_path(tenant: &str, stream: Option<Stream>, hour: i64) -> String {
    let container = match stream {
        Some(Stream::Interactive) => "signinlogs",
        Some(Stream::ServicePrincipal) => "serviceprincipalsigninlogs",
        _ => "noninteractiveusersigninlogs",
    };
    let hour = time::folders(hour);
    format!("insights-logs-{container}/tenantId={tenant}/{hour}/m=00/PT1H.json")
}

fn data_export_path(tenant: &str, stream: Option<Stream>, hour: i64) -> String {
    let table = log_analytics::table(stream.unwrap_or(Stream::NonInteractive));
    let (workspace, hour) = (log_analytics::workspace_of(tenant), time::folders(hour));
    let place = "resourcegroups/logs/providers/microsoft.operationalinsights/workspaces/central";
    format!(
        "am-{table}/WorkspaceResourceId=/subscriptions/{workspace}/{place}/{hour}/m=00/PT05M.json"
    )
}

fn dfir_path(name: &str, tenant: &str, hour: i64) -> String {
    let (date, at) = (time::date(hour), time::civil(hour));
    format!("{name}/azure_ad_signin/{date}/AADSigninLog_{tenant}_{date}_{:02}-00-00.json", at.hour)
}
