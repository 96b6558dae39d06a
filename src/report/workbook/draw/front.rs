//! The first sheet, with the chart of customers by state.

use rust_xlsxwriter::{Chart, ChartType, Color, Worksheet, XlsxError};

use super::super::super::words;
use super::super::overview::{Overview, SheetLine, States};
use super::super::sheet::Cell;
use super::Pen;
use crate::summary::state::CustomerState;

const NAME: &str = "summary";
/// Of its columns, in characters.
const WIDTHS: [f64; 5] = [36.0, 14.0, 14.0, 34.0, 100.0];
/// So many rows the chart is high, the head of its table included.
const CHART_ROWS: u32 = 16;
/// In pixels; a row has twenty.
const CHART_SIZE: (u32, u32) = (620, 300);

/// Draws the first sheet from top to bottom.
pub(super) fn draw(
    page: &mut Worksheet,
    overview: &Overview,
    pen: &mut Pen,
) -> Result<(), XlsxError> {
    page.set_name(NAME)?;
    for (column, width) in (0..).zip(WIDTHS) {
        page.set_column_width(column, width)?;
    }
    page.set_landscape().set_print_fit_to_pages(1, 0);
    page.set_freeze_panes(1, 0)?;
    page.write_string_with_format(0, 0, "tenantsweep report", &pen.formats.title)?;
    let mut front = Front { page, pen, row: 2 };
    for answer in &overview.answers {
        front.strong(answer)?;
    }
    front.lines(&overview.facts)?;
    if let Some(states) = &overview.states {
        front.states(states)?;
    }
    front.acts(overview)?;
    front.heading("Notice", !overview.notices.is_empty())?;
    front.lines(&overview.notices)?;
    front.sheets(&overview.sheets)
}

/// The sheet, and the row that is written next.
struct Front<'a> {
    page: &'a mut Worksheet,
    pen: &'a mut Pen,
    row: u32,
}

impl Front<'_> {
    /// A line that runs over the columns beside it.
    fn lines(&mut self, lines: &[String]) -> Result<(), XlsxError> {
        for line in lines {
            self.pen.text(self.page, self.row, 0, line)?;
            self.row += 1;
        }
        Ok(())
    }

    fn strong(&mut self, line: &str) -> Result<(), XlsxError> {
        let line = self.pen.fitting(line);
        self.page.write_string_with_format(self.row, 0, line, &self.pen.formats.strong)?;
        self.row += 1;
        Ok(())
    }

    fn heading(&mut self, title: &str, is_wanted: bool) -> Result<(), XlsxError> {
        if is_wanted {
            self.row += 1;
            self.strong(title)?;
        }
        Ok(())
    }

    fn head(&mut self, titles: &[String]) -> Result<(), XlsxError> {
        for (column, title) in (0..).zip(titles) {
            let title = self.pen.fitting(title);
            self.page.write_string_with_format(self.row, column, title, &self.pen.formats.head)?;
        }
        self.row += 1;
        Ok(())
    }

    fn cells(&mut self, cells: &[Cell<'_>]) -> Result<(), XlsxError> {
        for (column, cell) in (0..).zip(cells) {
            self.pen.cell(self.page, self.row, column, cell)?;
        }
        self.row += 1;
        Ok(())
    }

    fn states(&mut self, states: &States) -> Result<(), XlsxError> {
        self.heading("Customers by state", true)?;
        let head = self.row;
        let titles: Vec<String> =
            std::iter::once("state".to_owned()).chain(states.partners.iter().cloned()).collect();
        self.head(&titles)?;
        for (state, counts) in &states.rows {
            let mut cells = vec![Cell::text(words::state(*state))];
            cells.extend(counts.iter().map(|&count| Cell::Count(count)));
            self.cells(&cells)?;
        }
        let last = self.row - 1;
        let mut cells = vec![Cell::text("together")];
        let total = |at: usize| states.rows.iter().filter_map(|(_, counts)| counts.get(at)).sum();
        cells.extend((0..states.partners.len()).map(|at| Cell::Count(total(at))));
        self.cells(&cells)?;
        let beside = u16::try_from(states.partners.len() + 2).unwrap_or(u16::MAX);
        self.page.insert_chart(head, beside, &chart(states, head, last))?;
        self.row = self.row.max(head + CHART_ROWS);
        Ok(())
    }

    fn acts(&mut self, overview: &Overview) -> Result<(), XlsxError> {
        if overview.acts.is_empty() {
            return Ok(());
        }
        self.heading("What to do", true)?;
        self.head(&["who acts", "customers", "what"].map(str::to_owned))?;
        for acts in &overview.acts {
            let (who, told) = (Cell::text(acts.who.as_str()), Cell::text(acts.told.as_str()));
            self.cells(&[who, Cell::places(acts.customers), told])?;
        }
        Ok(())
    }

    fn sheets(&mut self, sheets: &[SheetLine]) -> Result<(), XlsxError> {
        self.heading("The other sheets", true)?;
        self.head(&["sheet", "rows", "of", "all of them in", "what a row is"].map(str::to_owned))?;
        for sheet in sheets {
            // A place in this workbook, named by us.
            let link = format!("internal:'{}'!A1", sheet.name);
            self.page.write_url_with_text(self.row, 0, link.as_str(), sheet.name)?;
            self.pen.cell(self.page, self.row, 1, &Cell::Count(sheet.shown))?;
            self.pen.cell(self.page, self.row, 2, &Cell::Count(sheet.count))?;
            self.pen.text(self.page, self.row, 3, sheet.whole)?;
            let (page, told) = (&mut *self.page, format!("{}.", sheet.told));
            page.write_string_with_format(self.row, 4, told, &self.pen.formats.wrapped)?;
            self.row += 1;
        }
        if sheets.iter().any(|sheet| sheet.shown < sheet.count) {
            let told =
                "Where fewer rows are shown than there are, the last line of the sheet says so.";
            self.lines(&[told.to_owned()])?;
        }
        Ok(())
    }
}

/// Columns of customers by state, one set for each partner.
fn chart(states: &States, head: u32, last: u32) -> Chart {
    let mut chart = Chart::new(ChartType::Column);
    let first = head + 1;
    for column in (1..).take(states.partners.len()) {
        let series = chart.add_series();
        series
            .set_name((NAME, head, column))
            .set_categories((NAME, first, 0, last, 0))
            .set_values((NAME, first, column, last, column))
            .set_gap(40);
        if states.partners.len() == 1 {
            let colors: Vec<Color> = states.rows.iter().map(|(state, _)| color(*state)).collect();
            series.set_point_colors(&colors);
        }
    }
    chart.title().set_name("Customers by state");
    chart.y_axis().set_num_format("#,##0").set_major_unit(unit(states));
    if states.partners.len() == 1 {
        chart.legend().set_hidden();
    }
    chart.set_alt_text("Customers by state, with the figures of the table beside it");
    chart.set_width(CHART_SIZE.0).set_height(CHART_SIZE.1);
    chart
}

/// Whole customers between the lines of the chart, and no more than ten lines.
#[allow(clippy::cast_precision_loss, reason = "a few thousand customers")]
fn unit(states: &States) -> f64 {
    let most = states.rows.iter().flat_map(|(_, counts)| counts).max().copied().unwrap_or_default();
    let mut unit = 1;
    for factor in [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 10_000, 100_000] {
        if most / unit > 10 {
            unit = factor;
        }
    }
    unit as f64
}

fn color(state: CustomerState) -> Color {
    Color::RGB(match state {
        CustomerState::Blocked => 0xb3261e,
        CustomerState::Partly => 0xd9730d,
        CustomerState::Failing => 0xb08a00,
        CustomerState::GettingIn => 0x2e7d32,
        CustomerState::CannotTell => 0x6b7280,
        CustomerState::NoLog => 0x9ca3af,
    })
}
