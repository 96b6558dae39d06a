//! Files with every flag there is, and files with faults.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use clap::{Arg, Command, CommandFactory, Parser};

use super::keys::settings_of;
use super::{Cli, arguments, settings};

fn program() -> Command {
    let mut program = Cli::command();
    program.build();
    program
}

/// A value that the argument takes, as TOML.
fn example_of(arg: &Arg) -> String {
    let takes = arg.get_num_args().unwrap_or_default();
    if !takes.takes_values() {
        return "true".to_owned();
    }
    if let Some(value) = arg.get_possible_values().first() {
        return format!("{:?}", value.get_name());
    }
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name);
    let guid = "2e9d6f10-b84a-4c63-97d5-08f1a3c7be22";
    let text = match name {
        "GUID[=NAME]" => format!("{guid}=Fabrikam"),
        "GUID" | "ID" if arg.get_id() != "run_id" => guid.to_owned(),
        "COLUMN=FIELD" => "Mieter=home_tenant_id".to_owned(),
        "OFFSET" => "+02:00".to_owned(),
        "DURATION" => "10m".to_owned(),
        "MODE" => "0640".to_owned(),
        "TIME" => "2026-11-21".to_owned(),
        "SPAN" => "2026-11-01..2026-11-08".to_owned(),
        "SHARE" => "0.05".to_owned(),
        "N" | "MIB" => "2".to_owned(),
        "IP" => "203.0.113.7".to_owned(),
        "NUMBER" => "53003".to_owned(),
        _ => "something".to_owned(),
    };
    format!("{text:?}")
}

#[test]
fn every_flag_of_every_subcommand_can_stand_in_a_file() {
    let program = program();
    let mut text = String::new();
    for subcommand in program.get_subcommands() {
        text.push_str(&format!("[{}]\n", subcommand.get_name()));
        for arg in subcommand.get_arguments() {
            let key = settings_of(subcommand).into_iter().find(|one| one.id() == arg.get_id());
            if let Some(key) = key {
                text.push_str(&format!("{} = {}\n", key.key, example_of(arg)));
            }
        }
    }
    let all = settings(&text, Path::new("folder"), &program).expect("every key is known");
    for subcommand in program.get_subcommands() {
        let name = subcommand.get_name();
        let words = &all[name];
        let known = settings_of(subcommand);
        assert_eq!(words.len(), known.len(), "{name}");
        let mut keys: Vec<&str> = known.iter().map(|setting| setting.key.as_str()).collect();
        keys.dedup();
        assert_eq!(keys.len(), known.len(), "{name}: one key for two arguments");
        // Each one by itself is what clap reads, too.
        for (id, words) in words {
            let kept = known.iter().find(|setting| setting.id() == id).expect("known");
            assert!(!words.is_empty(), "{name}: {}", kept.key);
        }
    }
}

/// The example in the documents is true, also in the lines that are switched off there, and has
/// every key of a sweep.
#[test]
fn the_example_file_is_accepted() {
    let program = program();
    let text = fs::read_to_string("docs/tenantsweep.toml").expect("the example");
    let switched_on: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .collect();
    for text in [text.clone(), switched_on.join("\n")] {
        if let Err(fault) = settings(&text, Path::new(""), &program) {
            panic!("line {}: {}", fault.line, fault.told);
        }
    }
    let all = settings(&switched_on.join("\n"), Path::new(""), &program).expect("accepted");
    for name in ["sweep", "report", "compare"] {
        let subcommand = program.find_subcommand(name).expect("a subcommand");
        for setting in settings_of(subcommand) {
            let is_there = all[name].iter().any(|(id, _)| id == setting.id());
            assert!(is_there, "{name}: {} is not in the example", setting.key);
        }
    }
}

struct Desk(tempfile::TempDir);

impl Desk {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("c.toml"), text).expect("written");
        Self(folder)
    }

    /// The words behind the program's name; `FILE` is the file.
    fn words(&self, typed: &[&str]) -> Vec<String> {
        let words = self.try_words(typed).expect("a good file");
        words.into_iter().map(|word| self.shown(&word)).collect()
    }

    fn shown(&self, word: &OsStr) -> String {
        word.to_string_lossy().replace(&self.0.path().display().to_string(), "DIR")
    }

    fn try_words(&self, typed: &[&str]) -> Result<Vec<OsString>, String> {
        let file = self.0.path().join("c.toml");
        let typed = typed.iter().map(|&word| match word {
            "FILE" => file.clone().into_os_string(),
            word => word.into(),
        });
        let typed = std::iter::once("tenantsweep".into()).chain(typed).collect();
        let all = arguments(typed).map_err(|error| self.shown(OsStr::new(&error.to_string())))?;
        Ok(all.into_iter().skip(1).collect())
    }
}

#[test]
fn what_is_typed_wins_and_what_is_not_comes_from_the_file() {
    let desk = Desk::with(
        "[sweep]\ninputs = [\"exports\", \"-\"]\nout = \"results\"\nquiet = true\nrehash = false\n\
         partner = [\"a\u{3d}b\"]\n"
            .replace("a=b", "2e9d6f10-b84a-4c63-97d5-08f1a3c7be22=Fabrikam")
            .as_str(),
    );
    let partner = "--partner=2e9d6f10-b84a-4c63-97d5-08f1a3c7be22=Fabrikam";
    assert_eq!(
        desk.words(&["sweep", "--config", "FILE"]),
        [
            "sweep",
            "--out=DIR/results",
            "--quiet",
            partner,
            "--config",
            "DIR/c.toml",
            "--",
            "DIR/exports",
            "-"
        ]
        .map(|word| word.replace('/', std::path::MAIN_SEPARATOR_STR))
    );
    let typed = ["--config", "FILE", "sweep", "mine", "--out", "elsewhere"];
    let words = desk.words(&typed);
    assert_eq!(words[2..], ["sweep", "--quiet", partner, "mine", "--out", "elsewhere"]);
    // Another subcommand has no table here; wrong words are left to the true parse.
    for typed in [&["report", "--config", "FILE"][..], &["sweep", "--nonsense", "--config", "FILE"]]
    {
        assert_eq!(desk.words(typed).len(), typed.len());
    }
}

#[test]
fn a_flag_that_excludes_another_replaces_it() {
    let desk = Desk::with("[compare]\nold-folder = \"a\"\nnew-folder = \"b\"\nat = 2026-11-20\n");
    let words = desk.words(&["compare", "--config", "FILE", "--old", "2026-11-01.."]);
    assert!(!words.iter().any(|word| word.starts_with("--at")), "{words:?}");
    let words = desk.words(&["compare", "--config", "FILE", "monday"]);
    assert_eq!(words[1], "--at=2026-11-20");
    assert_eq!(words[4..], ["monday", "--", "DIR/b"].map(native));
}

fn native(word: &str) -> String {
    word.replace('/', std::path::MAIN_SEPARATOR_STR)
}

#[test]
fn an_id_alone_takes_its_folder_from_the_file() {
    let desk = Desk::with("[show]\nout = \"results\"\n");
    let words = desk.words(&["show", "6c1e2c1e", "--config", "FILE"]);
    assert_eq!(words[..3], ["show", "DIR/results", "6c1e2c1e"].map(native));
    let words = desk.words(&["show", "there", "6c1e2c1e", "--config", "FILE"]);
    assert_eq!(words[..3], ["show", "there", "6c1e2c1e"]);
    let both = Desk::with("[show]\nout = \"results\"\nsign-in-id = \"6c1e2c1e\"\n");
    let words = both.words(&["show", "--config", "FILE"]);
    assert_eq!(words[3..], ["--", "DIR/results", "6c1e2c1e"].map(native));
}

#[test]
fn what_the_file_says_is_what_clap_reads() {
    let desk = Desk::with(
        "[forget]\nout = \"results\"\ntenant = \"2e9d6f10-b84a-4c63-97d5-08f1a3c7be22\"\n\
         wait = true\nnote = \"-- contract = ended\"\n",
    );
    let words = desk.try_words(&["forget", "--config", "FILE"]).expect("a good file");
    let cli = Cli::try_parse_from(std::iter::once("tenantsweep".into()).chain(words));
    let super::super::Command::Forget(args) = cli.expect("parsed").command else {
        panic!("another subcommand")
    };
    assert_eq!(args.custody.note.as_deref(), Some("-- contract = ended"));
    assert!(args.writer.wait.is_some());
    assert_eq!(args.out, desk.0.path().join("results"));
}

#[test]
fn faults_are_named_with_their_line_and_the_nearest_name() {
    for (text, told) in [
        (
            "[sweep]\nout = \"a\"\npartnerz = \"b\"\n",
            "line 3: unknown key `partnerz` in [sweep]; did you mean `partner`?",
        ),
        ("[sweep]\nxyz = 1\n", "line 2: unknown key `xyz` in [sweep]"),
        ("\n[swep]\n", "line 2: unknown table [swep]; did you mean [sweep]?"),
        ("out = \"a\"\n", "line 1: `out` stands in no table"),
        (
            "[sweep]\nquiet = \"yes\"\n",
            "line 2: `quiet` in [sweep]: expected true or false and found a single value",
        ),
        (
            "[sweep]\nout = [\"a\"]\n",
            "line 2: `out` in [sweep]: expected a text (DIR) or a number and found a list",
        ),
        ("[sweep]\nout = true\n", "expected a text (DIR) or a number and found true or false"),
        ("[sweep.out]\n", "expected a text (DIR) or a number and found a table"),
        (
            "[sweep]\npartner = [\n  \"fabrikam\"]\n",
            "line 2: `partner` in [sweep]: `fabrikam` is no tenant id (a GUID)",
        ),
        ("[sweep]\nfail-on = [\"new-blocks\"]\n", "`new-blocks` is none of new-block, blocked"),
        ("[sweep]\nthreads = 0x10\n", "decimal digits"),
        ("[sweep]\nwait = 1.5.5\n", "line 2: no TOML"),
        ("[sweep]\nout = \"a\"\nout = \"b\"\n", "line 3: no TOML: duplicate key"),
        ("[report]\nconfig = \"x\"\n", "unknown key `config` in [report]"),
        ("[sweep]\nhelp = true\n", "unknown key `help` in [sweep]"),
    ] {
        let desk = Desk::with(text);
        let error = desk.try_words(&["sweep", "--config", "FILE"]).expect_err(text);
        assert!(error.starts_with(&native("DIR/c.toml: line ")), "{error}");
        assert!(error.contains(told), "{text}: {error}");
    }
    let desk = Desk::with("");
    let error = desk.try_words(&["sweep", "--config", "nowhere.toml"]).expect_err("no file");
    assert!(error.contains("nowhere.toml: could not be read"), "{error}");
}
