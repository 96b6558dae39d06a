//! Archives on the whole way: counted as what they hold, remembered, hostile.

use std::fs;
use std::io::Write;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tenantsweep::dataset::Table;
use tenantsweep::input::authentication_details::AuthenticationDetails;
use tenantsweep::input::container::SpoolRoom;
use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::input::discover::{DiscoverOptions, discover};
use tenantsweep::input::frame::RECORD_LIMIT;
use tenantsweep::input::peek::Peek;
use tenantsweep::input::read::{NotRead, ReadOptions};
use tenantsweep::input::source::{ReadSource, Share, SourceOptions, read_source};
use tenantsweep::stop::Stop;
use tenantsweep::tenant::PartnerList;

use crate::cli::{Desk, copy_folder, stderr, stdout};
use crate::parquet_reader::{TableRow, read_table};

/// A zip archive of members that are stored or deflated.
fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut archive, mut contents) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let packed = deflate(bytes);
        let (method, packed) =
            if packed.len() < bytes.len() { (8_u16, packed) } else { (0, bytes.clone()) };
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let mut common = [&[20, 0, 0, 8][..], &method.to_le_bytes(), &[0, 0, 33, 87]].concat();
        for number in [crc.sum(), packed.len() as u32, bytes.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        let at = archive.len() as u32;
        archive.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat());
        contents.extend([b"PK\x01\x02\x14\0", &common[..], &[0; 10], &at.to_le_bytes()].concat());
        contents.extend(name.as_bytes());
    }
    let count = (members.len() as u16).to_le_bytes();
    let (at, bytes) = ((archive.len() as u32).to_le_bytes(), (contents.len() as u32).to_le_bytes());
    archive.extend(contents);
    archive.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count, &bytes, &at, &[0, 0]].concat());
    archive
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).expect("packed");
    writer.finish().expect("packed")
}

fn tar(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in members {
        if name.len() > 100 {
            archive.extend(tar_member(b"././@LongLink", b'L', name.as_bytes()));
        }
        archive.extend(tar_member(name.as_bytes(), b'0', bytes));
    }
    archive.extend([0; 1024]);
    archive
}

fn tar_member(name: &[u8], kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    let name = &name[..name.len().min(100)];
    block[..name.len()].copy_from_slice(name);
    block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    block[156] = kind;
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    block.extend(bytes);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

/// All files below a folder, by their path in it.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, root: &Path, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, root, files);
            } else {
                let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
                files.push((name, fs::read(&path).expect("a file")));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

fn named(name: &str, bytes: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (name.to_owned(), bytes.into())
}

const PARTNERS: [&str; 2] = ["--partners", "sample-logs/partners.csv"];

/// One export of the sample estate.
const LOG: &str = "sample-logs/contoso/NonInteractiveSignIns_2026-10-22_2026-11-21.json";

fn sweep(desk: &Desk, inputs: &[&str]) -> std::process::Output {
    desk.run(&[&["sweep"], inputs, &PARTNERS].concat())
}

#[test]
fn an_archive_holds_what_its_files_hold() {
    let desk = Desk::with_samples();
    let files = files(&desk.path("sample-logs"));
    let plain = sweep(&desk, &["sample-logs"]);
    assert_eq!(plain.status.code(), Some(0), "{}", stderr(&plain));
    let wanted = desk.summary()["totals"].clone();
    let inner = zip(&[named("all.tar", tar(&files))]);
    for (name, bytes) in [("all.zip", zip(&files)), ("all.tar", tar(&files)), ("nested.zip", inner)]
    {
        fs::remove_dir_all(desk.path("sweep-out")).expect("removed");
        fs::write(desk.path(name), bytes).expect("written");
        let output = sweep(&desk, &[name]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(desk.summary()["totals"], wanted, "{name}");
        let rows = read_table(&desk.path("sweep-out"), Table::Exports);
        assert!(rows.len() > 20);
        for row in rows {
            assert!(row.text("path").starts_with(&format!("{name}!/")), "{}", row.text("path"));
            assert_eq!(row.text("container"), name);
            assert_eq!(row.text("container_sha256").len(), 64);
        }
        let again = sweep(&desk, &[name]);
        assert!(stdout(&again).contains("exports were read by an earlier run"), "{name}");
        assert!(!stderr(&again).contains("list of tenants"), "{name}: was not opened again");
    }
    // A member and the same file beside the archive are one export.
    let both = sweep(&desk, &["sample-logs", "all.zip", "all.tar"]);
    assert_eq!(both.status.code(), Some(0), "{}", stderr(&both));
    assert_eq!(desk.summary()["totals"], wanted);
}

/// Bytes that cannot be packed.
fn noise(bytes: u32) -> Vec<u8> {
    (0..bytes / 4).flat_map(|at| at.wrapping_mul(at | 1).to_le_bytes()).collect()
}

#[test]
fn many_threads_read_one_archive_to_the_same_bytes() {
    let desk = Desk::with_samples();
    let mut members = files(&desk.path("sample-logs"));
    members.push(members[3].clone());
    members.push(named("noise.bin", noise(3 << 19)));
    fs::write(desk.path("all.zip"), zip(&members)).expect("written");
    let mut answers = Vec::new();
    for threads in ["1", "3"] {
        let words = ["all.zip", "--run-id", "same", "--threads", threads, "--out", threads];
        let output = sweep(&desk, &words);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        answers.push((stderr(&output), files(&desk.path(threads).join("dataset"))));
    }
    assert!(answers[0] == answers[1], "{} {}", answers[0].0, answers[1].0);
    let seen = desk.path("3/dataset/seen.json");
    assert!(fs::read_to_string(seen).expect("seen").contains("#2"), "a name given twice");
}

/// The small file is read before the large one is through.
#[test]
fn what_is_told_of_exports_stands_in_the_same_order_for_many_threads() {
    let desk = Desk::with_samples();
    let log = fs::read_to_string(desk.path(LOG)).expect("a log");
    let log: serde_json::Value = serde_json::from_str(&log).expect("JSON");
    let mut record = log[0].clone();
    record["homeTenantId"] = record["resourceTenantId"].clone();
    record["crossTenantAccessType"] = "none".into();
    let record = format!("{record}\n");
    let damage = "{\"id\": broken}\n".repeat(20);
    fs::create_dir(desk.path("logs")).expect("a folder");
    fs::write(desk.path("logs/a.json"), record.repeat(4_000) + &damage).expect("written");
    fs::write(desk.path("logs/b.json"), record + &damage).expect("written");
    let told = ["1", "2"].map(|threads| {
        let words = ["logs", "--threads", threads, "--out", threads];
        stderr(&sweep(&desk, &words))
    });
    assert!(told[0].contains("a.json: 20 of 4020 records unreadable"), "{}", told[0]);
    assert!(told[0].contains("b.json: 20 of 21 records unreadable"), "{}", told[0]);
    assert_eq!(told[0], told[1]);
}

#[test]
fn what_cannot_be_read_is_named_and_not_remembered() {
    let desk = Desk::with_samples();
    let case = Path::new("tests/corpus/container/encrypted-without-password");
    fs::copy(case.join("evidence.zip"), desk.path("evidence.zip")).expect("a copy");
    fs::write(desk.path("passwords.txt"), "pw-3f9a\r\n").expect("written");
    let output = sweep(&desk, &["evidence.zip"]);
    // What was read holds no partner's sign-in: that says more than what was not read.
    assert_eq!(output.status.code(), Some(5));
    let told = stderr(&output);
    assert!(told.contains("evidence.zip!/x.json: could not be read: encrypted\nhint: "), "{told}");
    assert_eq!(desk.summary()["totals"]["records"], 2);
    let again = sweep(&desk, &["evidence.zip"]);
    assert_eq!(again.status.code(), Some(5));
    let told = stderr(&again);
    assert!(told.contains("could not be read: encrypted"), "it is opened again: {told}");
    assert!(stdout(&again).contains("Nothing new: 1 export was read"), "{}", stdout(&again));
    let with = sweep(&desk, &["evidence.zip", "--zip-password-file", "passwords.txt"]);
    assert!(!stderr(&with).contains("could not be read"), "{}", stderr(&with));
    assert_eq!(desk.summary()["totals"]["records"], 4);
    for (name, _) in files(&desk.path("sweep-out")) {
        let bytes = fs::read(desk.path("sweep-out").join(&name)).expect("a file");
        assert!(!bytes.windows(7).any(|seven| seven == b"pw-3f9a"), "{name} holds the password");
    }
}

#[test]
fn a_folder_that_is_called_like_an_archive_does_not_stop_the_run() {
    let desk = Desk::with_samples();
    fs::create_dir(desk.path("a.zip!")).expect("a folder");
    fs::copy(desk.path(LOG), desk.path("a.zip!/x.json")).expect("a copy");
    let other = fs::read("tests/corpus/graph-beta/b2b-guest/input.json").expect("a log");
    fs::write(desk.path("a.zip"), zip(&[named("x.json", other)])).expect("written");
    let output = sweep(&desk, &["a.zip", "a.zip!"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rows = read_table(&desk.path("sweep-out"), Table::Exports);
    let paths: Vec<String> = rows.iter().map(|row| row.text("path")).collect();
    assert_eq!(paths, ["a.zip!/x.json", "a.zip!/x.json#2"]);
}

#[test]
fn members_of_which_the_same_is_said_are_named_a_few_times() {
    let desk = Desk::with_samples();
    let mut members: Vec<_> = (0..9).map(|at| named(&format!("{at}.txt"), "hello")).collect();
    members.push(named("a.png", *b"\x89PNG\r\n"));
    fs::write(desk.path("notes.zip"), zip(&members)).expect("written");
    let told = stderr(&sweep(&desk, &["notes.zip", "sample-logs"]));
    assert_eq!(told.matches(".txt: not a sign-in log: a text file\nhint: ").count(), 3, "{told}");
    assert!(told.contains("notes.zip: 6 more files in it: not a sign-in log: a text file\n"));
    assert!(told.contains("notes.zip!/a.png: not a sign-in log: a picture\n"), "{told}");
}

#[test]
fn standard_input_is_read_whatever_it_is() {
    let desk = Desk::with_samples();
    let bytes = fs::read(desk.path(LOG)).expect("a log");
    let archived = zip(&[named("inner.json", bytes)]);
    fs::write(desk.path("log.zip"), archived).expect("written");
    let mut records = Vec::new();
    for input in [LOG, "log.zip"] {
        let output = desk.run_with_input(&[&["sweep", "-"], &PARTNERS[..]].concat(), input);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let seen = fs::read_to_string(desk.path("sweep-out/dataset/seen.json"));
        assert!(!seen.unwrap_or_default().contains("standard"), "it is never remembered");
        records.push(desk.summary()["totals"]["records"].clone());
        fs::remove_dir_all(desk.path("sweep-out")).expect("removed");
    }
    assert_eq!(records[0], records[1]);
    let twice = desk.run_with_input(&["sweep", "-", "-"], LOG);
    assert_eq!(twice.status.code(), Some(2));
    let inspected = desk.run_with_input(&["inspect", "-"], "log.zip");
    assert!(stdout(&inspected).starts_with("standard input!/inner.json\n"));
}

#[test]
fn an_inner_archive_is_laid_down_in_the_staging_folder_only() {
    let desk = Desk::with_samples();
    // Larger than what stays in memory; it cannot be packed.
    let members = [
        named("noise.bin", noise(9 << 20)),
        named("a.json", fs::read(desk.path(LOG)).expect("a log")),
    ];
    fs::write(desk.path("outer.tar"), tar(&[named("inner.zip", zip(&members))])).expect("written");
    let output = sweep(&desk, &["outer.tar"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let left = files(&desk.path("sweep-out"));
    assert!(left.iter().all(|(name, _)| !name.contains("scratch")), "{:?}", left.len());
    assert!(!desk.path("sweep-out/dataset/.staging").exists());
}

#[test]
fn a_dataset_of_the_first_schema_is_read_and_goes_on() {
    let desk = Desk::with_samples();
    copy_folder(Path::new("tests/data/dataset-v1"), &desk.path("sweep-out"));
    let report = desk.run(&["report"]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    fs::copy("tests/corpus/container/zip/evidence.zip", desk.path("new.zip")).expect("a copy");
    let output = sweep(&desk, &["new.zip"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rows = read_table(&desk.path("sweep-out"), Table::Exports);
    let mut containers: Vec<String> = rows.iter().map(|row| row.text("container")).collect();
    containers.sort_unstable();
    assert_eq!(containers, ["", "new.zip", "new.zip"]);
}

#[test]
fn a_dataset_of_the_second_schema_is_read_verified_compacted_and_goes_on() {
    let desk = Desk::with_samples();
    copy_folder(Path::new("tests/data/dataset-v2"), &desk.path("sweep-out"));
    let run = |words: &[&str]| {
        let output = desk.run(words);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{words:?}: {}{}",
            stdout(&output),
            stderr(&output)
        );
    };
    run(&["verify"]);
    run(&["report"]);
    run(&["compact"]);
    run(&["sweep", "sample-logs/contoso", "--partners", "sample-logs/partners.csv"]);
    run(&["report"]);
    run(&["verify"]);
    run(&["compact"]);
    run(&["verify"]);
    let rows = read_table(&desk.path("sweep-out"), Table::SignIns);
    let failed: Vec<_> = rows.iter().filter(|row| row.text("verdict") != "succeeded").collect();
    // Rows of the older tool have no such column; those of this one are all told of.
    let (old, new): (Vec<&TableRow>, Vec<&TableRow>) =
        failed.into_iter().partition(|row| row.text("run_id") == "second");
    assert!(old.len() > 2 && old.iter().all(|row| row.text("category").is_empty()));
    assert!(new.len() > 10);
    for column in ["category", "who_fixes", "cause", "remedy", "cause_basis"] {
        assert!(new.iter().all(|row| !row.text(column).is_empty()), "{column}");
    }
    let codes = read_table(&desk.path("sweep-out"), Table::ErrorCodes);
    assert!(codes.iter().all(|row| !row.text("source").is_empty()));
}

/// Reads a file as `inspect` does.
fn read_file(path: &Path) -> ReadSource {
    let partners = PartnerList::default();
    let options = SourceOptions {
        reading: ReadOptions {
            partners: &partners,
            tables: &tenantsweep::dialect::TableOptions::default(),
            authentication: &AuthenticationDetails::default(),
            peek: &Peek::of(&partners),
            use_peek: true,
            with_sha256: true,
            record_limit: RECORD_LIMIT,
            keep_rejected_bytes: false,
            keep_not_applied: false,
            pool: None,
        },
        template: None,
        passwords: &Passwords::of_lines("one\ntwo"),
        room: SpoolRoom::MemoryOnly,
        stop: &Stop::default(),
    };
    let found = discover(&[PathBuf::from(path)], &DiscoverOptions::default()).expect("a file");
    read_source(&found.sources[0], Share::WHOLE, &options, &|_, _| Ok(()), &|_| ())
}

fn read_bytes(bytes: &[u8]) -> ReadSource {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), bytes).expect("written");
    read_file(file.path())
}

/// Archives of every kind, all small.
fn archives() -> Vec<Vec<u8>> {
    let container = |case: &str| {
        let folder = Path::new("tests/corpus/container").join(case);
        let mut files = files(&folder);
        files.retain(|(name, _)| name.starts_with("evidence."));
        files.remove(0).1
    };
    ["zip", "aes", "two-passwords", "zip-in-tar-and-tar-in-zip", "tar-gz", "zstd-and-large-fields"]
        .map(container)
        .into_iter()
        .chain([tar(&[named("a", "[]"), named(&"long/".repeat(50), "{}")])])
        .collect()
}

#[test]
fn an_archive_cut_anywhere_is_read_or_named() {
    for archive in archives() {
        for cut in (0..archive.len()).step_by(97).chain([archive.len()]) {
            let read = catch_unwind(|| read_bytes(&archive[..cut]));
            assert!(read.is_ok_and(|read| !read.members.is_empty()), "cut at {cut}");
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(150))]

    #[test]
    fn no_damage_makes_an_archive_dangerous(
        kind in 0..7_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut archive = archives().swap_remove(kind);
        for (at, byte) in damage {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        // It ends, and does not panic.
        read_bytes(&archive);
    }
}

#[test]
fn a_bomb_costs_time_only() {
    let zeros = zip(&[named("zeros.json", vec![b' '; 64 << 20])]);
    assert!(zeros.len() < 1_000_000, "{}", zeros.len());
    let many: Vec<_> = (0..4).map(|at| named(&format!("{at}.zip"), zeros.clone())).collect();
    let read = read_bytes(&zip(&many));
    assert_eq!(read.members.len(), 4);
    for member in read.members {
        assert!(matches!(member.result, Err(NotRead::NoLog(_))), "{:?}", member.shown);
    }
}

#[test]
fn hostile_names_are_shown_and_nothing_is_written() {
    let long = format!("{}\u{1b}]0;x\u{7}", "a".repeat(1 << 20));
    let read = read_bytes(&tar(&[named(&long, "[]"), named("../../../../tmp/x", "[]")]));
    let shown: Vec<&str> = read.members.iter().map(|member| member.shown.as_str()).collect();
    assert!(shown[0].len() < 2000 && !shown[0].contains('\u{1b}'), "{}", shown[0]);
    assert!(shown[1].ends_with("!/../../../../tmp/x"));
}
