//! Tables: which kind a table is by the names of its columns, and how its rows are read.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::FixedOffset;

use super::json::Room;
use super::row::{Column, Field, FieldOf, read_cells, read_values};
use super::{
    Dialect, Reading, RecordOptions, Unreadable, defender, log_analytics, portal_csv, sign_in_csv,
};
use crate::sign_in::SignInType;
use crate::time::{DateOrder, parse_zone};

/// What the user says of the tables among the inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TableOptions {
    /// Columns whose names no kind knows.
    pub mapped: Vec<MappedColumn>,
    /// The zone of columns in local time.
    pub local_zone: Option<FixedOffset>,
    /// The order of day and month.
    pub date_order: Option<DateOrder>,
}

impl TableOptions {
    /// What the user says of a column.
    pub(super) fn field_of(&self, column: &str) -> Option<Field<'static>> {
        let key = column_key(column);
        let mapped = self.mapped.iter().find(|mapped| mapped.column == key)?;
        Some(mapped.field())
    }

    /// All of it as one text: other options read other rows from the same bytes.
    pub fn to_text(&self) -> String {
        let zone = self.local_zone.map(|zone| zone.to_string()).unwrap_or_default();
        let order = self.date_order.map_or("", DateOrder::as_str);
        let mapped: Vec<String> = self
            .mapped
            .iter()
            .map(|mapped| format!("{}={}", mapped.column, mapped.field))
            .collect();
        format!("{zone}\n{order}\n{}", mapped.join("\n"))
    }
}

/// `--map COLUMN=FIELD`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MappedColumn {
    /// As [`column_key`] writes it.
    column: String,
    /// As the user wrote it, one of [`map_fields`].
    field: String,
}

impl MappedColumn {
    /// Reads `COLUMN=FIELD`; the field stands behind the last `=`.
    ///
    /// # Errors
    /// There is no such field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (column, field) = text.rsplit_once('=').ok_or("write it as COLUMN=FIELD".to_owned())?;
        let field = field.trim().to_ascii_lowercase();
        if mapped_field(&field).is_none() {
            let fields: Vec<&str> = map_fields().collect();
            return Err(format!("no field `{field}`; there are {}", fields.join(", ")));
        }
        Ok(Self { column: column_key(column), field })
    }

    fn field(&self) -> Field<'static> {
        mapped_field(&self.field).unwrap_or(Field::Nothing)
    }
}

fn mapped_field(name: &str) -> Option<Field<'static>> {
    MAP_FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
}

/// The names of the fields that a column can be mapped to: those of the dataset's columns.
pub fn map_fields() -> impl Iterator<Item = &'static str> {
    MAP_FIELDS.iter().map(|(name, _)| *name)
}

const MAP_FIELDS: [(&str, Field<'static>); 26] = [
    ("created_at", Field::Member("createddatetime")),
    ("sign_in_id", Field::Member("id")),
    ("home_tenant_id", Field::Member("hometenantid")),
    ("resource_tenant_id", Field::Member("resourcetenantid")),
    ("exporting_tenant_id", Field::ExportingTenant),
    ("cross_tenant_access", Field::Member("crosstenantaccesstype")),
    ("user_id", Field::Member("userid")),
    ("user_principal_name", Field::Member("userprincipalname")),
    ("user_display_name", Field::Member("userdisplayname")),
    ("user_type", Field::Member("usertype")),
    ("app_id", Field::Member("appid")),
    ("app_name", Field::Member("appdisplayname")),
    ("app_owner_tenant_id", Field::Member("appownertenantid")),
    ("resource_id", Field::Member("resourceid")),
    ("resource_name", Field::Member("resourcedisplayname")),
    ("ip_address", Field::Member("ipaddress")),
    ("city", Field::Member("location.city")),
    ("country", Field::Member("location.countryorregion")),
    ("client_app", Field::Member("clientappused")),
    ("user_agent", Field::Member("useragent")),
    ("error_code", Field::Member("status.errorcode")),
    ("status", Field::Status),
    ("failure_reason", Field::Member("status.failurereason")),
    ("conditional_access_status", Field::Member("conditionalaccessstatus")),
    ("applied_policies", Field::Member("appliedconditionalaccesspolicies")),
    ("correlation_id", Field::Member("correlationid")),
];

/// Why a table is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableRefusal {
    /// No kind knows its columns; each says why.
    Unknown { refusals: Vec<(&'static str, String)> },
    /// Its times are in a zone that it does not name.
    LocalTime { column: String },
}

/// A kind of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    LogAnalytics,
    Defender,
    Portal,
    SignInCsv,
}

impl Kind {
    /// In the order in which they are tried.
    const ALL: [Self; 4] = [Self::Portal, Self::Defender, Self::LogAnalytics, Self::SignInCsv];

    fn dialect(self) -> Dialect {
        match self {
            Self::LogAnalytics => Dialect::LogAnalytics,
            Self::Defender => Dialect::Defender,
            Self::Portal => Dialect::PortalCsv,
            Self::SignInCsv => Dialect::SignInCsv,
        }
    }

    fn field_of(self) -> FieldOf {
        match self {
            Self::LogAnalytics => log_analytics::FIELD_OF,
            Self::Defender => defender::FIELD_OF,
            Self::Portal => portal_csv::FIELD_OF,
            Self::SignInCsv => sign_in_csv::FIELD_OF,
        }
    }

    fn detect(self, columns: &[Column]) -> Result<(), String> {
        let has = |name: &str| {
            columns.iter().any(|column| matches!(column, Column::Named(known) if **known == *name))
        };
        match self {
            Self::LogAnalytics => log_analytics::detect_table(has),
            Self::Defender => defender::detect_table(has),
            Self::Portal => portal_csv::detect_table(has),
            Self::SignInCsv => {
                let field_of = self.field_of();
                sign_in_csv::detect_table(|wanted| {
                    columns.iter().any(|column| column.field(field_of) == wanted)
                })
            }
        }
    }
}

/// How the rows of a table are read.
#[derive(Debug, Clone)]
pub struct Table {
    kind: Kind,
    columns: Vec<Column>,
    /// What the file's name says of the log in it.
    log: SignInType,
    /// Words of a language that is not known, which the file shows to mean success.
    success_words: Vec<String>,
    pub options: RecordOptions,
}

impl Table {
    /// Finds the kind of a table by its header. `log` is what the file's name says of the log.
    ///
    /// # Errors
    /// No kind knows the columns, or the times are local and nobody says where.
    pub fn detect(
        header: &[String],
        log: SignInType,
        options: &TableOptions,
    ) -> Result<Self, TableRefusal> {
        let names: Vec<ColumnName> = header.iter().map(|name| ColumnName::parse(name)).collect();
        let columns = columns_of(&names, options);
        let mut refusals = Vec::new();
        for kind in Kind::ALL {
            match kind.detect(&columns) {
                Ok(()) => {
                    let success_words = Vec::new();
                    let record_options = RecordOptions::default();
                    let table = Self { kind, columns, log, success_words, options: record_options };
                    return table.with_zone(header, &names, options);
                }
                Err(reason) => refusals.push((kind.dialect().as_str(), reason)),
            }
        }
        Err(TableRefusal::Unknown { refusals })
    }

    /// A table of the portal whose columns were found otherwise than by name.
    pub(super) fn of_portal(columns: Vec<Column>, log: SignInType) -> Self {
        let options = RecordOptions::default();
        Self { kind: Kind::Portal, columns, log, success_words: Vec::new(), options }
    }

    fn with_zone(
        mut self,
        header: &[String],
        names: &[ColumnName],
        options: &TableOptions,
    ) -> Result<Self, TableRefusal> {
        let zone = self.time_column().and_then(|at| Some((at, names.get(at)?.zone?)));
        self.options.times.zone = match zone {
            None => self.options.times.zone,
            Some((_, ColumnZone::Fixed(zone))) => zone,
            Some((at, ColumnZone::Local)) => options.local_zone.ok_or_else(|| {
                let column = header.get(at).cloned().unwrap_or_default();
                TableRefusal::LocalTime { column }
            })?,
        };
        Ok(self)
    }

    pub fn dialect(&self) -> Dialect {
        self.kind.dialect()
    }

    /// Learns which words for the status mean success in a language that is not known: failures and
    /// interruptions carry a code. So it is a word that never stands beside a code, in a file where
    /// another word does; where no row carries one, nothing can be learned.
    pub fn learn_success_words<'r>(&mut self, rows: impl FnOnce() -> &'r Vec<Vec<String>>) {
        let field_of = self.kind.field_of();
        let at = |wanted: Field<'_>| {
            self.columns.iter().position(|column| column.field(field_of) == wanted)
        };
        let (Some(status), Some(code)) = (at(Field::Status), at(Field::Member("status.errorcode")))
        else {
            return;
        };
        let cell = |row: &Vec<String>, at: usize| {
            row.get(at).map(|cell| cell.trim().to_owned()).unwrap_or_default()
        };
        let (with_code, without): (Vec<_>, Vec<_>) = rows()
            .iter()
            .map(|row| (cell(row, status), cell(row, code)))
            .partition(|(_, code)| !matches!(code.as_str(), "" | "0"));
        if with_code.is_empty() {
            return;
        }
        let words: BTreeSet<String> = without.into_iter().map(|(word, _)| word).collect();
        let never_with_code =
            |word: &String| !word.is_empty() && !with_code.iter().any(|(other, _)| other == word);
        self.success_words = words.into_iter().filter(never_with_code).collect();
    }

    /// The column with the time of the sign-in.
    pub fn time_column(&self) -> Option<usize> {
        let find = |wanted: Field<'_>| {
            let field_of = self.kind.field_of();
            self.columns.iter().position(|column| column.field(field_of) == wanted)
        };
        find(Field::Member("createddatetime")).or_else(|| find(Field::Published))
    }

    /// The columns that hold a member of the sign-in, by its name in lower case.
    pub fn columns_of(&self, member: &str) -> Vec<usize> {
        let field_of = self.kind.field_of();
        let holds = |column: &Column| column.field(field_of) == Field::Member(member);
        let columns = self.columns.iter().enumerate();
        columns.filter(|(_, column)| holds(column)).map(|(at, _)| at).collect()
    }

    /// Reads a row of a CSV.
    ///
    /// # Errors
    /// It cannot be read as a sign-in.
    pub fn normalise_cells(&self, row: &[Cow<'_, [u8]>]) -> Result<Reading, Unreadable> {
        let room = Room::new();
        let mut row = read_cells(row, &self.columns, self.kind.field_of(), &room);
        row.take_success_word(&self.success_words);
        row.finish(self.log_of_rows(), self.options, &room)
    }

    /// Reads a row that is an array of JSON values.
    ///
    /// # Errors
    /// It cannot be read as a sign-in.
    pub fn normalise_values(&self, row: &[u8]) -> Result<Reading, Unreadable> {
        let field_of = self.kind.field_of();
        let read = |row: &[u8]| {
            let room = Room::new();
            let row = read_values(row, &self.columns, field_of, &room)?;
            row.finish(self.log_of_rows(), self.options, &room)
        };
        match read(row) {
            Err(Unreadable::Syntax { message, column }) => {
                let Some(mended) = super::wire::repair(row) else {
                    return Err(Unreadable::Syntax { message, column });
                };
                Ok(Reading { repaired: true, ..read(&mended)? })
            }
            answer => answer,
        }
    }

    /// The log that the file's name tells, or that the columns do: the portal's log of
    /// applications has no column for a user.
    fn log_of_rows(&self) -> SignInType {
        let has = |wanted: &str| {
            let field_of = self.kind.field_of();
            self.columns.iter().any(|column| column.field(field_of) == Field::Member(wanted))
        };
        let is_of_apps = self.log == SignInType::Unknown
            && has("serviceprincipalid")
            && !has("userid")
            && !has("userprincipalname");
        if is_of_apps { SignInType::ServicePrincipal } else { self.log }
    }
}

/// The columns as they are to be read. A name that stands twice counts where it stands first:
/// the portal writes `Incoming token type` twice, the raw value first.
fn columns_of(names: &[ColumnName], options: &TableOptions) -> Vec<Column> {
    let mut seen = std::collections::HashSet::new();
    let column = |name: &ColumnName| {
        if !seen.insert(name.key.clone()) {
            return Column::Unused;
        }
        match options.field_of(&name.key) {
            Some(field) => Column::Mapped(field),
            None => Column::Named(name.key.as_str().into()),
        }
    };
    names.iter().map(column).collect()
}

/// A column's name without what exports hang on it.
#[derive(Debug, PartialEq, Eq)]
struct ColumnName {
    key: String,
    /// What the name says of the times in the column.
    zone: Option<ColumnZone>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnZone {
    Fixed(FixedOffset),
    /// `[Local Time]`, in whatever language.
    Local,
}

impl ColumnName {
    /// Log Analytics hangs `[UTC]` or `[Local Time]` on columns with times.
    fn parse(name: &str) -> Self {
        let key = column_key(name);
        let suffix = key.strip_suffix(']').and_then(|inner| inner.rsplit_once('['));
        let Some((before, zone)) = suffix.filter(|(before, _)| !before.trim().is_empty()) else {
            return Self { key, zone: None };
        };
        let zone = parse_zone(zone).map_or(ColumnZone::Local, ColumnZone::Fixed);
        Self { key: before.trim_end().to_owned(), zone: Some(zone) }
    }
}

/// A column's name in lower case, single blanks, no blanks around (exports have trailing and
/// double ones), without a byte order mark, with plain apostrophes.
pub fn column_key(name: &str) -> String {
    let name = name.trim_start_matches('\u{FEFF}').replace('\u{2019}', "'");
    let words: Vec<&str> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(header: &str, options: &TableOptions) -> Result<Table, TableRefusal> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        Table::detect(&header, SignInType::Unknown, options)
    }

    fn kind(header: &str) -> Option<&'static str> {
        detect(header, &TableOptions::default()).ok().map(|table| table.dialect().as_str())
    }

    #[test]
    fn kinds_by_their_headers() {
        for (header, expected) in [
            ("Date (UTC),Request ID,Home tenant ID", Some("portal CSV")),
            ("Date (UTC),Request ID,Authentication method,Succeeded", None),
            ("Date (UTC),CorrelationId,Service,Category,Activity,Status", None),
            ("TimeGenerated [UTC],ResultType,UserPrincipalName", Some("Log Analytics")),
            ("CreatedDateTime [UTC],ResultType,AppId,HomeTenantId", Some("Log Analytics")),
            ("TimeGenerated [UTC],OperationName,Computer", None),
            ("Timestamp,AccountUpn,ErrorCode", Some("Defender XDR")),
            ("Id,CreatedDateTime,UserPrincipalName,ErrorCode", Some("sign-ins as CSV")),
            ("createdDateTime,status.errorCode,ipAddress", Some("sign-ins as CSV")),
            ("Signin Date,User Name,UPN,Status", Some("sign-ins as CSV")),
            ("id,createdDateTime,state,displayName", None),
            ("a,b", None),
        ] {
            assert_eq!(kind(header), expected, "{header}");
        }
    }

    #[test]
    fn local_time_needs_a_zone() {
        let header = "TimeGenerated [Local Time],ResultType,UserPrincipalName";
        let refused = detect(header, &TableOptions::default()).expect_err("refused");
        let column = "TimeGenerated [Local Time]".to_owned();
        assert_eq!(refused, TableRefusal::LocalTime { column });
        let zone = FixedOffset::east_opt(7200);
        let options = TableOptions { local_zone: zone, ..TableOptions::default() };
        assert_eq!(detect(header, &options).map(|table| Some(table.options.times.zone)), Ok(zone));
        // The time of the sign-in is in another column.
        let header = "TimeGenerated [Local Time],CreatedDateTime [UTC],ResultType,AppId";
        assert!(detect(header, &TableOptions::default()).is_ok());
        let header = "TimeGenerated [UTC+02:00],ResultType,AppId";
        assert_eq!(
            detect(header, &TableOptions::default()).map(|t| Some(t.options.times.zone)),
            Ok(zone)
        );
    }

    #[test]
    fn columns_are_mapped_by_the_users_word() {
        let mapped = ["Zeit=created_at", "Konto=user_principal_name", "Code = error_code"];
        let mapped = mapped.map(|text| MappedColumn::parse(text).expect(text)).to_vec();
        let options = TableOptions { mapped, ..TableOptions::default() };
        let table = detect("zeit,KONTO,Code", &options).expect("a table");
        assert_eq!(table.dialect(), Dialect::SignInCsv);
        assert!(MappedColumn::parse("Zeit=time").is_err_and(|error| error.contains("created_at")));
        assert!(MappedColumn::parse("Zeit").is_err());
    }
}
