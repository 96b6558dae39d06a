//! Odd spellings of a record. Each leaves its meaning as it is.

use super::Kind;
use super::records::{Entry, SignIn, Stream};
use super::rng::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// `HomeTenantId` and so on for every key.
    PascalRecord,
    /// For the one key that relates a record to its partner.
    PascalHome,
    /// The home tenant twice: a wrong one first, the last counts.
    TwiceHome,
    /// The same with the first key in another case.
    TwiceHomeOtherCase,
    /// `home\u0054enantId`
    EscapedKey,
    /// A letter or digit inside the home tenant's id as an escape.
    EscapedValue,
    /// Ids in upper case.
    UpperIds,
    AccessNumber,
    AccessSpaced,
    AccessList,
    AccessOtherCase,
    /// `appliedConditionalAccessPolicies` as JSON text inside a string.
    PoliciesText,
    /// A user agent with half of a surrogate pair.
    LoneSurrogate,
    /// Nulls for what is absent otherwise.
    Nulls,
    /// Keys missing that no judgement needs.
    Missing,
    NoId,
    /// `createdDateTime` with another offset.
    WesternTime,
    // From here on: diagnostic settings only.
    /// `properties` as JSON text inside a string.
    PropertiesText,
    ResultTypeNumber,
    LevelText,
    /// The error code in the envelope only, and in the properties only.
    NoStatus,
    NoResultType,
    AmericanTime,
    /// The exporting tenant in the path only.
    NoEnvelopeTenant,
    /// Log Analytics only: the row came from another table of the workspace.
    OtherTable,
}

const COMMON: [Quirk; 16] = [
    Quirk::PascalRecord,
    Quirk::PascalHome,
    Quirk::TwiceHome,
    Quirk::TwiceHomeOtherCase,
    Quirk::EscapedKey,
    Quirk::EscapedValue,
    Quirk::UpperIds,
    Quirk::AccessNumber,
    Quirk::AccessSpaced,
    Quirk::AccessList,
    Quirk::AccessOtherCase,
    Quirk::PoliciesText,
    Quirk::LoneSurrogate,
    Quirk::Nulls,
    Quirk::Missing,
    Quirk::WesternTime,
];

const OF_MONITOR: [Quirk; 6] = [
    Quirk::PropertiesText,
    Quirk::ResultTypeNumber,
    Quirk::LevelText,
    Quirk::NoStatus,
    Quirk::NoResultType,
    Quirk::AmericanTime,
];

/// For rows of cells.
const OF_ROWS: [Quirk; 5] = [
    Quirk::UpperIds,
    Quirk::AccessNumber,
    Quirk::AccessSpaced,
    Quirk::AccessList,
    Quirk::AccessOtherCase,
];

impl Quirk {
    pub fn draw(share: f64, entry: &Entry, kind: Kind, rng: &mut Rng) -> Option<Self> {
        if kind.is_portal_csv() || !rng.chance(share) {
            return None;
        }
        if !entry.has_twin && rng.chance(0.05) {
            return Some(Self::NoId);
        }
        if kind.is_log_analytics() && !entry.has_twin && rng.chance(0.15) {
            return Some(Self::OtherTable);
        }
        if kind.is_csv()
            || kind.is_log_analytics()
            || kind.is_defender()
            || kind == Kind::PowerShellJson
        {
            return Some(*rng.pick(&OF_ROWS));
        }
        if kind == Kind::DiagnosticLines && rng.chance(0.15) {
            return Some(Self::NoEnvelopeTenant);
        }
        let of_monitor = kind.is_diagnostic() && rng.chance(0.3);
        Some(*if of_monitor { rng.pick(&OF_MONITOR) } else { rng.pick(&COMMON) })
    }

    /// The record begins with another key than most.
    pub fn changes_first_key(self) -> bool {
        matches!(self, Self::NoId | Self::PascalRecord)
    }

    /// In a record that keeps its strings in a string, half a surrogate pair would break the inner text.
    pub fn agent_json(self, sign_in: &SignIn) -> Option<String> {
        let is_user = sign_in.stream != Stream::ServicePrincipal;
        (self == Self::LoneSurrogate && is_user)
            .then(|| "\"Mozilla/5.0 (broken \\ud83d) x\"".into())
    }
}
