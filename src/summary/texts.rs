//! Texts by number.

use std::collections::HashMap;

/// Each distinct text once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    numbers: HashMap<Box<str>, u32>,
    texts: Vec<Box<str>>,
}

impl Texts {
    /// The number of a text, from 1; 0 for none.
    pub(super) fn number(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return 0 };
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        self.texts.push(text.into());
        let number = u32::try_from(self.texts.len()).unwrap_or_default();
        self.numbers.insert(text.into(), number);
        number
    }

    /// The number of a text that has one.
    pub(super) fn known(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    pub(super) fn get(&self, number: u32) -> Option<&str> {
        let place = usize::try_from(number).ok()?.checked_sub(1)?;
        self.texts.get(place).map(AsRef::as_ref)
    }

    /// The same, where an empty text is none.
    pub(super) fn filled(&self, number: u32) -> Option<&str> {
        self.get(number).filter(|text| !text.is_empty())
    }

    /// How many there are; no number is greater.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}
