//! Tables that follow from the others: who is who among tenants, partners and accounts.
//! Rewritten whole by each run.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::error_code;
use crate::relation::Side;
use crate::sign_in::SignInType;
use crate::tenant::{CustomerList, PartnerList, TenantId};
use crate::tools::{ToolKind, ToolList};
use crate::who::{AccountKind, ObjectId, User, UserList};

use super::error::DatasetError;
use super::part::{PartReader, Rows, StagedPart, Staging, text_at, time_at, write_table};
use super::people::People;
use super::schema;
use super::table::Table;
use super::words::Words;

/// How many sign-ins, from when to when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub sign_in_count: u64,
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
}

impl Span {
    fn add(&mut self, other: Self) {
        self.sign_in_count += other.sign_in_count;
        self.first_at = [self.first_at, other.first_at].into_iter().flatten().min();
        self.last_at = self.last_at.max(other.last_at);
    }
}

/// A row of `tenants`.
pub(super) struct TenantRow {
    pub tenant: TenantId,
    pub name: Option<String>,
    pub listed: bool,
    pub has_inbound: bool,
    pub span: Span,
}

/// A row of `partners`.
pub(super) struct PartnerRow {
    pub tenant: TenantId,
    pub name: Option<String>,
    pub listed: bool,
    pub span: Span,
}

/// A row of `accounts`.
pub(super) struct AccountRow {
    pub tenant: Option<TenantId>,
    pub account: String,
    pub span: Span,
    /// Non-interactive sign-ins with the app that has most of them.
    pub one_app_count: u64,
    /// That app is one of a tool that works by itself.
    pub is_tools_app: bool,
    /// The one object id with which it stands in the logs.
    pub user_id: Option<ObjectId>,
    /// Who it is, where `account` does not say so.
    pub name: Option<String>,
    pub name_from: Option<&'static str>,
    /// As the user says.
    pub told_kind: Option<AccountKind>,
    pub kind_from: &'static str,
}

impl AccountRow {
    /// What the user says; else a machine signs in often, without a person, and always for the
    /// same app. Of a tool's own app a few sign-ins are enough: exports hold but the failed ones.
    pub(super) fn kind(&self) -> &'static str {
        let total = self.span.sign_in_count;
        let is_often = total >= 5 || self.is_tools_app;
        let is_integration = is_often && self.one_app_count * 100 >= total * 95;
        let seen = if is_integration { AccountKind::Integration } else { AccountKind::Person };
        self.told_kind.unwrap_or(seen).as_str()
    }

    /// Says who the account is: by the user's list, else by the partner's own log.
    fn identify(&mut self, users: &UserList, at_home: Option<&str>) {
        let listed = users.find(self.user_id, &self.account);
        let named =
            |name: Option<&str>| name.filter(|name| *name != self.account).map(str::to_owned);
        let by_list = named(listed.and_then(User::name));
        let by_log = named(at_home);
        self.name_from = match (&by_list, &by_log) {
            (Some(_), _) => Some("user list"),
            (None, Some(_)) => Some("partner's log"),
            (None, None) => None,
        };
        self.name = by_list.or(by_log);
        let names = [Some(self.account.as_str()), self.name.as_deref()];
        let names: Vec<&str> = names.into_iter().flatten().collect();
        let id = listed.map(|user| user.object_id).or(self.user_id);
        let is_named = users.is_named_integration(id, &names);
        (self.told_kind, self.kind_from) = match listed.and_then(|user| user.kind) {
            _ if is_named => (Some(AccountKind::Integration), "named"),
            Some(kind) => (Some(kind), "user list"),
            None => (None, "sign-ins"),
        };
    }
}

/// The names that an earlier run knew, by tenant.
pub(super) type Names = BTreeMap<TenantId, NamedTenant>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NamedTenant {
    pub name: Option<String>,
    pub listed: bool,
}

/// Reads names from the parts of `tenants` or `partners`.
pub(super) fn read_names(
    parts: &[PathBuf],
    id_column: &'static str,
) -> Result<Names, DatasetError> {
    let mut names = Names::new();
    for part in parts {
        PartReader::open(part)?.read(Some(&[id_column, "name", "listed"]), None, |rows| {
            let (ids, name) = (rows.text(id_column)?, rows.text("name")?);
            let listed = rows.bool("listed")?;
            for row in 0..rows.batch.num_rows() {
                if let Some(tenant) = text_at(ids, row).and_then(TenantId::parse) {
                    let name = text_at(name, row).map(str::to_owned);
                    names.insert(tenant, NamedTenant { name, listed: listed.value(row) });
                }
            }
            Ok(())
        })?;
    }
    Ok(names)
}

/// The lists of this run over the names of earlier ones.
pub(super) fn merge_names(
    earlier: &Names,
    listed: impl Iterator<Item = (TenantId, Option<String>)>,
) -> Names {
    let mut names: Names = earlier
        .iter()
        .map(|(&tenant, known)| (tenant, NamedTenant { listed: false, ..known.clone() }))
        .collect();
    for (tenant, name) in listed {
        let entry = names.entry(tenant).or_default();
        entry.listed = true;
        entry.name = name.or_else(|| entry.name.take());
    }
    names
}

pub(super) fn listed_customers(
    customers: &CustomerList,
) -> impl Iterator<Item = (TenantId, Option<String>)> {
    customers.iter().map(|(tenant, name)| (tenant, name.map(str::to_owned)))
}

pub(super) fn listed_partners(
    partners: &PartnerList,
) -> impl Iterator<Item = (TenantId, Option<String>)> {
    partners.iter().map(|partner| (partner.tenant_id, partner.name.clone()))
}

/// What the rows of `sign_ins` and `coverage` add up to, before it is known which sides count.
#[derive(Default)]
pub(super) struct Tally {
    with_inbound: BTreeSet<TenantId>,
    routes: HashMap<RouteKey, Span>,
    /// With which user ids an account stands in the logs.
    user_ids: HashMap<OfPartner, UserIds>,
    /// Names in the partner's own log by user id, the newest one.
    home_names: HashMap<OfPartner, (Option<DateTime<Utc>>, u32)>,
    /// A name of each app that has an id.
    app_names: HashMap<u32, u32>,
    texts: Texts,
}

/// A text of a partner, by its number.
type OfPartner = (Option<TenantId>, u32);

/// A name that several users share is nobody's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UserIds {
    One(u32),
    Several,
}

/// One count for each of these; texts are numbered, for they repeat.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct RouteKey {
    side: Side,
    child: Option<TenantId>,
    partner: Option<TenantId>,
    account: Option<u32>,
    app: Option<u32>,
    is_interactive: bool,
}

#[derive(Default)]
struct Texts {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Texts {
    fn text(&self, number: u32) -> Option<&str> {
        self.texts.get(number as usize).map(String::as_str)
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }
}

/// What the words of a column mean, each looked at once.
struct Meanings<'a, T> {
    words: Words<'a>,
    meanings: Vec<Option<T>>,
}

impl<'a, T: Copy> Meanings<'a, T> {
    fn of(words: Words<'a>, mut meaning: impl FnMut(&'a str) -> Option<T>) -> Self {
        let meanings = (0..words.count()).map(|key| meaning(words.word(key))).collect();
        Self { words, meanings }
    }

    /// What a row has; `None` for a null, too.
    fn at(&self, row: usize) -> Option<T> {
        self.words.key(row).and_then(|key| self.meanings.get(key).copied().flatten())
    }
}

/// What counts of a type of sign-in.
#[derive(Clone, Copy, Default)]
struct SeenType {
    is_user: bool,
    is_non_interactive: bool,
}

impl SeenType {
    fn of(word: &str) -> Self {
        Self { is_user: !is_app_identity(word), is_non_interactive: word == NON_INTERACTIVE }
    }
}

const TALLIED: [&str; 9] = [
    "side",
    "child_tenant_id",
    "partner_tenant_id",
    "account",
    "user_id",
    "app_id",
    "app_name",
    "sign_in_type",
    "created_at",
];

impl Tally {
    pub(super) fn add_coverage(&mut self, part: &Path) -> Result<(), DatasetError> {
        const COLUMNS: [&str; 4] =
            ["tenant_id", "interactive_user", "non_interactive_user", "unknown_type"];
        PartReader::open(part)?.read(Some(&COLUMNS), None, |rows| {
            let tenants = rows.text("tenant_id")?;
            let counts = [
                rows.int64("interactive_user")?,
                rows.int64("non_interactive_user")?,
                rows.int64("unknown_type")?,
            ];
            for row in 0..rows.batch.num_rows() {
                if counts.iter().any(|count| count.value(row) > 0) {
                    self.with_inbound.extend(text_at(tenants, row).and_then(TenantId::parse));
                }
            }
            Ok(())
        })
    }

    pub(super) fn add_sign_ins(&mut self, part: &Path) -> Result<(), DatasetError> {
        PartReader::open(part)?.read_words(&TALLIED, |rows| self.add_rows(&rows))
    }

    fn add_rows(&mut self, rows: &Rows) -> Result<(), DatasetError> {
        let sides = Meanings::of(rows.words("side")?, parse_side);
        let types = Meanings::of(rows.words("sign_in_type")?, |word| Some(SeenType::of(word)));
        let children = Meanings::of(rows.words("child_tenant_id")?, TenantId::parse);
        let partners = Meanings::of(rows.words("partner_tenant_id")?, TenantId::parse);
        let texts = &mut self.texts;
        let accounts = Meanings::of(rows.words("account")?, |word| Some(texts.number(word)));
        let app_ids = Meanings::of(rows.words("app_id")?, |word| Some(texts.number(word)));
        let app_names = Meanings::of(rows.words("app_name")?, |word| Some(texts.number(word)));
        let number_of_id = |word: &str| Some(texts.number(&word.to_ascii_lowercase()));
        let user_ids = Meanings::of(rows.words("user_id")?, number_of_id);
        let times = rows.time("created_at")?;
        for row in 0..rows.batch.num_rows() {
            let Some(side) = sides.at(row) else { continue };
            let child = children.at(row);
            let sign_in_type = types.at(row).unwrap_or_default();
            if side == Side::Inbound && sign_in_type.is_user {
                self.with_inbound.extend(child);
            }
            let (app_id, app_name) = (app_ids.at(row), app_names.at(row));
            if let (Some(id), Some(name)) = (app_id, app_name) {
                // One name of an app is enough, and the least one whatever order the rows have.
                let known = self.app_names.entry(id).or_insert(name);
                if *known != name && self.texts.text(name) < self.texts.text(*known) {
                    *known = name;
                }
            }
            let key = RouteKey {
                side,
                child,
                partner: partners.at(row),
                account: accounts.at(row),
                app: app_id.or(app_name),
                is_interactive: sign_in_type.is_user && !sign_in_type.is_non_interactive,
            };
            let at = time_at(times, row);
            if let (Some(account), Some(user_id)) = (key.account, user_ids.at(row)) {
                self.add_user(key, account, user_id, at);
            }
            let one = Span { sign_in_count: 1, first_at: at, last_at: at };
            self.routes.entry(key).or_default().add(one);
        }
        Ok(())
    }

    fn add_user(&mut self, key: RouteKey, account: u32, user_id: u32, at: Option<DateTime<Utc>>) {
        let known = self.user_ids.entry((key.partner, account)).or_insert(UserIds::One(user_id));
        if *known != UserIds::One(user_id) {
            *known = UserIds::Several;
        }
        if key.side != Side::Inbound && account != user_id {
            let newest = self.home_names.entry((key.partner, user_id)).or_insert((at, account));
            *newest = (*newest).max((at, account));
        }
    }

    /// The object id of an account: its name may hold it.
    fn user_id_of(
        &self,
        partner: Option<TenantId>,
        number: u32,
        account: &str,
    ) -> Option<ObjectId> {
        ObjectId::of_gdap_name(account).or_else(|| match self.user_ids.get(&(partner, number)) {
            Some(UserIds::One(user_id)) => ObjectId::parse(self.texts.text(*user_id)?),
            _ => None,
        })
    }

    /// The name of a user in the partner's own log.
    fn name_at_home(&self, partner: Option<TenantId>, user_id: ObjectId) -> Option<&str> {
        let number = *self.texts.numbers.get(&user_id.to_string())?;
        let (_, account) = self.home_names.get(&(partner, number))?;
        self.texts.text(*account)
    }

    /// Inbound rows count; outbound ones only where the customer's own log was not read.
    fn counted(&self) -> impl Iterator<Item = (&RouteKey, Span)> {
        let counts = |key: &RouteKey| match key.side {
            Side::Inbound => true,
            Side::Outbound => key.child.is_none_or(|child| !self.with_inbound.contains(&child)),
            Side::Home => false,
        };
        self.routes.iter().filter(move |(key, _)| counts(key)).map(|(key, &span)| (key, span))
    }

    fn tenants(&self, names: Names) -> Vec<TenantRow> {
        let mut spans: BTreeMap<TenantId, Span> = BTreeMap::new();
        for key in self.routes.keys() {
            key.child.map(|child| spans.entry(child).or_default());
        }
        for (key, span) in self.counted() {
            if let Some(child) = key.child {
                spans.entry(child).or_default().add(span);
            }
        }
        named(spans, names)
            .map(|(tenant, known, span)| TenantRow {
                tenant,
                name: known.name,
                listed: known.listed,
                has_inbound: self.with_inbound.contains(&tenant),
                span,
            })
            .collect()
    }

    fn partners(&self, names: Names) -> Vec<PartnerRow> {
        let mut spans: BTreeMap<TenantId, Span> = BTreeMap::new();
        for key in self.routes.keys() {
            key.partner.map(|partner| spans.entry(partner).or_default());
        }
        for (key, span) in self.counted() {
            if let Some(partner) = key.partner {
                spans.entry(partner).or_default().add(span);
            }
        }
        named(spans, names)
            .map(|(tenant, known, span)| PartnerRow {
                tenant,
                name: known.name,
                listed: known.listed,
                span,
            })
            .collect()
    }

    fn is_tools_app(&self, app: Option<u32>, tools: &ToolList) -> bool {
        let Some(app) = app else { return false };
        let name = self.app_names.get(&app).and_then(|&name| self.texts.text(name));
        let id = self.texts.text(app);
        let tool = tools.tool_of(id, name.or(id));
        tool.is_some_and(|(tool, _)| tool.kind == ToolKind::Integration)
    }

    fn accounts(&self, people: &People) -> Vec<AccountRow> {
        type Apps = BTreeMap<Option<u32>, u64>;
        let mut accounts: BTreeMap<(Option<TenantId>, &str, u32), (Span, Apps)> = BTreeMap::new();
        for (key, span) in self.counted() {
            let Some(number) = key.account else { continue };
            let Some(account) = self.texts.text(number) else { continue };
            let (total, apps) = accounts.entry((key.partner, account, number)).or_default();
            total.add(span);
            if !key.is_interactive {
                *apps.entry(key.app).or_default() += span.sign_in_count;
            }
        }
        accounts
            .into_iter()
            .map(|((tenant, account, number), (span, apps))| {
                let user_id = self.user_id_of(tenant, number, account);
                let most = apps.into_iter().max_by_key(|&(app, count)| (count, Reverse(app)));
                let mut row = AccountRow {
                    tenant,
                    account: account.to_owned(),
                    span,
                    one_app_count: most.map(|(_, count)| count).unwrap_or_default(),
                    is_tools_app: most
                        .is_some_and(|(app, _)| self.is_tools_app(app, &people.tools)),
                    user_id,
                    name: None,
                    name_from: None,
                    told_kind: None,
                    kind_from: "",
                };
                row.identify(&people.users, user_id.and_then(|id| self.name_at_home(tenant, id)));
                row
            })
            .collect()
    }

    /// Writes the derived tables.
    pub(super) fn write(
        &self,
        staging: &Staging,
        customers: Names,
        partners: Names,
        people: &People,
    ) -> Result<Vec<StagedPart>, DatasetError> {
        let codes = error_code::all().iter();
        let written = [
            write_table(staging, Table::Tenants, schema::TENANTS, self.tenants(customers))?,
            write_table(staging, Table::Partners, schema::PARTNERS, self.partners(partners))?,
            write_table(staging, Table::Accounts, schema::ACCOUNTS, self.accounts(people))?,
            write_table(staging, Table::ErrorCodes, schema::ERROR_CODES, codes)?,
        ];
        Ok(written.into_iter().flatten().collect())
    }
}

/// All tenants of either, in the order of their ids. A name that an earlier list gave to a
/// tenant that was never seen and is no longer listed is forgotten.
fn named(
    spans: BTreeMap<TenantId, Span>,
    names: Names,
) -> impl Iterator<Item = (TenantId, NamedTenant, Span)> {
    let listed = names.iter().filter(|(_, known)| known.listed).map(|(&tenant, _)| tenant);
    let tenants: BTreeSet<TenantId> = spans.keys().copied().chain(listed).collect();
    tenants.into_iter().map(move |tenant| {
        let known = names.get(&tenant).cloned().unwrap_or_default();
        (tenant, known, spans.get(&tenant).copied().unwrap_or_default())
    })
}

const NON_INTERACTIVE: &str = "nonInteractiveUser";

fn is_app_identity(sign_in_type: &str) -> bool {
    [SignInType::ServicePrincipal, SignInType::ManagedIdentity]
        .iter()
        .any(|known| known.as_str() == sign_in_type)
}

pub(super) fn parse_side(text: &str) -> Option<Side> {
    [Side::Inbound, Side::Outbound, Side::Home].into_iter().find(|side| side.as_str() == text)
}
