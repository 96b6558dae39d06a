//! What a run has to read, and what it knows from earlier ones.

use std::time::SystemTime;

use xxhash_rust::xxh3::Xxh3;

use super::{READER_VERSION, SweepOptions};
use crate::dataset::{Identity, SeenFile, WriteRun};
use crate::dialect::TableOptions;
use crate::input::discover::{Found, Source};
use crate::input::path_tenant::tenant_of_path;
use crate::lists::Lists;
use crate::tenant::TenantId;

/// What has to be read, and what is known already.
pub(super) struct Plan<'a> {
    pub(super) to_read: Vec<&'a Source>,
    /// Exports known from an earlier run.
    pub(super) known: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn make(
        run: &WriteRun,
        found: &'a Found,
        lists: &Lists,
        options: &SweepOptions,
    ) -> Self {
        let mut plan = Self { to_read: Vec::new(), known: 0 };
        let readers = Fingerprints::of(lists, &options.tables);
        for source in &found.sources {
            match known_exports(run, source, found, &readers) {
                Some(count) if !options.rehash => plan.known += count,
                _ => plan.to_read.push(source),
            }
        }
        plan
    }
}

/// How many exports a source holds, if all of them were read before in the same way.
fn known_exports(
    run: &WriteRun,
    source: &Source,
    found: &Found,
    readers: &Fingerprints<'_>,
) -> Option<usize> {
    let file = seen_file(source)?;
    let seen = run.seen().find(&file.path, file.bytes, file.modified_ns)?;
    let is_known = |(at, identity): (usize, &Identity)| {
        let (shown, tenant) = match seen.members.get(at) {
            Some(member) => (member, tenant_of_path(member, found.template.as_ref())),
            None => (&source.shown, source.path_tenant),
        };
        run.known(*identity, readers.fingerprint(shown, tenant))
    };
    let all_known = seen.exports.iter().enumerate().all(is_known);
    (all_known && !seen.exports.is_empty()).then_some(seen.exports.len())
}

/// What the file system says of a file; nothing where it keeps no times.
pub(super) fn seen_file(source: &Source) -> Option<SeenFile> {
    let age = source.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(SeenFile {
        path: std::path::absolute(&source.path).ok()?.to_str()?.to_owned(),
        bytes: source.length,
        modified_ns: i64::try_from(age.as_nanos()).ok()?,
        exports: Vec::new(),
        members: Vec::new(),
    })
}

/// Everything besides the bytes on which the rows of an export depend.
pub(super) struct Fingerprints<'a> {
    lists: &'a Lists,
    tables: &'a TableOptions,
    /// Over what is the same for all exports.
    common: Xxh3,
}

impl<'a> Fingerprints<'a> {
    pub(super) fn of(lists: &'a Lists, tables: &'a TableOptions) -> Self {
        let mut common = Xxh3::new();
        common.update(&READER_VERSION.to_le_bytes());
        for partner in lists.partners.iter() {
            common.update(&partner.tenant_id.as_u128().to_le_bytes());
        }
        for domain in lists.partners.domains() {
            common.update(domain.as_bytes());
            common.update(&[0]);
        }
        Self { lists, tables, common }
    }

    pub(super) fn fingerprint(&self, shown: &str, path_tenant: Option<TenantId>) -> u64 {
        let mut hash = self.common.clone();
        if let Some(tenant) = path_tenant {
            hash.update(b"path");
            hash.update(&tenant.as_u128().to_le_bytes());
        }
        if *self.tables != TableOptions::default() {
            hash.update(self.tables.to_text().as_bytes());
        }
        if let Some(steps) = self.lists.authentication.fingerprint(shown) {
            hash.update(b"authentication");
            hash.update(&steps.to_le_bytes());
        }
        hash.digest()
    }
}
