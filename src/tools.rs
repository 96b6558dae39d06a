//! The tools of service providers, by the apps with which they sign in. Pure.
//!
//! Vendors publish few app ids, and some tools (CIPP) run with an app of the partner's own, so
//! most are known by the app's name; ids stand in the table only where Microsoft or many public
//! sources agree on them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

/// A line of `data/tools.csv`, or of the user's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// In lower case.
    pub app_id: Option<String>,
    /// What the app's name holds, in any case.
    pub app_name: Option<String>,
    pub name: String,
    pub vendor: Option<String>,
    pub kind: ToolKind,
}

/// What a tool is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// Works by itself, mostly without a person.
    Integration,
    /// In the hands of an administrator.
    Administration,
}

impl ToolKind {
    pub const ALL: [Self; 2] = [Self::Integration, Self::Administration];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Administration => "administration",
        }
    }
}

/// By what an app was known for a tool's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    Id,
    /// Anybody can give an app a name.
    Name,
}

impl KnownBy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
        }
    }
}

impl Tool {
    /// Whether an app is this tool's, and by what.
    fn knows(&self, app_id: Option<&str>, app_name: Option<&str>) -> Option<KnownBy> {
        let same_id = |id: &String| app_id.is_some_and(|app| app.trim().eq_ignore_ascii_case(id));
        if self.app_id.as_ref().is_some_and(same_id) {
            return Some(KnownBy::Id);
        }
        let pattern = self.app_name.as_ref().map(|pattern| pattern.to_lowercase());
        let holds =
            |pattern: String| app_name.is_some_and(|app| app.to_lowercase().contains(&pattern));
        pattern.is_some_and(holds).then_some(KnownBy::Name)
    }
}

/// All lines of the table that comes with the program.
pub fn all() -> &'static [Tool] {
    &TABLE
}

/// The tool behind an app, by the table that comes with the program.
pub fn tool_of(app_id: Option<&str>, app_name: Option<&str>) -> Option<(&'static Tool, KnownBy)> {
    first_of(&TABLE, app_id, app_name)
}

/// An id says more than a name, wherever either stands in the table.
fn first_of<'a>(
    tools: &'a [Tool],
    app_id: Option<&str>,
    app_name: Option<&str>,
) -> Option<(&'a Tool, KnownBy)> {
    let find = |id, name| tools.iter().find_map(|tool| Some((tool, tool.knows(id, name)?)));
    find(app_id, None).or_else(|| find(None, app_name))
}

/// What the user said of apps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolList {
    tools: Vec<Tool>,
    integration_apps: BTreeSet<String>,
}

impl ToolList {
    pub fn add(&mut self, tool: Tool) {
        self.tools.push(tool);
    }

    /// Names an app with which integrations sign in.
    pub fn name_integration_app(&mut self, app_id: &str) {
        self.integration_apps.insert(app_id.trim().to_lowercase());
    }

    /// In the order of the user's lists.
    pub fn tools(&self) -> &[Tool] {
        &self.tools
    }

    /// Ids in lower case.
    pub fn integration_apps(&self) -> impl Iterator<Item = &str> {
        self.integration_apps.iter().map(String::as_str)
    }

    pub fn is_integration_app(&self, app_id: &str) -> bool {
        self.integration_apps.contains(&app_id.to_lowercase())
    }

    /// What a later run says takes the place of what was said; what it leaves out stays.
    pub fn or_earlier(&self, earlier: &Self) -> Self {
        let tools = if self.tools.is_empty() { earlier } else { self };
        let apps = if self.integration_apps.is_empty() { earlier } else { self };
        Self { tools: tools.tools.clone(), integration_apps: apps.integration_apps.clone() }
    }

    /// The tool behind an app: the user's lines first.
    pub fn tool_of(
        &self,
        app_id: Option<&str>,
        app_name: Option<&str>,
    ) -> Option<(&Tool, KnownBy)> {
        first_of(&self.tools, app_id, app_name).or_else(|| tool_of(app_id, app_name))
    }
}

/// A line of the table as it stands in the file.
#[derive(Deserialize)]
struct Line {
    app_id: Option<String>,
    app_name: Option<String>,
    /// How the app is known: said for readers of the file.
    #[serde(rename = "match")]
    _match: String,
    tool: String,
    vendor: Option<String>,
    kind: ToolKind,
}

#[expect(clippy::expect_used, reason = "the table is compiled in, and a test reads it")]
static TABLE: LazyLock<Vec<Tool>> = LazyLock::new(|| {
    let text = include_str!("../data/tools.csv");
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .map(|line| {
            line.map(|line: Line| Tool {
                app_id: line.app_id,
                app_name: line.app_name,
                name: line.tool,
                vendor: line.vendor,
                kind: line.kind,
            })
        })
        .collect::<Result<_, _>>()
        .expect("data/tools.csv is compiled in and checked by a test")
});

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(app_id: Option<&str>, app_name: Option<&str>) -> Option<(&'static str, KnownBy)> {
        tool_of(app_id, app_name).map(|(tool, by)| (tool.name.as_str(), by))
    }

    #[test]
    fn tools_are_known_by_id_else_by_name() {
        let cli = Some("04B07795-8ddb-461a-bbee-02f9e1bf7b46");
        assert_eq!(name_of(cli, Some("Liongard")), Some(("Azure CLI", KnownBy::Id)));
        assert_eq!(name_of(Some("x"), Some("liongard roar")), Some(("Liongard", KnownBy::Name)));
        assert_eq!(name_of(None, Some("Fabrikam CIPP-SAM")), Some(("CIPP-SAM", KnownBy::Name)));
        assert_eq!(name_of(None, Some("Office 365")), None);
        assert_eq!(name_of(None, None), None);
    }

    #[test]
    fn every_line_says_by_what_its_app_is_known() {
        let text = include_str!("../data/tools.csv");
        for line in csv::Reader::from_reader(text.as_bytes()).deserialize() {
            let line: Line = line.expect("a line");
            let said = if line.app_id.is_some() { "id" } else { "name" };
            assert_eq!(line._match, said, "{}", line.tool);
            assert_ne!(line.app_id.is_some(), line.app_name.is_some(), "{}", line.tool);
            assert!(line.app_name.is_none_or(|name| name.len() > 3), "{}", line.tool);
        }
    }

    #[test]
    fn the_users_lines_come_first() {
        let mut list = ToolList::default();
        list.add(Tool {
            app_id: None,
            app_name: Some("Liongard".to_owned()),
            name: "Our monitoring".to_owned(),
            vendor: None,
            kind: ToolKind::Integration,
        });
        let name = |app| list.tool_of(None, Some(app)).map(|(tool, _)| tool.name.as_str());
        assert_eq!(name("Liongard"), Some("Our monitoring"));
        assert_eq!(name("Rewst"), Some("Rewst"));
    }
}
