//! Every record of an export framed, parsed and normalised, without a look whether it is worth it:
//! the kinds of export beside each other.

use std::io::Cursor;
use std::sync::Mutex;

use tenantsweep::input::authentication_details::AuthenticationDetails;
use tenantsweep::input::open::{Hashing, Unpacked};
use tenantsweep::input::read::{FoundSignIn, Place, ReadOptions, read_export};
use tenantsweep::tenant::PartnerList;

use super::*;

const KINDS: [(&str, Kind); 9] = [
    ("diagnostic settings, lines", Kind::DiagnosticLines),
    ("Graph beta, pages", Kind::GraphBetaPage),
    ("portal, JSON", Kind::PortalJson),
    ("portal, CSV", Kind::PortalCsv2025),
    ("Log Analytics, CSV", Kind::LogAnalyticsCsv),
    ("Log Analytics, query API", Kind::LogAnalyticsRest),
    ("Log Analytics, data export", Kind::DataExport),
    ("Defender, CSV", Kind::DefenderCsv),
    ("Microsoft-Extractor-Suite, pages", Kind::SuitePages),
];

/// Reads an export and hands out its partner sign-ins.
pub fn read(name: &str, bytes: &[u8], partners: &PartnerList, use_peek: bool) -> Vec<FoundSignIn> {
    let peek = Peek::of(partners);
    let options = ReadOptions {
        partners,
        tables: &TableOptions::default(),
        authentication: &AuthenticationDetails::default(),
        peek: &peek,
        use_peek,
        with_sha256: false,
        record_limit: RECORD_LIMIT,
        keep_rejected_bytes: false,
        keep_not_applied: false,
        pool: None,
    };
    let open = || {
        let bytes = Box::new(Cursor::new(bytes.to_vec()));
        Unpacked::open(bytes, 0, Hashing::Off).and_then(Unpacked::into_text)
    };
    let place = Place { shown: name, path_tenant: None, reopen: &open };
    let all = Mutex::new(Vec::new());
    let take = |found: Vec<FoundSignIn>| {
        all.lock().expect("one thread").extend(found);
        Ok(())
    };
    let stream = open().expect("an export");
    let read = read_export(&place, stream, &options, &take, &|_| {});
    assert_eq!(read.expect("a log").tally.rejected, 0, "{name}");
    all.into_inner().expect("one thread")
}

#[divan::bench(args = KINDS.map(|(name, _)| name), sample_count = 20)]
fn parse(bencher: Bencher, name: &str) {
    let (_, kind) = KINDS.into_iter().find(|(known, _)| *known == name).expect("a kind");
    let (file, partners) = export_of(kind, 0.05);
    let partners: PartnerList = list_of(partners);
    bencher
        .counter(BytesCount::of_slice(&file.bytes))
        .bench(|| read(&file.path, &file.bytes, &partners, false).len());
}
