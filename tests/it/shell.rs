//! What is made out of the flags: completions and man pages, as shells and readers take them; and
//! flags out of a file.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::{Desk, stderr, stdout};

const SUBCOMMANDS: [&str; 13] = [
    "sweep",
    "report",
    "query",
    "schema",
    "compare",
    "inspect",
    "explain",
    "show",
    "verify",
    "compact",
    "forget",
    "completions",
    "man",
];

/// What a program prints; nothing where it is not installed, which is said.
fn printed_by(program: &str, words: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{program} is not tried: {error}");
            return None;
        }
    };
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("taken");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{program} {words:?}: {}", stderr(&output));
    assert_eq!(stderr(&output), "", "{program} {words:?}");
    Some(stdout(&output))
}

/// The script of a shell in a file beside others, and what the shell says once it has read it.
fn ask_shell(shell: &str, words: &[&str], question: &str) -> Option<String> {
    let desk = Desk::empty();
    let output = desk.run(&["completions", shell]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let script = desk.path("script");
    fs::write(&script, stdout(&output)).expect("written");
    let question = question.replace("SCRIPT", &script.display().to_string());
    let words: Vec<&str> = words.iter().copied().chain([question.as_str()]).collect();
    printed_by(words[0], &words[1..], "")
}

#[test]
fn shells_complete_commands_and_flags() {
    let bash = "source SCRIPT; complete -p tenantsweep; COMP_WORDS=(tenantsweep sweep --fail); \
                COMP_CWORD=2; _tenantsweep tenantsweep --fail sweep; echo \"${COMPREPLY[@]}\"";
    if let Some(told) = ask_shell("bash", &["bash", "--norc", "-c"], bash) {
        assert!(told.contains("-F _tenantsweep tenantsweep"), "{told}");
        assert_eq!(told.lines().last(), Some("--fail-on"), "{told}");
    }
    let zsh = "autoload -U compinit; compinit -D -u; source SCRIPT; echo ${_comps[tenantsweep]}";
    if let Some(told) = ask_shell("zsh", &["zsh", "-f", "-c"], zsh) {
        assert_eq!(told.trim(), "_tenantsweep");
    }
    let fish = "source SCRIPT; complete -C 'tenantsweep sweep --fail-on new-'";
    if let Some(told) = ask_shell("fish", &["fish", "--no-config", "-c"], fish) {
        assert!(told.starts_with("new-block\t"), "{told}");
    }
    let powershell = "Get-Content -Raw SCRIPT | Invoke-Expression; \
                      (TabExpansion2 'tenantsweep sweep --fail' 24).CompletionMatches.CompletionText";
    if let Some(told) = ask_shell("powershell", &["pwsh", "-NoProfile", "-Command"], powershell) {
        assert_eq!(told.trim(), "--fail-on");
    }
    let elvish = "eval (slurp < SCRIPT); put $edit:completion:arg-completer[tenantsweep]";
    if let Some(told) = ask_shell("elvish", &["elvish", "-norc", "-i", "-c"], elvish) {
        assert!(!told.is_empty());
    }
    let wrong = Desk::empty().run(&["completions", "csh"]);
    assert_eq!(wrong.status.code(), Some(2));
}

/// Every flag that a text of help or a page names, as `--long`.
fn flags_in(text: &str) -> BTreeSet<String> {
    let plain = text.replace("\\-", "-");
    let behind = plain.split("--").skip(1);
    let name = |rest: &str| -> String {
        rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect()
    };
    behind.map(name).filter(|name| !name.is_empty()).collect()
}

#[test]
fn man_pages_say_what_the_help_says() {
    let desk = Desk::empty();
    let output = desk.run(&["man", "share/man1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let pages = fs::read_dir(desk.path("share/man1")).expect("a folder").count();
    assert_eq!(pages, 1 + SUBCOMMANDS.len(), "{}", stdout(&output));
    let main = fs::read_to_string(desk.path("share/man1/tenantsweep.1")).expect("a page");
    assert_eq!(stdout(&desk.run(&["man"])), main);
    for subcommand in SUBCOMMANDS {
        assert!(main.contains(&format!("tenantsweep\\-{subcommand}(1)")), "{subcommand}");
        let help = stdout(&desk.run(&[subcommand, "--help"]));
        assert!(help.contains("\nExamples:\n  "), "{subcommand}: no examples");
        assert!(help.contains("\nExit codes:\n"), "{subcommand}: no exit codes");
        let page = desk.path(&format!("share/man1/tenantsweep-{subcommand}.1"));
        let page = fs::read_to_string(page).expect("a page");
        let missing: Vec<String> = flags_in(&help).difference(&flags_in(&page)).cloned().collect();
        assert!(missing.is_empty(), "{subcommand}: {missing:?} are not in the page");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS", "SEE ALSO"] {
            let heading = format!("\n.SH {section}\n");
            let heading =
                if section.contains(' ') { format!("\n.SH \"{section}\"\n") } else { heading };
            assert_eq!(page.matches(&heading).count(), 1, "{subcommand}: {section}");
        }
    }
    lint(&desk.path("share/man1"));
}

/// As strict as mandoc is, and as `man` shows them.
fn lint(folder: &Path) {
    for page in fs::read_dir(folder).expect("a folder") {
        let page = page.expect("a page").path();
        let page = page.to_str().expect("UTF-8");
        let warned = printed_by("mandoc", &["-T", "lint", "-W", "warning", page], "");
        assert!(warned.unwrap_or_default().is_empty(), "{page}");
        if let Some(shown) = printed_by("man", &["-l", page], "") {
            assert!(shown.contains("tenantsweep"), "{page}: {shown}");
        }
    }
}

#[test]
fn a_sweep_takes_its_flags_out_of_a_file_elsewhere() {
    let desk = Desk::with_samples();
    let config = "[sweep]\ninputs = [\"../sample-logs\"]\nout = \"../results\"\nquiet = true\n\
                  partner = [\"51b27e90-0d4f-4a83-b6c1-9e25d7a3f018=Northwind\"]\n\
                  fail-on = [\"blocked\"]\n[report]\nout = \"../results\"\nformat = \"json\"\n";
    fs::create_dir(desk.path("jobs")).expect("a folder");
    fs::write(desk.path("jobs/tenantsweep.toml"), config).expect("written");
    let output = desk.run(&["sweep", "--config", "jobs/tenantsweep.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    let report = desk.run(&["--config", "jobs/tenantsweep.toml", "report"]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&report)).expect("JSON");
    let partners = report["partners"].as_array().expect("partners");
    assert!(partners.iter().any(|partner| partner["partner_name"] == "Northwind"), "{partners:?}");
    let mine = desk.run(&["report", "--config", "jobs/tenantsweep.toml", "--format", "markdown"]);
    assert!(stdout(&mine).starts_with("# "), "{}", stdout(&mine));
}

#[test]
fn a_config_that_is_wrong_ends_with_2_and_one_among_the_inputs_is_no_input() {
    let desk = Desk::with_samples();
    fs::write(desk.path("bad.toml"), "[sweep]\nout = \"results\"\npartnerz = \"x\"\n")
        .expect("written");
    let output = desk.run(&["sweep", "sample-logs", "--config", "bad.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let told = "error: bad.toml: line 3: unknown key `partnerz` in [sweep]; did you mean \
                `partner`?\n";
    assert_eq!(stderr(&output), told);
    fs::write(desk.path("sample-logs/good.toml"), "[sweep]\ninputs = \".\"\nout = \"../out\"\n")
        .expect("written");
    let output = desk.run(&["sweep", "--config", "sample-logs/good.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stderr(&output).contains("good.toml"), "{}", stderr(&output));
    // Without the flag nothing is looked for.
    fs::write(desk.path("tenantsweep.toml"), "nonsense").expect("written");
    let output = desk.run(&["sweep", "sample-logs", "--out", "again"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
