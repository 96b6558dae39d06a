//! The masks with plain words of eight bytes, for processors whose vector instructions are not
//! used, and as the twin that the others are compared with.

use super::{BLOCK, Ops, PLACES, REACH, Structure, Tokens};

#[derive(Debug, Clone, Copy)]
pub(super) struct Plain;

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = ONES * 0x7F;
const CASE: u64 = ONES * 0x20;

/// The bits of the bytes whose word, changed by `change`, is zero.
#[inline(always)]
fn zeros(block: &[u8], change: impl Fn(u64) -> u64) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    words.iter().take(BLOCK / 8).enumerate().fold(0, |bits, (at, word)| {
        let word = change(u64::from_le_bytes(*word));
        // The highest bit of each byte that is zero; no carry goes from byte to byte.
        let zero = !(((word & LOW) + LOW) | word | LOW);
        // Gathers the highest bits of all bytes in one.
        let gathered = (zero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | gathered << (at * 8)
    })
}

#[inline(always)]
fn equal(block: &[u8], byte: u8) -> u64 {
    zeros(block, |word| word ^ (ONES * u64::from(byte)))
}

#[inline(always)]
fn letter(block: &[u8], letter: u8) -> u64 {
    zeros(block, |word| (word | CASE) ^ (ONES * u64::from(letter)))
}

impl Ops for Plain {
    #[inline(always)]
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        equal(block, byte)
    }

    #[inline(always)]
    fn structure(self, block: &[u8; BLOCK]) -> Structure {
        let (brace_open, bracket_open) = (equal(block, b'{'), equal(block, b'['));
        let newline = equal(block, b'\n');
        let others = [b' ', b'\t', b'\r', b',', b':'].map(|byte| equal(block, byte));
        Structure {
            quote: equal(block, b'"'),
            backslash: equal(block, b'\\'),
            brace_open,
            brace_close: equal(block, b'}'),
            bracket_open,
            bracket_close: equal(block, b']'),
            newline,
            before_string: others
                .into_iter()
                .fold(brace_open | bracket_open | newline, |all, one| all | one),
        }
    }

    #[inline(always)]
    fn tokens(self, block: &[u8; BLOCK]) -> Tokens {
        let any = |masks: [u64; 4]| masks.into_iter().fold(0, |all, mask| all | mask);
        Tokens {
            quote: equal(block, b'"'),
            backslash: equal(block, b'\\'),
            structural: any([b'{', b'}', b',', b':'].map(|byte| letter(block, byte))),
            blank: any([b' ', b'\t', b'\n', b'\r'].map(|byte| equal(block, byte))),
            control: zeros(block, |word| word & (ONES * 0xE0)),
        }
    }

    #[inline(always)]
    fn words(self, block: &[u8; REACH], words: [[u8; 3]; 2]) -> u64 {
        let found = |letters: [u8; 3]| {
            let [first, second, third] = PLACES;
            letter(&block[first..], letters[0])
                & letter(&block[second..], letters[1])
                & letter(&block[third..], letters[2])
        };
        found(words[0]) | found(words[1])
    }

    #[inline(always)]
    fn prefix_xor(self, mut bits: u64) -> u64 {
        for step in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << step;
        }
        bits
    }
}
