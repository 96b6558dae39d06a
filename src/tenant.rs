//! Tenants, partners and customers: who is who, before any log is read.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a Microsoft Entra tenant: a GUID, compared without case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(u128);

impl TenantId {
    /// Reads a GUID of 36 characters in any case, with blanks or braces around it.
    ///
    /// The nil GUID is what some exporters write for "none", so it is no tenant.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(text);
        parse_guid(text.as_bytes()).and_then(Self::of)
    }

    /// From the bits of a GUID; nil is no tenant.
    pub fn of(bits: u128) -> Option<Self> {
        (bits != 0).then_some(Self(bits))
    }

    /// The 128 bits of the GUID in the order in which they are written.
    pub fn as_u128(self) -> u128 {
        self.0
    }

    /// The first eight digits: enough for people to tell tenants apart in a table.
    pub fn short(self) -> String {
        format!("{:08x}", self.0 >> 96)
    }
}

/// Reads a hyphenated GUID of exactly 36 bytes.
pub fn parse_guid(text: &[u8]) -> Option<u128> {
    if text.len() != 36 {
        return None;
    }
    text.iter().enumerate().try_fold(0u128, |bits, (at, &byte)| {
        if matches!(at, 8 | 13 | 18 | 23) {
            return (byte == b'-').then_some(bits);
        }
        let digit = (byte as char).to_digit(16)?;
        Some(bits << 4 | u128::from(digit))
    })
}

/// A GUID as people write it, on the stack.
#[derive(Debug, Clone, Copy)]
pub struct GuidText([u8; 36]);

impl GuidText {
    /// Writes the bits in lower case, with hyphens.
    pub fn of(bits: u128) -> Self {
        /// Where the two digits of each byte stand.
        const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
        let mut text = [b'-'; 36];
        for (byte, at) in bits.to_be_bytes().into_iter().zip(PLACES) {
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        // Digits and hyphens are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GuidText::of(self.0).as_str())
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// In JSON the GUID as people write it: no reader of JSON keeps 128 bits of a number. In the spill
/// its bits.
impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u128::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("no tenant id"))
    }
}

/// A service provider that the user named: the tenant from which it signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    pub tenant_id: TenantId,
    pub name: Option<String>,
    /// Mail domains in lower case; used only for sign-ins without a home tenant.
    pub domains: Vec<String>,
}

/// The listed partners, by tenant and by domain.
#[derive(Debug, Clone, Default)]
pub struct PartnerList {
    by_tenant: BTreeMap<TenantId, Partner>,
    by_domain: BTreeMap<String, TenantId>,
}

impl PartnerList {
    /// Adds a partner; named twice, the names and domains of both are kept.
    pub fn add(&mut self, partner: Partner) {
        for domain in &partner.domains {
            self.by_domain.insert(domain.to_lowercase(), partner.tenant_id);
        }
        let known = self.by_tenant.entry(partner.tenant_id).or_insert_with(|| Partner {
            tenant_id: partner.tenant_id,
            name: None,
            domains: Vec::new(),
        });
        if known.name.is_none() {
            known.name = partner.name;
        }
        for domain in partner.domains {
            let domain = domain.to_lowercase();
            if !known.domains.contains(&domain) {
                known.domains.push(domain);
            }
        }
        known.domains.sort();
    }

    pub fn is_empty(&self) -> bool {
        self.by_tenant.is_empty()
    }

    pub fn contains(&self, tenant: TenantId) -> bool {
        self.by_tenant.contains_key(&tenant)
    }

    /// The partner whose domain stands behind the last `@` of a user principal name.
    pub fn by_user_principal_name(&self, name: &str) -> Option<TenantId> {
        let (_, domain) = name.rsplit_once('@')?;
        self.by_domain.get(&domain.to_lowercase()).copied()
    }

    /// In the order of the tenant ids.
    pub fn iter(&self) -> impl Iterator<Item = &Partner> {
        self.by_tenant.values()
    }

    /// All domains of all partners, in lower case, sorted.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.by_domain.keys().map(String::as_str)
    }
}

/// The customers that the user listed, with their names where the list has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerList {
    names: BTreeMap<TenantId, Option<String>>,
}

impl CustomerList {
    /// Adds a customer; a name that is already known is kept.
    pub fn add(&mut self, tenant: TenantId, name: Option<String>) {
        let known = self.names.entry(tenant).or_default();
        if known.is_none() {
            *known = name.filter(|name| !name.trim().is_empty());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// In the order of the tenant ids.
    pub fn iter(&self) -> impl Iterator<Item = (TenantId, Option<&str>)> {
        self.names.iter().map(|(&tenant, name)| (tenant, name.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_id_is_text_in_json_and_bits_in_the_spill() {
        let tenant = TenantId::parse("8F3C52D1-0a1b-4c2d-8e3f-001122334455").expect("a GUID");
        let json = serde_json::to_string(&tenant).expect("JSON");
        assert_eq!(json, r#""8f3c52d1-0a1b-4c2d-8e3f-001122334455""#);
        assert_eq!(serde_json::from_str::<TenantId>(&json).ok(), Some(tenant));
        assert!(serde_json::from_str::<TenantId>(r#""contoso""#).is_err());
        let bits = postcard::to_stdvec(&tenant).expect("bits");
        assert!(bits.len() < 20);
        assert_eq!(postcard::from_bytes::<TenantId>(&bits).ok(), Some(tenant));
    }

    #[test]
    fn a_guid_is_read_in_any_case_and_written_in_lower_case() {
        let tenant = TenantId::parse(" {8F3C52D1-0A1B-4C2D-8E3F-001122334455} ");
        assert_eq!(
            tenant.map(|t| t.to_string()).as_deref(),
            Some("8f3c52d1-0a1b-4c2d-8e3f-001122334455")
        );
        assert_eq!(TenantId::parse("8f3c52d1"), None);
        assert_eq!(TenantId::parse("00000000-0000-0000-0000-000000000000"), None);
    }

    #[test]
    fn a_domain_is_what_stands_behind_the_last_at_sign() {
        let mut partners = PartnerList::default();
        let tenant = TenantId(7);
        partners.add(Partner {
            tenant_id: tenant,
            name: None,
            domains: vec!["Fabrikam.Example".to_owned()],
        });
        assert_eq!(partners.by_user_principal_name("a@b@FABRIKAM.example"), Some(tenant));
        assert_eq!(partners.by_user_principal_name("a@x.fabrikam.example"), None);
    }
}
