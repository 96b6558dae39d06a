//! Thirty days of one customer in a strip: three lanes, so that colour alone says nothing.

use std::fmt::Write;

use chrono::{NaiveDate, TimeDelta};
use maud::{Markup, html};

use crate::summary::{CUSTOMER_DAYS, Counts, DayCounts};

/// Width of a day, the gap included.
const STEP: i64 = 6;

/// The three lanes from the top, with the height at which each is drawn.
const LANES: [(&str, u32); 3] = [("lane b", 3), ("lane f", 9), ("lane g", 15)];

/// Whether a day has a mark in each lane.
fn marks(counts: Counts) -> [bool; 3] {
    [counts.blocked + counts.unexplained > 0, counts.failed > 0, counts.succeeded > 0]
}

/// Draws the days up to the last one; nothing where there is not one day to tell of.
pub(super) fn draw(days: &[DayCounts], last: NaiveDate) -> Markup {
    let first = last - TimeDelta::days(i64::from(CUSTOMER_DAYS) - 1);
    let shown: Vec<&DayCounts> =
        days.iter().filter(|one| one.day >= first && one.day <= last).collect();
    let paths: Vec<(&str, String)> = LANES
        .into_iter()
        .enumerate()
        .map(|(lane, (class, height))| (class, path(&shown, first, lane, height)))
        .filter(|(_, path)| !path.is_empty())
        .collect();
    html! {
        @if paths.is_empty() {
            span.none { "no sign-in in these 30 days" }
        } @else {
            svg.strip viewBox="0 0 180 18" width="180" height="18" role="img" {
                title { (alternative(&shown, last)) }
                path class="lane o" d="M0 17.5h180" {}
                @for (class, path) in &paths {
                    path class=(class) d=(path) {}
                }
            }
        }
    }
}

/// A short line for each day with a mark in the lane.
fn path(days: &[&DayCounts], first: NaiveDate, lane: usize, height: u32) -> String {
    let mut path = String::new();
    for day in days.iter().filter(|day| marks(day.counts)[lane]) {
        let place = (day.day - first).num_days() * STEP;
        // Writing to a `String` cannot fail.
        let _ = write!(path, "M{place} {height}h5");
    }
    path
}

/// The strip in words.
fn alternative(days: &[&DayCounts], last: NaiveDate) -> String {
    let on = |lane: usize| days.iter().filter(|day| marks(day.counts)[lane]).count();
    format!(
        "30 days to {}: blocked on {}, failed otherwise on {}, got in on {}",
        last.format("%-d %b"),
        on(0),
        on(1),
        on(2)
    )
}

/// What the lanes mean.
pub(super) fn legend() -> Markup {
    let lanes = ["blocked (top)", "failed otherwise (middle)", "got in (bottom)"];
    html! {
        p.legend {
            "Strip: a mark for each day (UTC). "
            @for ((class, _), words) in LANES.iter().zip(lanes) {
                span {
                    svg viewBox="0 0 10 8" width="12" height="10" aria-hidden="true" {
                        path class=(class) d="M0 4h10" {}
                    }
                    (words)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_stands_at_its_place_in_each_of_its_lanes() {
        let last = NaiveDate::from_ymd_opt(2026, 11, 30).expect("a day");
        let day =
            |before: i64, counts: Counts| DayCounts { day: last - TimeDelta::days(before), counts };
        let blocked = Counts { blocked: 2, ..Counts::default() };
        let both = Counts { unexplained: 1, succeeded: 1, failed: 1, ..Counts::default() };
        let days = [day(40, blocked), day(29, blocked), day(0, both)];
        let drawn = draw(&days, last).into_string();
        assert!(drawn.contains("class=\"lane b\" d=\"M0 3h5M174 3h5\""), "{drawn}");
        assert!(drawn.contains("class=\"lane f\" d=\"M174 9h5\""), "{drawn}");
        assert!(drawn.contains("class=\"lane g\" d=\"M174 15h5\""), "{drawn}");
        let told = "30 days to 30 Nov: blocked on 2, failed otherwise on 1, got in on 1";
        assert!(drawn.contains(told), "{drawn}");
        assert!(draw(&[day(40, both)], last).into_string().contains("no sign-in"));
    }
}
