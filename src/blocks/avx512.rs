//! The masks with AVX-512: one comparison for a whole block, and its answer is the mask.

use std::arch::x86_64::{
    __m512i, _mm_setr_epi8, _mm512_broadcast_i32x4, _mm512_cmpeq_epi8_mask, _mm512_cmplt_epu8_mask,
    _mm512_loadu_si512, _mm512_mask_cmpeq_epi8_mask, _mm512_or_si512, _mm512_set1_epi8,
    _mm512_shuffle_epi8,
};

use super::avx2::Avx2;
use super::{BLOCK, Kernel, Ops, PLACES, REACH, Structure, Tokens};

/// Proof that this processor has the instructions used here, and those of [`Avx2`]: only
/// [`Avx512::detect`] makes one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(Avx2);

impl Avx512 {
    /// The answer is kept by the standard library after the first call.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        Avx2::detect().filter(|_| found).map(Self)
    }

    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Answer {
        // SAFETY: `self` proves that the features named by the function were detected.
        unsafe { run_with_avx512(self, kernel) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx2,pclmulqdq,popcnt,bmi1")]
fn run_with_avx512<K: Kernel>(ops: Avx512, kernel: K) -> K::Answer {
    kernel.run(ops)
}

/// # Safety
/// The processor has AVX-512 (F).
#[inline(always)]
unsafe fn load<const PLACE: usize, const LEN: usize>(bytes: &[u8; LEN]) -> __m512i {
    const { assert!(PLACE + BLOCK <= LEN) };
    // SAFETY: the load of 64 bytes lies within the array, as was just asserted, and needs no
    // alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().add(PLACE).cast()) }
}

/// # Safety
/// The processor has AVX-512 (F).
#[inline(always)]
unsafe fn all(byte: u8) -> __m512i {
    // SAFETY: registers only.
    unsafe { _mm512_set1_epi8(byte as i8) }
}

impl Ops for Avx512 {
    #[inline(always)]
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        // SAFETY: AVX-512 was detected (`self`).
        unsafe { _mm512_cmpeq_epi8_mask(load::<0, BLOCK>(block), all(byte)) }
    }

    #[inline(always)]
    fn structure(self, block: &[u8; BLOCK]) -> Structure {
        // SAFETY: AVX-512 was detected (`self`).
        unsafe {
            let bytes = load::<0, BLOCK>(block);
            let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, all(byte));
            // The tables are those of the sibling for AVX2, which says what they mean.
            #[rustfmt::skip]
            let table = _mm512_broadcast_i32x4(_mm_setr_epi8(
                0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x3a, 0x5b, 0x2c, 0x0d, 0, 0,
            ));
            let in_table = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(table, bytes), bytes);
            let (brace_open, newline) = (equal(b'{'), equal(b'\n'));
            Structure {
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
    fn tokens(self, block: &[u8; BLOCK]) -> Tokens {
        // SAFETY: AVX-512 was detected (`self`).
        unsafe {
            let bytes = load::<0, BLOCK>(block);
            let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, all(byte));
            #[rustfmt::skip]
            let structural = _mm512_broadcast_i32x4(_mm_setr_epi8(
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3a, 0x7b, 0x2c, 0x7d, 0, 0,
            ));
            #[rustfmt::skip]
            let blank = _mm512_broadcast_i32x4(_mm_setr_epi8(
                0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x0a, 0, 0, 0x0d, 0, 0,
            ));
            let lower = _mm512_or_si512(bytes, all(0x20));
            Tokens {
                quote: equal(b'"'),
                backslash: equal(b'\\'),
                structural: _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(structural, bytes), lower),
                blank: _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(blank, bytes), bytes),
                control: _mm512_cmplt_epu8_mask(bytes, all(0x20)),
            }
        }
    }

    #[inline(always)]
    fn words(self, block: &[u8; REACH], words: [[u8; 3]; 2]) -> u64 {
        // SAFETY: AVX-512 was detected (`self`).
        unsafe {
            let lower = |text| _mm512_or_si512(text, all(0x20));
            let text = [
                lower(load::<{ PLACES[0] }, REACH>(block)),
                lower(load::<{ PLACES[1] }, REACH>(block)),
                lower(load::<{ PLACES[2] }, REACH>(block)),
            ];
            let found = |letters: [u8; 3]| {
                let first = _mm512_cmpeq_epi8_mask(text[0], all(letters[0]));
                let second = _mm512_mask_cmpeq_epi8_mask(first, text[1], all(letters[1]));
                _mm512_mask_cmpeq_epi8_mask(second, text[2], all(letters[2]))
            };
            found(words[0]) | found(words[1])
        }
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        self.0.prefix_xor(bits)
    }
}
