//! A closer look at the refused sign-ins of listed partners: how they were made, from where,
//! and the newest of them as proof. Counting has told before whose they are.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{
    DataFrame, Expr, IntoLazy, JoinArgs, JoinType, LazyFrame, PolarsResult, SortMultipleOptions,
    UniqueKeepStrategy, col, df, lit,
};

use super::activity::{Activity, Circumstances, Pair, Told, verdict_of};
use super::frames::{Columns, Flag, Number, Text};
use super::model::Proof;
use super::slices::{self, RouteColumns, Slice};
use super::{DatasetParts, SummaryError, frames};
use crate::attribution::Verdict;
use crate::tenant::TenantId;

/// Sign-ins kept as proof of each customer, partner and error code.
const PROOF_MAX: usize = 5;
/// Error codes of a customer and partner for which proof is kept.
const CODES_MAX: usize = 32;
/// Addresses kept of a route.
const ADDRESSES_MAX: usize = 64;
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

/// What only a second look at the rows tells.
#[derive(Debug, Default)]
pub(super) struct Closer {
    /// The newest refused sign-ins of each error code, newest first.
    proof: BTreeMap<Pair, BTreeMap<Option<i32>, Vec<Proof>>>,
    /// By partner: addresses of refused sign-ins from which it got in somewhere.
    pub(super) addresses_seen: BTreeMap<TenantId, BTreeSet<Box<str>>>,
}

/// Looks at the flagged rows of the partners; what belongs to a route is added to it.
pub(super) fn look(
    parts: &DatasetParts,
    slices: &[Slice],
    partners: &BTreeSet<TenantId>,
    activity: &mut Activity,
) -> Result<Closer, SummaryError> {
    let mut closer = Closer::default();
    let Some(sign_ins) = frames::scan("sign_ins", &parts.sign_ins)? else { return Ok(closer) };
    if partners.is_empty() {
        return Ok(closer);
    }
    let inbound = slices::read_inbound(parts)?;
    let in_sign_ins = frames::in_table("sign_ins");
    for slice in slices {
        let rows = flagged(sign_ins.clone(), inbound.as_ref(), partners, slice);
        rows.and_then(|rows| closer.add(activity, &rows)).map_err(&in_sign_ins)?;
    }
    let wanted = addresses_to_look_for(activity, partners);
    if wanted.is_empty() {
        return Ok(closer);
    }
    let wanted = df!("ip_address" => &wanted).map_err(&in_sign_ins)?;
    for slice in slices {
        let rows = successes(sign_ins.clone(), &wanted, partners, slice);
        rows.and_then(|rows| closer.add_addresses(&rows)).map_err(&in_sign_ins)?;
    }
    Ok(closer)
}

fn of_partners(partners: &BTreeSet<TenantId>) -> Expr {
    let is = |partner: &TenantId| col("partner_tenant_id").eq(lit(partner.to_string()));
    partners.iter().map(is).reduce(Expr::or).unwrap_or_else(|| lit(false))
}

fn flagged(
    mut sign_ins: LazyFrame,
    inbound: Option<&DataFrame>,
    partners: &BTreeSet<TenantId>,
    slice: &Slice,
) -> PolarsResult<DataFrame> {
    let time = slices::column_type(&mut sign_ins, "created_at")?;
    let mut wanted: Vec<Expr> = slices::route_columns();
    wanted.extend([
        frames::micros("created_at").alias("at"),
        frames::number("error_code"),
        frames::number("source_offset"),
    ]);
    wanted.extend(["side", "partner_match", "verdict", "disputed"].map(col));
    wanted.extend(TEXTS.map(col));
    let schema = sign_ins.collect_schema()?;
    wanted.extend(TOLD.map(|name| slices::text_if_there(&schema, name)));
    let rows = sign_ins
        .filter(slice.holds(&time))
        .filter(col("flagged").and(of_partners(partners)))
        .select(wanted);
    slices::with_inbound(rows, inbound)
        .filter(slices::counts())
        .sort(["at", "side", "sign_in_id"], SortMultipleOptions::default())
        .collect()
}

/// Where partners got in, as far as refused sign-ins came from there, too.
fn successes(
    mut sign_ins: LazyFrame,
    wanted: &DataFrame,
    partners: &BTreeSet<TenantId>,
    slice: &Slice,
) -> PolarsResult<DataFrame> {
    let time = slices::column_type(&mut sign_ins, "created_at")?;
    let on = [col("ip_address")];
    sign_ins
        .filter(slice.holds(&time))
        .filter(col("verdict").eq(lit(Verdict::Succeeded.as_str())).and(of_partners(partners)))
        .select([col("partner_tenant_id"), col("ip_address")])
        .join(wanted.clone().lazy(), on.clone(), on, JoinArgs::new(JoinType::Inner))
        .unique(None, UniqueKeepStrategy::Any)
        .collect()
}

/// Addresses matter only where a policy blocks by location.
fn addresses_to_look_for(activity: &Activity, partners: &BTreeSet<TenantId>) -> Vec<String> {
    let by_location = |matched: &BTreeSet<String>| {
        matched.iter().any(|name| crate::policy::condition_word(name) == "location")
    };
    let routes = activity.routes.all.iter().filter(|route| {
        route.pair.0.is_some_and(|partner| partners.contains(&partner))
            && route.blocks.values().any(|policy| by_location(&policy.matched))
    });
    let addresses: BTreeSet<&str> =
        routes.flat_map(|route| &route.circumstances.addresses).map(AsRef::as_ref).collect();
    addresses.into_iter().map(str::to_owned).collect()
}

impl Closer {
    fn add(&mut self, activity: &mut Activity, rows: &DataFrame) -> PolarsResult<()> {
        let columns = Columns::of(rows);
        let look = Look::of(&columns)?;
        let route = RouteColumns::of(&columns)?;
        let mut newest: BTreeMap<(Pair, Option<i32>), Vec<Proof>> = BTreeMap::new();
        // From the newest on, so that only what is kept is copied.
        for row in (0..rows.height()).rev() {
            let number = route.number(activity, row);
            let Some(route) = number.and_then(|number| activity.routes.get_mut(number)) else {
                continue;
            };
            look.add_circumstances(&mut route.circumstances, row);
            look.add_told(&mut route.told, row);
            let kept = newest.entry((route.pair, look.code(row))).or_default();
            if kept.len() < PROOF_MAX
                && let Some(proof) = look.proof(row)
            {
                kept.push(proof);
            }
        }
        for ((pair, code), mut proof) in newest {
            let codes = self.proof.entry(pair).or_default();
            let known = codes.entry(code).or_default();
            proof.append(known);
            proof.truncate(PROOF_MAX);
            *known = proof;
            if codes.len() > CODES_MAX {
                forget_oldest(codes);
            }
        }
        Ok(())
    }

    /// The proof of a customer and partner, newest first.
    pub(super) fn proof_of(&self, pair: Pair) -> Vec<Proof> {
        let codes = self.proof.get(&pair).into_iter().flat_map(BTreeMap::values);
        let mut proof: Vec<Proof> = codes.flatten().cloned().collect();
        proof.sort_by(|a, b| (b.at, &a.sign_in_id).cmp(&(a.at, &b.sign_in_id)));
        proof
    }

    fn add_addresses(&mut self, rows: &DataFrame) -> PolarsResult<()> {
        let columns = Columns::of(rows);
        let (partner, address) = (columns.text("partner_tenant_id")?, columns.text("ip_address")?);
        for row in 0..rows.height() {
            if let (Some(partner), Some(address)) = (partner.tenant(row), address.get(row)) {
                self.addresses_seen.entry(partner).or_default().insert(address.into());
            }
        }
        Ok(())
    }
}

/// The columns of a closer look.
struct Look<'a> {
    at: Number<'a>,
    code: Number<'a>,
    offset: Number<'a>,
    disputed: Flag<'a>,
    verdict: Text<'a>,
    texts: BTreeMap<&'static str, Text<'a>>,
}

/// Text columns that are copied into a proof or looked at.
const TEXTS: [&str; 18] = [
    "sign_in_id",
    "app_id",
    "app_name",
    "resource_id",
    "resource_name",
    "user_id",
    "correlation_id",
    "source_export",
    "client_app",
    "authentication_protocol",
    "original_transfer_method",
    "sign_in_type",
    "cross_tenant_access",
    "ip_address",
    "country",
    "operating_system",
    "risk_level",
    "failure_reason",
];
/// What rows say of the cause; older datasets do not have it.
const TOLD: [&str; 4] = ["category", "who_fixes", "cause", "remedy"];

impl<'a> Look<'a> {
    fn of(columns: &Columns<'a>) -> PolarsResult<Self> {
        let names = TEXTS.into_iter().chain(TOLD).chain(["account"]);
        let texts = names.map(|name| Ok((name, columns.text(name)?)));
        Ok(Self {
            at: columns.number("at")?,
            code: columns.number("error_code")?,
            offset: columns.number("source_offset")?,
            disputed: columns.flag("disputed")?,
            verdict: columns.text("verdict")?,
            texts: texts.collect::<PolarsResult<_>>()?,
        })
    }

    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        self.texts.get(name).and_then(|text| text.get(row))
    }

    fn owned(&self, name: &str, row: usize) -> Option<String> {
        self.text(name, row).map(str::to_owned)
    }

    fn add_circumstances(&self, known: &mut Circumstances, row: usize) {
        let is = |name: &str, wanted: &str| {
            self.text(name, row).is_some_and(|text| text.eq_ignore_ascii_case(wanted))
        };
        known.non_interactive |= !is("sign_in_type", "interactiveUser");
        let client = self.text("client_app", row);
        known.legacy_client |= client.is_some_and(is_legacy);
        known.unknown_client |= !client.is_some_and(is_modern);
        known.device_code |= is("authentication_protocol", "deviceCode")
            || is("original_transfer_method", "deviceCodeFlow");
        let access = self.text("cross_tenant_access", row).unwrap_or_default().to_lowercase();
        known.service_provider |= access.contains("serviceprovider");
        known.guest |= access.contains("b2b");
        if let Some(address) = self.text("ip_address", row)
            && !known.addresses.contains(address)
        {
            if known.addresses.len() < ADDRESSES_MAX {
                known.addresses.insert(address.into());
            } else {
                known.has_more_addresses = true;
            }
        }
    }

    fn code(&self, row: usize) -> Option<i32> {
        self.code.get(row).and_then(|code| i32::try_from(code).ok())
    }

    /// Of each code the newest row is believed.
    fn add_told(&self, told: &mut BTreeMap<Option<i32>, Told>, row: usize) {
        let (code, at) = (self.code(row), self.at.time(row));
        if told.get(&code).is_none_or(|known| known.at < at) {
            told.insert(code, self.told(row));
        }
    }

    fn told(&self, row: usize) -> Told {
        Told {
            at: self.at.time(row),
            category: self.owned("category", row),
            who_fixes: self.owned("who_fixes", row),
            cause: self.owned("cause", row),
            remedy: self.owned("remedy", row),
        }
    }

    fn proof(&self, row: usize) -> Option<Proof> {
        Some(Proof {
            at: self.at.time(row)?,
            sign_in_id: self.owned("sign_in_id", row)?,
            correlation_id: self.owned("correlation_id", row),
            error_code: self.code(row),
            failure_reason: self.owned("failure_reason", row),
            is_blocked: self.verdict.get(row).and_then(verdict_of) == Some(Verdict::Blocked)
                && !self.disputed.get(row),
            account: self.owned("account", row),
            user_id: self.owned("user_id", row),
            app_id: self.owned("app_id", row),
            app_name: self.owned("app_name", row),
            resource_id: self.owned("resource_id", row),
            resource_name: self.owned("resource_name", row),
            client_app: self.owned("client_app", row),
            ip_address: self.owned("ip_address", row),
            country: self.owned("country", row),
            operating_system: self.owned("operating_system", row),
            risk_level: self.owned("risk_level", row),
            source_export: self.owned("source_export", row),
            source_offset: self.offset.count(row),
        })
    }
}

/// Clients of modern authentication (Microsoft, concept-sign-in-log-activity-details). A portal in
/// another language names them otherwise, and then nothing is known.
fn is_modern(client: &str) -> bool {
    ["browser", "mobile apps and desktop clients"].contains(&client.trim().to_lowercase().as_str())
}

/// Forgets the code that has not occurred for longest.
fn forget_oldest(codes: &mut BTreeMap<Option<i32>, Vec<Proof>>) {
    let newest = |proof: &[Proof]| proof.first().map(|proof| proof.at);
    let oldest = codes.iter().min_by_key(|(_, proof)| newest(proof)).map(|(&code, _)| code);
    oldest.and_then(|code| codes.remove(&code));
}

fn is_legacy(client: &str) -> bool {
    let client = client.trim().to_lowercase();
    // Log Analytics adds what it knows: "Other clients; IMAP".
    client.starts_with("other clients") || LEGACY_CLIENTS.contains(&client.as_str())
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
}
