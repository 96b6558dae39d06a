//! The slow oracle: design.md §3 (relate, dedupe) and §5 (verdict) in the plainest form. Whole
//! files, whole documents, no framer, no peek, no dialects. Right first, and slow.
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
    for (path, bytes) in files {
        let (records, rejected) = read(bytes);
        answer.records += records.len() as u64 + rejected;
        answer.rejected += rejected;
        let exporting = tenant_in_path(path).or_else(|| only_tenant(&records));
        for record in &records {
            let Some(row) = rules.row(record, exporting.as_deref()) else {
                answer.other += 1;
                continue;
            };
            copies.entry((row.side, record.key())).or_default().push(Copy::new(record, row));
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

impl Rules {
    fn row(&self, record: &Record, file_tenant: Option<&str>) -> Option<Row> {
        let (partner, partner_match) = self.relate(record)?;
        let (home, resource) = (record.word("homeTenantId"), record.word("resourceTenantId"));
        let own = record.envelope.word("tenantId");
        let exporting = if own.is_empty() { file_tenant.unwrap_or_default() } else { &own };
        let side = match () {
            _ if !home.is_empty() && home == resource => "home",
            _ if !home.is_empty() && home == exporting => "outbound",
            _ => "inbound",
        };
        let (failing, would_block) = (
            record.policies(&["failure"]),
            record.policies(&["reportonlyfailure", "reportonlyinterrupted"]),
        );
        let (verdict, disputed) = self.verdict(record, !failing.is_empty());
        let child = if resource.is_empty() { exporting } else { &resource };
        Some(Row {
            side,
            partner,
            partner_match,
            child: (side != "home" && !child.is_empty()).then(|| child.to_string()),
            verdict,
            disputed,
            error_code: record.error_code(),
            blocking: if verdict == "blocked" { failing } else { BTreeSet::new() },
            would_block,
            created_second: seconds(&record.body.text("createdDateTime")),
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

    /// design.md §5, in its order.
    fn verdict(&self, record: &Record, fails: bool) -> (&'static str, bool) {
        let code = record.error_code();
        let [is_ca, interactive, other] =
            code.and_then(|code| self.codes.get(&code)).cloned().unwrap_or_default();
        let kind = if record.word("isInteractive") == "true" { interactive } else { other };
        let (portal, status) = (record.word("status"), record.word("conditionalAccessStatus"));
        match () {
            _ if code == Some(0) || portal == "success" => ("succeeded", fails),
            _ if kind == "interrupt" || portal == "interrupted" => ("interrupted", false),
            _ if fails && status == "failure" => ("blocked", false),
            _ if fails && status.is_empty() && (is_ca == "yes" || is_ca == "maybe") => {
                ("blocked", false)
            }
            _ if fails => ("blocked", true),
            _ if status == "failure" || is_ca == "yes" => ("unexplained", false),
            _ => ("failed", false),
        }
    }
}

fn is_service_provider(access: &Doc) -> bool {
    match access {
        Doc::Number(bits) => bits.parse::<i64>().is_ok_and(|bits| bits & 8 != 0),
        Doc::Text(words) => words
            .replace(' ', "")
            .split(',')
            .any(|word| word.eq_ignore_ascii_case("serviceProvider")),
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
        Self { published: nanoseconds(&record.envelope.text("time")), evidence, row }
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

fn tenant_in_path(path: &str) -> Option<String> {
    let (_, tail) = path.split_once("tenantId=")?;
    tail.split('/').next().map(lower)
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

    fn error_code(&self) -> Option<i64> {
        let places = [
            self.body.get("status").word("errorCode"),
            self.word("errorCode"),
            self.envelope.word("resultType"),
        ];
        places.iter().find_map(|text| text.parse().ok())
    }

    fn applied(&self) -> Vec<Doc> {
        match self.body.get("appliedConditionalAccessPolicies").clone() {
            Doc::List(policies) => policies,
            Doc::Text(json) => serde_json::from_str(&json).unwrap_or_default(),
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

/// The records of a file, and how many places could not be read.
fn read(bytes: &[u8]) -> (Vec<Record>, u64) {
    let text = decode(&decompress(bytes));
    match text.trim_start().chars().next() {
        Some('{' | '[') => read_json(&mend_escapes(&text)),
        _ => read_csv(&text),
    }
}

fn decompress(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match bytes {
        [0x1F, 0x8B, ..] => drop(flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain)),
        _ => plain.extend_from_slice(bytes),
    }
    plain
}

fn decode(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect()
    };
    match bytes {
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

fn read_json(text: &str) -> (Vec<Record>, u64) {
    let (mut records, mut rejected, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        let mut documents = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Doc>();
        let mut whole = 0;
        while let Some(Ok(document)) = documents.next() {
            whole = documents.byte_offset();
            collect(document, &mut records);
        }
        let rest = text[at + whole..].trim_start();
        if rest.is_empty() {
            break;
        }
        rejected += 1;
        at = text.len() - rest.len() + rest.find('\n').map_or(rest.len(), |end| end + 1);
    }
    (records, rejected)
}

/// Finds the sign-ins in a document, whatever wraps them. A sign-in is what has a creation time.
fn collect(document: Doc, records: &mut Vec<Record>) {
    if let Doc::List(items) = document {
        return items.into_iter().for_each(|item| collect(item, records));
    }
    for wrapper in ["records", "value"] {
        if let list @ Doc::List(_) = document.get(wrapper) {
            return collect(list.clone(), records);
        }
    }
    let body = match document.get("properties") {
        Doc::Text(json) => serde_json::from_str(json).unwrap_or_default(),
        properties => properties.clone(),
    };
    let (envelope, body) =
        if let Doc::Null = body { (Doc::Null, document) } else { (document, body) };
    if !body.text("createdDateTime").is_empty() {
        records.push(Record { envelope, body });
    }
}

/// Portal downloads, their columns under Graph's names.
fn read_csv(text: &str) -> (Vec<Record>, u64) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let names: Vec<String> = reader
        .headers()
        .map(|headers| headers.iter().map(graph_name).collect())
        .unwrap_or_default();
    let (mut records, mut rejected) = (Vec::new(), 0);
    for row in reader.records() {
        match row {
            Ok(row) if row.len() == names.len() => {
                let pairs = names
                    .iter()
                    .cloned()
                    .zip(row.iter().map(|cell| Doc::Text(cell.into())))
                    .collect();
                records.push(Record { envelope: Doc::Null, body: Doc::Pairs(pairs) });
            }
            _ => rejected += 1,
        }
    }
    (records, rejected)
}

fn graph_name(header: &str) -> String {
    match header.trim() {
        "Date (UTC)" => "createdDateTime",
        "Request ID" => "id",
        "Username" => "userPrincipalName",
        "Sign-in error code" => "errorCode",
        "Conditional Access" => "conditionalAccessStatus",
        other => return other.replace(' ', ""),
    }
    .into()
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

/// ISO with an offset, or the American form of late 2025's envelopes, which is UTC.
fn nanoseconds(text: &str) -> Option<i64> {
    let american =
        || NaiveDateTime::parse_from_str(text, "%m/%d/%Y %I:%M:%S %p").ok().map(|at| at.and_utc());
    let moment = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok().or_else(american)?;
    moment.timestamp_nanos_opt()
}
