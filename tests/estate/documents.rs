//! What stands around records: brackets, pages, the answers of queries.

use super::json::Style;
use super::kind::Kind;
use super::rng::Rng;
use super::{cipp, defender, log_analytics};

/// What a document begins and ends with, and what stands between its records.
pub struct Brackets {
    pub open: String,
    pub separator: String,
    pub close: String,
    /// Depth at which records stand, for indentation.
    pub depth: usize,
}

impl Brackets {
    /// Of a kind whose records stand on lines of their own.
    fn lines(line_end: &str) -> Self {
        Self { open: String::new(), separator: line_end.into(), close: String::new(), depth: 0 }
    }

    pub fn draw(kind: Kind, style: Style, line_end: &str, variant: u64, rng: &mut Rng) -> Self {
        let (open, close) = match kind {
            Kind::EventHubRecords => ("{\"records\":[".into(), "]}".into()),
            Kind::GraphBetaPage | Kind::GraphV1Page => {
                (page_head(kind, style.indent, rng), "]}".into())
            }
            kind if kind.is_json_table() => log_analytics::document(kind, variant),
            Kind::DefenderJson => defender::document(variant),
            Kind::CippJson => cipp::document(variant),
            Kind::InvokeJson if variant.is_multiple_of(2) => (
                "{\"Results\":[".into(),
                "],\"Render\":null,\"Statistics\":null,\"Error\":null}".into(),
            ),
            Kind::GraphArray
            | Kind::PortalJson
            | Kind::LogAnalyticsAz
            | Kind::InvokeJson
            | Kind::SuitePages
            | Kind::SuiteMerged
            | Kind::SuitePascal
            | Kind::DfirJson
            | Kind::PowerShellJson => ("[".into(), "]".into()),
            _ => return Self::lines(line_end),
        };
        Self { open, separator: ",".into(), close, depth: if kind.is_json_table() { 3 } else { 1 } }
            .indented(style.indent)
    }

    /// On lines of their own, in an indented document.
    fn indented(mut self, indent: usize) -> Self {
        if self.close == "]}" {
            self.depth = self.depth.max(2);
        }
        if indent > 0 {
            let blanks = " ".repeat(self.depth * indent);
            self.open += &format!("\n{blanks}");
            self.separator += &format!("\n{blanks}");
            self.close = format!("\n{}{}", &blanks[indent..], self.close.replacen("]}", "]\n}", 1));
        }
        self
    }
}

fn page_head(kind: Kind, indent: usize, rng: &mut Rng) -> String {
    let version = if kind == Kind::GraphV1Page { "v1.0" } else { "beta" };
    let gap = if indent > 0 { format!("\n{}", " ".repeat(indent)) } else { String::new() };
    let mut head = format!(
        "{{{gap}\"@odata.context\":\"https://graph.microsoft.com/{version}/$metadata#auditLogs/signIns\",{gap}"
    );
    if rng.chance(0.3) {
        head += &format!(
            "\"@odata.nextLink\":\"https://graph.microsoft.com/{version}/auditLogs/signIns?$skiptoken=3cff228c\",{gap}"
        );
    }
    head + "\"value\":["
}
