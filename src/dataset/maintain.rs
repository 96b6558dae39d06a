//! What is done to a dataset besides sweeping: parts are joined, old rows and customers go.
//!
//! Each of these is a commit of its own, so it happens whole or not at all, and the account of
//! the exports says how many rows were taken out.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, StringArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};

use crate::tenant::TenantId;

use super::draft::Draft;
use super::error::{At, DatasetError, Tried};
use super::held::{Held, WriterOptions};
use super::manifest::{Action, Manifest, ManifestPart};
use super::merge::{Joined, join};
use super::part::{PartReader, PartWriter, Rows, conform, text_at};
use super::row::hash_at;
use super::schema;
use super::table::{Month, Table};

/// A month, or a table that is not split by it, is joined by itself beyond so many parts.
pub const PARTS_MAX: usize = 64;

/// Tables to which each run adds parts.
const GROWING: [Table; 6] = [
    Table::SignIns,
    Table::AppliedPolicies,
    Table::Coverage,
    Table::Rejects,
    Table::ReserveSignIns,
    Table::ReserveAppliedPolicies,
];

/// What was joined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    pub parts_before: usize,
    pub parts_after: usize,
}

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removal {
    /// Rows of `sign_ins`.
    pub sign_ins: u64,
    /// Rows of other tables, and raw bytes of unreadable records.
    pub others: u64,
}

/// A dataset in the hands of someone who keeps it in order.
#[derive(Debug)]
pub struct Maintenance {
    held: Held,
}

impl Maintenance {
    /// Takes the lock of a dataset that is there.
    ///
    /// # Errors
    /// There is none, another run writes it, or it cannot be read.
    pub fn begin(out: &Path, options: WriterOptions) -> Result<Self, DatasetError> {
        let dataset = std::path::absolute(out).tried("find", out)?.join("dataset");
        if Manifest::load(&dataset)?.is_none() {
            return Err(DatasetError::Missing { path: dataset });
        }
        Ok(Self { held: Held::begin(out, options)? })
    }

    /// Joins the parts of each month and table that has more than `parts_max`.
    ///
    /// # Errors
    /// Nothing was changed: a part cannot be read, or the new one not be written.
    pub fn compact(mut self, parts_max: usize) -> Result<Compacted, DatasetError> {
        self.end(|draft| {
            let mut compacted = Compacted::default();
            for (table, month, parts) in groups(&draft.manifest) {
                compacted.parts_before += parts.len();
                compacted.parts_after += if parts.len() > parts_max { 1 } else { parts.len() };
                if parts.len() <= parts_max {
                    continue;
                }
                let joined = parts.iter().map(|part| {
                    let path = part.path_in(&draft.dataset);
                    PartReader::open_checked(&path, part)?;
                    Ok(Joined { path, rows: part.rows })
                });
                let joined = joined.collect::<Result<_, DatasetError>>()?;
                let staged = join(&draft.staging, table, month, joined)?;
                draft.add(staged);
                parts.iter().for_each(|part| draft.replace(part));
            }
            let is_changed = compacted.parts_after < compacted.parts_before;
            Ok((compacted, is_changed.then_some(Action::Compact)))
        })
    }

    /// Removes sign-ins and hours of evidence before a moment.
    ///
    /// # Errors
    /// Nothing was changed: a part cannot be read, or its successor not be written.
    pub fn keep_since(mut self, moment: DateTime<Utc>) -> Result<Removal, DatasetError> {
        let from = moment.timestamp_micros();
        let is_old = |part: &ManifestPart| part.overlaps(i64::MIN, from);
        self.end(|draft| {
            let mut removal = Removal::default();
            for table in GROWING.into_iter().filter(|table| table.is_by_month()) {
                let goes = by_time("created_at", from);
                removal.count(table, sift(draft, table, &["created_at"], is_old, goes)?);
            }
            let goes = by_time("hour", from);
            removal
                .count(Table::Coverage, sift(draft, Table::Coverage, &["hour"], |_| true, goes)?);
            let readings = draft.readings.rows.iter();
            let ended: Vec<bool> =
                readings.map(|row| row.last_at.is_some_and(|last| last < moment)).collect();
            removal.others += blank_rejects(draft, |reading, _| ended[reading])?;
            removal.close(draft, Action::Keep)
        })
    }

    /// Removes all that the dataset holds of a customer, but not the account of the exports.
    ///
    /// # Errors
    /// Nothing was changed: the tenant is a listed partner, a part cannot be read, or its
    /// successor not be written.
    pub fn forget(mut self, tenant: TenantId) -> Result<Removal, DatasetError> {
        self.end(|draft| {
            if draft.names.partners.get(&tenant).is_some_and(|known| known.listed) {
                return Err(DatasetError::ForgetsPartner { tenant });
            }
            let mut removal = Removal::default();
            for (table, policies) in [
                (Table::SignIns, Table::AppliedPolicies),
                (Table::ReserveSignIns, Table::ReserveAppliedPolicies),
            ] {
                let mut gone = HashSet::new();
                let columns = [&TENANTS[..], &NAMED[..]].concat();
                let goes = |rows: &Rows| {
                    let mask = any_is(rows, &TENANTS, tenant)?;
                    let hashes = names(rows)?;
                    gone.extend(mask.iter().zip(hashes).filter(|(goes, _)| **goes).map(|(_, h)| h));
                    Ok(mask)
                };
                removal.count(table, sift(draft, table, &columns, |_| true, goes)?);
                let goes = |rows: &Rows| {
                    Ok(names(rows)?.into_iter().map(|name| gone.contains(&name)).collect())
                };
                removal.count(policies, sift(draft, policies, &NAMED, |_| true, goes)?);
            }
            let goes = |rows: &Rows| any_is(rows, &["tenant_id"], tenant);
            let hours = sift(draft, Table::Coverage, &["tenant_id"], |_| true, goes)?;
            removal.count(Table::Coverage, hours);
            let exporting = draft.readings.rows.iter().map(|row| row.exporting_tenant);
            let is_theirs: Vec<bool> = exporting.map(|other| other == Some(tenant)).collect();
            let id = tenant.to_string();
            let ids = [id.to_uppercase(), id].map(|id| schema::hex(id.as_bytes()));
            removal.others += blank_rejects(draft, |reading, raw| {
                is_theirs[reading] || ids.iter().any(|id| raw.contains(id))
            })?;
            removal.others += u64::from(draft.names.tenants.remove(&tenant).is_some());
            removal.close(draft, Action::Forget)
        })
    }

    /// Makes changes and commits them, if any.
    fn end<T>(
        &mut self,
        change: impl FnOnce(&mut Draft) -> Result<(T, Option<Action>), DatasetError>,
    ) -> Result<T, DatasetError> {
        let held = &mut self.held;
        let publish = || {
            let mut draft = held.draft()?;
            let (told, action) = change(&mut draft)?;
            if let Some(action) = action {
                draft.publish(action)?;
            }
            Ok(told)
        };
        publish()
    }
}

/// Whether a month or table has more parts than a reader by glob should open.
///
/// # Errors
/// The manifest cannot be read.
pub fn wants_compaction(out: &Path) -> Result<bool, DatasetError> {
    let manifest = Manifest::load(&out.join("dataset"))?;
    let groups = manifest.iter().flat_map(groups);
    Ok(groups.into_iter().any(|(_, _, parts)| parts.len() > PARTS_MAX))
}

/// Whether the dataset holds sign-ins before a moment.
///
/// # Errors
/// The manifest cannot be read.
pub fn holds_before(out: &Path, moment: DateTime<Utc>) -> Result<bool, DatasetError> {
    let manifest = Manifest::load(&out.join("dataset"))?;
    let from = moment.timestamp_micros();
    let is_old =
        |part: &ManifestPart| part.created_at_min.is_some() && part.overlaps(i64::MIN, from);
    Ok(manifest.is_some_and(|manifest| manifest.parts.iter().any(is_old)))
}

/// The parts that could be one, by table and month.
fn groups(manifest: &Manifest) -> Vec<(Table, Option<Month>, Vec<ManifestPart>)> {
    let mut groups = Vec::new();
    for table in GROWING {
        let months: BTreeSet<Option<Month>> =
            manifest.parts_of(table).map(|part| Month::of_path(&part.path)).collect();
        groups.extend(months.into_iter().map(|month| {
            let parts = manifest.parts_of(table);
            let parts = parts.filter(|part| Month::of_path(&part.path) == month);
            (table, month, parts.cloned().collect())
        }));
    }
    groups
}

impl Removal {
    fn count(&mut self, table: Table, rows: u64) {
        *(if table == Table::SignIns { &mut self.sign_ins } else { &mut self.others }) += rows;
    }

    /// Writes the tables that follow from the others, if anything went.
    fn close(
        self,
        draft: &mut Draft,
        action: Action,
    ) -> Result<(Self, Option<Action>), DatasetError> {
        if self == Self::default() {
            return Ok((self, None));
        }
        draft.write_exports()?;
        let (tenants, partners) = (draft.names.tenants.clone(), draft.names.partners.clone());
        let people = draft.names.people.clone();
        draft.write_derived(tenants, partners, &people)?;
        Ok((self, Some(action)))
    }
}

/// The columns by which rows of `sign_ins` and `applied_policies` find each other.
const NAMED: [&str; 3] = ["sign_in_id", "side", "created_at"];

/// The columns that say whose sign-in it is, besides the home tenant.
const TENANTS: [&str; 3] = ["child_tenant_id", "resource_tenant_id", "exporting_tenant_id"];

fn names(rows: &Rows) -> Result<Vec<u128>, DatasetError> {
    let (ids, sides) = (rows.text("sign_in_id")?, rows.text("side")?);
    let times = rows.time("created_at")?;
    let name = |row| hash_at(sides.value(row), ids.value(row), times.value(row));
    Ok((0..rows.batch.num_rows()).map(name).collect())
}

fn by_time(
    column: &'static str,
    from: i64,
) -> impl FnMut(&Rows) -> Result<Vec<bool>, DatasetError> {
    move |rows| {
        let times = rows.time(column)?;
        Ok((0..rows.batch.num_rows()).map(|row| times.value(row) < from).collect())
    }
}

fn any_is(
    rows: &Rows,
    columns: &[&'static str],
    tenant: TenantId,
) -> Result<Vec<bool>, DatasetError> {
    let columns: Vec<&StringArray> =
        columns.iter().map(|column| rows.text(column)).collect::<Result<_, _>>()?;
    let is =
        |array: &&StringArray, row| text_at(array, row).and_then(TenantId::parse) == Some(tenant);
    let row = |row| columns.iter().any(|array| is(array, row));
    Ok((0..rows.batch.num_rows()).map(row).collect())
}

/// Takes rows out of a table, and out of the account of their exports. Answers how many.
fn sift(
    draft: &mut Draft,
    table: Table,
    columns: &[&str],
    is_concerned: impl Fn(&ManifestPart) -> bool,
    mut goes: impl FnMut(&Rows) -> Result<Vec<bool>, DatasetError>,
) -> Result<u64, DatasetError> {
    let mut removed = 0;
    let parts: Vec<ManifestPart> =
        draft.standing(table).filter(|part| is_concerned(part)).cloned().collect();
    let columns = [columns, &["source_export", "run_id"]].concat();
    for part in parts {
        let path = part.path_in(&draft.dataset);
        let reader = PartReader::open_checked(&path, &part)?;
        let mut fates: Vec<bool> = Vec::new();
        let mut owners: HashMap<usize, i64> = HashMap::new();
        reader.read(Some(&columns), None, |rows| {
            let mask = goes(&rows)?;
            if table == Table::SignIns && mask.contains(&true) {
                let (exports, runs) = (rows.text("source_export")?, rows.text("run_id")?);
                for (row, _) in mask.iter().enumerate().filter(|(_, goes)| **goes) {
                    let (export, run) = (exports.value(row), runs.value(row));
                    *owners.entry(draft.readings.find(&path, export, run)?).or_default() += 1;
                }
            }
            fates.extend(mask);
            Ok(())
        })?;
        let gone = fates.iter().filter(|goes| **goes).count();
        if gone == 0 {
            continue;
        }
        if gone < fates.len() {
            let month = Month::of_path(&part.path);
            rewrite(draft, table, month, &reader, |batch, first| {
                let fates = &fates[first..first + batch.num_rows()];
                let stays: BooleanArray = fates.iter().map(|&goes| Some(!goes)).collect();
                filter_record_batch(batch, &stays)
            })?;
        }
        draft.replace(&part);
        owners.iter().for_each(|(&reading, rows)| draft.readings.rows[reading].removed += rows);
        removed += gone as u64;
    }
    Ok(removed)
}

/// Takes the raw bytes out of rejects; the rows stay, as the account needs them.
fn blank_rejects(
    draft: &mut Draft,
    goes: impl Fn(usize, &str) -> bool,
) -> Result<u64, DatasetError> {
    const RAW: &str = "raw_hex";
    let mut removed = 0;
    let parts: Vec<ManifestPart> = draft.standing(Table::Rejects).cloned().collect();
    for part in parts {
        let path = part.path_in(&draft.dataset);
        let reader = PartReader::open_checked(&path, &part)?;
        let mut blank: Vec<bool> = Vec::new();
        reader.read(Some(&["source_export", "run_id", RAW]), None, |rows| {
            let (exports, runs) = (rows.text("source_export")?, rows.text("run_id")?);
            let raw = rows.text(RAW)?;
            for row in 0..rows.batch.num_rows() {
                let reading = draft.readings.find(&path, exports.value(row), runs.value(row))?;
                blank.push(text_at(raw, row).is_some_and(|raw| goes(reading, raw)));
            }
            Ok(())
        })?;
        let gone = blank.iter().filter(|goes| **goes).count() as u64;
        if gone == 0 {
            continue;
        }
        rewrite(draft, Table::Rejects, None, &reader, |batch, first| {
            let schema = batch.schema();
            let mut columns = batch.columns().to_vec();
            let index = schema.index_of(RAW)?;
            let raw = columns[index].as_any().downcast_ref::<StringArray>();
            let kept = (0..batch.num_rows()).map(|row| {
                raw.filter(|raw| raw.is_valid(row) && !blank[first + row]).map(|raw| raw.value(row))
            });
            columns[index] = Arc::new(kept.collect::<StringArray>());
            RecordBatch::try_new(schema, columns)
        })?;
        draft.replace(&part);
        removed += gone;
    }
    Ok(removed)
}

/// Writes a part again, each batch as `change` makes it; it is told the batch's first row.
fn rewrite(
    draft: &mut Draft,
    table: Table,
    month: Option<Month>,
    reader: &PartReader,
    change: impl Fn(&RecordBatch, usize) -> Result<RecordBatch, arrow::error::ArrowError>,
) -> Result<(), DatasetError> {
    let schema = schema::arrow_schema_of(table);
    let mut writer = PartWriter::create(&draft.staging, table, month)?;
    reader.read(None, None, |rows| {
        let first = usize::try_from(rows.first).unwrap_or(usize::MAX);
        let batch = conform(&rows.batch, &schema).and_then(|batch| change(&batch, first));
        writer.write(&batch.at(rows.path())?)
    })?;
    let staged = writer.finish()?;
    draft.add(staged);
    Ok(())
}
