//! Inputs that once did harm, or might: each goes through the check of its fuzz target.

use std::fs;

use crate::fuzz_checks;

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 5] = [
    ("csv", fuzz_checks::csv),
    ("dialect", fuzz_checks::dialect),
    ("explain", fuzz_checks::explain),
    ("export", fuzz_checks::export),
    ("lists", fuzz_checks::lists),
];

#[test]
fn every_case_is_covered_and_passes() {
    let mut covered = 0;
    for entry in fs::read_dir("tests/crashes").expect("the cases") {
        let folder = entry.expect("an entry").path();
        let target = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let (_, check) = TARGETS
            .iter()
            .find(|(name, _)| *name == target)
            .unwrap_or_else(|| panic!("tests/crashes/{target} has no check"));
        for case in fs::read_dir(&folder).expect("a folder") {
            let case = case.expect("an entry").path();
            assert!(case.is_file(), "{} is not covered", case.display());
            let name = case.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(!name.starts_with("new-"), "{name}: give it a name that says what it is");
            let bytes = fs::read(&case).expect("a case");
            let passed = std::panic::catch_unwind(|| check(&bytes));
            assert!(passed.is_ok(), "{} fails", case.display());
            covered += 1;
        }
    }
    assert!(covered >= 10, "{covered}");
}

#[test]
fn each_target_has_its_check() {
    let mut targets: Vec<String> = fs::read_dir("fuzz/targets")
        .expect("the targets")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    targets.sort();
    let checks: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets, checks);
}
