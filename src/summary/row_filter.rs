//! Which rows a summary counts, besides the span of time.

use std::net::IpAddr;

use crate::tenant::TenantId;

/// Which sign-ins are counted; whatever is empty does not filter. Several values of one kind are
/// alternatives, several kinds must all fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Service providers.
    pub partners: Vec<TenantId>,
    /// Sign-in names or object ids, whole, in any case.
    pub accounts: Vec<String>,
    /// Names or ids of apps, whole, in any case.
    pub apps: Vec<String>,
    pub addresses: Vec<IpAddr>,
    pub codes: Vec<i32>,
}

/// What a row has of all that; empty texts for what it lacks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) partner: &'a str,
    pub(super) account: &'a str,
    pub(super) user_id: &'a str,
    pub(super) app_id: &'a str,
    pub(super) app_name: &'a str,
    pub(super) address: &'a str,
    pub(super) code: Option<i32>,
}

impl RowFilter {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn holds(&self, row: Row<'_>) -> bool {
        let is_one_of = |wanted: &[String], texts: [&str; 2]| {
            let is = |wanted: &String| {
                texts.iter().any(|text| wanted.to_lowercase() == text.to_lowercase())
            };
            wanted.is_empty() || wanted.iter().any(is)
        };
        let is_partner = |wanted: &TenantId| Some(*wanted) == TenantId::parse(row.partner);
        let is_address = |wanted: &IpAddr| Some(*wanted) == row.address.parse().ok();
        (self.partners.is_empty() || self.partners.iter().any(is_partner))
            && is_one_of(&self.accounts, [row.account, row.user_id])
            && is_one_of(&self.apps, [row.app_id, row.app_name])
            && (self.addresses.is_empty() || self.addresses.iter().any(is_address))
            && (self.codes.is_empty() || row.code.is_some_and(|code| self.codes.contains(&code)))
    }

    /// In the words of a report: `account a@b.example or c@d.example`, one for each kind.
    pub fn in_words(&self) -> Vec<String> {
        fn words<T: ToString>(kind: &str, values: &[T]) -> Option<String> {
            let values: Vec<String> = values.iter().map(T::to_string).collect();
            (!values.is_empty()).then(|| format!("{kind} {}", values.join(" or ")))
        }
        let all = [
            words("provider", &self.partners),
            words("account", &self.accounts),
            words("app", &self.apps),
            words("address", &self.addresses),
            words("error code", &self.codes),
        ];
        all.into_iter().flatten().collect()
    }
}
