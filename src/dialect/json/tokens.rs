//! Where the tokens of a JSON text begin: braces, brackets, commas, colons, both quotes of each
//! text, and the first byte of each number and word. Blanks, and what stands inside of texts, are
//! passed over many bytes at a time.

use crate::blocks::{BLOCK, Escapes, Kernel, Ops, run};

/// Places that are found at once: so many that looking for them pays, so few that they stay near.
const PLACES: usize = 4 * BLOCK;

/// Hands out the places of the tokens, one after the other.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a [u8],
    places: [usize; PLACES],
    /// Of the places found, the next one, and how many there are.
    next: usize,
    found: usize,
    scan: Scan,
}

/// What is carried from block to block.
#[derive(Debug, Clone, Copy, Default)]
struct Scan {
    /// Where the next block begins.
    at: usize,
    escapes: Escapes,
    /// All ones within a text, else 0.
    in_string: u64,
    /// 1 if the last byte of the block before belongs to a number or word.
    in_word: u64,
    /// Behind the last backslash that was seen; 0 if there was none.
    last_backslash: usize,
    /// A control character stands in a text.
    has_control: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let text = text.as_bytes();
        Self { text, places: [0; PLACES], next: 0, found: 0, scan: Scan::default() }
    }

    /// The place of the next token; the end of the text if there is none.
    #[inline]
    pub(super) fn peek(&mut self) -> usize {
        if self.next == self.found {
            self.find();
        }
        if self.next < self.found { self.places[self.next] } else { self.text.len() }
    }

    /// As [`Self::peek`], and goes on.
    #[inline]
    pub(super) fn next(&mut self) -> usize {
        let place = self.peek();
        self.next += 1;
        place
    }

    /// Goes on at a place outside of texts, behind a bracket; what lies before it holds no
    /// backslash.
    pub(super) fn go_on_at(&mut self, place: usize) {
        if place < self.scan.at {
            let left = &self.places[self.next..self.found];
            self.next += left.partition_point(|&token| token < place);
        } else {
            (self.next, self.found) = (0, 0);
            let Scan { last_backslash, has_control, .. } = self.scan;
            self.scan = Scan { at: place, last_backslash, has_control, ..Scan::default() };
        }
    }

    /// Whether a backslash may stand in the text that begins at a place.
    #[inline]
    pub(super) fn may_escape(&self, place: usize) -> bool {
        place < self.scan.last_backslash
    }

    /// What no JSON has and no token shows: a control character in a text, or a text that does not
    /// end.
    pub(super) fn fault(&self) -> Option<&'static str> {
        if self.scan.has_control {
            Some("control character (\\u0000-\\u001F) found while parsing a string")
        } else if self.scan.at >= self.text.len() && self.scan.in_string != 0 {
            Some("EOF while parsing a string")
        } else {
            None
        }
    }

    #[cold]
    #[inline(never)]
    fn find(&mut self) {
        (self.next, self.found) = (0, 0);
        if self.scan.at < self.text.len() {
            run(Find(self));
        }
    }
}

struct Find<'t, 'a>(&'t mut Tokens<'a>);

impl Kernel for Find<'_, '_> {
    type Answer = ();

    #[inline(always)]
    fn run<O: Ops>(self, ops: O) {
        let Self(tokens) = self;
        let (mut scan, mut found) = (tokens.scan, 0);
        while found <= PLACES - BLOCK && scan.at < tokens.text.len() {
            let at = scan.at;
            let mut marks = match tokens.text[at..].first_chunk() {
                Some(block) => scan.block(ops, block),
                None => {
                    let rest = &tokens.text[at..];
                    let mut last = [b' '; BLOCK];
                    last[..rest.len()].copy_from_slice(rest);
                    scan.block(ops, &last)
                }
            };
            // At most 64 more, for which there is room.
            while marks != 0 {
                tokens.places[found] = at + marks.trailing_zeros() as usize;
                found += 1;
                marks &= marks - 1;
            }
        }
        (tokens.scan, tokens.found) = (scan, found);
    }
}

impl Scan {
    /// The tokens of the next block.
    #[inline(always)]
    fn block<O: Ops>(&mut self, ops: O, block: &[u8; BLOCK]) -> u64 {
        let m = ops.tokens(block);
        let quote = m.quote & !self.escapes.next(m.backslash);
        // An opening quote counts as inside, a closing one as outside.
        let inside = ops.prefix_xor(quote) ^ self.in_string;
        let word = !(m.structural | m.blank | quote | inside);
        let begins = word & !(word << 1 | self.in_word);
        self.in_string = 0u64.wrapping_sub(inside >> 63);
        self.in_word = word >> 63;
        if m.backslash != 0 {
            self.last_backslash = self.at + BLOCK - m.backslash.leading_zeros() as usize;
        }
        self.at += BLOCK;
        self.has_control |= m.control & inside != 0;
        m.structural & !inside | quote | begins
    }
}
