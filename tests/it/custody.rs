//! From a row of the dataset back to its record, and from the dataset back to its sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow::array::AsArray;
use tenantsweep::dataset::Table;

use crate::cli::{Desk, copy_folder, stderr, stdout};
use crate::parquet_reader::read_batches;

/// Id and export of every row of `sign_ins`.
fn rows(out: &Path) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for batch in read_batches(out, Table::SignIns) {
        let text = |name| batch.column_by_name(name).expect("a column").as_string::<i32>().clone();
        let (ids, exports) = (text("sign_in_id"), text("source_export"));
        rows.extend(
            (0..batch.num_rows())
                .map(|row| (ids.value(row).to_owned(), exports.value(row).to_owned())),
        );
    }
    rows
}

#[test]
fn every_kind_of_record_is_shown_as_it_lies_in_its_export() {
    let desk = Desk::empty();
    copy_folder(Path::new("tests/corpus"), &desk.path("corpus"));
    let words = ["sweep", "corpus", "--partners", "corpus/partners.csv", "-q"];
    let more = ["--zip-password-file", "corpus/container/aes/passwords.txt"];
    desk.run(&[&words[..], &more].concat());
    // One row of each export: that shows all kinds.
    let mut by_export: BTreeMap<String, String> = BTreeMap::new();
    for (id, export) in rows(&desk.path("sweep-out")) {
        by_export.entry(export).or_insert(id);
    }
    assert!(by_export.len() > 150, "{}", by_export.len());
    let step = if crate::times() > 1 { 1 } else { 4 };
    let mut with_id = 0;
    for (export, id) in by_export.iter().step_by(step) {
        let words = ["show", "sweep-out", &id.to_uppercase(), more[0], more[1]];
        let output = desk.run(&words);
        let (record, told) = (stdout_lossy(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(0), "{export} {id}: {told}");
        assert!(told.contains("source   unchanged since it was read"), "{export}: {told}");
        assert!(!record.trim().is_empty(), "{export}");
        // A record without an id of its own has the hash of its bytes.
        if id.starts_with("raw:") {
            continue;
        }
        with_id += 1;
        let is_in = record.to_lowercase().contains(id.as_str());
        assert!(is_in, "{export}: {id} is not in {record}");
    }
    assert!(with_id > 30, "{with_id}");
}

fn stdout_lossy(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_record_is_shown_only_from_what_was_read() {
    let desk = Desk::with_samples();
    desk.run(&["sweep", "sample-logs", "-q"]);
    let rows = rows(&desk.path("sweep-out"));
    let (id, export) = rows.iter().find(|(_, export)| export.ends_with(".json")).expect("a row");
    let path = desk.path(export);
    let original = fs::read(&path).expect("an export");
    let show = || desk.run(&["show", "sweep-out", id]);

    // Written to a file, the record is the same.
    let shown = show();
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    assert!(String::from_utf8_lossy(&original).contains(stdout(&shown).trim()));
    assert!(desk.run(&["show", "sweep-out", id, "-o", "record.json"]).stdout.is_empty());
    assert_eq!(fs::read(desk.path("record.json")).expect("a record"), shown.stdout);

    // Grown: what was read is still there.
    fs::write(&path, [&original[..], b"\n\n"].concat()).expect("written");
    assert_eq!(show().stdout, shown.stdout);
    assert!(stderr(&show()).contains("has grown since it was read"));
    let verified = desk.run(&["verify", "--inputs"]);
    assert_eq!(verified.status.code(), Some(0), "{}", stdout(&verified));
    assert!(stdout(&verified).contains(" unchanged, 1 have grown, 0 changed, 0 not there"));

    // Changed: nothing is shown as evidence.
    let mut changed = original.clone();
    changed[10] ^= 1;
    fs::write(&path, changed).expect("written");
    assert_eq!(show().status.code(), Some(3));
    assert!(show().stdout.is_empty());
    assert!(stderr(&show()).contains("is not what was read"), "{}", stderr(&show()));
    let verified = desk.run(&["verify", "--inputs"]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(stdout(&verified).contains(&format!("{export}: is not what was read")));

    // Gone, and found again elsewhere.
    fs::write(&path, &original).expect("written");
    fs::rename(desk.path("sample-logs"), desk.path("archive")).expect("moved");
    assert_eq!(show().status.code(), Some(3));
    let verified = desk.run(&["verify", "--inputs"]);
    assert_eq!(verified.status.code(), Some(3), "{}", stdout(&verified));
    let found = desk.run(&["show", "sweep-out", id, "--inputs-root", "archive"]);
    assert_eq!(found.stdout, shown.stdout, "{}", stderr(&found));
    let verified = desk.run(&["verify", "--inputs", "--inputs-root", "archive"]);
    assert_eq!(verified.status.code(), Some(0), "{}", stdout(&verified));

    let unknown = desk.run(&["show", "sweep-out", "no-such-id"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("hint: "), "{}", stderr(&unknown));
}

#[test]
fn the_case_is_in_the_manifest_and_the_reports_and_the_sums_hold() {
    let desk = Desk::with_samples();
    let case = ["--case", "2026-17", "--examiner", "A. Smith", "--note", "<b>disk 3</b> | x"];
    desk.run(&[&["sweep", "sample-logs", "-q"][..], &case].concat());
    let manifest = fs::read_to_string(desk.path("sweep-out/dataset/manifest.json")).expect("text");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let run = &manifest["runs"][0];
    assert_eq!(
        (run["case"].as_str(), run["examiner"].as_str(), run["note"].as_str()),
        (Some("2026-17"), Some("A. Smith"), Some("<b>disk 3</b> | x"))
    );
    assert_eq!(desk.summary()["custody"]["case"], "2026-17");
    let report = fs::read_to_string(desk.path("sweep-out/report.md")).expect("a report");
    assert!(report.contains("- Case: 2026-17\n- Examiner: A. Smith\n"), "{report}");
    assert!(report.contains("&lt;b&gt;disk 3&lt;/b&gt; \\| x"), "{report}");
    // The same case again is nothing new; another one is.
    desk.run(&[&["sweep", "sample-logs", "-q"][..], &case].concat());
    desk.run(&["sweep", "sample-logs", "-q", "--case", "2026-18"]);
    let manifest = fs::read_to_string(desk.path("sweep-out/dataset/manifest.json")).expect("text");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["generation"], 2);
    assert_eq!(manifest["runs"].as_array().expect("runs").len(), 2);

    #[cfg(unix)]
    {
        let checked = std::process::Command::new("sha256sum")
            .args(["--check", "--quiet", "--strict", "SHA256SUMS"])
            .current_dir(desk.path("sweep-out"))
            .output()
            .expect("sha256sum");
        assert!(checked.status.success(), "{}", stdout(&checked));
    }
    let sums = fs::read_to_string(desk.path("sweep-out/SHA256SUMS")).expect("sums");
    for file in ["report.md", "summary.json", "dataset/manifest.json", "dataset/standing.json"] {
        assert!(sums.lines().any(|line| line.ends_with(&format!("  {file}"))), "{file}");
    }
}
