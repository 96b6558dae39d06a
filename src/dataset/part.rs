//! Parts: the Parquet files of which a table consists, written in one fixed way.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::compute::{max, min};
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, RowGroupMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::Statistics;
use sha2::{Digest, Sha256};

use super::column::{BATCH_ROWS, BatchBuilder, Column};
use super::disk::{Disk, DiskFile};
use super::error::{At, DatasetError, Tried};
use super::manifest::ManifestPart;
use super::schema::{SCHEMA_VERSION, hex};
use super::table::{Month, Table};

const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Rows that are much wider than sign-ins are must not fill the memory.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Where a run builds its parts.
#[derive(Debug)]
pub(super) struct Staging {
    pub folder: PathBuf,
    pub disk: Disk,
    run_id: Arc<str>,
    next: std::cell::Cell<u32>,
}

impl Staging {
    pub(super) fn new(folder: PathBuf, run_id: Arc<str>, disk: Disk) -> Self {
        Self { folder, disk, run_id, next: std::cell::Cell::new(0) }
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// A path in the staging folder that nobody uses.
    pub(super) fn path(&self, kind: &str) -> PathBuf {
        let number = self.next.get();
        self.next.set(number + 1);
        self.folder.join(format!("{number:06}.{kind}"))
    }
}

/// A part that is written and synced, but not yet in its table's folder.
#[derive(Debug, Clone)]
pub(super) struct StagedPart {
    pub table: Table,
    pub path: PathBuf,
    pub entry: ManifestPart,
}

/// Writes one part. The same batches give the same bytes, and the bytes give the name.
pub(super) struct PartWriter {
    table: Table,
    month: Option<Month>,
    path: PathBuf,
    disk: Disk,
    run_id: Arc<str>,
    writer: ArrowWriter<HashedFile>,
    row_count: u64,
    created_at: Option<(i64, i64)>,
}

impl PartWriter {
    pub(super) fn create(
        staging: &Staging,
        table: Table,
        month: Option<Month>,
        schema: SchemaRef,
    ) -> Result<Self, DatasetError> {
        let path = staging.path("parquet");
        let file = HashedFile::create(&staging.disk, &path)?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties())).at(&path)?;
        let run_id = Arc::clone(&staging.run_id);
        let disk = staging.disk.clone();
        Ok(Self { table, month, path, disk, run_id, writer, row_count: 0, created_at: None })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), DatasetError> {
        self.row_count += batch.num_rows() as u64;
        if let Some(times) = batch.column_by_name("created_at") {
            let times = times.as_primitive_opt::<TimestampMicrosecondType>();
            let span = times.and_then(|times| Some((min(times)?, max(times)?)));
            self.created_at = match (self.created_at, span) {
                (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                (known, span) => known.or(span),
            };
        }
        self.writer.write(batch).at(&self.path)
    }

    /// Closes and syncs the part. One without rows is none.
    pub(super) fn finish(self) -> Result<Option<StagedPart>, DatasetError> {
        let file = self.writer.into_inner().at(&self.path)?;
        let (sha256, bytes) = file.finish(&self.path)?;
        if self.row_count == 0 {
            self.disk.remove_file(&self.path).tried("remove", &self.path)?;
            return Ok(None);
        }
        let name = format!("part-{}.parquet", &sha256[..32]);
        let folder = self.table.folder(self.month);
        let names: Vec<_> = folder.iter().map(|name| name.to_string_lossy()).collect();
        let moment = |micros| DateTime::<Utc>::from_timestamp_micros(micros);
        let entry = ManifestPart {
            table: self.table.as_str().to_owned(),
            path: format!("{}/{name}", names.join("/")),
            rows: self.row_count,
            bytes,
            sha256,
            created_at_min: self.created_at.and_then(|(least, _)| moment(least)),
            created_at_max: self.created_at.and_then(|(_, greatest)| moment(greatest)),
            run_id: self.run_id.to_string(),
            schema_version: SCHEMA_VERSION,
        };
        Ok(Some(StagedPart { table: self.table, path: self.path, entry }))
    }
}

/// Fixed: a part's name is its content's, whatever machine wrote it.
fn properties() -> WriterProperties {
    let metadata = vec![
        KeyValue::new("tenantsweep.schema_version".to_owned(), SCHEMA_VERSION.to_string()),
        KeyValue::new("tenantsweep.tool_version".to_owned(), super::TOOL_VERSION.to_owned()),
    ];
    WriterProperties::builder()
        .set_created_by(format!("tenantsweep {}", super::TOOL_VERSION))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_key_value_metadata(Some(metadata))
        .build()
}

/// A file that hashes what is written to it.
struct HashedFile {
    file: BufWriter<DiskFile>,
    hash: Sha256,
    bytes: u64,
}

impl HashedFile {
    fn create(disk: &Disk, path: &Path) -> Result<Self, DatasetError> {
        let file = BufWriter::with_capacity(256 << 10, disk.create(path)?);
        Ok(Self { file, hash: Sha256::new(), bytes: 0 })
    }

    /// Syncs the file; answers its hash and size.
    fn finish(self, path: &Path) -> Result<(String, u64), DatasetError> {
        let file = self.file.into_inner().map_err(|e| e.into_error()).tried("write", path)?;
        file.sync()?;
        Ok((hex(&self.hash.finalize()), self.bytes))
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Writes rows of one kind to a part, in batches.
pub(super) struct RowWriter<R: 'static> {
    builder: BatchBuilder<R>,
    part: PartWriter,
}

impl<R> RowWriter<R> {
    pub(super) fn create(
        staging: &Staging,
        table: Table,
        month: Option<Month>,
        columns: &'static [Column<R>],
    ) -> Result<Self, DatasetError> {
        let builder = BatchBuilder::new(columns);
        let part = PartWriter::create(staging, table, month, builder.schema())?;
        Ok(Self { builder, part })
    }

    pub(super) fn push(&mut self, row: &R) -> Result<(), DatasetError> {
        self.builder.push(row);
        if self.builder.is_full() { self.write_batch() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<Option<StagedPart>, DatasetError> {
        if !self.builder.is_empty() {
            self.write_batch()?;
        }
        self.part.finish()
    }

    fn write_batch(&mut self) -> Result<(), DatasetError> {
        let batch = self.builder.take().at(&self.part.path)?;
        self.part.write(&batch)
    }
}

/// Writes all rows of a small table.
pub(super) fn write_table<R>(
    staging: &Staging,
    table: Table,
    columns: &'static [Column<R>],
    rows: impl IntoIterator<Item = R>,
) -> Result<Option<StagedPart>, DatasetError> {
    let mut writer = RowWriter::create(staging, table, None, columns)?;
    for row in rows {
        writer.push(&row)?;
    }
    writer.finish()
}

/// A part opened for reading.
pub(super) struct PartReader {
    path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
}

/// The rows of a part, some at a time.
pub(super) type Batches = ParquetRecordBatchReader;

/// Rows of a part that are read together, and the number of the first of them in the part.
pub(super) struct Rows {
    pub first: u64,
    pub batch: RecordBatch,
    path: PathBuf,
}

impl PartReader {
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let file = File::open(path).tried("open", path)?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default()).at(path)?;
        Ok(Self { path: path.to_owned(), file, metadata })
    }

    /// Opens a part of the dataset and checks that it is what the manifest says.
    pub(super) fn open_checked(path: &Path, entry: &ManifestPart) -> Result<Self, DatasetError> {
        check_frame(path, entry)?;
        let reader = Self::open(path)?;
        check(path, "the number of rows", &reader.row_count(), &entry.rows)?;
        Ok(reader)
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(self.metadata.schema())
    }

    pub(super) fn row_count(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    /// Reads columns (all, if `None`) of the row groups that may hold rows between two moments.
    pub(super) fn read(
        &self,
        columns: Option<&[&str]>,
        between: Option<(i64, i64)>,
        mut take: impl FnMut(Rows) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let mut first = 0;
        for (index, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or_default();
            if between.is_none_or(|(from, until)| overlaps(group, from, until)) {
                self.read_group(index, first, columns, &mut take)?;
            }
            first += rows;
        }
        Ok(())
    }

    /// All rows, all columns, so many at a time.
    pub(super) fn batches(self, rows: usize) -> Result<Batches, DatasetError> {
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.file, self.metadata)
            .with_batch_size(rows)
            .build()
            .at(&self.path)
    }

    fn read_group(
        &self,
        index: usize,
        mut first: u64,
        columns: Option<&[&str]>,
        take: &mut impl FnMut(Rows) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let file = self.file.try_clone().tried("open", &self.path)?;
        let group = self.metadata.metadata().row_group(index);
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![index])
                .with_batch_size(batch_rows(group));
        if let Some(columns) = columns {
            let mask =
                ProjectionMask::columns(self.metadata.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        for batch in builder.build().at(&self.path)? {
            let batch = batch.at(&self.path)?;
            let rows = batch.num_rows() as u64;
            take(Rows { first, batch, path: self.path.clone() })?;
            first += rows;
        }
        Ok(())
    }
}

/// As many rows as are read together elsewhere, fewer if they are very wide.
fn batch_rows(group: &RowGroupMetaData) -> usize {
    let bytes = usize::try_from(group.total_byte_size()).unwrap_or(usize::MAX);
    let rows = usize::try_from(group.num_rows()).unwrap_or_default().max(1);
    ((64 << 20) / (bytes / rows).max(1)).clamp(1, BATCH_ROWS)
}

/// Says no only if the statistics exclude that the group holds a row between two moments.
fn overlaps(group: &RowGroupMetaData, from: i64, until: i64) -> bool {
    let column =
        group.columns().iter().find(|column| column.column_path().string() == "created_at");
    match column.and_then(|column| column.statistics()) {
        Some(Statistics::Int64(times)) => {
            times.min_opt().is_none_or(|&least| least < until)
                && times.max_opt().is_none_or(|&greatest| greatest >= from)
        }
        _ => true,
    }
}

/// Checks size and magic before any library sees the file.
fn check_frame(path: &Path, entry: &ManifestPart) -> Result<(), DatasetError> {
    let mut file = File::open(path).tried("open", path)?;
    let bytes = file.metadata().tried("look at", path)?.len();
    check(path, "the size", &bytes, &entry.bytes)?;
    let mut magic = [0; 8];
    if bytes >= 12 {
        file.read_exact(&mut magic[..4]).tried("read", path)?;
        file.seek(SeekFrom::End(-4)).tried("read", path)?;
        file.read_exact(&mut magic[4..]).tried("read", path)?;
    }
    check(path, "the magic", &magic.escape_ascii(), &b"PAR1PAR1".escape_ascii())
}

fn check(
    path: &Path,
    what: &'static str,
    found: &impl ToString,
    expected: &impl ToString,
) -> Result<(), DatasetError> {
    let (found, expected) = (found.to_string(), expected.to_string());
    if found == expected {
        return Ok(());
    }
    Err(DatasetError::Damaged { path: path.to_owned(), what, found, expected })
}

impl Rows {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn text(&self, column: &'static str) -> Result<&StringArray, DatasetError> {
        let array = self.batch.column_by_name(column);
        array.and_then(|array| array.as_string_opt::<i32>()).ok_or_else(|| self.lacks(column))
    }

    /// A column that parts of older versions do not have.
    pub(super) fn later_text(&self, column: &str) -> Option<&StringArray> {
        self.batch.column_by_name(column)?.as_string_opt::<i32>()
    }

    pub(super) fn bool(&self, column: &'static str) -> Result<&BooleanArray, DatasetError> {
        let array = self.batch.column_by_name(column);
        array.and_then(|array| array.as_boolean_opt()).ok_or_else(|| self.lacks(column))
    }

    pub(super) fn int64(&self, column: &'static str) -> Result<&Int64Array, DatasetError> {
        let array = self.batch.column_by_name(column);
        array
            .and_then(|array| array.as_primitive_opt::<Int64Type>())
            .ok_or_else(|| self.lacks(column))
    }

    pub(super) fn int32(&self, column: &'static str) -> Result<&Int32Array, DatasetError> {
        let array = self.batch.column_by_name(column);
        array
            .and_then(|array| array.as_primitive_opt::<Int32Type>())
            .ok_or_else(|| self.lacks(column))
    }

    pub(super) fn time(
        &self,
        column: &'static str,
    ) -> Result<&TimestampMicrosecondArray, DatasetError> {
        let array = self.batch.column_by_name(column);
        array
            .and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>())
            .ok_or_else(|| self.lacks(column))
    }

    fn lacks(&self, column: &'static str) -> DatasetError {
        DatasetError::Column { path: self.path.clone(), column }
    }
}

/// The rows under a newer schema: columns that an older tool did not write are null.
pub(super) fn conform(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), batch.num_rows()),
        })
        .collect();
    RecordBatch::try_new(Arc::clone(schema), columns)
}

/// A value that may be null.
pub(super) fn text_at(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// A value that may be null.
pub(super) fn time_at(column: &TimestampMicrosecondArray, row: usize) -> Option<DateTime<Utc>> {
    column.is_valid(row).then(|| DateTime::from_timestamp_micros(column.value(row))).flatten()
}
