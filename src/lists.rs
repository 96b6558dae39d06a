//! Who the partners and the customers of a run are: flags, files given, lists among the inputs.

use std::path::PathBuf;

use crate::input::authentication_details::AuthenticationDetails;
use crate::input::discover::Found;
use crate::input::lists::{ListError, ListKind, read_customers, read_partners};
use crate::tenant::{CustomerList, Partner, PartnerList};

/// The lists of a run, and where they came from.
#[derive(Debug, Default)]
pub struct Lists {
    pub partners: PartnerList,
    pub customers: CustomerList,
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
