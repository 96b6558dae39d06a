//! Damaged inputs over all kinds: no panic, the account balances, and every record that was not
//! touched is found.
//!
//! Found may be said of less than all: a damage span goes on to the next line that begins as the
//! first record does, in files of one line to the next `},{` with the first key; records without
//! id or time are not taken after damage, and a changed header or wrapper changes what all records
//! mean. So untouched records are looked for where each record is a line of its own and the damage
//! lies inside of one line; there the lines beside it must be found, but the next one, which a
//! damaged line end or quote may take with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::fuzz_checks::{assert_balances, read};

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        // Often one that means something.
        const TELLING: &[u8] = b"{}[]\",:;\\\n\r\t 0\0\xff\xef\xbb\xbf=-'|/";
        if self.below(2) == 0 { TELLING[self.below(TELLING.len())] } else { self.below(256) as u8 }
    }
}

/// Damages bytes between two places.
fn damage(bytes: &mut Vec<u8>, from: usize, until: usize, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let until = until.min(bytes.len());
        let at = from + random.below(until.saturating_sub(from));
        let length = random.below(40).min(until.saturating_sub(at));
        if at >= bytes.len() {
            return;
        }
        match random.below(6) {
            0 => bytes[at] = random.byte(),
            1 => bytes.insert(at, random.byte()),
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let copy = bytes[at..at + length].to_vec();
                bytes.splice(at..at, copy);
            }
            4 => bytes[at..at + length].iter_mut().for_each(|byte| *byte = random.byte()),
            _ => bytes[at] ^= 1 << random.below(8),
        }
    }
}

/// All inputs of the cases, small enough to be read often.
fn inputs() -> Vec<(PathBuf, Vec<u8>)> {
    let mut inputs = Vec::new();
    let mut folders = vec![PathBuf::from("tests/corpus"), PathBuf::from("sample-logs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let is_answer = ["sign_ins.jsonl", "rejects.csv", "export.json", "no_log.txt"];
            let bytes = fs::read(&path).expect("a file");
            if !is_answer.contains(&&*name) && bytes.len() <= 64 << 10 {
                inputs.push((path, bytes));
            }
        }
    }
    inputs.sort();
    inputs
}

#[test]
#[allow(clippy::print_stdout, reason = "the long suite reports how many there were")]
fn whatever_is_damaged_the_account_balances() {
    let inputs = inputs();
    let rounds = 6 * crate::times() as usize;
    let mut random = Random(u64::from(crate::times()));
    let (mut count, mut read_count) = (0_u64, 0_u64);
    for _ in 0..rounds {
        for (path, bytes) in &inputs {
            let mut damaged = bytes.clone();
            let length = damaged.len();
            damage(&mut damaged, 0, length, &mut random);
            if random.below(8) == 0 {
                damaged.truncate(random.below(length));
            }
            if random.below(8) == 0 {
                let (_, other) = &inputs[random.below(inputs.len())];
                let at = random.below(damaged.len());
                damaged.splice(at..at, other[random.below(other.len())..].iter().copied());
            }
            let result = std::panic::catch_unwind(|| {
                let peeked = read(&damaged, true);
                let is_export = peeked.is_ok();
                if let (Ok((export, found)), Ok((parsed, all))) = (peeked, read(&damaged, false)) {
                    assert_balances(&export, &found);
                    assert_balances(&parsed, &all);
                    assert_eq!(found.len(), all.len());
                }
                is_export
            });
            count += 1;
            match result {
                Ok(is_export) => read_count += u64::from(is_export),
                Err(_) => {
                    let kept = std::env::temp_dir().join("mutation.bin");
                    fs::write(&kept, &damaged).expect("kept");
                    panic!("{} damaged, kept in {}", path.display(), kept.display());
                }
            }
        }
    }
    println!("{count} damaged inputs, {read_count} of them read as exports");
    assert!(count >= 1500 && read_count > count / 3, "{count} {read_count}");
}

#[test]
fn lines_that_were_not_touched_are_found() {
    let mut random = Random(7 + u64::from(crate::times()));
    let mut checked = 0;
    for (path, bytes) in inputs() {
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let is_record = |line: &&str| line.starts_with('{') && line.trim_end().ends_with('}');
        if lines.len() < 4 || !lines.iter().all(is_record) {
            continue;
        }
        let Ok((_, before)) = read(&bytes, true) else { continue };
        let mut starts = vec![0];
        for line in &lines {
            starts.push(starts[starts.len() - 1] + line.len());
        }
        let ids = |found: &[tenantsweep::input::read::FoundSignIn]| -> BTreeSet<String> {
            found.iter().filter_map(|row| row.sign_in.sign_in_id.clone()).collect()
        };
        for _ in 0..20 * crate::times() {
            // The first line says what kind of export it is.
            let hit = 1 + random.below(lines.len() - 1);
            let mut damaged = bytes.clone();
            damage(&mut damaged, starts[hit], starts[hit + 1] - 1, &mut random);
            let Ok((export, after)) = read(&damaged, true) else {
                panic!("{}: line {hit} damaged, and nothing is read", path.display())
            };
            assert_balances(&export, &after);
            let is_near = |offset: u64| {
                let offset = usize::try_from(offset).expect("a place");
                let until = starts.get(hit + 2).copied().unwrap_or(usize::MAX);
                (starts[hit]..until).contains(&offset)
            };
            let untouched: Vec<_> = before.iter().filter(|row| !is_near(row.offset)).collect();
            let found = ids(&after);
            for row in untouched {
                let id = row.sign_in.sign_in_id.clone().unwrap_or_default();
                assert!(
                    id.is_empty() || found.contains(&id),
                    "{}: {id}, line {hit}",
                    path.display()
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "{checked}");
}
