//! Cells of the dataset's tables, by the name of their column: for whoever shows rows.

use super::{Redactor, known};

/// Columns that hold words of this program, or figures as text.
const OWN_WORDS: [&str; 23] = [
    "blind_spots",
    "category",
    "cause_basis",
    "compression",
    "confidence",
    "dialect",
    "encoding",
    "evidence_basis",
    "kind",
    "kind_from",
    "kind_noninteractive",
    "name_from",
    "partner_match",
    "remedy",
    "row_evidence",
    "side",
    "sign_in_type",
    "source",
    "state_times",
    "symbolic_name",
    "verdict",
    "who_acts",
    "who_fixes",
];

impl Redactor {
    /// A cell of a column of the dataset. What stands in a column of another name, such as one
    /// that a query made, is somebody's own until the contrary is known.
    pub fn cell(&self, column: &str, text: &str) -> String {
        match column {
            "account"
            | "user_id"
            | "user_principal_name"
            | "user_display_name"
            | "object_id"
            | "display_name" => self.account(text),
            "ip_address" => self.address(text),
            "device_id" => self.device(text),
            "policy_id" => self.policy_id(text),
            "policy_name" | "policy" => self.policy(text),
            "app_id" | "app_name" | "app" | "resource_id" | "resource_name" => self.app(text),
            "tool" => self.tool(text),
            "sign_in_id" => self.request(text),
            "correlation_id" => self.correlation(text),
            "source_export" | "path" | "container" | "log" => self.export(text),
            "child_name" | "customer" => self.customer(text),
            "partner_name" | "partner" | "provider" => self.partner(text),
            "name" => self.pseudonym("name", "name", text),
            "country" => self.country(text.to_owned()),
            "client_app" | "operating_system" | "risk_level" => self.public(column, text),
            "demanded_controls" | "session_controls" => self.each(text, |name| self.control(name)),
            "matched_conditions" | "unmatched_conditions" => {
                self.each(text, |name| self.condition(name))
            }
            "cause" if text.contains(known::LOG_SAYS) => super::to_do::REASON_LEFT_OUT.to_owned(),
            "cause" => text.to_owned(),
            own if OWN_WORDS.contains(&own) => text.to_owned(),
            other if other.ends_with("tenant_id") => {
                self.guid(text).unwrap_or_else(|| self.text("tenant", text))
            }
            other => known::word(text).map_or_else(|| self.text(other, text), str::to_owned),
        }
    }

    fn public(&self, column: &str, text: &str) -> String {
        let public = match column {
            "client_app" => known::client_app(text),
            "risk_level" => known::risk_level(text),
            _ => known::operating_system(text),
        };
        public.map_or_else(|| self.text(column, text), str::to_owned)
    }

    /// Each of several words that are joined by commas.
    fn each(&self, text: &str, turn: impl Fn(&str) -> String) -> String {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(turn).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Table, columns};
    use crate::redact::Key;

    /// A column that is added later hides what it holds, unless it is named above.
    #[test]
    fn no_column_shows_what_somebody_chose() {
        let by = Redactor::new(Key::of([7; 32]));
        for table in Table::ALL {
            for column in columns(table) {
                let cell = by.cell(column.name, "Contoso's own text");
                let is_shown = cell.contains("Contoso");
                let is_own = OWN_WORDS.contains(&column.name) || column.name == "cause";
                assert_eq!(is_shown, is_own, "{}: {cell}", column.name);
            }
        }
        let said = "Not known here; the log says: Contoso is closed";
        assert!(!by.cell("cause", said).contains("Contoso"));
        assert!(!by.cell("customers", "Contoso").contains("Contoso"));
    }

    #[test]
    fn known_words_stay_and_others_beside_them_go() {
        let by = Redactor::new(Key::of([7; 32]));
        assert_eq!(by.cell("user_type", "guest"), "guest");
        assert_eq!(by.cell("demanded_controls", "Block,Mfa"), "Block,Mfa");
        let mixed = by.cell("matched_conditions", "users,application,contoso");
        assert!(mixed.starts_with("users,application,condition-"), "{mixed}");
        assert_eq!(by.cell("child_name", "Contoso"), by.customer("contoso"));
    }
}
