//! The brace scanner: where does the object that begins here end?
//!
//! The fast path (after Langdale and Lemire, *Parsing Gigabytes of JSON per Second*, VLDB Journal
//! 2019) takes 64 bytes at a time: one bit mask per kind of byte; escaped quotes are struck out; a
//! prefix-xor over the remaining quotes gives the inside of strings; popcounts carry the depth
//! along. Only a block in which something may end is looked at bit by bit.

use crate::blocks::{BLOCK, Escapes, Kernel, Ops, Structure, run};

/// What was found first, counted from the opening brace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The brace was closed. `brackets_balanced`: as many `[` as `]` in between.
    Complete { len: usize, brackets_balanced: bool },
    /// A raw newline before the object was closed; only when asked for.
    Newline { at: usize },
    /// A raw newline inside a string, which JSON forbids.
    BrokenString { at: usize },
    /// A quote opens where no string can begin. After half a record glued to a whole one, inside
    /// and outside of strings change places; without this check the scan would run on over the good
    /// records behind it.
    StrayQuote { at: usize },
    /// None of these in the bytes given.
    Incomplete,
}

/// Scans the object that begins at the first byte, which must be `{`.
pub(super) fn scan_object(bytes: &[u8], stop_at_newline: bool) -> Scan {
    debug_assert_eq!(bytes.first(), Some(&b'{'));
    run(Object { bytes, stop_at_newline })
}

/// The same in the plainest way. A backslash escapes the next byte outside of strings too, where
/// JSON has none.
#[cfg(test)]
fn scan_bytewise(bytes: &[u8], stop_at_newline: bool) -> Scan {
    let (mut depth, mut brackets) = (0i64, 0i64);
    let (mut in_string, mut escaped) = (false, false);
    let mut previous = b' ';
    for (at, &byte) in bytes.iter().enumerate() {
        let escapes_next = byte == b'\\' && !escaped;
        match byte {
            b'"' if !escaped && !in_string && !may_precede_string(previous) => {
                return Scan::StrayQuote { at };
            }
            b'"' if !escaped => in_string = !in_string,
            b'\n' if in_string => return Scan::BrokenString { at },
            b'\n' if stop_at_newline => return Scan::Newline { at },
            _ if in_string => {}
            b'{' => depth += 1,
            b'[' => brackets += 1,
            b']' => brackets -= 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Scan::Complete { len: at + 1, brackets_balanced: brackets == 0 };
                }
            }
            _ => {}
        }
        escaped = escapes_next;
        previous = byte;
    }
    Scan::Incomplete
}

#[cfg(test)]
fn may_precede_string(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r')
}

/// The block-wise scan.
#[derive(Debug, Clone, Copy)]
struct Object<'a> {
    bytes: &'a [u8],
    stop_at_newline: bool,
}

impl Kernel for Object<'_> {
    type Answer = Scan;

    #[inline(always)]
    fn run<O: Ops>(self, ops: O) -> Scan {
        let mut state = BlockState::new(self.stop_at_newline);
        let (blocks, tail) = self.bytes.as_chunks::<BLOCK>();
        for (number, block) in blocks.iter().enumerate() {
            if let Some(scan) = state.advance(ops, block) {
                return scan.moved_by(number * BLOCK);
            }
        }
        let mut last = [b' '; BLOCK];
        last[..tail.len()].copy_from_slice(tail);
        let scan = state.advance(ops, &last);
        scan.map_or(Scan::Incomplete, |scan| scan.moved_by(blocks.len() * BLOCK))
    }
}

impl Scan {
    fn moved_by(self, by: usize) -> Self {
        match self {
            Self::Complete { len, brackets_balanced } => {
                Self::Complete { len: len + by, brackets_balanced }
            }
            Self::Newline { at } => Self::Newline { at: at + by },
            Self::BrokenString { at } => Self::BrokenString { at: at + by },
            Self::StrayQuote { at } => Self::StrayQuote { at: at + by },
            Self::Incomplete => Self::Incomplete,
        }
    }
}

/// What is carried from one block to the next.
struct BlockState {
    depth: i64,
    brackets: i64,
    /// All ones within a string, else 0.
    in_string: u64,
    escapes: Escapes,
    /// 1 if the last byte of the block before may precede a string.
    before_string: u64,
    /// All ones if newlines outside of strings end the scan, else 0.
    stop_at_newline: u64,
}

/// What stands outside of the strings of a block.
#[derive(Clone, Copy)]
struct Outside {
    open: u64,
    close: u64,
    bracket_open: u64,
    bracket_close: u64,
    inside: u64,
    stray: u64,
    /// Where the scan must end even though the object is not closed.
    stop: u64,
}

impl BlockState {
    fn new(stop_at_newline: bool) -> Self {
        let stop_at_newline = if stop_at_newline { u64::MAX } else { 0 };
        Self {
            depth: 0,
            brackets: 0,
            in_string: 0,
            escapes: Escapes::default(),
            before_string: 1,
            stop_at_newline,
        }
    }

    #[inline(always)]
    fn advance<O: Ops>(&mut self, ops: O, block: &[u8; BLOCK]) -> Option<Scan> {
        let s = self.outside(ops, ops.structure(block));
        let closed = i64::from(s.close.count_ones());
        if (s.stop != 0 || self.depth <= closed)
            && let Some(end) = s.end(self.depth, self.brackets)
        {
            return Some(end);
        }
        self.depth += i64::from(s.open.count_ones()) - closed;
        self.brackets += net(s.bracket_open, s.bracket_close);
        None
    }

    #[inline(always)]
    fn outside<O: Ops>(&mut self, ops: O, m: Structure) -> Outside {
        let quote = m.quote & !self.escapes.next(m.backslash);
        // An opening quote counts as inside, a closing one as outside.
        let inside = ops.prefix_xor(quote) ^ self.in_string;
        let stray = quote & inside & !(m.before_string << 1 | self.before_string);
        self.in_string = 0u64.wrapping_sub(inside >> 63);
        self.before_string = m.before_string >> 63;
        Outside {
            open: m.brace_open & !inside,
            close: m.brace_close & !inside,
            bracket_open: m.bracket_open & !inside,
            bracket_close: m.bracket_close & !inside,
            inside,
            stray,
            stop: stray | m.newline & (inside | self.stop_at_newline),
        }
    }
}

impl Outside {
    /// The bit-by-bit look at a block in which the object may end or the scan must, given the depth
    /// before it. By value and not inlined: the state of the scan can then stay in registers.
    #[inline(never)]
    fn end(self, depth: i64, brackets: i64) -> Option<Scan> {
        let stop = self.stop.trailing_zeros();
        let mut closes = self.close & below(stop);
        while closes != 0 {
            let at = closes.trailing_zeros();
            let upto = below(at + 1);
            if depth + net(self.open & upto, self.close & upto) == 0 {
                let brackets = brackets + net(self.bracket_open & upto, self.bracket_close & upto);
                return Some(Scan::Complete {
                    len: at as usize + 1,
                    brackets_balanced: brackets == 0,
                });
            }
            closes &= closes - 1;
        }
        let (bit, at) = (1u64.checked_shl(stop)?, stop as usize);
        Some(if self.stray & bit != 0 {
            Scan::StrayQuote { at }
        } else if self.inside & bit != 0 {
            Scan::BrokenString { at }
        } else {
            Scan::Newline { at }
        })
    }
}

fn net(open: u64, close: u64) -> i64 {
    i64::from(open.count_ones()) - i64::from(close.count_ones())
}

/// The bits below `bit`, which may be 64.
fn below(bit: u32) -> u64 {
    1u64.checked_shl(bit).map_or(u64::MAX, |power| power - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::blocks::run_all;

    fn jsonish() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            8 => Just(b'"'), 6 => Just(b'\\'), 3 => Just(b'{'), 3 => Just(b'}'), 2 => Just(b'['),
            2 => Just(b']'), 1 => Just(b'\n'), 12 => prop::sample::select(b",: ".to_vec()),
            8 => Just(b'a'), 1 => any::<u8>(),
        ];
        let piece = prop_oneof![
            1 => prop::collection::vec(byte, 0..40),
            3 => prop::sample::select(vec![
                r#""key":"#, r#""va\"lue","#, r#""\\","#, r#"{"a":"#, "},", "[", "],", "null,",
                r#""{ } [ ] in a string","#, "0123456789,0123456789,0123456789,0123456789,",
            ]).prop_map(|text| text.as_bytes().to_vec()),
        ];
        prop::collection::vec(piece, 0..60)
            .prop_map(|pieces| [b"{".to_vec(), pieces.concat()].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 512, failure_persistence: None, ..ProptestConfig::default()
        })]
        #[test]
        fn every_path_agrees_with_the_bytewise_one(
            text in jsonish(), shift in 0usize..64, stop: bool,
        ) {
            let unaligned = [vec![b'{'; shift], text.clone()].concat();
            let bytes = &unaligned[shift..];
            let expected = scan_bytewise(bytes, stop);
            for scan in run_all(Object { bytes, stop_at_newline: stop }) {
                prop_assert_eq!(scan, expected);
            }
        }
    }

    #[test]
    fn ends() {
        let complete = |len, brackets_balanced| Scan::Complete { len, brackets_balanced };
        let cases: [(&str, bool, Scan); 9] = [
            ("{}", true, complete(2, true)),
            (r#"{"a":"}\"}","b":{"c":[1]}} tail"#, true, complete(26, true)),
            (r#"{"a":[1}"#, true, complete(8, false)),
            ("{\n}", true, Scan::Newline { at: 1 }),
            ("{\n}", false, complete(3, true)),
            ("{\"a\":\"b\n\"}", false, Scan::BrokenString { at: 7 }),
            (r#"{"a":"b{"a":1}"#, false, Scan::StrayQuote { at: 10 }),
            (r#"{"a":{}"#, false, Scan::Incomplete),
            (r#"{"a\\":"\\\""}"#, false, complete(14, true)),
        ];
        for (text, stop, expected) in cases {
            assert_eq!(scan_object(text.as_bytes(), stop), expected, "{text}");
            assert_eq!(scan_bytewise(text.as_bytes(), stop), expected, "{text}");
        }
    }
}
