//! The policies that blocked sign-ins, or would have: one row group of `applied_policies`, with
//! the policies of each sign-in together.

use std::hash::{Hash, Hasher};

use super::super::hash::ByNumber;
use super::super::texts::Texts;
use super::Bounds;
use super::columns::side_code;
use super::digest::hash_of;
use crate::dataset::{DatasetError, KnownWords, RowGroup, Stretch, Walk};

const COLUMNS: [&str; 10] = [
    "created_at",
    "sign_in_id",
    "side",
    "blocks",
    "would_block",
    "policy_id",
    "policy_name",
    "matched_conditions",
    "demanded_controls",
    "session_controls",
];
/// Columns of a policy.
const OF_POLICY: [&str; 5] =
    ["policy_id", "policy_name", "matched_conditions", "demanded_controls", "session_controls"];

/// What a row group tells.
#[derive(Debug, Default)]
pub(super) struct Acting {
    pub(super) texts: Texts,
    pub(super) policies: Vec<SeenPolicy>,
    /// Policies that acted together, by their places, each once.
    pub(super) sets: Vec<Box<[u32]>>,
    /// In the order of time, side and id.
    pub(super) sign_ins: Vec<ActedOn>,
}

/// A policy as a row names it, as numbers of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SeenPolicy {
    /// By [`OF_POLICY`].
    pub(super) texts: [u32; OF_POLICY.len()],
    pub(super) blocks: bool,
    pub(super) would_block: bool,
}

impl Hash for SeenPolicy {
    /// Few numbers, since it is asked for every row.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let [id, name, matched, demanded, session] = self.texts;
        let flags = u32::from(self.blocks) << 1 | u32::from(self.would_block);
        state.write_u64(pair(id, name));
        state.write_u64(pair(matched, demanded));
        state.write_u64(pair(session, flags));
    }
}

/// A sign-in and the set of policies that acted on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ActedOn {
    pub(super) at: i64,
    pub(super) side: u32,
    /// A hash of the sign-in's id.
    pub(super) id: u128,
    pub(super) set: u32,
}

/// Reads a row group.
pub(super) fn acting(
    walk: &Walk,
    group: &RowGroup,
    bounds: Bounds,
    rows_at_a_time: usize,
) -> Result<Acting, DatasetError> {
    let mut gatherer = Gatherer::default();
    walk.read(group, &COLUMNS, rows_at_a_time, |stretch| gatherer.take(stretch, bounds))?;
    Ok(gatherer.finish())
}

#[derive(Default)]
struct Gatherer {
    found: Acting,
    known: [KnownWords; OF_POLICY.len()],
    known_sides: KnownWords,
    policy_of: ByNumber<SeenPolicy, u32>,
    set_of: ByNumber<Box<[u32]>, u32>,
    /// The sign-in whose policies are being read, and its id.
    open: Option<(i64, u32, String)>,
    set: Vec<u32>,
}

impl Gatherer {
    fn take(&mut self, stretch: &Stretch, bounds: Bounds) -> Result<(), DatasetError> {
        let (blocks, would_block) = (stretch.flags("blocks")?, stretch.flags("would_block")?);
        let acts = |row| blocks.get(row) || would_block.get(row);
        if !(0..stretch.rows()).any(acts) {
            return Ok(());
        }
        let texts = &mut self.found.texts;
        let [id, name, matched, demanded, session] = OF_POLICY;
        let words = [
            stretch.words(id)?,
            stretch.words(name)?,
            stretch.words(matched)?,
            stretch.words(demanded)?,
            stretch.words(session)?,
        ];
        for (words, known) in words.iter().zip(&mut self.known) {
            words.learn(known, |text| texts.number(Some(text)));
        }
        let sides = stretch.words("side")?;
        sides.learn(&mut self.known_sides, side_code);
        let (times, ids) = (stretch.times("created_at")?, stretch.texts("sign_in_id")?);
        for row in (0..stretch.rows()).filter(|&row| acts(row)) {
            let time = times.get(row).filter(|&at| bounds.hold(at));
            let (Some(at), Some(id)) = (time, ids.get(row)) else { continue };
            self.open(at, sides.told(&self.known_sides, row), id);
            let mut texts = [0; OF_POLICY.len()];
            for ((text, words), known) in texts.iter_mut().zip(&words).zip(&self.known) {
                *text = words.told(known, row);
            }
            let policy =
                SeenPolicy { texts, blocks: blocks.get(row), would_block: would_block.get(row) };
            let next = u32::try_from(self.found.policies.len()).unwrap_or(u32::MAX);
            let place = match self.policy_of.get(&policy) {
                Some(&place) => place,
                None => {
                    self.found.policies.push(policy);
                    self.policy_of.insert(policy, next);
                    next
                }
            };
            self.set.push(place);
        }
        Ok(())
    }

    /// Begins a sign-in, unless its policies are being read already.
    fn open(&mut self, at: i64, side: u32, id: &str) {
        if let Some((known_at, known_side, known_id)) = &mut self.open {
            if (*known_at, *known_side) == (at, side) && known_id == id {
                return;
            }
            let before = (*known_at, *known_side, hash_of(Some(known_id)));
            (*known_at, *known_side) = (at, side);
            id.clone_into(known_id);
            self.close(before);
        } else {
            self.open = Some((at, side, id.to_owned()));
        }
    }

    fn close(&mut self, (at, side, id): (i64, u32, u128)) {
        self.set.sort_unstable();
        // A record may list a policy twice.
        self.set.dedup();
        let set = match self.set_of.get(self.set.as_slice()) {
            Some(&set) => set,
            None => {
                let set = u32::try_from(self.found.sets.len()).unwrap_or(u32::MAX);
                self.found.sets.push(self.set.as_slice().into());
                self.set_of.insert(self.set.as_slice().into(), set);
                set
            }
        };
        self.set.clear();
        self.found.sign_ins.push(ActedOn { at, side, id, set });
    }

    fn finish(mut self) -> Acting {
        if let Some((at, side, id)) = self.open.take() {
            self.close((at, side, hash_of(Some(&id))));
        }
        if !self.found.sign_ins.is_sorted() {
            self.found.sign_ins.sort_unstable();
        }
        self.found
    }
}
