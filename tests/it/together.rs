//! Several programs at one dataset: one writer at a time, and readers that are never in its way.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use serde_json::Value;

use crate::cli::{Desk, stderr, stdout};

fn partner_rows(report: &str) -> u64 {
    let summary: Value = serde_json::from_str(report).expect("JSON");
    summary["totals"]["partner"].as_u64().expect("a number")
}

#[test]
fn readers_see_whole_runs_only_while_others_write() {
    let desk = Desk::with_samples();
    let mut files = walk(&desk.path("sample-logs"));
    files.sort();
    let partners =
        files.iter().find(|file| file.ends_with("partners.csv")).expect("a list").clone();
    let partners = partners.to_str().expect("UTF-8").to_owned();
    // Some exports at a time, then all of them in few parts.
    let sweep = |file: &str| {
        let output = desk.run(&["sweep", file, "--partners", &partners, "-q"]);
        assert!(matches!(output.status.code(), Some(0 | 3 | 5)), "{}", stderr(&output));
    };
    let first = files.iter().find(|file| file.extension().is_some_and(|e| e == "json"));
    sweep(first.expect("an export").to_str().expect("UTF-8"));
    let committed = Mutex::new(vec![]);
    let is_done = AtomicBool::new(false);
    let report = || {
        let output = desk.run(&["report", "--format", "json"]);
        assert!(matches!(output.status.code(), Some(0 | 5)), "{}", stderr(&output));
        partner_rows(&stdout(&output))
    };
    committed.lock().expect("no panic").push(report());
    let mut read = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            for (number, file) in files.iter().enumerate() {
                sweep(file.to_str().expect("UTF-8"));
                if number % 5 == 4 {
                    let output = desk.run(&["compact"]);
                    assert!(output.status.success(), "{}", stderr(&output));
                }
                committed.lock().expect("no panic").push(report());
            }
            is_done.store(true, SeqCst);
        });
        while !is_done.load(SeqCst) {
            read.push(report());
        }
    });
    let committed = committed.into_inner().expect("no panic");
    assert!(committed.windows(2).filter(|pair| pair[0] != pair[1]).count() > 3, "{committed:?}");
    assert!(read.len() > 3, "{read:?}");
    assert!(read.iter().all(|rows| committed.contains(rows)), "{read:?} of {committed:?}");
    assert!(read.is_sorted(), "{read:?}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

/// A sweep of what we write to it: it holds the lock until its input ends.
#[test]
fn a_second_writer_is_told_who_writes_or_waits_for_its_end() {
    let desk = Desk::with_samples();
    let writer = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantsweep"));
        command.args(["sweep", "-", "-q", "--run-id", "slow-one"]).current_dir(desk.path("."));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    };
    let mut first = writer();
    let mut input = first.stdin.take().expect("piped");
    input.write_all(b"[").expect("written");
    let holder = desk.path("sweep-out/dataset/.holder");
    while !holder.exists() {
        thread::yield_now();
    }
    for words in [&["sweep", "sample-logs"][..], &["sweep", "sample-logs", "--wait=1s"]] {
        let refused = desk.run(words);
        assert_eq!(refused.status.code(), Some(2));
        let told = stderr(&refused);
        assert!(told.contains("another run is writing here since 20"), "{told}");
        assert!(told.contains("run slow-one"), "{told}");
        assert!(told.contains("hint: "), "{told}");
    }
    thread::scope(|scope| {
        let waiting = scope.spawn(|| desk.run(&["sweep", "sample-logs", "--wait", "-q"]));
        thread::sleep(std::time::Duration::from_millis(300));
        assert!(!waiting.is_finished(), "it waits");
        drop(input);
        first.wait().expect("it ends");
        let output = waiting.join().expect("no panic");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    });
    assert_eq!(stdout(&desk.run(&["verify"])).lines().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_ends_in_4_and_leaves_the_dataset_as_it_was() {
    let desk = Desk::with_samples();
    assert_eq!(desk.run(&["sweep", "sample-logs/partners.csv", "-q"]).status.code(), Some(5));
    let file = walk(&desk.path("sample-logs")).into_iter().find(|f| f.ends_with("partners.csv"));
    let file = file.expect("a list").to_str().expect("UTF-8").to_owned();
    assert_eq!(
        desk.run(&["sweep", "sample-logs/contoso", "--partners", &file, "-q"]).status.code(),
        Some(0)
    );
    let before = desk.summary();
    // The shell lets no file grow beyond some blocks.
    let program = env!("CARGO_BIN_EXE_tenantsweep");
    let script = format!("trap '' XFSZ; ulimit -f 4; exec '{program}' sweep sample-logs -q");
    let output = Command::new("sh").args(["-c", &script]).current_dir(desk.path(".")).output();
    let output = output.expect("a shell");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("sweep-out/dataset/.staging"), "{}", stderr(&output));
    assert_eq!(desk.summary(), before);
    let verified = desk.run(&["verify"]);
    assert!(verified.status.success(), "{}", stdout(&verified));
}
