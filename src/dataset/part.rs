//! Parts: the Parquet files of which a table consists, written in one fixed way.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow::array::{
    Array, AsArray, BooleanArray, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::compute::{max, min};
use arrow::datatypes::{
    DataType, Int32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, RowGroupMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::ThreadPool;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::column::{BATCH_ROWS, BatchBuilder, Column, Owned};
use super::disk::{Disk, DiskFile};
use super::error::{At, DatasetError, Tried};
use super::manifest::ManifestPart;
use super::schema::{self, SCHEMA_VERSION, hex};
use super::table::{Month, Table};
use super::words::{Words, word_field};

const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Rows that are much wider than sign-ins are must not fill the memory.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// The version of the schema stands under this name in each part. Rows of a part that has it are in
/// the order of `created_at`, `sign_in_id`, `side`.
pub(super) const SCHEMA_MARK: &str = "tenantsweep.schema_version";

/// Where a run builds its parts.
#[derive(Debug)]
pub(super) struct Staging {
    pub folder: PathBuf,
    pub disk: Disk,
    run_id: Arc<str>,
    next: AtomicU32,
}

impl Staging {
    pub(super) fn new(folder: PathBuf, run_id: Arc<str>, disk: Disk) -> Self {
        Self { folder, disk, run_id, next: AtomicU32::new(0) }
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// A path in the staging folder that nobody uses.
    pub(super) fn path(&self, kind: &str) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
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
    schema: SchemaRef,
    file: SerializedFileWriter<HashedFile>,
    row_groups: ArrowRowGroupWriterFactory,
    row_group: Option<RowGroup>,
    /// Encodes the columns; without it the calling thread does.
    pool: Option<Arc<ThreadPool>>,
    row_count: u64,
    created_at: Option<(i64, i64)>,
}

/// Rows that are encoded, but not yet in the file.
struct RowGroup {
    columns: Vec<ArrowColumnWriter>,
    row_count: usize,
}

impl RowGroup {
    fn is_full(&self) -> bool {
        let bytes = self.columns.iter().map(ArrowColumnWriter::get_estimated_total_bytes);
        self.row_count >= ROW_GROUP_ROWS || bytes.sum::<usize>() >= ROW_GROUP_BYTES
    }
}

impl PartWriter {
    pub(super) fn create(
        staging: &Staging,
        table: Table,
        month: Option<Month>,
    ) -> Result<Self, DatasetError> {
        Self::create_shared(staging, table, month, None)
    }

    /// A part whose columns are encoded by a pool of threads.
    pub(super) fn create_shared(
        staging: &Staging,
        table: Table,
        month: Option<Month>,
        pool: Option<Arc<ThreadPool>>,
    ) -> Result<Self, DatasetError> {
        let (path, schema) = (staging.path("parquet"), schema::arrow_schema_of(table));
        let file = HashedFile::create(&staging.disk, &path)?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties(table)));
        let (file, row_groups) = writer.and_then(ArrowWriter::into_serialized_writer).at(&path)?;
        let (run_id, disk) = (Arc::clone(&staging.run_id), staging.disk.clone());
        let (row_group, row_count, created_at) = (None, 0, None);
        #[rustfmt::skip]
        let part = Self {
            table, month, path, disk, run_id, schema, file, row_groups, row_group, pool, row_count,
            created_at,
        };
        Ok(part)
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
        let mut rest = batch.clone();
        while rest.num_rows() > 0 {
            let row_group = match &mut self.row_group {
                Some(row_group) => row_group,
                none => none.insert(RowGroup {
                    columns: self
                        .row_groups
                        .create_column_writers(self.file.flushed_row_groups().len())
                        .at(&self.path)?,
                    row_count: 0,
                }),
            };
            let rows = rest.num_rows().min(ROW_GROUP_ROWS - row_group.row_count);
            let (now, later) = (rest.slice(0, rows), rest.slice(rows, rest.num_rows() - rows));
            encode(&mut row_group.columns, &self.schema, &now, self.pool.as_deref())
                .at(&self.path)?;
            row_group.row_count += rows;
            rest = later;
            if row_group.is_full() {
                self.end_row_group()?;
            }
        }
        Ok(())
    }

    fn end_row_group(&mut self) -> Result<(), DatasetError> {
        let Some(RowGroup { columns, .. }) = self.row_group.take() else { return Ok(()) };
        let chunks: Result<Vec<ArrowColumnChunk>, _> = match &self.pool {
            Some(pool) => {
                pool.install(|| columns.into_par_iter().map(ArrowColumnWriter::close).collect())
            }
            None => columns.into_iter().map(ArrowColumnWriter::close).collect(),
        };
        let chunks = chunks.at(&self.path)?;
        let mut row_group = self.file.next_row_group().at(&self.path)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group).at(&self.path)?;
        }
        row_group.close().map(drop).at(&self.path)
    }

    /// Closes and syncs the part. One without rows is none.
    pub(super) fn finish(mut self) -> Result<Option<StagedPart>, DatasetError> {
        self.end_row_group()?;
        let file = self.file.into_inner().at(&self.path)?;
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

/// Encodes rows column by column.
fn encode(
    writers: &mut [ArrowColumnWriter],
    schema: &SchemaRef,
    rows: &RecordBatch,
    pool: Option<&ThreadPool>,
) -> Result<(), ParquetError> {
    let encode = |(at, writer): (usize, &mut ArrowColumnWriter)| {
        let leaves = compute_leaves(schema.field(at), rows.column(at))?;
        leaves.iter().try_for_each(|leaf| writer.write(leaf))
    };
    match pool {
        Some(pool) => pool.install(|| writers.par_iter_mut().enumerate().try_for_each(encode)),
        None => writers.iter_mut().enumerate().try_for_each(encode),
    }
}

/// Fixed: a part's name is its content's, whatever machine wrote it.
fn properties(table: Table) -> WriterProperties {
    let metadata = vec![
        KeyValue::new(SCHEMA_MARK.to_owned(), SCHEMA_VERSION.to_string()),
        KeyValue::new("tenantsweep.tool_version".to_owned(), super::TOOL_VERSION.to_owned()),
    ];
    let mut properties = WriterProperties::builder()
        .set_created_by(format!("tenantsweep {}", super::TOOL_VERSION))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_key_value_metadata(Some(metadata));
    // To compare all texts with each other costs more than it gives where rows lie by time.
    for column in schema::column_uses(table) {
        let name = ColumnPath::from(column.name);
        if column.is_unique {
            properties = properties.set_column_dictionary_enabled(name.clone(), false);
        }
        if !column.is_searched {
            properties = properties.set_column_statistics_enabled(name, EnabledStatistics::None);
        }
    }
    properties.build()
}

/// The lowest: a higher one costs more than it gives, for dictionaries have found what comes
/// again before.
const ZSTD_LEVEL: i32 = 1;

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
struct RowWriter<R: 'static> {
    builder: BatchBuilder<Owned<R>>,
    part: PartWriter,
}

impl<R> RowWriter<R> {
    fn create(
        staging: &Staging,
        table: Table,
        columns: &'static [Column<Owned<R>>],
    ) -> Result<Self, DatasetError> {
        let part = PartWriter::create(staging, table, None)?;
        Ok(Self { builder: BatchBuilder::new(columns), part })
    }

    fn push(&mut self, row: &R) -> Result<(), DatasetError> {
        self.builder.push(row);
        if self.builder.is_full() { self.write_batch() } else { Ok(()) }
    }

    fn finish(mut self) -> Result<Option<StagedPart>, DatasetError> {
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
    columns: &'static [Column<Owned<R>>],
    rows: impl IntoIterator<Item = R>,
) -> Result<Option<StagedPart>, DatasetError> {
    let mut writer = RowWriter::create(staging, table, columns)?;
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

    /// Reads columns with each text told apart by its number: see [`Words`].
    pub(super) fn read_words(
        &self,
        columns: &[&str],
        take: impl FnMut(Rows) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let schema = self.schema();
        let fields = schema.fields().iter().map(|field| match field.data_type() {
            DataType::Utf8 => word_field(field),
            _ => field.as_ref().clone(),
        });
        let options = ArrowReaderOptions::new();
        let options = options.with_schema(Arc::new(Schema::new(fields.collect::<Vec<_>>())));
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(self.metadata.metadata()), options);
        let file = self.file.try_clone().tried("open", &self.path)?;
        let words = Self { path: self.path.clone(), file, metadata: metadata.at(&self.path)? };
        words.read(Some(columns), None, take)
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
    time_statistics(group).is_none_or(|times| {
        times.min_opt().is_none_or(|&least| least < until)
            && times.max_opt().is_none_or(|&greatest| greatest >= from)
    })
}

/// What the group has written down of `created_at`.
pub(super) fn time_statistics(group: &RowGroupMetaData) -> Option<&ValueStatistics<i64>> {
    let mut columns = group.columns().iter();
    let column = columns.find(|column| column.column_path().string() == "created_at")?;
    match column.statistics()? {
        Statistics::Int64(times) => Some(times),
        _ => None,
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
    /// A column that was read as words.
    pub(super) fn words(&self, column: &'static str) -> Result<Words<'_>, DatasetError> {
        let array = self.batch.column_by_name(column);
        array.and_then(|array| Words::of(array)).ok_or_else(|| self.lacks(column))
    }

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
