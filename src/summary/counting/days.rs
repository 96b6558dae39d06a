//! Of a row group: counted sign-ins by day, and those that got in by address.

use super::super::activity::{Activity, Routes, counts_of};
use super::super::hash::ByNumber;
use super::super::over_time::day_of;
use super::digest::{Digest, SeenEntries};

/// Counts the rows of each class by day.
pub(super) fn count_days(digest: &mut Digest) {
    let mut days: ByNumber<(i32, u32), u64> = ByNumber::default();
    for row in &digest.rows {
        *days.entry((day_of(row.at), row.class)).or_default() += 1;
    }
    digest.days = days.into_iter().collect();
}

/// Adds the days of a row group to those of the customers.
pub(super) fn add_days(activity: &mut Activity, digest: &Digest) {
    for &((day, class), rows) in &digest.days {
        let Some(class) = digest.classes.get(class as usize) else { continue };
        let (Some(child), Some(verdict)) = (class.child, class.verdict) else { continue };
        let disputed = if class.disputed { rows } else { 0 };
        let pair = activity.pairs.entry((class.partner, child)).or_default();
        pair.days.add(day, counts_of(verdict, rows, disputed));
    }
}

/// Adds the addresses from which sign-ins got in to their routes, whose numbers are given.
pub(super) fn add_addresses(routes: &mut Routes, digest: &Digest, numbers: &[Option<u32>]) {
    let mut found: Vec<_> = digest.came_in.iter().map(|(&key, &seen)| (key, seen)).collect();
    // Of very many addresses the first ones are kept apart.
    found.sort_unstable_by_key(|&((route, address), seen)| (seen.entries.first, route, address));
    for ((route, address), SeenEntries { country, entries }) in found {
        let Some(number) = numbers.get(route as usize).copied().flatten() else { continue };
        let address = digest.texts.filled(address);
        let known = address.map_or(Some(0), |address| routes.texts.known(address));
        let Some(route) = routes.get_mut(number) else { continue };
        if !route.came_from.has_room_for(known) {
            route.came_from.add(None, entries);
            continue;
        }
        let mut known = |text: Option<&str>| text.map_or(0, |text| routes.texts.number(Some(text)));
        let (address, country) = (known(address), known(digest.texts.filled(country)));
        if let Some(route) = routes.get_mut(number) {
            route.came_from.add(Some((address, country)), entries);
        }
    }
}
