//! Reads files and does one cheap thing with them, for scale: what no reader can do without.
//!
//! ```text
//! cargo run --release --manifest-path benches/tools/Cargo.toml --bin frame_file -- (lines | frame) FILE…
//! ```
//!
//! `lines` counts newlines; `frame` cuts the file into records with the program's own framer. Both
//! on one thread and through a small buffer.

/// The framer's own source, without the rest of the program and its libraries, and what it stands on.
#[path = "../../src/blocks/mod.rs"]
#[allow(dead_code, reason = "framing asks for a part of what blocks can tell")]
mod blocks;

#[path = "../../src/input"]
#[allow(dead_code, unused_imports, reason = "a part of the framer is enough here")]
mod input {
    pub mod frame;
}

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use input::frame::{JsonFramer, RECORD_LIMIT, SpanKind};

/// Small enough to stay near the processor.
const CHUNK: usize = 256 << 10;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let count = match words.first().map(String::as_str) {
        Some("lines") => lines,
        Some("frame") => records,
        _ => return Err(io::Error::other("usage: frame_file (lines | frame) FILE…")),
    };
    let mut total = 0;
    for file in &words[1..] {
        total += count(Path::new(file))?;
    }
    println!("{total}");
    Ok(())
}

fn lines(path: &Path) -> io::Result<usize> {
    let (mut file, mut buffer, mut count) = (File::open(path)?, vec![0; CHUNK], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(count),
            length => count += memchr::memchr_iter(b'\n', &buffer[..length]).count(),
        }
    }
}

fn records(path: &Path) -> io::Result<usize> {
    let mut file = File::open(path)?;
    let mut framer = JsonFramer::new(RECORD_LIMIT);
    let (mut window, mut spans) = (Vec::with_capacity(2 * CHUNK), Vec::new());
    let (mut offset, mut count) = (0, 0);
    loop {
        let wanted = CHUNK as u64;
        let at_end = (&mut file).take(wanted).read_to_end(&mut window)? == 0;
        let consumed = framer.frame(&window, offset, at_end, &mut spans);
        count += spans.iter().filter(|span| matches!(span.kind, SpanKind::Record { .. })).count();
        spans.clear();
        window.drain(..consumed);
        offset += consumed as u64;
        if at_end {
            return Ok(count);
        }
    }
}
