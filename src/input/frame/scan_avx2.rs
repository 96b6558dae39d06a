//! The block scan, and the search for words, with AVX2 and carry-less multiplication. The only
//! unsafe code of the crate.

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_setr_epi8, _mm256_shuffle_epi8,
};

use super::scan::{BlockMasks, BlockOps, Scan, scan_blocks};

/// Proof that this processor has the instructions used here: only [`Avx2::detect`] makes one.
#[derive(Clone, Copy)]
pub(in crate::input) struct Avx2(());

impl Avx2 {
    /// The answer is kept by the standard library after the first call.
    #[inline]
    pub fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1");
        found.then_some(Self(()))
    }

    pub(super) fn scan(self, bytes: &[u8], stop_at_newline: bool) -> Scan {
        // SAFETY: `self` proves that the features named by the function were detected.
        unsafe { scan_with_avx2(self, bytes, stop_at_newline) }
    }

    /// The first place, at `from` or behind, where one of two words may begin, judged by the three
    /// letters (in lower case) at [`PLACES`], whatever the case of the text. Other bytes may pass
    /// for letters, as bit 5 is ignored. If there is none, the place from which on it was not
    /// looked: fewer than [`REACH`] bytes are left.
    pub fn find_words(self, bytes: &[u8], from: usize, words: [[u8; 3]; 2]) -> usize {
        // SAFETY: `self` proves that the features named by the function were detected.
        unsafe { find_words_with_avx2(bytes, from, words) }
    }
}

/// The distances of the letters from the beginning of the word.
pub(in crate::input) const PLACES: [usize; 3] = [0, 3, 5];

/// How many bytes one step of the search looks at.
pub(in crate::input) const REACH: usize = PLACES[2] + 32;

#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1")]
fn scan_with_avx2(ops: Avx2, bytes: &[u8], stop_at_newline: bool) -> Scan {
    scan_blocks(ops, bytes, stop_at_newline)
}

#[target_feature(enable = "avx2,bmi1")]
fn find_words_with_avx2(bytes: &[u8], from: usize, words: [[u8; 3]; 2]) -> usize {
    let (one, other) = (Letters::new(words[0]), Letters::new(words[1]));
    let mut at = from;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<REACH>) {
        let text = [
            lower_case::<{ PLACES[0] }>(block),
            lower_case::<{ PLACES[1] }>(block),
            lower_case::<{ PLACES[2] }>(block),
        ];
        let found =
            _mm256_movemask_epi8(_mm256_or_si256(one.found_in(text), other.found_in(text))) as u32;
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += 32;
    }
    at
}

/// The 32 bytes from a place on, letters made lower case.
#[inline]
#[target_feature(enable = "avx2")]
fn lower_case<const PLACE: usize>(block: &[u8; REACH]) -> __m256i {
    const { assert!(PLACE + 32 <= REACH) };
    // SAFETY: the 32 bytes lie within the block, as was just asserted, and the load needs no
    // alignment.
    let text = unsafe { _mm256_loadu_si256(block.as_ptr().add(PLACE).cast()) };
    _mm256_or_si256(text, _mm256_set1_epi8(0x20))
}

/// Three letters of a word, each filling a register.
struct Letters([__m256i; 3]);

impl Letters {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new([a, b, c]: [u8; 3]) -> Self {
        Self([_mm256_set1_epi8(a as i8), _mm256_set1_epi8(b as i8), _mm256_set1_epi8(c as i8)])
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn found_in(&self, text: [__m256i; 3]) -> __m256i {
        let first = _mm256_cmpeq_epi8(text[0], self.0[0]);
        let second = _mm256_cmpeq_epi8(text[1], self.0[1]);
        let third = _mm256_cmpeq_epi8(text[2], self.0[2]);
        _mm256_and_si256(first, _mm256_and_si256(second, third))
    }
}

impl BlockOps for Avx2 {
    #[inline(always)]
    fn masks(self, block: &[u8; 64]) -> BlockMasks {
        let start = block.as_ptr().cast::<__m256i>();
        // SAFETY: AVX2 was detected (`self`). The block has 64 bytes, so both loads of 32 lie
        // within it, and they need no alignment; all the rest touches registers only.
        unsafe {
            let (low, high) = (_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1)));
            // One bit per byte of both halves.
            let joined = |low, high| {
                u64::from(_mm256_movemask_epi8(low) as u32)
                    | u64::from(_mm256_movemask_epi8(high) as u32) << 32
            };
            let equal = |byte: u8| {
                let wanted = _mm256_set1_epi8(byte as i8);
                joined(_mm256_cmpeq_epi8(low, wanted), _mm256_cmpeq_epi8(high, wanted))
            };
            // Indexed by the low half of a byte: the one byte with that low half that may precede a
            // string. `{` and the newline share theirs with `[` and `:` and are added from their
            // own masks.
            #[rustfmt::skip]
            let table = _mm256_setr_epi8(
                0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x3a, 0x5b, 0x2c, 0x0d, 0, 0,
                0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x3a, 0x5b, 0x2c, 0x0d, 0, 0,
            );
            let in_table = joined(
                _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, low), low),
                _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, high), high),
            );
            let (brace_open, newline) = (equal(b'{'), equal(b'\n'));
            BlockMasks {
                quote: equal(b'"'),
                backslash: equal(b'\\'),
                brace_open,
                brace_close: equal(b'}'),
                bracket_open: equal(b'['),
                bracket_close: equal(b']'),
                newline,
                before_string: in_table | brace_open | newline,
            }
        }
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: carry-less multiplication was detected (`self`); registers only. Times all ones
        // is the prefix-xor.
        unsafe {
            let product =
                _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, bits as i64), _mm_set1_epi8(-1));
            _mm_cvtsi128_si64(product) as u64
        }
    }
}
