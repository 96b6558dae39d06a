//! The derived tables: names of tenants, which of them are listed, kinds of accounts.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, Expr, PolarsResult, col};

use super::frames::{self, Columns};
use super::people::{KnownAccount, People};
use super::{DatasetParts, SummaryError};
use crate::tenant::TenantId;

/// Who is who, as the last run wrote it down.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) customers: BTreeMap<TenantId, ListedTenant>,
    pub(super) partners: BTreeMap<TenantId, ListedTenant>,
    pub(super) people: People,
}

/// A line of `tenants` or `partners`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListedTenant {
    pub(super) name: Option<String>,
    pub(super) listed: bool,
}

impl Lists {
    pub(super) fn read(parts: &DatasetParts) -> Result<Self, SummaryError> {
        Ok(Self {
            customers: read_tenants("tenants", "child_tenant_id", &parts.tenants)?,
            partners: read_tenants("partners", "partner_tenant_id", &parts.partners)?,
            people: People::read(parts)?,
        })
    }

    pub(super) fn customer_name(&self, tenant: TenantId) -> Option<String> {
        self.customers.get(&tenant).and_then(|customer| customer.name.clone())
    }

    pub(super) fn partner_name(&self, tenant: TenantId) -> Option<String> {
        self.partners.get(&tenant).and_then(|partner| partner.name.clone())
    }

    pub(super) fn is_integration(&self, partner: TenantId, account: &str) -> bool {
        self.people.account(partner, account).is_some_and(KnownAccount::is_integration)
    }
}

fn read_tenants(
    table: &'static str,
    id: &'static str,
    paths: &[std::path::PathBuf],
) -> Result<BTreeMap<TenantId, ListedTenant>, SummaryError> {
    let columns: Vec<Expr> = vec![col(id), col("name"), col("listed")];
    let Some(frame) = frames::read(table, paths, columns)? else {
        return Ok(BTreeMap::new());
    };
    tenants_of(&frame, id).map_err(frames::in_table(table))
}

fn tenants_of(frame: &DataFrame, id: &str) -> PolarsResult<BTreeMap<TenantId, ListedTenant>> {
    let columns = Columns::of(frame);
    let (id, name, listed) = (columns.text(id)?, columns.text("name")?, columns.flag("listed")?);
    let tenant = |row| {
        let line = ListedTenant { name: name.owned(row), listed: listed.get(row) };
        Some((id.tenant(row)?, line))
    };
    Ok((0..frame.height()).filter_map(tenant).collect())
}
