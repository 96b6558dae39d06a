//! Names that are like one that is not there.

use strsim::osa_distance;

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
        .map(|name| (osa_distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, name)| distance * 2 <= name.chars().count().max(2))
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().take(count).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_strangers_not_at_all() {
        let names = ["sign_ins", "exports", "sign_in_id", "created_at"];
        assert_eq!(nearest("signins", names, 2), ["sign_ins", "sign_in_id"]);
        assert_eq!(nearest("s.CreatedAt", names, 2), ["created_at"]);
        assert!(nearest("zzz", names, 2).is_empty());
    }
}
