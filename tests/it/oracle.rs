//! The slow oracle: design.md §3 (relate, dedupe) and §5 (verdict) in the plainest form. Whole
//! files, whole documents, no framer, no peek, no dialects: whatever the kind of export, its words
//! become Graph's and one reading does for all. Right first, and slow.
//!
//! Damage: what cannot be parsed is skipped up to the next line. That is exact for JSON lines;
//! for damaged arrays and pages the oracle may find less than a framer does.

// Support code outside of a test function: it may fail loudly all the same.
#![allow(clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Side and lower-case id; without an id, `raw:` and the record itself.
pub(crate) type Key = (&'static str, String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) side: &'static str,
    pub(crate) partner: String,
    pub(crate) partner_match: &'static str,
    pub(crate) child: Option<String>,
    pub(crate) verdict: &'static str,
    pub(crate) disputed: bool,
    pub(crate) error_code: Option<i64>,
    pub(crate) blocking: BTreeSet<String>,
    pub(crate) would_block: BTreeSet<String>,
    pub(crate) created_second: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) records: u64,
    pub(crate) partner: u64,
    pub(crate) other: u64,
    pub(crate) duplicate: u64,
    pub(crate) rejected: u64,
    /// The winning rows, and counts of them: in all, per child, and (blocked, would block)
    /// sign-ins per child and policy.
    pub(crate) rows: BTreeMap<Key, Row>,
    pub(crate) verdicts: BTreeMap<&'static str, u64>,
    pub(crate) children: BTreeMap<(String, &'static str), u64>,
    pub(crate) policies: BTreeMap<(String, String), (u64, u64)>,
}

/// Judges exports, given as path and bytes. `partners` are tenant id and domains;
/// `error_codes` is the table of `data/error_codes.csv`.
pub(crate) fn judge(
    files: &[(String, Vec<u8>)],
    partners: &[(String, Vec<String>)],
    error_codes: &Path,
) -> Answer {
    let partners = partners
        .iter()
        .map(|(id, domains)| (lower(id), domains.iter().map(|d| lower(d)).collect()))
        .collect();
    let rules = Rules { partners, codes: read_codes(error_codes) };
    let mut answer = Answer::default();
    let mut copies: BTreeMap<Key, Vec<Copy>> = BTreeMap::new();
    for (path, bytes) in files.iter().flat_map(|(path, bytes)| unpack(path, bytes)) {
        let (records, rejected) = read(&bytes);
        answer.records += records.len() as u64 + rejected;
        answer.rejected += rejected;
        let exporting = tenant_in_path(&path).or_else(|| only_tenant(&records));
        for record in &records {
            match rules.judge(record, exporting.as_deref()) {
                Judged::Other => answer.other += 1,
                Judged::Reject => answer.rejected += 1,
                Judged::Partner(row) => {
                    copies
                        .entry((row.side, record.key()))
                        .or_default()
                        .push(Copy::new(record, row));
                }
            }
        }
    }
    answer.duplicate = copies.values().map(|copies| copies.len() as u64 - 1).sum();
    answer.partner = copies.len() as u64;
    answer.rows = copies.into_iter().map(|(key, copies)| (key, winner(copies))).collect();
    answer.count();
    answer
}

// ---- judging ----

struct Rules {
    partners: BTreeMap<String, Vec<String>>,
    /// By code: is_conditional_access, kind, kind_noninteractive.
    codes: BTreeMap<i64, [String; 3]>,
}

/// What becomes of a record.
enum Judged {
    Partner(Row),
    Other,
    Reject,
}

impl Rules {
    fn judge(&self, record: &Record, file_tenant: Option<&str>) -> Judged {
        let partner = self.relate(record).filter(|_| record.is_sign_in());
        let Some((partner, partner_match)) = partner else { return Judged::Other };
        let (failing, would_block) = (
            record.policies(&["failure"]),
            record.policies(&["reportonlyfailure", "reportonlyinterrupted"]),
        );
        let Some((verdict, disputed)) = self.verdict(record, !failing.is_empty()) else {
            return Judged::Reject;
        };
        let (home, resource) = (record.word("homeTenantId"), record.word("resourceTenantId"));
        let own = record.exporting_tenant();
        let exporting = if own.is_empty() { file_tenant.unwrap_or_default() } else { &own };
        let side = match () {
            _ if !home.is_empty() && home == resource => "home",
            _ if !home.is_empty() && home == exporting => "outbound",
            _ => "inbound",
        };
        let child = if resource.is_empty() { exporting } else { &resource };
        Judged::Partner(Row {
            side,
            partner,
            partner_match,
            child: (side != "home" && !child.is_empty()).then(|| child.to_string()),
            verdict,
            disputed,
            error_code: record.error_code(),
            blocking: if verdict == "blocked" { failing } else { BTreeSet::new() },
            would_block,
            created_second: seconds(&record.created()),
        })
    }

    fn relate(&self, record: &Record) -> Option<(String, &'static str)> {
        let (home, owner) = (record.word("homeTenantId"), record.word("appOwnerTenantId"));
        if self.partners.contains_key(&home) {
            return Some((home, "listed"));
        }
        if is_service_provider(record.body.get("crossTenantAccessType")) {
            return Some((home, "service_provider"));
        }
        let name = record.word("userPrincipalName");
        let domain = name.rsplit_once('@').map_or("", |(_, domain)| domain).to_string();
        if let Some((id, _)) =
            self.partners.iter().find(|(_, domains)| home.is_empty() && domains.contains(&domain))
        {
            return Some((id.clone(), "domain"));
        }
        self.partners.contains_key(&owner).then_some((owner, "app_owner"))
    }

    /// design.md §5, in its order; `None` where nothing tells what came of it.
    fn verdict(&self, record: &Record, fails: bool) -> Option<(&'static str, bool)> {
        let code = record.error_code();
        let [is_ca, interactive, other] =
            code.and_then(|code| self.codes.get(&code)).cloned().unwrap_or_default();
        let kind = if record.is_interactive() { interactive } else { other };
        let (portal, status) = (record.status_word(), record.conditional_access_status());
        Some(match () {
            _ if code == Some(0) || portal == "success" => ("succeeded", fails),
            _ if kind == "interrupt" || portal == "interrupted" => ("interrupted", false),
            _ if fails && status == "failure" => ("blocked", false),
            _ if fails && status.is_empty() && (is_ca == "yes" || is_ca == "maybe") => {
                ("blocked", false)
            }
            _ if fails => ("blocked", true),
            _ if status == "failure" || is_ca == "yes" => ("unexplained", false),
            _ if code.is_none() && portal.is_empty() => return None,
            _ => ("failed", false),
        })
    }
}

fn is_service_provider(access: &Doc) -> bool {
    match access {
        Doc::Number(text) | Doc::Text(text) => {
            text.trim().parse::<i64>().is_ok_and(|bits| bits & 8 != 0)
                || text
                    .replace(' ', "")
                    .split(',')
                    .any(|word| word.eq_ignore_ascii_case("serviceProvider"))
        }
        Doc::List(words) => words.iter().any(is_service_provider),
        _ => false,
    }
}

/// A record of the sign-in: when its state was published, and how much it shows.
struct Copy {
    published: Option<i64>,
    evidence: (usize, usize, usize),
    row: Row,
}

impl Copy {
    fn new(record: &Record, row: Row) -> Self {
        let policies = record.applied();
        let with = |key: &str| {
            policies.iter().filter(|policy| !matches!(policy.get(key), Doc::Null)).count()
        };
        let evidence = (with("result"), with("conditionsSatisfied"), with("includeRulesSatisfied"));
        Self { published: nanoseconds(&record.published()), evidence, row }
    }
}

/// The final state first: the newest, or a copy that has no states. Then the more evidence.
fn winner(copies: Vec<Copy>) -> Row {
    let newest = copies.iter().filter_map(|copy| copy.published).max();
    let is_final = |copy: &Copy| copy.published.is_none() || copy.published == newest;
    copies
        .into_iter()
        .filter(is_final)
        .max_by_key(|copy| copy.evidence)
        .map(|copy| copy.row)
        .expect("one copy is the newest")
}

impl Answer {
    fn count(&mut self) {
        let inbound = |row: &&Row| row.side == "inbound";
        let with_inbound: BTreeSet<_> =
            self.rows.values().filter(inbound).filter_map(|row| row.child.clone()).collect();
        for row in self.rows.values() {
            *self.verdicts.entry(row.verdict).or_default() += 1;
            let Some(child) = &row.child else { continue };
            if row.side == "outbound" && with_inbound.contains(child) {
                continue;
            }
            *self.children.entry((child.clone(), row.verdict)).or_default() += 1;
            for policy in &row.blocking {
                self.policies.entry((child.clone(), policy.clone())).or_default().0 += 1;
            }
            for policy in &row.would_block {
                self.policies.entry((child.clone(), policy.clone())).or_default().1 += 1;
            }
        }
    }
}

/// As storage accounts and DFIR-O365RC name their files.
fn tenant_in_path(path: &str) -> Option<String> {
    let marks = ["tenantId=", "AADSigninLog_"];
    let (_, tail) = marks.iter().find_map(|mark| path.split_once(mark))?;
    tail.split(['/', '_']).next().map(lower)
}

/// The one tenant that is home or resource in all records that name any.
fn only_tenant(records: &[Record]) -> Option<String> {
    let tenants = |record: &Record| {
        BTreeSet::from([record.word("homeTenantId"), record.word("resourceTenantId")])
    };
    let named = |tenants: &BTreeSet<String>| tenants.iter().any(|tenant| !tenant.is_empty());
    let common =
        records.iter().map(tenants).filter(named).reduce(|all, tenants| &all & &tenants)?;
    let mut common = common.into_iter().filter(|tenant| !tenant.is_empty());
    common.next().filter(|_| common.next().is_none())
}

fn read_codes(path: &Path) -> BTreeMap<i64, [String; 3]> {
    let mut table = csv::Reader::from_path(path).expect("the table of error codes opens");
    let headers = table.headers().expect("it has headers").clone();
    let column = |name: &str| headers.iter().position(|header| header == name).expect(name);
    let (code, columns) =
        (column("code"), ["is_conditional_access", "kind", "kind_noninteractive"].map(column));
    let rows = table.records().map(|row| row.expect("its rows are whole"));
    rows.map(|row| {
        (
            row[code].parse().expect("codes are numbers"),
            columns.map(|column| row[column].to_string()),
        )
    })
    .collect()
}

// ---- reading ----

/// A sign-in with what stands around it; the envelope is `Null` where there is none.
#[derive(Debug)]
struct Record {
    envelope: Doc,
    body: Doc,
}

impl Record {
    fn word(&self, key: &str) -> String {
        self.body.word(key)
    }

    fn key(&self) -> String {
        let id = self.word("id");
        if id.is_empty() { format!("raw:{self:?}") } else { id }
    }

    fn created(&self) -> String {
        self.first(&["createdDateTime", "timeGenerated", "timestamp"])
    }

    fn published(&self) -> String {
        let of_envelope = self.envelope.text("time");
        if of_envelope.is_empty() { self.body.text("timeGenerated") } else { of_envelope }
    }

    /// `TenantId` of a workspace's row is the workspace's.
    fn exporting_tenant(&self) -> String {
        let of_envelope = self.envelope.word("tenantId");
        if of_envelope.is_empty() { self.word("aadTenantId") } else { of_envelope }
    }

    fn first(&self, keys: &[&str]) -> String {
        let texts = keys.iter().map(|key| self.body.text(key));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// What tells the log: Azure Monitor's category, the table, Graph's list of types.
    fn log(&self) -> String {
        let keys = ["category", "type", "logonType", "signInEventTypes"];
        let texts = keys.iter().map(|key| self.body.get(key).flat_text());
        lower(&texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default())
    }

    /// A row of a workspace's other tables is none.
    fn is_sign_in(&self) -> bool {
        self.body.get("timeGenerated") == &Doc::Null || self.log().contains("signin")
    }

    fn is_interactive(&self) -> bool {
        match self.log() {
            log if log.contains("noninteractive") => false,
            log if log.contains("interactive") || log.starts_with("signinlogs") => true,
            _ => matches!(self.word("isInteractive").as_str(), "true" | "yes" | "1"),
        }
    }

    fn error_code(&self) -> Option<i64> {
        let status = self.body.get("status").parsed();
        let places = [
            status.word("errorCode"),
            self.word("errorCode"),
            self.word("resultType"),
            self.envelope.word("resultType"),
        ];
        let code = places.iter().find_map(|text| text.parse().ok());
        code.or_else(|| (self.status_word() == "success").then_some(0))
    }

    /// The portal's column, in the languages that the estates have; CIPP words the code itself.
    fn status_word(&self) -> &'static str {
        let words = [self.word("status"), self.body.get("status").word("errorCode")];
        words.iter().map(|word| english(word)).find(|word| !word.is_empty()).unwrap_or_default()
    }

    fn conditional_access_status(&self) -> String {
        let word = self.word("conditionalAccessStatus");
        let known = match word.as_str() {
            "0" => "success",
            "1" => "failure",
            "2" => "notapplied",
            other => english(other),
        };
        if known.is_empty() { word } else { known.to_string() }
    }

    fn applied(&self) -> Vec<Doc> {
        let keys = ["appliedConditionalAccessPolicies", "conditionalAccessPolicies"];
        let held = keys.map(|key| self.body.get(key));
        match held.into_iter().find(|held| **held != Doc::Null) {
            Some(Doc::List(policies)) => policies.clone(),
            // Flattened: `….0.displayName`.
            Some(Doc::Pairs(policies)) => policies.iter().map(|(_, one)| one.clone()).collect(),
            // An array as text, with or without its brackets.
            Some(Doc::Text(json)) => [json.clone(), format!("[{json}]")]
                .iter()
                .find_map(|json| serde_json::from_str(json).ok())
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    fn policies(&self, results: &[&str]) -> BTreeSet<String> {
        let policies = self.applied();
        policies
            .iter()
            .filter(|policy| results.contains(&policy.word("result").as_str()))
            .map(|policy| policy.word("id"))
            .collect()
    }
}

/// The files in an archive under their names, or the file itself.
fn unpack(path: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let plain = decompress(bytes);
    let members = match plain.as_slice() {
        [b'P', b'K', 3, 4, ..] => zip_members(&plain),
        tar if tar.get(257..262) == Some(b"ustar") => tar_members(tar),
        _ => return vec![(path.to_string(), plain)],
    };
    let members = members.into_iter().map(|(name, bytes)| (format!("{path}!/{name}"), bytes));
    members.flat_map(|(path, bytes)| unpack(&path, &bytes)).collect()
}

fn zip_members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
    (0..zip.len())
        .map(|at| {
            let mut member = zip.by_index(at).expect("a member");
            let mut plain = Vec::new();
            member.read_to_end(&mut plain).expect("a whole member");
            (member.name().expect("a name").into_owned(), plain)
        })
        .collect()
}

fn tar_members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut tar = tar::Archive::new(bytes);
    let entries = tar.entries().expect("a tar").map(|entry| entry.expect("a member"));
    entries
        .map(|mut entry| {
            let (name, mut plain) = (entry.path_bytes().into_owned(), Vec::new());
            entry.read_to_end(&mut plain).expect("a whole member");
            (String::from_utf8_lossy(&name).into_owned(), plain)
        })
        .collect()
}

/// The records of a file, and how many places could not be read.
fn read(bytes: &[u8]) -> (Vec<Record>, u64) {
    let text = decode(bytes);
    match text.trim_start().chars().next() {
        Some('{' | '[') => read_json(&mend_escapes(&text)),
        _ => read_csv(&text),
    }
}

fn decompress(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match bytes {
        [0x1F, 0x8B, ..] => drop(flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain)),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            plain = zstd::decode_all(bytes).expect("a whole zstd file");
        }
        _ => plain.extend_from_slice(bytes),
    }
    plain
}

fn decode(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect()
    };
    match bytes {
        [0xFF, 0xFE, 0, 0, rest @ ..] => {
            let units = rest.chunks_exact(4).map(|four| [four[0], four[1], four[2], four[3]]);
            let characters = units.map(|unit| char::from_u32(u32::from_le_bytes(unit)));
            characters.map(|character| character.unwrap_or('\u{FFFD}')).collect()
        }
        [0xFF, 0xFE, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Half of a surrogate pair becomes U+FFFD, which serde_json would refuse.
fn mend_escapes(text: &str) -> String {
    let unit = |at: usize| {
        text.get(at..at + 6)
            .filter(|e| e.starts_with("\\u"))
            .and_then(|e| u16::from_str_radix(&e[2..], 16).ok())
    };
    let (mut mended, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(next) = text[at..].find('\\').map(|ahead| at + ahead) {
        mended += &text[at..next];
        let length = match (unit(next), unit(next + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                mended += "\u{FFFD}";
                at = next + 6;
                continue;
            }
            _ => 1 + text[next + 1..].chars().next().map_or(0, char::len_utf8),
        };
        mended += &text[next..next + length];
        at = next + length;
    }
    mended + &text[at..]
}

/// Takes one object after the other, whatever brackets stand around them: tools glue arrays, and
/// merge them with brackets missing.
fn read_json(text: &str) -> (Vec<Record>, u64) {
    const BETWEEN: [char; 4] = ['[', ']', ',', '\u{feff}'];
    let (mut records, mut rejected, mut rest) = (Vec::new(), 0, text);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || BETWEEN.contains(&c));
        if rest.is_empty() {
            return (records, rejected);
        }
        let mut documents = serde_json::Deserializer::from_str(rest).into_iter::<Doc>();
        if let Some(Ok(document)) = documents.next() {
            rest = &rest[documents.byte_offset()..];
            collect(document, &mut records);
        } else {
            rejected += 1;
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        }
    }
}

/// Finds the sign-ins in a document, whatever wraps them. A sign-in is what has a creation time.
fn collect(document: Doc, records: &mut Vec<Record>) {
    if let Doc::List(items) = document {
        return items.into_iter().for_each(|item| collect(item, records));
    }
    // An answer's first table holds its rows; in frames it is the one that says so.
    if let Doc::List(tables) = document.get("tables") {
        return tables.first().into_iter().for_each(|table| collect_rows(table, records));
    }
    match document.text("frameType").as_str() {
        "" => {}
        "DataTable" if document.text("tableKind") == "PrimaryResult" => {
            return collect_rows(&document, records);
        }
        _ => return,
    }
    for wrapper in ["records", "value", "results"] {
        if let list @ Doc::List(_) = document.get(wrapper) {
            return collect(list.clone(), records);
        }
    }
    let (envelope, body) = match document.get("properties").parsed() {
        Doc::Null => (Doc::Null, document),
        properties => (document, properties),
    };
    add(Record { envelope, body: in_graph_words(body) }, records);
}

fn add(record: Record, records: &mut Vec<Record>) {
    if !record.created().is_empty() {
        records.push(record);
    }
}

/// Rows that are lists of cells under a list of columns.
fn collect_rows(table: &Doc, records: &mut Vec<Record>) {
    let (Doc::List(columns), Doc::List(rows)) = (table.get("columns"), table.get("rows")) else {
        return;
    };
    let name = |column: &Doc| column.text("name") + &column.text("columnName");
    let names: Vec<String> = columns.iter().map(name).collect();
    for row in rows {
        let Doc::List(cells) = row else { continue };
        let pairs = names.iter().cloned().zip(cells.iter().cloned()).collect();
        add(Record { envelope: Doc::Null, body: in_graph_words(Doc::Pairs(pairs)) }, records);
    }
}

fn read_csv(text: &str) -> (Vec<Record>, u64) {
    let text = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#TYPE") => rest,
        _ => text,
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let names: Vec<String> = reader
        .headers()
        .map(|headers| headers.iter().map(|header| header.trim().to_string()).collect())
        .unwrap_or_default();
    let names = in_english(names);
    let (mut records, mut rejected) = (Vec::new(), 0);
    for row in reader.records() {
        match row {
            Ok(row) if row.len() == names.len() => {
                let mut body = Doc::Pairs(Vec::new());
                for (name, cell) in names.iter().zip(&row) {
                    // What CIPP's page writes for nothing.
                    let cell = if cell == "No data" { "" } else { cell };
                    body.insert(name, Doc::Text(cell.into()));
                }
                records.push(Record { envelope: Doc::Null, body: in_graph_words(body) });
            }
            _ => rejected += 1,
        }
    }
    (records, rejected)
}

/// Headers of the portal in another language stand in the order of 2025.
fn in_english(names: Vec<String>) -> Vec<String> {
    const DATES: [&str; 2] = ["Datum (UTC)", "日付 (UTC)"];
    if names.first().is_none_or(|first| !DATES.contains(&first.as_str())) {
        return names;
    }
    const KNOWN: [(usize, &str); 13] = [
        (0, "Date (UTC)"),
        (1, "Request ID"),
        (6, "Username"),
        (7, "User type"),
        (8, "Cross tenant access type"),
        (18, "App owner tenant ID"),
        (21, "Resource tenant ID"),
        (23, "Home tenant ID"),
        (27, "Status"),
        (28, "Sign-in error code"),
        (29, "Failure reason"),
        (52, "Conditional Access"),
        (45, "Global Secure Access IP address"),
    ];
    let known = |at: usize| KNOWN.iter().find(|(place, _)| *place == at).map(|(_, name)| *name);
    names.into_iter().enumerate().map(|(at, name)| known(at).map_or(name, str::to_string)).collect()
}

/// Every kind's names of what is judged, as Graph has them.
fn in_graph_words(body: Doc) -> Doc {
    let Doc::Pairs(pairs) = body else { return body };
    Doc::Pairs(pairs.into_iter().map(|(name, value)| (graph_name(&name), value)).collect())
}

fn graph_name(name: &str) -> String {
    match name {
        "Date (UTC)" => "createdDateTime",
        "CreatedDateTime [UTC]" => "createdDateTime",
        "TimeGenerated [UTC]" => "timeGenerated",
        "Request ID" | "RequestId" => "id",
        "Username" | "AccountUpn" => "userPrincipalName",
        "Sign-in error code" => "errorCode",
        "Conditional Access" => "conditionalAccessStatus",
        other => return other.replace(' ', ""),
    }
    .into()
}

/// A word of the portal in English; other words are no word.
fn english(word: &str) -> &'static str {
    match word {
        "success" | "erfolg" | "成功" => "success",
        "failure" | "fehler" | "失敗" => "failure",
        "interrupted" | "unterbrochen" | "中断" => "interrupted",
        "notapplied" | "nichtangewendet" | "適用されていません" => "notapplied",
        _ => "",
    }
}

/// JSON that keeps repeated keys and their order, which `Value` does not.
#[derive(Clone, Debug, Default, PartialEq)]
enum Doc {
    #[default]
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
    List(Vec<Doc>),
    Pairs(Vec<(String, Doc)>),
}

impl Doc {
    /// Sets a member; a dotted name leads into members of members.
    fn insert(&mut self, name: &str, value: Doc) {
        if !matches!(self, Self::Pairs(_)) {
            *self = Self::Pairs(Vec::new());
        }
        let Self::Pairs(pairs) = self else { return };
        let Some((outer, inner)) = name.split_once('.') else {
            return pairs.push((name.to_string(), value));
        };
        let at = pairs.iter().position(|(name, _)| name == outer).unwrap_or_else(|| {
            pairs.push((outer.to_string(), Self::Null));
            pairs.len() - 1
        });
        pairs[at].1.insert(inner, value);
    }

    /// JSON that stands as text, read.
    fn parsed(&self) -> Doc {
        match self {
            Self::Text(json) => serde_json::from_str(json).unwrap_or_default(),
            other => other.clone(),
        }
    }

    /// A text, or the texts of a list one after the other.
    fn flat_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(items) => items.iter().map(Self::flat_text).collect(),
            Self::Pairs(pairs) => pairs.iter().map(|(_, value)| value.flat_text()).collect(),
            _ => String::new(),
        }
    }

    /// Keys without case; the last wins.
    fn get(&self, key: &str) -> &Doc {
        let Self::Pairs(pairs) = self else { return &Self::Null };
        pairs
            .iter()
            .rfind(|(name, _)| name.eq_ignore_ascii_case(key))
            .map_or(&Self::Null, |(_, value)| value)
    }

    fn text(&self, key: &str) -> String {
        match self.get(key) {
            Self::Text(text) | Self::Number(text) => text.trim().into(),
            Self::Boolean(value) => value.to_string(),
            _ => String::new(),
        }
    }

    /// Ids and enum members: lower case, without blanks (the portal's `Not Applied`).
    fn word(&self, key: &str) -> String {
        lower(&self.text(key)).replace(' ', "")
    }
}

impl<'de> Deserialize<'de> for Doc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocVisitor)
    }
}

struct DocVisitor;

impl<'de> Visitor<'de> for DocVisitor {
    type Value = Doc;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Doc, E> {
        Ok(Doc::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Doc, E> {
        Ok(Doc::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Doc, E> {
        Ok(Doc::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Doc, E> {
        Ok(Doc::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Doc, E> {
        Ok(Doc::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Doc, E> {
        Ok(Doc::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Doc, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Doc::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Doc, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = entries.next_entry()? {
            pairs.push(pair);
        }
        Ok(Doc::Pairs(pairs))
    }
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}

fn seconds(text: &str) -> Option<i64> {
    nanoseconds(text).map(|moment| moment.div_euclid(1_000_000_000))
}

/// ISO with an offset or UTC without, month-first American with or without milliseconds, and
/// PowerShell's milliseconds since 1970.
fn nanoseconds(text: &str) -> Option<i64> {
    const FORMS: [&str; 3] =
        ["%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y, %I:%M:%S%.f %p", "%Y-%m-%d %H:%M:%S"];
    if let Some(digits) = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")) {
        return digits.parse::<i64>().ok().map(|milliseconds| milliseconds * 1_000_000);
    }
    let plain = || {
        let forms = FORMS.iter();
        forms.filter_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).next()
    };
    let moment = DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .ok()
        .or_else(|| plain().map(|at| at.and_utc()))?;
    moment.timestamp_nanos_opt()
}
