//! Runs that nobody watches: exit codes, the digest, the log, and nothing to do.

use std::fs;

use serde_json::Value;

use crate::cli::{Desk, stderr, stdout};

fn digest(desk: &Desk, name: &str) -> String {
    fs::read_to_string(desk.path("digest").join(name)).expect("a digest")
}

const SWEEP: [&str; 7] = ["sweep", "sample-logs", "-q", "--digest", "digest", "--log-file", "log"];

fn sweep(desk: &Desk, more: &[&str]) -> std::process::Output {
    desk.run(&[&SWEEP[..], more].concat())
}

#[test]
fn the_first_digest_tells_all_trouble_and_the_second_nothing() {
    let desk = Desk::with_samples();
    assert_eq!(sweep(&desk, &[]).status.code(), Some(0));
    let golden = fs::read_to_string("tests/golden/digest.txt").unwrap_or_default();
    let text = digest(&desk, "digest.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write("tests/golden/digest.txt", &text).expect("written");
    } else {
        assert_eq!(text, golden);
    }
    assert!(text.is_ascii() && text.lines().count() <= 20);
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    let json: Value = serde_json::from_str(&digest(&desk, "digest.json")).expect("JSON");
    let count = json["customers"].as_array().expect("a list").len()
        + json["providers"].as_array().expect("a list").len();
    assert!(text.starts_with(&format!("tenantsweep, first digest: {count} changes\n")));
    let card = digest(&desk, "teams-card.json");
    assert!(card.len() <= 25 * 1024);
    let card: Value = serde_json::from_str(&card).expect("JSON");
    assert_eq!(card["attachments"][0]["content"]["type"], "AdaptiveCard");
    let html = digest(&desk, "digest.html");
    for word in ["<script", "<svg", "<link", "<style", "src=", "href=", "url("] {
        assert!(!html.contains(word), "{word}");
    }

    let again = desk.run(&["sweep", "sample-logs", "--digest", "digest"]);
    assert!(stdout(&again).contains("Nothing changed since the sweep before: no digest."));
    assert_eq!(fs::read_dir(desk.path("digest")).expect("a folder").count(), 0);
}

#[test]
fn only_what_is_new_is_told() {
    let desk = Desk::with_samples();
    let hidden = desk.path("woodgrove-bank");
    fs::rename(desk.path("sample-logs/woodgrove-bank"), &hidden).expect("moved");
    assert_eq!(sweep(&desk, &["--fail-on", "new-block"]).status.code(), Some(1));
    fs::rename(&hidden, desk.path("sample-logs/woodgrove-bank")).expect("moved");
    let output = sweep(&desk, &["--fail-on", "new-block,reject"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("--fail-on new-block: Woodgrove Bank"), "{told}");
    let text = digest(&desk, "digest.txt");
    let blocked: Vec<&str> = text.lines().filter(|line| line.contains("Woodgrove Bank")).collect();
    assert_eq!(blocked.len(), 1, "{text}");
    // A look at a part of the evidence is not what the next sweep is compared with.
    assert_ne!(sweep(&desk, &["--until", "2026-10-25"]).status.code(), Some(4));
    assert_eq!(sweep(&desk, &["--fail-on", "new-block"]).status.code(), Some(0));
    assert_eq!(fs::read_dir(desk.path("digest")).expect("a folder").count(), 0);
}

#[test]
fn each_condition_is_met_by_itself_and_named() {
    let desk = Desk::with_samples();
    for condition in ["new-block", "blocked", "unlisted-success", "no-log", "blind", "reject"] {
        let out = format!("out-{condition}");
        let output = sweep(&desk, &["--out", &out, "--fail-on", condition]);
        assert_eq!(output.status.code(), Some(1), "{condition}");
        let told = stderr(&output);
        assert!(told.contains(&format!("--fail-on {condition}: ")), "{told}");
    }
    // One customer that gets in, and nothing else.
    let words =
        ["sweep", "sample-logs/tailspin-toys", "--partners", "sample-logs/partners.csv", "-q"];
    let all = "new-block,blocked,unlisted-success,no-log,blind,reject";
    let output = desk.run(&[&words[..], &["--out", "calm", "--fail-on", all]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = sweep(&desk, &["--fail-on", "new-blocks"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("unlisted-success"), "{}", stderr(&output));
}

#[test]
fn a_run_that_was_killed_before_it_told_leaves_the_change_to_the_next() {
    let desk = Desk::with_samples();
    // Committed, but the digest cannot be written: a file lies in the folder's place.
    fs::write(desk.path("digest"), "in the way").expect("written");
    let output = sweep(&desk, &[]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    fs::remove_file(desk.path("digest")).expect("removed");
    assert_eq!(sweep(&desk, &["--fail-on", "new-block"]).status.code(), Some(1));
    assert!(digest(&desk, "digest.txt").contains("BLOCKED"));
}

#[test]
fn each_run_leaves_a_line_whatever_its_end() {
    let desk = Desk::with_samples();
    sweep(&desk, &["--run-id", "one"]);
    sweep(&desk, &["--run-id", "two", "--fail-on", "blocked"]);
    // Another folder's lock is in the way of nobody; a folder that is a file is.
    fs::write(desk.path("taken"), "").expect("written");
    sweep(&desk, &["--run-id", "three", "--out", "taken"]);
    desk.run(&["sweep", "no such file", "--log-file", "log", "--run-id", "four"]);
    let log = fs::read_to_string(desk.path("log")).expect("a log");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 4, "{log}");
    for (line, expected) in lines.iter().zip([
        " run=one exit=0 files=27 exports_read=26 exports_known=0 not_read=0 records=275 ",
        " run=two exit=1 files=27 exports_read=0 exports_known=26 ",
        " run=three exit=4 ",
        " exit=2 ",
    ]) {
        assert!(line.starts_with("time=20") && line.contains(expected), "{line}");
        assert!(line.len() <= 1024 && line.contains(" seconds="), "{line}");
    }
    assert!(lines[2].contains("message=\"") && lines[3].contains("no such file"), "{log}");
    let output = desk.run(&["sweep", "sample-logs", "-q", "--log-file", "no/such/folder/log"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(desk.path("sweep-out/report.md").exists());
}

/// Runs with words in a shell, the program's own name standing for it.
#[cfg(unix)]
fn in_shell(desk: &Desk, script: &str) -> std::process::Output {
    let script = script.replace("tenantsweep", env!("CARGO_BIN_EXE_tenantsweep"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(desk.path(".")).output().expect("a shell")
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_early_takes_no_condition_with_it() {
    let desk = Desk::with_samples();
    for command in ["sweep sample-logs --log-file log", "report sweep-out"] {
        let run = format!("{{ tenantsweep {command} --fail-on blocked; echo $? >code; }} | true");
        let output = in_shell(&desk, &run);
        let told = stderr(&output);
        assert!(told.contains("--fail-on blocked: "), "{told}");
        assert_eq!(fs::read_to_string(desk.path("code")).expect("a code").trim(), "1", "{told}");
    }
    let log = fs::read_to_string(desk.path("log")).expect("a log");
    assert!(log.contains(" exit=1 ") && log.contains(" message=\"--fail-on blocked: "), "{log}");
}

#[test]
fn a_log_that_cannot_be_written_is_said_whatever_the_end() {
    let desk = Desk::with_samples();
    let output = desk.run(&["sweep", "no such file", "--log-file", "no/such/folder/log"]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("no/such/folder/log") && told.contains("no such file"), "{told}");
}

#[cfg(unix)]
#[test]
fn the_digest_and_the_log_are_for_those_whom_the_mode_names() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with_samples();
    for (mode, file_bits, folder_bits) in
        [(None, 0o600, 0o700), (Some("--mode=0640"), 0o640, 0o750)]
    {
        let words: Vec<&str> = mode.into_iter().collect();
        assert_eq!(sweep(&desk, &words).status.code(), Some(0));
        let bits = |name: &str| {
            let known = fs::metadata(desk.path(name)).expect("there");
            known.permissions().mode() & 0o777
        };
        for name in ["digest/digest.txt", "digest/teams-card.json", "log"] {
            // The mask of the process may take bits from a new log; it never adds any.
            assert_eq!(bits(name) & !file_bits, 0, "{name}");
        }
        assert_eq!(bits("digest/digest.html"), file_bits);
        assert_eq!(bits("digest"), folder_bits);
        for name in ["digest", "sweep-out"] {
            fs::remove_dir_all(desk.path(name)).expect("removed");
        }
        fs::remove_file(desk.path("log")).expect("removed");
    }
}

#[test]
fn a_report_has_the_conditions_that_need_no_run() {
    let desk = Desk::with_samples();
    sweep(&desk, &[]);
    for condition in ["blocked", "unlisted-success", "no-log", "blind"] {
        let output = desk.run(&["report", "--fail-on", condition]);
        assert_eq!(output.status.code(), Some(1), "{condition}");
        assert!(stderr(&output).contains(&format!("--fail-on {condition}: ")));
        assert!(!stdout(&output).is_empty());
    }
    for condition in ["new-block", "reject"] {
        let output = desk.run(&["report", "--fail-on", condition]);
        assert_eq!(output.status.code(), Some(2), "{condition}");
        assert!(stderr(&output).contains("only `sweep`"), "{}", stderr(&output));
    }
}

#[test]
fn ids_in_a_digest_are_those_of_the_summary() {
    let desk = Desk::with_samples();
    sweep(&desk, &[]);
    let json: Value = serde_json::from_str(&digest(&desk, "digest.json")).expect("JSON");
    let summary = desk.summary();
    let known: Vec<&Value> = summary["tenants"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|tenant| &tenant["child_tenant_id"])
        .collect();
    let told = json["customers"].as_array().expect("a list");
    for customer in told {
        assert!(known.contains(&&customer["child_tenant_id"]), "{customer}");
    }
    assert_eq!(json["schema"], 1);
}

#[test]
fn a_customer_that_is_forgotten_takes_no_untold_change_with_it() {
    let desk = Desk::with_samples();
    let (hidden, there) = (desk.path("woodgrove"), desk.path("sample-logs/woodgrove-bank"));
    fs::rename(&there, &hidden).expect("moved");
    sweep(&desk, &[]);
    // Committed and not told: a file lies where the digest goes.
    fs::rename(&hidden, &there).expect("moved");
    fs::remove_dir_all(desk.path("digest")).expect("removed");
    fs::write(desk.path("digest"), "in the way").expect("written");
    assert_eq!(sweep(&desk, &[]).status.code(), Some(4));
    fs::remove_file(desk.path("digest")).expect("removed");
    let contoso = "1c0b7a44-5d3e-4f02-8a91-c6e2b9d04f11";
    assert_eq!(desk.run(&["forget", "--tenant", contoso]).status.code(), Some(0));
    let kept = fs::read_to_string(desk.path("sweep-out/dataset/standing.json")).expect("kept");
    assert!(!kept.contains("CA007"), "{kept}");
    assert_eq!(sweep(&desk, &["--fail-on", "new-block"]).status.code(), Some(1));
    let text = digest(&desk, "digest.txt");
    assert!(text.contains("Woodgrove Bank") && !text.contains("Contoso"), "{text}");
    assert!(desk.run(&["verify"]).status.success());
}

/// A job runs over thousands of files that it has read: none of them is opened again.
#[cfg(unix)]
#[test]
fn known_files_are_not_opened_again() {
    let desk = Desk::with_samples();
    let count = (300 * crate::times() as usize).min(10_000);
    let record =
        fs::read_to_string("tests/corpus/graph-beta/service-provider-block-by-location/input.json")
            .expect("a record");
    fs::create_dir(desk.path("many")).expect("made");
    for number in 0..count {
        let text = format!("{}\n{}", record, " ".repeat(number));
        fs::write(desk.path("many").join(format!("{number:05}.json")), text).expect("written");
    }
    let words = ["sweep", "many", "--partners", "sample-logs/partners.csv", "-q"];
    let first = desk.run(&words);
    assert!(matches!(first.status.code(), Some(0 | 5)), "{}", stderr(&first));
    // What is not opened need not hold what it held.
    for number in 0..count {
        let path = desk.path("many").join(format!("{number:05}.json"));
        let (length, modified) = {
            let known = fs::metadata(&path).expect("there");
            (known.len() as usize, known.modified().expect("a time"))
        };
        fs::write(&path, "x".repeat(length)).expect("written");
        fs::File::options()
            .write(true)
            .open(&path)
            .expect("open")
            .set_modified(modified)
            .expect("set");
    }
    let again = desk.run(&["sweep", "many", "--partners", "sample-logs/partners.csv"]);
    assert!(
        stdout(&again).contains(&format!("Nothing new: {count} exports")),
        "{}",
        stdout(&again)
    );
    // With --rehash they are, and what they hold now is told.
    let rehashed = desk.run(&[&words[..4], &["--rehash"]].concat());
    assert!(stderr(&rehashed).contains("not a sign-in log"), "{}", stderr(&rehashed));
}

#[test]
fn every_flag_in_the_documents_is_one_of_the_program() {
    let desk = Desk::empty();
    let commands = [
        "sweep", "report", "query", "schema", "compare", "inspect", "explain", "verify", "show",
        "compact", "forget",
    ];
    let help: String =
        commands.iter().map(|command| stdout(&desk.run(&[command, "--help"]))).collect();
    for document in
        ["README.md", "RELIABILITY.md", "CHANGELOG.md", "docs/scheduling.md", "queries/README.md"]
    {
        let text = fs::read_to_string(document).expect("a document");
        // Of the build tool, of sh and of systemctl.
        let foreign = ["--release", "--check", "--now", "--bench", "--quiet"];
        let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
        let flags = words.filter(|word| word.starts_with("--") && word.len() > 3);
        for flag in flags.filter(|flag| !foreign.contains(flag)) {
            assert!(help.contains(flag), "{document} names {flag}");
        }
        for command in commands {
            assert!(help.contains(command));
        }
    }
    assert!(help.contains("--quiet"));
}

#[test]
fn a_customer_that_is_forgotten_is_in_no_file_and_comes_back_with_new_exports_only() {
    let desk = Desk::with_samples();
    sweep(&desk, &[]);
    let summary = desk.summary();
    let tenant = summary["tenants"]
        .as_array()
        .expect("customers")
        .iter()
        .find(|customer| customer["child_name"] == "Woodgrove Bank");
    let tenant = tenant.expect("a customer")["child_tenant_id"].as_str().expect("an id").to_owned();
    let output = desk.run(&["forget", "sweep-out", "--tenant", &tenant.to_uppercase()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("sign-ins of"), "{}", stdout(&output));
    let mut folders = vec![desk.path("sweep-out")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).expect("a file");
            // The list of exports keeps paths, hashes and the tenant whose log it was.
            let is_list = path.to_string_lossy().contains("exports/");
            let names = ["Woodgrove Bank", "Baseline: block unknown"];
            let holds = |name: &str| bytes.windows(name.len()).any(|w| w == name.as_bytes());
            assert!(is_list || !names.into_iter().any(holds), "{}", path.display());
        }
    }
    let verified = desk.run(&["verify"]);
    assert!(verified.status.success(), "{}", stdout(&verified));
    // Known files do not bring it back, and nothing is told as new but that its name is back.
    let again = sweep(&desk, &["--fail-on", "new-block"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
}
