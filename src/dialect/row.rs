//! Rows of tables: whether the cells stand in a CSV, in an array of JSON values, or as the members
//! of a flat object, each goes to a [`Field`] of the sign-in by the name of its column.

use serde::de::value::{CowStrDeserializer, Error as ValueError};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

use super::portal_language::{conditional_access_word, status_word};
use super::sign_in::{Envelope, PolicyWire, SignInWire, parse_code, sign_in_of, tenant};
use super::wire::{List, LowerKey, Members, OneValue, OrText, Text};
use super::{Reading, Unreadable};
use crate::sign_in::{Outcome, SignInType, StatusWord};
use crate::time::TimeReading;

/// What a column holds. Keys and paths are in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    /// A member of a Graph `signIn`, or of an object in it: `status.errorcode`.
    Member(&'a str),
    /// When the row was published: stands in for a missing time of the sign-in.
    Published,
    /// The tenant whose log it is.
    ExportingTenant,
    /// The log, as Azure Monitor names it (`Category`, or the table's name).
    Log,
    /// The name shown, where no other column has it.
    Identity,
    /// The table of interactive sign-ins has an always empty column of this name behind the one
    /// that counts.
    SparePolicies,
    /// The code of the outcome, where the status has none.
    ResultType,
    ResultSignature,
    ResultDescription,
    /// The portal's Success, Failure or Interrupted.
    Status,
    /// The portal's word for Conditional Access as a whole.
    ConditionalAccess,
    /// The portal's `City, State, CC`.
    Place,
    Country,
    /// The portal's "Multifactor authentication".
    Requirement,
    /// 1 or true for a guest.
    IsGuest,
    Nothing,
}

/// Finds the field of a column by its name in lower case.
pub(super) type FieldOf = for<'a> fn(&'a str) -> Field<'a>;

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    /// By its name in lower case, which the kind of the table knows, or not.
    Named(Box<str>),
    /// By the user's word.
    Mapped(Field<'static>),
    /// Not to be read.
    Unused,
}

impl Column {
    pub(super) fn field(&self, field_of: FieldOf) -> Field<'_> {
        match self {
            Self::Named(name) => field_of(name),
            Self::Mapped(field) => *field,
            Self::Unused => Field::Nothing,
        }
    }
}

/// A row that is being read.
#[derive(Debug, Default)]
pub(super) struct RowWire {
    sign_in: SignInWire,
    published: Text,
    exporting_tenant: Text,
    logs: Vec<String>,
    identity: Text,
    spare_policies: OrText<List<OrText<PolicyWire>>>,
    result_type: Text,
    result_signature: Text,
    result_description: Text,
    status: Text,
    conditional_access: Text,
    place: Text,
    country: Text,
    requirement: Text,
    is_guest: Text,
}

/// What CIPP's table writes for a code, by how the sentence begins.
const CODES_AS_SENTENCES: [(&str, &str); 4] = [
    ("Success", "0"),
    ("Invalid username or password", "50126"),
    ("Access has been blocked by Conditional Access policies", "53003"),
    ("Application X doesn't have permission to access", "65001"),
];

/// Policies in columns of their own; more are not read.
const POLICY_COLUMNS: usize = 1000;

impl RowWire {
    /// Takes the value of a field; false if nobody wants it, and it was not taken.
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        field: Field<'_>,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        match field {
            Field::Member(path) => return self.take_member(path, map),
            Field::Published => self.published = map.next_value()?,
            Field::ExportingTenant => self.exporting_tenant = map.next_value()?,
            Field::Log => self.logs.extend(map.next_value::<Text>()?.0),
            Field::Identity => self.identity = map.next_value()?,
            Field::SparePolicies => self.spare_policies = map.next_value()?,
            Field::ResultType => self.result_type = map.next_value()?,
            Field::ResultSignature => self.result_signature = map.next_value()?,
            Field::ResultDescription => self.result_description = map.next_value()?,
            Field::Status => self.status = map.next_value()?,
            Field::ConditionalAccess => self.conditional_access = map.next_value()?,
            Field::Place => self.place = map.next_value()?,
            Field::Country => self.country = map.next_value()?,
            Field::Requirement => self.requirement = map.next_value()?,
            Field::IsGuest => self.is_guest = map.next_value()?,
            Field::Nothing => return Ok(false),
        }
        Ok(true)
    }

    /// A member of the sign-in, or of an object in it: flattened tables write `status.errorCode`
    /// and `appliedConditionalAccessPolicies.0.displayName`.
    fn take_member<'de, A: MapAccess<'de>>(
        &mut self,
        path: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        let Some((object, member)) = path.split_once('.') else {
            return self.sign_in.read_member(path, map);
        };
        match object {
            "status" => self.sign_in.status.value.read_member(member, map),
            "location" => self.sign_in.location.value.read_member(member, map),
            "devicedetail" => self.sign_in.device.value.read_member(member, map),
            "appliedconditionalaccesspolicies" => self.take_policy_member(member, map),
            _ => Ok(false),
        }
    }

    /// `0.displayname`, `12.enforcedgrantcontrols.0`.
    fn take_policy_member<'de, A: MapAccess<'de>>(
        &mut self,
        path: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        let Some((number, member)) = path.split_once('.') else { return Ok(false) };
        let Some(number) = number.parse().ok().filter(|&number| number < POLICY_COLUMNS) else {
            return Ok(false);
        };
        let policies = &mut self.sign_in.applied_policies.value.0;
        if policies.len() <= number {
            policies.resize_with(number + 1, OrText::default);
        }
        let policy: &mut PolicyWire = &mut policies[number].value;
        let Some((list, inner)) = member.split_once('.') else {
            return policy.read_member(member, map);
        };
        let List(controls) = match list {
            "enforcedgrantcontrols" => &mut policy.grant_controls.value,
            "enforcedsessioncontrols" => &mut policy.session_controls.value,
            "authenticationstrength" => return policy.strength.value.read_member(inner, map),
            _ => return Ok(false),
        };
        controls.push(map.next_value()?);
        Ok(true)
    }

    /// A status or a place that stands in its cell as JSON.
    fn take_written_objects(&mut self) {
        let is_object = |text: &Text| text.as_deref().is_some_and(|text| text.starts_with('{'));
        if is_object(&self.status) {
            let text = self.status.0.take().unwrap_or_default();
            self.sign_in.status.value = serde_json::from_str(&text).unwrap_or_default();
        }
        if is_object(&self.place) {
            let text = self.place.0.take().unwrap_or_default();
            self.sign_in.location.value = serde_json::from_str(&text).unwrap_or_default();
        }
    }

    /// A word that nobody knows, but the file shows to mean success.
    pub(super) fn take_success_word(&mut self, words: &[String]) {
        let is_success = self.status.as_deref().is_some_and(|status| {
            status_word(status).is_none() && words.iter().any(|word| word == status)
        });
        if is_success && self.sign_in.status.value.error_code.0.is_none() {
            self.status = Text(Some("Success".to_owned()));
        }
    }

    /// Scripts write the bare code as the status.
    fn take_code_for_status(&mut self) {
        let code = self.status.as_deref().filter(|text| parse_code(text).is_some());
        if code.is_some() && self.sign_in.status.value.error_code.0.is_none() {
            self.sign_in.status.value.error_code = std::mem::take(&mut self.status);
        }
    }

    /// CIPP writes a sentence in place of some codes.
    fn take_sentence_for_code(&mut self) {
        let status = &mut self.sign_in.status.value;
        let Some(text) = status.error_code.as_deref() else { return };
        if parse_code(text).is_some() {
            return;
        }
        let code = CODES_AS_SENTENCES.iter().find(|(sentence, _)| text.starts_with(sentence));
        if self.status.0.is_none() {
            let word = if text.starts_with("Success") { "Success" } else { "Failure" };
            self.status = Text(Some(word.to_owned()));
        }
        if status.failure_reason.0.is_none() {
            status.failure_reason = Text(Some(text.to_owned()));
        }
        status.error_code = Text(code.map(|(_, code)| (*code).to_owned()));
    }

    pub(super) fn is_published(&self) -> bool {
        self.published.0.is_some()
    }

    pub(super) fn has_result_type(&self) -> bool {
        self.result_type.0.is_some()
    }

    /// The sign-in of the row. `log` is what the file says of all its rows.
    pub(super) fn finish(
        mut self,
        log: SignInType,
        times: TimeReading,
    ) -> Result<Reading, Unreadable> {
        let sign_in_type = self.sign_in_type(log)?;
        let code = self.result_type.as_deref().and_then(parse_code);
        let word = [&self.result_type, &self.result_signature]
            .into_iter()
            .find_map(|text| text.as_deref().and_then(StatusWord::parse));
        self.take_written_objects();
        self.take_code_for_status();
        self.take_sentence_for_code();
        if self.sign_in.applied_policies.value.0.is_empty() {
            self.sign_in.applied_policies = self.spare_policies;
        }
        if let Some(word) = self.conditional_access.as_deref().and_then(conditional_access_word) {
            self.sign_in.conditional_access_status = Text(Some(word.to_owned()));
        }
        let (city, country) = place_of(self.place.as_deref());
        if let Some(words) = self.requirement.0 {
            self.sign_in.authentication_requirement = Text(Some(requirement_of(words)));
        }
        if self.sign_in.user_type.0.is_none() {
            self.sign_in.user_type.0 = match self.is_guest.as_deref() {
                Some("1" | "true" | "True") => Some("guest".to_owned()),
                Some("0" | "false" | "False") => Some("member".to_owned()),
                _ => None,
            };
        }
        let envelope = Envelope {
            published: self.published.0,
            exporting_tenant: tenant(&self.exporting_tenant),
            sign_in_type,
            outcome: Outcome::new(code, word.filter(|_| code.is_none())),
            status: self.status.as_deref().and_then(status_word),
            failure_reason: self.result_description.0,
            user_display_name: self.identity.0,
            country: self.country.0.or(country),
            city,
            is_envelope: true,
            times,
            ..Envelope::default()
        };
        sign_in_of(self.sign_in, envelope)
    }

    /// The log by the row's own words, else by the file's; `None` leaves it to the members.
    fn sign_in_type(&self, log: SignInType) -> Result<Option<SignInType>, Unreadable> {
        let known = |sign_in_type: &SignInType| *sign_in_type != SignInType::Unknown;
        let told: Vec<Option<SignInType>> =
            self.logs.iter().map(|word| sign_in_type_of_log(word)).collect();
        if let (Some(other), false) = (self.logs.first(), told.iter().any(Option::is_some)) {
            return Err(Unreadable::OtherCategory { category: other.clone() });
        }
        let told = told.into_iter().flatten().find(known);
        Ok(told.or(Some(log).filter(known)))
    }
}

/// The log by its category in diagnostic settings (`NonInteractiveUserSignInLogs`) or by its table
/// in Log Analytics (`AADNonInteractiveUserSignInLogs`); `None` for logs without sign-ins.
pub(super) fn sign_in_type_of_log(name: &str) -> Option<SignInType> {
    let name = name.to_ascii_lowercase();
    Some(match name.strip_prefix("aad").unwrap_or(&name) {
        "signinlogs" => SignInType::InteractiveUser,
        "noninteractiveusersigninlogs" => SignInType::NonInteractiveUser,
        "serviceprincipalsigninlogs" | "microsoftserviceprincipalsigninlogs" => {
            SignInType::ServicePrincipal
        }
        "managedidentitysigninlogs" => SignInType::ManagedIdentity,
        other if other.ends_with("signinlogs") => SignInType::Unknown,
        _ => return None,
    })
}

/// City and country of `City, State, CC`; the parts are empty where nothing is known.
fn place_of(place: Option<&str>) -> (Option<String>, Option<String>) {
    let parts: Vec<&str> = place.unwrap_or_default().split(',').map(str::trim).collect();
    if parts.len() < 3 {
        return (None, None);
    }
    let part = |text: Option<&&str>| text.filter(|text| !text.is_empty()).map(|&text| text.into());
    (part(parts.first()), part(parts.last()))
}

/// Graph's word for the portal's "Multifactor authentication" and "Single-factor authentication".
fn requirement_of(words: String) -> String {
    match words.to_ascii_lowercase().as_str() {
        "multifactor authentication" => "multiFactorAuthentication".to_owned(),
        "single-factor authentication" => "singleFactorAuthentication".to_owned(),
        _ => words,
    }
}

/// Reads the cells of a CSV row.
pub(super) fn read_cells(
    row: &csv::ByteRecord,
    columns: &[Column],
    field_of: FieldOf,
) -> Result<RowWire, Unreadable> {
    let mut wire = RowWire::default();
    for (cell, column) in row.iter().zip(columns) {
        if cell.is_empty() || cell == NO_DATA {
            continue;
        }
        let text = unguarded(String::from_utf8_lossy(cell));
        let value: CowStrDeserializer<'_, ValueError> = CowStrDeserializer::new(text);
        wire.take(column.field(field_of), &mut OneValue(Some(value)))
            .map_err(|error| Unreadable::Cell { message: error.to_string() })?;
    }
    Ok(wire)
}

/// What CIPP writes for null.
const NO_DATA: &[u8] = b"No data";

/// A cell without the `'` by which some exports keep it from starting a formula.
fn unguarded(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_guard =
        text.strip_prefix('\'').is_some_and(|rest| rest.starts_with(['-', '+', '=', '@']));
    match text {
        Cow::Borrowed(text) if is_guard => Cow::Borrowed(&text[1..]),
        Cow::Owned(text) if is_guard => Cow::Owned(text[1..].to_owned()),
        text => text,
    }
}

/// Reads an array of JSON values, one for each column.
pub(super) fn read_values(
    row: &[u8],
    columns: &[Column],
    field_of: FieldOf,
) -> Result<RowWire, Unreadable> {
    let mut from = serde_json::Deserializer::from_slice(row);
    let wire = from.deserialize_seq(ValuesVisitor { columns, field_of })?;
    from.end()?;
    Ok(wire)
}

struct ValuesVisitor<'a> {
    columns: &'a [Column],
    field_of: FieldOf,
}

impl<'de> Visitor<'de> for ValuesVisitor<'_> {
    type Value = RowWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RowWire, A::Error> {
        let mut wire = RowWire::default();
        for column in self.columns {
            let field = column.field(self.field_of);
            if seq.next_element_seed(FieldSeed { wire: &mut wire, field })?.is_none() {
                break;
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(wire)
    }
}

/// Reads one value into its field.
struct FieldSeed<'a> {
    wire: &'a mut RowWire,
    field: Field<'a>,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let mut value = OneValue(Some(from));
        if !self.wire.take(self.field, &mut value)? {
            value.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Reads a flat object, whose keys are the names of columns.
pub(super) fn read_object(record: &[u8], field_of: FieldOf) -> Result<RowWire, Unreadable> {
    let mut from = serde_json::Deserializer::from_slice(record);
    let wire = from.deserialize_map(ObjectVisitor { field_of })?;
    from.end()?;
    Ok(wire)
}

struct ObjectVisitor {
    field_of: FieldOf,
}

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = RowWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RowWire, A::Error> {
        let mut wire = RowWire::default();
        let mut key = LowerKey::default();
        while map.next_key_seed(&mut key)?.is_some() {
            if !wire.take((self.field_of)(key.as_str()), &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(wire)
    }
}
