//! The cheap look before parsing: *filter before you parse* (Palkar et al., Sparser, VLDB 2018).
//!
//! Nearly all records are sign-ins of a tenant's own users. A record is skipped only if a look at
//! its bytes proves that its home tenant is no listed partner, that no service provider came in,
//! and that no listed partner owns the app. Any doubt, also any unusual spelling, and the record is
//! parsed: peek may cost time, never a row.

use memchr::memmem;

use super::frame::cells_at;
use crate::blocks::{BLOCK, Kernel, Ops, PLACES, REACH, run};
use crate::dialect::Table;
use crate::tenant::{PartnerList, parse_guid};

/// Looks for the listed partners.
#[derive(Debug, Clone)]
pub struct Peek {
    /// Sorted.
    listed: Vec<u128>,
    /// Of listed partners, in lower case: they decide where the record names no home tenant.
    domains: Vec<Vec<u8>>,
    escape: memmem::Finder<'static>,
}

impl Peek {
    /// For the partners of a run.
    pub fn of(partners: &PartnerList) -> Self {
        Self::new(partners.iter().map(|partner| partner.tenant_id.as_u128()), partners.domains())
    }

    pub fn new(
        listed: impl IntoIterator<Item = u128>,
        domains: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let mut listed: Vec<u128> = listed.into_iter().collect();
        listed.sort_unstable();
        listed.dedup();
        let domains = domains.into_iter().map(|domain| domain.as_ref().to_lowercase().into_bytes());
        Self { listed, domains: domains.collect(), escape: memmem::Finder::new(r"\u00") }
    }

    /// Whether this JSON record can be told, without parsing, to be no partner sign-in. The rules:
    /// (a) there is a home tenant, and each is a plainly quoted key with a plainly quoted GUID that
    /// is not listed; (b) "service provider" does not occur, but in the rules of a policy; (c) each
    /// cross-tenant access type is null or a quoted word, since a number is a set of flags; (d) no
    /// letter or digit is escaped, so that nothing hides from the other rules; (e) each app owner is
    /// null, empty or a plainly quoted GUID that is not listed.
    pub fn may_skip(&self, record: &[u8]) -> bool {
        let mut home_tenants = 0;
        let clear = each_anchor(record, |anchor| match anchor {
            Anchor::Provider(at) => !follows_service(record, at) || is_rule(record, at),
            Anchor::Tenant(at) => match tenant_key(record, at) {
                TenantKey::Home => {
                    home_tenants += 1;
                    is_plain_home_key(record, at)
                        && self.is_foreign(value_behind(record, at + "tenantId".len()))
                }
                TenantKey::AppOwner => {
                    let value = value_behind(record, at + "tenantId".len());
                    value.is_some_and(is_null_or_empty) || self.is_foreign(value)
                }
                TenantKey::CrossTenantAccess => {
                    value_behind(record, at + "tenantAccessType".len()).is_some_and(is_null_or_word)
                }
                TenantKey::Other => true,
            },
        });
        clear
            && home_tenants > 0
            && !self.hides_in_escapes(record)
            && !self.names_listed_domain(record)
    }

    /// Whether this row of a CSV can be told, without parsing, to be no partner sign-in: by the same
    /// rules on the cells that matter. A cell in an unusual spelling is parsed.
    pub fn may_skip_row(&self, row: &[u8], delimiter: u8, columns: &PeekColumns) -> bool {
        let Some(cells) = cells_at(row, delimiter, &columns.places) else { return false };
        columns.kinds.iter().zip(cells).all(|(kind, cell)| {
            let cell = unquoted(&row[cell]);
            match kind {
                TenantKey::Home => self.is_foreign_guid(cell),
                TenantKey::AppOwner => cell.is_empty() || self.is_foreign_guid(cell),
                TenantKey::CrossTenantAccess => is_no_provider(cell),
                TenantKey::Other => true,
            }
        })
    }

    /// A plainly quoted GUID that is not listed. The nil id is no tenant, so nobody's.
    fn is_foreign(&self, value: Option<&[u8]>) -> bool {
        let quoted = value.and_then(|value| value.first_chunk::<38>());
        let Some([b'"', guid @ .., b'"']) = quoted else { return false };
        self.is_foreign_guid(guid)
    }

    fn is_foreign_guid(&self, guid: &[u8]) -> bool {
        parse_guid(guid).is_some_and(|tenant| tenant != 0 && !self.is_listed(tenant))
    }

    /// Whether an address of a listed domain occurs: its owner may be known by nothing else, if
    /// the home tenant that was found belongs to another object of the record.
    fn names_listed_domain(&self, record: &[u8]) -> bool {
        !self.domains.is_empty()
            && memchr::memchr_iter(b'@', record).any(|at| {
                let behind = &record[at + 1..];
                self.domains.iter().any(|domain| {
                    behind.get(..domain.len()).is_some_and(|text| text.eq_ignore_ascii_case(domain))
                })
            })
    }

    fn is_listed(&self, tenant: u128) -> bool {
        self.listed.binary_search(&tenant).is_ok()
    }

    fn hides_in_escapes(&self, record: &[u8]) -> bool {
        self.escape.find_iter(record).any(|at| {
            let digits = record.get(at + r"\u00".len()..at + r"\u0041".len());
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            // Half an escape is a doubt as well. `@`, `-` and `.` belong to addresses.
            code.is_none_or(|code| code.is_ascii_alphanumeric() || b"@-.".contains(&code))
        })
    }
}

/// The columns of a table by which a row can be told to be no partner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeekColumns {
    /// In ascending order.
    places: Vec<usize>,
    kinds: Vec<TenantKey>,
}

impl PeekColumns {
    /// Nothing if no column holds a home tenant.
    pub fn of(table: &Table) -> Option<Self> {
        let home = table.columns_of("hometenantid");
        if home.is_empty() {
            return None;
        }
        let kinds = [
            (home, TenantKey::Home),
            (table.columns_of("appownertenantid"), TenantKey::AppOwner),
            (table.columns_of("crosstenantaccesstype"), TenantKey::CrossTenantAccess),
        ];
        let mut columns: Vec<(usize, TenantKey)> = kinds
            .into_iter()
            .flat_map(|(places, kind)| places.into_iter().map(move |place| (place, kind)))
            .collect();
        columns.sort_by_key(|(place, _)| *place);
        let (places, kinds) = columns.into_iter().unzip();
        Some(Self { places, kinds })
    }
}

/// A cell without the quotes around it.
fn unquoted(cell: &[u8]) -> &[u8] {
    match cell {
        [b'"', inside @ .., b'"'] => inside,
        cell => cell,
    }
}

/// An access type that is known and no service provider's.
fn is_no_provider(cell: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [
        b"",
        b"none",
        b"b2bcollaboration",
        b"b2b collaboration",
        b"b2bdirectconnect",
        b"b2b direct connect",
        b"passthrough",
        b"microsoftsupport",
    ];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(cell))
}

/// A word, in any case, that all rules hang on, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Tenant(usize),
    Provider(usize),
}

const TENANT: &[u8] = b"tenant";
const PROVIDER: &[u8] = b"provider";

/// Calls `check` for each anchor until it says no; says whether it never did.
fn each_anchor(bytes: &[u8], check: impl FnMut(Anchor) -> bool) -> bool {
    run(Anchors { bytes, check })
}

struct Anchors<'a, F> {
    bytes: &'a [u8],
    check: F,
}

impl<F: FnMut(Anchor) -> bool> Kernel for Anchors<'_, F> {
    type Answer = bool;

    #[inline(always)]
    fn run<O: Ops>(self, ops: O) -> bool {
        const LETTERS: [[u8; 3]; 2] = [letters_of(TENANT), letters_of(PROVIDER)];
        let Self { bytes, mut check } = self;
        let mut at = 0;
        while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<REACH>) {
            let mut places = ops.words(block, LETTERS);
            while places != 0 {
                let place = at + places.trailing_zeros() as usize;
                if !anchor_at(bytes, place).is_none_or(&mut check) {
                    return false;
                }
                places &= places - 1;
            }
            at += BLOCK;
        }
        (at..bytes.len()).filter_map(|at| anchor_at(bytes, at)).all(check)
    }
}

const fn letters_of(word: &[u8]) -> [u8; 3] {
    [word[PLACES[0]], word[PLACES[1]], word[PLACES[2]]]
}

fn anchor_at(bytes: &[u8], at: usize) -> Option<Anchor> {
    match bytes[at] | 0x20 {
        b't' if starts_with_any_case(&bytes[at..], TENANT) => Some(Anchor::Tenant(at)),
        b'p' if starts_with_any_case(&bytes[at..], PROVIDER) => Some(Anchor::Provider(at)),
        _ => None,
    }
}

/// `"ruleSatisfied":"serviceProvider"`: a policy for guests names whom it includes, whoever signed
/// in. Written otherwise it is a doubt.
fn is_rule(bytes: &[u8], provider: usize) -> bool {
    const KEY: &[u8] = b"\"ruleSatisfied\"";
    const SERVICE: &[u8] = b"\"service";
    let is_whole = bytes[provider..].get(PROVIDER.len()) == Some(&b'"');
    let Some(before) = bytes[..provider].strip_suffix(SERVICE) else { return false };
    let key = before.trim_ascii_end().strip_suffix(b":").map(<[u8]>::trim_ascii_end);
    is_whole && key.is_some_and(|key| key.ends_with(KEY))
}

/// "service" before the provider, with any blank or mark between.
fn follows_service(bytes: &[u8], provider: usize) -> bool {
    let before = &bytes[..provider];
    let word_end = before.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
    ends_with_any_case(&before[..word_end], b"ervice")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TenantKey {
    Home,
    AppOwner,
    CrossTenantAccess,
    Other,
}

/// Which key, in any case, this `tenant` belongs to. The first letter is left to choice.
fn tenant_key(bytes: &[u8], tenant: usize) -> TenantKey {
    let (before, behind) = (&bytes[..tenant], &bytes[tenant + TENANT.len()..]);
    if starts_with_any_case(behind, b"id") {
        if ends_with_any_case(before, b"ome") {
            return TenantKey::Home;
        }
        if ends_with_any_case(before, b"ppowner") {
            return TenantKey::AppOwner;
        }
    } else if ends_with_any_case(before, b"ross") && starts_with_any_case(behind, b"accesstype") {
        return TenantKey::CrossTenantAccess;
    }
    TenantKey::Other
}

/// `"homeTenantId` or `"HomeTenantId`, not within a string. Any other spelling is parsed: the last
/// of several wins then.
fn is_plain_home_key(bytes: &[u8], tenant: usize) -> bool {
    let Some(start) = tenant.checked_sub("\"home".len()) else { return false };
    let key = &bytes[start..];
    (key.starts_with(b"\"homeTenantId") || key.starts_with(b"\"HomeTenantId"))
        && (start == 0 || bytes[start - 1] != b'\\')
}

/// What follows a key and its colon; the key's closing quote is at `key_end`.
fn value_behind(bytes: &[u8], key_end: usize) -> Option<&[u8]> {
    let behind = bytes.get(key_end..)?.strip_prefix(b"\"")?.trim_ascii_start();
    Some(behind.strip_prefix(b":")?.trim_ascii_start())
}

fn is_null_or_empty(value: &[u8]) -> bool {
    value.starts_with(b"null") || value.starts_with(b"\"\"")
}

/// One word of letters and digits that begins with a letter: neither a number, nor a list, nor
/// escaped.
fn is_null_or_word(value: &[u8]) -> bool {
    if is_null_or_empty(value) {
        return true;
    }
    let Some((b'"', text)) = value.split_first() else { return false };
    let word = text.iter().position(|byte| !byte.is_ascii_alphanumeric());
    text.first().is_some_and(u8::is_ascii_alphabetic) && word.is_some_and(|end| text[end] == b'"')
}

fn starts_with_any_case(bytes: &[u8], word: &[u8]) -> bool {
    bytes.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
}

fn ends_with_any_case(bytes: &[u8], word: &[u8]) -> bool {
    bytes
        .len()
        .checked_sub(word.len())
        .is_some_and(|start| bytes[start..].eq_ignore_ascii_case(word))
}
