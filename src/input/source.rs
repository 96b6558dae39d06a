//! Reads whatever a path leads to: one export, or an archive with many.

use std::fs::File;
use std::io;

use super::discover::Source;
use super::open::{OpenExport, Unpacked, open};
use super::read::{FoundSignIn, NotRead, Place, ReadExport, ReadOptions, read_export};
use crate::tenant::TenantId;

/// What a source held.
#[derive(Debug)]
pub struct ReadSource {
    /// Set if the source is an archive.
    pub container: Option<Container>,
    /// The source itself, or each member of the archive in its order.
    pub members: Vec<Member>,
}

/// An archive as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Container {
    pub sha256: Option<[u8; 32]>,
}

/// A file that may be an export, on the disk or in an archive, and what became of it.
#[derive(Debug)]
pub struct Member {
    /// The source's path, and for a member `archive!/member`; once per source.
    pub shown: String,
    pub path_tenant: Option<TenantId>,
    pub result: Result<ReadExport, NotRead>,
}

/// Takes the partner sign-ins of a member, named by its place in [`ReadSource::members`].
pub type MemberTaker<'a> = dyn FnMut(usize, Vec<FoundSignIn>) -> io::Result<()> + 'a;

/// Reads a source, whatever it is. Partner sign-ins go to `take`, bytes read from the disk to
/// `advance`.
pub fn read_source(
    source: &Source,
    options: &ReadOptions<'_>,
    take: &mut MemberTaker<'_>,
    advance: &dyn Fn(u64),
) -> ReadSource {
    let result = read_file(source, options, take, advance);
    let member = Member { shown: source.shown.clone(), path_tenant: source.path_tenant, result };
    ReadSource { container: None, members: vec![member] }
}

fn read_file(
    source: &Source,
    options: &ReadOptions<'_>,
    take: &mut MemberTaker<'_>,
    advance: &dyn Fn(u64),
) -> Result<ReadExport, NotRead> {
    let stream = open_file(source, options.with_sha256).map_err(NotRead::Failed)?;
    let reopen = || open(&source.path, false);
    let place = Place { shown: &source.shown, path_tenant: source.path_tenant, reopen: &reopen };
    read_export(&place, stream, options, &mut |found| take(0, found), advance)
}

fn open_file(source: &Source, with_sha256: bool) -> io::Result<OpenExport<'static>> {
    let file = File::open(&source.path)?;
    Unpacked::open(Box::new(file), source.length, with_sha256)?.into_text()
}
