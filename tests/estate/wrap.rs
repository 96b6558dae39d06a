//! What stands between a file's text and its bytes: encoding, byte order mark, compression.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::EstateOptions;
use super::rng::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf8Mark,
    Utf16Le,
    Utf16Be,
    Utf32Le,
}

impl Encoding {
    pub const ALL: [Self; 5] =
        [Self::Utf8, Self::Utf8Mark, Self::Utf16Le, Self::Utf16Be, Self::Utf32Le];

    fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 => &[],
            Self::Utf8Mark => &[0xEF, 0xBB, 0xBF],
            Self::Utf16Le => &[0xFF, 0xFE],
            Self::Utf16Be => &[0xFE, 0xFF],
            Self::Utf32Le => &[0xFF, 0xFE, 0, 0],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    pub const ALL: [Self; 2] = [Self::Gzip, Self::Zstd];

    fn extension(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Wrap {
    pub encoding: Encoding,
    pub packing: Option<Packing>,
}

impl Wrap {
    const NONE: Self = Self { encoding: Encoding::Utf8, packing: None };

    pub fn draw(options: &EstateOptions, rng: &mut Rng) -> Self {
        if !rng.chance(options.wrapped_share) {
            return Self::NONE;
        }
        let encoding = *rng.pick(&options.encodings);
        let is_packed = encoding == Encoding::Utf8 || rng.chance(0.4);
        Self { encoding, packing: is_packed.then(|| *rng.pick(&options.packings)) }
    }

    /// What a file's name may end in.
    pub fn extension(self) -> &'static str {
        self.packing.map_or("", Packing::extension)
    }
}

enum Stage<W: Write> {
    Plain(W),
    Gzip(Box<GzEncoder<W>>),
    Zstd(Box<zstd::Encoder<'static, W>>),
    /// Only while one member of a packed file gives way to the next.
    Between,
}

impl<W: Write> Stage<W> {
    fn new(target: W, packing: Option<Packing>) -> io::Result<Self> {
        Ok(match packing {
            None => Self::Plain(target),
            Some(Packing::Gzip) => {
                Self::Gzip(Box::new(GzEncoder::new(target, Compression::fast())))
            }
            Some(Packing::Zstd) => Self::Zstd(Box::new(zstd::Encoder::new(target, 1)?)),
        })
    }

    fn finish(self) -> io::Result<Option<W>> {
        Ok(match self {
            Self::Plain(target) => Some(target),
            Self::Gzip(gzip) => Some(gzip.finish()?),
            Self::Zstd(zstd) => Some(zstd.finish()?),
            Self::Between => None,
        })
    }
}

/// Takes a file's text in UTF-8 and writes it wrapped.
pub struct Sink<W: Write> {
    stage: Stage<W>,
    wrap: Wrap,
    pub text_bytes: u64,
}

impl<W: Write> Sink<W> {
    pub fn new(target: W, wrap: Wrap) -> io::Result<Self> {
        let stage = Stage::new(target, wrap.packing)?;
        let mut sink = Self { stage, wrap, text_bytes: 0 };
        sink.bytes(wrap.encoding.mark())?;
        Ok(sink)
    }

    pub fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.text_bytes += text.len() as u64;
        let encoded: Vec<u8> = match self.wrap.encoding {
            Encoding::Utf8 | Encoding::Utf8Mark => return self.bytes(text),
            Encoding::Utf16Le => units(text).flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => units(text).flat_map(u16::to_be_bytes).collect(),
            Encoding::Utf32Le => scalars(text).flat_map(u32::to_le_bytes).collect(),
        };
        self.bytes(&encoded)
    }

    /// Ends a member of a packed file and begins the next, as appending to a `.gz` file does.
    pub fn next_member(&mut self) -> io::Result<()> {
        let stage = std::mem::replace(&mut self.stage, Stage::Between);
        if let Some(target) = stage.finish()? {
            self.stage = Stage::new(target, self.wrap.packing)?;
        }
        Ok(())
    }

    pub fn finish(self) -> io::Result<()> {
        self.stage.finish()?.map_or(Ok(()), |mut target| target.flush())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stage {
            Stage::Plain(target) => target.write_all(bytes),
            Stage::Gzip(gzip) => gzip.write_all(bytes),
            Stage::Zstd(zstd) => zstd.write_all(bytes),
            Stage::Between => Ok(()),
        }
    }
}

/// UTF-16 units; a byte that is no UTF-8 becomes half of a surrogate pair, damage of that encoding.
fn units(text: &[u8]) -> impl Iterator<Item = u16> {
    text.utf8_chunks().flat_map(|chunk| {
        let broken = chunk.invalid().iter().map(|&byte| 0xDC00 + u16::from(byte));
        chunk.valid().encode_utf16().chain(broken)
    })
}

/// UTF-32; a byte that is no UTF-8 becomes half of a surrogate pair, which is no character.
fn scalars(text: &[u8]) -> impl Iterator<Item = u32> {
    text.utf8_chunks().flat_map(|chunk| {
        let broken = chunk.invalid().iter().map(|&byte| 0xDC00 + u32::from(byte));
        chunk.valid().chars().map(u32::from).chain(broken)
    })
}
