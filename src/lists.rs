//! Who the partners and the customers of a run are: flags, files given, lists among the inputs.

use std::path::PathBuf;

use crate::input::authentication_details::AuthenticationDetails;
use crate::input::discover::Found;
use crate::input::lists::{ListError, ListKind, read_customers, read_partners};
use crate::input::people::{read_tools, read_users};
use crate::tenant::{CustomerList, Partner, PartnerList};
use crate::tools::ToolList;
use crate::who::{AccountRef, UserList};

/// The lists of a run, and where they came from.
#[derive(Debug, Default)]
pub struct Lists {
    pub partners: PartnerList,
    pub customers: CustomerList,
    /// Who is who among the partner's accounts.
    pub users: UserList,
    /// What the user says of apps.
    pub tools: ToolList,
    /// The steps of sign-ins, where the portal lists them in a file of their own.
    pub authentication: AuthenticationDetails,
    /// The files that were used, as shown to people.
    pub used: Vec<(String, ListKind)>,
    /// Lists of tenants that do not say whose they are.
    pub not_used: Vec<String>,
}

/// What the user named by flags.
#[derive(Debug, Default)]
pub struct GivenLists<'a> {
    pub partners: &'a [Partner],
    pub partner_files: &'a [PathBuf],
    pub customer_files: &'a [PathBuf],
}

/// What the user said of accounts and apps by flags.
#[derive(Debug, Default)]
pub struct GivenPeople<'a> {
    pub user_files: &'a [PathBuf],
    pub tool_files: &'a [PathBuf],
    pub integration_users: &'a [AccountRef],
    pub integration_apps: &'a [String],
}

impl Lists {
    /// Reads the lists given by flags and those found among the inputs.
    ///
    /// # Errors
    /// A list cannot be read, or holds an id that is no GUID.
    pub fn gather(given: &GivenLists<'_>, found: &Found) -> Result<Self, ListError> {
        let mut lists = Self::default();
        for partner in given.partners {
            lists.partners.add(partner.clone());
        }
        for path in given.partner_files {
            lists.add_partners(path, path.display().to_string())?;
        }
        for path in given.customer_files {
            lists.add_customers(path, path.display().to_string())?;
        }
        for list in &found.lists {
            match list.kind {
                ListKind::Partners => lists.add_partners(&list.path, list.shown.clone())?,
                ListKind::Customers => lists.add_customers(&list.path, list.shown.clone())?,
                ListKind::Unclear => lists.not_used.push(list.shown.clone()),
                ListKind::AuthenticationDetails => {
                    let read = lists.authentication.add(&list.path, &list.shown);
                    read.map_err(|source| ListError::Read { path: list.path.clone(), source })?;
                    lists.used.push((list.shown.clone(), list.kind));
                }
            }
        }
        Ok(lists)
    }

    /// Reads what the user says of accounts and apps.
    ///
    /// # Errors
    /// A list cannot be read, or does not have the columns that it must have.
    pub fn add_people(&mut self, given: &GivenPeople<'_>) -> Result<(), ListError> {
        for path in given.user_files {
            read_users(path)?.into_iter().for_each(|user| self.users.add(user));
        }
        for path in given.tool_files {
            read_tools(path)?.into_iter().for_each(|tool| self.tools.add(tool));
        }
        for account in given.integration_users {
            self.users.name_integration(account.clone());
        }
        for app in given.integration_apps {
            self.tools.name_integration_app(app);
        }
        Ok(())
    }

    fn add_partners(&mut self, path: &std::path::Path, shown: String) -> Result<(), ListError> {
        for partner in read_partners(path)? {
            self.partners.add(partner);
        }
        self.used.push((shown, ListKind::Partners));
        Ok(())
    }

    fn add_customers(&mut self, path: &std::path::Path, shown: String) -> Result<(), ListError> {
        for (tenant, name) in read_customers(path)?.iter() {
            self.customers.add(tenant, name.map(str::to_owned));
        }
        self.used.push((shown, ListKind::Customers));
        Ok(())
    }
}
