//! The main property: on generated estates of every shape, a sweep finds what the slow oracle
//! finds, whatever the threads, the order of the arguments, the peek and the number of runs.
//!
//! The oracle itself is held against what the estates put in, for every kind, packing and
//! encoding; what is swept of them is named by [`SWEPT`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tenantsweep::dataset::Table;
use tenantsweep::dataset::WriterOptions;
use tenantsweep::dialect::TableOptions;
use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::input::discover::{DiscoverOptions, discover};
use tenantsweep::input::frame::RECORD_LIMIT;
use tenantsweep::lists::{GivenLists, Lists};
use tenantsweep::sweep::{Progress, SweepOptions, Swept, sweep};
use tenantsweep::tenant::{Partner, TenantId};

use crate::estate::{self, Encoding, Estate, EstateOptions, Facts, Kind, Packing};
use crate::oracle::{Answer, Key, Row, judge};
use crate::parquet_reader::read_table;

/// A generated estate on the disk, and where its sweeps go.
struct Place {
    root: tempfile::TempDir,
    estate: Estate,
}

/// What the program reads so far, of all that estates are made of.
struct Reach {
    kinds: &'static [Kind],
    encodings: &'static [Encoding],
    packings: &'static [Packing],
    archives: bool,
}

const SWEPT: Reach =
    Reach { kinds: &Kind::ALL, encodings: &Encoding::ALL, packings: &Packing::ALL, archives: true };

/// How one sweep of an estate is done.
#[derive(Debug, Clone, Copy)]
struct Way {
    threads: usize,
    use_peek: bool,
    reversed: bool,
}

const PLAIN: Way = Way { threads: 2, use_peek: true, reversed: false };

impl Place {
    fn make(options: &EstateOptions) -> Self {
        let place = Self {
            root: tempfile::tempdir().expect("a folder"),
            estate: Estate::generate(options),
        };
        place.estate.write_to(&place.root.path().join("in")).expect("written");
        place
    }

    fn input(&self) -> PathBuf {
        self.root.path().join("in")
    }

    fn out(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Sweeps the files whose index passes `choose`.
    fn sweep(&self, out: &Path, way: Way, choose: impl Fn(usize) -> bool) -> Swept {
        let files = self.estate.files.iter().enumerate().filter(|(at, _)| choose(*at));
        let mut inputs: Vec<PathBuf> =
            files.map(|(_, file)| self.input().join(&file.path)).collect();
        if way.reversed {
            inputs.reverse();
        }
        let found = discover(&inputs, &DiscoverOptions::default()).expect("inputs");
        let partners: Vec<Partner> = self.estate.partners.iter().map(partner_of).collect();
        let given = GivenLists { partners: &partners, ..GivenLists::default() };
        let lists = Lists::gather(&given, &found).expect("lists");
        let options = SweepOptions {
            out: out.to_owned(),
            writer: WriterOptions::new("run"),
            threads: way.threads,
            use_peek: way.use_peek,
            with_sha256: true,
            tables: TableOptions::default(),
            record_limit: RECORD_LIMIT,
            keep_not_applied: false,
            keep_rejected_bytes: false,
            rehash: false,
            passwords: Passwords::default(),
        };
        sweep(&found, &lists, &options, &Silent).expect("a sweep")
    }

    fn oracle(&self) -> Answer {
        oracle_of(&self.estate)
    }
}

fn oracle_of(estate: &Estate) -> Answer {
    let files: Vec<(String, Vec<u8>)> =
        estate.files.iter().map(|file| (file.path.clone(), file.bytes.clone())).collect();
    let partners: Vec<(String, Vec<String>)> = estate
        .partners
        .iter()
        .map(|partner| (partner.id.clone(), partner.domains.clone()))
        .collect();
    judge(&files, &partners, Path::new("data/error_codes.csv"))
}

fn partner_of(partner: &estate::Partner) -> Partner {
    Partner {
        tenant_id: TenantId::parse(&partner.id).expect("a tenant id"),
        name: Some(partner.name.clone()),
        domains: partner.domains.clone(),
    }
}

struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn finish(&self) {}
}

/// The rows of a dataset in the oracle's words, by key; rows without an id apart, since the
/// oracle names them otherwise.
fn rows_of(out: &Path) -> (BTreeMap<Key, Row>, Vec<Row>) {
    let mut policies: BTreeMap<(String, String), [BTreeSet<String>; 2]> = BTreeMap::new();
    for row in read_table(out, Table::AppliedPolicies) {
        let sets = policies.entry((row.text("side"), row.text("sign_in_id"))).or_default();
        for (set, column) in sets.iter_mut().zip(["blocks", "would_block"]) {
            if row.flag(column) {
                set.insert(row.text("policy_id").to_lowercase());
            }
        }
    }
    let (mut rows, mut without_id) = (BTreeMap::new(), Vec::new());
    for row in read_table(out, Table::SignIns) {
        let (side, id) = (row.text("side"), row.text("sign_in_id"));
        let [blocking, would_block] =
            policies.remove(&(side.clone(), id.clone())).unwrap_or_default();
        let word = |column: &str, words: &[&'static str]| {
            let text = row.text(column);
            words.iter().copied().find(|word| *word == text).unwrap_or("?")
        };
        let side = word("side", &["inbound", "outbound", "home"]);
        let judged = Row {
            side,
            partner: row.text("partner_tenant_id"),
            partner_match: word(
                "partner_match",
                &["listed", "service_provider", "domain", "app_owner"],
            ),
            child: Some(row.text("child_tenant_id")).filter(|child| !child.is_empty()),
            verdict: word(
                "verdict",
                &["succeeded", "blocked", "interrupted", "failed", "unexplained"],
            ),
            disputed: row.flag("disputed"),
            // A portal CSV leaves the code of a success blank, and the dataset says 0.
            error_code: row.number("error_code").filter(|&code| code != 0),
            blocking,
            would_block,
            created_second: row.number("created_at").map(|micros| micros.div_euclid(1_000_000)),
        };
        if id.starts_with("raw:") {
            without_id.push(judged);
        } else {
            rows.insert((side, id), judged);
        }
    }
    (rows, without_id)
}

/// Compares a dataset with the oracle's answer.
fn assert_same(out: &Path, answer: &Answer, seed: u64) {
    let (rows, without_id) = rows_of(out);
    let (nameless, named): (BTreeMap<_, _>, BTreeMap<_, _>) = answer
        .rows
        .clone()
        .into_iter()
        .map(without_zero)
        .partition(|((_, id), _)| id.starts_with("raw:"));
    for (key, expected) in &named {
        assert_eq!(rows.get(key), Some(expected), "seed {seed}, {key:?}");
    }
    let extra: Vec<_> = rows.keys().filter(|key| !named.contains_key(key)).collect();
    assert!(extra.is_empty(), "seed {seed}: rows that the oracle does not know: {extra:?}");
    let sorted = |rows: Vec<Row>| {
        let mut texts: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
        texts.sort();
        texts
    };
    assert_eq!(sorted(without_id), sorted(nameless.into_values().collect()), "seed {seed}");
}

fn without_zero((key, row): (Key, Row)) -> (Key, Row) {
    (key, Row { error_code: row.error_code.filter(|&code| code != 0), ..row })
}

fn small(seed: u64) -> EstateOptions {
    small_of(&SWEPT, seed)
}

fn small_of(reach: &Reach, seed: u64) -> EstateOptions {
    EstateOptions {
        seed,
        kinds: reach.kinds.to_vec(),
        encodings: reach.encodings.to_vec(),
        packings: reach.packings.to_vec(),
        packed_share: if reach.archives { 0.2 } else { 0.0 },
        tenants: 3 + (seed % 3) as usize,
        records: 160,
        partner_share: 0.2,
        other_provider_share: 0.05,
        policies_per_record: 2..=6,
        hostile_share: 0.15,
        records_per_file: 60,
        ..EstateOptions::default()
    }
}

/// How many estates a test looks at; the long suite asks for more.
fn seeds(few: u64) -> std::ops::Range<u64> {
    0..few * u64::from(crate::times())
}

/// The oracle's rows in the words of the estate's truth.
fn facts_of(answer: &Answer) -> BTreeMap<estate::Key, Facts> {
    let facts = answer.rows.iter().map(|((_, id), row)| {
        let side = estate::Side::parse(row.side).expect("a side");
        let facts = Facts {
            side,
            partner: row.partner.clone(),
            partner_match: estate::PartnerMatch::parse(row.partner_match).expect("a match"),
            child: row.child.clone(),
            verdict: estate::Verdict::parse(row.verdict).expect("a verdict"),
            disputed: row.disputed,
            error_code: row.error_code.map(|code| code.try_into().expect("a code")),
            blocking: row.blocking.clone(),
            would_block: row.would_block.clone(),
            created_second: row.created_second.expect("a time"),
        };
        ((side, id.clone()), facts)
    });
    facts.collect()
}

fn assert_oracle_knows(place: &Estate, name: &str) {
    let answer = oracle_of(place);
    let disagreements = place.truth.disagreements(&facts_of(&answer));
    assert!(disagreements.is_empty(), "{name}: {disagreements:#?}");
    let totals = &place.truth.totals;
    let expected =
        [totals.records, totals.partner, totals.other, totals.duplicate, totals.rejected];
    let found = [answer.records, answer.partner, answer.other, answer.duplicate, answer.rejected];
    assert_eq!(expected.map(|span| span.least), found, "{name}");
    assert_eq!(expected.map(|span| span.most), found, "{name}");
}

#[test]
fn the_oracle_finds_what_was_put_in() {
    for kind in Kind::ALL {
        for seed in seeds(2) {
            let options =
                EstateOptions { kinds: vec![kind], records: 60, ..small_of(&SWEPT, 4000 + seed) };
            assert_oracle_knows(&Estate::generate(&options), &format!("{kind:?}, seed {seed}"));
        }
    }
    for seed in seeds(20) {
        let options = small_of(&SWEPT, 5000 + seed);
        assert_oracle_knows(&Estate::generate(&options), &format!("seed {seed}"));
    }
}

#[test]
fn a_sweep_finds_what_the_oracle_finds() {
    for seed in seeds(12) {
        let place = Place::make(&small(seed));
        let answer = place.oracle();
        let swept = place.sweep(&place.out("out"), PLAIN, |_| true);
        assert!(swept.no_logs.is_empty(), "seed {seed}: {:?}", swept.no_logs);
        assert_same(&place.out("out"), &answer, seed);
        let tally = swept.tally;
        let found = (tally.records, tally.other, tally.rejected);
        assert_eq!(found, (answer.records, answer.other, answer.rejected), "seed {seed}");
        assert_eq!(tally.partner, answer.partner + answer.duplicate, "seed {seed}");
    }
}

#[test]
fn damage_costs_only_the_damaged_records() {
    for seed in seeds(10) {
        let place = Place::make(&EstateOptions { damage: 0.05, ..small(1000 + seed) });
        place.sweep(&place.out("out"), PLAIN, |_| true);
        let (rows, _) = rows_of(&place.out("out"));
        let truth = &place.estate.truth;
        for (key, facts) in &truth.sign_ins {
            let key = (key.0.word(), key.1.clone());
            let row = rows.get(&key);
            let row = row.unwrap_or_else(|| panic!("seed {seed}: {key:?} is missing: {facts:?}"));
            assert_eq!(row.verdict, facts.verdict.word(), "seed {seed}, {key:?}");
            assert_eq!(row.blocking, facts.blocking, "seed {seed}, {key:?}");
        }
        let uncertain = &truth.uncertain;
        let invented = rows.keys().filter(|(side, id)| {
            let is = |key: &estate::Key| key.0.word() == *side && key.1 == *id;
            !truth.sign_ins.keys().any(is) && !uncertain.keys().any(is)
        });
        assert_eq!(invented.collect::<Vec<_>>(), Vec::<&Key>::new(), "seed {seed}");
    }
}

#[test]
fn threads_order_and_peek_do_not_change_a_byte() {
    for seed in seeds(4) {
        let place = Place::make(&small(2000 + seed));
        let ways = [
            PLAIN,
            Way { threads: 1, ..PLAIN },
            Way { threads: 8, ..PLAIN },
            Way { reversed: true, ..PLAIN },
            Way { use_peek: false, ..PLAIN },
        ];
        let mut first: Option<BTreeSet<String>> = None;
        for (at, way) in ways.into_iter().enumerate() {
            let out = place.out(&format!("out{at}"));
            place.sweep(&out, way, |_| true);
            // Parts are named by what is in them.
            let names = part_names(&out, if way.use_peek { None } else { Some("exports") });
            let expected = first.get_or_insert_with(|| names.clone());
            if way.use_peek {
                assert_eq!(*expected, names, "seed {seed}, {way:?}");
            } else {
                let judged = |name: &&String| !name.contains("exports");
                assert_eq!(
                    expected.iter().filter(judged).collect::<Vec<_>>(),
                    names.iter().collect::<Vec<_>>(),
                    "seed {seed}, {way:?}"
                );
            }
        }
    }
}

/// The parts of the dataset's tables by relative path, without those of one table.
fn part_names(out: &Path, without: Option<&str>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![out.join("dataset")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "parquet") {
                let name = path.strip_prefix(out).expect("below").display().to_string();
                if without.is_none_or(|table| !name.contains(table)) {
                    names.insert(name);
                }
            }
        }
    }
    assert!(!names.is_empty());
    names
}

#[test]
fn two_runs_are_one_run() {
    for seed in seeds(6) {
        let place = Place::make(&small(3000 + seed));
        place.sweep(&place.out("once"), PLAIN, |_| true);
        place.sweep(&place.out("twice"), PLAIN, |at| at % 2 == 0);
        place.sweep(&place.out("twice"), PLAIN, |_| true);
        place.sweep(&place.out("back"), PLAIN, |at| at % 3 != 0);
        place.sweep(&place.out("back"), PLAIN, |at| at % 3 != 1);
        assert_eq!(rows_of(&place.out("once")).0, rows_of(&place.out("twice")).0, "seed {seed}");
        assert_eq!(rows_of(&place.out("once")).0, rows_of(&place.out("back")).0, "seed {seed}");
        let again = place.sweep(&place.out("back"), PLAIN, |_| true);
        assert_eq!(again.read, 0, "seed {seed}");
    }
}

#[test]
fn every_kind_is_read_by_itself() {
    for &kind in SWEPT.kinds {
        let place = Place::make(&EstateOptions { kinds: vec![kind], ..small(77) });
        let answer = place.oracle();
        let swept = place.sweep(&place.out("out"), PLAIN, |_| true);
        assert_eq!(swept.tally.records, answer.records, "{kind:?}");
        assert_same(&place.out("out"), &answer, 77);
    }
}
