//! The portal's second file: `InteractiveSignIns_AuthDetails_….csv` lists the steps of each sign-in
//! of the log in the same folder, joined on the request id.
//!
//! Source: the columns of the portal's download (`Request ID`, `Authentication method`).

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::open::{Hashing, open};
use crate::dialect::column_key;
use crate::tenant::parse_guid;

/// Sign-ins that are remembered of one folder: a bound on the memory (some 100 MB), far above a
/// download's 250,000 records.
const SIGN_INS_MAX: usize = 2_000_000;

/// The steps of sign-ins, by the folder of the file that lists them.
#[derive(Debug, Default)]
pub struct AuthenticationDetails {
    folders: BTreeMap<String, Steps>,
}

#[derive(Debug, Default)]
struct Steps {
    /// By request id: which of `texts`.
    of_sign_ins: HashMap<u128, usize>,
    /// The few sequences of methods that occur.
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
    hash: u64,
}

/// Whether a table with this header lists the steps of sign-ins. Names are in lower case.
pub(super) fn is_authentication_details(header: &[String]) -> bool {
    let has = |name: &str| header.iter().any(|cell| cell == name);
    has("request id") && has("authentication method") && !has("status") && !has("application")
}

impl AuthenticationDetails {
    /// Takes in a file that lists steps; `shown` is its path as shown to people.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn add(&mut self, path: &Path, shown: &str) -> io::Result<()> {
        let mut text = Vec::new();
        io::Read::read_to_end(&mut open(path, Hashing::Off)?, &mut text)?;
        self.folders.entry(folder_of(shown).to_owned()).or_default().take(&text);
        Ok(())
    }

    /// The methods of a sign-in in the log at `shown`, each once in the order of the steps.
    pub fn methods(&self, shown: &str, sign_in_id: &str) -> Option<&str> {
        let steps = self.folders.get(folder_of(shown))?;
        let number = steps.of_sign_ins.get(&parse_guid(sign_in_id.as_bytes())?)?;
        steps.texts.get(*number).map(String::as_str)
    }

    /// What is known of the folder of the log at `shown`, as one number: other steps read other
    /// rows from the same log. `None` where nothing is known.
    pub fn fingerprint(&self, shown: &str) -> Option<u64> {
        self.folders.get(folder_of(shown)).map(|steps| steps.hash)
    }
}

/// The folder of a file; of an archive's member nothing, since only files lie beside each other.
fn folder_of(shown: &str) -> &str {
    if shown.contains("!/") {
        return "!";
    }
    shown.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Steps {
    fn take(&mut self, text: &[u8]) {
        let mut hash = Xxh3::new();
        hash.update(&self.hash.to_le_bytes());
        hash.update(text);
        self.hash = hash.digest();
        let delimiter =
            if text.split(|&byte| byte == b'\n').next().is_some_and(|line| line.contains(&b';')) {
                b';'
            } else {
                b','
            };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text);
        let mut rows = reader.byte_records().filter_map(Result::ok);
        let Some(header) = rows.next() else { return };
        let column = |name: &str| {
            header.iter().position(|cell| column_key(&String::from_utf8_lossy(cell)) == name)
        };
        let (Some(id), Some(method)) = (column("request id"), column("authentication method"))
        else {
            return;
        };
        for row in rows {
            let Some(id) = row.get(id).and_then(|id| parse_guid(id.trim_ascii())) else { continue };
            let method = String::from_utf8_lossy(row.get(method).unwrap_or_default());
            self.add_step(id, method.trim());
        }
    }

    fn add_step(&mut self, id: u128, method: &str) {
        let is_known = self.of_sign_ins.contains_key(&id);
        if method.is_empty() || (!is_known && self.of_sign_ins.len() >= SIGN_INS_MAX) {
            return;
        }
        let before = self.of_sign_ins.get(&id).and_then(|&number| self.texts.get(number));
        let text = match before {
            Some(before) if before.split(", ").any(|known| known == method) => return,
            Some(before) => format!("{before}, {method}"),
            None => method.to_owned(),
        };
        let number = match self.numbers.get(&text) {
            Some(&number) => number,
            None => {
                self.texts.push(text.clone());
                self.numbers.insert(text, self.texts.len() - 1);
                self.texts.len() - 1
            }
        };
        self.of_sign_ins.insert(id, number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "51c829b3-3fb3-4a6d-b1e3-9d20f40029b3";

    #[test]
    fn steps_are_joined_within_their_folder() {
        let root = tempfile::tempdir().expect("folder");
        let path = root.path().join("InteractiveSignIns_AuthDetails_x.csv");
        let text = format!(
            "\u{FEFF}Request ID,Authentication method\r\n{ID},Password\r\n{ID},App\r\n{ID},Password\r\nx,y\r\n"
        );
        std::fs::write(&path, text).expect("written");
        let mut details = AuthenticationDetails::default();
        details.add(&path, "a/b/InteractiveSignIns_AuthDetails_x.csv").expect("read");
        assert_eq!(details.methods("a/b/InteractiveSignIns_x.csv", ID), Some("Password, App"));
        assert_eq!(details.methods("a/InteractiveSignIns_x.csv", ID), None);
        assert_eq!(details.methods("a/b/x.zip!/InteractiveSignIns_x.csv", ID), None);
        assert!(details.fingerprint("a/b/x.json").is_some());
        assert!(details.fingerprint("a/x.json").is_none());
    }
}
