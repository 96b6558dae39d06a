//! Names that are like one that is not there.

/// The names nearest to `wanted`, each once, at most `count`, nearest first; those that differ in
/// more than half of their letters are not near.
pub fn nearest<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    let wanted = wanted.rsplit('.').next().unwrap_or_default().to_lowercase();
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, name)| distance * 2 <= name.chars().count().max(2))
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().take(count).map(|(_, name)| name).collect()
}

/// Letters to be added, removed, changed, or swapped with the next one, to make one text of another
/// (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: [Vec<usize>; 3] = [Vec::new(), Vec::new(), (0..=other.len()).collect()];
    for (row, &mine) in one.iter().enumerate() {
        rows.rotate_left(1);
        let [before_last, last, here] = &mut rows;
        here.clear();
        here.push(row + 1);
        for (column, &theirs) in other.iter().enumerate() {
            let changed = last[column] + usize::from(mine != theirs);
            let mut best = changed.min(last[column + 1] + 1).min(here[column] + 1);
            let is_swapped =
                row > 0 && column > 0 && one[row - 1] == theirs && other[column - 1] == mine;
            if is_swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            here.push(best);
        }
    }
    rows[2].last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        for (one, other, expected) in
            [("", "", 0), ("abc", "", 3), ("verdict", "veridct", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = ["sign_ins", "exports", "sign_in_id", "created_at"];
        assert_eq!(nearest("signins", names, 2), ["sign_ins", "sign_in_id"]);
        assert_eq!(nearest("s.CreatedAt", names, 2), ["created_at"]);
        assert!(nearest("zzz", names, 2).is_empty());
    }
}
