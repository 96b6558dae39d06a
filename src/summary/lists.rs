//! The derived tables: names of tenants, which of them are listed, kinds of accounts.

use std::collections::{BTreeMap, BTreeSet};

use super::people::{KnownAccount, People};
use super::{DatasetParts, SummaryError, tables};
use crate::tenant::TenantId;

/// Who is who, as the last run wrote it down.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) customers: BTreeMap<TenantId, ListedTenant>,
    pub(super) partners: BTreeMap<TenantId, ListedTenant>,
    /// Customers whose own log is here: what the partner's log says of sign-ins to them are
    /// copies and do not count.
    pub(super) inbound: BTreeSet<TenantId>,
    pub(super) people: People,
}

/// A line of `tenants` or `partners`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListedTenant {
    pub(super) name: Option<String>,
    pub(super) listed: bool,
}

impl ListedTenant {
    fn of(row: &tables::Row<'_>) -> Result<Self, crate::dataset::DatasetError> {
        Ok(Self { name: row.owned("name")?, listed: row.flag("listed")? })
    }
}

impl Lists {
    pub(super) fn read(parts: &DatasetParts) -> Result<Self, SummaryError> {
        let mut lists = Self { people: People::read(parts)?, ..Self::default() };
        let columns = ["child_tenant_id", "name", "listed", "has_inbound"];
        tables::each_row("tenants", &parts.tenants, &columns, |row| {
            if let Some(tenant) = row.tenant("child_tenant_id")? {
                lists.customers.insert(tenant, ListedTenant::of(row)?);
                if row.flag("has_inbound")? {
                    lists.inbound.insert(tenant);
                }
            }
            Ok(())
        })?;
        let columns = ["partner_tenant_id", "name", "listed"];
        tables::each_row("partners", &parts.partners, &columns, |row| {
            if let Some(tenant) = row.tenant("partner_tenant_id")? {
                lists.partners.insert(tenant, ListedTenant::of(row)?);
            }
            Ok(())
        })?;
        Ok(lists)
    }

    /// Whether a provider is a listed partner as far as the lists know: they say so, or nothing.
    pub(super) fn may_list(&self, provider: TenantId) -> bool {
        self.partners.get(&provider).is_none_or(|known| known.listed)
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
