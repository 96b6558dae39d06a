//! Reads the dataset's tables with the Parquet library, row by row, as any other tool would.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tenantsweep::dataset::{Dataset, Table};

/// A row; a null is no cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    cells: HashMap<String, Cell>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Number(i64),
    Flag(bool),
}

impl TableRow {
    /// Empty for a null.
    pub fn text(&self, column: &str) -> String {
        match self.cells.get(column) {
            Some(Cell::Text(text)) => text.clone(),
            None => String::new(),
            other => panic!("{column}: {other:?}"),
        }
    }

    pub fn number(&self, column: &str) -> Option<i64> {
        match self.cells.get(column) {
            Some(Cell::Number(number)) => Some(*number),
            None => None,
            other => panic!("{column}: {other:?}"),
        }
    }

    pub fn flag(&self, column: &str) -> bool {
        match self.cells.get(column) {
            Some(Cell::Flag(flag)) => *flag,
            other => panic!("{column}: {other:?}"),
        }
    }
}

/// All rows of a table, part by part.
pub fn read_table(out: &Path, table: Table) -> Vec<TableRow> {
    let mut rows = Vec::new();
    for batch in read_batches(out, table) {
        for at in 0..batch.num_rows() {
            let mut cells = HashMap::new();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                if let Some(cell) = cell(column.as_ref(), at) {
                    cells.insert(field.name().clone(), cell);
                }
            }
            rows.push(TableRow { cells });
        }
    }
    rows
}

/// The live parts of a table, in batches as the Parquet library gives them.
pub fn read_batches(out: &Path, table: Table) -> Vec<RecordBatch> {
    let dataset = Dataset::open(out).expect("a dataset");
    let mut batches = Vec::new();
    for part in dataset.parts(table) {
        let file = File::open(&part.path).expect("a part");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        let reader = reader.build().expect("a reader");
        batches.extend(reader.map(|batch| batch.expect("a batch")));
    }
    batches
}

/// How many rows and which columns a file has.
pub fn shape_of(path: &Path) -> (usize, Vec<String>) {
    let file = File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    let names = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    let rows = reader.build().expect("a reader").map(|batch| batch.expect("a batch").num_rows());
    (rows.sum(), names)
}

fn cell(column: &dyn Array, at: usize) -> Option<Cell> {
    if column.is_null(at) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(at).to_owned()),
        DataType::Boolean => Cell::Flag(column.as_boolean().value(at)),
        DataType::Int32 => Cell::Number(column.as_primitive::<Int32Type>().value(at).into()),
        DataType::Int64 => Cell::Number(column.as_primitive::<Int64Type>().value(at)),
        DataType::Date32 => Cell::Number(column.as_primitive::<Date32Type>().value(at).into()),
        DataType::Timestamp(_, _) => {
            Cell::Number(column.as_primitive::<TimestampMicrosecondType>().value(at))
        }
        other => panic!("no flat type: {other}"),
    })
}
