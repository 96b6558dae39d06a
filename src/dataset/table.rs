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

    /// Its parts stand in a folder for each month.
    pub(super) fn is_by_month(self) -> bool {
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
