//! The terminal's report: at most 40 lines, 100 columns.

use std::io::{self, Write};

use super::table::{Table, show};
use super::{RunFacts, sentences, tables, words};
use crate::summary::state::CustomerState;
use crate::summary::{PartnerSummary, Summary};

const LINES_MAX: usize = 40;
/// Of partners named by the user; more stand in report.md.
const PARTNERS_MAX: usize = 3;
const NOTICES_MAX: usize = 9;

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
    let page = Page { columns: options.columns.clamp(40, 100), ascii: !options.unicode };
    for line in page.compose(summary, facts) {
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
    fn compose(&self, summary: &Summary, facts: Option<&RunFacts>) -> Vec<String> {
        let mut lines = self.head(summary, facts);
        let mut tail = self.notices(summary, facts);
        tail.extend(self.closing(facts));
        let room = LINES_MAX.saturating_sub(lines.len() + tail.len());
        lines.extend(self.lists(summary, room));
        lines.extend(tail);
        lines.truncate(LINES_MAX);
        lines
    }

    fn sentence(&self, text: &str) -> String {
        show(text, self.columns, self.ascii)
    }

    fn head(&self, summary: &Summary, facts: Option<&RunFacts>) -> Vec<String> {
        let mut lines = vec![self.title(facts)];
        lines.extend(facts.and_then(sentences::run).map(|line| self.sentence(&line)));
        lines.push(String::new());
        let answers = sentences::answers(summary);
        lines.extend(answers.iter().take(PARTNERS_MAX).map(|line| self.sentence(line)));
        if answers.len() > PARTNERS_MAX {
            let more = answers.len() - PARTNERS_MAX;
            lines.push(format!("{more} more partners in report.md."));
        }
        lines.push(self.sentence(&sentences::evidence(summary)));
        for partner in summary.partners.iter().take(PARTNERS_MAX) {
            lines.push(String::new());
            if summary.partners.len() > 1 {
                lines.push(self.sentence(&words::partner(partner)));
            }
            lines.extend(state_lines(partner));
        }
        lines
    }

    fn title(&self, facts: Option<&RunFacts>) -> String {
        let left = facts.map_or_else(|| "tenantsweep".to_owned(), |facts| self.run_line(facts));
        let right = "times: UTC";
        let gap = self
            .columns
            .saturating_sub(unicode_width::UnicodeWidthStr::width(&*left) + right.len());
        format!("{left}{}{right}", " ".repeat(gap.max(1)))
    }

    fn run_line(&self, facts: &RunFacts) -> String {
        let files = words::counted(facts.files, "file", "files");
        let mut did = format!("{files}, {}", words::bytes(facts.bytes));
        if let Some(elapsed) = facts.elapsed {
            did.push_str(&format!(", {}", words::duration(elapsed)));
        }
        let version = show(&facts.tool_version, 12, self.ascii);
        // The input gives way: versions and sizes are short.
        let taken = "tenantsweep ".len() + version.len() + did.len() + "times: UTC".len() + 8;
        let input = show(&facts.input, self.columns.saturating_sub(taken), self.ascii);
        format!("tenantsweep {version}   {input}   {did}")
    }

    fn lists(&self, summary: &Summary, room: usize) -> Vec<String> {
        let (policies, causes) = (tables::policies_to_change(summary), tables::causes(summary));
        let (blocked, failing) = (tables::blocked(summary), tables::failing(summary));
        let others = if summary.partners.is_empty() {
            tables::other_providers(summary)
        } else {
            Table::new(Vec::new())
        };
        let wanted =
            [&policies, &causes, &blocked, &failing, &others].map(|table| table.rows.len());
        let titled = [
            policies.rows.len() + causes.rows.len(),
            blocked.rows.len(),
            failing.rows.len(),
            others.rows.len(),
        ];
        // A blank line and a title for each list, a head for each table, a line for what is left out.
        let overhead = 3 * titled.iter().filter(|&&rows| rows > 0).count()
            + wanted.iter().filter(|&&rows| rows > 0).count();
        let [policy_rows, cause_rows, blocked_rows, failing_rows, other_rows] =
            share(room.saturating_sub(overhead), wanted);
        let mut lines = Vec::new();
        let to_do = [(&policies, policy_rows), (&causes, cause_rows)];
        self.list(&mut lines, "WHAT TO DO", &to_do);
        self.list(&mut lines, "BLOCKED (worst first)", &[(&blocked, blocked_rows)]);
        self.list(&mut lines, "FAILING, NOT BY A POLICY", &[(&failing, failing_rows)]);
        self.list(&mut lines, "OTHER PROVIDERS (no partner was given)", &[(&others, other_rows)]);
        lines
    }

    fn list(&self, lines: &mut Vec<String>, title: &str, tables: &[(&Table, usize)]) {
        if tables.iter().all(|(_, rows)| *rows == 0) {
            return;
        }
        lines.extend([String::new(), title.to_owned()]);
        let mut left_out = 0;
        for (table, rows) in tables.iter().filter(|(_, rows)| *rows > 0) {
            lines.extend(table.lines(self.columns, *rows, self.ascii));
            left_out += table.rows.len() - rows;
        }
        if left_out > 0 {
            lines.push(format!("  {left_out} more lines in report.md"));
        }
    }

    fn notices(&self, summary: &Summary, facts: Option<&RunFacts>) -> Vec<String> {
        let mut notices = sentences::notices(summary, facts);
        if notices.is_empty() {
            return notices;
        }
        if notices.len() > NOTICES_MAX {
            // The last one is the ledger, which is always said.
            let ledger = notices.split_off(notices.len() - 1);
            notices.truncate(NOTICES_MAX - 2);
            notices.push("More in report.md.".to_owned());
            notices.extend(ledger);
        }
        let indented = notices.iter().map(|notice| {
            format!("  {}", show(notice, self.columns.saturating_sub(2), self.ascii))
        });
        [String::new(), "NOTICE".to_owned()].into_iter().chain(indented).collect()
    }

    fn closing(&self, facts: Option<&RunFacts>) -> Vec<String> {
        let closing = facts.map(|facts| facts.closing.as_slice()).unwrap_or_default();
        closing.iter().map(|line| self.sentence(line)).collect()
    }
}

/// Gives each list a row in turn until the room or the rows are used up.
fn share(room: usize, wanted: [usize; 5]) -> [usize; 5] {
    let mut given = [0; 5];
    let mut left = room;
    while left > 0 {
        let before = left;
        for (given, wanted) in given.iter_mut().zip(wanted) {
            if *given < wanted && left > 0 {
                *given += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    given
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
    fn room_is_shared_row_by_row() {
        assert_eq!(share(7, [1, 10, 2, 0, 0]), [1, 4, 2, 0, 0]);
        assert_eq!(share(100, [1, 2, 3, 4, 5]), [1, 2, 3, 4, 5]);
        assert_eq!(share(0, [1, 1, 1, 1, 1]), [0; 5]);
    }
}
