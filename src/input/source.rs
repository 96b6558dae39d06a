//! Reads whatever a path leads to: one export, or an archive with many.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use super::container::passwords::Passwords;
use super::container::{
    ArchiveError, Budget, Bytes, MemberKind, MemberNames, Packing, SpoolRoom, TarReader,
    ZipArchive, is_hidden, spool,
};
use super::discover::{Source, SourceKind};
use super::disk::{self, Disk, FileHash};
use super::lists;
use super::open::{Hashing, OpenExport, RawBytes, Unpacked};
use super::path_tenant::{PathTemplate, tenant_of_path};
use super::raw::{RawRecord, raw_record};
use super::read::{FoundSignIn, NotRead, Place, ReadExport, ReadOptions, read_export};
use super::sniff::{NoLog, office_file};
use crate::stop::Stop;
use crate::tenant::TenantId;

/// What reading a source needs besides how to read an export.
#[derive(Debug)]
pub struct SourceOptions<'a> {
    pub reading: ReadOptions<'a>,
    pub template: Option<&'a PathTemplate>,
    pub passwords: &'a Passwords,
    /// Where archives inside of archives may be laid down.
    pub room: SpoolRoom,
    pub stop: &'a Stop,
}

/// What a source held.
#[derive(Debug)]
pub struct ReadSource {
    /// Set if the source is an archive.
    pub container: Option<Container>,
    /// The source itself, or each file of the archive in its order.
    pub members: Vec<Member>,
    /// Links, devices and hidden files of the archive, which are not read.
    pub skipped: usize,
}

/// An archive as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub shown: String,
    pub sha256: Option<[u8; 32]>,
}

/// A file that may be an export, on the disk or in an archive, and what became of it.
#[derive(Debug)]
pub struct Member {
    /// The source's path, and for a member `archive!/member`; once per source.
    pub shown: String,
    pub path_tenant: Option<TenantId>,
    /// Boxed: an archive may have many members that are no logs.
    pub result: Result<Box<ReadExport>, NotRead>,
}

/// Takes the partner sign-ins of a member, named by its place in [`ReadSource::members`].
pub type MemberTaker<'a> = dyn Fn(usize, Vec<FoundSignIn>) -> io::Result<()> + Sync + 'a;

/// A part of what a source holds, so that several threads can read one archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    index: usize,
    of: usize,
}

impl Share {
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// The shares of a source for a number of threads: several only of a large zip archive,
    /// whose members can be reached one by one.
    pub fn split(source: &Source, threads: usize) -> impl Iterator<Item = Self> {
        /// Below, another look at the table of contents is not worth it.
        const BYTES_MIN: u64 = 1 << 20;
        let is_large = source.is_seekable() && source.length >= BYTES_MIN;
        let of = if is_large && is_zip(source) { threads.max(1) } else { 1 };
        (0..of).map(move |index| Self { index, of })
    }

    fn takes(self, number: usize) -> bool {
        number % self.of == self.index
    }

    /// It tells what concerns the archive as a whole.
    pub fn is_first(self) -> bool {
        self.index == 0
    }

    /// Its bytes of the source; those of all shares make up the whole.
    fn bytes(self, length: u64) -> u64 {
        let (index, of) = (self.index as u64, self.of as u64);
        length / of + if index == 0 { length % of } else { 0 }
    }
}

/// A file that cannot be looked at now is told about when it is read.
fn is_zip(source: &Source) -> bool {
    let mut head = [0; 4];
    let read = File::open(&source.path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && Packing::of(&head) == Some(Packing::Zip)
}

/// Reads a share of a source, whatever it is. Partner sign-ins go to `take`, bytes read from the
/// disk to `advance`.
pub fn read_source(
    source: &Source,
    share: Share,
    options: &SourceOptions<'_>,
    take: &MemberTaker<'_>,
    advance: &dyn Fn(u64),
) -> ReadSource {
    let length = source.known_length();
    let disk = Disk::new(length.map(|length| share.bytes(length)), advance, options.stop);
    let mut reader = SourceReader {
        options,
        share,
        disk: &disk,
        budget: Budget::of(length),
        names: MemberNames::default(),
        take,
        read: ReadSource { container: None, members: Vec::new(), skipped: 0 },
        wanted: None,
    };
    reader.read(source);
    disk.tell_rest();
    reader.read
}

/// A record to be found again.
#[derive(Debug)]
struct Wanted {
    /// The path of its export, as the dataset has it.
    shown: String,
    offset: u64,
    found: Option<io::Result<Option<RawRecord>>>,
}

/// Finds a record in a source, or in a member of it, by the offset that the dataset has.
///
/// # Errors
/// It cannot be read so far. Nothing, if no record begins there.
pub fn read_record(
    source: &Source,
    shown: &str,
    offset: u64,
    options: &SourceOptions<'_>,
) -> io::Result<Option<RawRecord>> {
    let disk = Disk::new(None, &|_| {}, options.stop);
    let mut wanted = Wanted { shown: shown.to_owned(), offset, found: None };
    let mut reader = SourceReader {
        options,
        share: Share::WHOLE,
        disk: &disk,
        budget: Budget::of(source.known_length()),
        names: MemberNames::default(),
        take: &|_, _| Ok(()),
        read: ReadSource { container: None, members: Vec::new(), skipped: 0 },
        wanted: Some(&mut wanted),
    };
    reader.read(source);
    let failed = reader.read.members.into_iter().find_map(|member| match member.result {
        Err(NotRead::Failed(error)) => Some(error),
        _ => None,
    });
    wanted.found.unwrap_or_else(|| failed.map_or(Ok(None), Err))
}

/// How deep archives are read: an archive, and one in it.
const DEPTH_MAX: usize = 2;

/// Opens the bytes of a file or member once more.
type Reopen<'a> = dyn Fn() -> io::Result<RawBytes<'static>> + Sync + 'a;

/// A file or member that is about to be read.
struct Found<'a> {
    shown: String,
    /// About how many bytes it has.
    length: u64,
    /// Archives around it.
    depth: usize,
    reopen: &'a Reopen<'a>,
}

impl Found<'_> {
    fn check_depth(&self) -> io::Result<()> {
        if self.depth < DEPTH_MAX { Ok(()) } else { Err(ArchiveError::TooDeep.into()) }
    }
}

/// What becomes of a member.
enum Shown {
    Read(String),
    Folder,
    PassedOver,
}

struct SourceReader<'a> {
    options: &'a SourceOptions<'a>,
    share: Share,
    disk: &'a Disk<'a>,
    budget: Arc<Budget>,
    names: MemberNames,
    take: &'a MemberTaker<'a>,
    read: ReadSource,
    /// Instead of reading exports: one record of one of them.
    wanted: Option<&'a mut Wanted>,
}

impl SourceReader<'_> {
    fn read(&mut self, source: &Source) {
        let open = || self.disk.open(source);
        let reopen = || match source.kind {
            SourceKind::File => Ok(Box::new(File::open(&source.path)?) as RawBytes<'static>),
            SourceKind::Pipe | SourceKind::StandardInput => Err(io::Error::other(
                "what comes through a pipe cannot be read twice: save it to a file and give that",
            )),
        };
        let found =
            Found { shown: source.shown.clone(), length: source.length, depth: 0, reopen: &reopen };
        let unpack = |bytes| self.unpack(bytes, source.length);
        let result = open().and_then(unpack).map(|unpacked| match self.options.reading.pool {
            Some(_) => unpacked.ahead(),
            None => unpacked,
        });
        match result {
            Ok(unpacked) => self.content(&found, unpacked, Some(source)),
            Err(error) => self.fail(found.shown, error),
        }
    }

    fn unpack<'b>(&self, bytes: RawBytes<'b>, length: u64) -> io::Result<Unpacked<'b>> {
        let unpacked = Unpacked::open(bytes, length, self.options.reading.hashing())?;
        let budget = &self.budget;
        Ok(unpacked.through(|bytes| budget.limit(bytes)))
    }

    /// Reads an export, or the members of an archive. `source` is set for what lies on the disk.
    fn content(&mut self, found: &Found<'_>, unpacked: Unpacked<'_>, source: Option<&Source>) {
        let Some(packing) = Packing::of(unpacked.head()) else {
            return self.export(found, unpacked);
        };
        if found.depth == 0 {
            let shown = found.shown.clone();
            self.read.container = Some(Container { shown, sha256: None });
        }
        let read = match (packing, source) {
            (Packing::Tar, _) => self.tar(found, unpacked.buffered()),
            (Packing::Zip, Some(source)) if source.is_seekable() && !unpacked.is_compressed() => {
                drop(unpacked);
                self.zip_file(found, source)
            }
            (Packing::Zip, _) => self.spooled_zip(found, unpacked.buffered()),
        };
        if let Err(error) = read {
            self.fail(found.shown.clone(), error);
        }
    }

    /// Notes the hash of the outermost archive.
    fn hashed(&mut self, depth: usize, sha256: Option<[u8; 32]>) {
        if let (0, Some(container)) = (depth, &mut self.read.container) {
            container.sha256 = sha256;
        }
    }

    fn export(&mut self, found: &Found<'_>, unpacked: Unpacked<'_>) {
        if let Some(wanted) = &mut self.wanted {
            if is_shown_as(&wanted.shown, &found.shown) && wanted.found.is_none() {
                let limit = self.options.reading.record_limit;
                let stream = unpacked.into_text();
                wanted.found = Some(stream.and_then(|s| raw_record(s, wanted.offset, limit)));
            }
            return;
        }
        if found.depth > 0
            && let Some(no_log) = list_in_archive(&found.shown, unpacked.head())
        {
            return self.not_read(found.shown.clone(), NotRead::NoLog(no_log));
        }
        let path_tenant = tenant_of_path(&found.shown, self.options.template);
        let budget = Arc::clone(&self.budget);
        let reopen = || -> io::Result<OpenExport<'static>> {
            let unpacked = Unpacked::open((found.reopen)()?, found.length, Hashing::Off)?;
            unpacked.through(|bytes| budget.limit(bytes)).into_text()
        };
        let place = Place { shown: &found.shown, path_tenant, reopen: &reopen };
        let number = self.read.members.len();
        let (take, disk) = (self.take, self.disk);
        let result = unpacked.into_text().map_err(NotRead::Failed).and_then(|stream| {
            let take = |found| take(number, found);
            read_export(&place, stream, &self.options.reading, &take, &|_| disk.tell())
                .map(Box::new)
        });
        let shown = found.shown.clone();
        self.read.members.push(Member { shown, path_tenant, result });
        self.disk.tell();
    }

    fn fail(&mut self, shown: String, error: io::Error) {
        self.not_read(shown, NotRead::Failed(error));
    }

    fn not_read(&mut self, shown: String, reason: NotRead) {
        let path_tenant = tenant_of_path(&shown, self.options.template);
        self.read.members.push(Member { shown, path_tenant, result: Err(reason) });
    }

    /// Reads the members of a tar archive as they stream by.
    fn tar(&mut self, found: &Found<'_>, mut unpacked: Unpacked<'_>) -> io::Result<()> {
        found.check_depth()?;
        let budget = Arc::clone(&self.budget);
        let mut tar = TarReader::new(unpacked.bytes());
        let mut number = 0;
        let read = loop {
            let member = match tar.next_member() {
                Ok(Some(member)) => member,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            number += 1;
            let shown = match self.show(found, &member.name, member.kind) {
                Shown::Read(shown) => shown,
                Shown::Folder => continue,
                Shown::PassedOver => {
                    self.read.skipped += 1;
                    continue;
                }
            };
            if member.kind == MemberKind::Sparse {
                self.fail(shown, ArchiveError::Sparse.into());
                continue;
            }
            let reopen = || tar_member((found.reopen)()?, number, &budget);
            let inner =
                Found { shown, length: member.bytes, depth: found.depth + 1, reopen: &reopen };
            self.member(&inner, Box::new(&mut tar));
            self.check_count()?;
        };
        let (fingerprint, rest) = unpacked.finish();
        self.hashed(found.depth, fingerprint.sha256);
        read.and(rest)
    }

    /// The name of a member, if it is to be read.
    fn show(&mut self, found: &Found<'_>, name: &str, kind: MemberKind) -> Shown {
        match kind {
            MemberKind::Folder => Shown::Folder,
            MemberKind::Other => Shown::PassedOver,
            _ if is_hidden(name) => Shown::PassedOver,
            _ => Shown::Read(self.names.show(&found.shown, name)),
        }
    }

    fn member(&mut self, found: &Found<'_>, bytes: RawBytes<'_>) {
        match self.unpack(bytes, found.length) {
            Ok(unpacked) => self.content(found, unpacked, None),
            Err(error) => self.fail(found.shown.clone(), error),
        }
    }

    /// Whether the next member is to be read.
    fn check_count(&self) -> io::Result<()> {
        disk::check(self.options.stop)?;
        let is_over = self.read.members.len() >= super::container::MEMBERS_MAX;
        if is_over { Err(ArchiveError::TooMany.into()) } else { Ok(()) }
    }

    /// A zip archive on the disk: its hash is computed beside the reading.
    fn zip_file(&mut self, found: &Found<'_>, source: &Source) -> io::Result<()> {
        let is_hashed = self.options.reading.with_sha256 && self.share.is_first();
        let hash = is_hashed.then(|| FileHash::start(&source.path, self.options.stop));
        let bytes = Bytes::of_file(&source.path, source.length, self.disk.counter());
        let read = self.zip(found, bytes);
        let sha256 = hash.map(FileHash::end).transpose()?;
        self.hashed(found.depth, sha256);
        read
    }

    /// A zip archive inside of something else: it has to be laid down first.
    fn spooled_zip(&mut self, found: &Found<'_>, mut unpacked: Unpacked<'_>) -> io::Result<()> {
        let packed = (found.length > 0).then_some(found.length);
        let bytes = spool(unpacked.bytes(), &self.options.room, packed)?;
        let (fingerprint, rest) = unpacked.finish();
        self.hashed(found.depth, fingerprint.sha256);
        rest?;
        self.zip(found, bytes)
    }

    fn zip(&mut self, found: &Found<'_>, bytes: Bytes) -> io::Result<()> {
        let archive = ZipArchive::open(bytes)?;
        if let Some(no_log) = archive.office_folder()?.and_then(|folder| office_file(&folder)) {
            self.not_read(found.shown.clone(), NotRead::NoLog(no_log));
            return Ok(());
        }
        found.check_depth()?;
        for (number, member) in archive.members()?.enumerate() {
            let member = member?;
            // Names are given in the order of the archive, whoever reads the members.
            let shown = self.show(found, &member.name(), member.kind());
            if found.depth == 0 && !self.share.takes(number) {
                continue;
            }
            let shown = match shown {
                Shown::Read(shown) => shown,
                Shown::Folder => continue,
                Shown::PassedOver => {
                    self.read.skipped += 1;
                    continue;
                }
            };
            let open = || archive.read(&member, self.options.passwords);
            let length = member.packed_bytes();
            match open() {
                Ok(bytes) => {
                    let inner = Found { shown, length, depth: found.depth + 1, reopen: &open };
                    self.member(&inner, bytes);
                }
                Err(error) => self.fail(shown, error),
            }
            self.check_count()?;
        }
        archive.check_front()
    }
}

/// A name that two exports had is followed by a number in the dataset.
fn is_shown_as(in_dataset: &str, shown: &str) -> bool {
    in_dataset.strip_prefix(shown).is_some_and(|rest| rest.is_empty() || rest.starts_with('#'))
}

/// Names a list of partners or customers, which would change what the other exports mean: it is
/// taken only where the user can see it.
fn list_in_archive(shown: &str, head: &[u8]) -> Option<NoLog> {
    let name = shown.rsplit('/').next().unwrap_or_default();
    lists::recognise(name, &String::from_utf8_lossy(head))?;
    Some(NoLog {
        what: "a list of tenants, which is not taken from an archive".to_owned(),
        hint: "unpack it, and give it with `--partners` or `--tenants`",
    })
}

/// Opens the tar archive in a stream and goes to a member by its number.
fn tar_member(
    bytes: RawBytes<'static>,
    number: usize,
    budget: &Arc<Budget>,
) -> io::Result<RawBytes<'static>> {
    let unpacked = Unpacked::open(bytes, 0, Hashing::Off)?;
    let mut tar = TarReader::new(budget.limit(unpacked.into_bytes()));
    for _ in 0..number {
        tar.next_member()?;
    }
    Ok(Box::new(tar))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_a_tar_archive_is_opened_again() {
        let archive = || -> RawBytes<'static> {
            Box::new(
                &include_bytes!("../../tests/corpus/container/two-tars-in-one/evidence.tar")[..],
            )
        };
        let budget = Budget::of(None);
        for (number, content) in [
            (
                1,
                include_str!(
                    "../../tests/corpus/graph-beta/service-provider-block-by-location/input.json"
                ),
            ),
            (2, include_str!("../../tests/corpus/graph-beta/b2b-guest/input.json")),
        ] {
            let mut text = String::new();
            let mut member = tar_member(archive(), number, &budget).expect("a member");
            member.read_to_string(&mut text).expect("text");
            assert_eq!(text, content);
        }
    }

    #[test]
    fn the_shares_of_a_source_make_up_the_whole() {
        let shares = || (0..3).map(|index| Share { index, of: 3 });
        assert_eq!(shares().map(|share| share.bytes(100)).sum::<u64>(), 100);
        for number in 0..10 {
            assert_eq!(shares().filter(|share| share.takes(number)).count(), 1);
        }
    }
}
