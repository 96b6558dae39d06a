//! The portal's CSV in other languages of the portal: the columns are the same in the same order,
//! only their names are translated. They are found by what they hold where their number is that of
//! a known generation, and by name where the translation is known.
//!
//! Source: header lines of exports of 2023, 2024-10 and 2025. Translated names and words are seen
//! in scripts that read such exports (French) and in Microsoft's documentation (German, Japanese);
//! words of further languages are the portal's own for the same states, unverified in a CSV.

use std::collections::HashSet;

use super::portal_csv;
use super::row::{Column, Field};
use super::table::{Table, TableOptions, column_key};
use crate::sign_in::{SignInType, StatusWord};
use crate::tenant::TenantId;
use crate::time::{OrderEvidence, parse_time};

/// The columns of the download of 2025, in their order.
const COLUMNS_2025: [&str; 57] = [
    "date (utc)",
    "request id",
    "user agent",
    "correlation id",
    "user id",
    "user",
    "username",
    "user type",
    "cross tenant access type",
    "incoming token type",
    "authentication protocol",
    "unique token identifier",
    "original transfer method",
    "client credential type",
    "token protection - sign in session",
    "token protection - sign in session statuscode",
    "application",
    "application id",
    "app owner tenant id",
    "resource",
    "resource id",
    "resource tenant id",
    "resource owner tenant id",
    "home tenant id",
    "home tenant name",
    "ip address",
    "location",
    "status",
    "sign-in error code",
    "failure reason",
    "client app",
    "device id",
    "browser",
    "operating system",
    "compliant",
    "managed",
    "join type",
    "multifactor authentication result",
    "multifactor authentication auth method",
    "multifactor authentication auth detail",
    "authentication requirement",
    "sign-in identifier",
    "session id",
    "ip address (seen by resource)",
    "through global secure access",
    "global secure access ip address",
    "autonomous system number",
    "flagged for review",
    "token issuer type",
    "incoming token type",
    "token issuer name",
    "latency",
    "conditional access",
    "managed identity type",
    "associated resource id",
    "federated token id",
    "federated token issuer",
];

/// What the download of October 2024 did not have yet.
const NEW_IN_2025: [&str; 2] = ["app owner tenant id", "resource owner tenant id"];
/// What that of 2023 did not have either.
const NEW_IN_2024: [&str; 11] = [
    "user agent",
    "original transfer method",
    "token protection - sign in session",
    "token protection - sign in session statuscode",
    "session id",
    "through global secure access",
    "global secure access ip address",
    "managed identity type",
    "associated resource id",
    "federated token id",
    "federated token issuer",
];

fn generations() -> [Vec<&'static str>; 3] {
    let without = |columns: &[&'static str], new: &[&str]| -> Vec<&'static str> {
        columns.iter().copied().filter(|column| !new.contains(column)).collect()
    };
    let of_2024 = without(&COLUMNS_2025, &NEW_IN_2025);
    let of_2023 = without(&of_2024, &NEW_IN_2024);
    [COLUMNS_2025.to_vec(), of_2024, of_2023]
}

/// Translated names of columns whose language is known.
const TRANSLATED: [(&str, &str); 33] = [
    ("id de requête", "request id"),
    ("agent utilisateur", "user agent"),
    ("id de corrélation", "correlation id"),
    ("identifiant utilisateur", "user id"),
    ("utilisateur", "user"),
    ("nom d'utilisateur", "username"),
    ("adresse ip", "ip address"),
    ("emplacement", "location"),
    ("statut", "status"),
    ("code d'erreur de connexion", "sign-in error code"),
    ("raison de l'échec", "failure reason"),
    ("application cliente", "client app"),
    ("id de l'appareil", "device id"),
    ("navigateur", "browser"),
    ("système d'exploitation", "operating system"),
    ("conforme", "compliant"),
    ("géré", "managed"),
    ("accès conditionnel", "conditional access"),
    ("numéro de système autonome", "autonomous system number"),
    ("datum (utc)", "date (utc)"),
    ("anforderungs-id", "request id"),
    ("benutzername", "username"),
    ("benutzer", "user"),
    ("ip-adresse", "ip address"),
    ("anmeldefehlercode", "sign-in error code"),
    ("fehlerursache", "failure reason"),
    ("bedingter zugriff", "conditional access"),
    ("日付 (utc)", "date (utc)"),
    ("サインインのエラー コード", "sign-in error code"),
    ("サインインのエラーコード", "sign-in error code"),
    ("状態", "status"),
    ("エラーの理由", "failure reason"),
    ("ip アドレス", "ip address"),
];

/// The portal's words for a state, in other languages.
const STATUS_WORDS: [(&str, StatusWord); 30] = [
    ("erfolgreich", StatusWord::Success),
    ("erfolg", StatusWord::Success),
    ("fehler", StatusWord::Failure),
    ("fehlgeschlagen", StatusWord::Failure),
    ("unterbrochen", StatusWord::Interrupted),
    ("réussite", StatusWord::Success),
    ("succès", StatusWord::Success),
    ("opération réussie", StatusWord::Success),
    ("échec", StatusWord::Failure),
    ("interrompu", StatusWord::Interrupted),
    ("interrompue", StatusWord::Interrupted),
    ("correcto", StatusWord::Success),
    ("éxito", StatusWord::Success),
    ("error", StatusWord::Failure),
    ("interrumpido", StatusWord::Interrupted),
    ("operazione riuscita", StatusWord::Success),
    ("operazione non riuscita", StatusWord::Failure),
    ("errore", StatusWord::Failure),
    ("interrotto", StatusWord::Interrupted),
    ("êxito", StatusWord::Success),
    ("sucesso", StatusWord::Success),
    ("falha", StatusWord::Failure),
    ("interrompido", StatusWord::Interrupted),
    ("geslaagd", StatusWord::Success),
    ("mislukt", StatusWord::Failure),
    ("onderbroken", StatusWord::Interrupted),
    ("成功", StatusWord::Success),
    ("失敗", StatusWord::Failure),
    ("失败", StatusWord::Failure),
    ("中断", StatusWord::Interrupted),
];

/// The portal's word in whatever language.
pub(super) fn status_word(text: &str) -> Option<StatusWord> {
    let translated = || {
        let text = text.trim().to_lowercase();
        STATUS_WORDS.iter().find(|(word, _)| *word == text).map(|(_, status)| *status)
    };
    StatusWord::parse(text).or_else(translated)
}

/// The word of Conditional Access as a whole in whatever language; one that nobody knows is `None`.
pub(super) fn conditional_access_word(text: &str) -> Option<&'static str> {
    const NOT_APPLIED: [&str; 9] = [
        "not applied",
        "nicht angewendet",
        "non appliqué",
        "no aplicado",
        "non applicato",
        "não aplicado",
        "niet toegepast",
        "適用されていません",
        "未应用",
    ];
    let lower = text.trim().to_lowercase();
    if NOT_APPLIED.contains(&lower.as_str()) {
        return Some("notApplied");
    }
    match status_word(text)? {
        StatusWord::Success => Some("success"),
        StatusWord::Failure => Some("failure"),
        StatusWord::Interrupted => None,
    }
}

/// What the cells of a column must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Time,
    Guid,
    Address,
    Code,
    Anything,
}

impl Holds {
    fn of(column: &str) -> Self {
        match column {
            "date (utc)" => Self::Time,
            "request id" | "correlation id" | "user id" | "application id"
            | "resource tenant id" | "home tenant id" => Self::Guid,
            "ip address" => Self::Address,
            "sign-in error code" | "latency" | "autonomous system number" => Self::Code,
            _ => Self::Anything,
        }
    }

    fn admits(self, cell: &str) -> bool {
        match self {
            Self::Time => {
                parse_time(cell).is_some() || OrderEvidence::of(cell) != OrderEvidence::NotAsked
            }
            // The nil id is a GUID, and no tenant.
            Self::Guid => TenantId::parse(cell).is_some() || is_nil(cell),
            Self::Address => cell.parse::<std::net::IpAddr>().is_ok(),
            Self::Code => cell.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Anything => true,
        }
    }
}

fn is_nil(cell: &str) -> bool {
    cell.len() == 36 && cell.bytes().all(|byte| matches!(byte, b'0' | b'-'))
}

/// Finds the portal's columns in a table whose names are not English: by what they hold, or by
/// their translation; the user's word stands above both. `None` where neither is sure.
pub fn portal_columns(
    header: &[String],
    rows: &[Vec<String>],
    log: SignInType,
    options: &TableOptions,
) -> Option<Table> {
    let keys = keys_by_content(header, rows).or_else(|| keys_by_translation(header, options))?;
    let column = |(name, key): (&String, Option<&'static str>)| match (options.field_of(name), key)
    {
        (Some(field), _) => Column::Mapped(field),
        (None, Some(key)) => Column::Named(key.into()),
        (None, None) => Column::Unused,
    };
    Some(Table::of_portal(header.iter().zip(keys).map(column).collect(), log))
}

/// Whether rows hold what sign-ins have: a time, an id, and an address or an account.
pub fn looks_like_sign_ins(rows: &[Vec<String>]) -> bool {
    let any = |admits: &dyn Fn(&str) -> bool| {
        rows.iter().any(|row| row.iter().any(|cell| admits(cell.trim())))
    };
    let holds = |what: Holds| any(&|cell| !cell.is_empty() && what.admits(cell));
    let account = || any(&|cell| cell.contains('@') && !cell.contains(' '));
    holds(Holds::Time) && holds(Holds::Guid) && (holds(Holds::Address) || account())
}

/// The portal's name for each column; `None` for one that nobody knows or wants.
type Keys = Vec<Option<&'static str>>;

fn keys_by_content(header: &[String], rows: &[Vec<String>]) -> Option<Keys> {
    let generations = generations();
    let fitting =
        generations.iter().find(|columns| columns.len() == header.len() && fits(columns, rows))?;
    let mut seen = HashSet::new();
    Some(fitting.iter().map(|&column| seen.insert(column).then_some(column)).collect())
}

/// Whether each cell is what its column should hold, and those that must be there are.
fn fits(columns: &[&str], rows: &[Vec<String>]) -> bool {
    let whole = |row: &Vec<String>| {
        columns.iter().zip(row).all(|(column, cell)| {
            let cell = cell.trim();
            let must_be_there = matches!(*column, "date (utc)" | "request id");
            if cell.is_empty() { !must_be_there } else { Holds::of(column).admits(cell) }
        })
    };
    !rows.is_empty() && rows.iter().all(whole)
}

/// Where a column is not known and none is the home tenant's, that column may be it: then the
/// file must not be read as one that names no home tenant.
fn keys_by_translation(header: &[String], options: &TableOptions) -> Option<Keys> {
    let mut seen = HashSet::new();
    let keys: Keys =
        header.iter().map(|name| key_of(name).filter(|key| seen.insert(*key))).collect();
    let has = |wanted: &str| keys.iter().flatten().any(|key| *key == wanted);
    let mapped =
        |wanted: Field<'_>| header.iter().any(|name| options.field_of(name) == Some(wanted));
    let all_known = header
        .iter()
        .zip(&keys)
        .all(|(name, key)| key.is_some() || options.field_of(name).is_some());
    let home_is_known = has("home tenant id") || mapped(Field::Member("hometenantid"));
    let has_or_mapped = |name: &str| has(name) || mapped(portal_csv::FIELD_OF(name));
    (portal_csv::detect_table(has_or_mapped).is_ok() && (home_is_known || all_known))
        .then_some(keys)
}

/// The portal's English name for a column in whatever language.
fn key_of(name: &str) -> Option<&'static str> {
    let key = column_key(name);
    let translated = TRANSLATED.iter().find(|(name, _)| *name == key);
    let english = || COLUMNS_2025.iter().find(|column| **column == key).copied();
    translated.map(|(_, english)| *english).or_else(english)
}

#[cfg(test)]
mod tests {
    use super::super::table::MappedColumn;
    use super::*;

    #[test]
    fn generations_have_as_many_columns_as_their_exports() {
        let lengths = generations().map(|columns| columns.len());
        assert_eq!(lengths, [57, 55, 44]);
    }

    fn row(columns: &[&str]) -> Vec<String> {
        let cell = |column: &&str| match Holds::of(column) {
            Holds::Time => "2026-11-21T09:40:12Z",
            Holds::Guid => "8f3c52d1-0a1b-4c2d-8e3f-001122334455",
            Holds::Address => "203.0.113.24",
            Holds::Code => "53003",
            Holds::Anything => "x",
        };
        columns.iter().map(|column| cell(column).to_owned()).collect()
    }

    #[test]
    fn columns_are_found_by_what_they_hold() {
        for columns in generations() {
            let header: Vec<String> =
                (0..columns.len()).map(|at| format!("столбец {at}")).collect();
            let good = row(&columns);
            let found = |rows: &[Vec<String>]| {
                let options = TableOptions::default();
                portal_columns(&header, rows, SignInType::Unknown, &options).is_some()
            };
            assert!(found(std::slice::from_ref(&good)));
            assert!(!found(&[]), "nothing to judge by");
            let mut bad = good.clone();
            bad[1] = "no id".to_owned();
            assert!(!found(&[good, bad]));
        }
    }

    #[test]
    fn columns_are_found_by_their_translation() {
        let header = [
            "Date (UTC)",
            "ID de requête",
            "Nom d\u{2019}utilisateur",
            "Statut",
            "Code d'erreur de connexion",
        ];
        let found = |header: &[&str], options: &TableOptions| {
            let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
            portal_columns(&header, &[], SignInType::Unknown, options).is_some()
        };
        let none = TableOptions::default();
        assert!(found(&header, &none));
        assert!(!found(&["Date (UTC)", "Quelque chose"], &none));
        // One of the unknown columns may be the home tenant.
        let header = [&header[..], &["ID de locataire"]].concat();
        assert!(!found(&header, &none));
        let mapped = vec![MappedColumn::parse("ID de locataire=home_tenant_id").expect("a column")];
        assert!(found(&header, &TableOptions { mapped, ..none }));
    }
}
