//! Estates: made-up sign-in logs of many tenants, of any size and every shape, with the truth
//! about them. Shared by tests and benches; knows nothing of the program under test.
//!
//! ```ignore
//! let estate = Estate::generate(&EstateOptions { seed: 7, damage: 0.01, ..Default::default() });
//! estate.write_to(dir)?;
//! let truth = estate::generate_into(dir, &EstateOptions { records: 160_000, ..EstateOptions::plain() })?;
//! ```
//!
//! An estate is the same for the same options, everywhere. It keeps to what has one right answer;
//! where design.md leaves two readings, it does not go:
//! - every child with an export that shows outcomes has an inbound partner row, so "children without an inbound
//!   export" and "without inbound rows" are the same;
//! - every file of a partner's own log without envelopes begins with a sign-in to itself, so that
//!   its tenant can be told;
//! - two exports repeat a sign-in only if one of them must win, or both say the same: so none
//!   without policies repeats one of Azure Monitor, unless `csv_beside_diagnostic`;
//! - a partner's own log is of no kind that hides home tenants or outcomes;
//! - own staff never use an app that a listed partner owns; such apps sign in as service principals.

// Each test binary and bench compiles its own copy and uses a part of it.
#![allow(dead_code, unused_imports, unreachable_pub, missing_debug_implementations)]
// Made-up numbers are small, and support code has no caller to hand an error to.
#![allow(clippy::cast_possible_truncation, clippy::expect_used)]

mod analyzer;
mod cipp;
mod csv;
mod damage;
mod defender;
mod documents;
mod files;
mod json;
mod kind;
mod log_analytics;
mod outcomes;
mod pack;
mod plan;
mod portal_csv;
mod power_shell;
mod quirks;
mod records;
mod rng;
mod shapes;
mod table;
mod time;
mod truth;
mod world;
mod wrap;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::ops::RangeInclusive;
use std::path::Path;

pub use kind::Kind;
pub use truth::{
    Counts, Facts, FileTruth, Key, PartnerMatch, PolicyCounts, Side, Span, Totals, Truth, Verdict,
};
pub use world::Partner;
pub use wrap::{Encoding, Packing};

use pack::Archive;
use plan::FilePlan;
use truth::TruthBuilder;
use world::World;

#[derive(Clone, Debug)]
pub struct EstateOptions {
    pub seed: u64,
    /// Children. With a partner export every third has no log of its own.
    pub tenants: usize,
    /// Users' sign-ins in children's logs, about; copies, states, service principals and
    /// partners' own logs (a tenth) come on top.
    pub records: usize,
    /// Length of the partner list.
    pub partners: usize,
    pub partner_share: f64,
    /// Some of the partners' users are told by the domain of their mail address only.
    pub partners_by_mail: bool,
    /// Accounts of each service provider; 0 makes every sign-in one of an account of its own.
    pub technicians: usize,
    pub other_provider_share: f64,
    /// A record lists all policies of its tenant. 10 to 26 give 5 to 9 KiB.
    pub policies_per_record: RangeInclusive<usize>,
    pub kinds: Vec<Kind>,
    pub days: usize,
    /// Probability that a record is damaged.
    pub damage: f64,
    /// How many sign-ins stand in two exports.
    pub duplicate_share: f64,
    /// How many sign-ins in diagnostic settings have an earlier state besides.
    pub states_share: f64,
    /// How many records have an odd spelling, hostile text or a role that misleads.
    pub hostile_share: f64,
    /// How many files are compressed or not plain UTF-8, and in which ways.
    pub wrapped_share: f64,
    pub encodings: Vec<Encoding>,
    pub packings: Vec<Packing>,
    /// How many tenants' exports lie in one archive each.
    pub packed_share: f64,
    pub records_per_file: usize,
    pub with_partner_export: bool,
    /// Copies of one sign-in in diagnostic settings and in portal CSV. The truth then holds that
    /// a status-only copy does not hide the policies that the other lists.
    pub csv_beside_diagnostic: bool,
}

impl Default for EstateOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            tenants: 6,
            records: 600,
            partners: 2,
            partner_share: 0.05,
            partners_by_mail: true,
            technicians: 0,
            other_provider_share: 0.01,
            policies_per_record: 10..=26,
            kinds: Kind::ALL.to_vec(),
            days: 3,
            damage: 0.0,
            duplicate_share: 0.05,
            states_share: 0.05,
            hostile_share: 0.05,
            wrapped_share: 0.3,
            encodings: Encoding::ALL.to_vec(),
            packings: Packing::ALL.to_vec(),
            packed_share: 0.15,
            records_per_file: 2000,
            with_partner_export: true,
            csv_beside_diagnostic: false,
        }
    }
}

impl EstateOptions {
    /// For measuring: diagnostic settings as most customers have them, nothing odd, nothing wrapped.
    pub fn plain() -> Self {
        Self {
            kinds: vec![Kind::DiagnosticLines],
            partners_by_mail: false,
            duplicate_share: 0.0,
            states_share: 0.0,
            hostile_share: 0.0,
            wrapped_share: 0.0,
            packed_share: 0.0,
            records_per_file: 40_000,
            with_partner_export: false,
            ..Self::default()
        }
    }
}

pub struct EstateFile {
    /// Relative, with `/`.
    pub path: String,
    pub bytes: Vec<u8>,
}

/// An estate held in memory.
pub struct Estate {
    pub files: Vec<EstateFile>,
    pub partners: Vec<Partner>,
    pub truth: Truth,
}

impl Estate {
    pub fn generate(options: &EstateOptions) -> Self {
        let mut files = Vec::new();
        let world = World::new(options);
        let truth = write_all(&world, |path, write| {
            let mut bytes = Vec::new();
            write(&mut bytes)?;
            files.push(EstateFile { path: path.to_string(), bytes });
            Ok(())
        });
        Self {
            files,
            partners: world.partners,
            truth: truth.expect("writing to memory does not fail"),
        }
    }

    pub fn write_to(&self, dir: &Path) -> io::Result<()> {
        for file in &self.files {
            let path = dir.join(&file.path);
            fs::create_dir_all(path.parent().unwrap_or(dir))?;
            fs::write(path, &file.bytes)?;
        }
        Ok(())
    }
}

/// Writes an estate file by file; holds one record of it and the truth about partners' rows.
pub fn generate_into(dir: &Path, options: &EstateOptions) -> io::Result<Truth> {
    write_all(&World::new(options), |path, write| {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        let mut target = BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
        write(&mut target)
    })
}

/// The partner list of an estate with these options.
pub fn partners(options: &EstateOptions) -> Vec<Partner> {
    World::new(options).partners
}

/// Fills one opened file.
type Fill<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

fn write_all(
    world: &World,
    mut store: impl FnMut(&str, Fill) -> io::Result<()>,
) -> io::Result<Truth> {
    let mut truth = TruthBuilder::default();
    let children = (0..world.children.len()).map(|child| plan::child_files(world, child));
    let partners = (0..world.partners.len()).map(|partner| plan::partner_files(world, partner));
    for plans in children.chain(partners) {
        match Archive::draw(world, &plans) {
            Some((archive, path)) => {
                let members = members(world, plans, &path, &mut truth)?;
                store(&path, &mut |target| archive.write(&members, target))?;
            }
            None => {
                for file in &plans {
                    let form = files::Form::draw(world, file);
                    store(&form.path(file), &mut |target| {
                        files::write(world, file, &form, target, &mut truth)
                    })?;
                }
            }
        }
    }
    Ok(truth.finish())
}

/// The files of an archive, in memory.
fn members(
    world: &World,
    plans: Vec<FilePlan>,
    archive: &str,
    truth: &mut TruthBuilder,
) -> io::Result<Vec<pack::Member>> {
    let mut members = Vec::new();
    for file in plans {
        let file = FilePlan { archive: Some(archive.to_string()), ..file };
        let (form, mut bytes) = (files::Form::draw(world, &file), Vec::new());
        files::write(world, &file, &form, &mut bytes, truth)?;
        members.push((form.path(&file), bytes));
    }
    Ok(members)
}
