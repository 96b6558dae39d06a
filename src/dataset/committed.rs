//! Rows of earlier runs, as far as they compete with new copies of the same sign-ins.

use std::path::Path;

use arrow::array::{Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};

use crate::relation::{Joinable, provider_of};
use crate::sign_in::CrossTenantAccess;
use crate::tenant::{PartnerList, TenantId};

use super::dedupe::{CommittedIn, CommittedRow, Copy, Group, Rank, Source};
use super::derived::parse_side;
use super::error::DatasetError;
use super::part::{Rows, text_at};
use super::piece::Groups;
use super::readings::Readings;
use super::row::Key;

/// The columns by which committed rows meet new ones.
pub(super) const RANKED: &[&str] = &[
    "sign_in_id",
    "created_at",
    "side",
    "partner_tenant_id",
    "partner_match",
    "home_tenant_id",
    "cross_tenant_access",
    "user_principal_name",
    "app_owner_tenant_id",
    "states",
    "source_export",
    "run_id",
    "published_at",
    "state_times",
    "evidence_rank",
    "row_hash",
];

/// Those columns of rows that were read together.
pub(super) struct RankColumns<'a> {
    path: &'a Path,
    first: u64,
    id: &'a StringArray,
    created_at: &'a TimestampMicrosecondArray,
    side: &'a StringArray,
    partner: &'a StringArray,
    partner_match: &'a StringArray,
    home: &'a StringArray,
    cross_tenant_access: &'a StringArray,
    user_principal_name: &'a StringArray,
    app_owner: &'a StringArray,
    states: &'a Int32Array,
    source_export: &'a StringArray,
    run_id: &'a StringArray,
    published_at: &'a TimestampMicrosecondArray,
    state_times: &'a StringArray,
    evidence_rank: &'a Int32Array,
    row_hash: &'a Int64Array,
}

impl<'a> RankColumns<'a> {
    pub(super) fn of(rows: &'a Rows) -> Result<Self, DatasetError> {
        Ok(Self {
            path: rows.path(),
            first: rows.first,
            id: rows.text("sign_in_id")?,
            created_at: rows.time("created_at")?,
            side: rows.text("side")?,
            partner: rows.text("partner_tenant_id")?,
            partner_match: rows.text("partner_match")?,
            home: rows.text("home_tenant_id")?,
            cross_tenant_access: rows.text("cross_tenant_access")?,
            user_principal_name: rows.text("user_principal_name")?,
            app_owner: rows.text("app_owner_tenant_id")?,
            states: rows.int32("states")?,
            source_export: rows.text("source_export")?,
            run_id: rows.text("run_id")?,
            published_at: rows.time("published_at")?,
            state_times: rows.text("state_times")?,
            evidence_rank: rows.int32("evidence_rank")?,
            row_hash: rows.int64("row_hash")?,
        })
    }

    /// Where a row stands, and to which reading it belongs.
    pub(super) fn row(
        &self,
        part: usize,
        row: usize,
        is_reserve: bool,
        readings: &Readings,
    ) -> Result<CommittedRow, DatasetError> {
        let (export, run_id) = (self.source_export.value(row), self.run_id.value(row));
        let table = if is_reserve {
            CommittedIn::Reserve { once_a_row: self.states.value(row) > 0 }
        } else {
            CommittedIn::SignIns
        };
        Ok(CommittedRow {
            part,
            row: self.first + row as u64,
            created_at: self.created_at.value(row),
            reading: readings.find(self.path, export, run_id)?,
            table,
        })
    }

    /// The publication times of all copies that the row has met.
    pub(super) fn times(&self, row: usize) -> Vec<i64> {
        let times = text_at(self.state_times, row).unwrap_or_default();
        times.split(' ').filter_map(|time| time.parse().ok()).collect()
    }

    /// The row as a copy that competes with others.
    pub(super) fn copy<'p>(
        &self,
        row: usize,
        at: CommittedRow,
        partners: &PartnerList,
    ) -> Copy<'p> {
        let rank = Rank {
            evidence: self.evidence_rank.value(row),
            is_present: self.is_present(row, partners),
            row_hash: self.row_hash.value(row),
            is_committed: true,
            position: (0, 0),
        };
        let published_at = self.published_at.is_valid(row).then(|| self.published_at.value(row));
        Copy { rank, published_at, source: Source::Committed(at) }
    }

    /// The present partner list would join the row to the provider that it has.
    fn is_present(&self, row: usize, partners: &PartnerList) -> bool {
        let tenant = |column| text_at(column, row).and_then(TenantId::parse);
        let access = text_at(self.cross_tenant_access, row).map(CrossTenantAccess::parse);
        let facts = Joinable {
            home_tenant: tenant(self.home),
            service_provider: access.is_some_and(|access| access.is_service_provider()),
            user_principal_name: text_at(self.user_principal_name, row),
            app_owner_tenant: tenant(self.app_owner),
        };
        provider_of(facts, partners).is_some_and(|provider| {
            provider.tenant == tenant(self.partner)
                && provider.matched_by.as_str() == self.partner_match.value(row)
        })
    }
}

/// Looks up committed rows of one day among groups.
#[derive(Clone, Copy)]
pub(super) struct Probe {
    pub from: i64,
    pub until: i64,
}

impl Probe {
    /// The group of a row, if the row is of this day and new copies of it came.
    pub(super) fn find<'g, 'p>(
        self,
        columns: &RankColumns<'_>,
        row: usize,
        groups: &'g mut Groups<'p>,
    ) -> Option<&'g mut Group<'p>> {
        let created_at = columns.created_at.value(row);
        if created_at < self.from || created_at >= self.until {
            return None;
        }
        let side = parse_side(columns.side.value(row))?;
        groups.find(Key { id: columns.id.value(row), side })
    }
}
