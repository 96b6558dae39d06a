//! Pseudonyms in the place of what tells who someone is, so that a report can be handed on.
//!
//! A pseudonym is made of the value and a key by HMAC-SHA-256: whoever has the key gets the same
//! one for the same value in every report, and nobody without it can find out the value by trying
//! all addresses or all names. [`Redactor`] turns single values, among them the cells of the
//! dataset's columns ([`Redactor::cell`]), and [`redacted`] a whole summary.

mod columns;
mod key;
mod known;
mod summary;
mod to_do;

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::dataset::Custody;
use crate::tenant::{GuidText, TenantId, parse_guid};
use crate::who::ObjectId;

pub use key::{Key, KeyError};
pub use summary::redacted;

/// What every redacted report says at its beginning.
pub const CAVEAT: &str = "Redacted: people, customers, partners, policies, apps that are not public, \
    addresses and ids are pseudonyms, the same ones wherever the same key was used. Times, \
    countries, figures and error codes are as they were.";

/// Signs of a pseudonym, each of five bits: no two of some hundred thousand values are likely to
/// share all 40, and a table has room for the eight.
const SIGNS: u32 = 8;
/// What people do not take for one another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Turns values into pseudonyms, the same for the same value, in whatever case it is written.
/// What is blank stays blank.
#[derive(Debug, Clone)]
pub struct Redactor {
    key: Key,
}

impl Redactor {
    pub fn new(key: Key) -> Self {
        Self { key }
    }

    /// A sign-in name, an object id or the name that is shown of an account. `user_1a2b…` and the
    /// object id that it holds are one account.
    pub fn account(&self, text: &str) -> String {
        let id = ObjectId::of_gdap_name(text).or_else(|| ObjectId::parse(text));
        match id {
            Some(id) => self.pseudonym("account", "account", &id.to_string()),
            None => self.pseudonym("account", "account", text),
        }
    }

    /// The name of a customer.
    pub fn customer(&self, name: &str) -> String {
        self.pseudonym("customer", "name", name)
    }

    /// The name of a partner; the signs are those of a customer of that name.
    pub fn partner(&self, name: &str) -> String {
        self.pseudonym("partner", "name", name)
    }

    /// The name of a provider that is not on the list.
    pub fn provider(&self, name: &str) -> String {
        self.pseudonym("provider", "name", name)
    }

    /// An IP address, however it is written; what is none, as text.
    pub fn address(&self, text: &str) -> String {
        let parsed: Option<IpAddr> = text.trim().parse().ok();
        let plain = parsed.map_or_else(|| text.to_owned(), |ip| ip.to_canonical().to_string());
        self.pseudonym("address", "address", &plain)
    }

    /// A device, by its id or its name.
    pub fn device(&self, text: &str) -> String {
        self.pseudonym("device", "device", text)
    }

    /// The name of a policy; that Microsoft manages it stays.
    pub fn policy(&self, name: &str) -> String {
        let pseudonym = self.pseudonym("policy", "policy", name);
        match crate::remedy::facts::is_microsoft_managed(name) {
            true => format!("Microsoft-managed: {pseudonym}"),
            false => pseudonym,
        }
    }

    /// The id of a policy; security defaults have the same one everywhere.
    pub fn policy_id(&self, id: &str) -> String {
        if id.eq_ignore_ascii_case(known::SECURITY_DEFAULTS) {
            return known::SECURITY_DEFAULTS.to_owned();
        }
        self.guid(id).unwrap_or_else(|| self.pseudonym("policy", "policy id", id))
    }

    /// The name or the id of an app or a resource; those of Microsoft and of known tools are the
    /// same for everybody and stay.
    pub fn app(&self, text: &str) -> String {
        match known::app(text) {
            Some(public) => public.to_owned(),
            None => self.pseudonym("app", "app", text),
        }
    }

    /// The name of a tool; those that come with the program stay.
    pub fn tool(&self, name: &str) -> String {
        match known::tool(name) {
            Some(public) => public.to_owned(),
            None => self.pseudonym("tool", "app", name),
        }
    }

    /// The id of a tenant: another GUID, and no tenant's.
    pub fn tenant(&self, tenant: TenantId) -> TenantId {
        let bits = self.bits("guid", &tenant.to_string());
        TenantId::of(bits).unwrap_or(tenant)
    }

    /// Any other GUID, as a GUID; the same one as [`Self::tenant`] has for a tenant's id. What is
    /// no GUID is nothing here.
    pub fn guid(&self, text: &str) -> Option<String> {
        let bits = parse_guid(text.trim().as_bytes())?;
        let plain = GuidText::of(bits);
        Some(GuidText::of(self.bits("guid", plain.as_str())).as_str().to_owned())
    }

    /// A request id, which is the id of a sign-in.
    pub fn request(&self, id: &str) -> String {
        self.guid(id).unwrap_or_else(|| self.pseudonym("request", "request", id))
    }

    pub fn correlation(&self, id: &str) -> String {
        self.guid(id).unwrap_or_else(|| self.pseudonym("correlation", "correlation", id))
    }

    /// The path of an export: folders are named after customers and people.
    pub fn export(&self, path: &str) -> String {
        self.pseudonym("export", "export", path)
    }

    /// Any text of which nothing else is known, such as a user agent, under a prefix that says
    /// what it was.
    pub fn text(&self, prefix: &str, text: &str) -> String {
        self.pseudonym(prefix, "text", text)
    }

    /// On whose behalf the work was done; a note can say anything, and is left out.
    pub fn custody(&self, custody: &Custody) -> Custody {
        let Custody { case, examiner, note: _ } = custody;
        Custody {
            case: case.as_ref().map(|case| self.pseudonym("case", "case", case)),
            examiner: examiner.as_ref().map(|name| self.pseudonym("examiner", "account", name)),
            note: None,
        }
    }

    fn pseudonym(&self, prefix: &str, kind: &str, text: &str) -> String {
        let plain = text.trim().to_lowercase();
        if plain.is_empty() {
            return String::new();
        }
        let bits = self.bits(kind, &plain);
        let sign = |place: u32| char::from(ALPHABET[(bits >> (123 - 5 * place)) as usize & 31]);
        let signs: String = (0..SIGNS).map(sign).collect();
        format!("{prefix}-{signs}")
    }

    /// The first 128 bits of the HMAC over kind and value, which no zero byte can mix up.
    fn bits(&self, kind: &str, plain: &str) -> u128 {
        let mut mac = self.mac();
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(plain.as_bytes());
        let hash = mac.finalize().into_bytes();
        hash.iter().take(16).fold(0, |bits, &byte| bits << 8 | u128::from(byte))
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.key.bytes()).expect("a key of any length")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(byte: u8) -> Redactor {
        Redactor::new(Key::of([byte; 32]))
    }

    #[test]
    fn the_same_value_has_the_same_pseudonym_in_any_case_and_another_one_by_another_key() {
        let one = redactor(1);
        let name = one.account("Svc-Liongard@Fabrikam.example");
        assert_eq!(name, one.account(" svc-liongard@fabrikam.EXAMPLE"));
        assert!(name.starts_with("account-") && name.len() == "account-".len() + 8, "{name}");
        assert_ne!(name, redactor(2).account("svc-liongard@fabrikam.example"));
        assert_ne!(name, one.account("svc-liongard@fabrikam.example2"));
        assert_eq!(one.account(" "), "");
        assert_eq!(one.address("2001:DB8::1"), one.address("2001:db8:0:0:0:0:0:1"));
        assert_eq!(one.address("192.0.2.1"), one.address("::ffff:192.0.2.1"));
    }

    #[test]
    fn an_account_is_one_by_its_object_id_and_by_the_name_that_holds_it() {
        let one = redactor(1);
        let hex = "1a2b3c4d5e6f40718293a4b5c6d7e8f9";
        let id = one.account("1A2B3C4D-5e6f-4071-8293-a4b5c6d7e8f9");
        assert_eq!(one.account(&format!("user_{hex}")), id);
        assert_eq!(one.account(&format!("USER_{hex}@contoso.onmicrosoft.com")), id);
    }

    #[test]
    fn kinds_do_not_share_signs_and_names_do() {
        let one = redactor(1);
        let signs = |pseudonym: String| pseudonym.rsplit('-').next().map(str::to_owned);
        assert_ne!(signs(one.account("Contoso")), signs(one.customer("Contoso")));
        assert_eq!(signs(one.partner("contoso")), signs(one.customer("Contoso")));
    }

    #[test]
    fn what_is_public_stays() {
        let one = redactor(1);
        assert_eq!(one.app("microsoft graph"), "Microsoft Graph");
        assert_eq!(one.app("Liongard"), "Liongard");
        assert!(one.app("Liongard for Contoso").starts_with("app-"));
        assert_eq!(one.policy_id("securitydefaults"), "SecurityDefaults");
        let managed = one.policy("Microsoft-managed: Contoso's own");
        assert!(managed.starts_with("Microsoft-managed: policy-"), "{managed}");
    }

    #[test]
    fn a_guid_becomes_another_guid() {
        let one = redactor(1);
        let tenant = TenantId::parse("8f3c52d1-0a1b-4c2d-8e3f-001122334455").expect("a GUID");
        assert_ne!(one.tenant(tenant), tenant);
        assert_eq!(one.guid("8F3C52D1-0A1B-4C2D-8E3F-001122334455"), {
            Some(one.tenant(tenant).to_string())
        });
        assert_eq!(one.guid("Contoso"), None);
    }
}
