//! Rules of the house: which room may know which.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the top of the house to its ground. A room may use the rooms behind its own
/// floor; rooms on one floor do not know each other.
const FLOORS: [&[&str]; 17] = [
    &["main"],
    &["commands"],
    &["cli", "exit"],
    &["explain", "query"],
    &["report"],
    &["change", "redact"],
    &["summary"],
    &["sweep"],
    &["dataset"],
    &["lists"],
    &["input"],
    &["dialect"],
    &["attribution", "cause", "relation", "remedy"],
    &["sign_in"],
    &["who"],
    &["error_code", "file_name", "parallel", "policy", "stop", "tenant", "text", "time", "tools"],
    &["blocks"],
];

/// Libraries that only these rooms may name.
const KEPT_IN: [(&str, &[&str]); 19] = [
    ("polars", &["query"]),
    ("terminal_size", &["commands"]),
    ("arrow", &["dataset"]),
    ("parquet", &["dataset"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("roff", &["cli"]),
    ("toml", &["cli"]),
    ("getrandom", &["redact"]),
    ("maud", &["report"]),
    ("plotters", &["report"]),
    ("rust_xlsxwriter", &["report"]),
    ("indicatif", &["commands"]),
    ("flate2", &["input"]),
    ("zstd", &["input"]),
    ("deflate64", &["input"]),
    ("aes", &["input"]),
    ("signal_hook", &["main"]),
];

#[test]
fn rooms_use_only_rooms_below_them() {
    let mut wrong = Vec::new();
    for (room, file, line) in uses() {
        let Some(target) = used_room(&line) else { continue };
        let (own, other) = (floor(&room), floor(&target));
        if other <= own && target != room {
            wrong.push(format!("{}: {room} uses {target}: {line}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (room, file, line) in uses() {
        for (library, rooms) in KEPT_IN {
            let named = line.contains(&format!("{library}::"));
            if named && !rooms.contains(&room.as_str()) {
                wrong.push(format!("{}: {room} uses {library}: {line}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_room_has_a_floor() {
    let rooms: BTreeSet<String> = sources().iter().map(|file| room_of(file)).collect();
    let known: BTreeSet<String> =
        FLOORS.iter().flat_map(|floor| floor.iter().map(|room| (*room).to_owned())).collect();
    let unknown: Vec<&String> = rooms.difference(&known).filter(|room| *room != "lib").collect();
    assert!(unknown.is_empty(), "rooms without a floor: {unknown:?}");
}

fn floor(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("no floor for {room}"))
}

/// The room named by `crate::room` or `tenantsweep::room`; an item of the binary's own crate
/// root counts as its own room.
fn used_room(line: &str) -> Option<String> {
    let behind = line.split_once("crate::").or_else(|| line.split_once("tenantsweep::"))?.1;
    let room: String = behind.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    FLOORS.iter().any(|rooms| rooms.contains(&room.as_str())).then_some(room)
}

/// Room, file and text of each line that names a path.
fn uses() -> Vec<(String, PathBuf, String)> {
    let mut uses = Vec::new();
    for file in sources() {
        let room = room_of(&file);
        if room == "lib" {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file");
        let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        uses.extend(
            code.filter(|line| line.contains("::"))
                .map(|line| (room.clone(), file.clone(), line.to_owned())),
        );
    }
    assert!(uses.len() > 100);
    uses
}

fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix("src").expect("a file below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files
}
