//! JSON: lines, arrays, wrapped pages, pretty-printed and concatenated documents, in any mixture.
//!
//! There is no mode for a file. At each place the framer knows which containers are open, and
//! decides anew: an object at the top or in an array is a record, unless it wraps an array of
//! records; then it is entered. An object that does not close on its line is a damaged line if its
//! neighbours are lines, else a pretty-printed document.

use memchr::memchr;

use super::first_key::{
    BLANKS_LIMIT, FirstKey, Opening, begins_with, is_blank, is_blank_on_line, opening,
};
use super::resync::{
    Effort, Passed, Place, Resume, Resync, Trial, mentions_time, next_candidate, try_candidate,
};
use super::scan::{Scan, scan_object};
use super::tiler::{Step, Tiler};
use super::wrapper::{Member, Probe, count_leading, member, probe, scalar_len};
use super::{DamageReason, Span, WINDOW_SLACK};

/// Arrays deeper than this hold no records. Outer wrappers may be forgotten: closing brackets too
/// many do no harm.
const DEPTH_LIMIT: usize = 8;

/// A scalar in an array must end within this.
const SCALAR_LIMIT: usize = 64 << 10;

/// How far the beginning of the next line is looked for.
const NEXT_LINE_LIMIT: usize = 16 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    Wrapper,
}

#[derive(Debug)]
pub struct JsonFramer {
    record_limit: usize,
    /// The open containers, innermost last.
    open: Vec<Container>,
    first_key: FirstKey,
    /// A record with the known first key has closed on its line, outside of any container.
    lines_seen: bool,
    /// The length of the longest record so far that was found to hide no other.
    longest: usize,
    more_pages: bool,
    resync: Option<Resync>,
    effort: Effort,
}

impl JsonFramer {
    pub fn new(record_limit: usize) -> Self {
        Self {
            record_limit,
            open: Vec::new(),
            first_key: FirstKey::default(),
            lines_seen: false,
            longest: 0,
            more_pages: false,
            resync: None,
            effort: Effort::new(record_limit),
        }
    }

    /// Appends spans that tile exactly `base..base + consumed` and returns `consumed`. 0 without
    /// `at_end` asks for a longer window: the same bytes and more behind them. With `at_end`
    /// everything is consumed. Every record lies wholly within the window. A window longer than the
    /// record limit by [`WINDOW_SLACK`] is always enough.
    pub fn frame(
        &mut self,
        window: &[u8],
        base: u64,
        at_end: bool,
        spans: &mut Vec<Span>,
    ) -> usize {
        let mut tiler = Tiler::new(window, base, at_end, spans);
        while !tiler.rest().is_empty() {
            if self.step(&mut tiler) == Step::Go {
                continue;
            }
            if at_end {
                self.begin_damage(&mut tiler, DamageReason::Unfinished, false);
            } else if tiler.rest().len() >= self.record_limit.saturating_add(WINDOW_SLACK) {
                self.begin_damage(&mut tiler, DamageReason::TooLong, false);
            } else {
                break;
            }
        }
        tiler.finish()
    }

    /// The last wrapper page named a further page.
    pub fn more_pages(&self) -> bool {
        self.more_pages
    }

    fn step(&mut self, tiler: &mut Tiler) -> Step {
        if let Some(resync) = self.resync.take() {
            return self.search(resync, tiler);
        }
        tiler.skip(count_leading(tiler.rest(), |byte| is_blank(byte) || matches!(byte, b',' | 0)));
        let Some(&byte) = tiler.rest().first() else { return Step::Go };
        let in_wrapper = self.open.last() == Some(&Container::Wrapper);
        match byte {
            b'"' if in_wrapper => self.member(tiler),
            b'{' => self.object(tiler),
            b'[' => self.open_array(tiler),
            b']' | b'}' => {
                tiler.skip(1);
                self.close(byte);
                Step::Go
            }
            _ => self.stray(tiler),
        }
    }

    fn open_array(&mut self, tiler: &mut Tiler) -> Step {
        if self.open.len() >= DEPTH_LIMIT {
            tiler.damage(1, DamageReason::NotAnObject, false);
        } else {
            self.open.push(Container::Array);
            tiler.skip(1);
        }
        Step::Go
    }

    /// Closes what the bracket can close. One too many is passed over: files are glued and cut by
    /// hand.
    fn close(&mut self, bracket: u8) {
        if bracket == b'}' {
            let wrapper = self.open.iter().rposition(|&container| container == Container::Wrapper);
            self.open.truncate(wrapper.unwrap_or(self.open.len()));
        } else if self.open.last() == Some(&Container::Array) {
            self.open.pop();
        }
    }

    fn object(&mut self, tiler: &mut Tiler) -> Step {
        // Behind an array that was closed too early, or in a page that was not closed at all.
        if self.open.last() == Some(&Container::Wrapper) {
            self.open.push(Container::Array);
        }
        self.effort.reach(tiler.offset());
        let cap = self.effort.record_cap(self.longest);
        let object = &tiler.rest()[..tiler.rest().len().min(cap)];
        let closed = tiler.at_end || tiler.rest().len() > cap;
        let scan = scan_object(object, self.open.is_empty());
        if !self.first_key.is_known(object) {
            // Behind a place where a string is broken, anything may look like a member.
            let sound = match scan {
                Scan::Complete { len, .. } => &object[..len],
                Scan::BrokenString { at } | Scan::StrayQuote { at } => &object[..at],
                Scan::Newline { .. } | Scan::Incomplete => object,
            };
            match probe(sound) {
                Probe::Wrapper => return self.enter_wrapper(tiler),
                Probe::Cut if !closed && sound.len() == object.len() => return Step::NeedMore,
                Probe::Plain | Probe::Cut => {}
            }
        }
        self.record(tiler, object, scan, closed)
    }

    fn enter_wrapper(&mut self, tiler: &mut Tiler) -> Step {
        if self.open.len() + 1 >= DEPTH_LIMIT {
            self.open.remove(0);
        }
        self.open.push(Container::Wrapper);
        self.more_pages = false;
        tiler.skip(1);
        Step::Go
    }

    fn member(&mut self, tiler: &mut Tiler) -> Step {
        let rest = tiler.rest();
        self.effort.reach(tiler.offset());
        let cap = self.effort.record_cap(self.longest);
        let bytes = &rest[..rest.len().min(cap)];
        let closed = tiler.at_end || rest.len() > cap;
        match member(bytes) {
            Member::Records { len } => {
                tiler.skip(len);
                self.open.push(Container::Array);
            }
            Member::Other { len, names_next_page } => {
                tiler.skip(len);
                self.more_pages |= names_next_page;
            }
            Member::Cut if !closed => return Step::NeedMore,
            broken => {
                let reason = match broken {
                    Member::Broken => DamageReason::Unbalanced,
                    _ if bytes.len() < rest.len() => DamageReason::TooLong,
                    _ => DamageReason::Unfinished,
                };
                self.effort.spend(bytes.len());
                self.begin_damage(tiler, reason, false);
            }
        }
        Step::Go
    }

    /// An object that is no wrapper. `closed`: it will not be given more bytes than these.
    fn record(&mut self, tiler: &mut Tiler, object: &[u8], scan: Scan, closed: bool) -> Step {
        let at_top = self.open.is_empty();
        if let Scan::Complete { len, brackets_balanced: true } = scan {
            return self.whole_object(tiler, &object[..len], at_top);
        }
        if !at_top {
            return self.broken_object(tiler, object, scan, closed, false);
        }
        match self.is_damaged_line(object, scan, closed) {
            None => Step::NeedMore,
            Some(false) if matches!(scan, Scan::Newline { .. }) => {
                self.document(tiler, object, closed)
            }
            Some(ends_with_line) => self.broken_object(tiler, object, scan, closed, ends_with_line),
        }
    }

    /// An object of several lines that is no wrapper.
    fn document(&mut self, tiler: &mut Tiler, object: &[u8], closed: bool) -> Step {
        match scan_object(object, false) {
            Scan::Complete { len, brackets_balanced: true } => {
                self.whole_object(tiler, &object[..len], false)
            }
            scan => self.broken_object(tiler, object, scan, closed, false),
        }
    }

    /// An object that closes. A gap in a record may leave brackets open that only the end of the
    /// page closes again: the object then holds all records up to there. So those that are longer
    /// than any before, or that are not followed as they should, are searched for a record inside.
    fn whole_object(&mut self, tiler: &mut Tiler, record: &[u8], on_its_line: bool) -> Step {
        let Some(in_order) = self.is_followed_in_order(tiler, record.len()) else {
            return Step::NeedMore;
        };
        if record.len() > self.longest || !in_order {
            if self.hides_a_record(tiler.offset(), record) {
                self.begin_damage(tiler, DamageReason::Unbalanced, on_its_line);
                return Step::Go;
            }
            self.longest = self.longest.max(record.len());
        }
        self.learn(record, on_its_line);
        tiler.record(record.len(), false);
        Step::Go
    }

    /// Whether an element of an array is followed by a comma or the end of the array. None: give
    /// more bytes.
    fn is_followed_in_order(&self, tiler: &Tiler, len: usize) -> Option<bool> {
        if self.open.is_empty() {
            return Some(true);
        }
        let behind = &tiler.rest()[len..];
        match behind.iter().take(BLANKS_LIMIT).find(|&&byte| !is_blank(byte)) {
            Some(byte) => Some(matches!(byte, b',' | b']')),
            None => (tiler.at_end || behind.len() >= BLANKS_LIMIT).then_some(false),
        }
    }

    fn hides_a_record(&mut self, offset: u64, record: &[u8]) -> bool {
        let Some(key) = self.searched_key(record) else { return false };
        let mut from = 1;
        while let Place::Candidate(at) = next_candidate(record, from, &key) {
            self.effort.reach(offset + at as u64);
            if matches!(try_candidate(&record[at..], true, &mut self.effort), Trial::Whole { .. }) {
                return true;
            }
            from = at + 1;
        }
        false
    }

    fn learn(&mut self, record: &[u8], on_its_line: bool) {
        if self.first_key.is_known(record) {
            self.lines_seen |= on_its_line;
        } else if self.first_key.learn(record, mentions_time(record)) {
            self.lines_seen = on_its_line;
        }
    }

    fn broken_object(
        &mut self,
        tiler: &mut Tiler,
        object: &[u8],
        scan: Scan,
        closed: bool,
        ends_with_line: bool,
    ) -> Step {
        let (reason, cost) = match scan {
            Scan::Complete { len, .. } => (DamageReason::Unbalanced, len),
            Scan::Newline { at } => (DamageReason::Unbalanced, at),
            Scan::BrokenString { at } | Scan::StrayQuote { at } => (DamageReason::BrokenString, at),
            Scan::Incomplete if !closed => return Step::NeedMore,
            Scan::Incomplete if object.len() < tiler.rest().len() => {
                (DamageReason::TooLong, object.len())
            }
            Scan::Incomplete => (DamageReason::Unfinished, object.len()),
        };
        self.effort.spend(cost);
        self.begin_damage(tiler, reason, ends_with_line);
        Step::Go
    }

    /// Whether an object at the top that is broken in this way was meant to be one line. None: give
    /// more bytes.
    fn is_damaged_line(&self, object: &[u8], scan: Scan, closed: bool) -> Option<bool> {
        let Opening::Key(key) = opening(object, is_blank_on_line) else { return Some(false) };
        if self.lines_seen && self.first_key.known() == Some(key) {
            return Some(true);
        }
        let newline = match scan {
            Scan::Newline { at } | Scan::BrokenString { at } => at,
            Scan::StrayQuote { at } => match memchr(b'\n', &object[at..]) {
                Some(further) => at + further,
                None => return closed.then_some(false),
            },
            // It closed on its line, although wrongly.
            Scan::Complete { .. } => return Some(true),
            Scan::Incomplete => return Some(false),
        };
        next_line_begins_with(&object[newline..], key, closed)
    }

    /// Something that is neither object nor container.
    fn stray(&mut self, tiler: &mut Tiler) -> Step {
        let rest = tiler.rest();
        if rest.starts_with(BYTE_ORDER_MARK) {
            tiler.skip(BYTE_ORDER_MARK.len());
            return Step::Go;
        }
        if BYTE_ORDER_MARK.starts_with(rest) && !tiler.at_end {
            return Step::NeedMore;
        }
        match self.open.last() {
            None => self.begin_damage(tiler, DamageReason::NotAnObject, false),
            Some(Container::Wrapper) => self.begin_damage(tiler, DamageReason::Unbalanced, false),
            Some(Container::Array) => return self.scalar(tiler),
        }
        Step::Go
    }

    /// A scalar between the records of an array. Anything but a comma or bracket behind it means
    /// that the structure is lost: these are then the insides of a record.
    fn scalar(&mut self, tiler: &mut Tiler) -> Step {
        let rest = tiler.rest();
        let bytes = &rest[..rest.len().min(SCALAR_LIMIT)];
        let closed = tiler.at_end || rest.len() > bytes.len();
        let Some(len) = scalar_len(bytes)
            .or((tiler.at_end && rest.len() == bytes.len()).then_some(bytes.len()))
        else {
            if !closed {
                return Step::NeedMore;
            }
            self.begin_damage(tiler, DamageReason::NotAnObject, false);
            return Step::Go;
        };
        let behind = bytes[len..].iter().find(|&&byte| !is_blank_on_line(byte));
        match behind {
            None if !closed => return Step::NeedMore,
            None | Some(b',' | b']' | b'}' | b'\r' | b'\n') => {
                tiler.damage(len, DamageReason::NotAnObject, false);
            }
            Some(_) => self.begin_damage(tiler, DamageReason::Unbalanced, false),
        }
        Step::Go
    }

    /// Tiles one byte as damage, so that the search for the next record goes forward in any case.
    fn begin_damage(&mut self, tiler: &mut Tiler, reason: DamageReason, ends_with_line: bool) {
        let known = self.first_key.known();
        let resumes_at_line = match reason {
            _ if !self.open.is_empty() => Resume::Never,
            DamageReason::NotAnObject if known.is_none() => Resume::AtAnyOpening,
            _ if self.lines_seen => Resume::AtKnownKey,
            _ => Resume::Never,
        };
        let rest = tiler.rest();
        let key = self.searched_key(&rest[..rest.len().min(self.record_limit)]);
        let takes_elements = known.is_none();
        tiler.damage(1, reason, false);
        let passed = Passed::default();
        self.resync =
            Some(Resync { reason, key, takes_elements, ends_with_line, resumes_at_line, passed });
    }

    /// How the next record begins, as far as is known: like those before, else like the one at
    /// hand.
    fn searched_key(&self, object: &[u8]) -> Option<Vec<u8>> {
        let own = || match opening(object, is_blank) {
            Opening::Key(key) => Some(key),
            _ => None,
        };
        self.first_key.known().or_else(own).map(<[u8]>::to_vec)
    }

    /// Goes on with a damage until it ends or the window does.
    fn search(&mut self, resync: Resync, tiler: &mut Tiler) -> Step {
        let rest = tiler.rest();
        let line_end = if resync.ends_with_line { memchr(b'\n', rest) } else { None };
        let region = &rest[..line_end.unwrap_or(rest.len())];
        let closed = tiler.at_end || line_end.is_some();
        let start = tiler.offset();
        let mut from = 0;
        loop {
            match resync.next_place(region, from) {
                Place::Line(at) => {
                    tiler.damage(at, resync.reason, true);
                    return Step::Go;
                }
                Place::Candidate(at) => {
                    self.effort.reach(start + at as u64);
                    match try_candidate(&region[at..], closed, &mut self.effort) {
                        Trial::Whole { len } => {
                            self.recover(&resync, tiler, at, len);
                            return Step::Go;
                        }
                        Trial::Refused => from = at + 1,
                        Trial::Cut => return self.pause(resync, tiler, &region[..at]),
                    }
                }
                Place::Cut(at) if closed => from = at + 1,
                Place::Cut(at) => return self.pause(resync, tiler, &region[..at]),
                Place::None if line_end.is_some() => {
                    // A line break inside a string: the next line is the rest of this record.
                    let next_line = &rest[region.len()..];
                    let goes_on = self.open.is_empty().then(|| begins_with_text(next_line));
                    match goes_on.unwrap_or(Some(false)) {
                        Some(true) => {
                            tiler.damage(region.len() + 1, resync.reason, true);
                            self.resync = Some(Resync { passed: Passed::default(), ..resync });
                        }
                        None if !tiler.at_end => return self.pause(resync, tiler, region),
                        _ => tiler.damage(region.len(), resync.reason, true),
                    }
                    return Step::Go;
                }
                Place::None => {
                    self.pause(resync, tiler, region);
                    return Step::Go;
                }
            }
        }
    }

    fn recover(
        &mut self,
        resync: &Resync,
        tiler: &mut Tiler,
        damage_len: usize,
        record_len: usize,
    ) {
        tiler.damage(damage_len, resync.reason, true);
        if resync.reason == DamageReason::Unfinished {
            // It was not the last record after all.
            tiler.correct_reason(DamageReason::Unbalanced);
        }
        let record = &tiler.rest()[..record_len];
        self.learn(record, false);
        self.longest = self.longest.max(record_len);
        tiler.record(record_len, true);
        if self.open.last() == Some(&Container::Wrapper) {
            self.open.push(Container::Array);
        }
    }

    /// Tiles what is surely damage and waits for more bytes.
    fn pause(&mut self, mut resync: Resync, tiler: &mut Tiler, damage: &[u8]) -> Step {
        resync.passed = resync.passed.and(damage);
        tiler.damage(damage.len(), resync.reason, true);
        self.resync = Some(resync);
        Step::NeedMore
    }
}

/// Whether the line behind this newline begins like no document at all. None: give more bytes.
fn begins_with_text(newline: &[u8]) -> Option<bool> {
    let first = newline.iter().take(BLANKS_LIMIT).find(|&&byte| !is_blank(byte));
    match first {
        Some(byte) => Some(!b"{}[],\0\xEF".contains(byte)),
        None if newline.len() >= BLANKS_LIMIT => Some(false),
        None => None,
    }
}

/// Whether the line behind this newline begins like one of the same kind. None: give more bytes.
fn next_line_begins_with(newline: &[u8], key: &[u8], closed: bool) -> Option<bool> {
    let bytes = &newline[..newline.len().min(NEXT_LINE_LIMIT)];
    let blanks = count_leading(bytes, is_blank);
    let closed = closed || bytes.len() < newline.len();
    begins_with(&bytes[blanks..], key, is_blank_on_line).or(closed.then_some(false))
}
