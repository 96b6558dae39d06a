//! Lists of users and of tools, in the shapes in which people have them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::lists::{ListError, cells_of, entries_of, first_line, line_of, read_text, table_reader};
use crate::tools::{Tool, ToolKind};
use crate::who::{AccountKind, ObjectId, User};

/// Reads a list of users: the portal's "Download users", the admin centre's export, Graph's
/// `users` (`Get-MgUser`), or CSV with `id`.
///
/// # Errors
/// The file cannot be read, has no column of object ids, or an id is no GUID.
pub fn read_users(path: &Path) -> Result<Vec<User>, ListError> {
    let list = List::read(path)?;
    list.require(path, &ID_KEYS, "the users' object ids (`id`, `objectId` or `Object Id`)")?;
    let blank = |entry: &&Entry| entry.get(&ID_KEYS).is_some() || !entry.is_blank();
    list.entries.iter().filter(blank).map(|entry| user_of(entry, path)).collect()
}

fn user_of(entry: &Entry, path: &Path) -> Result<User, ListError> {
    let id = entry.get(&ID_KEYS).unwrap_or_default();
    let object_id = ObjectId::parse(id).ok_or_else(|| ListError::BadUser {
        path: path.to_owned(),
        line: entry.line,
        text: id.to_owned(),
    })?;
    Ok(User {
        object_id,
        user_principal_name: entry.get(&PRINCIPAL_NAME_KEYS).map(str::to_owned),
        display_name: entry.get(&DISPLAY_NAME_KEYS).map(str::to_owned),
        // `userType` (member, guest) is another column, and other words say nothing.
        kind: entry.get(&["kind", "type"]).and_then(AccountKind::parse),
    })
}

/// Reads a list of tools: CSV or JSON with `app_id`, `app_name` (what the name holds) and `tool`.
///
/// # Errors
/// The file cannot be read, or a line names no tool or no app.
pub fn read_tools(path: &Path) -> Result<Vec<Tool>, ListError> {
    let list = List::read(path)?;
    list.require(path, &["tool"], "the tools' names (`tool`)")?;
    list.require(path, &["appid", "appname"], "the tools' apps (`app_id` or `app_name`)")?;
    list.entries.iter().filter(|entry| !entry.is_blank()).map(|e| tool_of(e, path)).collect()
}

fn tool_of(entry: &Entry, path: &Path) -> Result<Tool, ListError> {
    let (app_id, app_name) = (entry.get(&["appid"]), entry.get(&["appname"]));
    let wrong = |what: &str| ListError::Shape {
        path: path.to_owned(),
        message: format!("line {}: {what}", entry.line),
    };
    if app_id.is_none() && app_name.is_none() {
        return Err(wrong("neither an app id nor an app name"));
    }
    Ok(Tool {
        app_id: app_id.map(str::to_lowercase),
        app_name: app_name.map(str::to_owned),
        name: entry.get(&["tool"]).ok_or_else(|| wrong("no tool"))?.to_owned(),
        vendor: entry.get(&["vendor"]).map(str::to_owned),
        kind: ToolKind::ALL
            .into_iter()
            .find(|kind| entry.get(&["kind"]) == Some(kind.as_str()))
            .unwrap_or(ToolKind::Integration),
    })
}

/// Names of columns and members, in order of preference, without case, blanks and dashes.
const ID_KEYS: [&str; 4] = ["id", "objectid", "userid", "azureadobjectid"];
const PRINCIPAL_NAME_KEYS: [&str; 2] = ["userprincipalname", "upn"];
const DISPLAY_NAME_KEYS: [&str; 2] = ["displayname", "name"];

/// A list with whatever columns it has.
struct List {
    columns: Vec<String>,
    entries: Vec<Entry>,
}

/// One entry by the plain names of its columns; empty cells are left out.
struct Entry {
    line: u64,
    members: BTreeMap<String, String>,
}

impl Entry {
    fn get(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| self.members.get(*key)).map(String::as_str)
    }

    fn is_blank(&self) -> bool {
        self.members.is_empty()
    }
}

impl List {
    fn read(path: &Path) -> Result<Self, ListError> {
        let text = read_text(path)?;
        let text = text.trim_start_matches('\u{FEFF}');
        let list = if text.trim_start().starts_with(['{', '[']) {
            Self::of_json(text)
        } else {
            Self::of_table(text)
        };
        list.map_err(|message| ListError::Shape { path: path.to_owned(), message })
    }

    /// Refuses a list without any of these columns, and says what it has.
    fn require(&self, path: &Path, keys: &[&str], what: &str) -> Result<(), ListError> {
        if self.columns.iter().any(|column| keys.contains(&plain(column).as_str())) {
            return Ok(());
        }
        let found = match self.columns.as_slice() {
            [] => "it is empty".to_owned(),
            columns => format!("it has {}", columns.join(", ")),
        };
        let message = format!("no column with {what}; {found}");
        Err(ListError::Shape { path: path.to_owned(), message })
    }

    fn of_table(text: &str) -> Result<Self, String> {
        let columns: Vec<String> = cells_of(first_line(text));
        let keys: Vec<String> = columns.iter().map(|column| plain(column)).collect();
        let mut reader = table_reader(text, true);
        let mut entries = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| error.to_string())?;
            let first = record.iter().find(|cell| !cell.is_empty()).unwrap_or_default();
            let line = line_of(text, first, record.position());
            let cells = keys.iter().zip(record.iter());
            let told = cells.filter(|(_, cell)| !cell.is_empty());
            let members = told.map(|(key, cell)| (key.clone(), cell.to_owned())).collect();
            entries.push(Entry { line, members });
        }
        Ok(Self { columns, entries })
    }

    fn of_json(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut list = Self { columns: Vec::new(), entries: Vec::new() };
        for (line, object) in (1..).zip(entries_of(&value)?) {
            let Some(object) = object.as_object() else { continue };
            list.columns.extend(
                object
                    .keys()
                    .filter(|key| !list.columns.contains(key))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
            let text = |value: &Value| value.as_str().map(str::trim).map(str::to_owned);
            let members = object.iter().filter_map(|(key, value)| Some((plain(key), text(value)?)));
            let members = members.filter(|(_, text)| !text.is_empty()).collect();
            list.entries.push(Entry { line, members });
        }
        Ok(list)
    }
}

/// `Object Id`, `objectId` and `object_id` are one column.
fn plain(column: &str) -> String {
    column.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9";

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), bytes).expect("written");
        file
    }

    fn utf16(text: &str) -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn every_list_of_users_names_the_same_user() {
        let portal = format!(
            "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle\r\n\
             svc@fabrikam.example,\"Service, Liongard\",,,,{ID},Member,\r\n"
        );
        let admin_centre = format!(
            "Block credential;Display name;Object Id;User principal name;Kind\r\n\
             False;Service, Liongard;{ID};svc@fabrikam.example;Integration\r\n"
        );
        let graph = format!(
            r#"{{"value":[{{"id":"{ID}","userPrincipalName":"svc@fabrikam.example","displayName":"Service, Liongard","businessPhones":[]}}]}}"#
        );
        let get_mg_user = format!(
            "#TYPE Microsoft.Graph.PowerShell.Models.MicrosoftGraphUser\r\n\
             \"DisplayName\",\"Id\",\"UserPrincipalName\"\r\n\
             \"Service, Liongard\",\"{ID}\",\"svc@fabrikam.example\"\r\n"
        );
        for bytes in [
            portal.clone().into_bytes(),
            utf16(&portal),
            format!("\u{FEFF}{portal}").into_bytes(),
            admin_centre.into_bytes(),
            graph.into_bytes(),
            get_mg_user.into_bytes(),
        ] {
            let told = String::from_utf8_lossy(&bytes).into_owned();
            let users = read_users(file(&bytes).path()).expect(&told);
            assert_eq!(users.len(), 1, "{told}");
            assert_eq!(users[0].object_id.to_string(), ID, "{told}");
            assert_eq!(users[0].name(), Some("svc@fabrikam.example"), "{told}");
            assert_eq!(users[0].display_name.as_deref(), Some("Service, Liongard"), "{told}");
        }
    }

    #[test]
    fn a_list_without_ids_says_what_it_has() {
        let list = file(b"userPrincipalName,displayName\r\na@b,A\r\n");
        let error = read_users(list.path()).expect_err("refused").to_string();
        let told = "no column with the users' object ids (`id`, `objectId` or `Object Id`); \
                    it has userprincipalname, displayname";
        assert!(error.ends_with(told), "{error}");
        let list = file(format!("id,displayName\n{ID},A\n\nbob,B\n").as_bytes());
        let error = read_users(list.path()).expect_err("refused").to_string();
        assert!(error.ends_with("line 4: `bob` is no object id (a GUID)"), "{error}");
    }

    #[test]
    fn a_list_of_tools() {
        let list = file(b"app_id,app_name,tool\n,Fabrikam Sync,Sync\nABC,,Backup\n");
        let tools = read_tools(list.path()).expect("tools");
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names, ["Sync", "Backup"]);
        assert_eq!(tools[1].app_id.as_deref(), Some("abc"));
        let error = read_tools(file(b"app_id,tool\n,Sync\n").path()).expect_err("refused");
        assert!(
            error.to_string().ends_with("line 2: neither an app id nor an app name"),
            "{error}"
        );
    }
}
