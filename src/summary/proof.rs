//! The newest refused sign-ins of listed partners as proof, and the addresses from which partners
//! were refused and got in as well. Counting has told before where their rows stand.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;

use super::activity::{Activity, Pair};
use super::counting::{PROOF_MAX, SeenProof, SignIns};
use super::model::Proof;
use super::tables::in_table;
use super::{SummaryError, SummaryOptions};
use crate::attribution::Verdict;
use crate::dataset::{DatasetError, KnownWords, Stretch};
use crate::parallel;
use crate::tenant::TenantId;

/// Error codes of a customer and partner for which proof is kept.
const CODES_MAX: usize = 32;

/// Where the newest refused sign-ins of each error code stand, newest first.
#[derive(Debug, Default)]
pub(super) struct FoundProof(BTreeMap<Pair, BTreeMap<Option<i32>, Vec<Place>>>);

/// A row of a row group.
#[derive(Debug)]
struct Place {
    at: i64,
    side: u32,
    id: Option<Box<str>>,
    group: usize,
    row: usize,
}

impl Place {
    fn order(&self, other: &Self) -> Ordering {
        let ids = self.id.as_ref().zip(other.id.as_ref()).map(|(own, other)| own.cmp(other));
        (self.at, self.side)
            .cmp(&(other.at, other.side))
            .then(ids.unwrap_or(Ordering::Equal))
            .then((self.group, self.row).cmp(&(other.group, other.row)))
    }
}

impl FoundProof {
    /// Takes what a row group has.
    pub(super) fn add(&mut self, found: Vec<SeenProof>, group: usize) {
        let mut touched: BTreeSet<(Pair, Option<i32>)> = BTreeSet::new();
        for SeenProof { pair, error_code, at, side, id, row } in found {
            let known = self.0.entry(pair).or_default().entry(error_code).or_default();
            known.push(Place { at, side, id, group, row });
            touched.insert((pair, error_code));
        }
        for (pair, error_code) in touched {
            let Some(codes) = self.0.get_mut(&pair) else { continue };
            if let Some(known) = codes.get_mut(&error_code) {
                known.sort_by(|a, b| b.order(a));
                known.truncate(PROOF_MAX);
            }
            if codes.len() > CODES_MAX {
                forget_oldest(codes);
            }
        }
    }
}

/// Forgets the code that has not occurred for longest.
fn forget_oldest(codes: &mut BTreeMap<Option<i32>, Vec<Place>>) {
    let newest = |places: &[Place]| places.first().map(|place| place.at);
    let oldest = codes.iter().min_by_key(|(_, places)| newest(places)).map(|(&code, _)| code);
    oldest.and_then(|code| codes.remove(&code));
}

/// What only a second look at the rows tells.
#[derive(Debug, Default)]
pub(super) struct Closer {
    proof: BTreeMap<Pair, Vec<Proof>>,
    /// By partner: addresses of refused sign-ins from which it got in somewhere.
    pub(super) addresses_seen: BTreeMap<TenantId, BTreeSet<Box<str>>>,
}

/// Looks at the rows that matter to the partners.
pub(super) fn look(
    sign_ins: &SignIns,
    found: &FoundProof,
    partners: &BTreeSet<TenantId>,
    activity: &Activity,
    options: &SummaryOptions,
) -> Result<Closer, SummaryError> {
    let mut closer = Closer::default();
    closer.read_proof(sign_ins, found, partners, options.threads).map_err(in_table("sign_ins"))?;
    let wanted = addresses_to_look_for(activity, partners);
    if !wanted.is_empty() {
        closer.addresses_seen = addresses_seen(sign_ins, &wanted, partners, options.threads)
            .map_err(in_table("sign_ins"))?;
    }
    Ok(closer)
}

impl Closer {
    /// The proof of a customer and partner, newest first.
    pub(super) fn proof_of(&self, pair: Pair) -> Vec<Proof> {
        self.proof.get(&pair).cloned().unwrap_or_default()
    }

    fn read_proof(
        &mut self,
        sign_ins: &SignIns,
        found: &FoundProof,
        partners: &BTreeSet<TenantId>,
        threads: usize,
    ) -> Result<(), DatasetError> {
        let is_partners = |pair: &Pair| pair.0.is_some_and(|partner| partners.contains(&partner));
        let mut rows: BTreeMap<usize, BTreeMap<usize, Pair>> = BTreeMap::new();
        for (pair, codes) in found.0.iter().filter(|(pair, _)| is_partners(pair)) {
            for place in codes.values().flatten() {
                rows.entry(place.group).or_default().insert(place.row, *pair);
            }
        }
        let rows: Vec<(usize, BTreeMap<usize, Pair>)> = rows.into_iter().collect();
        let read = parallel::map(&rows, threads, |(group, pairs)| {
            let Some(group) = sign_ins.groups.get(*group) else { return Ok(Vec::new()) };
            let rows: Vec<usize> = pairs.keys().copied().collect();
            let (mut pairs, mut read) = (pairs.values(), Vec::with_capacity(rows.len()));
            sign_ins.walk.read_rows(group, &rows, &COLUMNS, |stretch| {
                for (row, &pair) in (0..stretch.rows()).zip(&mut pairs) {
                    read.extend(proof_at(stretch, row)?.map(|proof| (pair, proof)));
                }
                Ok::<(), DatasetError>(())
            })?;
            Ok::<_, DatasetError>(read)
        });
        for group in read {
            for (pair, proof) in group? {
                self.proof.entry(pair).or_default().push(proof);
            }
        }
        for proof in self.proof.values_mut() {
            proof.sort_by(|a, b| (b.at, &a.sign_in_id).cmp(&(a.at, &b.sign_in_id)));
        }
        Ok(())
    }
}

/// The columns of a proof.
const COLUMNS: [&str; 20] = [
    "created_at",
    "error_code",
    "source_offset",
    "disputed",
    "verdict",
    "sign_in_id",
    "correlation_id",
    "account",
    "app_id",
    "app_name",
    "resource_id",
    "resource_name",
    "user_id",
    "source_export",
    "client_app",
    "ip_address",
    "country",
    "operating_system",
    "risk_level",
    "failure_reason",
];

fn proof_at(stretch: &Stretch, row: usize) -> Result<Option<Proof>, DatasetError> {
    let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let word = |column| stretch.words(column).map(|words| owned(words.get(row)));
    let at = stretch.times("created_at")?.get(row).and_then(DateTime::from_timestamp_micros);
    let sign_in_id = owned(stretch.texts("sign_in_id")?.get(row));
    let (Some(at), Some(sign_in_id)) = (at, sign_in_id) else { return Ok(None) };
    let error_code = stretch.numbers("error_code")?.get(row);
    let offset = stretch.numbers("source_offset")?.get(row);
    let is_blocked = stretch.words("verdict")?.get(row) == Some(Verdict::Blocked.as_str());
    Ok(Some(Proof {
        at,
        sign_in_id,
        correlation_id: owned(stretch.texts("correlation_id")?.get(row)),
        error_code: error_code.and_then(|code| i32::try_from(code).ok()),
        failure_reason: word("failure_reason")?,
        is_blocked: is_blocked && !stretch.flags("disputed")?.get(row),
        account: word("account")?,
        user_id: word("user_id")?,
        app_id: word("app_id")?,
        app_name: word("app_name")?,
        resource_id: word("resource_id")?,
        resource_name: word("resource_name")?,
        client_app: word("client_app")?,
        ip_address: word("ip_address")?,
        country: word("country")?,
        operating_system: word("operating_system")?,
        risk_level: word("risk_level")?,
        source_export: word("source_export")?,
        source_offset: offset.and_then(|offset| u64::try_from(offset).ok()).unwrap_or_default(),
    }))
}

/// Addresses matter only where a policy blocks by location.
fn addresses_to_look_for<'a>(
    activity: &'a Activity,
    partners: &BTreeSet<TenantId>,
) -> BTreeSet<&'a str> {
    let by_location = |number| {
        let matched = activity.readings.get(number).map(|reading| &reading.matched);
        matched.into_iter().flatten().any(|name| crate::policy::condition_word(name) == "location")
    };
    let routes = activity.routes.all.iter().filter(|route| {
        route.pair.0.is_some_and(|partner| partners.contains(&partner))
            && route.blocks.readings().any(by_location)
    });
    let addresses = routes.flat_map(|route| &route.circumstances.addresses);
    addresses.map(|&address| activity.routes.text(address)).collect()
}

/// Where partners got in, as far as refused sign-ins came from there, too.
fn addresses_seen(
    sign_ins: &SignIns,
    wanted: &BTreeSet<&str>,
    partners: &BTreeSet<TenantId>,
    threads: usize,
) -> Result<BTreeMap<TenantId, BTreeSet<Box<str>>>, DatasetError> {
    let columns = ["created_at", "partner_tenant_id", "verdict", "ip_address"];
    let partners: Vec<(String, TenantId)> =
        partners.iter().map(|&partner| (partner.to_string(), partner)).collect();
    let wanted: Vec<&str> = wanted.iter().copied().collect();
    // Numbers from 1; 0 is nobody and nowhere.
    let number = |place: usize| u32::try_from(place + 1).unwrap_or_default();
    let partner_number =
        |text: &str| partners.iter().position(|(id, _)| id == text).map_or(0, number);
    let address_number = |text: &str| wanted.binary_search(&text).map_or(0, number);
    let found = parallel::map(&sign_ins.groups, threads, |group| {
        let mut seen: BTreeSet<(u32, u32)> = BTreeSet::new();
        let mut known: [KnownWords; 3] = Default::default();
        let mut numbers: [Vec<u32>; 3] = Default::default();
        sign_ins.walk.read(group, &columns, ROWS_AT_A_TIME, |stretch| {
            let [of_partner, of_verdict, of_address] = &mut known;
            let [partner, verdict, address] = &mut numbers;
            stretch.words("partner_tenant_id")?.each(of_partner, partner_number, partner);
            let succeeded = |word: &str| u32::from(word == Verdict::Succeeded.as_str());
            stretch.words("verdict")?.each(of_verdict, succeeded, verdict);
            stretch.words("ip_address")?.each(of_address, address_number, address);
            let times = stretch.times("created_at")?;
            let mut last = (0, 0);
            for (row, ((&partner, &verdict), &address)) in
                partner.iter().zip(verdict.iter()).zip(address.iter()).enumerate()
            {
                let is_it = partner != 0 && verdict != 0 && address != 0;
                if is_it
                    && last != (partner, address)
                    && times.get(row).is_some_and(|at| sign_ins.bounds.hold(at))
                {
                    last = (partner, address);
                    seen.insert(last);
                }
            }
            Ok::<(), DatasetError>(())
        })?;
        Ok::<_, DatasetError>(seen)
    });
    let mut all: BTreeMap<TenantId, BTreeSet<Box<str>>> = BTreeMap::new();
    for group in found {
        for (partner, address) in group? {
            let partner = partners.get(place(partner));
            let address = wanted.get(place(address));
            if let (Some(&(_, partner)), Some(&address)) = (partner, address) {
                all.entry(partner).or_default().insert(address.into());
            }
        }
    }
    Ok(all)
}

/// Rows of few columns that are read together.
const ROWS_AT_A_TIME: usize = 32 << 10;

fn place(number: u32) -> usize {
    usize::try_from(number).ok().and_then(|number| number.checked_sub(1)).unwrap_or(usize::MAX)
}
