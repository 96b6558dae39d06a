//! Inputs that are made to do harm: bombs, depths, widths, and texts that steer what shows them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arrow::array::AsArray;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tenantsweep::dataset::Table;
use tenantsweep::report::clean::is_steering;

use crate::cli::{Desk, stderr};
use crate::page::markup::Document;
use crate::parquet_reader::read_batches;
use crate::workbook::Book;

const MIB: usize = 1 << 20;

/// Peak memory that a run may need, whatever it reads: what design asks for at two threads. The
/// libraries of a debug build need no more of it.
#[cfg(target_os = "linux")]
const PEAK_KIB: u64 = 256 * 1024;

/// A partner's sign-in that a policy blocks.
fn record(id: &str) -> Value {
    json!({
        "id": id,
        "createdDateTime": "2026-11-20T08:00:00Z",
        "userId": "5b0f1a51-0000-4000-8000-000000000001",
        "userPrincipalName": "svc@fabrikam.example",
        "userDisplayName": "Fabrikam Technician",
        "appId": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
        "appDisplayName": "Liongard",
        "homeTenantId": PARTNER,
        "resourceTenantId": "2e9d6f10-b84a-4c63-97d5-08f1a3c7be22",
        "crossTenantAccessType": "serviceProvider",
        "signInEventTypes": ["nonInteractiveUser"],
        "conditionalAccessStatus": "failure",
        "status": {"errorCode": 53003, "failureReason": "Access has been blocked"},
        "appliedConditionalAccessPolicies": [policy("CA001 Block")],
    })
}

fn policy(name: &str) -> Value {
    json!({
        "id": "c0000000-0000-4000-8000-000000000001",
        "displayName": name,
        "enforcedGrantControls": ["Block"],
        "conditionsSatisfied": "application,users",
        "conditionsNotSatisfied": "none",
        "result": "failure",
    })
}

const PARTNER: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";

struct Run {
    code: Option<i32>,
    told: String,
    summary: Value,
}

/// Sweeps and looks at the most memory that the run had.
fn sweep(desk: &Desk, input: &str, more: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantsweep"));
    let partner = format!("{PARTNER}=Fabrikam");
    command.args(["sweep", input, "-q", "--threads", "2", "--partner", &partner]).args(more);
    command.current_dir(desk.path(".")).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    #[cfg(target_os = "linux")]
    let watcher = {
        let status = format!("/proc/{}/status", child.id());
        std::thread::spawn(move || peak_of(&status))
    };
    let output = child.wait_with_output().expect("it ends");
    #[cfg(target_os = "linux")]
    {
        let peak = watcher.join().expect("no panic");
        assert!(peak < PEAK_KIB, "{input}: {peak} KiB");
    }
    let summary = fs::read(desk.path("sweep-out/summary.json"));
    let summary = summary.map(|text| serde_json::from_slice(&text).expect("JSON"));
    Run { code: output.status.code(), told: stderr(&output), summary: summary.unwrap_or_default() }
}

/// The most memory a process ever had, in KiB: the kernel keeps count, the last look tells.
#[cfg(target_os = "linux")]
fn peak_of(status: &str) -> u64 {
    let mut peak = 0;
    while let Ok(text) = fs::read_to_string(status) {
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let Some(line) = line else { break };
        peak = line.trim().trim_end_matches(" kB").parse().unwrap_or(peak);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    peak
}

/// Mebibytes of a bomb: a test run has no time for gibibytes.
fn bomb_size() -> usize {
    48 * crate::times().min(40) as usize
}

fn gzip(parts: &[(&[u8], usize)]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for &(part, bytes) in parts {
        let block = part.repeat((MIB / part.len().max(1)).max(1));
        let mut left = bytes;
        while left > 0 {
            let now = left.min(block.len());
            encoder.write_all(&block[..now]).expect("written");
            left -= now;
        }
    }
    encoder.finish().expect("packed")
}

#[test]
fn bombs_cost_little_memory_and_give_rejects_that_say_why() {
    let line = format!("{}\n", record("before"));
    let after = format!("\n{}\n", record("after"));
    let (line, after) = (line.as_bytes(), after.as_bytes());
    let size = bomb_size() * MIB;
    // Name, content of the bomb, what is said of it; and whether the record behind is found.
    type Bomb = (&'static str, &'static [u8], &'static [u8], &'static str, bool);
    let cases: [Bomb; 5] = [
        ("string", b"{\"id\":\"", b"x", "longer than the record limit", true),
        ("brackets", b"{\"a\":", b"[", "longer than the record limit", true),
        ("blanks", b"", b" ", "", true),
        ("lines", b"", b"\n", "", true),
        ("zeros", b"", b"\0", "", true),
    ];
    for (name, head, fill, reason, is_found) in cases {
        let desk = Desk::empty();
        let bomb =
            gzip(&[(line, line.len()), (head, head.len()), (fill, size), (after, after.len())]);
        assert!(bomb.len() < size / 100);
        fs::write(desk.path("log.json.gz"), bomb).expect("written");
        let run = sweep(&desk, "log.json.gz", &[]);
        let totals = &run.summary["totals"];
        let found = totals["partner"].as_u64();
        assert_eq!(found, Some(1 + u64::from(is_found)), "{name}: {totals} {}", run.told);
        assert_rejected(&desk, reason, name);
        assert_eq!(run.summary["ledger"]["balances"], true, "{name}");
        if name == "string" {
            // The same packed thrice; nothing is laid down outside of the results.
            let names_before = names(&desk.path("."));
            let inner = fs::read(desk.path("log.json.gz")).expect("there");
            let inner = zip_of("../../x.json.gz", &inner);
            fs::write(desk.path("nested.zip"), zip_of("inner.zip", &inner)).expect("written");
            let run = sweep(&desk, "nested.zip", &["--out", "out-2"]);
            assert_eq!(run.code, Some(0), "{}", run.told);
            let exports = read_batches(&desk.path("out-2"), Table::Exports);
            let paths = exports[0].column_by_name("path").expect("paths").as_string::<i32>();
            assert_eq!(paths.value(0), "nested.zip!/inner.zip!/../../x.json.gz");
            let mut expected = names_before;
            expected.extend(["nested.zip".to_owned(), "out-2".to_owned()]);
            expected.sort();
            assert_eq!(names(&desk.path(".")), expected);
        }
    }
}

/// A record is in the table of rejects, with this reason; none, if there is no reason.
fn assert_rejected(desk: &Desk, reason: &str, name: &str) {
    let batches = read_batches(&desk.path("sweep-out"), Table::Rejects);
    let reasons: Vec<String> = batches
        .iter()
        .flat_map(|batch| {
            let reasons = batch.column_by_name("reason").expect("reasons").as_string::<i32>();
            (0..batch.num_rows()).map(|row| reasons.value(row).to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let is_as_said = match reason {
        "" => reasons.is_empty(),
        reason => reasons.iter().any(|found| found.contains(reason)),
    };
    assert!(is_as_said, "{name}: {reasons:?}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> =
        entries.map(|entry| name(entry).to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn zip_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("begun");
    zip.write_all(content).expect("written");
    zip.finish().expect("packed").into_inner()
}

#[test]
fn depth_width_and_numbers_are_bounded() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut record = record("changed");
        change(&mut record);
        record.to_string()
    };
    let many_policies = |count: usize| {
        with(&|record| {
            let policies = (0..count).map(|n| policy(&format!("CA{n}"))).collect();
            record["appliedConditionalAccessPolicies"] = Value::Array(policies);
        })
    };
    let deep = |open: &str, close: &str| {
        let levels = 100_000;
        let nest = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        with(&|record| record["authenticationDetails"] = json!("NEST")).replace("\"NEST\"", &nest)
    };
    let columns: Vec<String> = (0..100_000).map(|n| format!("c{n}")).collect();
    let long = "n".repeat(MIB);
    // Name, content, partner sign-ins, what is said.
    let cases = [
        ("deep-lists.json", deep("[", "]"), 2, ""),
        ("deep-objects.json", deep("{\"a\":", "}"), 2, ""),
        ("policies.json", many_policies(20_000), 1, "a list of more than 10,000 items"),
        ("policies-9000.json", many_policies(9_000), 2, ""),
        (
            "long-names.json",
            with(&|record| {
                for key in ["appDisplayName", "userPrincipalName", "userAgent", "userDisplayName"] {
                    record[key] = json!(long);
                }
                record["appliedConditionalAccessPolicies"][0]["displayName"] = json!(long);
            }),
            2,
            "",
        ),
    ];
    for (name, text, partner, reason) in cases {
        let desk = Desk::empty();
        fs::write(desk.path(name), format!("{}\n{text}\n", record("plain"))).expect("written");
        let run = sweep(&desk, name, &[]);
        assert_eq!(run.summary["totals"]["partner"], partner, "{name}: {}", run.told);
        assert_rejected(&desk, reason, name);
        for file in ["report.md", "summary.json", "missing-logs.csv"] {
            let length = fs::metadata(desk.path("sweep-out").join(file)).map_or(0, |m| m.len());
            assert!(length < 8 * MIB as u64, "{name}: {file} has {length} bytes");
        }
    }
    let desk = Desk::empty();
    let head = format!("Date (UTC),Request ID,User agent,Username,{}", columns.join(","));
    let row = format!("2026-11-20T08:00:00Z,one,x,svc@fabrikam.example{}", ",1".repeat(100_000));
    fs::write(desk.path("wide.csv"), format!("{head}\n{row}\n{row}\n")).expect("written");
    let run = sweep(&desk, "wide.csv", &[]);
    assert!(matches!(run.code, Some(0 | 3 | 5)), "{}", run.told);
}

#[test]
fn thousands_of_months_are_refused_and_hundreds_are_written() {
    let desk = Desk::empty();
    let months = 1_000;
    let mut text = String::new();
    for month in 0..months {
        let mut record = record(&format!("id-{month}"));
        let (year, month) = (1950 + month / 12, month % 12 + 1);
        record["createdDateTime"] = json!(format!("{year:04}-{month:02}-05T10:00:00Z"));
        text.push_str(&format!("{record}\n"));
    }
    fs::write(desk.path("log.json"), text).expect("written");
    let run = sweep(&desk, "log.json", &[]);
    let near = months - 600;
    assert_eq!(run.summary["totals"]["partner"], near);
    assert_eq!(run.summary["totals"]["rejected"], 600);
    assert!(run.told.contains("lies outside of 2000 to 2099"), "{}", run.told);
}

/// Texts that do harm where they are shown as they are.
const HOSTILE: [&str; 16] = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\tx",
    "\r\nx",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](http://evil.example) ![b](http://evil.example/c.png)",
    "a | b ` c ` **d** # e",
    "\u{1b}[2J\u{1b}]0;title\u{7}\u{1b}]8;;http://evil.example\u{7}x\u{1b}]52;c;eA==\u{7}",
    "a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{ad}f",
    "a\0b\u{9b}31mc\u{85}d",
    "../../etc/passwd",
    "{{DATE(2026-11-20T08:00:00Z,SHORT)}}",
    "\"; DROP TABLE x; -- ' $(id) %PATH% ${x}",
];

/// Every file below a folder that people or programs read, by its ending.
fn shown_files(folders: &[PathBuf]) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), folders.to_vec());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn hostile_texts_are_neutral_wherever_they_are_shown() {
    for text in HOSTILE {
        let desk = Desk::empty();
        let mut lines = String::new();
        for (number, code) in [53003, 0, 50076].into_iter().enumerate() {
            let mut record = record(&format!("id-{number}-{text}"));
            for key in ["appDisplayName", "userPrincipalName", "userDisplayName", "userAgent"] {
                record[key] = json!(text);
            }
            record["correlationId"] = json!(text);
            record["status"] = json!({"errorCode": code, "failureReason": text});
            record["appliedConditionalAccessPolicies"] = json!([policy(text)]);
            lines.push_str(&format!("{record}\n"));
            // Another provider, and a tenant id that is a path.
            record["id"] = json!(format!("other-{number}"));
            record["homeTenantId"] = json!("51b27e90-0000-4000-8000-000000000001");
            lines.push_str(&format!("{record}\n"));
            record["id"] = json!(format!("path-{number}"));
            record["resourceTenantId"] = json!("../../etc");
            lines.push_str(&format!("{record}\n"));
        }
        // A half surrogate and over-long UTF-8, as bytes.
        let mut bytes = lines.into_bytes();
        let broken = record("broken").to_string().replace("Liongard", "\\ud83d x");
        bytes.extend(broken.as_bytes());
        bytes.push(b'\n');
        let mut overlong = record("overlong").to_string().into_bytes();
        let at = overlong.windows(8).position(|w| w == b"Liongard").expect("there");
        overlong.splice(at..at + 2, [0xc0, 0xaf]);
        bytes.extend(overlong);
        bytes.push(b'\n');
        // Names of files take what the file system takes.
        let plain = text.chars().filter(|c| !matches!(c, '/' | '\0')).take(80);
        let name = format!("x{}.json", plain.collect::<String>());
        fs::create_dir(desk.path("logs")).expect("made");
        fs::write(desk.path("logs").join(&name), &bytes).expect("written");
        fs::write(desk.path("logs").join(format!("{name}.txt")), "no log").expect("written");
        let customers = json!([{"customerId": "2e9d6f10-b84a-4c63-97d5-08f1a3c7be22",
            "displayName": text}, {"customerId": "2e9d6f10-0000-4000-8000-000000000001",
            "displayName": text}]);
        fs::write(desk.path("tenants.json"), customers.to_string()).expect("written");
        let partner = format!("--partner={PARTNER}={}", text.replace('\0', ""));
        let visible: String = text.chars().filter(|&c| !is_steering(c)).collect();
        let case = format!("--case={visible}");
        let output = desk.run(&[
            "sweep",
            "logs",
            &partner,
            "--tenants",
            "tenants.json",
            "--digest",
            "digest",
            "--log-file",
            "log.txt",
            "--fail-on",
            "blocked,unlisted-success,no-log",
            &case,
        ]);
        assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{text:?}: {}", stderr(&output));
        for (sink, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            check(sink, bytes, text);
        }
        desk.run(&["report", "--format", "xlsx", "-o", "sweep-out/report.xlsx"]);
        let mut files = shown_files(&[desk.path("sweep-out"), desk.path("digest")]);
        files.push(desk.path("log.txt"));
        let mut kinds = std::collections::BTreeSet::new();
        for file in files {
            let below = file.strip_prefix(desk.path("")).expect("below").to_string_lossy();
            assert!(
                below.bytes().all(|b| b.is_ascii_alphanumeric() || b"/=-_.".contains(&b)),
                "{below}"
            );
            let ending = file.extension().unwrap_or_default().to_string_lossy().into_owned();
            if ending == "xlsx" {
                Book::open(&file).assert_harmless(text);
                kinds.insert(ending);
            } else if ending != "parquet"
                && !file.ends_with("seen.json")
                && !file.ends_with("standing.json")
            {
                check(&below, &fs::read(&file).expect("a file"), text);
                kinds.insert(ending);
            }
        }
        for kind in ["csv", "html", "json", "md", "txt", "xlsx"] {
            assert!(kinds.contains(kind), "{kind} in {kinds:?}");
        }
    }
}

/// What must hold for every text that is shown, and more by its kind.
fn check(sink: &str, bytes: &[u8], hostile: &str) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("{sink} is no UTF-8"));
    let steering = text.chars().find(|&c| is_steering(c) && c != '\n');
    assert_eq!(steering, None, "{sink}, from {hostile:?}");
    if sink.ends_with("report.html") {
        Document::parse(text).assert_harmless(sink);
    } else if sink.ends_with(".html") {
        let lower = text.to_lowercase();
        for word in ["<script", "<img", "<a ", "javascript:", "<svg"] {
            assert!(!lower.contains(word), "{sink}: {word}");
        }
    } else if sink.ends_with(".md") {
        let plain = text.replace("\\]", "");
        for word in ["<script", "<img", "](http", "http://"] {
            assert!(!plain.contains(word), "{sink}: {word}: {text}");
        }
        // A table keeps its columns.
        let mut columns = None;
        for line in text.lines() {
            if !line.starts_with('|') {
                columns = None;
                continue;
            }
            let bars = line.replace("\\\\", "").replace("\\|", "").matches('|').count();
            assert_eq!(*columns.get_or_insert(bars), bars, "{sink}: {line}");
        }
    } else if sink.ends_with(".csv") {
        for record in csv::ReaderBuilder::new().has_headers(false).from_reader(bytes).records() {
            for cell in &record.expect("a row") {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{sink}: {cell}");
            }
        }
    } else if sink.ends_with(".json") {
        let value: Value = serde_json::from_str(text).expect(sink);
        if sink.ends_with("teams-card.json") {
            assert!(text.len() <= 25 * 1024 && !text.contains("{{"), "{sink}");
            assert!(!value.to_string().contains("\"TextBlock\""), "{sink}");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_and_devices_are_left_alone_unless_they_are_named() {
    use std::os::unix::fs::symlink;
    let desk = Desk::empty();
    fs::create_dir_all(desk.path("logs/sub")).expect("made");
    fs::write(desk.path("logs/log.json"), format!("{}\n", record("inside"))).expect("written");
    fs::write(desk.path("outside.json"), format!("{}\n", record("outside"))).expect("written");
    symlink(desk.path("outside.json"), desk.path("logs/link.json")).expect("linked");
    symlink("..", desk.path("logs/sub/loop")).expect("linked");
    symlink("/dev/zero", desk.path("logs/zero.json")).expect("linked");
    symlink("nowhere", desk.path("logs/broken.json")).expect("linked");
    let made = Command::new("mkfifo").arg(desk.path("logs/pipe.json")).status();
    assert!(made.expect("mkfifo").success());
    let partner = format!("{PARTNER}=Fabrikam");
    let output = desk.run(&["sweep", "logs", "--partner", &partner]);
    assert_eq!(desk.summary()["totals"]["partner"], 1);
    assert!(
        stderr(&output).contains("a link, a device or a hidden file, not read (5 in all)"),
        "{}",
        stderr(&output)
    );
    // By name they are read.
    desk.run(&["sweep", "logs/link.json", "--partner", &partner, "-q"]);
    assert_eq!(desk.summary()["totals"]["partner"], 2);
    let words = ["sweep", "logs/pipe.json", "--partner", &partner, "-q"];
    std::thread::scope(|scope| {
        let path = desk.path("logs/pipe.json");
        scope.spawn(move || fs::write(path, format!("{}\n", record("piped"))).expect("written"));
        desk.run(&words);
    });
    assert_eq!(desk.summary()["totals"]["partner"], 3);
    let zero = sweep(&desk, "/dev/zero", &["--record-limit", "1", "--out", "zero"]);
    assert!(matches!(zero.code, Some(3 | 5)), "{:?} {}", zero.code, zero.told);
}

#[test]
fn results_among_the_inputs_are_passed_over() {
    let desk = Desk::empty();
    fs::create_dir(desk.path("logs")).expect("made");
    fs::write(desk.path("logs/log.json"), format!("{}\n", record("one"))).expect("written");
    let partner = format!("{PARTNER}=Fabrikam");
    for _ in 0..2 {
        let output = desk.run(&["sweep", "logs", "--partner", &partner, "--out", "logs/out"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let output = desk.run(&["sweep", "logs", "--partner", &partner, "--out", "elsewhere"]);
    assert!(
        stderr(&output).contains("logs/out: passed over, it holds results"),
        "{}",
        stderr(&output)
    );
    assert_eq!(fs::read_dir(desk.path("logs")).expect("a folder").count(), 2);
}
