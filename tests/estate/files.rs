//! Writes one file: records, what stands between them, damage, and the truth about each.

use std::io::{self, Write};

use super::Kind;
use super::damage::{Damage, Layout};
use super::json::{Json, Style};
use super::plan::FilePlan;
use super::portal_csv;
use super::quirks::Quirk;
use super::records::{Entry, Exporter, SignIn};
use super::rng::Rng;
use super::shapes::{Draft, GraphVersion, diagnostic, graph};
use super::truth::{Fate, FileTruth, TruthBuilder};
use super::world::World;
use super::wrap::{Sink, Wrap};

/// How a file looks, whatever it holds.
pub struct Form {
    pub wrap: Wrap,
    style: Style,
    /// Depth at which records stand, for indentation.
    depth: usize,
    line_end: &'static str,
    ends_with_line_end: bool,
    /// Records in one document, before the next is glued to it.
    document: usize,
    between_documents: &'static str,
    /// Records in one gzip member.
    member: usize,
    /// What a document begins and ends with, and what stands between its records.
    open: String,
    separator: String,
    close: String,
}

impl Form {
    pub fn draw(world: &World, file: &FilePlan) -> Self {
        let mut rng = Rng::derived(file.seed, &[6, file.kind as u64]);
        let options = &world.options;
        let hostile = rng.chance(options.hostile_share * 3.0);
        let wrap = Wrap::draw(options.wrapped_share, &mut rng);
        let style = style(file.kind, hostile, &mut rng);
        let is_glued = file.kind == Kind::EventHubRecords
            || (file.kind == Kind::GraphArray && rng.chance(0.3));
        let line_end = match file.kind {
            Kind::DiagnosticLines => *rng.pick(&["\n", "\r\n"]),
            kind if kind.is_csv() => "\r\n",
            _ => "\n",
        };
        let form = Self {
            wrap,
            style,
            depth: 0,
            line_end,
            ends_with_line_end: rng.chance(0.7),
            document: if is_glued { 1 + rng.below(60) } else { usize::MAX },
            between_documents: *rng.pick(&["\n", "", "\r\n"]),
            member: 10 + rng.below(500),
            open: String::new(),
            separator: line_end.into(),
            close: String::new(),
        };
        form.with_brackets(file.kind, &mut rng)
    }

    fn with_brackets(mut self, kind: Kind, rng: &mut Rng) -> Self {
        let (open, close) = match kind {
            Kind::EventHubRecords => ("{\"records\":[".into(), "]}"),
            Kind::GraphBetaPage | Kind::GraphV1Page => {
                (page_head(kind, self.style.indent, rng), "]}")
            }
            Kind::GraphArray | Kind::PortalJson => ("[".into(), "]"),
            _ => return self,
        };
        self.depth = close.len();
        (self.open, self.separator, self.close) = (open, ",".into(), close.into());
        if self.style.indent > 0 {
            let blanks = " ".repeat(self.depth * self.style.indent);
            self.open += &format!("\n{blanks}");
            self.separator += &format!("\n{blanks}");
            self.close =
                format!("\n{}{}", &blanks[self.style.indent..], self.close.replace("]}", "]\n}"));
        }
        self
    }

    pub fn path(&self, file: &FilePlan) -> String {
        // Not every compressed file says so.
        let is_named = self.wrap.gzip && file.seed.is_multiple_of(2);
        format!("{}{}", file.path, if is_named { ".gz" } else { "" })
    }
}

fn page_head(kind: Kind, indent: usize, rng: &mut Rng) -> String {
    let version = if kind == Kind::GraphV1Page { "v1.0" } else { "beta" };
    let gap = if indent > 0 { format!("\n{}", " ".repeat(indent)) } else { String::new() };
    let mut head = format!(
        "{{{gap}\"@odata.context\":\"https://graph.microsoft.com/{version}/$metadata#auditLogs/signIns\",{gap}"
    );
    if rng.chance(0.3) {
        head += &format!(
            "\"@odata.nextLink\":\"https://graph.microsoft.com/{version}/auditLogs/signIns?$skiptoken=3cff228c\",{gap}"
        );
    }
    head + "\"value\":["
}

fn style(kind: Kind, hostile: bool, rng: &mut Rng) -> Style {
    let plain = Style { ascii: hostile, ..Style::default() };
    match kind {
        // The blobs of real accounts have blanks in the envelope and none inside it.
        Kind::DiagnosticLines if rng.chance(0.6) => Style { spaced: true, airy: true, ..plain },
        Kind::DiagnosticLines | Kind::EventHubRecords => plain,
        // Python writes these: blanks, and nothing but ASCII.
        Kind::GraphLines => Style { spaced: true, ascii: true, ..plain },
        Kind::PortalJson => Style { indent: 4, ..plain },
        Kind::GraphBetaPage | Kind::GraphV1Page | Kind::GraphArray | Kind::GraphObject => {
            Style { indent: *rng.pick(&[0, 2, 4]), pascal: hostile, ascii: false, ..plain }
        }
        _ => plain,
    }
}

fn layout(kind: Kind) -> Layout {
    match kind {
        Kind::DiagnosticLines | Kind::GraphLines => Layout::Lines,
        kind if kind.is_csv() => Layout::Csv,
        _ => Layout::Nested,
    }
}

/// A record in the making.
struct Text {
    bytes: Vec<u8>,
    soft: Option<std::ops::Range<usize>>,
    has_id: bool,
}

pub fn write(
    world: &World,
    file: &FilePlan,
    form: &Form,
    target: &mut dyn Write,
    truth: &mut TruthBuilder,
) -> io::Result<()> {
    let mut sink = Sink::new(target, form.wrap)?;
    let mut writer = Writer {
        world,
        file,
        form,
        rng: Rng::derived(file.seed, &[8, file.kind as u64]),
        columns: portal_csv::columns(file.kind),
        next_fate: Fate::Certain,
        damaged: 0,
    };
    if file.kind.is_csv() {
        sink.text(format!("{}{}", portal_csv::header(file.kind), form.line_end).as_bytes())?;
    }
    let mut scratch = Vec::new();
    for (at, entry) in file.entries.iter().enumerate() {
        let (bytes, ends_here) = writer.record(at, entry, scratch, truth);
        writer.put(at, &bytes, ends_here, &mut sink)?;
        scratch = bytes;
        scratch.clear();
    }
    truth.add_file(writer.file_truth(sink.text_bytes));
    sink.finish()
}

struct Writer<'a> {
    world: &'a World,
    file: &'a FilePlan,
    form: &'a Form,
    rng: Rng,
    columns: Vec<&'static str>,
    /// What damage to the record before leaves of this one.
    next_fate: Fate,
    damaged: u64,
}

impl Writer<'_> {
    /// The text of one record, and whether the file breaks off with it.
    fn record(
        &mut self,
        at: usize,
        entry: &Entry,
        scratch: Vec<u8>,
        truth: &mut TruthBuilder,
    ) -> (Vec<u8>, bool) {
        let kind = self.file.kind;
        let sign_in = SignIn::new(self.world, self.file.exporter, entry);
        let mut text = self.render(at, &sign_in, entry, scratch);
        let mut fate = std::mem::replace(&mut self.next_fate, Fate::Certain);
        let mut ends_here = false;
        if let Some(damage) = self.draw_damage(at, entry) {
            let outlook =
                damage.strike(&mut text.bytes, text.soft.take(), layout(kind), &mut self.rng);
            if outlook.own == Fate::Doubtful {
                fate = Fate::Doubtful;
            }
            self.next_fate = outlook.next;
            self.damaged += 1;
            ends_here = damage == Damage::HalfLast;
            truth.add_rejects(outlook.rejects.0, outlook.rejects.1);
        }
        match sign_in.facts(self.world, kind) {
            Some(facts) => {
                let rank = (!entry.interim, kind.lists_policies());
                truth.add_partner(text.has_id.then_some(&sign_in.id), facts, rank, fate);
            }
            None => truth.add_other(fate),
        }
        (text.bytes, ends_here)
    }

    fn render(&mut self, at: usize, sign_in: &SignIn, entry: &Entry, scratch: Vec<u8>) -> Text {
        let kind = self.file.kind;
        if kind.is_csv() {
            let mut bytes = scratch;
            let soft = portal_csv::row(&mut bytes, &self.columns, sign_in, kind);
            return Text { bytes, soft, has_id: true };
        }
        let quirk = self.draw_quirk(at, entry);
        let draft = Draft { sign_in, quirk };
        let mut w = Json::new(scratch, self.form.style, self.form.depth);
        match kind {
            Kind::DiagnosticLines | Kind::EventHubRecords => diagnostic(&mut w, draft),
            Kind::GraphV1Page => graph(&mut w, draft, GraphVersion::V1),
            _ => graph(&mut w, draft, GraphVersion::Beta),
        }
        Text { bytes: w.out, soft: w.soft, has_id: quirk != Some(Quirk::NoId) }
    }

    /// After damage in a nested file a reader goes on where a record begins like the first one,
    /// so among damage all records begin alike.
    fn draw_quirk(&mut self, at: usize, entry: &Entry) -> Option<Quirk> {
        let options = &self.world.options;
        let quirk = Quirk::draw(options.hostile_share, entry, self.file.kind, &mut self.rng);
        let must_begin_alike = options.damage > 0.0 && layout(self.file.kind) == Layout::Nested;
        quirk.filter(|quirk| !must_begin_alike || (at > 0 && !quirk.changes_first_key()))
    }

    fn draw_damage(&mut self, at: usize, entry: &Entry) -> Option<Damage> {
        if entry.safe || !self.rng.chance(self.world.options.damage) {
            return None;
        }
        let layout = layout(self.file.kind);
        let is_last = at + 1 == self.file.entries.len();
        let damage = Damage::draw(layout, is_last, &mut self.rng);
        // A file's first record shows what the file is and where its records stand, and a
        // partner's file without envelopes must show whose it is. The safe record behind must
        // not suffer either.
        let is_next_safe = self.file.entries.get(at + 1).is_some_and(|next| next.safe);
        let is_partner_log =
            matches!(self.file.exporter, Exporter::Partner(_)) && !self.file.kind.is_diagnostic();
        let must_hold = at == 0 || (layout == Layout::Nested && is_next_safe);
        (damage == Damage::Garbage || !(must_hold || is_partner_log)).then_some(damage)
    }

    /// Writes a record with what stands before and behind it.
    fn put(
        &self,
        at: usize,
        text: &[u8],
        ends_here: bool,
        sink: &mut Sink<&mut dyn Write>,
    ) -> io::Result<()> {
        let form = self.form;
        let is_last = at + 1 == self.file.entries.len();
        if at > 0 && at.is_multiple_of(form.member) {
            sink.next_member()?;
        }
        match at % form.document {
            0 if at > 0 => {
                sink.text(form.close.as_bytes())?;
                sink.text(form.between_documents.as_bytes())?;
                sink.text(form.open.as_bytes())?;
            }
            0 => sink.text(form.open.as_bytes())?,
            _ => sink.text(form.separator.as_bytes())?,
        }
        sink.text(text)?;
        if is_last && !ends_here {
            sink.text(form.close.as_bytes())?;
            if form.ends_with_line_end {
                sink.text(form.line_end.as_bytes())?;
            }
        }
        Ok(())
    }

    fn file_truth(&self, text_bytes: u64) -> FileTruth {
        let exporting = match self.file.exporter {
            Exporter::Child(at) => &self.world.children[at].id,
            Exporter::Partner(at) => &self.world.partners[at].id,
        };
        FileTruth {
            path: self.form.path(self.file),
            kind: self.file.kind,
            text_bytes,
            records: self.file.entries.len() as u64,
            damaged: self.damaged,
            exporting_tenant: exporting.clone(),
        }
    }
}
