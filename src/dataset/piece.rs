//! The rows of this run in one piece of a day: all copies of a sign-in are brought together.

use super::dedupe::{Copy, Group, Source};
use super::row::Key;

/// The copies of a piece as they came.
#[derive(Default)]
pub(super) struct Copies<'p> {
    copies: Vec<(Key<'p>, Copy<'p>)>,
}

impl<'p> Copies<'p> {
    pub(super) fn push(&mut self, key: Key<'p>, copy: Copy<'p>) {
        self.copies.push((key, copy));
    }

    /// One group for each sign-in; `lost` is told each copy that is out for good.
    pub(super) fn into_groups(self, mut lost: impl FnMut(&Source<'_>)) -> Groups<'p> {
        let mut copies: Vec<(u64, Key<'p>, Copy<'p>)> =
            self.copies.into_iter().map(|(key, copy)| (key.hash(), key, copy)).collect();
        copies.sort_unstable_by_key(|&(hash, key, _)| (hash, key));
        let mut groups: Vec<Keyed<'p>> = Vec::with_capacity(copies.len());
        for (hash, key, copy) in copies {
            match groups.last_mut() {
                Some(last) if last.key == key => {
                    last.group.add(copy).iter().for_each(&mut lost);
                }
                _ => groups.push(Keyed { hash, key, group: Group::of(copy) }),
            }
        }
        Groups { groups }
    }
}

/// The groups of a piece, in the order of their hashes.
pub(super) struct Groups<'p> {
    groups: Vec<Keyed<'p>>,
}

struct Keyed<'p> {
    hash: u64,
    key: Key<'p>,
    group: Group<'p>,
}

impl<'p> Groups<'p> {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn find(&mut self, key: Key<'_>) -> Option<&mut Group<'p>> {
        let hash = key.hash();
        let first = self.groups.partition_point(|group| group.hash < hash);
        let same_hash = self.groups[first..].iter_mut().take_while(|group| group.hash == hash);
        same_hash.into_iter().find(|group| group.key == key).map(|keyed| &mut keyed.group)
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (Key<'p>, Group<'p>)> {
        self.groups.into_iter().map(|keyed| (keyed.key, keyed.group))
    }
}
