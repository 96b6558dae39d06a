//! Finds keys among a few dozen names that are known beforehand, in any case.

/// Names, and where each is found by its hash. Made when the program is compiled.
#[derive(Debug)]
pub(super) struct Keys<const N: usize> {
    names: [&'static str; N],
    /// The place of a name and one, by its hash; no two share a slot.
    slots: [u8; SLOTS],
    seed: u64,
}

/// Enough for fifty names without a collision after some tries.
const SLOTS: usize = 512;
const SEEDS_MAX: u64 = 10_000;

impl<const N: usize> Keys<N> {
    pub(super) const fn of(names: [&'static str; N]) -> Self {
        let mut seed = 0;
        while seed < SEEDS_MAX {
            if let Some(slots) = slots_of(&names, seed) {
                return Self { names, slots, seed };
            }
            seed += 1;
        }
        assert!(seed < SEEDS_MAX, "no seed tells the names apart");
        Self { names, slots: [0; SLOTS], seed }
    }

    /// The place of a key among the names.
    #[inline]
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let place = usize::from(self.slots[slot(key.as_bytes(), self.seed)]).checked_sub(1)?;
        let name = self.names[place];
        // Nearly all keys are written as the names are.
        (name == key || name.eq_ignore_ascii_case(key)).then_some(place)
    }
}

const fn slots_of<const N: usize>(names: &[&'static str; N], seed: u64) -> Option<[u8; SLOTS]> {
    let mut slots = [0; SLOTS];
    let mut place = 0;
    while place < N {
        let slot = slot(names[place].as_bytes(), seed);
        if slots[slot] != 0 {
            return None;
        }
        slots[slot] = place as u8 + 1;
        place += 1;
    }
    Some(slots)
}

/// By the length, the first and the last bytes; bit 5, in which the cases of a letter differ, is
/// set in all of them.
#[inline]
const fn slot(key: &[u8], seed: u64) -> usize {
    const CASE: u64 = 0x2020_2020_2020_2020;
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (short(key), 0),
    };
    let mixed = (first | CASE).wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ seed << 1)
        ^ (last | CASE).wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
        ^ (key.len() as u64).wrapping_mul(0x1656_67B1_9E37_79F9);
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 55) as usize
}

const fn short(key: &[u8]) -> u64 {
    let mut word = 0;
    let mut at = 0;
    while at < key.len() {
        word = word << 8 | key[at] as u64;
        at += 1;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_any_case_and_no_others() {
        static KEYS: Keys<4> = Keys::of(["id", "tenantId", "homeTenantId", "resourceTenantId"]);
        for (key, place) in [
            ("id", Some(0)),
            ("ID", Some(0)),
            ("HOMETENANTID", Some(2)),
            ("resourceTenantId", Some(3)),
            ("", None),
            ("i", None),
            ("homeTenantIds", None),
            ("hometenantid ", None),
            ("resourcetenantıd", None),
        ] {
            assert_eq!(KEYS.find(key), place, "{key}");
        }
    }
}
