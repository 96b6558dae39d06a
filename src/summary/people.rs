//! Who the accounts are and which tools the apps belong to, as the last run wrote it down.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, PolarsResult, col};

use super::frames::{self, Columns};
use super::{DatasetParts, SummaryError};
use crate::tenant::TenantId;
use crate::tools::{Tool, ToolKind, ToolList};
use crate::who::{AccountKind, AccountRef, ObjectId, UserList};

/// Accounts by partner and name, and what the user said of accounts and apps.
#[derive(Debug, Default)]
pub(super) struct People {
    accounts: BTreeMap<TenantId, BTreeMap<String, KnownAccount>>,
    /// Only the accounts that flags name: the list itself is in the names of the accounts.
    pub(super) named: UserList,
    pub(super) tools: ToolList,
}

/// A line of `accounts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownAccount {
    pub(super) kind: Option<AccountKind>,
    pub(super) user_id: Option<ObjectId>,
    /// Who it is, where its own name does not say so.
    pub(super) name: Option<String>,
}

impl KnownAccount {
    pub(super) fn is_integration(&self) -> bool {
        self.kind == Some(AccountKind::Integration)
    }
}

const ACCOUNTS: [&str; 5] = ["partner_tenant_id", "account", "kind", "user_id", "name"];
const USERS: [&str; 2] = ["object_id", "user_principal_name"];
const TOOLS: [&str; 5] = ["app_id", "app_name", "tool", "vendor", "kind"];

impl People {
    pub(super) fn read(parts: &DatasetParts) -> Result<Self, SummaryError> {
        let mut people = Self::default();
        if let Some(found) = frames::read_texts("accounts", &parts.accounts, &ACCOUNTS)? {
            people.add_accounts(&found).map_err(frames::in_table("accounts"))?;
        }
        if let Some(users) = frames::scan("users", &parts.users)? {
            let named = users.filter(col("named")).select(USERS.map(col)).collect();
            named.and_then(|found| people.add_named(&found)).map_err(frames::in_table("users"))?;
        }
        let mut tools = TOOLS.map(col).to_vec();
        tools.push(col("named"));
        if let Some(found) = frames::read("tools", &parts.tools, tools)? {
            people.add_tools(&found).map_err(frames::in_table("tools"))?;
        }
        Ok(people)
    }

    pub(super) fn account(&self, partner: TenantId, account: &str) -> Option<&KnownAccount> {
        self.accounts.get(&partner)?.get(account)
    }

    /// All accounts of a partner.
    pub(super) fn accounts_of(
        &self,
        partner: TenantId,
    ) -> impl Iterator<Item = (&str, &KnownAccount)> {
        let accounts = self.accounts.get(&partner).into_iter().flatten();
        accounts.map(|(account, known)| (account.as_str(), known))
    }

    fn add_accounts(&mut self, found: &DataFrame) -> PolarsResult<()> {
        let columns = Columns::of(found);
        let (partner, account) = (columns.text("partner_tenant_id")?, columns.text("account")?);
        let (kind, user_id) = (columns.text("kind")?, columns.text("user_id")?);
        let name = columns.text("name")?;
        for row in 0..found.height() {
            let (Some(partner), Some(account)) = (partner.tenant(row), account.owned(row)) else {
                continue;
            };
            let known = KnownAccount {
                kind: kind.get(row).and_then(AccountKind::parse),
                user_id: user_id.get(row).and_then(ObjectId::parse),
                name: name.owned(row),
            };
            self.accounts.entry(partner).or_default().insert(account, known);
        }
        Ok(())
    }

    fn add_named(&mut self, found: &DataFrame) -> PolarsResult<()> {
        let columns = Columns::of(found);
        let (id, name) = (columns.text("object_id")?, columns.text("user_principal_name")?);
        for row in 0..found.height() {
            let account = id.get(row).or(name.get(row)).and_then(AccountRef::parse);
            account.into_iter().for_each(|account| self.named.name_integration(account));
        }
        Ok(())
    }

    fn add_tools(&mut self, found: &DataFrame) -> PolarsResult<()> {
        let columns = Columns::of(found);
        let (app_id, app_name) = (columns.text("app_id")?, columns.text("app_name")?);
        let (tool, vendor) = (columns.text("tool")?, columns.text("vendor")?);
        let (kind, named) = (columns.text("kind")?, columns.flag("named")?);
        for row in 0..found.height() {
            if named.get(row) {
                app_id.get(row).into_iter().for_each(|id| self.tools.name_integration_app(id));
            } else if let Some(name) = tool.owned(row) {
                let kind = ToolKind::ALL.into_iter().find(|k| kind.get(row) == Some(k.as_str()));
                self.tools.add(Tool {
                    app_id: app_id.owned(row),
                    app_name: app_name.owned(row),
                    name,
                    vendor: vendor.owned(row),
                    kind: kind.unwrap_or(ToolKind::Integration),
                });
            }
        }
        Ok(())
    }
}
