//! Text in blocks of 64 bytes, and for each kind of byte a mask with one bit per byte. Framing, the
//! search for words and the parsing of JSON all begin here.
//!
//! (After Langdale and Lemire, *Parsing Gigabytes of JSON per Second*, VLDB Journal 2019.)
//!
//! The masks are made by the widest instructions that the processor has, found out at run time; the
//! plain twin says the same with words of eight bytes, and is the path of all other processors.
//! Unsafe code stands in this room only: whoever works on blocks writes a [`Kernel`].

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions; each use says why it is sound")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vector instructions; each use says why it is sound")]
mod avx512;
mod plain;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use avx512::Avx512;
use plain::Plain;

/// Bytes that are looked at together.
pub const BLOCK: usize = 64;
/// The distances from its beginning of the letters by which a word is searched.
pub const PLACES: [usize; 3] = [0, 3, 5];
/// A block, and what must be behind it to search it for words.
pub const REACH: usize = BLOCK + PLACES[2];

/// Where the braces, brackets and strings of JSON may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    pub quote: u64,
    pub backslash: u64,
    pub brace_open: u64,
    pub brace_close: u64,
    pub bracket_open: u64,
    pub bracket_close: u64,
    pub newline: u64,
    /// Bytes after which a string may begin: whitespace `{` `[` `,` `:`.
    pub before_string: u64,
}

/// Where the tokens of JSON may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    pub quote: u64,
    pub backslash: u64,
    /// Braces, brackets, comma, colon; and form feed and substitute, which pass for two of them.
    pub structural: u64,
    /// The four bytes that JSON allows between tokens.
    pub blank: u64,
    /// Bytes below 0x20, which no string may hold.
    pub control: u64,
}

/// What can be asked of a block.
pub trait Ops: Copy {
    /// The bytes that are this one.
    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64;
    fn structure(self, block: &[u8; BLOCK]) -> Structure;
    fn tokens(self, block: &[u8; BLOCK]) -> Tokens;
    /// The places of the block where one of two words may begin, judged by the three letters (in
    /// lower case) at [`PLACES`], whatever the case of the text. Other bytes may pass for letters,
    /// as bit 5 is ignored.
    fn words(self, block: &[u8; REACH], words: [[u8; 3]; 2]) -> u64;
    /// Bit n of the answer is the xor of the bits 0..=n.
    fn prefix_xor(self, bits: u64) -> u64;
}

/// Work on blocks. `run` must be `#[inline(always)]`, so that it is compiled anew for the
/// instructions of each processor.
pub trait Kernel {
    type Answer;
    fn run<O: Ops>(self, ops: O) -> Self::Answer;
}

/// Does the work with the best instructions there are.
#[inline]
pub fn run<K: Kernel>(kernel: K) -> K::Answer {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx512) = Avx512::detect() {
        return avx512.run(kernel);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = Avx2::detect() {
        return avx2.run(kernel);
    }
    kernel.run(Plain)
}

/// Which bytes a backslash escapes, from block to block.
#[derive(Debug, Clone, Copy, Default)]
pub struct Escapes {
    /// 1 if the first byte of the next block is escaped.
    carried: u64,
}

impl Escapes {
    /// The bytes behind a run of backslashes of odd length. Adding a run's first bit to the run
    /// carries to the bit behind it; runs that begin on odd places are told apart from those on
    /// even ones.
    #[inline(always)]
    pub fn next(&mut self, backslash: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        if backslash == 0 {
            return std::mem::take(&mut self.carried);
        }
        let backslash = backslash & !self.carried;
        let follows = backslash << 1 | self.carried;
        let odd_starts = backslash & !EVEN & !follows;
        let (carried, overflow) = odd_starts.overflowing_add(backslash);
        self.carried = u64::from(overflow);
        (EVEN ^ carried << 1) & follows
    }
}

/// Does the work once with each kind of instructions that this processor has.
#[cfg(test)]
pub fn run_all<K: Kernel + Copy>(kernel: K) -> Vec<K::Answer> {
    let mut answers = vec![kernel.run(Plain)];
    #[cfg(target_arch = "x86_64")]
    {
        answers.extend(Avx2::detect().map(|avx2| avx2.run(kernel)));
        answers.extend(Avx512::detect().map(|avx512| avx512.run(kernel)));
    }
    answers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy)]
    struct All<'a> {
        text: &'a [u8; REACH],
        words: [[u8; 3]; 2],
    }

    impl Kernel for All<'_> {
        type Answer = (Structure, Tokens, u64, u64);

        fn run<O: Ops>(self, ops: O) -> Self::Answer {
            let block = self.text.first_chunk().expect("a block");
            let (structure, tokens) = (ops.structure(block), ops.tokens(block));
            assert_eq!(ops.equal(block, b'"'), structure.quote);
            (structure, tokens, ops.words(self.text, self.words), ops.prefix_xor(structure.quote))
        }
    }

    /// The same, byte by byte.
    fn expected(All { text, words }: All<'_>) -> (Structure, Tokens, u64, u64) {
        let mask = |is: &dyn Fn(usize) -> bool| {
            (0..BLOCK).fold(0, |bits, at| bits | u64::from(is(at)) << at)
        };
        let bytes = |wanted: &[u8]| mask(&|at| wanted.contains(&text[at]));
        let quote = bytes(b"\"");
        let word = |at: usize| {
            words.iter().any(|letters| {
                letters.iter().zip(PLACES).all(|(&letter, place)| text[at + place] | 0x20 == letter)
            })
        };
        let structure = Structure {
            quote,
            backslash: bytes(b"\\"),
            brace_open: bytes(b"{"),
            brace_close: bytes(b"}"),
            bracket_open: bytes(b"["),
            bracket_close: bytes(b"]"),
            newline: bytes(b"\n"),
            before_string: bytes(b"{[,: \t\n\r"),
        };
        let tokens = Tokens {
            quote,
            backslash: structure.backslash,
            structural: bytes(b"{}[],:\x0c\x1a"),
            blank: bytes(b" \t\n\r"),
            control: mask(&|at| text[at] < 0x20),
        };
        let prefix = mask(&|at| (quote & (u64::MAX >> (63 - at))).count_ones() % 2 == 1);
        (structure, tokens, mask(&word), prefix)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000, failure_persistence: None, ..ProptestConfig::default()
        })]
        #[test]
        fn all_instructions_say_the_same(
            text in prop::collection::vec(
                prop_oneof![
                    any::<u8>(),
                    prop::sample::select(b"{}[]\",:\\ \n\r\ttenantTENANTprovider\x0c\x1a\x1f\x80\xff".to_vec()),
                ],
                REACH,
            ),
        ) {
            let text: &[u8; REACH] = text.first_chunk().expect("long enough");
            let words = [PLACES.map(|at| b"tenant"[at]), PLACES.map(|at| b"provider"[at])];
            let all = All { text, words };
            for answer in run_all(all) {
                prop_assert_eq!(answer, expected(all));
            }
        }
    }
}
