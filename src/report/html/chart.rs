//! Failures over time: a stacked chart as SVG, and the same in figures.
//!
//! The library draws with plain colours as attributes; the style gives them others by day and by
//! night, and the frame of the picture, with its text alternative, is ours.

use chrono::{NaiveDate, TimeDelta};
use maud::{Markup, PreEscaped, html};
use plotters::chart::ChartBuilder;
use plotters::prelude::{
    Color, IntoDrawingArea, IntoFont, RGBColor, Rectangle, SVGBackend, ShapeStyle,
};

use super::super::table::{Column, Table};
use super::super::words;
use super::Page;
use super::draw::{folded, plain, say_short, section, table};
use crate::summary::{FAILED_DAYS, FailedBy, FailedDays};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 320;
/// Reasons with a colour of their own; all others are one.
const SERIES_MAX: usize = 6;
/// A chart covers so many days at least.
const DAYS_MIN: i64 = 30;
/// Of a reason's name.
const NAME_COLUMNS: usize = 140;
const ROWS_MAX: usize = 60;
const FIGURES: &str = "Sign-ins that did not succeed, by reason (days: UTC)";

/// One for each reason and one for all others; the style knows these very colours.
const COLOURS: [RGBColor; SERIES_MAX + 1] = [
    RGBColor(179, 38, 30),
    RGBColor(201, 119, 0),
    RGBColor(109, 74, 150),
    RGBColor(30, 111, 168),
    RGBColor(63, 125, 88),
    RGBColor(140, 90, 60),
    RGBColor(130, 138, 148),
];
/// Lines and letters.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);

/// One layer of the chart.
struct Series {
    name: String,
    /// Sign-ins of each day of the chart.
    days: Vec<u64>,
    sign_ins: u64,
}

/// The days that the chart covers.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: NaiveDate,
    days: usize,
}

impl Span {
    fn of(failed: &[FailedDays], last: NaiveDate) -> Self {
        let oldest = last - TimeDelta::days(i64::from(FAILED_DAYS) - 1);
        let least = last - TimeDelta::days(DAYS_MIN - 1);
        let told = failed.iter().flat_map(|reason| reason.days.keys()).min().copied();
        let first = told.unwrap_or(least).clamp(oldest, least);
        let days = usize::try_from((last - first).num_days() + 1).unwrap_or_default();
        Self { first, days }
    }

    fn place(self, day: NaiveDate) -> Option<usize> {
        let place = usize::try_from((day - self.first).num_days()).ok()?;
        (place < self.days).then_some(place)
    }

    fn day(self, place: usize) -> NaiveDate {
        self.first + TimeDelta::days(i64::try_from(place).unwrap_or_default())
    }
}

pub(super) fn draw(page: &Page<'_>) -> Markup {
    let failed = &page.summary.failed_days;
    let last = page.summary.newest_evidence.map(|newest| newest.date_naive());
    let body = match last.filter(|_| !failed.is_empty()) {
        None => html! { p { "No sign-in failed in these logs." } },
        Some(last) => {
            let span = Span::of(failed, last);
            let series = series_of(failed, span);
            html! {
                p {
                    "Sign-ins that did not succeed, by day (UTC), each under one reason: the policies that \
                     blocked it, else the cause of its error code. Sign-ins are no tries: a tool that comes \
                     again every half hour makes many."
                }
                (picture(&series, span))
                (legend(&series))
                @let figures = table(FIGURES, &figures(failed), ROWS_MAX);
                (folded(&html! { "The same in figures" }, &figures))
            }
        }
    };
    section("time", "Failures over time", &body)
}

fn series_of(failed: &[FailedDays], span: Span) -> Vec<Series> {
    let mut series: Vec<Series> = failed
        .iter()
        .take(SERIES_MAX)
        .map(|reason| series(name_of(&reason.by), std::slice::from_ref(reason), span))
        .collect();
    if let Some(rest) = failed.get(SERIES_MAX..).filter(|rest| !rest.is_empty()) {
        let count = words::counted(
            u64::try_from(rest.len()).unwrap_or(u64::MAX),
            "other reason",
            "other reasons",
        );
        series.push(self::series(count, rest, span));
    }
    series
}

fn series(name: String, reasons: &[FailedDays], span: Span) -> Series {
    let mut days = vec![0; span.days];
    for (&day, &sign_ins) in reasons.iter().flat_map(|reason| &reason.days) {
        if let Some(known) = span.place(day).and_then(|place| days.get_mut(place)) {
            *known += sign_ins;
        }
    }
    let sign_ins = days.iter().sum();
    Series { name, days, sign_ins }
}

fn name_of(by: &FailedBy) -> String {
    match by {
        FailedBy::Policies(names) => names.join(" + "),
        FailedBy::Code(None) => "no error code".to_owned(),
        FailedBy::Code(Some(code)) => {
            let cause = crate::error_code::ErrorCode(*code).entry();
            let cause = cause.map(|entry| format!(": {}", entry.cause)).unwrap_or_default();
            format!("{}{cause}", words::error_code(Some(*code)))
        }
    }
}

/// The chart in its frame; without a chart there are still the figures.
fn picture(series: &[Series], span: Span) -> Markup {
    let mut drawn = String::new();
    if paint(&mut drawn, series, span).is_err() {
        return html! {};
    }
    // The library's own frame has neither name nor text; what is inside are shapes and numbers.
    let inside = drawn.split_once('>').map_or("", |(_, rest)| rest);
    let inside = inside.trim_end().strip_suffix("</svg>").unwrap_or(inside);
    let (view, names) = (format!("0 0 {WIDTH} {HEIGHT}"), "chart-title chart-text");
    html! {
        div.scroll role="region" aria-label="Chart of failures over time" tabindex="0" {
            svg.chart viewBox=(view) role="img" aria-labelledby=(names) {
                title id="chart-title" { "Sign-ins that did not succeed, by day" }
                desc id="chart-text" { (alternative(series, span)) }
                (PreEscaped(inside))
            }
        }
    }
}

type Painted = Result<(), Box<dyn std::error::Error>>;

fn paint(drawn: &mut String, series: &[Series], span: Span) -> Painted {
    let totals = (0..span.days).map(|place| total(series, place));
    let most = totals.max().unwrap_or_default().max(1);
    let area = SVGBackend::with_string(drawn, (WIDTH, HEIGHT)).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..as_real(span.days), 0.0..as_real(most) * 1.05)?;
    let font = ("sans-serif", 13).into_font().color(&INK);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(ShapeStyle::from(GRID.mix(0.0)))
        .x_labels(8)
        .y_labels(5)
        .label_style(font)
        .x_label_formatter(&|place| label(span, *place))
        .y_label_formatter(&|count| words::number(count.max(0.0).round() as u64))
        .draw()?;
    let mut base = vec![0_u64; span.days];
    for (layer, colour) in series.iter().zip(COLOURS) {
        let bars = layer.days.iter().zip(&mut base).enumerate();
        let bars = bars.filter(|(_, (sign_ins, _))| **sign_ins > 0);
        let bars: Vec<_> = bars
            .map(|(place, (&sign_ins, base))| {
                let (left, bottom) = (as_real(place) + 0.1, as_real(*base));
                *base += sign_ins;
                Rectangle::new([(left, bottom), (left + 0.8, as_real(*base))], colour.filled())
            })
            .collect();
        chart.draw_series(bars)?;
    }
    area.present()?;
    Ok(())
}

/// The day that begins at a place of the axis; its end begins none.
fn label(span: Span, place: f64) -> String {
    let place = place.max(0.0) as usize;
    if place < span.days { span.day(place).format("%-d %b").to_string() } else { String::new() }
}

/// A count as the library wants it; a picture needs no more than 52 bits of it.
fn as_real(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

fn total(series: &[Series], place: usize) -> u64 {
    series.iter().filter_map(|layer| layer.days.get(place)).sum()
}

/// The chart in words.
fn alternative(series: &[Series], span: Span) -> String {
    let worst =
        (0..span.days).max_by_key(|&place| (total(series, place), std::cmp::Reverse(place)));
    let worst = worst.unwrap_or_default();
    let layers: Vec<String> = series
        .iter()
        .map(|layer| {
            format!("{} {}", words::number(layer.sign_ins), plain(&layer.name, NAME_COLUMNS))
        })
        .collect();
    format!(
        "{} days from {}. Most on {}: {}. In all: {}.",
        span.days,
        span.first.format("%-d %b %Y"),
        span.day(worst).format("%-d %b"),
        words::counted(total(series, worst), "sign-in", "sign-ins"),
        layers.join("; ")
    )
}

fn legend(series: &[Series]) -> Markup {
    html! {
        ol.key {
            @for (place, layer) in series.iter().enumerate() {
                li {
                    svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" {
                        rect class=(format!("k{place}")) width="12" height="12" {}
                    }
                    span { (say_short(&layer.name, NAME_COLUMNS)) }
                    span.soft { (words::number(layer.sign_ins)) }
                }
            }
        }
    }
}

/// All reasons with their figures.
fn figures(failed: &[FailedDays]) -> Table {
    let mut table = Table::new(vec![
        Column::left("reason", 20),
        Column::right("sign-ins"),
        Column::right("days"),
        Column::left("first", 12),
        Column::left("last", 12),
        Column::left("most", 12),
    ]);
    let day = |day: Option<&NaiveDate>| day.map(|day| day.format("%-d %b %Y").to_string());
    for reason in failed {
        let most =
            reason.days.iter().max_by_key(|(day, count)| (**count, std::cmp::Reverse(**day)));
        let most = most
            .map(|(day, count)| format!("{} ({})", day.format("%-d %b"), words::number(*count)));
        table.rows.push(vec![
            name_of(&reason.by),
            words::number(reason.sign_ins()),
            reason.days.len().to_string(),
            day(reason.days.keys().next()).unwrap_or_default(),
            day(reason.days.keys().next_back()).unwrap_or_default(),
            most.unwrap_or_default(),
        ]);
    }
    table
}
