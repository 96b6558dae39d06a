//! Who the accounts are and which tools the apps belong to, as the last run wrote it down.

use std::collections::BTreeMap;

use super::tables::{self, Row};
use super::{DatasetParts, SummaryError};
use crate::dataset::DatasetError;
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
const USERS: [&str; 3] = ["object_id", "user_principal_name", "named"];
const TOOLS: [&str; 6] = ["app_id", "app_name", "tool", "vendor", "kind", "named"];

impl People {
    pub(super) fn read(parts: &DatasetParts) -> Result<Self, SummaryError> {
        let mut people = Self::default();
        tables::each_row("accounts", &parts.accounts, &ACCOUNTS, |row| people.add_account(row))?;
        tables::each_row("users", &parts.users, &USERS, |row| people.add_named(row))?;
        tables::each_row("tools", &parts.tools, &TOOLS, |row| people.add_tool(row))?;
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

    fn add_account(&mut self, row: &Row<'_>) -> Result<(), DatasetError> {
        let (partner, account) = (row.later_text("partner_tenant_id")?, row.later_text("account")?);
        let (Some(partner), Some(account)) = (partner.and_then(TenantId::parse), account) else {
            return Ok(());
        };
        let known = KnownAccount {
            kind: row.later_text("kind")?.and_then(AccountKind::parse),
            user_id: row.later_text("user_id")?.and_then(ObjectId::parse),
            name: row.later_text("name")?.map(str::to_owned),
        };
        self.accounts.entry(partner).or_default().insert(account.to_owned(), known);
        Ok(())
    }

    fn add_named(&mut self, row: &Row<'_>) -> Result<(), DatasetError> {
        if row.flag("named")? {
            let account = row.text("object_id")?.or(row.text("user_principal_name")?);
            let account = account.and_then(AccountRef::parse);
            account.into_iter().for_each(|account| self.named.name_integration(account));
        }
        Ok(())
    }

    fn add_tool(&mut self, row: &Row<'_>) -> Result<(), DatasetError> {
        if row.flag("named")? {
            let id = row.text("app_id")?;
            id.into_iter().for_each(|id| self.tools.name_integration_app(id));
        } else if let Some(name) = row.owned("tool")? {
            let word = row.text("kind")?;
            let kind = ToolKind::ALL.into_iter().find(|kind| word == Some(kind.as_str()));
            self.tools.add(Tool {
                app_id: row.owned("app_id")?,
                app_name: row.owned("app_name")?,
                name,
                vendor: row.owned("vendor")?,
                kind: kind.unwrap_or(ToolKind::Integration),
            });
        }
        Ok(())
    }
}
