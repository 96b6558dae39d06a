//! The questions that come with the program: the files of `queries/`, one question each.

/// A question with its answer in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedQuery {
    /// The name of its file, without `.sql`.
    pub name: &'static str,
    /// With the question as a comment in the first line.
    pub sql: &'static str,
}

impl NamedQuery {
    /// The question that it answers.
    pub fn title(&self) -> &'static str {
        title_of(self.sql).unwrap_or(self.name)
    }
}

/// The comment in the first line of a query.
pub fn title_of(sql: &str) -> Option<&str> {
    sql.lines().next()?.strip_prefix("--").map(str::trim)
}

/// Finds a question by its name.
pub fn named(name: &str) -> Option<&'static NamedQuery> {
    NAMED.iter().find(|query| query.name == name)
}

macro_rules! queries {
    ($($name:literal,)*) => {
        &[$(NamedQuery { name: $name, sql: include_str!(concat!("../../queries/", $name, ".sql")) },)*]
    };
}

/// All of them: what is refused first, then who came in, then what the logs can show.
pub static NAMED: &[NamedQuery] = queries![
    "blocked-customers",
    "blocking-policies",
    "causes",
    "timeline",
    "refused-sign-ins",
    "by-app",
    "by-account",
    "by-address",
    "by-country",
    "coming-blocks",
    "who-came-in",
    "single-factor",
    "new-accounts",
    "addresses-in-many-customers",
    "success-after-block",
    "unknown-addresses",
    "device-code-and-password",
    "other-providers",
    "evidence-gaps",
    "rejects",
    "exports",
];
