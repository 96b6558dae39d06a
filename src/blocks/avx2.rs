//! The masks with AVX2 and carry-less multiplication.

use std::arch::x86_64::{
    __m256i, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_set1_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_setr_epi8, _mm256_shuffle_epi8,
};

use super::{BLOCK, Kernel, Ops, PLACES, REACH, Structure, Tokens};

/// Proof that this processor has the instructions used here: only [`Avx2::detect`] makes one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The answer is kept by the standard library after the first call.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1");
        found.then_some(Self(()))
    }

    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Answer {
        // SAFETY: `self` proves that the features named by the function were detected.
        unsafe { run_with_avx2(self, kernel) }
    }
}

#[target_feature(enable = "avx2,pclmulqdq,popcnt,bmi1")]
fn run_with_avx2<K: Kernel>(ops: Avx2, kernel: K) -> K::Answer {
    kernel.run(ops)
}

/// 64 bytes in two registers.
#[derive(Clone, Copy)]
struct Halves(__m256i, __m256i);

impl Halves {
    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn load<const PLACE: usize, const LEN: usize>(bytes: &[u8; LEN]) -> Self {
        const { assert!(PLACE + BLOCK <= LEN) };
        // SAFETY: both loads of 32 bytes lie within the array, as was just asserted, and they need
        // no alignment.
        unsafe {
            let start = bytes.as_ptr().add(PLACE).cast::<__m256i>();
            Self(_mm256_loadu_si256(start), _mm256_loadu_si256(start.add(1)))
        }
    }

    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn map(self, change: impl Fn(__m256i) -> __m256i) -> Self {
        Self(change(self.0), change(self.1))
    }

    /// One bit for each byte that is equal in both.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn equal(self, other: Self) -> u64 {
        // SAFETY: registers only.
        unsafe {
            let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(self.0, other.0)) as u32;
            let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(self.1, other.1)) as u32;
            u64::from(low) | u64::from(high) << 32
        }
    }

    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn equal_to(self, byte: u8) -> u64 {
        // SAFETY: registers only.
        unsafe {
            let wanted = _mm256_set1_epi8(byte as i8);
            self.equal(Self(wanted, wanted))
        }
    }

    /// One bit for each byte that the table holds at the place of the byte's low half. (A byte from
    /// 0x80 on finds 0 there.)
    ///
    /// # Safety
    /// The processor has AVX2.
    #[inline(always)]
    unsafe fn in_table(self, indexed: Self, table: __m256i) -> u64 {
        // SAFETY: registers only.
        unsafe { self.equal(indexed.map(|half| _mm256_shuffle_epi8(table, half))) }
    }
}

impl Ops for Avx2 {
    #[inline(always)]
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        // SAFETY: AVX2 was detected (`self`).
        unsafe { Halves::load::<0, BLOCK>(block).equal_to(byte) }
    }

    #[inline(always)]
    fn structure(self, block: &[u8; BLOCK]) -> Structure {
        // SAFETY: AVX2 was detected (`self`).
        unsafe {
            let bytes = Halves::load::<0, BLOCK>(block);
            // The one byte with each low half that may precede a string. `{` and the newline share
            // theirs with `[` and `:` and are added from their own masks.
            #[rustfmt::skip]
            let table = _mm256_setr_epi8(
                0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x3a, 0x5b, 0x2c, 0x0d, 0, 0,
                0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x3a, 0x5b, 0x2c, 0x0d, 0, 0,
            );
            let (brace_open, newline) = (bytes.equal_to(b'{'), bytes.equal_to(b'\n'));
            Structure {
                quote: bytes.equal_to(b'"'),
                backslash: bytes.equal_to(b'\\'),
                brace_open,
                brace_close: bytes.equal_to(b'}'),
                bracket_open: bytes.equal_to(b'['),
                bracket_close: bytes.equal_to(b']'),
                newline,
                before_string: bytes.in_table(bytes, table) | brace_open | newline,
            }
        }
    }

    #[inline(always)]
    fn tokens(self, block: &[u8; BLOCK]) -> Tokens {
        // SAFETY: AVX2 was detected (`self`).
        unsafe {
            let bytes = Halves::load::<0, BLOCK>(block);
            // Bit 5 makes braces of brackets and leaves comma and colon as they are.
            #[rustfmt::skip]
            let structural = _mm256_setr_epi8(
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3a, 0x7b, 0x2c, 0x7d, 0, 0,
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3a, 0x7b, 0x2c, 0x7d, 0, 0,
            );
            #[rustfmt::skip]
            let blank = _mm256_setr_epi8(
                0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x0a, 0, 0, 0x0d, 0, 0,
                0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0x0a, 0, 0, 0x0d, 0, 0,
            );
            let lower = bytes.map(|half| _mm256_or_si256(half, _mm256_set1_epi8(0x20)));
            let control = _mm256_set1_epi8(0x1F);
            Tokens {
                quote: bytes.equal_to(b'"'),
                backslash: bytes.equal_to(b'\\'),
                structural: lower.in_table(bytes, structural),
                blank: bytes.in_table(bytes, blank),
                control: bytes
                    .map(|half| _mm256_max_epu8(half, control))
                    .equal(Halves(control, control)),
            }
        }
    }

    #[inline(always)]
    fn words(self, block: &[u8; REACH], words: [[u8; 3]; 2]) -> u64 {
        // SAFETY: AVX2 was detected (`self`).
        unsafe {
            let lower = |half| _mm256_or_si256(half, _mm256_set1_epi8(0x20));
            let text = [
                Halves::load::<{ PLACES[0] }, REACH>(block).map(lower),
                Halves::load::<{ PLACES[1] }, REACH>(block).map(lower),
                Halves::load::<{ PLACES[2] }, REACH>(block).map(lower),
            ];
            let found = |letters: [u8; 3]| {
                text[0].equal_to(letters[0])
                    & text[1].equal_to(letters[1])
                    & text[2].equal_to(letters[2])
            };
            found(words[0]) | found(words[1])
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
