//! The kinds of export, and what each shows of a sign-in.

/// The shapes of exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    DiagnosticLines,
    EventHubRecords,
    GraphBetaPage,
    GraphV1Page,
    GraphArray,
    GraphObject,
    /// Untitled Goose.
    GraphLines,
    PortalJson,
    PortalCsv2025,
    PortalCsv2024,
    PortalCsv2023,
    /// The columns of 2025 under headers in another language.
    PortalCsvGerman,
    PortalCsvJapanese,
    /// Service principals only.
    ApplicationCsv,
    LogAnalyticsCsv,
    /// The query API's `{"tables": […]}`.
    LogAnalyticsRest,
    KustoV1,
    KustoV2,
    /// `az monitor log-analytics query`
    LogAnalyticsAz,
    /// `Invoke-AzOperationalInsightsQuery`
    InvokeJson,
    InvokeCsv,
    /// Blobs of a data-export rule.
    DataExport,
    DefenderCsv,
    DefenderJson,
    /// Microsoft-Extractor-Suite: a page after a page, a page of one record a bare object.
    SuitePages,
    /// The same merged, with one bracket taken off at either end.
    SuiteMerged,
    /// The same for SOF-ELK.
    SuiteLines,
    /// The same up to version 3.
    SuitePascal,
    /// Microsoft-Analyzer-Suite, `Untouched.csv`.
    AnalyzerCsv,
    /// DFIR-O365RC: the tenant stands in the file's name.
    DfirJson,
    CippJson,
    CippCsv,
    CippRawCsv,
    /// `Get-MgBetaAuditLogSignIn | ConvertTo-Json`, and `| Export-Csv`.
    PowerShellJson,
    PowerShellCsv,
}

/// What an export shows of a sign-in, and so what a reader can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shows {
    pub home: bool,
    pub access: bool,
    pub app_owner: bool,
    pub policies: bool,
    pub code: bool,
}

impl Kind {
    pub const ALL: [Self; 35] = [
        Self::DiagnosticLines,
        Self::EventHubRecords,
        Self::GraphBetaPage,
        Self::GraphV1Page,
        Self::GraphArray,
        Self::GraphObject,
        Self::GraphLines,
        Self::PortalJson,
        Self::PortalCsv2025,
        Self::PortalCsv2024,
        Self::PortalCsv2023,
        Self::PortalCsvGerman,
        Self::PortalCsvJapanese,
        Self::ApplicationCsv,
        Self::LogAnalyticsCsv,
        Self::LogAnalyticsRest,
        Self::KustoV1,
        Self::KustoV2,
        Self::LogAnalyticsAz,
        Self::InvokeJson,
        Self::InvokeCsv,
        Self::DataExport,
        Self::DefenderCsv,
        Self::DefenderJson,
        Self::SuitePages,
        Self::SuiteMerged,
        Self::SuiteLines,
        Self::SuitePascal,
        Self::AnalyzerCsv,
        Self::DfirJson,
        Self::CippJson,
        Self::CippCsv,
        Self::CippRawCsv,
        Self::PowerShellJson,
        Self::PowerShellCsv,
    ];

    /// A kind by the name of its variant.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| format!("{kind:?}").eq_ignore_ascii_case(name))
    }

    pub fn is_diagnostic(self) -> bool {
        matches!(self, Self::DiagnosticLines | Self::EventHubRecords)
    }

    pub fn is_log_analytics(self) -> bool {
        matches!(
            self,
            Self::LogAnalyticsCsv
                | Self::LogAnalyticsRest
                | Self::KustoV1
                | Self::KustoV2
                | Self::LogAnalyticsAz
                | Self::InvokeJson
                | Self::InvokeCsv
                | Self::DataExport
        )
    }

    pub fn is_defender(self) -> bool {
        matches!(self, Self::DefenderCsv | Self::DefenderJson)
    }

    /// The portal's own downloads.
    pub fn is_portal_csv(self) -> bool {
        matches!(
            self,
            Self::PortalCsv2025
                | Self::PortalCsv2024
                | Self::PortalCsv2023
                | Self::PortalCsvGerman
                | Self::PortalCsvJapanese
                | Self::ApplicationCsv
        )
    }

    pub fn is_csv(self) -> bool {
        self.is_portal_csv()
            || matches!(
                self,
                Self::LogAnalyticsCsv
                    | Self::InvokeCsv
                    | Self::DefenderCsv
                    | Self::AnalyzerCsv
                    | Self::CippCsv
                    | Self::CippRawCsv
                    | Self::PowerShellCsv
            )
    }

    /// Rows are lists of cells inside of a JSON document.
    pub fn is_json_table(self) -> bool {
        matches!(self, Self::LogAnalyticsRest | Self::KustoV1 | Self::KustoV2)
    }

    /// Each record says when it was published, and a sign-in has a record for each state.
    pub fn is_dated(self) -> bool {
        self.is_diagnostic() || self.is_log_analytics()
    }

    /// Records or paths say whose log it is.
    pub fn names_exporter(self) -> bool {
        self.is_diagnostic() || self == Self::DfirJson
    }

    /// A page of a single record is a bare object.
    pub fn has_bare_pages(self) -> bool {
        matches!(self, Self::SuitePages | Self::SuiteMerged | Self::SuitePascal | Self::DfirJson)
    }

    pub fn shows(self) -> Shows {
        Shows {
            home: !self.is_defender() && self != Self::AnalyzerCsv,
            access: !self.is_defender()
                && !matches!(self, Self::GraphV1Page | Self::ApplicationCsv),
            app_owner: !matches!(
                self,
                Self::GraphV1Page | Self::PortalCsv2024 | Self::PortalCsv2023
            ),
            policies: !self.is_portal_csv()
                && !matches!(self, Self::AnalyzerCsv | Self::PowerShellJson | Self::PowerShellCsv),
            code: self != Self::PowerShellCsv,
        }
    }

    /// Copies of one sign-in in both kinds have one right winner.
    pub fn can_share_with(self, other: Self) -> bool {
        let (own, others) = (self.shows(), other.shows());
        self == other
            || (own.home == others.home
                && own.code
                && others.code
                && (self.is_dated() == other.is_dated() || own.policies == others.policies))
    }

    /// Interactive, non-interactive and service principal sign-ins go to files of their own.
    pub fn is_by_stream(self) -> bool {
        self.is_portal_csv()
            || matches!(self, Self::DiagnosticLines | Self::PortalJson | Self::DataExport)
    }

    /// Kinds that hold service principals' sign-ins beside users'.
    pub fn holds_principals(self) -> bool {
        self.is_diagnostic() || self == Self::DataExport
    }

    pub fn folder(self) -> &'static str {
        match self {
            Self::DiagnosticLines => "blobs",
            Self::EventHubRecords => "event-hub",
            Self::GraphBetaPage => "graph-beta",
            Self::GraphV1Page => "graph-v1",
            Self::GraphArray => "extractor",
            Self::GraphObject => "objects",
            Self::GraphLines => "goose",
            Self::PortalJson => "portal",
            Self::PortalCsv2025 => "portal-2025",
            Self::PortalCsv2024 => "portal-2024",
            Self::PortalCsv2023 => "portal-2023",
            Self::PortalCsvGerman => "portal-german",
            Self::PortalCsvJapanese => "portal-japanese",
            Self::ApplicationCsv => "applications",
            Self::LogAnalyticsCsv => "workspace",
            Self::LogAnalyticsRest => "workspace-rest",
            Self::KustoV1 => "kusto-v1",
            Self::KustoV2 => "kusto-v2",
            Self::LogAnalyticsAz => "az",
            Self::InvokeJson => "invoke-json",
            Self::InvokeCsv => "invoke-csv",
            Self::DataExport => "data-export",
            Self::DefenderCsv => "hunting",
            Self::DefenderJson => "hunting-api",
            Self::SuitePages => "suite",
            Self::SuiteMerged => "suite-merged",
            Self::SuiteLines => "suite-sof-elk",
            Self::SuitePascal => "suite-3",
            Self::AnalyzerCsv => "analyzer",
            Self::DfirJson => "azure_ad_signin",
            Self::CippJson => "cipp",
            Self::CippCsv => "cipp-report",
            Self::CippRawCsv => "cipp-raw",
            Self::PowerShellJson => "powershell",
            Self::PowerShellCsv => "powershell-csv",
        }
    }
}
