//! What crashes, full disks, forwarders and editors do to records on their way.

use std::ops::Range;

use super::rng::Rng;
use super::truth::Fate;

/// How records stand in a file, which decides what damage can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One record a line: damage stays within its line.
    Lines,
    /// Records inside arrays, or without any separator to rely on.
    Nested,
    /// A cut row would swallow rows up to the next quote: nothing could be said of them.
    Table,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Cut in the middle, its separator still behind it.
    Cut,
    /// The file ends in the middle of its last record.
    HalfLast,
    /// Without its closing brace.
    NoBrace,
    /// Bytes inside a string that are no UTF-8; the record must still be found.
    Garbage,
    /// Half a record directly before the whole one.
    Glued,
    /// Zeros in place of the record.
    Zeros,
    /// A raw newline inside a string.
    Newline,
}

/// What damage leaves to say of its record and of the one after it.
pub struct Outlook {
    pub own: Fate,
    pub next: Fate,
    /// Least and most rejects. In nested files a reader may count many.
    pub rejects: (u64, u64),
}

impl Damage {
    pub fn draw(layout: Layout, is_last: bool, rng: &mut Rng) -> Self {
        const STRUCTURAL: [Damage; 6] = [
            Damage::Cut,
            Damage::NoBrace,
            Damage::Garbage,
            Damage::Glued,
            Damage::Zeros,
            Damage::Newline,
        ];
        match layout {
            _ if is_last && rng.chance(0.5) => Self::HalfLast,
            Layout::Table => Self::Garbage,
            Layout::Lines | Layout::Nested => *rng.pick(&STRUCTURAL),
        }
    }

    /// Changes the text of one record. `soft` is where a harmless string stands in it; without
    /// one, damage inside a string is left out and nothing happens.
    pub fn strike(
        self,
        text: &mut Vec<u8>,
        soft: Option<Range<usize>>,
        layout: Layout,
        rng: &mut Rng,
    ) -> Outlook {
        match self {
            Self::Garbage => spoil(text, soft, rng),
            Self::Newline => {
                let Some(soft) = soft else { return unharmed() };
                text.insert(soft.start, b'\n');
            }
            Self::Cut | Self::HalfLast => text.truncate(middle(text, rng)),
            Self::NoBrace => text.truncate(text.len() - 1),
            Self::Glued => {
                let half = text[..middle(text, rng)].to_vec();
                text.splice(..0, half);
            }
            Self::Zeros => *text = vec![0; 64 + rng.below(4096)],
        }
        self.outlook(layout)
    }

    fn outlook(self, layout: Layout) -> Outlook {
        if self == Self::Garbage {
            return unharmed();
        }
        let least = match self {
            Self::Cut | Self::HalfLast | Self::NoBrace => 1,
            _ => 0,
        };
        match layout {
            Layout::Lines => {
                Outlook { own: Fate::Doubtful, next: Fate::Certain, rejects: (least, 2) }
            }
            // Several spans may become one, and one may hold much that looks like a record.
            _ => Outlook { own: Fate::Doubtful, next: Fate::Doubtful, rejects: (0, 100) },
        }
    }
}

fn unharmed() -> Outlook {
    Outlook { own: Fate::Certain, next: Fate::Certain, rejects: (0, 0) }
}

/// Never so near to an end that a whole record could be left.
fn middle(text: &[u8], rng: &mut Rng) -> usize {
    text.len() / 5 + rng.below(text.len() * 3 / 5)
}

/// Overwrites plain letters only: not quotes, not what a backslash begins.
fn spoil(text: &mut [u8], soft: Option<Range<usize>>, rng: &mut Rng) {
    let Some(soft) = soft else { return };
    for at in soft.clone() {
        let is_escaped = text[soft.start.max(at.saturating_sub(6))..at].contains(&b'\\');
        if text[at].is_ascii_alphabetic() && !is_escaped && rng.chance(0.3) {
            text[at] = *rng.pick(&[0xFF, 0xC0, 0x80, 0xED]);
        }
    }
}
