//! report.html in a real browser: names that would run or fetch do neither.
//!
//! Chromium loads the page and writes down what its network was asked for. A page that does run and
//! fetch shows that both would be seen.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::page::hostile::{self, HOSTILE};
use crate::page::markup::Document;

/// With this set, the test is left out, and says so.
const LEAVE_OUT: &str = "TENANTSWEEP_NO_BROWSER";
/// Where the pictures are kept, if set.
const PICTURES: &str = "TENANTSWEEP_PICTURES";
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The command of a Chromium on this machine; none, where the test is left out on purpose.
#[allow(clippy::print_stderr, reason = "a test that is left out says so")]
fn chromium() -> Option<&'static str> {
    if std::env::var_os(LEAVE_OUT).is_some() {
        eprintln!("left out: {LEAVE_OUT} is set, so no browser looks at report.html");
        return None;
    }
    let starts = |name: &&str| {
        let version = Command::new(name).arg("--version").stderr(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    };
    let found = NAMES.into_iter().find(|name| starts(name));
    assert!(
        found.is_some(),
        "no Chromium here: install it (`apt-get install chromium`), or set {LEAVE_OUT}=1 to leave \
         this test out"
    );
    found
}

/// Nothing listens there, so whatever a page asks for ends on this machine.
const NOWHERE: &str = "127.0.0.1:9";
/// Who asks, in Chromium's log of the network, where it is not a page but Chromium itself.
const ITSELF: &str = "not an origin";

/// A page as the browser made it, and what it asked for.
struct Loaded {
    dom: String,
    requests: Vec<String>,
}

/// Chromium with a home of its own and no way out.
fn browser(name: &str, home: &Path) -> Command {
    let mut command = Command::new(name);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--disable-extensions", "--timeout=10000"])
        .arg(format!("--proxy-server={NOWHERE}"))
        // For this machine as well.
        .arg("--proxy-bypass-list=<-loopback>")
        .arg(format!("--user-data-dir={}", home.join("profile").display()))
        .env("HOME", home)
        .stdin(Stdio::null());
    command
}

fn load(name: &str, home: &Path, page: &Path) -> Loaded {
    let log = home.join("network.json");
    let mut command = browser(name, home);
    command.arg(format!("--log-net-log={}", log.display())).arg("--dump-dom");
    let output = command.arg(address_of(page)).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let log: Value = serde_json::from_slice(&fs::read(&log).expect("a log")).expect("a whole log");
    Loaded { dom: String::from_utf8(output.stdout).expect("UTF-8"), requests: requests_in(&log) }
}

/// The addresses that a page asked for.
fn requests_in(log: &Value) -> Vec<String> {
    let started = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"].as_u64();
    assert!(started.is_some(), "a log of another kind");
    let events = log["events"].as_array().expect("events");
    let of_pages = events.iter().filter(|event| {
        event["type"].as_u64() == started
            && event["params"]["initiator"].as_str().is_some_and(|initiator| initiator != ITSELF)
    });
    of_pages.map(|event| event["params"]["url"].to_string()).collect()
}

fn address_of(page: &Path) -> String {
    format!("file://{}", page.display())
}

#[test]
fn a_browser_shows_hostile_names_as_text_runs_nothing_and_asks_for_nothing() {
    let Some(name) = chromium() else { return };
    let home = tempfile::tempdir().expect("a folder");
    let desk = hostile::swept();
    let page = desk.path("sweep-out/report.html");
    let loaded = load(name, home.path(), &page);
    let document = Document::parse(&loaded.dom);
    document.assert_harmless("the browser's page");
    let title = document.text.lines().find(|line| !line.trim().is_empty()).expect("a title");
    assert!(title.starts_with("tenantsweep: "), "{title}");
    for (text, shown) in HOSTILE {
        assert!(document.text.contains(shown), "{text:?}");
    }
    assert_eq!(loaded.requests, Vec::<String>::new());
    pictures(name, home.path(), &page);
}

/// At the width of a desk and of a phone.
fn pictures(name: &str, home: &Path, page: &Path) {
    let folder = std::env::var_os(PICTURES).map_or_else(|| home.to_owned(), Into::into);
    for (picture, size) in [("desk.png", "1280,2400"), ("phone.png", "390,2400")] {
        let path = folder.join(picture);
        let output = browser(name, home)
            .arg(format!("--screenshot={}", path.display()))
            .arg(format!("--window-size={size}"))
            .arg(address_of(page))
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bytes = fs::read(&path).expect("a picture");
        assert!(
            bytes.starts_with(b"\x89PNG") && bytes.len() > 20_000,
            "{picture}: {}",
            bytes.len()
        );
    }
}

#[test]
fn what_runs_and_fetches_would_be_seen() {
    let Some(name) = chromium() else { return };
    let home = tempfile::tempdir().expect("a folder");
    let page = home.path().join("page.html");
    let text = "<!DOCTYPE html><title>as it was</title><img src=http://evil.example/x \
                onerror=\"document.title='ran'\"><script>document.body.className='ran'</script>";
    fs::write(&page, text).expect("written");
    let Loaded { dom, requests } = load(name, home.path(), &page);
    assert!(dom.contains("<title>ran</title>"), "{dom}");
    assert!(dom.contains("class=\"ran\""), "{dom}");
    assert_eq!(requests, ["\"http://evil.example/x\""]);
}
