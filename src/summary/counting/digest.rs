//! The rows of one row group of `sign_ins`, added up as far as one row group tells: what rows of
//! one class have in common, what is known of each route, and of each counted row the few numbers
//! that the order of time needs.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::xxh3_128;

use super::super::activity::{Pair, RouteKey};
use super::super::hash::{ByNumber, NumberSet};
use super::super::lists::Lists;
use super::super::over_time::Entries;
use super::super::partner_side::signs;
use super::super::row_filter::{Row, RowFilter};
use super::super::texts::Texts;
use super::Bounds;
use super::columns::{self, Code, Columns, Rows, Word, sign};
use super::days;
use crate::attribution::Verdict;
use crate::dataset::{DatasetError, Numbers, RowGroup, Stretch, Walk};
use crate::tenant::TenantId;

/// Sign-ins kept as proof of each customer, partner and error code.
pub(in super::super) const PROOF_MAX: usize = 5;

/// What is asked of a row group.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) walk: &'a Walk,
    pub(super) lists: &'a Lists,
    pub(super) bounds: Bounds,
    pub(super) filter: &'a RowFilter,
    pub(super) rows_at_a_time: usize,
}

/// What a row group tells.
#[derive(Debug, Default)]
pub(super) struct Digest {
    pub(super) texts: Texts,
    pub(super) classes: Vec<Class>,
    pub(super) routes: Vec<SeenRoute>,
    /// The rows that count, in the order of time, side and id.
    pub(super) rows: Vec<CountedRow>,
    /// Their ids, where the order of rows of several parts may depend on them.
    pub(super) ids: Vec<Box<str>>,
    /// Addresses of refused sign-ins of partners, by route.
    pub(super) addresses: NumberSet<(u32, u32)>,
    /// Sign-ins that got in, by route and address.
    pub(super) came_in: ByNumber<(u32, u32), SeenEntries>,
    /// Counted rows by day and class.
    pub(super) days: Vec<((i32, u32), u64)>,
    pub(super) told: ByNumber<(u32, Option<i32>), SeenTold>,
    /// The newest refused sign-ins of partners, newest first.
    pub(super) proof: Vec<SeenProof>,
    pub(super) own: Vec<OwnRows>,
    /// Class, access and correlation of sign-ins without access to the customer.
    pub(super) passthrough: Vec<(u32, u32, Option<u128>)>,
}

/// What rows have in common that are counted together.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) partner: Option<TenantId>,
    pub(super) child: Option<TenantId>,
    pub(super) source: u32,
    pub(super) side: u32,
    pub(super) verdict: Option<Verdict>,
    pub(super) disputed: bool,
    pub(super) lists_policies: bool,
    pub(super) error_code: Option<i32>,
    /// A partner list has joined it, by tenant or by domain.
    pub(super) is_of_list: bool,
    /// It names no customer, though it is of a customer's side.
    pub(super) is_unplaced: bool,
    /// It counts for the customer.
    pub(super) counts: bool,
    /// It counts, was refused, and may be a listed partner's.
    is_looked_at: bool,
    own: Own,
    pub(super) rows: u64,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// Which rows of a class tell of the partner's own side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    None,
    All,
    /// Those with a sign of a risk.
    ByRisk,
    /// Those too that came without access.
    ByRiskOrPassthrough,
}

/// A row that counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountedRow {
    pub(super) at: i64,
    pub(super) route: u32,
    pub(super) class: u32,
    /// A hash of the correlation id; 0 for none.
    pub(super) correlation: u128,
    /// A hash of the sign-in's id; 0 where no policy acted.
    pub(super) id: u128,
}

/// A route as the row group shows it.
#[derive(Debug)]
pub(super) struct SeenRoute {
    pub(super) key: RouteKey,
    pub(super) pair: Pair,
    pub(super) app_name: u32,
    /// Refused sign-ins that were looked at.
    pub(super) looked_at: u64,
    /// Signs of any of them, and of all.
    pub(super) any: u32,
    pub(super) all: u32,
}

/// Sign-ins that got in on one route from one address.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenEntries {
    /// A text, from the first of them.
    pub(super) country: u32,
    pub(super) entries: Entries,
}

/// What the newest row of a route says of an error code, as texts.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenTold {
    pub(super) at: i64,
    pub(super) texts: [u32; 4],
}

/// A refused sign-in that may be shown as proof, and where its row stands.
#[derive(Debug)]
pub(in super::super) struct SeenProof {
    pub(in super::super) pair: Pair,
    pub(in super::super) error_code: Option<i32>,
    pub(in super::super) at: i64,
    pub(in super::super) side: u32,
    pub(in super::super) id: Option<Box<str>>,
    pub(in super::super) row: usize,
}

/// Sign-ins that are alike in all that is asked of the partner's own side.
#[derive(Debug)]
pub(super) struct OwnRows {
    pub(super) class: u32,
    pub(super) signs: u32,
    /// By [`OWN_WORDS`].
    pub(super) texts: [u32; OWN_WORDS.len()],
    pub(super) sign_ins: u64,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// By what else sign-ins are alike, beside class and signs.
pub(super) const OWN_WORDS: [Word; 13] = [
    Word::Account,
    Word::UserId,
    Word::AppId,
    Word::AppName,
    Word::ResourceId,
    Word::ResourceName,
    Word::Access,
    Word::Requirement,
    Word::Methods,
    Word::Details,
    Word::Network,
    Word::RiskState,
    Word::RiskLevel,
];

/// Adds up a row group.
pub(super) fn digest(
    question: &Question<'_>,
    (group, has_rivals): (&RowGroup, bool),
) -> Result<Digest, DatasetError> {
    let mut columns: Vec<&str> = columns::names().collect();
    columns.extend(["sign_in_id", "blocking_policy_count", "would_block_policy_count"]);
    let mut digester = Digester::new(question, has_rivals || !group.is_in_order);
    // An empty text is a text, and none where it would be shown.
    digester.digest.texts.number(Some(""));
    question
        .walk
        .read(group, &columns, question.rows_at_a_time, |stretch| digester.take(stretch))?;
    Ok(digester.finish())
}

/// What makes a class, as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClassKey {
    partner: u32,
    child: u32,
    source: u32,
    error_code: Option<i32>,
    /// Side, match, verdict, evidence and dispute.
    codes: [u8; 4],
    disputed: bool,
}

impl Hash for ClassKey {
    /// Few numbers, since it is asked for every row.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let code = self.error_code.map_or(u32::MAX, i32::cast_unsigned);
        state.write_u64(pair(self.partner, self.child));
        state.write_u64(pair(self.source, code));
        state.write_u64(pair(u32::from_le_bytes(self.codes), u32::from(self.disputed)));
    }
}

struct Digester<'a> {
    question: &'a Question<'a>,
    wants_ids: bool,
    digest: Digest,
    columns: Columns,
    class_of: ByNumber<ClassKey, u32>,
    route_of: ByNumber<RouteKey, u32>,
    own_of: ByNumber<(u32, u32, [u32; OWN_WORDS.len()]), usize>,
    /// The place in the row group of each counted row.
    places: Vec<u32>,
    rows_before: usize,
}

/// The columns of a stretch that are no words.
struct Others<'a> {
    times: Numbers<'a>,
    codes: Numbers<'a>,
    disputed: crate::dataset::Flags<'a>,
    correlation: crate::dataset::Texts<'a>,
    ids: crate::dataset::Texts<'a>,
    acting: Option<[Numbers<'a>; 2]>,
}

impl<'a> Others<'a> {
    fn of(stretch: &'a Stretch) -> Result<Self, DatasetError> {
        let counts = ["blocking_policy_count", "would_block_policy_count"];
        let acting = counts.iter().all(|name| stretch.has(name));
        let [blocking, would_block] = counts;
        Ok(Self {
            times: stretch.times("created_at")?,
            codes: stretch.numbers("error_code")?,
            disputed: stretch.flags("disputed")?,
            correlation: stretch.texts("correlation_id")?,
            ids: stretch.texts("sign_in_id")?,
            acting: match acting {
                true => Some([stretch.numbers(blocking)?, stretch.numbers(would_block)?]),
                false => None,
            },
        })
    }

    fn code(&self, row: usize) -> Option<i32> {
        self.codes.get(row).and_then(|code| i32::try_from(code).ok())
    }

    /// A hash of the sign-in's id, if a policy may have acted on it.
    fn acting_id(&self, row: usize) -> u128 {
        let acted =
            |counts: &[Numbers<'_>; 2]| counts.iter().any(|count| count.get(row) != Some(0));
        if self.acting.as_ref().is_none_or(acted) { hash_of(self.ids.get(row)) } else { 0 }
    }
}

/// A hash that stands for a text; 0 for none.
pub(super) fn hash_of(text: Option<&str>) -> u128 {
    text.map_or(0, |text| xxh3_128(text.as_bytes()).max(1))
}

impl<'a> Digester<'a> {
    fn new(question: &'a Question<'a>, wants_ids: bool) -> Self {
        Self {
            question,
            wants_ids,
            digest: Digest::default(),
            columns: Columns::default(),
            class_of: ByNumber::default(),
            route_of: ByNumber::default(),
            own_of: ByNumber::default(),
            places: Vec::new(),
            rows_before: 0,
        }
    }

    fn take(&mut self, stretch: &Stretch) -> Result<(), DatasetError> {
        let mut columns = std::mem::take(&mut self.columns);
        let words = columns.take(stretch, &mut self.digest.texts)?;
        let others = Others::of(stretch)?;
        for row in 0..stretch.rows() {
            let at = others.times.get(row);
            let at = at.filter(|&at| self.question.bounds.hold(at));
            if let Some(at) = at.filter(|_| self.is_wanted(&words, &others, row)) {
                self.add(&words, &others, row, at);
            }
        }
        self.rows_before += stretch.rows();
        self.columns = columns;
        Ok(())
    }

    fn is_wanted(&self, words: &Rows<'_>, others: &Others<'_>, row: usize) -> bool {
        let filter = self.question.filter;
        let text = |word| self.digest.texts.filled(words.word(word, row)).unwrap_or_default();
        filter.is_empty()
            || filter.holds(Row {
                partner: text(Word::Partner),
                account: text(Word::Account),
                user_id: text(Word::UserId),
                app_id: text(Word::AppId),
                app_name: text(Word::AppName),
                address: text(Word::Address),
                code: others.code(row),
            })
    }

    fn add(&mut self, words: &Rows<'_>, others: &Others<'_>, row: usize, at: i64) {
        let number = self.class(words, others, row);
        let Some(class) = self.digest.classes.get_mut(number as usize) else { return };
        class.rows += 1;
        class.first = class.first.min(at);
        class.last = class.last.max(at);
        let (own, counts, looks) = (class.own, class.counts, class.is_looked_at);
        let got_in = class.verdict == Some(Verdict::Succeeded);
        if own != Own::None {
            self.add_own(words, others, (row, at), (number, own));
        }
        if !counts {
            return;
        }
        let Some(route) = self.route(words, row, number) else { return };
        self.digest.rows.push(CountedRow {
            at,
            route,
            class: number,
            correlation: hash_of(others.correlation.get(row).filter(|id| !id.is_empty())),
            id: others.acting_id(row),
        });
        self.places.push(u32::try_from(self.rows_before + row).unwrap_or(u32::MAX));
        if self.wants_ids {
            self.digest.ids.push(others.ids.get(row).unwrap_or_default().into());
        }
        if got_in {
            let key = (route, words.word(Word::Address, row));
            let fresh = || SeenEntries {
                country: words.word(Word::Country, row),
                entries: Entries::at(at),
            };
            let seen = self.digest.came_in.entry(key).or_insert_with(fresh);
            seen.entries.add(Entries { sign_ins: 1, ..Entries::at(at) });
        }
        if looks {
            self.look(words, row, at, (number, route));
        }
    }

    fn class(&mut self, words: &Rows<'_>, others: &Others<'_>, row: usize) -> u32 {
        let word = |word| words.word(word, row);
        let code = |code| words.code(code, row) as u8;
        let key = ClassKey {
            partner: word(Word::Partner),
            child: word(Word::Child),
            source: word(Word::Source),
            error_code: others.code(row),
            codes: [Code::Side, Code::Match, Code::Verdict, Code::Evidence].map(code),
            disputed: others.disputed.get(row),
        };
        if let Some(&number) = self.class_of.get(&key) {
            return number;
        }
        let number = u32::try_from(self.digest.classes.len()).unwrap_or(u32::MAX);
        let class = self.class_by(&key);
        self.digest.classes.push(class);
        self.class_of.insert(key, number);
        number
    }

    fn class_by(&self, key: &ClassKey) -> Class {
        let tenant = |number| self.digest.texts.filled(number).and_then(TenantId::parse);
        let (partner, child) = (tenant(key.partner), tenant(key.child));
        let [side, matched, verdict, evidence] = key.codes.map(u32::from);
        let lists = self.question.lists;
        let verdict = columns::verdict_of(verdict);
        // A row counts once, from one side: the customer's log where there is one.
        let by_side = match side {
            columns::INBOUND => true,
            columns::OUTBOUND => !child.is_some_and(|child| lists.inbound.contains(&child)),
            _ => false,
        };
        let is_of_partner = !matches!(matched, 0 | columns::APP_OWNER);
        let counts = is_of_partner && child.is_some() && by_side;
        let is_flagged = verdict.is_some_and(Verdict::is_flagged);
        let may_be_listed = partner.is_some_and(|partner| lists.may_list(partner));
        let is_of_list = matches!(matched, columns::LISTED | columns::BY_DOMAIN);
        Class {
            partner,
            child,
            source: key.source,
            side,
            verdict,
            disputed: key.disputed,
            lists_policies: evidence != 0,
            error_code: key.error_code,
            is_of_list,
            is_unplaced: key.child == 0 && side == columns::INBOUND && is_of_partner,
            counts,
            is_looked_at: counts && is_flagged && may_be_listed,
            own: if is_of_list { own_of(side, key.error_code) } else { Own::None },
            rows: 0,
            first: i64::MAX,
            last: i64::MIN,
        }
    }

    fn route(&mut self, words: &Rows<'_>, row: usize, class: u32) -> Option<u32> {
        let word = |word| words.word(word, row);
        let either = |id, name| if word(id) != 0 { word(id) } else { word(name) };
        let key = RouteKey {
            partner: word(Word::Partner),
            child: word(Word::Child),
            account: word(Word::Account),
            app: either(Word::AppId, Word::AppName),
            resource: either(Word::ResourceId, Word::ResourceName),
        };
        if let Some(&number) = self.route_of.get(&key) {
            return Some(number);
        }
        let class = self.digest.classes.get(class as usize)?;
        let number = u32::try_from(self.digest.routes.len()).ok()?;
        self.digest.routes.push(SeenRoute {
            key,
            pair: (class.partner, class.child?),
            app_name: word(Word::AppName),
            looked_at: 0,
            any: 0,
            all: u32::MAX,
        });
        self.route_of.insert(key, number);
        Some(number)
    }

    /// A closer look at a refused sign-in of a partner: how it was made, from where, and what its
    /// row says of the cause.
    fn look(&mut self, words: &Rows<'_>, row: usize, at: i64, (class, route): (u32, u32)) {
        let signs = [Code::Type, Code::Client, Code::Protocol, Code::Transfer, Code::Access];
        let signs = signs.iter().fold(0, |signs, &code| signs | words.code(code, row));
        if let Some(seen) = self.digest.routes.get_mut(route as usize) {
            seen.looked_at += 1;
            seen.any |= signs;
            seen.all &= signs;
        }
        let address = words.word(Word::Address, row);
        if self.digest.texts.filled(address).is_some() {
            self.digest.addresses.insert((route, address));
        }
        let error_code = self.digest.classes.get(class as usize).and_then(|class| class.error_code);
        let told = [Word::Category, Word::WhoFixes, Word::Cause, Word::Remedy];
        let texts = told.map(|word| words.word(word, row));
        let next = SeenTold { at, texts };
        let told = self.digest.told.entry((route, error_code)).or_insert(next);
        if told.at <= at {
            *told = next;
        }
    }

    fn add_own(
        &mut self,
        words: &Rows<'_>,
        others: &Others<'_>,
        (row, time): (usize, i64),
        (class, own): (u32, Own),
    ) {
        let signs = [Code::Type, Code::Access, Code::Risk];
        let signs = signs.iter().fold(0, |signs, &code| signs | words.code(code, row));
        let is_asked_for = match own {
            Own::None => false,
            Own::All => true,
            Own::ByRisk => signs & sign::RISK != 0,
            Own::ByRiskOrPassthrough => signs & (sign::RISK | sign::PASSTHROUGH) != 0,
        };
        if !is_asked_for {
            return;
        }
        if signs & sign::PASSTHROUGH != 0 {
            let access = words.word(Word::Access, row);
            let correlation = others.correlation.get(row).map(|id| hash_of(Some(id)));
            self.digest.passthrough.push((class, access, correlation));
        }
        let key = (class, signs, OWN_WORDS.map(|word| words.word(word, row)));
        let own = &mut self.digest.own;
        let place = *self.own_of.entry(key).or_insert_with(|| {
            let (class, signs, texts) = key;
            own.push(OwnRows { class, signs, texts, sign_ins: 0, first: time, last: time });
            own.len() - 1
        });
        if let Some(rows) = own.get_mut(place) {
            rows.sign_ins += 1;
            rows.first = rows.first.min(time);
            rows.last = rows.last.max(time);
        }
    }

    fn finish(mut self) -> Digest {
        self.put_in_order();
        self.find_proof();
        days::count_days(&mut self.digest);
        self.digest
    }

    /// Puts the rows into the order of time, side and id. Ours are in it already, but for sides
    /// that share a moment.
    fn put_in_order(&mut self) {
        let digest = &self.digest;
        let side =
            |row: &CountedRow| digest.classes.get(row.class as usize).map_or(0, |class| class.side);
        let by_time_and_side =
            |a: &CountedRow, b: &CountedRow| (a.at, side(a)).cmp(&(b.at, side(b)));
        let in_order = |a: &CountedRow, b: &CountedRow| by_time_and_side(a, b) != Ordering::Greater;
        let is_sorted = digest.rows.is_sorted_by(in_order)
            && (digest.ids.is_empty() || {
                let mut pairs = digest.rows.windows(2).zip(digest.ids.windows(2));
                pairs.all(|(rows, ids)| match (rows, ids) {
                    ([a, b], [one, two]) => by_time_and_side(a, b).is_lt() || one <= two,
                    _ => true,
                })
            });
        if is_sorted {
            return;
        }
        let mut order: Vec<usize> = (0..digest.rows.len()).collect();
        let none = "";
        let id = |row: usize| digest.ids.get(row).map_or(none, AsRef::as_ref);
        order.sort_by(|&a, &b| {
            let by_row = by_time_and_side(&digest.rows[a], &digest.rows[b]);
            by_row.then_with(|| id(a).cmp(id(b)))
        });
        let rows = order.iter().map(|&row| digest.rows[row]).collect();
        let places = order.iter().map(|&row| self.places[row]).collect();
        let ids = match digest.ids.is_empty() {
            true => Vec::new(),
            false => order.iter().map(|&row| digest.ids[row].clone()).collect(),
        };
        self.places = places;
        self.digest.rows = rows;
        self.digest.ids = ids;
    }

    /// The newest refused sign-ins of each customer, partner and error code.
    fn find_proof(&mut self) {
        let digest = &mut self.digest;
        // Classes differ by more than that.
        let mut groups: BTreeMap<(Pair, Option<i32>), usize> = BTreeMap::new();
        let group_of: Vec<Option<usize>> = digest
            .classes
            .iter()
            .map(|class| {
                let pair = (class.partner, class.child.filter(|_| class.is_looked_at)?);
                let next = groups.len();
                Some(*groups.entry((pair, class.error_code)).or_insert(next))
            })
            .collect();
        let mut kept = vec![0_usize; groups.len()];
        for (place, row) in digest.rows.iter().enumerate().rev() {
            let Some(Some(group)) = group_of.get(row.class as usize) else { continue };
            let Some(kept) = kept.get_mut(*group).filter(|kept| **kept < PROOF_MAX) else {
                continue;
            };
            let Some(class) = digest.classes.get(row.class as usize) else { continue };
            let Some(child) = class.child else { continue };
            *kept += 1;
            digest.proof.push(SeenProof {
                pair: (class.partner, child),
                error_code: class.error_code,
                at: row.at,
                side: class.side,
                id: digest.ids.get(place).cloned(),
                row: self.places.get(place).map_or(0, |&row| row as usize),
            });
        }
    }
}

/// What of a listed partner's rows tells of its own side: all at home, and those with a sign on
/// any side.
fn own_of(side: u32, error_code: Option<i32>) -> Own {
    let by_code = error_code.is_some_and(signs::is_told_by);
    match side {
        columns::HOME => Own::All,
        _ if by_code => Own::All,
        columns::OUTBOUND => Own::ByRiskOrPassthrough,
        _ => Own::ByRisk,
    }
}
