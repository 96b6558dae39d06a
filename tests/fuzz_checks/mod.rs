//! What must hold for any bytes. The fuzz targets call these functions, and so does the test that
//! goes through `tests/crashes`.

use std::path::Path;
use std::sync::Mutex;

use serde_json::Value;
use tenantsweep::dataset::{Dataset, verify};
use tenantsweep::dialect::{Dialect, TableOptions};
use tenantsweep::input::authentication_details::AuthenticationDetails;
use tenantsweep::input::frame::{CsvFramer, SpanKind};
use tenantsweep::input::lists::{read_customers, read_partners, recognise};
use tenantsweep::input::open::{Hashing, OpenExport, Unpacked};
use tenantsweep::input::peek::Peek;
use tenantsweep::input::read::{
    FoundSignIn, NotRead, Place, ReadExport, ReadOptions, Tally, read_export,
};
use tenantsweep::tenant::{Partner, PartnerList, TenantId};

/// The partner in the seeds.
pub const PARTNER: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";

/// Small, so that short inputs reach it.
const RECORD_LIMIT: usize = 4096;

fn partners() -> PartnerList {
    let mut partners = PartnerList::default();
    if let Some(tenant_id) = TenantId::parse(PARTNER) {
        let domains = vec!["fabrikam.example".to_owned()];
        partners.add(Partner { tenant_id, name: None, domains });
    }
    partners
}

fn open(bytes: &[u8]) -> std::io::Result<OpenExport<'static>> {
    let length = bytes.len() as u64;
    let bytes = std::io::Cursor::new(bytes.to_vec());
    Unpacked::open(Box::new(bytes), length, Hashing::Off)?.into_text()
}

/// Reads bytes as an export.
///
/// # Errors
/// They are none.
pub fn read(bytes: &[u8], use_peek: bool) -> Result<(ReadExport, Vec<FoundSignIn>), NotRead> {
    let partners = partners();
    let peek = Peek::of(&partners);
    let options = ReadOptions {
        partners: &partners,
        tables: &TableOptions::default(),
        authentication: &AuthenticationDetails::default(),
        peek: &peek,
        use_peek,
        with_sha256: false,
        record_limit: RECORD_LIMIT,
        keep_rejected_bytes: false,
        keep_not_applied: true,
        pool: None,
    };
    let reopen = || open(bytes);
    let place = Place { shown: "fuzz.json", path_tenant: None, reopen: &reopen };
    let taken = Mutex::new(Vec::new());
    let take = |more: Vec<FoundSignIn>| {
        taken.lock().expect("no panic").extend(more);
        Ok(())
    };
    let stream = open(bytes).map_err(NotRead::Failed)?;
    let export = read_export(&place, stream, &options, &take, &|_| ())?;
    Ok((export, taken.into_inner().expect("no panic")))
}

/// Every byte and every record is in one place.
pub fn assert_balances(export: &ReadExport, found: &[FoundSignIn]) {
    let Tally { records, partner, other, rejected, .. } = export.tally;
    let Tally { record_bytes, separator_bytes, damage_bytes, .. } = export.tally;
    assert_eq!(record_bytes + separator_bytes + damage_bytes, export.decoded_bytes);
    assert_eq!(records, partner + other + rejected);
    assert_eq!(partner, found.len() as u64);
    assert_eq!(rejected, export.rejects.iter().map(|reject| reject.records).sum::<u64>());
}

/// An export of any kind: its account balances, peek makes no difference, and where each line is a
/// record the plainest reading finds the same.
pub fn export(bytes: &[u8]) {
    let (peeking, parsing) = (read(bytes, true), read(bytes, false));
    let (Ok((peeked, found)), Ok((parsed, all))) = (peeking, parsing) else { return };
    assert_balances(&peeked, &found);
    assert_balances(&parsed, &all);
    assert_eq!(peeked.tally.records, parsed.tally.records);
    let rows = |found: &[FoundSignIn]| -> Vec<_> {
        found.iter().map(|row| (row.offset, row.sign_in.clone(), row.record_hash)).collect()
    };
    assert!(rows(&found) == rows(&all), "peek changes what is found");
    if peeked.dialect == Dialect::Graph {
        assert_as_lines(bytes, &peeked);
    }
}

/// Compares with a reading line by line, if that is one.
fn assert_as_lines(bytes: &[u8], export: &ReadExport) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = text.split('\n').map(str::trim).filter(|line| !line.is_empty());
    let lines: Option<Vec<Value>> = lines
        .map(|line| {
            let is_short = line.len() <= RECORD_LIMIT && line.starts_with('{');
            serde_json::from_str(line).ok().filter(|_| is_short)
        })
        .collect();
    let Some(lines) = lines else { return };
    let is_list =
        |record: &Value| record.as_object().is_some_and(|o| o.values().any(Value::is_array));
    if lines.iter().any(is_list) {
        // A list in a record may be a page of records.
        return;
    }
    assert_eq!(export.tally.records, lines.len() as u64);
    let is_partner = |record: &&Value| record["homeTenantId"] == PARTNER;
    let partner = lines.iter().filter(is_partner).count() as u64;
    assert!(export.tally.partner + export.tally.rejected >= partner);
}

/// A record in the clothes of a kind of export that the first byte chooses.
pub fn dialect(bytes: &[u8]) {
    let Some((&shape, rest)) = bytes.split_first() else { return };
    let (before, behind): (&str, &str) = match shape % 12 {
        0 => ("{\"value\":[", "]}"),
        1 => ("[", "]"),
        2 => (
            "{\"time\":\"2026-11-20T08:00:00Z\",\"category\":\"NonInteractiveUserSignInLogs\",\"properties\":",
            "}\n",
        ),
        3 => ("{\"records\":[{\"category\":\"SignInLogs\",\"properties\":", "}]}"),
        4 => (
            "{\"TimeGenerated\":\"2026-11-20T08:00:00Z\",\"Type\":\"AADNonInteractiveUserSignInLogs\",",
            "}\n",
        ),
        5 => (
            "{\"tables\":[{\"name\":\"PrimaryResult\",\"columns\":[{\"name\":\"TimeGenerated\",\"type\":\"datetime\"},\
             {\"name\":\"HomeTenantId\",\"type\":\"string\"},{\"name\":\"ResultType\",\"type\":\"string\"},\
             {\"name\":\"ConditionalAccessPolicies\",\"type\":\"dynamic\"}],\"rows\":[",
            "]}]}",
        ),
        6 => (
            "TimeGenerated [UTC],HomeTenantId,ResultType,ConditionalAccessPolicies,UserPrincipalName\n",
            "\n",
        ),
        7 => (
            "Date (UTC),Request ID,User,Username,User ID,Application,Status,Sign-in error code,Conditional Access\n",
            "\n",
        ),
        8 => (
            "Timestamp,AccountUpn,ErrorCode,ConditionalAccessPolicies,ConditionalAccessStatus,RequestId,LogonType\n",
            "\n",
        ),
        9 => (
            "{\"Timestamp\":\"2026-11-20T08:00:00Z\",\"LogonType\":[\"nonInteractiveUser\"],",
            "}\n",
        ),
        10 => (
            "\u{feff}sep=;\r\nCreatedDateTime;Id;UserPrincipalName;AppliedConditionalAccessPolicies;Status\r\n",
            "\r\n",
        ),
        _ => ("Datum (UTC);Anforderungs-ID;Benutzername;Anmeldefehlercode\n", "\n"),
    };
    export(&[before.as_bytes(), rest, behind.as_bytes()].concat());
}

/// A CSV: rows are those that a library finds, and the account balances.
pub fn csv(bytes: &[u8]) {
    let Some((&delimiter, rest)) = bytes.split_first() else { return };
    let delimiter = [b',', b';', b'\t'][usize::from(delimiter) % 3];
    let mut framer = CsvFramer::new(delimiter, usize::MAX >> 1);
    let mut spans = Vec::new();
    let consumed = framer.frame(rest, 0, true, &mut spans);
    assert_eq!(consumed, rest.len());
    let mut at = 0;
    for span in &spans {
        assert_eq!(span.offset, at, "spans tile the stream");
        at += span.len as u64;
    }
    assert_eq!(at, rest.len() as u64);
    let is_record = |kind: SpanKind| matches!(kind, SpanKind::Record { .. });
    let is_damaged = spans.iter().any(|span| matches!(span.kind, SpanKind::Damage { .. }));
    // Lines of blanks and first lines such as `sep=;` and `#TYPE …` are no rows of ours.
    let is_plain = |line: &[u8]| line.is_empty() || line.iter().any(u8::is_ascii_alphanumeric);
    let is_plain = rest.split(|byte| matches!(byte, b'\n' | b'\r')).all(is_plain)
        && !rest.contains(&b'#')
        && !rest.windows(4).any(|word| word.eq_ignore_ascii_case(b"sep="));
    if !is_damaged && is_plain {
        let rows = spans.iter().filter(|span| is_record(span.kind)).count();
        assert_eq!(rows, rows_of_library(rest, delimiter));
    }
    export(rest);
}

fn rows_of_library(mut bytes: &[u8], delimiter: u8) -> usize {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut output, mut ends) = (vec![0; bytes.len() + 16], vec![0; bytes.len() + 16]);
    let mut rows = 0;
    loop {
        let (result, read, _, _) = reader.read_record(bytes, &mut output, &mut ends);
        bytes = &bytes[read..];
        match result {
            csv_core::ReadRecordResult::Record => rows += 1,
            csv_core::ReadRecordResult::End => return rows,
            _ => {}
        }
    }
}

/// Lists of partners and customers, and a manifest: read or refused, never a panic.
pub fn lists(bytes: &[u8]) {
    let Some((&kind, rest)) = bytes.split_first() else { return };
    let Ok(folder) = tempfile::tempdir_in(scratch()) else { return };
    if kind % 4 == 3 {
        let dataset = folder.path().join("dataset");
        let written = std::fs::create_dir(&dataset)
            .and_then(|()| std::fs::write(dataset.join("manifest.json"), rest));
        if written.is_ok() {
            let opened = Dataset::open(folder.path());
            let verified = verify(folder.path());
            // What can be opened is what it says.
            assert!(opened.is_err() || verified.is_ok());
        }
        return;
    }
    let name = ["partners.csv", "tenants.json", "list.txt"][usize::from(kind) % 4];
    let path = folder.path().join(name);
    if std::fs::write(&path, rest).is_err() {
        return;
    }
    let _ = recognise(name, &String::from_utf8_lossy(rest));
    let _ = read_partners(&path);
    let _ = read_customers(&path);
}

/// A query: explained in lines that fit a terminal and do nothing to it, and in JSON.
pub fn explain(bytes: &[u8]) {
    let query = String::from_utf8_lossy(bytes);
    let explanation = tenantsweep::explain::explain(&query);
    let (mut text, mut json) = (Vec::new(), Vec::new());
    let written = tenantsweep::explain::write_text(&mut text, &query, &explanation, None);
    assert!(written.is_ok());
    assert!(text.is_ascii() && text.len() < 32 << 10, "{} bytes", text.len());
    let steers = |byte: &u8| byte.is_ascii_control() && *byte != b'\n';
    assert!(!text.iter().any(steers));
    assert!(text.split(|byte| *byte == b'\n').all(|line| line.len() <= 100));
    let written = tenantsweep::explain::write_json(&mut json, &query, &explanation, None);
    assert!(written.is_ok() && serde_json::from_slice::<Value>(&json).is_ok());
}

/// Memory, where the system has such a folder.
fn scratch() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory } else { Path::new(".") }
}
