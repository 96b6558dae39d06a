//! Writes one file: records, what stands between them, damage, and the truth about each.

use std::io::{self, Write};

use super::damage::{Damage, Layout};
use super::documents::Brackets;
use super::json::{Json, Style};
use super::kind::Kind;
use super::plan::FilePlan;
use super::quirks::Quirk;
use super::records::{Entry, Exporter, SignIn};
use super::rng::Rng;
use super::shapes::{Draft, GraphVersion, diagnostic, graph};
use super::truth::{Fate, FileTruth, Standing, TruthBuilder};
use super::world::World;
use super::wrap::{Sink, Wrap};
use super::{csv, defender, log_analytics, power_shell};

/// How a file looks, whatever it holds.
pub struct Form {
    pub wrap: Wrap,
    style: Style,
    line_end: &'static str,
    ends_with_line_end: bool,
    /// Records in one document, before the next is glued to it.
    document: usize,
    between_documents: &'static str,
    /// Records in one member of a packed file.
    member: usize,
    /// For what a tool does in one way throughout a file.
    variant: u64,
    brackets: Brackets,
}

impl Form {
    pub fn draw(world: &World, file: &FilePlan) -> Self {
        let mut rng = Rng::derived(file.seed, &[6, file.kind as u64]);
        let options = &world.options;
        let hostile = rng.chance(options.hostile_share * 3.0);
        let wrap = Wrap::draw(options, &mut rng);
        let style = style(file.kind, hostile, &mut rng);
        let line_end = match file.kind {
            Kind::DiagnosticLines => *rng.pick(&["\n", "\r\n"]),
            kind if kind.is_csv() => "\r\n",
            _ => "\n",
        };
        let document = document_size(file.kind, &mut rng);
        let (between_documents, ends_with_line_end, member) =
            (*rng.pick(&["\n", "", "\r\n"]), rng.chance(0.7), 10 + rng.below(500));
        let variant = rng.next();
        let brackets = Brackets::draw(file.kind, style, line_end, variant, &mut rng);
        Self {
            wrap,
            style,
            line_end,
            ends_with_line_end,
            document,
            // PowerShell ends what it appends with a line end.
            between_documents: if file.kind.has_bare_pages() { "\r\n" } else { between_documents },
            member,
            variant,
            brackets,
        }
    }

    pub fn path(&self, file: &FilePlan) -> String {
        // Not every compressed file says so.
        let is_named = file.seed.is_multiple_of(2);
        format!("{}{}", file.path, if is_named { self.wrap.extension() } else { "" })
    }
}

fn document_size(kind: Kind, rng: &mut Rng) -> usize {
    match kind {
        Kind::EventHubRecords => 1 + rng.below(60),
        Kind::GraphArray if rng.chance(0.3) => 1 + rng.below(60),
        Kind::SuitePages | Kind::SuiteMerged | Kind::SuitePascal => 1 + rng.below(20),
        _ => usize::MAX,
    }
}

fn style(kind: Kind, hostile: bool, rng: &mut Rng) -> Style {
    let plain = Style { ascii: hostile, ..Style::default() };
    match kind {
        // The blobs of real accounts have blanks in the envelope and none inside it.
        Kind::DiagnosticLines if rng.chance(0.6) => Style { spaced: true, airy: true, ..plain },
        // Python writes these: blanks, and nothing but ASCII.
        Kind::GraphLines => Style { spaced: true, ascii: true, ..plain },
        Kind::PortalJson => Style { indent: 4, ..plain },
        Kind::LogAnalyticsAz | Kind::SuitePages | Kind::SuiteMerged | Kind::DfirJson => {
            Style { indent: 2, ..plain }
        }
        Kind::SuitePascal => Style { indent: 4, pascal: true, ..plain },
        Kind::PowerShellJson | Kind::InvokeJson => Style { indent: *rng.pick(&[2, 4]), ..plain },
        Kind::LogAnalyticsRest | Kind::KustoV1 | Kind::KustoV2 | Kind::DefenderJson => {
            Style { indent: *rng.pick(&[0, 0, 2]), ..plain }
        }
        Kind::GraphBetaPage | Kind::GraphV1Page | Kind::GraphArray | Kind::GraphObject => {
            Style { indent: *rng.pick(&[0, 2, 4]), pascal: hostile, ascii: false, ..plain }
        }
        _ => plain,
    }
}

fn layout(kind: Kind) -> Layout {
    match kind {
        Kind::DiagnosticLines | Kind::GraphLines | Kind::SuiteLines | Kind::DataExport => {
            Layout::Lines
        }
        kind if kind.is_csv() || kind.is_json_table() => Layout::Table,
        _ => Layout::Nested,
    }
}

/// A record in the making.
struct Text {
    bytes: Vec<u8>,
    soft: Option<std::ops::Range<usize>>,
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
        columns: if file.kind.is_csv() { columns(world, file) } else { Vec::new() },
        next_fate: Fate::Certain,
        damaged: 0,
    };
    if file.kind.is_csv() {
        sink.text(&csv::head(file.kind, &writer.columns, form.variant, form.line_end))?;
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

fn columns(world: &World, file: &FilePlan) -> Vec<String> {
    csv::columns(file.kind, file.exporter.tenant(world).policies.len())
}

struct Writer<'a> {
    world: &'a World,
    file: &'a FilePlan,
    form: &'a Form,
    rng: Rng,
    columns: Vec<String>,
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
        let quirk = self.draw_quirk(at, entry);
        let draft = Draft { sign_in: &sign_in, quirk, variant: self.form.variant };
        let mut text = self.render(draft, scratch);
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
        let standing = match quirk {
            Some(Quirk::OtherTable) => Standing::Other,
            _ => sign_in.standing(self.world, kind),
        };
        match standing {
            Standing::Partner(facts) => {
                let rank = (!entry.interim, kind.shows().policies);
                let id = (quirk != Some(Quirk::NoId)).then_some(&*sign_in.id);
                truth.add_partner(id, facts, rank, fate);
            }
            Standing::Other => truth.add_other(fate),
            Standing::Reject => truth.add_rejects(u64::from(fate == Fate::Certain), 1),
        }
        (text.bytes, ends_here)
    }

    fn render(&self, draft: Draft, scratch: Vec<u8>) -> Text {
        let kind = self.file.kind;
        if kind.is_csv() {
            let mut bytes = scratch;
            let soft = csv::row(&mut bytes, &self.columns, draft, kind);
            return Text { bytes, soft };
        }
        let mut w = Json::new(scratch, self.form.style, self.form.brackets.depth);
        match kind {
            Kind::DiagnosticLines | Kind::EventHubRecords => diagnostic(&mut w, draft),
            Kind::GraphV1Page => graph(&mut w, draft, GraphVersion::V1),
            Kind::CippJson => graph(&mut w, draft, GraphVersion::Cipp),
            Kind::DefenderJson => defender::row(&mut w, draft),
            Kind::PowerShellJson => power_shell::record(&mut w, draft),
            kind if kind.is_log_analytics() => log_analytics::row(&mut w, draft, kind),
            _ => graph(&mut w, draft, GraphVersion::Beta),
        }
        Text { bytes: w.out, soft: w.soft }
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
            matches!(self.file.exporter, Exporter::Partner(_)) && !self.file.kind.names_exporter();
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
        let brackets = &form.brackets;
        match at % form.document {
            0 => {
                if at > 0 {
                    sink.text(form.between_documents.as_bytes())?;
                }
                sink.text(self.opening(at).as_bytes())?;
            }
            _ => sink.text(brackets.separator.as_bytes())?,
        }
        sink.text(text)?;
        if !ends_here && (is_last || (at + 1).is_multiple_of(form.document)) {
            sink.text(self.closing(at).as_bytes())?;
        }
        if is_last && !ends_here && form.ends_with_line_end {
            sink.text(form.line_end.as_bytes())?;
        }
        Ok(())
    }

    /// The document at this record holds no other, in a kind that then leaves out the brackets.
    fn is_bare(&self, at: usize) -> bool {
        let begin = at - at % self.form.document;
        let records = self.form.document.min(self.file.entries.len() - begin);
        records == 1 && self.file.kind.has_bare_pages()
    }

    /// A merge puts all into brackets of its own, after it took the first and the last one off.
    fn opening(&self, at: usize) -> &str {
        let is_merged = self.file.kind == Kind::SuiteMerged && at == 0;
        if self.is_bare(at) && !is_merged { "" } else { &self.form.brackets.open }
    }

    fn closing(&self, at: usize) -> &str {
        let is_last = at + 1 == self.file.entries.len();
        let is_merged = self.file.kind == Kind::SuiteMerged && is_last;
        if self.is_bare(at) && !is_merged { "" } else { &self.form.brackets.close }
    }

    fn file_truth(&self, text_bytes: u64) -> FileTruth {
        let path = self.form.path(self.file);
        FileTruth {
            path: match &self.file.archive {
                Some(archive) => format!("{archive}!/{path}"),
                None => path,
            },
            kind: self.file.kind,
            text_bytes,
            records: self.file.entries.len() as u64,
            damaged: self.damaged,
            exporting_tenant: self.file.exporter.tenant(self.world).id.clone(),
        }
    }
}
