//! Lists of partners and of customers, in the shapes in which people have them.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::authentication_details::is_authentication_details;
use super::open::Hashing;
use crate::tenant::{CustomerList, Partner, TenantId};

/// A list that cannot be used: place first, then the cause.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: line {line}: `{text}` is no tenant id (a GUID)", path.display())]
    BadTenant { path: PathBuf, line: u64, text: String },
    #[error("{}: line {line}: `{text}` is no object id (a GUID)", path.display())]
    BadUser { path: PathBuf, line: u64, text: String },
    #[error("{}: {message}", path.display())]
    Shape { path: PathBuf, message: String },
}

/// What a file among the inputs turns out to be, by its name and its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    Partners,
    Customers,
    /// `tenant_id,name` under a name that does not say whose: named, never used.
    Unclear,
    /// The steps of the sign-ins in a portal download beside it.
    AuthenticationDetails,
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Partners => "a list of partners",
            Self::Customers => "a list of customers",
            Self::Unclear => "a list of tenants",
            Self::AuthenticationDetails => {
                "authentication details, joined to the log in the same folder by the request id"
            }
        })
    }
}

/// Recognises a list among the inputs; `head` is the beginning of its text.
pub fn recognise(file_name: &str, head: &str) -> Option<ListKind> {
    let stem = file_name.split('.').next().unwrap_or_default().to_lowercase();
    let text = head.trim_start_matches('\u{FEFF}').trim_start();
    if text.starts_with(['{', '[']) {
        return recognise_json(&stem, text);
    }
    let header: Vec<String> = cells_of(first_line(text));
    if is_authentication_details(&header) {
        return Some(ListKind::AuthenticationDetails);
    }
    let has = |name: &str| header.iter().any(|cell| cell == name);
    if has("date (utc)") || has("createddatetime") {
        return None;
    }
    if has("partner_tenant_id") {
        return Some(ListKind::Partners);
    }
    let tenants = has("tenant_id") || has("tenantid") || has("customerid") || has("microsoft id");
    let bare_ids = TenantId::parse(header.first().map_or("", String::as_str)).is_some();
    match stem.as_str() {
        "partners" if tenants || bare_ids => Some(ListKind::Partners),
        "tenants" if tenants || bare_ids => Some(ListKind::Customers),
        _ if has("microsoft id") || (has("customerid") && !has("status")) => {
            Some(ListKind::Customers)
        }
        _ if has("tenant_id") && header.len() <= 4 => Some(ListKind::Unclear),
        _ => None,
    }
}

/// Judges by keys only: what stands in texts may come from outsiders.
fn recognise_json(stem: &str, text: &str) -> Option<ListKind> {
    let has = |key: &str| {
        let key = format!("\"{key}\"");
        text.match_indices(&key).any(|(at, _)| text[at + key.len()..].trim_start().starts_with(':'))
    };
    if ["appDisplayName", "properties", "conditionalAccessStatus", "records", "ipAddress"]
        .into_iter()
        .any(has)
    {
        return None;
    }
    let customers = context_of(text).is_some_and(|context| {
        ["delegatedAdminCustomers", "delegatedAdminRelationships", "contracts"]
            .into_iter()
            .any(|list| context.ends_with(list))
    });
    let partner_center = has("companyProfile") && has("relationshipToPartner");
    let cipp = has("customerId") && (has("defaultDomainName") || has("displayName"));
    let relationship = has("customer") && has("accessDetails");
    match stem {
        _ if customers || partner_center || cipp || relationship => Some(ListKind::Customers),
        "partners" => Some(ListKind::Partners),
        "tenants" => Some(ListKind::Customers),
        _ => None,
    }
}

/// The resource behind `$metadata#` in a Graph page's `@odata.context`.
fn context_of(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once("\"@odata.context\"")?;
    let value = behind.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let (value, _) = value.split_once('"')?;
    value.rsplit_once('#').map(|(_, resource)| resource)
}

/// Reads a list of partners: CSV `tenant_id,name,domains`, JSON, or one id a line.
///
/// # Errors
/// The file cannot be read, or an id is no GUID.
pub fn read_partners(path: &Path) -> Result<Vec<Partner>, ListError> {
    let rows = read_rows(path)?;
    rows.into_iter()
        .map(|row| {
            let tenant_id = row.tenant(path)?;
            Ok(Partner { tenant_id, name: row.name, domains: split_domains(&row.domains) })
        })
        .collect()
}

/// Reads a list of customers: Partner Center, Graph, CIPP, or `tenant_id,name`.
///
/// # Errors
/// The file cannot be read, or an id is no GUID.
pub fn read_customers(path: &Path) -> Result<CustomerList, ListError> {
    let mut customers = CustomerList::default();
    for row in read_rows(path)? {
        customers.add(row.tenant(path)?, row.name);
    }
    Ok(customers)
}

fn split_domains(text: &str) -> Vec<String> {
    text.split([' ', ';', ',', '|'])
        .map(|domain| domain.trim().trim_start_matches('@').to_lowercase())
        .filter(|domain| !domain.is_empty())
        .collect()
}

/// One entry of a list, before its id is checked.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    line: u64,
    id: String,
    name: Option<String>,
    domains: String,
}

impl Row {
    fn tenant(&self, path: &Path) -> Result<TenantId, ListError> {
        TenantId::parse(&self.id).ok_or_else(|| ListError::BadTenant {
            path: path.to_owned(),
            line: self.line,
            text: self.id.clone(),
        })
    }
}

/// The text of a list, in whichever encoding it was saved.
pub(super) fn read_text(path: &Path) -> Result<String, ListError> {
    let read_error = |source| ListError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let mut export = super::open::open(path, Hashing::Off).map_err(read_error)?;
    std::io::Read::read_to_string(&mut export, &mut text).map_err(read_error)?;
    Ok(text)
}

fn read_rows(path: &Path) -> Result<Vec<Row>, ListError> {
    let text = read_text(path)?;
    let text = text.trim_start_matches('\u{FEFF}');
    let rows = if text.trim_start().starts_with(['{', '[']) {
        rows_of_json(text)
    } else {
        rows_of_table(text)
    };
    rows.map_err(|message| ListError::Shape { path: path.to_owned(), message })
}

/// Names, in order of preference, under which lists hold the tenant id, its name, its domains.
const ID_KEYS: [&str; 6] =
    ["tenant_id", "partner_tenant_id", "microsoft id", "customerid", "tenantid", "id"];
const NAME_KEYS: [&str; 6] =
    ["name", "company name", "companyname", "displayname", "customer", "customername"];
const DOMAIN_KEYS: [&str; 2] = ["domains", "domain"];

fn rows_of_table(text: &str) -> Result<Vec<Row>, String> {
    let first = first_line(text);
    let header = cells_of(first);
    let column =
        |names: &[&str]| names.iter().find_map(|name| header.iter().position(|cell| cell == name));
    let id = column(&ID_KEYS);
    let mut reader = table_reader(text, id.is_some());
    let (name, domains) =
        if id.is_some() { (column(&NAME_KEYS), column(&DOMAIN_KEYS)) } else { (Some(1), Some(2)) };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let entry = cell(Some(id.unwrap_or(0)));
        // A plain list may name its partners as flags do: GUID=NAME.
        let (entry, given) = entry.split_once('=').unwrap_or((entry, cell(name)));
        if entry.is_empty() && record.iter().all(str::is_empty) {
            continue;
        }
        rows.push(Row {
            line: line_of(text, entry, record.position()),
            id: entry.to_owned(),
            name: Some(given.to_owned()).filter(|name| !name.is_empty()),
            domains: cell(domains).to_owned(),
        });
    }
    Ok(rows)
}

/// Reads a table as people save one: commas or semicolons, blanks around cells, comments.
pub(super) fn table_reader(text: &str, has_headers: bool) -> csv::Reader<&[u8]> {
    let delimiter = if first_line(text).contains(';') { b';' } else { b',' };
    csv::ReaderBuilder::new()
        .has_headers(has_headers)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes())
}

/// The line on which an entry stands; the reader's position lies before the blank lines and
/// comments that it skipped.
pub(super) fn line_of(text: &str, entry: &str, position: Option<&csv::Position>) -> u64 {
    let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
    let at = text.get(start..).and_then(|rest| rest.find(entry)).map_or(start, |at| start + at);
    1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count() as u64
}

/// The first line that is neither blank nor a comment.
pub(super) fn first_line(text: &str) -> &str {
    let told = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    text.lines().find(told).unwrap_or_default()
}

pub(super) fn cells_of(line: &str) -> Vec<String> {
    let delimiter = if line.contains(';') { ';' } else { ',' };
    line.trim_end()
        .split(delimiter)
        .map(|cell| cell.trim().trim_matches('"').trim().to_lowercase())
        .collect()
}

fn rows_of_json(text: &str) -> Result<Vec<Row>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let entries = entries_of(&value)?;
    // A relationship without a customer yet (created, awaiting approval) names nobody.
    Ok((1..).zip(entries).filter_map(|(line, entry)| row_of_json(line, entry)).collect())
}

/// The entries of a list, of a page, or the one entry that the file holds.
pub(super) fn entries_of(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::Array(entries) => Ok(entries.as_slice()),
        Value::Object(_) => Ok(["value", "items", "Results"]
            .iter()
            .find_map(|key| value.get(key).and_then(Value::as_array))
            .map_or(std::slice::from_ref(value), Vec::as_slice)),
        _ => Err("neither a list nor an object".to_owned()),
    }
}

fn row_of_json(line: u64, entry: &Value) -> Option<Row> {
    if let Value::String(id) = entry {
        return Some(Row { line, id: id.clone(), ..Row::default() });
    }
    let entry = match entry.get("customer") {
        Some(customer) if customer.is_object() => customer,
        Some(Value::Null) => return None,
        _ => entry,
    };
    let profile = entry.get("companyProfile").unwrap_or(&Value::Null);
    let get = |keys: &[&str]| {
        keys.iter().find_map(|key| [entry, profile].into_iter().find_map(|part| member(part, key)))
    };
    Some(Row {
        line,
        id: get(&ID_KEYS).unwrap_or_default(),
        name: get(&NAME_KEYS).filter(|name| !name.trim().is_empty()),
        domains: get(&DOMAIN_KEYS).unwrap_or_default(),
    })
}

/// A member by its key without case, as text; a list of texts joined by blanks.
fn member(object: &Value, key: &str) -> Option<String> {
    let (_, value) = object.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";

    #[test]
    fn every_list_of_partners_names_the_same_partner() {
        for text in [
            format!("tenant_id,name,domains\n{A},Fabrikam,fabrikam.example; fabrikam.test\n"),
            format!("Tenant_Id;Name;Domains\r\n{A};Fabrikam;fabrikam.example fabrikam.test\r\n"),
            format!(
                "[{{\"tenant_id\":\"{A}\",\"name\":\"Fabrikam\",\"domains\":[\"fabrikam.example\",\"Fabrikam.test\"]}}]"
            ),
            format!("{A},Fabrikam,@fabrikam.example|fabrikam.test\n"),
        ] {
            let file = tempfile::NamedTempFile::new().expect("file");
            std::fs::write(file.path(), &text).expect("written");
            let partners = read_partners(file.path()).expect(&text);
            assert_eq!(partners.len(), 1, "{text}");
            assert_eq!(partners[0].name.as_deref(), Some("Fabrikam"), "{text}");
            assert_eq!(partners[0].domains, ["fabrikam.example", "fabrikam.test"], "{text}");
        }
    }

    #[test]
    fn a_bad_id_is_named_with_its_line() {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), format!("# ours\n{A}\n\nfabrikam\n")).expect("written");
        let error = read_partners(file.path()).expect_err("refused").to_string();
        assert!(error.ends_with("line 4: `fabrikam` is no tenant id (a GUID)"), "{error}");
    }

    #[test]
    fn lists_among_the_inputs_are_known_by_name_or_header() {
        use ListKind::{Customers, Partners, Unclear};
        for (name, head, kind) in [
            ("partners.csv", "tenant_id,name\n", Some(Partners)),
            ("x.csv", "partner_tenant_id,name\n", Some(Partners)),
            (
                "x.json",
                "[{\"userAgent\":\"#contracts delegatedAdminCustomers\",\"ipAddress\":1",
                None,
            ),
            ("Customers.csv", "Microsoft ID,Company name,Primary domain name\n", Some(Customers)),
            ("tenants.csv", "tenant_id,name\n", Some(Customers)),
            ("x.csv", "tenant_id,name\n", Some(Unclear)),
            ("partners.txt", A, Some(Partners)),
            (
                "x.json",
                "{\"@odata.context\": \"https://…/$metadata#delegatedAdminCustomers\", ",
                Some(Customers),
            ),
            ("NonInteractive.csv", "Date (UTC),Request ID,Home tenant ID\n", None),
            ("x.json", "[{\"id\":\"…\",\"createdDateTime\":\"2026\"", None),
        ] {
            assert_eq!(recognise(name, head), kind, "{name} {head}");
        }
    }
}
