//! The columns of `sign_ins` that are counted, as numbers: a text column as the numbers of its
//! texts, a column of few words as a code or as signs that its words stand for.

use super::super::texts::Texts;
use crate::attribution::Verdict;
use crate::dataset::{DatasetError, KnownWords, Stretch, Words};
use crate::relation::{PartnerMatch, Side};
use crate::sign_in::{RowEvidence, SignInType};

/// Text columns whose texts matter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    Partner,
    Child,
    Account,
    AppId,
    AppName,
    ResourceId,
    ResourceName,
    Source,
    Address,
    UserId,
    Access,
    RiskLevel,
    RiskState,
    Category,
    WhoFixes,
    Cause,
    Remedy,
    Requirement,
    Methods,
    Details,
    Network,
    Country,
}

/// In the order of [`Word`].
const WORDS: [&str; 22] = [
    "partner_tenant_id",
    "child_tenant_id",
    "account",
    "app_id",
    "app_name",
    "resource_id",
    "resource_name",
    "source_export",
    "ip_address",
    "user_id",
    "cross_tenant_access",
    "risk_level",
    "risk_state",
    "category",
    "who_fixes",
    "cause",
    "remedy",
    "authentication_requirement",
    "authentication_methods",
    "additional_details",
    "network_location",
    "country",
];

/// Columns of few words, each of which says something.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    Side,
    Match,
    Verdict,
    Evidence,
    Type,
    Client,
    Protocol,
    Transfer,
    Access,
    Risk,
}

/// A column and what its words stand for.
type Coded = (&'static str, fn(&str) -> u32);

/// In the order of [`Code`].
const CODES: [Coded; 10] = [
    ("side", side_code),
    ("partner_match", match_code),
    ("verdict", verdict_code),
    ("row_evidence", |word| u32::from(lists_policies(word))),
    ("sign_in_type", type_signs),
    ("client_app", client_signs),
    ("authentication_protocol", |word| device_code_if(word, "deviceCode")),
    ("original_transfer_method", |word| device_code_if(word, "deviceCodeFlow")),
    ("cross_tenant_access", access_signs),
    ("risk_state", risk_signs),
];

/// The other columns that are read of every row.
const OTHERS: [&str; 4] = ["created_at", "disputed", "error_code", "correlation_id"];
/// What rows may lack: older datasets and parts of other hands do not have it.
const LATER: [&str; 10] = [
    "category",
    "who_fixes",
    "cause",
    "remedy",
    "authentication_requirement",
    "authentication_methods",
    "additional_details",
    "network_location",
    "country",
    "risk_state",
];

/// The names of all of them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let codes = CODES.iter().map(|(name, _)| *name);
    WORDS.into_iter().chain(codes).chain(OTHERS)
}

/// The first words of [`Word`] are asked of nearly every row, the others of few.
const DENSE: usize = 8;

/// What is known of the words of a row group.
#[derive(Debug, Default)]
pub(super) struct Columns {
    known: Vec<KnownWords>,
    dense: Vec<Vec<u32>>,
}

impl Columns {
    /// Takes the next rows of the same row group.
    pub(super) fn take<'a>(
        &'a mut self,
        stretch: &'a Stretch,
        texts: &mut Texts,
    ) -> Result<Rows<'a>, DatasetError> {
        self.known.resize_with(WORDS.len() + CODES.len(), KnownWords::default);
        self.dense.resize_with(DENSE + CODES.len(), Vec::new);
        let mut dense = self.dense.iter_mut();
        let mut rare = [None; WORDS.len() - DENSE];
        let (of_words, of_codes) = self.known.split_at_mut(WORDS.len());
        for (place, (name, known)) in WORDS.into_iter().zip(of_words).enumerate() {
            let words = words_of(stretch, name)?;
            let number = |text: &str| texts.number(Some(text));
            match place.checked_sub(DENSE).and_then(|place| rare.get_mut(place)) {
                Some(rare) => {
                    if let Some(words) = words {
                        words.learn(known, number);
                    }
                    *rare = words;
                }
                None => fill(words, known, number, dense.next(), stretch.rows()),
            }
        }
        for ((name, code), known) in CODES.into_iter().zip(of_codes) {
            fill(words_of(stretch, name)?, known, code, dense.next(), stretch.rows());
        }
        let mut slices: [&[u32]; DENSE + CODES.len()] = Default::default();
        for (slice, dense) in slices.iter_mut().zip(&self.dense) {
            *slice = dense.as_slice();
        }
        Ok(Rows { dense: slices, rare, known: &self.known })
    }
}

fn words_of<'a>(
    stretch: &'a Stretch,
    name: &'static str,
) -> Result<Option<Words<'a>>, DatasetError> {
    if !stretch.has(name) && LATER.contains(&name) {
        return Ok(None);
    }
    stretch.words(name).map(Some)
}

fn fill(
    words: Option<Words<'_>>,
    known: &mut KnownWords,
    of: impl FnMut(&str) -> u32,
    numbers: Option<&mut Vec<u32>>,
    rows: usize,
) {
    let Some(numbers) = numbers else { return };
    match words {
        Some(words) => words.each(known, of, numbers),
        None => {
            numbers.clear();
            numbers.resize(rows, 0);
        }
    }
}

/// The words of some rows as numbers.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    dense: [&'a [u32]; DENSE + CODES.len()],
    rare: [Option<Words<'a>>; WORDS.len() - DENSE],
    known: &'a [KnownWords],
}

impl Rows<'_> {
    /// The number of the text of a row; 0 where there is none.
    #[inline]
    pub(super) fn word(&self, word: Word, row: usize) -> u32 {
        let place = word as usize;
        if place < DENSE {
            return self.dense[place].get(row).copied().unwrap_or_default();
        }
        let words = self.rare[place - DENSE];
        words.map_or(0, |words| words.told(&self.known[place], row))
    }

    /// What the word of a row stands for; 0 where there is none.
    #[inline]
    pub(super) fn code(&self, code: Code, row: usize) -> u32 {
        self.dense[DENSE + code as usize].get(row).copied().unwrap_or_default()
    }
}

/// Sides in the order of their names.
pub(super) const HOME: u32 = 1;
pub(super) const INBOUND: u32 = 2;
pub(super) const OUTBOUND: u32 = 3;

pub(super) fn side_code(word: &str) -> u32 {
    let known = [(Side::Home, HOME), (Side::Inbound, INBOUND), (Side::Outbound, OUTBOUND)];
    known.iter().find(|(side, _)| side.as_str() == word).map_or(4, |&(_, code)| code)
}

pub(super) const LISTED: u32 = 1;
pub(super) const BY_DOMAIN: u32 = 2;
pub(super) const APP_OWNER: u32 = 3;

fn match_code(word: &str) -> u32 {
    let known = [
        (PartnerMatch::Listed, LISTED),
        (PartnerMatch::Domain, BY_DOMAIN),
        (PartnerMatch::AppOwner, APP_OWNER),
    ];
    known.iter().find(|(by, _)| by.as_str() == word).map_or(4, |&(_, code)| code)
}

fn verdict_code(word: &str) -> u32 {
    let place = Verdict::ALL.iter().position(|verdict| verdict.as_str() == word);
    place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or_default()
}

/// The verdict behind a code.
pub(super) fn verdict_of(code: u32) -> Option<Verdict> {
    let place = usize::try_from(code).ok()?.checked_sub(1)?;
    Verdict::ALL.get(place).copied()
}

fn lists_policies(word: &str) -> bool {
    [RowEvidence::Results, RowEvidence::Conditions].iter().any(|known| known.as_str() == word)
}

/// Signs that words stand for.
pub(super) mod sign {
    /// The row says that a person was there.
    pub(in super::super) const INTERACTIVE: u32 = 1;
    /// The same, in the very word.
    pub(in super::super) const IS_INTERACTIVE: u32 = 1 << 1;
    /// A service principal or a managed identity.
    pub(in super::super) const MACHINE: u32 = 1 << 2;
    pub(in super::super) const MODERN_CLIENT: u32 = 1 << 3;
    pub(in super::super) const LEGACY_CLIENT: u32 = 1 << 4;
    pub(in super::super) const DEVICE_CODE: u32 = 1 << 5;
    pub(in super::super) const SERVICE_PROVIDER: u32 = 1 << 6;
    pub(in super::super) const GUEST: u32 = 1 << 7;
    pub(in super::super) const PASSTHROUGH: u32 = 1 << 8;
    /// There was or is a risk, of whatever kind.
    pub(in super::super) const RISK: u32 = 1 << 9;
}

fn sign_if(is: bool, sign: u32) -> u32 {
    if is { sign } else { 0 }
}

fn type_signs(word: &str) -> u32 {
    let interactive = SignInType::InteractiveUser.as_str();
    let machines = [SignInType::ServicePrincipal, SignInType::ManagedIdentity];
    sign_if(word.eq_ignore_ascii_case(interactive), sign::INTERACTIVE)
        | sign_if(word == interactive, sign::IS_INTERACTIVE)
        | sign_if(machines.iter().any(|machine| machine.as_str() == word), sign::MACHINE)
}

fn client_signs(client: &str) -> u32 {
    sign_if(is_legacy(client), sign::LEGACY_CLIENT)
        | sign_if(is_modern(client), sign::MODERN_CLIENT)
}

fn device_code_if(word: &str, wanted: &str) -> u32 {
    sign_if(word.eq_ignore_ascii_case(wanted), sign::DEVICE_CODE)
}

fn access_signs(words: &str) -> u32 {
    let lower = words.to_lowercase();
    sign_if(lower.contains("serviceprovider"), sign::SERVICE_PROVIDER)
        | sign_if(lower.contains("b2b"), sign::GUEST)
        | sign_if(words.split(',').any(|word| word == "passthrough"), sign::PASSTHROUGH)
}

fn risk_signs(word: &str) -> u32 {
    sign_if(!["none", "None"].contains(&word), sign::RISK)
}

/// `clientAppUsed` of clients that use legacy authentication (Microsoft,
/// concept-sign-in-log-activity-details); names of portals in other languages are not here, and
/// so never taken for one.
const LEGACY_CLIENTS: [&str; 17] = [
    "authenticated smtp",
    "autodiscover",
    "exchange activesync",
    "exchange online powershell",
    "exchange web services",
    "imap",
    "imap4",
    "mapi over http",
    "offline address book",
    "outlook anywhere (rpc over http)",
    "outlook service",
    "pop",
    "pop3",
    "reporting web services",
    "smtp",
    "universal outlook",
    "office 2010",
];

fn is_legacy(client: &str) -> bool {
    let client = client.trim().to_lowercase();
    // Log Analytics adds what it knows: "Other clients; IMAP".
    client.starts_with("other clients") || LEGACY_CLIENTS.contains(&client.as_str())
}

/// Clients of modern authentication (Microsoft, concept-sign-in-log-activity-details). A portal in
/// another language names them otherwise, and then nothing is known.
fn is_modern(client: &str) -> bool {
    ["browser", "mobile apps and desktop clients"].contains(&client.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_basic_authentication_are_legacy() {
        assert!(is_legacy("IMAP4") && is_legacy("Exchange ActiveSync"));
        assert!(is_legacy("Other clients; Older Office clients"));
        assert!(!is_legacy("Browser") && !is_legacy("Mobile Apps and Desktop clients"));
        assert!(!is_legacy("") && !is_legacy("Mobile Apps und Desktopclients"));
        assert!(is_modern("Browser") && is_modern("Mobile Apps and Desktop clients"));
        assert!(!is_modern("") && !is_modern("Mobile Apps und Desktopclients"));
    }

    #[test]
    fn sides_are_in_the_order_of_their_names() {
        let mut sides = [Side::Inbound, Side::Outbound, Side::Home].map(Side::as_str);
        sides.sort_unstable();
        assert!(sides.is_sorted_by_key(|side| side_code(side)));
        assert_eq!(sides.map(side_code), [HOME, INBOUND, OUTBOUND]);
    }
}
