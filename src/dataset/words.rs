//! Text columns in which texts come again and again: each text once, and which one each row has.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type};

/// The same column of texts, to be read as [`Words`].
pub(super) fn word_field(field: &Field) -> Field {
    let words = DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into());
    field.clone().with_data_type(words)
}

/// A text column in which texts come again and again.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    array: &'a DictionaryArray<Int32Type>,
    words: &'a StringArray,
}

impl<'a> Words<'a> {
    /// Of a column that was read as [`word_field`] says.
    pub(super) fn of(array: &'a dyn Array) -> Option<Self> {
        let array = array.as_dictionary_opt::<Int32Type>()?;
        Some(Self { array, words: array.values().as_string_opt::<i32>()? })
    }

    /// What a row has, as a number of this batch; `None` for a null.
    pub(super) fn key(&self, row: usize) -> Option<usize> {
        let keys = self.array.keys();
        keys.is_valid(row).then(|| keys.value(row) as usize)
    }

    pub(super) fn word(&self, key: usize) -> &'a str {
        self.words.value(key)
    }

    /// Numbers of this batch are below.
    pub(super) fn count(&self) -> usize {
        self.words.len()
    }

    /// The text of one row.
    pub fn get(&self, row: usize) -> Option<&'a str> {
        self.key(row).filter(|&key| key < self.count()).map(|key| self.word(key))
    }

    /// Asks `of` for each text, and for those that `known` has from the stretch before not at all.
    pub fn learn(&self, known: &mut KnownWords, mut of: impl FnMut(&str) -> u32) {
        known.learn(self.array.values(), &mut of);
    }

    /// What was told of the text of one row, 0 where there is none.
    #[inline]
    pub fn told(&self, known: &KnownWords, row: usize) -> u32 {
        let keys = self.array.keys();
        let key = keys.values().get(row).filter(|_| keys.is_valid(row));
        key.map_or(0, |&key| known.told(key))
    }

    /// What is told of each row.
    pub fn each(&self, known: &mut KnownWords, of: impl FnMut(&str) -> u32, rows: &mut Vec<u32>) {
        self.learn(known, of);
        rows.clear();
        let keys = self.array.keys();
        rows.extend(keys.values().iter().map(|&key| known.told(key)));
        if let Some(nulls) = keys.nulls().filter(|nulls| nulls.null_count() > 0) {
            for (row, is_valid) in rows.iter_mut().zip(nulls.iter()) {
                *row = if is_valid { *row } else { 0 };
            }
        }
    }
}

/// What was told of the texts of a column, as long as the rows come from one row group.
#[derive(Debug, Default)]
pub struct KnownWords {
    texts: Option<ArrayRef>,
    told: Vec<u32>,
}

impl KnownWords {
    #[inline]
    fn told(&self, key: i32) -> u32 {
        // Keys are places, so never negative.
        self.told.get(key.cast_unsigned() as usize).copied().unwrap_or_default()
    }

    fn learn(&mut self, texts: &ArrayRef, of: &mut impl FnMut(&str) -> u32) {
        if self.texts.as_ref().is_some_and(|known| Arc::ptr_eq(known, texts)) {
            return;
        }
        self.told.clear();
        if let Some(all) = texts.as_string_opt::<i32>() {
            self.told.extend(all.iter().map(|text| text.map_or(0, &mut *of)));
        }
        self.texts = Some(Arc::clone(texts));
    }
}
