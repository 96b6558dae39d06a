//! A small seeded random source, so that an estate is the same on every machine and for ever.

/// SplitMix64: one multiplication chain per number, good enough for test data.
#[derive(Clone)]
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream of its own for each place that draws, so that adding a draw in one
    /// place does not change what all later places see.
    pub fn derived(seed: u64, salt: &[u64]) -> Self {
        let mut rng = Self(seed);
        for &part in salt {
            let mixed = rng.next() ^ part.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            rng = Self(mixed);
        }
        Self(rng.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 if `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        least + self.below((most - least + 1) as usize) as i64
    }

    pub fn chance(&mut self, share: f64) -> bool {
        ((self.next() >> 11) as f64) < share * (1u64 << 53) as f64
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// A random (version 4) GUID in lower case.
    pub fn guid(&mut self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bits = (u128::from(self.next()) << 64) | u128::from(self.next());
        let mut text = [b'-'; 36];
        for (at, cell) in text.iter_mut().enumerate() {
            if !matches!(at, 8 | 13 | 18 | 23) {
                *cell = DIGITS[(bits & 15) as usize];
                bits >>= 4;
            }
        }
        text[14] = b'4';
        String::from_utf8_lossy(&text).into_owned()
    }
}
