//! The tables of the dataset and the folders in which their parts stand.

use std::path::PathBuf;

/// A table; its parts are the Parquet files below its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    SignIns,
    AppliedPolicies,
    Exports,
    Coverage,
    Rejects,
    Tenants,
    Partners,
    Accounts,
    /// What the user said of accounts.
    Users,
    /// What the user said of apps.
    Tools,
    ErrorCodes,
    /// Final copies that lost to a published state of the same sign-in: when a later state
    /// arrives, that one is out, and the copy kept here may be the best again. Not for readers.
    ReserveSignIns,
    ReserveAppliedPolicies,
}

impl Table {
    pub const ALL: [Self; 13] = [
        Self::SignIns,
        Self::AppliedPolicies,
        Self::Exports,
        Self::Coverage,
        Self::Rejects,
        Self::Tenants,
        Self::Partners,
        Self::Accounts,
        Self::Users,
        Self::Tools,
        Self::ErrorCodes,
        Self::ReserveSignIns,
        Self::ReserveAppliedPolicies,
    ];

    /// The name in the manifest, which is also the folder below `dataset/`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIns => "sign_ins",
            Self::AppliedPolicies => "applied_policies",
            Self::Exports => "exports",
            Self::Coverage => "coverage",
            Self::Rejects => "rejects",
            Self::Tenants => "tenants",
            Self::Partners => "partners",
            Self::Accounts => "accounts",
            Self::Users => "users",
            Self::Tools => "tools",
            Self::ErrorCodes => "error_codes",
            Self::ReserveSignIns => ".reserve/sign_ins",
            Self::ReserveAppliedPolicies => ".reserve/applied_policies",
        }
    }

    /// What a row of it is, for who reads the dataset; nothing of what is not for readers.
    pub fn row_words(self) -> Option<&'static str> {
        let words = match self {
            Self::SignIns => {
                "a sign-in of a provider, succeeded or not; its key is sign_in_id with side"
            }
            Self::AppliedPolicies => {
                "a policy that looked at a sign-in; joined to sign_ins by sign_in_id with side"
            }
            Self::Exports => "an export as a run read it; its key is path with run_id",
            Self::Coverage => {
                "an hour of a tenant's log in an export, as the evidence sample has it"
            }
            Self::Rejects => "a record, or a span of damage, that could not be read",
            Self::Tenants => "a customer, on the list or seen in the logs",
            Self::Partners => "a provider, on the list or seen in the logs",
            Self::Accounts => "an account of a provider",
            Self::Users => "an account that you named or whose list you gave",
            Self::Tools => "an app or tool that you named or whose list you gave",
            Self::ErrorCodes => "an error code that is known",
            Self::ReserveSignIns | Self::ReserveAppliedPolicies => return None,
        };
        Some(words)
    }

    /// Its parts stand in a folder for each month.
    pub fn is_by_month(self) -> bool {
        matches!(
            self,
            Self::SignIns
                | Self::AppliedPolicies
                | Self::ReserveSignIns
                | Self::ReserveAppliedPolicies
        )
    }

    /// The folder of a part; `month` only for tables that are split by it.
    pub(super) fn folder(self, month: Option<Month>) -> PathBuf {
        let mut folder = PathBuf::new();
        folder.extend(self.as_str().split('/'));
        if let Some(month) = month {
            folder.push(month.folder());
        }
        folder
    }
}

/// A calendar month, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// The month of a day counted from 1970.
    pub(super) fn of_day(day: i64) -> Self {
        use chrono::Datelike;
        let date = chrono::DateTime::from_timestamp(day.saturating_mul(86_400), 0)
            .unwrap_or(chrono::DateTime::UNIX_EPOCH);
        Self { year: date.year(), month: date.month() }
    }

    pub(super) fn folder(self) -> String {
        format!("month={:04}-{:02}", self.year, self.month)
    }

    /// The month in a part's path; `None` for tables that are not split by it.
    pub(super) fn of_path(path: &str) -> Option<Self> {
        let text = path.split('/').find_map(|name| name.strip_prefix("month="))?;
        let (year, month) = text.rsplit_once('-')?;
        Some(Self { year: year.parse().ok()?, month: month.parse().ok()? })
    }
}
