//! A loss of power at any step, and a disk that fails at any step.
//!
//! A watch records every change on the disk. From the record the files are made again as they
//! would be found if the power had gone after each step: what was written but not synced may be
//! there or not, names that were changed in a folder that was not synced may be the old or the
//! new ones. (Killing a process shows the order of the steps only.)

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tenantsweep::dataset::{Maintenance, Step, Watch, WriterOptions, verify};

use super::*;

/// A step, with all it needs to be done again.
#[derive(Debug, Clone)]
enum Recorded {
    MakeFolder,
    Create(PathBuf),
    Write(PathBuf, Vec<u8>),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    RemoveFile(PathBuf),
    RemoveFolder(PathBuf),
    SyncFolder(PathBuf),
}

#[derive(Debug, Default)]
struct Recorder {
    steps: Mutex<Vec<Recorded>>,
}

impl Watch for Recorder {
    fn before(&self, step: Step<'_>) -> io::Result<()> {
        self.steps.lock().expect("no panic").push(match step {
            Step::MakeFolder(_) => Recorded::MakeFolder,
            Step::Create(path) => Recorded::Create(path.to_owned()),
            Step::Write(path, bytes) => Recorded::Write(path.to_owned(), bytes.to_vec()),
            Step::Sync(path) => Recorded::Sync(path.to_owned()),
            Step::Rename(from, to) => Recorded::Rename(from.to_owned(), to.to_owned()),
            Step::RemoveFile(path) => Recorded::RemoveFile(path.to_owned()),
            Step::RemoveFolder(path) => Recorded::RemoveFolder(path.to_owned()),
            Step::SyncFolder(path) => Recorded::SyncFolder(path.to_owned()),
        });
        Ok(())
    }
}

/// A file by what it holds; names come and go.
#[derive(Debug, Clone, Default)]
struct Inode {
    content: Vec<u8>,
    /// How much of it is safe.
    synced: Vec<u8>,
}

/// The files as the programs see them, and as they are safe on the disk.
#[derive(Debug, Clone, Default)]
struct Model {
    inodes: Vec<Inode>,
    seen: BTreeMap<PathBuf, usize>,
    safe: BTreeMap<PathBuf, usize>,
}

impl Model {
    /// All that lies below a folder, safe since long.
    fn of(folder: &Path) -> Self {
        let mut model = Self::default();
        for (path, content) in contents(folder) {
            model.seen.insert(path, model.inodes.len());
            model.inodes.push(Inode { synced: content.clone(), content });
        }
        model.safe = model.seen.clone();
        model
    }

    fn inode(&mut self, path: &Path) -> &mut Inode {
        let number = self.seen[path];
        &mut self.inodes[number]
    }

    fn apply(&mut self, step: &Recorded) {
        match step {
            // A folder is there if something safe lies in it.
            Recorded::MakeFolder => {}
            Recorded::Create(path) => {
                if self.seen.contains_key(path) {
                    // What is cut off may be gone at once.
                    *self.inode(path) = Inode::default();
                } else {
                    self.seen.insert(path.clone(), self.inodes.len());
                    self.inodes.push(Inode::default());
                }
            }
            Recorded::Write(path, bytes) => self.inode(path).content.extend_from_slice(bytes),
            Recorded::Sync(path) => {
                let inode = self.inode(path);
                inode.synced = inode.content.clone();
            }
            Recorded::Rename(from, to) => {
                let inode = self.seen.remove(from).expect("a file to rename");
                self.seen.insert(to.clone(), inode);
            }
            Recorded::RemoveFile(path) => {
                self.seen.remove(path);
            }
            Recorded::RemoveFolder(path) => self.seen.retain(|name, _| !name.starts_with(path)),
            Recorded::SyncFolder(folder) => {
                self.safe.retain(|name, _| name.parent() != Some(folder));
                let names = self.seen.iter().filter(|(name, _)| name.parent() == Some(folder));
                self.safe.extend(names.map(|(name, inode)| (name.clone(), *inode)));
            }
        }
    }

    /// The files that are found after the loss, if `renewed` says which folders had their new
    /// names on the disk, and `kept` how much of what was not synced.
    fn after_loss(
        &self,
        mut renewed: impl FnMut(&Path) -> bool,
        mut kept: impl FnMut(usize) -> usize,
    ) -> BTreeMap<PathBuf, Vec<u8>> {
        let folders: BTreeSet<&Path> =
            self.seen.keys().chain(self.safe.keys()).filter_map(|name| name.parent()).collect();
        let mut files = BTreeMap::new();
        for folder in folders {
            let names = if renewed(folder) { &self.seen } else { &self.safe };
            for (name, &inode) in names.iter().filter(|(name, _)| name.parent() == Some(folder)) {
                let Inode { content, synced } = &self.inodes[inode];
                let length = synced.len() + kept(content.len() - synced.len());
                files.insert(name.clone(), content[..length].to_vec());
            }
        }
        files
    }
}

/// The exports of two runs: the second has one that has grown, one that supersedes rows of the
/// first, and one in another month.
fn two_runs() -> [Vec<Export>; 2] {
    let rows = |range: std::ops::Range<i64>| -> Vec<PartnerSignIn> {
        range.map(|n| sign_in(&format!("id-{n}"), n * 3600, Some(n), 2)).collect()
    };
    let mut grown = export("a.json", rows(0..40));
    grown.identity = 99;
    let states = (10..20).map(|n| sign_in(&format!("id-{n}"), n * 3600, Some(n + 500), 1));
    let other_month = export("c.json", rows(2000..2010));
    [
        vec![export("a.json", rows(0..30))],
        vec![grown, export("b.json", states.collect()), other_month],
    ]
}

type Action = fn(&Path, Disk) -> Result<(), DatasetError>;

fn sweep_first(out: &Path, disk: Disk) -> Result<(), DatasetError> {
    let [first, _] = two_runs();
    Run { run_id: "first", disk, ..Run::default() }.sweep(out, &first).map(drop)
}

fn sweep_second(out: &Path, disk: Disk) -> Result<(), DatasetError> {
    let [_, second] = two_runs();
    let run = Run { run_id: "second", spill_memory: 1000, day_memory: 500, disk, ..Run::default() };
    run.sweep(out, &second).map(drop)
}

fn begin(out: &Path, disk: Disk) -> Result<Maintenance, DatasetError> {
    Maintenance::begin(out, WriterOptions { disk, ..WriterOptions::new("keeper") })
}

fn compact(out: &Path, disk: Disk) -> Result<(), DatasetError> {
    begin(out, disk)?.compact(1).map(drop)
}

fn keep(out: &Path, disk: Disk) -> Result<(), DatasetError> {
    begin(out, disk)?.keep_since(moment(15 * 3600)).map(drop)
}

fn forget(out: &Path, disk: Disk) -> Result<(), DatasetError> {
    begin(out, disk)?.forget(tenant(CHILD)).map(drop)
}

/// Each action, after those that lead to it.
const HISTORIES: [&[Action]; 5] = [
    &[sweep_first],
    &[sweep_first, sweep_second],
    &[sweep_first, sweep_second, compact],
    &[sweep_first, sweep_second, keep],
    &[sweep_first, sweep_second, forget],
];

/// What the dataset says: its rows in `sign_ins`, with the run that each is of.
fn told(out: &Path) -> Option<Vec<Row>> {
    match Dataset::open(out) {
        Ok(_) => Some(rows(out, Table::SignIns)),
        Err(DatasetError::Missing { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// What is wrong, besides what the next run removes or writes anew.
fn grave_findings(out: &Path) -> Vec<String> {
    let passing = ["is not in the manifest", "left by a run", "SHA256SUMS"];
    let findings = match verify(out) {
        Ok(verified) => verified.findings,
        Err(DatasetError::Missing { .. }) => Vec::new(),
        Err(error) => panic!("{error}"),
    };
    let texts = findings.into_iter().map(|finding| format!("{}: {}", finding.place, finding.what));
    texts.filter(|text| !passing.iter().any(|passing| text.contains(passing))).collect()
}

/// All files below a folder; none where it is not there yet.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

fn lay_down(files: &BTreeMap<PathBuf, Vec<u8>>, from: &Path, to: &Path) {
    for (path, content) in files {
        let path = to.join(path.strip_prefix(from).expect("below"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
}

/// Every step, and the action again after each of them: most of the time goes there.
fn is_thorough() -> bool {
    crate::times() > 1
}

#[test]
fn after_a_loss_of_power_at_any_step_the_dataset_is_the_old_or_the_new_one() {
    for history in HISTORIES {
        let (last, earlier) = history.split_last().expect("an action");
        let place = folder();
        let out = place.path().join("out");
        for action in earlier {
            action(&out, Disk::default()).expect("committed");
        }
        let mut model = Model::of(&out);
        let old = told(&out);
        let recorder = Arc::new(Recorder::default());
        last(&out, Disk::default().watched(recorder.clone())).expect("committed");
        let new = told(&out);
        assert_ne!(old.is_none(), new.is_none() || old.is_some(), "something was committed");
        let steps = recorder.steps.lock().expect("no panic").clone();
        assert!(steps.iter().any(|step| matches!(step, Recorded::Rename(..))));
        let mut random = Random(steps.len() as u64);
        for (number, step) in steps.iter().enumerate() {
            model.apply(step);
            if !is_thorough() && matches!(step, Recorded::Write(..) | Recorded::Create(_)) {
                continue;
            }
            let nothing = model.after_loss(|_| false, |_| 0);
            let names_only = model.after_loss(|_| true, |_| 0);
            let all = model.after_loss(|_| true, |bytes| bytes);
            let some = {
                let random = std::cell::RefCell::new(&mut random);
                model.after_loss(
                    |_| random.borrow_mut().below(2) == 0,
                    |bytes| random.borrow_mut().below(bytes as u64 + 1) as usize,
                )
            };
            for (kind, files) in
                [("nothing", nothing), ("names", names_only), ("all", all), ("some", some)]
            {
                let lost = folder();
                let found = lost.path().join("out");
                lay_down(&files, &out, &found);
                let context = format!("step {number} {step:?}, {kind} survived");
                let now = told(&found);
                assert!(now == old || now == new, "{context}: another dataset");
                assert_eq!(grave_findings(&found), Vec::<String>::new(), "{context}");
                let is_telling = kind == "some" && matches!(step, Recorded::Rename(..));
                if is_telling || is_thorough() {
                    last(&found, Disk::default()).expect(&context);
                    assert_same_end(&found, &out, &context);
                }
            }
        }
    }
}

/// The action was done again: the dataset is as if nothing had happened.
fn assert_same_end(found: &Path, expected: &Path, context: &str) {
    for table in [Table::SignIns, Table::AppliedPolicies, Table::Rejects, Table::Tenants] {
        assert_eq!(facts(found, table), facts(expected, table), "{context}");
    }
    check_promises(found);
}

/// Fails at one step, in one way.
#[derive(Debug)]
struct Fault {
    /// Steps until it fails; those behind it are done.
    left: AtomicU64,
    kind: io::ErrorKind,
    path: Mutex<Option<PathBuf>>,
}

impl Watch for Fault {
    fn before(&self, step: Step<'_>) -> io::Result<()> {
        if self.left.fetch_sub(1, Relaxed) != 0 {
            return Ok(());
        }
        let (Step::MakeFolder(path)
        | Step::Create(path)
        | Step::Write(path, _)
        | Step::Sync(path)
        | Step::Rename(_, path)
        | Step::RemoveFile(path)
        | Step::RemoveFolder(path)
        | Step::SyncFolder(path)) = step;
        *self.path.lock().expect("no panic") = Some(path.to_owned());
        Err(self.kind.into())
    }

    /// Less than asked, now and then.
    fn write_length(&self, bytes: usize) -> usize {
        if self.left.load(Relaxed).is_multiple_of(3) { bytes.div_ceil(2) } else { bytes }
    }
}

#[test]
fn a_disk_that_fails_at_any_step_leaves_a_whole_dataset_and_an_error_that_names_the_file() {
    use io::ErrorKind::{Other, PermissionDenied, StorageFull};
    let mut failed = 0;
    for history in HISTORIES {
        let (last, earlier) = history.split_last().expect("an action");
        let place = folder();
        let calm = place.path().join("calm");
        history.iter().for_each(|action| action(&calm, Disk::default()).expect("committed"));
        let new = told(&calm);
        let before = place.path().join("before");
        earlier.iter().for_each(|action| action(&before, Disk::default()).expect("committed"));
        let old = told(&before);
        let stride = if is_thorough() { 1 } else { 4 };
        for number in (0..).step_by(stride) {
            let out = place.path().join(format!("out-{number}"));
            lay_down(&contents(&before), &before, &out);
            let kind = [StorageFull, Other, PermissionDenied][(number as usize / stride) % 3];
            let fault = Arc::new(Fault { left: number.into(), kind, path: Mutex::default() });
            let result = last(&out, Disk::default().watched(fault.clone()));
            let Some(path) = fault.path.lock().expect("no panic").clone() else {
                result.expect("no step failed");
                break;
            };
            let now = told(&out);
            match result {
                Err(error) => {
                    failed += 1;
                    assert!(!error.is_misuse(), "{error}");
                    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
                    assert!(now == old || now == new, "step {number}, {}", path.display());
                }
                // What could not be tidied up is left to the next run.
                Ok(()) => assert_eq!(now, new, "step {number}, {}", path.display()),
            }
            assert_eq!(grave_findings(&out), Vec::<String>::new(), "{}", path.display());
            last(&out, Disk::default()).expect("the disk is well again");
            assert_same_end(&out, &calm, &format!("step {number}, {}", path.display()));
            fs::remove_dir_all(&out).expect("removed");
        }
    }
    assert!(failed > 60, "{failed}");
}

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % limit
    }
}
