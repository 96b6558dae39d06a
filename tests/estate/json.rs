//! A JSON writer that controls what `serde_json` does not: key order, repeated keys,
//! key case, escapes, indentation. Test data must be able to be odd.

use std::ops::Range;

/// How the text looks; the content is the same in each.
#[derive(Clone, Copy, Default)]
pub struct Style {
    /// Blanks for each level; 0 writes one line.
    pub indent: usize,
    /// `", "` and `": "`, as Python and Azure Monitor's envelope write.
    pub spaced: bool,
    /// A blank after an opening brace, as Azure Monitor's envelope has.
    pub airy: bool,
    /// All but ASCII as `\u` escapes.
    pub ascii: bool,
    /// `HomeTenantId` for `homeTenantId`, as PowerShell writes.
    pub pascal: bool,
}

pub struct Json {
    pub out: Vec<u8>,
    pub style: Style,
    /// The text of a value that no judgement rests on: where damage may strike and be repaired.
    pub soft: Option<Range<usize>>,
    depth: usize,
    fresh: bool,
    after_key: bool,
}

impl Json {
    pub fn new(out: Vec<u8>, style: Style, depth: usize) -> Self {
        Self { out, style, soft: None, depth, fresh: true, after_key: false }
    }

    pub fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.container(b'{', b'}', fill);
    }

    pub fn array(&mut self, fill: impl FnOnce(&mut Self)) {
        self.container(b'[', b']', fill);
    }

    fn container(&mut self, open: u8, close: u8, fill: impl FnOnce(&mut Self)) {
        self.separate();
        self.out.push(open);
        if self.style.airy {
            self.out.push(b' ');
        }
        self.depth += 1;
        self.fresh = true;
        fill(self);
        self.depth -= 1;
        if !self.fresh {
            self.break_line();
        }
        self.out.push(close);
        self.fresh = false;
    }

    /// A comma and a line break where one is due. A record as a whole starts bare:
    /// what stands between records is the export's business.
    fn separate(&mut self) {
        if self.after_key {
            self.after_key = false;
            return;
        }
        if !self.fresh {
            self.out.push(b',');
            if self.style.spaced && self.style.indent == 0 {
                self.out.push(b' ');
            }
        }
        if !self.out.is_empty() {
            self.break_line();
        }
        self.fresh = false;
    }

    fn break_line(&mut self) {
        if self.style.indent > 0 {
            self.out.push(b'\n');
            let blanks = self.depth * self.style.indent;
            self.out.resize(self.out.len() + blanks, b' ');
        }
    }

    pub fn key(&mut self, key: &str) -> &mut Self {
        self.separate();
        self.out.push(b'"');
        if self.style.pascal {
            self.out.push(key.as_bytes()[0].to_ascii_uppercase());
            self.out.extend_from_slice(&key.as_bytes()[1..]);
        } else {
            self.out.extend_from_slice(key.as_bytes());
        }
        self.out.push(b'"');
        self.colon();
        self
    }

    /// A key already in JSON spelling, for escapes inside of it.
    pub fn raw_key(&mut self, quoted: &str) -> &mut Self {
        self.separate();
        self.out.extend_from_slice(quoted.as_bytes());
        self.colon();
        self
    }

    fn colon(&mut self) {
        self.out.push(b':');
        if self.style.spaced || self.style.indent > 0 {
            self.out.push(b' ');
        }
        self.after_key = true;
    }

    pub fn raw(&mut self, json: &str) {
        self.separate();
        self.out.extend_from_slice(json.as_bytes());
    }

    pub fn number(&mut self, value: i64) {
        use std::io::Write;
        self.separate();
        // Writing to a Vec cannot fail.
        let _ = write!(self.out, "{value}");
    }

    pub fn boolean(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    pub fn text(&mut self, value: &str) {
        self.separate();
        self.out.push(b'"');
        escape_into(&mut self.out, value, self.style.ascii);
        self.out.push(b'"');
    }

    /// Like `text`, and remembered as a place where damage does no harm.
    pub fn soft_text(&mut self, value: &str) {
        self.text(value);
        let end = self.out.len() - 1;
        let mut length = Vec::new();
        escape_into(&mut length, value, self.style.ascii);
        self.soft = Some(end - length.len()..end);
    }

    pub fn texts(&mut self, values: &[&str]) {
        self.array(|w| values.iter().for_each(|value| w.text(value)));
    }

    pub fn field(&mut self, key: &str, value: &str) {
        self.key(key).text(value);
    }

    /// A value that JSON text made elsewhere becomes: the same text inside a string.
    pub fn as_text(&mut self, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::new(Vec::new(), Style { indent: 0, airy: false, ..self.style }, 0);
        fill(&mut inner);
        self.text(&String::from_utf8_lossy(&inner.out));
    }
}

fn escape_into(out: &mut Vec<u8>, value: &str, ascii: bool) {
    let plain =
        |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\' && (!ascii || *byte < 0x80);
    if value.as_bytes().iter().all(plain) {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    for character in value.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\t' => out.extend_from_slice(b"\\t"),
            _ if (character as u32) < 0x20 || (ascii && !character.is_ascii()) => {
                escape_units(out, character);
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn escape_units(out: &mut Vec<u8>, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
    }
}
