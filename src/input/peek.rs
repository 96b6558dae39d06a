//! The cheap look before parsing: *filter before you parse* (Palkar et al., Sparser, VLDB 2018).
//!
//! Nearly all records are sign-ins of a tenant's own users. A record is skipped only if a look at its bytes proves that
//! its home tenant is no listed partner, that no service provider came in, and that no listed partner owns the app. Any
//! doubt, also any unusual spelling, and the record is parsed: peek may cost time, never a row.

use memchr::{memchr_iter, memmem};

use super::frame::contains_any_case;

/// Looks for the listed partners.
#[derive(Debug, Clone)]
pub struct Peek {
    /// Sorted.
    listed: Vec<u128>,
    escape: memmem::Finder<'static>,
}

impl Peek {
    pub fn new(listed: impl IntoIterator<Item = u128>) -> Self {
        let mut listed: Vec<u128> = listed.into_iter().collect();
        listed.sort_unstable();
        listed.dedup();
        Self { listed, escape: memmem::Finder::new(r"\u00") }
    }

    /// Whether this JSON record can be told, without parsing, to be no partner sign-in. The rules:
    /// (a) there is a home tenant, and each is a plainly quoted key with a plainly quoted GUID that is not listed;
    /// (b) "service provider" does not occur; (c) each cross-tenant access type is null or a quoted word, since a number
    /// is a set of flags; (d) no letter or digit is escaped, so that nothing hides from the other rules; (e) each app
    /// owner is null, empty or a plainly quoted GUID that is not listed.
    pub fn may_skip(&self, record: &[u8]) -> bool {
        let mut home_tenants = 0;
        let clear = each_anchor(record, |anchor| match anchor {
            Anchor::Provider(at) => !follows_service(record, at),
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
        clear && home_tenants > 0 && !self.escapes_letter_or_digit(record)
    }

    /// Whether this CSV row can be told, without parsing, to be no partner sign-in: no listed tenant, no service
    /// provider and none of these domains (in lower case) occurs anywhere. The caller has to look at the cross-tenant
    /// access column itself where that may hold a number.
    pub fn may_skip_csv(&self, row: &[u8], domains: &[String]) -> bool {
        let no_provider = each_anchor(row, |anchor| match anchor {
            Anchor::Provider(at) => !follows_service(row, at),
            Anchor::Tenant(_) => true,
        });
        no_provider
            && !self.names_listed_tenant(row)
            && !domains.iter().any(|domain| contains_any_case(row, domain.as_bytes()))
    }

    /// A plainly quoted GUID that is not listed.
    fn is_foreign(&self, value: Option<&[u8]>) -> bool {
        let quoted = value.and_then(|value| value.first_chunk::<38>());
        let Some([b'"', guid @ .., b'"']) = quoted else { return false };
        parse_guid(guid).is_some_and(|tenant| !self.is_listed(tenant))
    }

    fn is_listed(&self, tenant: u128) -> bool {
        self.listed.binary_search(&tenant).is_ok()
    }

    fn names_listed_tenant(&self, row: &[u8]) -> bool {
        memchr_iter(b'-', row).any(|dash| {
            let guid = dash.checked_sub(8).and_then(|start| row.get(start..)?.first_chunk::<36>());
            guid.and_then(parse_guid).is_some_and(|tenant| self.is_listed(tenant))
        })
    }

    fn escapes_letter_or_digit(&self, record: &[u8]) -> bool {
        self.escape.find_iter(record).any(|at| {
            let digits = record.get(at + r"\u00".len()..at + r"\u0041".len());
            let code =
                digits.and_then(|digits| Some(hex_digit(digits[0])? << 4 | hex_digit(digits[1])?));
            // Half an escape is a doubt as well.
            code.is_none_or(|code| code.is_ascii_alphanumeric())
        })
    }
}

/// The GUID of 36 characters, in any case, as a number. None if it is none.
pub fn parse_guid(text: &[u8; 36]) -> Option<u128> {
    let mut guid = 0;
    for (at, &byte) in text.iter().enumerate() {
        match at {
            8 | 13 | 18 | 23 if byte == b'-' => {}
            8 | 13 | 18 | 23 => return None,
            _ => guid = guid << 4 | u128::from(hex_digit(byte)?),
        }
    }
    Some(guid)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
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
///
/// Blocks are first tested as a whole for three letters of either word in their places, a loop without branches that
/// the compiler turns into vector instructions. Setting bit 5 makes letters lower case, and may take other bytes for
/// letters: the second test is exact.
fn each_anchor(bytes: &[u8], mut check: impl FnMut(Anchor) -> bool) -> bool {
    const BLOCK: usize = 64;
    /// How far behind its block a test looks.
    const REACH: usize = 6;
    let mut start = 0;
    while let Some(block) =
        bytes.get(start..).and_then(|rest| rest.first_chunk::<{ BLOCK + REACH }>())
    {
        if may_hold_anchor(block) && !anchors_in(bytes, start, start + BLOCK).all(&mut check) {
            return false;
        }
        start += BLOCK;
    }
    anchors_in(bytes, start, bytes.len()).all(check)
}

#[inline]
fn may_hold_anchor(block: &[u8; 70]) -> bool {
    let mut found = 0;
    for at in 0..64 {
        let is = |place: usize, letter: u8| u8::from(block[at + place] | 0x20 == letter);
        let tenant = is(0, b't') & is(3, b'a') & is(5, b't');
        let provider = is(0, b'p') & is(3, b'v') & is(5, b'd');
        found |= tenant | provider;
    }
    found != 0
}

/// The anchors that begin between these places.
fn anchors_in(bytes: &[u8], start: usize, end: usize) -> impl Iterator<Item = Anchor> {
    (start..end).filter_map(move |at| {
        let begins = |word: &[u8]| {
            bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word))
        };
        match bytes[at] | 0x20 {
            b't' if begins(TENANT) => Some(Anchor::Tenant(at)),
            b'p' if begins(PROVIDER) => Some(Anchor::Provider(at)),
            _ => None,
        }
    })
}

/// "service" before the provider, with any blank or mark between.
fn follows_service(bytes: &[u8], provider: usize) -> bool {
    let before = &bytes[..provider];
    let word_end = before.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
    ends_with_any_case(&before[..word_end], b"ervice")
}

#[derive(Debug, PartialEq, Eq)]
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

/// `"homeTenantId` or `"HomeTenantId`, not within a string. Any other spelling is parsed: the last of several wins then.
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

/// One word of letters and digits that begins with a letter: neither a number, nor a list, nor escaped.
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
