//! Runs that are asked to stop, and sources that change while they are read.

use std::fs;
use std::io::Write;
use std::path::Path;

use tenantsweep::dataset::WriterOptions;
use tenantsweep::dialect::TableOptions;
use tenantsweep::input::container::passwords::Passwords;
use tenantsweep::input::discover::{DiscoverOptions, discover};
use tenantsweep::lists::{GivenLists, Lists};
use tenantsweep::sweep::{Progress, SweepOptions, Swept, sweep};

use crate::cli::{Desk, stdout};

struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: u64) {}
    fn advance(&self, _: u64) {}
    fn finish(&self) {}
}

/// Finds the inputs, lets something happen to them, and sweeps.
fn sweep_after(input: &Path, out: &Path, happens: impl FnOnce()) -> Swept {
    let options = DiscoverOptions { out: Some(out), given: &[], template: None };
    let found = discover(&[input.to_owned()], &options).expect("found");
    let partner_files = [Path::new("sample-logs/partners.csv").to_owned()];
    let given = GivenLists { partners: &[], partner_files: &partner_files, customer_files: &[] };
    let lists = Lists::gather(&given, &found).expect("lists");
    happens();
    let options = SweepOptions {
        out: out.to_owned(),
        writer: WriterOptions::new("run"),
        threads: 2,
        use_peek: true,
        with_sha256: true,
        tables: TableOptions::default(),
        record_limit: 1 << 20,
        keep_not_applied: false,
        keep_rejected_bytes: false,
        rehash: false,
        passwords: Passwords::default(),
    };
    sweep(&found, &lists, &options, &Silent).expect("swept")
}

#[test]
fn a_source_that_changes_under_our_hands_is_read_as_found_and_said() {
    let record =
        fs::read_to_string("tests/corpus/graph-beta/service-provider-block-by-location/input.json")
            .expect("a record");
    let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    let line = record["value"][0].to_string();
    let text = format!("{line}\n{}\n", line.replace("\"id\":\"", "\"id\":\"f"));
    type Happening = fn(&Path);
    let cases: [(&str, Happening, u64, u64, bool); 5] = [
        ("nothing", |_| {}, 2, 0, false),
        (
            "grows",
            |path| {
                let mut file = fs::File::options().append(true).open(path).expect("open");
                file.write_all(b"{\"id\":\"half").expect("written");
            },
            3,
            1,
            false,
        ),
        (
            "shrinks",
            |path| {
                let file = fs::File::options().write(true).open(path).expect("open");
                file.set_len(file.metadata().expect("there").len() - 10).expect("cut");
            },
            2,
            1,
            false,
        ),
        ("vanishes", |path| fs::remove_file(path).expect("removed"), 0, 0, true),
        (
            "becomes a folder",
            |path| {
                fs::remove_file(path).expect("removed");
                fs::create_dir(path).expect("made");
            },
            0,
            0,
            true,
        ),
    ];
    for (name, happens, records, rejected, is_failed) in cases {
        let place = tempfile::tempdir().expect("a folder");
        let (input, out) = (place.path().join("log.json"), place.path().join("out"));
        fs::write(&input, &text).expect("written");
        let swept = sweep_after(&input, &out, || happens(&input));
        assert_eq!((swept.tally.records, swept.tally.rejected), (records, rejected), "{name}");
        assert_eq!(!swept.failed.is_empty(), is_failed, "{name}: {:?}", swept.failed);
        assert_eq!(!swept.changed.is_empty(), name != "nothing", "{name}");
        let seen = fs::read_to_string(out.join("dataset/seen.json")).unwrap_or_default();
        assert_eq!(seen.contains("log.json"), name == "nothing", "{name}: {seen}");
    }
}

#[cfg(unix)]
mod signals {
    use std::process::{Child, Command, Stdio};
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::*;

    /// A sweep over a log without end that comes through standard input.
    fn endless(desk: &Desk) -> (Child, std::thread::JoinHandle<()>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantsweep"));
        command.args(["sweep", "-", "--partners", "sample-logs/partners.csv"]);
        command.current_dir(desk.path(".")).stdout(Stdio::null());
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("piped");
        let record = fs::read_to_string(
            "tests/corpus/graph-beta/service-provider-block-by-location/input.json",
        );
        let record: serde_json::Value =
            serde_json::from_str(&record.expect("a record")).expect("JSON");
        let line = format!("{}\n", record["value"][0]);
        let writer = std::thread::spawn(move || while input.write_all(line.as_bytes()).is_ok() {});
        (child, writer)
    }

    fn signal(child: &Child, name: &str) {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().expect("kill").success());
    }

    #[test]
    fn a_signal_ends_the_run_and_leaves_the_dataset_as_it_was() {
        for (name, code) in [("INT", 130), ("TERM", 143)] {
            let desk = Desk::with_samples();
            assert_eq!(desk.run(&["sweep", "sample-logs", "-q"]).status.code(), Some(0));
            let manifest = fs::read(desk.path("sweep-out/dataset/manifest.json")).expect("there");
            let (child, writer) = endless(&desk);
            let staging = desk.path("sweep-out/dataset/.staging");
            while !staging.exists() {
                sleep(Duration::from_millis(5));
            }
            sleep(Duration::from_millis(200));
            let asked = Instant::now();
            signal(&child, name);
            let output = child.wait_with_output().expect("it ends");
            // Far less than it would take by itself: it would not end.
            assert!(asked.elapsed() < Duration::from_secs(60), "{:?}", asked.elapsed());
            writer.join().expect("no panic");
            let told = String::from_utf8(output.stderr).expect("UTF-8");
            assert_eq!(output.status.code(), Some(code), "{told}");
            assert!(told.contains("stopped: 0 of 1 files were read"), "{told}");
            assert!(told.contains("the dataset is as it was"), "{told}");
            assert!(!staging.exists());
            let now = fs::read(desk.path("sweep-out/dataset/manifest.json")).expect("there");
            assert_eq!(now, manifest);
            let verified = desk.run(&["verify"]);
            assert!(verified.status.success(), "{}", stdout(&verified));
        }
    }

    #[test]
    fn a_run_that_waits_for_a_silent_pipe_ends_as_well() {
        let desk = Desk::with_samples();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantsweep"));
        command.args(["sweep", "-", "-q"]).current_dir(desk.path("."));
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let input = child.stdin.take();
        while !desk.path("sweep-out/dataset/.staging").exists() {
            sleep(Duration::from_millis(5));
        }
        signal(&child, "TERM");
        let output = child.wait_with_output().expect("it ends");
        drop(input);
        assert_eq!(output.status.code(), Some(143));
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        // The signal may have come before the first look at the pipe.
        assert!(told.contains("error: stopped"), "{told}");
    }
}
