//! What a run read: one export after the other, their rejects and their coverage, and the
//! ledger in which every record is accounted for.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::tenant::TenantId;

use super::error::LedgerError;

/// What an export is, wherever it lies: XXH3-128 of its bytes and how many they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    #[serde(with = "hex128")]
    pub xxh3: u128,
    pub length: u64,
}

/// 128 bits as hexadecimal digits: JSON numbers do not hold them.
mod hex128 {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{value:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let text = String::deserialize(from)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

/// One export as a worker read it, to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportReading {
    /// As it is shown; a member of an archive is `archive!/member`. Once per run.
    pub path: String,
    pub identity: Identity,
    /// Of all that changes what is read from the same bytes: partner list, dialect, reader.
    pub fingerprint: u64,
    pub sha256: Option<[u8; 32]>,
    /// The path of the archive that it lies in, the outermost one.
    pub container: Option<String>,
    pub container_sha256: Option<[u8; 32]>,
    pub bytes: u64,
    pub decoded_bytes: u64,
    pub encoding: String,
    pub compression: String,
    pub dialect: String,
    pub records: u64,
    pub other: u64,
    pub undecided: u64,
    pub rejected: u64,
    pub unfinished: u64,
    pub record_bytes: u64,
    pub separator_bytes: u64,
    pub damage_bytes: u64,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub evidence_basis: String,
    /// Resolved at the export's end; of rows that do not say it themselves.
    pub exporting_tenant: Option<TenantId>,
    pub blind_spots: Vec<String>,
    pub coverage: Vec<CoverageRow>,
    /// Partner sign-ins handed to the spill.
    pub candidates: u64,
}

/// What the evidence sample of an export holds of one hour of one tenant's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageRow {
    /// The tenant whose log it is; `None` takes the export's.
    pub tenant: Option<TenantId>,
    /// The begin of the hour.
    pub hour: DateTime<Utc>,
    pub sampled: u64,
    pub interactive_user: u64,
    pub non_interactive_user: u64,
    pub service_principal: u64,
    pub managed_identity: u64,
    pub unknown_type: u64,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectRow {
    /// Index among the run's exports.
    pub export: u32,
    pub offset: u64,
    pub length: u64,
    /// Records that it stands for.
    pub records: u64,
    pub reason: String,
    /// Its bytes, if the run keeps them.
    pub raw: Option<Vec<u8>>,
}

/// A row of `coverage`.
pub(super) struct CoverageEntry {
    pub path: String,
    pub run_id: Arc<str>,
    pub row: CoverageRow,
}

/// A row of `rejects`.
pub(super) struct RejectEntry {
    pub path: String,
    pub run_id: Arc<str>,
    pub reject: RejectRow,
}

/// A row of `exports`: a reading with what became of its records.
///
/// `partner − superseded − removed` of its rows stand in `sign_ins`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExportRow {
    pub path: String,
    pub sha256: Option<String>,
    pub container: Option<String>,
    pub container_sha256: Option<String>,
    pub identity: Identity,
    pub fingerprint: u64,
    pub bytes: u64,
    pub decoded_bytes: u64,
    pub encoding: String,
    pub compression: String,
    pub dialect: String,
    pub records: u64,
    pub partner: i64,
    pub other: u64,
    pub undecided: u64,
    pub duplicate: i64,
    pub rejected: u64,
    pub unfinished: u64,
    pub superseded: i64,
    pub removed: i64,
    pub superseded_by: Option<String>,
    pub record_bytes: u64,
    pub separator_bytes: u64,
    pub damage_bytes: u64,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub evidence_basis: String,
    pub exporting_tenant: Option<TenantId>,
    pub blind_spots: Option<String>,
    pub run_id: String,
}

impl ExportRow {
    /// The row of a new reading, of whose candidates `partner` became rows.
    pub(super) fn new(reading: &ExportReading, run_id: &str, partner: u64) -> Self {
        Self {
            path: reading.path.clone(),
            sha256: reading.sha256.map(|hash| super::schema::hex(&hash)),
            container: reading.container.clone(),
            container_sha256: reading.container_sha256.map(|hash| super::schema::hex(&hash)),
            identity: reading.identity,
            fingerprint: reading.fingerprint,
            bytes: reading.bytes,
            decoded_bytes: reading.decoded_bytes,
            encoding: reading.encoding.clone(),
            compression: reading.compression.clone(),
            dialect: reading.dialect.clone(),
            records: reading.records,
            partner: signed(partner),
            other: reading.other,
            undecided: reading.undecided,
            duplicate: signed(reading.candidates.saturating_sub(partner)),
            rejected: reading.rejected,
            unfinished: reading.unfinished,
            superseded: 0,
            removed: 0,
            superseded_by: None,
            record_bytes: reading.record_bytes,
            separator_bytes: reading.separator_bytes,
            damage_bytes: reading.damage_bytes,
            first_at: reading.first_at,
            last_at: reading.last_at,
            evidence_basis: reading.evidence_basis.clone(),
            exporting_tenant: reading.exporting_tenant,
            blind_spots: Some(reading.blind_spots.join(",")),
            run_id: run_id.to_owned(),
        }
    }

    /// How many rows of `sign_ins` should still stand there.
    pub(super) fn live_rows(&self) -> i64 {
        self.partner - self.superseded - self.removed
    }

    /// Nothing has taken this reading's place.
    pub(super) fn is_current(&self) -> bool {
        self.superseded_by.is_none()
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What the counters on the way of one export's records say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Passage {
    /// Rows that came out of the spill.
    pub spilled: u64,
    /// Of them, those that lost to another copy.
    pub lost: u64,
    /// Rows in the parts as written, counted by reading them.
    pub written: u64,
    /// Records in the rows of `rejects`.
    pub reject_rows: u64,
}

/// Checks that each record and each byte of an export is accounted for.
pub(super) fn balance(reading: &ExportReading, passage: Passage) -> Result<(), LedgerError> {
    let export = || reading.path.clone();
    let Passage { spilled, lost, written, reject_rows } = passage;
    let bytes = [reading.record_bytes, reading.separator_bytes, reading.damage_bytes];
    if sum(&bytes) != u128::from(reading.decoded_bytes) {
        return Err(LedgerError::Bytes {
            export: export(),
            decoded: reading.decoded_bytes,
            record: reading.record_bytes,
            separator: reading.separator_bytes,
            damage: reading.damage_bytes,
        });
    }
    if reading.candidates != spilled || sum(&[written, lost]) != u128::from(spilled) {
        return Err(LedgerError::Candidates {
            export: export(),
            candidates: reading.candidates,
            spilled,
            partner: written,
            duplicate: lost,
        });
    }
    if sum(&[written, lost, reading.other, reading.rejected]) != u128::from(reading.records) {
        return Err(LedgerError::Records {
            export: export(),
            records: reading.records,
            partner: written,
            other: reading.other,
            duplicate: lost,
            rejected: reading.rejected,
        });
    }
    if reading.rejected != reject_rows {
        return Err(LedgerError::Rejects {
            export: export(),
            rejected: reading.rejected,
            rows: reject_rows,
        });
    }
    Ok(())
}

fn sum(values: &[u64]) -> u128 {
    values.iter().map(|&value| u128::from(value)).sum()
}
