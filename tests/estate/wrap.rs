//! What stands between a file's text and its bytes: encoding, byte order mark, compression.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::rng::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf8Mark,
    Utf16Le,
    Utf16Be,
}

#[derive(Clone, Copy, Debug)]
pub struct Wrap {
    pub encoding: Encoding,
    pub gzip: bool,
}

impl Wrap {
    pub const NONE: Self = Self { encoding: Encoding::Utf8, gzip: false };

    pub fn draw(share: f64, rng: &mut Rng) -> Self {
        if !rng.chance(share) {
            return Self::NONE;
        }
        let encoding =
            *rng.pick(&[Encoding::Utf8, Encoding::Utf8Mark, Encoding::Utf16Le, Encoding::Utf16Be]);
        Self { encoding, gzip: encoding == Encoding::Utf8 || rng.chance(0.4) }
    }
}

enum Stage<W: Write> {
    Plain(W),
    Gzip(Box<GzEncoder<W>>),
    /// Only while one gzip member gives way to the next.
    Between,
}

/// Takes a file's text in UTF-8 and writes it wrapped.
pub struct Sink<W: Write> {
    stage: Stage<W>,
    encoding: Encoding,
    pub text_bytes: u64,
}

impl<W: Write> Sink<W> {
    pub fn new(target: W, wrap: Wrap) -> io::Result<Self> {
        let stage = if wrap.gzip { Stage::Gzip(encoder(target)) } else { Stage::Plain(target) };
        let mut sink = Self { stage, encoding: wrap.encoding, text_bytes: 0 };
        match wrap.encoding {
            Encoding::Utf8 => {}
            Encoding::Utf8Mark => sink.bytes(&[0xEF, 0xBB, 0xBF])?,
            Encoding::Utf16Le => sink.bytes(&[0xFF, 0xFE])?,
            Encoding::Utf16Be => sink.bytes(&[0xFE, 0xFF])?,
        }
        Ok(sink)
    }

    pub fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.text_bytes += text.len() as u64;
        match self.encoding {
            Encoding::Utf8 | Encoding::Utf8Mark => self.bytes(text),
            Encoding::Utf16Le => {
                self.bytes(&units(text).flat_map(u16::to_le_bytes).collect::<Vec<_>>())
            }
            Encoding::Utf16Be => {
                self.bytes(&units(text).flat_map(u16::to_be_bytes).collect::<Vec<_>>())
            }
        }
    }

    /// Ends a gzip member and begins the next, as appending to a `.gz` file does.
    pub fn next_member(&mut self) -> io::Result<()> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Between) {
            Stage::Gzip(gzip) => Stage::Gzip(encoder(gzip.finish()?)),
            other => other,
        };
        Ok(())
    }

    pub fn finish(self) -> io::Result<()> {
        match self.stage {
            Stage::Plain(mut target) => target.flush(),
            Stage::Gzip(gzip) => gzip.finish()?.flush(),
            Stage::Between => Ok(()),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stage {
            Stage::Plain(target) => target.write_all(bytes),
            Stage::Gzip(gzip) => gzip.write_all(bytes),
            Stage::Between => Ok(()),
        }
    }
}

fn encoder<W: Write>(target: W) -> Box<GzEncoder<W>> {
    Box::new(GzEncoder::new(target, Compression::fast()))
}

/// UTF-16 units; a byte that is no UTF-8 becomes half of a surrogate pair, damage of that encoding.
fn units(text: &[u8]) -> impl Iterator<Item = u16> {
    text.utf8_chunks().flat_map(|chunk| {
        let broken = chunk.invalid().iter().map(|&byte| 0xDC00 + u16::from(byte));
        chunk.valid().encode_utf16().chain(broken)
    })
}
