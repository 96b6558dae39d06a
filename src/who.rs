//! Who an account is: a person or an integration, and by which name people know it. Pure.
//!
//! A GDAP user stands in a customer's log as "Fabrikam Technician" with the name `user_` and the
//! 32 hexadecimal digits of the object id in the partner's tenant; there is no mail address.
//! Source: Microsoft, id-governance/tenant-governance/how-to-monitor-governing-activity.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::tenant::{GuidText, parse_guid};

/// The object id of a user: a GUID, compared without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(u128);

impl ObjectId {
    /// Reads a GUID with or without blanks or braces around it; the nil GUID is nobody.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(text);
        parse_guid(text.as_bytes()).filter(|&bits| bits != 0).map(Self)
    }

    /// Reads the object id out of the name of a GDAP user, with or without a domain behind it.
    pub fn of_gdap_name(account: &str) -> Option<Self> {
        let name = account.split('@').next().unwrap_or_default().trim();
        let prefix = name.get(..GDAP_PREFIX.len())?;
        let digits = name.get(GDAP_PREFIX.len()..)?;
        let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || !prefix.eq_ignore_ascii_case(GDAP_PREFIX) {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().filter(|&bits| bits != 0).map(Self)
    }
}

const GDAP_PREFIX: &str = "user_";

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(GuidText::of(self.0).as_str())
    }
}

/// An account as a table shows it: the long name of a GDAP user is cut, all others are whole.
pub fn short_account(account: &str) -> Cow<'_, str> {
    match ObjectId::of_gdap_name(account) {
        Some(ObjectId(bits)) => Cow::Owned(format!("{GDAP_PREFIX}{:08x}\u{2026}", bits >> 96)),
        None => Cow::Borrowed(account),
    }
}

/// A machine or a human being.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    Integration,
    Person,
}

impl AccountKind {
    /// Reads the word of a list; other words say nothing.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Integration, Self::Person]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text.trim()))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Person => "person",
        }
    }
}

/// A line of a list of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub object_id: ObjectId,
    pub user_principal_name: Option<String>,
    pub display_name: Option<String>,
    pub kind: Option<AccountKind>,
}

impl User {
    /// The sign-in name, since two people may have the same name; else the name shown.
    pub fn name(&self) -> Option<&str> {
        self.user_principal_name.as_deref().or(self.display_name.as_deref())
    }
}

/// How the user named an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountRef {
    Id(ObjectId),
    /// In lower case.
    Name(String),
}

impl AccountRef {
    /// An object id, a GDAP user's name, or any other name of an account.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let id = ObjectId::parse(text).or_else(|| ObjectId::of_gdap_name(text));
        id.map(Self::Id).or_else(|| (!text.is_empty()).then(|| Self::Name(text.to_lowercase())))
    }
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What the user said of the accounts of the partner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserList {
    users: BTreeMap<ObjectId, User>,
    /// Sign-in names in lower case; of two users with one name the first counts.
    by_name: BTreeMap<String, ObjectId>,
    integrations: BTreeSet<AccountRef>,
}

impl UserList {
    /// Adds a line of a list; named twice, what the first line leaves open is filled in.
    pub fn add(&mut self, user: User) {
        if let Some(name) = &user.user_principal_name {
            self.by_name.entry(name.to_lowercase()).or_insert(user.object_id);
        }
        let known = self.users.entry(user.object_id).or_insert_with(|| user.clone());
        known.user_principal_name = known.user_principal_name.take().or(user.user_principal_name);
        known.display_name = known.display_name.take().or(user.display_name);
        known.kind = known.kind.or(user.kind);
    }

    /// Names an account that is an integration, whatever the logs look like.
    pub fn name_integration(&mut self, account: AccountRef) {
        self.integrations.insert(account);
    }

    /// In the order of the object ids.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// As the user named them.
    pub fn integrations(&self) -> impl Iterator<Item = &AccountRef> {
        self.integrations.iter()
    }

    /// The lists of a later run over those of earlier ones: what it says takes the place of what
    /// was said, and what it leaves out stays.
    pub fn or_earlier(&self, earlier: &Self) -> Self {
        let listed = if self.users.is_empty() { earlier } else { self };
        let named = if self.integrations.is_empty() { earlier } else { self };
        Self { integrations: named.integrations.clone(), ..listed.clone() }
    }

    /// The line of an account, by its object id or by its sign-in name.
    pub fn find(&self, id: Option<ObjectId>, name: &str) -> Option<&User> {
        let by_name = || self.by_name.get(&name.to_lowercase());
        let id = id.filter(|id| self.users.contains_key(id)).or_else(|| by_name().copied());
        self.users.get(&id?)
    }

    /// Whether a flag names the account, by its object id or any of its names.
    pub fn is_named_integration(&self, id: Option<ObjectId>, names: &[&str]) -> bool {
        let by_name =
            |name: &&str| self.integrations.contains(&AccountRef::Name(name.to_lowercase()));
        id.is_some_and(|id| self.integrations.contains(&AccountRef::Id(id)))
            || names.iter().any(by_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "1a2b3c4d5e6f40718293a4b5c6d7e8f9";
    const DASHED: &str = "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9";

    #[test]
    fn the_name_of_a_gdap_user_holds_its_object_id() {
        for name in [
            format!("user_{HEX}"),
            format!("user_{HEX}@contoso.onmicrosoft.com"),
            format!("USER_{}@contoso.onmicrosoft.com", HEX.to_uppercase()),
        ] {
            let id = ObjectId::of_gdap_name(&name).map(|id| id.to_string());
            assert_eq!(id.as_deref(), Some(DASHED), "{name}");
            assert_eq!(short_account(&name), "user_1a2b3c4d\u{2026}");
        }
    }

    #[test]
    fn any_other_name_is_left_alone() {
        for name in [
            "user_1a2b3c4d",
            "svc-liongard@fabrikam.example",
            "Fabrikam Technician",
            DASHED,
            "user_00000000000000000000000000000000",
            "user_1a2b3c4d5e6f40718293a4b5c6d7e8fg",
            "user_\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}",
            "us\u{20ac}",
            "",
        ] {
            assert_eq!(ObjectId::of_gdap_name(name), None, "{name}");
            assert_eq!(short_account(name), name);
        }
    }

    fn user(name: Option<&str>) -> User {
        User {
            object_id: ObjectId::parse(DASHED).expect("a GUID"),
            user_principal_name: name.map(str::to_owned),
            display_name: Some("Service Liongard".to_owned()),
            kind: None,
        }
    }

    #[test]
    fn a_user_is_found_by_id_and_by_name() {
        let mut list = UserList::default();
        list.add(user(None));
        list.add(user(Some("svc-liongard@fabrikam.example")));
        let by_id = list.find(ObjectId::parse(DASHED), "user_x").and_then(User::name);
        assert_eq!(by_id, Some("svc-liongard@fabrikam.example"));
        assert!(list.find(None, "SVC-Liongard@Fabrikam.example").is_some());
        assert!(list.find(None, "someone@fabrikam.example").is_none());
    }

    #[test]
    fn an_integration_is_named_by_id_or_name() {
        let mut list = UserList::default();
        for text in [&format!("user_{HEX}"), "CIPP@fabrikam.example"] {
            list.name_integration(AccountRef::parse(text).expect("a name"));
        }
        assert!(list.is_named_integration(ObjectId::parse(DASHED), &[]));
        assert!(list.is_named_integration(None, &["x", "cipp@Fabrikam.example"]));
        assert!(!list.is_named_integration(None, &["x"]));
        assert_eq!(AccountRef::parse("  "), None);
    }

    #[test]
    fn what_a_later_run_leaves_out_stays() {
        let mut earlier = UserList::default();
        earlier.add(user(None));
        let mut later = UserList::default();
        later.name_integration(AccountRef::Name("a".to_owned()));
        let both = later.or_earlier(&earlier);
        assert_eq!((both.users().count(), both.integrations().count()), (1, 1));
    }
}
