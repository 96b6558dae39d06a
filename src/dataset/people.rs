//! What the user said of the partner's accounts and of apps, kept with the dataset.

use std::path::PathBuf;

use crate::tools::{Tool, ToolKind, ToolList};
use crate::who::{AccountKind, AccountRef, ObjectId, User, UserList};

use super::error::DatasetError;
use super::part::{PartReader, Rows, StagedPart, Staging, text_at, write_table};
use super::schema;
use super::table::Table;

/// The lists of users and of tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct People {
    pub users: UserList,
    pub tools: ToolList,
}

/// A row of `users`: a line of a list, or an account that a flag names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UserRow {
    pub object_id: Option<String>,
    pub user_principal_name: Option<String>,
    pub display_name: Option<String>,
    pub kind: Option<AccountKind>,
    pub named: bool,
}

/// A row of `tools`: a line of a list, or an app that a flag names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ToolRow {
    pub app_id: Option<String>,
    pub app_name: Option<String>,
    pub tool: Option<String>,
    pub vendor: Option<String>,
    pub kind: Option<ToolKind>,
    pub named: bool,
}

impl People {
    /// Reads what earlier runs were told.
    pub(super) fn load(users: &[PathBuf], tools: &[PathBuf]) -> Result<Self, DatasetError> {
        let mut people = Self::default();
        for part in users {
            PartReader::open(part)?.read(None, None, |rows| people.add_users(&rows))?;
        }
        for part in tools {
            PartReader::open(part)?.read(None, None, |rows| people.add_tools(&rows))?;
        }
        Ok(people)
    }

    /// What this run was told over what earlier ones were.
    pub(super) fn or_earlier(users: &UserList, tools: &ToolList, earlier: &Self) -> Self {
        Self { users: users.or_earlier(&earlier.users), tools: tools.or_earlier(&earlier.tools) }
    }

    fn add_users(&mut self, rows: &Rows) -> Result<(), DatasetError> {
        let (ids, names) = (rows.text("object_id")?, rows.text("user_principal_name")?);
        let (shown, kinds) = (rows.text("display_name")?, rows.text("kind")?);
        let named = rows.bool("named")?;
        for row in 0..rows.batch.num_rows() {
            let (id, name) = (text_at(ids, row), text_at(names, row));
            if named.value(row) {
                let account = id.or(name).and_then(AccountRef::parse);
                account.into_iter().for_each(|account| self.users.name_integration(account));
            } else if let Some(object_id) = id.and_then(ObjectId::parse) {
                self.users.add(User {
                    object_id,
                    user_principal_name: name.map(str::to_owned),
                    display_name: text_at(shown, row).map(str::to_owned),
                    kind: text_at(kinds, row).and_then(AccountKind::parse),
                });
            }
        }
        Ok(())
    }

    fn add_tools(&mut self, rows: &Rows) -> Result<(), DatasetError> {
        let (ids, names) = (rows.text("app_id")?, rows.text("app_name")?);
        let (tools, vendors) = (rows.text("tool")?, rows.text("vendor")?);
        let (kinds, named) = (rows.text("kind")?, rows.bool("named")?);
        let text = |column, row| text_at(column, row).map(str::to_owned);
        for row in 0..rows.batch.num_rows() {
            if named.value(row) {
                text_at(ids, row).into_iter().for_each(|id| self.tools.name_integration_app(id));
            } else if let Some(name) = text(tools, row) {
                let kind = text_at(kinds, row);
                let kind = ToolKind::ALL.into_iter().find(|known| kind == Some(known.as_str()));
                self.tools.add(Tool {
                    app_id: text(ids, row),
                    app_name: text(names, row),
                    name,
                    vendor: text(vendors, row),
                    kind: kind.unwrap_or(ToolKind::Integration),
                });
            }
        }
        Ok(())
    }

    /// Writes both tables; one without rows has no part.
    pub(super) fn write(&self, staging: &Staging) -> Result<Vec<StagedPart>, DatasetError> {
        let written = [
            write_table(staging, Table::Users, schema::USERS, self.user_rows())?,
            write_table(staging, Table::Tools, schema::TOOLS, self.tool_rows())?,
        ];
        Ok(written.into_iter().flatten().collect())
    }

    fn user_rows(&self) -> Vec<UserRow> {
        let listed = self.users.users().map(|user| UserRow {
            object_id: Some(user.object_id.to_string()),
            user_principal_name: user.user_principal_name.clone(),
            display_name: user.display_name.clone(),
            kind: user.kind,
            named: false,
        });
        let named = self.users.integrations().map(|account| {
            let (object_id, user_principal_name) = match account {
                AccountRef::Id(id) => (Some(id.to_string()), None),
                AccountRef::Name(name) => (None, Some(name.clone())),
            };
            let kind = Some(AccountKind::Integration);
            UserRow { object_id, user_principal_name, kind, named: true, ..UserRow::default() }
        });
        listed.chain(named).collect()
    }

    fn tool_rows(&self) -> Vec<ToolRow> {
        let listed = self.tools.tools().iter().map(|tool| ToolRow {
            app_id: tool.app_id.clone(),
            app_name: tool.app_name.clone(),
            tool: Some(tool.name.clone()),
            vendor: tool.vendor.clone(),
            kind: Some(tool.kind),
            named: false,
        });
        let named = self.tools.integration_apps().map(|id| ToolRow {
            app_id: Some(id.to_owned()),
            kind: Some(ToolKind::Integration),
            named: true,
            ..ToolRow::default()
        });
        listed.chain(named).collect()
    }
}
