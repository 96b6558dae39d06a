//! The terminal's report: at most 40 lines, as wide as the terminal, at most 100 columns.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::missing_logs::next_exports;
use super::table::{Table, show};
use super::{RunFacts, sentences, tables, todo, words};
use crate::redact::CAVEAT;
use crate::summary::state::CustomerState;
use crate::summary::{PartnerSummary, Summary};

const LINES_MAX: usize = 40;
/// A narrower terminal breaks lines by itself.
const COLUMNS: std::ops::RangeInclusive<usize> = 60..=100;
/// Of partners named by the user; more stand in report.html.
const PARTNERS_MAX: usize = 3;
const NOTICE_LINES_MAX: usize = 9;
/// Where notices were left out.
const MORE: &str = "  More in report.html.";
/// Lines of one sentence.
const SENTENCE_LINES_MAX: usize = 3;
/// Before the further lines of a sentence.
const HANGING: &str = "  ";
/// Of one customer; the rest is counted.
const POLICIES_MAX: usize = 3;
/// Lines kept for customers that block, with their heads and what is left out.
const BLOCKED_MIN: usize = 11;
/// Of one who acts; the rest is counted.
const ACTIONS_MAX: usize = 4;

/// What the terminal can show.
#[derive(Debug, Clone, Copy)]
pub struct TextOptions {
    /// Off a UTF-8 terminal only ASCII is written.
    pub unicode: bool,
    pub columns: usize,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { unicode: false, columns: 100 }
    }
}

/// Writes the summary for a terminal.
pub fn write_text(
    sink: &mut impl Write,
    summary: &Summary,
    facts: Option<&RunFacts>,
    options: TextOptions,
) -> io::Result<()> {
    let unknown = RunFacts::default();
    let page = Page {
        columns: options.columns.clamp(*COLUMNS.start(), *COLUMNS.end()),
        ascii: !options.unicode,
    };
    for line in page.compose(summary, facts.unwrap_or(&unknown)) {
        writeln!(sink, "{line}")?;
    }
    Ok(())
}

struct Page {
    columns: usize,
    ascii: bool,
}

impl Page {
    /// Head, states and notices have their place; the two lists share what is left.
    fn compose(&self, summary: &Summary, facts: &RunFacts) -> Vec<String> {
        let mut lines = self.head(summary, facts);
        let mut tail = self.notices(summary, facts);
        tail.extend(self.closing(facts));
        tail.extend(next_exports(summary).into_iter().flat_map(|next| self.wrapped(&next, "")));
        let room = LINES_MAX.saturating_sub(lines.len() + tail.len());
        lines.extend(self.lists(summary, room));
        lines.extend(tail);
        lines.truncate(LINES_MAX);
        lines
    }

    fn sentence(&self, text: &str) -> String {
        show(text, self.columns, self.ascii)
    }

    /// A sentence in as many lines as it needs, up to a few: what is cut off may be the hint.
    fn wrapped(&self, text: &str, indent: &str) -> Vec<String> {
        let columns = self.columns - indent.len() - HANGING.len();
        let text = show(text, columns * SENTENCE_LINES_MAX, self.ascii);
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ') {
            match lines.last_mut() {
                Some(line) if line.width() + 1 + word.width() <= columns + HANGING.len() => {
                    line.push(' ');
                    line.push_str(word);
                }
                Some(_) => lines.push(format!("{HANGING}{word}")),
                None => lines.push(word.to_owned()),
            }
        }
        lines.truncate(SENTENCE_LINES_MAX);
        lines.iter().map(|line| format!("{indent}{line}")).collect()
    }

    fn head(&self, summary: &Summary, facts: &RunFacts) -> Vec<String> {
        let mut lines = self.title(facts);
        lines.push(String::new());
        if summary.is_redacted {
            lines.extend(self.wrapped(CAVEAT, ""));
            lines.push(String::new());
        }
        if let Some(only) = sentences::only_some(summary) {
            lines.extend(self.wrapped(&only, ""));
            lines.push(String::new());
        }
        let answers = sentences::answers(summary);
        lines.extend(answers.iter().take(PARTNERS_MAX).flat_map(|line| self.wrapped(line, "")));
        if answers.len() > PARTNERS_MAX {
            let more = answers.len() - PARTNERS_MAX;
            lines.push(format!("{more} more partners in report.html."));
        }
        lines.push(self.sentence(&sentences::evidence(summary)));
        for partner in summary.partners.iter().take(PARTNERS_MAX) {
            lines.push(String::new());
            if summary.partners.len() > 1 {
                lines.push(self.sentence(&words::partner(partner)));
            }
            lines.extend(self.states(partner));
        }
        lines
    }

    /// The customers by state, with the denominator; a line each where the terminal is narrow.
    fn states(&self, partner: &PartnerSummary) -> Vec<String> {
        let lines = state_lines(partner);
        if lines.iter().all(|line| line.width() <= self.columns) {
            return lines.into();
        }
        let line = |state| {
            format!("{:>7} {}", words::number(partner.in_state(state)), words::state(state))
        };
        let total = words::customers(partner.customers());
        let lines = CustomerState::ALL.into_iter().map(line);
        lines.chain([format!("      = {total}")]).collect()
    }

    fn title(&self, facts: &RunFacts) -> Vec<String> {
        let left = self.run_line(facts);
        let right = "times: UTC";
        match self.columns.checked_sub(left.width() + right.len()) {
            Some(gap @ 1..) => vec![format!("{left}{}{right}", " ".repeat(gap))],
            _ => vec![show(&left, self.columns, self.ascii), right.to_owned()],
        }
    }

    fn run_line(&self, facts: &RunFacts) -> String {
        let did = words::work(facts);
        let version = show(&facts.tool_version, 12, self.ascii);
        // The input gives way: versions and sizes are short.
        let taken = "tenantsweep ".len() + version.len() + did.len() + "times: UTC".len() + 8;
        let input = show(&facts.input, self.columns.saturating_sub(taken), self.ascii);
        let parts = [format!("tenantsweep {version}"), input, did];
        let parts: Vec<&str> =
            parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
        parts.join("   ")
    }

    fn lists(&self, summary: &Summary, room: usize) -> Vec<String> {
        let others = match summary.partners.as_slice() {
            [] => tables::other_providers(summary),
            _ => Table::new(Vec::new()),
        };
        // Without a partner no customer is in trouble, and the codes are all that can be told.
        let causes = match summary.partners.as_slice() {
            [] => tables::causes(summary),
            _ => Table::new(Vec::new()),
        };
        let mut tables = [
            to_do_within(summary, room),
            tables::blocked(summary, POLICIES_MAX),
            causes,
            tables::failing(summary),
            others,
        ];
        if !fits(&tables, room) {
            // What to do says the same by code.
            tables[3].rows.clear();
        }
        let shown = share_room(&tables, room);
        let titles = [
            "WHAT TO DO",
            "BLOCKED (worst first)",
            "ERROR CODES",
            "FAILING, NOT BY A POLICY",
            "OTHER PROVIDERS (no partner was given)",
        ];
        let mut lines = Vec::new();
        for ((table, title), shown) in tables.iter().zip(titles).zip(shown) {
            self.list(&mut lines, title, table, shown);
        }
        lines
    }

    fn list(&self, lines: &mut Vec<String>, title: &str, table: &Table, shown: usize) {
        if table.rows.is_empty() {
            return;
        }
        lines.extend([String::new(), title.to_owned()]);
        let groups = table.groups();
        let rows: usize = groups.iter().take(shown).sum();
        if rows > 0 {
            lines.extend(table.lines(self.columns, rows, self.ascii));
        }
        if groups.len() > shown {
            lines.push(format!("  {} more in report.html", groups.len() - shown));
        }
    }

    fn notices(&self, summary: &Summary, facts: &RunFacts) -> Vec<String> {
        let notices = sentences::notices(summary, facts);
        if notices.is_empty() {
            return notices;
        }
        let mut lines: Vec<Vec<String>> =
            notices.iter().map(|notice| self.wrapped(notice, "  ")).collect();
        while lines.iter().map(Vec::len).sum::<usize>() > NOTICE_LINES_MAX && lines.len() > 2 {
            // The last one is the ledger, which is always said; the others stand by their gravity.
            let before_last = lines.len() - 2;
            let is_told = lines.get(before_last).is_some_and(|lines| *lines == [MORE]);
            lines.remove(if is_told { before_last - 1 } else { before_last });
            if !is_told {
                lines.insert(lines.len() - 1, vec![MORE.to_owned()]);
            }
        }
        let indented = lines.into_iter().flatten();
        [String::new(), "NOTICE".to_owned()].into_iter().chain(indented).collect()
    }

    fn closing(&self, facts: &RunFacts) -> Vec<String> {
        facts.closing.iter().map(|line| self.sentence(line)).collect()
    }
}

/// What to do, with as many lines below each heading as leave room for the blocked customers.
fn to_do_within(summary: &Summary, room: usize) -> Table {
    let most = (1..=ACTIONS_MAX).rev().map(|lines| todo::table(summary, lines));
    let room = room.saturating_sub(BLOCKED_MIN);
    most.into_iter()
        .find(|table| table.rows.len() <= room)
        .unwrap_or_else(|| todo::table(summary, 0))
}

/// Lines that the lists take beside their rows: a blank line and a title for each list, a
/// head for each table; and the number of lists.
fn overhead(tables: &[Table; 5]) -> (usize, usize) {
    let lists = tables.iter().filter(|table| !table.rows.is_empty()).count();
    (3 * lists, lists)
}

fn fits(tables: &[Table; 5], room: usize) -> bool {
    let rows: usize = tables.iter().map(|table| table.rows.len()).sum();
    overhead(tables).0 + rows <= room
}

/// How many groups of each table to show.
fn share_room(tables: &[Table; 5], room: usize) -> [usize; 5] {
    let (overhead, lists) = overhead(tables);
    // Where not all fits, each list has a line to say so.
    let notes = if fits(tables, room) { 0 } else { lists };
    share(room.saturating_sub(overhead + notes), &tables.each_ref().map(Table::groups))
}

/// Gives each table a group of rows in turn, as long as there is room for it. The first table,
/// what to do, has two turns: it holds the answer.
fn share(room: usize, groups: &[Vec<usize>; 5]) -> [usize; 5] {
    const TURNS: [usize; 6] = [0, 0, 1, 2, 3, 4];
    let mut shown = [0; 5];
    let mut left = room;
    loop {
        let before = left;
        for turn in TURNS {
            let next = groups[turn].get(shown[turn]).copied().filter(|&rows| rows <= left);
            if let Some(rows) = next {
                shown[turn] += 1;
                left -= rows;
            }
        }
        if left == before {
            return shown;
        }
    }
}

/// The customers by state, with the denominator.
fn state_lines(partner: &PartnerSummary) -> [String; 2] {
    let figure = |state| words::number(partner.in_state(state));
    let total = words::number(partner.customers());
    [
        format!(
            "{:>5} blocked now  {:>7} partly (at times, or some persons) {:>5} failing, not by a policy",
            figure(CustomerState::Blocked),
            figure(CustomerState::Partly),
            figure(CustomerState::Failing),
        ),
        format!(
            "{:>5} getting in   {:>7} cannot tell                        {:>5} no log here    = {total} customers",
            figure(CustomerState::GettingIn),
            figure(CustomerState::CannotTell),
            figure(CustomerState::NoLog),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_by_whole_groups() {
        let groups = [vec![2, 1, 3], vec![1, 1, 1], vec![1; 9], vec![], vec![]];
        assert_eq!(share(6, &groups), [2, 2, 1, 0, 0]);
        assert_eq!(share(100, &groups), [3, 3, 9, 0, 0]);
        assert_eq!(share(0, &groups), [0; 5]);
    }
}
