//! The derived tables: names of tenants, which of them are listed, kinds of accounts.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{DataFrame, Expr, PolarsResult, col};

use super::frames::{self, Columns};
use super::{DatasetParts, SummaryError};
use crate::tenant::TenantId;

/// Who is who, as the last run wrote it down.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) customers: BTreeMap<TenantId, ListedTenant>,
    pub(super) partners: BTreeMap<TenantId, ListedTenant>,
    integrations: BTreeSet<(TenantId, String)>,
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
            integrations: read_integrations(parts)?,
        })
    }

    pub(super) fn customer_name(&self, tenant: TenantId) -> Option<String> {
        self.customers.get(&tenant).and_then(|customer| customer.name.clone())
    }

    pub(super) fn partner_name(&self, tenant: TenantId) -> Option<String> {
        self.partners.get(&tenant).and_then(|partner| partner.name.clone())
    }

    pub(super) fn is_integration(&self, partner: TenantId, account: &str) -> bool {
        // A set of pairs cannot be asked with a borrowed half; there are few accounts.
        self.integrations.contains(&(partner, account.to_owned()))
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

fn read_integrations(parts: &DatasetParts) -> Result<BTreeSet<(TenantId, String)>, SummaryError> {
    let columns = vec![col("partner_tenant_id"), col("account"), col("kind")];
    let Some(frame) = frames::read("accounts", &parts.accounts, columns)? else {
        return Ok(BTreeSet::new());
    };
    integrations_of(&frame).map_err(frames::in_table("accounts"))
}

fn integrations_of(frame: &DataFrame) -> PolarsResult<BTreeSet<(TenantId, String)>> {
    let columns = Columns::of(frame);
    let partner = columns.text("partner_tenant_id")?;
    let (account, kind) = (columns.text("account")?, columns.text("kind")?);
    let integration = |row| Some((partner.tenant(row)?, account.owned(row)?));
    Ok((0..frame.height())
        .filter(|&row| kind.get(row) == Some("integration"))
        .filter_map(integration)
        .collect())
}
