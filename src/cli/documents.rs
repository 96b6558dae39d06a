//! What is made out of the flags themselves: completions for shells, and man pages. Nothing here
//! lists a flag of its own, so neither can say another thing than `--help` does.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::StyledStr;
use clap::{Arg, Args, Command, CommandFactory, ValueHint};
use clap_complete::Shell;
use clap_mangen::Man;
use roff::{Roff, bold, roman};

use super::Cli;
use super::examples::{COMPLETIONS_EXAMPLES, MAN_EXAMPLES};

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// The folder for the pages; made if missing [default: the main page on standard output]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// A man page and the name of its file, such as `tenantsweep-sweep.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManPage {
    pub file_name: String,
    pub text: Vec<u8>,
}

/// Writes the completions of a shell.
///
/// # Errors
/// The sink does not take them.
pub fn write_completions(shell: Shell, sink: &mut dyn Write) -> io::Result<()> {
    let mut command = hinted(Cli::command());
    let name = command.get_name().to_owned();
    // Into a sink that fails, the generator would panic.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    sink.write_all(&script)
}

/// The page of the program first, then one for each subcommand.
///
/// # Errors
/// None is known: the pages are written to memory.
pub fn man_pages() -> io::Result<Vec<ManPage>> {
    let mut program = Cli::command();
    program.build();
    let mut pages = vec![man_page(&program, &program)?];
    for subcommand in program.get_subcommands() {
        pages.push(man_page(subcommand, &program)?);
    }
    Ok(pages)
}

/// Tells the shell where a folder is wanted and where a file, by the names of the values.
fn hinted(command: Command) -> Command {
    let hint = |arg: Arg| match arg.get_value_names().and_then(|names| names.first()) {
        Some(name) if name == "DIR" => arg.value_hint(ValueHint::DirPath),
        Some(name) if name == "FILE" => arg.value_hint(ValueHint::FilePath),
        _ => arg,
    };
    command.mut_args(hint).mut_subcommands(hinted)
}

/// Of the flags as they are now: the pages say it in their last line.
const DATE: &str = "2026-12-01";

fn man_page(command: &Command, program: &Command) -> io::Result<ManPage> {
    let source = format!("{} {}", program.get_name(), env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).date(DATE).source(source).manual("User Commands");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    let mut sections = Vec::new();
    man.render_name_section(&mut sections)?;
    man.render_synopsis_section(&mut sections)?;
    man.render_description_section(&mut sections)?;
    man.render_options_section(&mut sections)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut sections)?;
    }
    let mut own = Roff::new();
    if let Some(after) = command.get_after_help() {
        closing_sections(&mut own, after);
    }
    see_also(&mut own, command, program);
    own.to_writer(&mut sections)?;
    text.extend(without_preambles(&sections));
    let text = String::from_utf8_lossy(&text).replace(BREAKS, ".sp\n").into_bytes();
    Ok(ManPage { file_name: man.get_filename(), text })
}

/// The examples and exit codes of `--help` as sections; what else it says there as notes.
fn closing_sections(roff: &mut Roff, after: &StyledStr) {
    for block in after.to_string().split("\n\n") {
        let heading = block.split_once('\n').and_then(|(head, lines)| {
            let head = head.strip_suffix(':').filter(|_| lines.starts_with("  "))?;
            Some((head, lines))
        });
        let Some((head, lines)) = heading else {
            roff.control("SH", ["NOTES"]);
            roff.text([roman(block.replace('\n', " "))]);
            continue;
        };
        roff.control("SH", [section_name(head).as_str()]);
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
}

/// As other pages call it.
fn section_name(head: &str) -> String {
    match head {
        "Exit codes" => "EXIT STATUS".to_owned(),
        other => other.to_uppercase(),
    }
}

fn see_also(roff: &mut Roff, command: &Command, program: &Command) {
    let name = |command: &Command| {
        command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
    };
    let own = name(command);
    let all = std::iter::once(program).chain(program.get_subcommands()).map(name);
    let others: Vec<String> = all.filter(|other| *other != own).collect();
    roff.control("SH", ["SEE ALSO"]);
    let last = others.len().saturating_sub(1);
    let named = others.into_iter().enumerate().flat_map(|(place, other)| {
        [bold(other), roman(if place == last { "(1)" } else { "(1), " })]
    });
    roff.text(named.collect::<Vec<_>>());
}

/// Two line breaks around nothing, of which readers of pages warn.
const BREAKS: &str = ".br\n\n.br\n";

/// Each section that is rendered by itself begins with the definition of an apostrophe, which the
/// title has made already.
fn without_preambles(sections: &[u8]) -> Vec<u8> {
    let lines = sections.split_inclusive(|&byte| byte == b'\n');
    let is_preamble = |line: &[u8]| line.starts_with(b".ie ") || line.starts_with(b".el ");
    lines.filter(|line| !is_preamble(line)).flatten().copied().collect()
}
