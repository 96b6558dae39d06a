//! Rows of tables: whether the cells stand in a CSV, in an array of JSON values, or as the members
//! of a flat object, each goes to a [`Field`] of the sign-in by the name of its column.

use std::borrow::Cow;

use super::json::{Fault, Reader, Room, Value, read_text, read_with};
use super::policies::PolicyItem;
use super::portal_language::{conditional_access_word, status_word};
use super::sign_in::{Envelope, SignInWire, parse_code, sign_in_of, tenant};
use super::wire::{Cell, List, Members, OrText, Source, Text};
use super::{Reading, RecordOptions, Unreadable};
use crate::sign_in::{Outcome, SignInType, StatusWord};

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
pub(super) struct RowWire<'a> {
    sign_in: SignInWire<'a>,
    published: Text<'a>,
    exporting_tenant: Text<'a>,
    logs: Vec<&'a str>,
    identity: Text<'a>,
    spare_policies: OrText<List<PolicyItem<'a>>>,
    result_type: Text<'a>,
    result_signature: Text<'a>,
    result_description: Text<'a>,
    status: Text<'a>,
    conditional_access: Text<'a>,
    place: Text<'a>,
    country: Text<'a>,
    requirement: Text<'a>,
    is_guest: Text<'a>,
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

impl<'a> RowWire<'a> {
    /// Takes the value of a field; false if nobody wants it, and it was not taken.
    fn take<S: Source<'a>>(&mut self, field: Field<'_>, from: &mut S) -> Result<bool, Fault> {
        match field {
            Field::Member(path) => return self.take_member(path, from),
            Field::Published => self.published = from.take()?,
            Field::ExportingTenant => self.exporting_tenant = from.take()?,
            Field::Log => self.logs.extend(from.take::<Text<'a>>()?.0),
            Field::Identity => self.identity = from.take()?,
            Field::SparePolicies => self.spare_policies = from.take()?,
            Field::ResultType => self.result_type = from.take()?,
            Field::ResultSignature => self.result_signature = from.take()?,
            Field::ResultDescription => self.result_description = from.take()?,
            Field::Status => self.status = from.take()?,
            Field::ConditionalAccess => self.conditional_access = from.take()?,
            Field::Place => self.place = from.take()?,
            Field::Country => self.country = from.take()?,
            Field::Requirement => self.requirement = from.take()?,
            Field::IsGuest => self.is_guest = from.take()?,
            Field::Nothing => return Ok(false),
        }
        Ok(true)
    }

    /// A member of the sign-in, or of an object in it: flattened tables write `status.errorCode`
    /// and `appliedConditionalAccessPolicies.0.displayName`.
    fn take_member<S: Source<'a>>(&mut self, path: &str, from: &mut S) -> Result<bool, Fault> {
        let Some((object, member)) = path.split_once('.') else {
            return self.sign_in.read_member(path, from);
        };
        match object {
            "status" => self.sign_in.status.value.read_member(member, from),
            "location" => self.sign_in.location.value.read_member(member, from),
            "devicedetail" => self.sign_in.device.value.read_member(member, from),
            "appliedconditionalaccesspolicies" => self.take_policy_member(member, from),
            _ => Ok(false),
        }
    }

    /// `0.displayname`, `12.enforcedgrantcontrols.0`.
    fn take_policy_member<S: Source<'a>>(
        &mut self,
        path: &str,
        from: &mut S,
    ) -> Result<bool, Fault> {
        let Some((number, member)) = path.split_once('.') else { return Ok(false) };
        let Some(number) = number.parse().ok().filter(|&number| number < POLICY_COLUMNS) else {
            return Ok(false);
        };
        let policies = &mut self.sign_in.applied_policies.value.0;
        if policies.len() <= number {
            policies.resize_with(number + 1, PolicyItem::default);
        }
        let PolicyItem::Read(policy) = &mut policies[number] else { return Ok(false) };
        let Some((list, inner)) = member.split_once('.') else {
            return policy.read_member(member, from);
        };
        let controls = match list {
            "enforcedgrantcontrols" => &mut policy.grant_controls,
            "enforcedsessioncontrols" => &mut policy.session_controls,
            "authenticationstrength" => return policy.strength.value.read_member(inner, from),
            _ => return Ok(false),
        };
        controls.push(from.take()?, from.room());
        Ok(true)
    }

    /// A status or a place that stands in its cell as JSON.
    fn take_written_objects(&mut self, room: &'a Room) {
        let written = |text: &mut Text<'a>| {
            let is_object = text.0.is_some_and(|text| text.starts_with('{'));
            if is_object { text.0.take() } else { None }
        };
        if let Some(text) = written(&mut self.status) {
            self.sign_in.status.value = read_text(text, room).unwrap_or_default();
        }
        if let Some(text) = written(&mut self.place) {
            self.sign_in.location.value = read_text(text, room).unwrap_or_default();
        }
    }

    /// A word that nobody knows, but the file shows to mean success.
    pub(super) fn take_success_word(&mut self, words: &[String]) {
        let is_success = self.status.0.is_some_and(|status| {
            status_word(status).is_none() && words.iter().any(|word| word == status)
        });
        if is_success && self.sign_in.status.value.error_code.0.is_none() {
            self.status = Text(Some("Success"));
        }
    }

    /// Scripts write the bare code as the status.
    fn take_code_for_status(&mut self) {
        let code = self.status.0.filter(|text| parse_code(text).is_some());
        if code.is_some() && self.sign_in.status.value.error_code.0.is_none() {
            self.sign_in.status.value.error_code = std::mem::take(&mut self.status);
        }
    }

    /// CIPP writes a sentence in place of some codes.
    fn take_sentence_for_code(&mut self) {
        let status = &mut self.sign_in.status.value;
        let Some(text) = status.error_code.0 else { return };
        if parse_code(text).is_some() {
            return;
        }
        let code = CODES_AS_SENTENCES.iter().find(|(sentence, _)| text.starts_with(sentence));
        if self.status.0.is_none() {
            let word = if text.starts_with("Success") { "Success" } else { "Failure" };
            self.status = Text(Some(word));
        }
        if status.failure_reason.0.is_none() {
            status.failure_reason = Text(Some(text));
        }
        status.error_code = Text(code.map(|(_, code)| *code));
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
        options: RecordOptions,
        room: &'a Room,
    ) -> Result<Reading, Unreadable> {
        let sign_in_type = self.sign_in_type(log)?;
        let code = self.result_type.0.and_then(parse_code);
        let word = [self.result_type, self.result_signature]
            .into_iter()
            .find_map(|text| text.0.and_then(StatusWord::parse));
        self.take_written_objects(room);
        self.take_code_for_status();
        self.take_sentence_for_code();
        if self.sign_in.applied_policies.value.0.is_empty() {
            self.sign_in.applied_policies = self.spare_policies;
        }
        if let Some(word) = self.conditional_access.0.and_then(conditional_access_word) {
            self.sign_in.conditional_access_status = Text(Some(word));
        }
        let (city, country) = place_of(self.place);
        if let Some(words) = self.requirement.0 {
            self.sign_in.authentication_requirement = Text(Some(requirement_of(words)));
        }
        if self.sign_in.user_type.0.is_none() {
            self.sign_in.user_type.0 = match self.is_guest.0 {
                Some("1" | "true" | "True") => Some("guest"),
                Some("0" | "false" | "False") => Some("member"),
                _ => None,
            };
        }
        let envelope = Envelope {
            published: self.published,
            exporting_tenant: tenant(self.exporting_tenant),
            sign_in_type,
            outcome: Outcome::new(code, word.filter(|_| code.is_none())),
            status: self.status.0.and_then(status_word),
            failure_reason: self.result_description,
            user_display_name: self.identity,
            country: self.country.or(country),
            city,
            is_envelope: true,
            options,
            ..Envelope::default()
        };
        sign_in_of(&self.sign_in, &envelope, room)
    }

    /// The log by the row's own words, else by the file's; `None` leaves it to the members.
    fn sign_in_type(&self, log: SignInType) -> Result<Option<SignInType>, Unreadable> {
        let known = |sign_in_type: &SignInType| *sign_in_type != SignInType::Unknown;
        let told: Vec<Option<SignInType>> =
            self.logs.iter().map(|word| sign_in_type_of_log(word)).collect();
        if let (Some(other), false) = (self.logs.first(), told.iter().any(Option::is_some)) {
            return Err(Unreadable::OtherCategory { category: (*other).to_owned() });
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
fn place_of<'a>(place: Text<'a>) -> (Text<'a>, Text<'a>) {
    let parts: Vec<&'a str> = place.0.unwrap_or_default().split(',').map(str::trim).collect();
    if parts.len() < 3 {
        return (Text(None), Text(None));
    }
    let part = |text: Option<&&'a str>| Text(text.copied().filter(|text| !text.is_empty()));
    (part(parts.first()), part(parts.last()))
}

/// Graph's word for the portal's "Multifactor authentication" and "Single-factor authentication".
fn requirement_of(words: &str) -> &str {
    match words.to_ascii_lowercase().as_str() {
        "multifactor authentication" => "multiFactorAuthentication",
        "single-factor authentication" => "singleFactorAuthentication",
        _ => words,
    }
}

/// Reads the cells of a CSV row.
pub(super) fn read_cells<'a>(
    row: &'a [Cow<'_, [u8]>],
    columns: &[Column],
    field_of: FieldOf,
    room: &'a Room,
) -> RowWire<'a> {
    let mut wire = RowWire::default();
    for (cell, column) in row.iter().zip(columns) {
        if cell.is_empty() || **cell == *NO_DATA {
            continue;
        }
        let text = match String::from_utf8_lossy(cell) {
            Cow::Borrowed(text) => text,
            Cow::Owned(text) => room.alloc_str(&text),
        };
        let mut cell = Cell { text: unguarded(text), room };
        // A text is never at fault: what it does not say is not there.
        let _ = wire.take(column.field(field_of), &mut cell);
    }
    wire
}

/// What CIPP writes for null.
const NO_DATA: &[u8] = b"No data";

/// A cell without the `'` by which some exports keep it from starting a formula.
fn unguarded(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['-', '+', '=', '@']) => rest,
        _ => text,
    }
}

/// Reads an array of JSON values, one for each column.
pub(super) fn read_values<'a>(
    row: &'a [u8],
    columns: &[Column],
    field_of: FieldOf,
    room: &'a Room,
) -> Result<RowWire<'a>, Unreadable> {
    read_with(row, room, |from| {
        let mut wire = RowWire::default();
        if from.value()? != Value::List {
            return Err(from.fault("expected an array of values"));
        }
        let mut columns = columns.iter();
        from.elements(|from| {
            let field = columns.next().map_or(Field::Nothing, |column| column.field(field_of));
            take_or_skip(&mut wire, field, from)
        })?;
        Ok(wire)
    })
}

/// Reads a flat object, whose keys are the names of columns.
pub(super) fn read_object<'a>(
    record: &'a [u8],
    field_of: FieldOf,
    room: &'a Room,
) -> Result<RowWire<'a>, Unreadable> {
    read_with(record, room, |from| {
        let mut wire = RowWire::default();
        if from.value()? != Value::Object {
            return Err(from.fault("expected an object"));
        }
        from.members(|key, from| {
            let key = key.to_ascii_lowercase();
            take_or_skip(&mut wire, field_of(&key), from)
        })?;
        Ok(wire)
    })
}

/// Reads a value into its field, or passes over it.
fn take_or_skip<'a>(
    wire: &mut RowWire<'a>,
    field: Field<'_>,
    from: &mut Reader<'a>,
) -> Result<(), Fault> {
    if wire.take(field, from)? { Ok(()) } else { from.skip() }
}
