//! Reads the rows that tell of the partner's own side, by slices of time, alike ones together.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use polars::prelude::{
    DataFrame, DataType, Expr, IntoLazy, LazyFrame, PolarsResult, col, len, lit,
};

use super::super::frames::{self, Columns};
use super::super::slices::{self, Slice, column_type, plan, text_if_there};
use super::super::{DatasetParts, SummaryError, SummaryOptions};
use super::{Judge, signs, user_id_of};
use crate::attribution::Verdict;
use crate::relation::{PartnerMatch, Side};
use crate::sign_in::SignInType;
use crate::tenant::TenantId;
use crate::who::ObjectId;

/// Sign-ins of a listed partner that are alike in all that is asked here.
#[derive(Debug)]
pub(super) struct OwnRow {
    pub(super) partner: TenantId,
    pub(super) side: Side,
    pub(super) child: Option<TenantId>,
    pub(super) account: String,
    pub(super) user_id: Option<ObjectId>,
    /// Neither a service principal nor a managed identity: those do no MFA.
    pub(super) is_user: bool,
    pub(super) is_interactive: bool,
    pub(super) app_id: Option<String>,
    pub(super) app_name: Option<String>,
    pub(super) resource_id: Option<String>,
    pub(super) resource_name: Option<String>,
    pub(super) access: Option<String>,
    pub(super) requirement: Option<String>,
    pub(super) methods: Option<String>,
    pub(super) methods_lower: Option<String>,
    pub(super) details: Option<String>,
    pub(super) network: Option<String>,
    pub(super) risk_state: Option<String>,
    pub(super) risk_level: Option<String>,
    pub(super) error_code: Option<i32>,
    pub(super) succeeded: bool,
    pub(super) sign_ins: u64,
    pub(super) first_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
}

impl OwnRow {
    pub(super) fn is_passthrough(&self) -> bool {
        self.access.as_deref().is_some_and(|access| access.split(',').any(|w| w == PASSTHROUGH))
    }
}

const PASSTHROUGH: &str = "passthrough";

/// Texts by which rows are alike. Parts of other hands may lack some.
const TEXTS: [&str; 18] = [
    "partner_tenant_id",
    "side",
    "child_tenant_id",
    "account",
    "user_id",
    "sign_in_type",
    "app_id",
    "app_name",
    "resource_id",
    "resource_name",
    "cross_tenant_access",
    "authentication_requirement",
    "authentication_methods",
    "additional_details",
    "network_location",
    "risk_state",
    "risk_level",
    "verdict",
];

/// Customers whose own log is here: what the partner's log says of sign-ins to them are copies.
pub(in crate::summary) fn read_inbound(
    parts: &DatasetParts,
) -> Result<BTreeSet<TenantId>, SummaryError> {
    let Some(found) = slices::read_inbound(parts)? else { return Ok(BTreeSet::new()) };
    let columns = Columns::of(&found);
    let tenant = columns.text("child_tenant_id").map_err(frames::in_table("tenants"))?;
    Ok((0..found.height()).filter_map(|row| tenant.tenant(row)).collect())
}

/// Gives the judge all that the options cover.
pub(in crate::summary) fn read(
    parts: &DatasetParts,
    options: &SummaryOptions,
    judge: &mut Judge<'_>,
) -> Result<(), SummaryError> {
    let in_sign_ins = frames::in_table("sign_ins");
    let Some(sign_ins) = frames::scan("sign_ins", &parts.sign_ins)? else { return Ok(()) };
    let (rows, time) = relevant(sign_ins).map_err(&in_sign_ins)?;
    let (slices, _) = plan(rows.clone(), options).map_err(&in_sign_ins)?;
    for slice in slices {
        add_slice(judge, rows.clone(), &slice, &time).map_err(&in_sign_ins)?;
    }
    Ok(())
}

/// The columns needed, of the rows that matter, and the type of their times.
fn relevant(mut sign_ins: LazyFrame) -> PolarsResult<(LazyFrame, DataType)> {
    let schema = sign_ins.collect_schema()?;
    let time = column_type(&mut sign_ins, "created_at")?;
    let mut columns: Vec<Expr> = TEXTS.iter().map(|name| text_if_there(&schema, name)).collect();
    columns.push(text_if_there(&schema, "partner_match"));
    columns.push(text_if_there(&schema, "correlation_id"));
    columns.extend([col("created_at"), frames::number("error_code")]);
    Ok((sign_ins.select(columns).filter(matters()), time))
}

/// A listed partner's rows: all at home, and those with a sign on any side.
fn matters() -> Expr {
    let is = |column: &str, word: &str| col(column).eq(lit(word.to_owned()));
    let listed = is("partner_match", PartnerMatch::Listed.as_str())
        .or(is("partner_match", PartnerMatch::Domain.as_str()));
    let codes = signs::WANTS_MFA.iter().chain(&signs::RISK).chain(&signs::THIRD_PARTY);
    let by_code = codes.fold(lit(false), |any, &code| {
        any.or(col("error_code").eq(lit(i64::from(code))).fill_null(lit(false)))
    });
    let no_risk = ["none", "None"].map(|word| is("risk_state", word).fill_null(lit(true)));
    let [none, none_in_words] = no_risk;
    let at_home = is("side", Side::Home.as_str());
    // Whether the partner's log is here at all, and passthrough among other words.
    let outbound = is("side", Side::Outbound.as_str());
    listed.and(at_home.or(outbound).or(by_code).or(none.or(none_in_words).not()))
}

fn add_slice(
    judge: &mut Judge<'_>,
    rows: LazyFrame,
    slice: &Slice,
    time: &DataType,
) -> PolarsResult<()> {
    let rows = rows.filter(slice.holds(time)).collect()?;
    let mut keys: Vec<Expr> = TEXTS.map(col).to_vec();
    keys.push(col("error_code"));
    let alike = rows
        .clone()
        .lazy()
        .group_by(keys)
        .agg([
            len().cast(DataType::Int64).alias("sign_ins"),
            frames::micros("created_at").min().alias("first"),
            frames::micros("created_at").max().alias("last"),
        ])
        .collect()?;
    add_rows(judge, &alike)?;
    let correlation = || col("correlation_id");
    let tries = rows
        .lazy()
        .filter(col("cross_tenant_access").is_not_null())
        .group_by([col("partner_tenant_id"), col("child_tenant_id"), col("cross_tenant_access")])
        .agg([(correlation().drop_nulls().n_unique().cast(DataType::Int64)
            + correlation().null_count().cast(DataType::Int64))
        .alias("tries")])
        .collect()?;
    add_tries(judge, &tries)
}

fn add_rows(judge: &mut Judge<'_>, found: &DataFrame) -> PolarsResult<()> {
    let columns = Columns::of(found);
    let text = |name: &str| columns.text(name);
    let (partner, child) = (text("partner_tenant_id")?, text("child_tenant_id")?);
    let (side, account, user_id) = (text("side")?, text("account")?, text("user_id")?);
    let (sign_in_type, verdict) = (text("sign_in_type")?, text("verdict")?);
    let (app_id, app_name) = (text("app_id")?, text("app_name")?);
    let (resource_id, resource_name) = (text("resource_id")?, text("resource_name")?);
    let (access, requirement) = (text("cross_tenant_access")?, text("authentication_requirement")?);
    let (methods, details) = (text("authentication_methods")?, text("additional_details")?);
    let (network, state) = (text("network_location")?, text("risk_state")?);
    let (level, code) = (text("risk_level")?, columns.number("error_code")?);
    let (sign_ins, first) = (columns.number("sign_ins")?, columns.number("first")?);
    let last = columns.number("last")?;
    for row in 0..found.height() {
        let sides = [Side::Home, Side::Outbound, Side::Inbound];
        let of_side = sides.into_iter().find(|known| side.get(row) == Some(known.as_str()));
        let (Some(partner), Some(side)) = (partner.tenant(row), of_side) else { continue };
        let (Some(first_at), Some(last_at)) = (first.time(row), last.time(row)) else { continue };
        let account = account.owned(row).unwrap_or_default();
        let kind = sign_in_type.get(row);
        let machines = [SignInType::ServicePrincipal, SignInType::ManagedIdentity];
        judge.add(&OwnRow {
            partner,
            side,
            child: child.tenant(row),
            user_id: user_id_of(&account, user_id.get(row)),
            account,
            is_user: !machines.iter().any(|machine| kind == Some(machine.as_str())),
            is_interactive: kind == Some(SignInType::InteractiveUser.as_str()),
            app_id: app_id.owned(row),
            app_name: app_name.owned(row),
            resource_id: resource_id.owned(row),
            resource_name: resource_name.owned(row),
            access: access.owned(row),
            requirement: requirement.owned(row),
            methods: methods.owned(row),
            methods_lower: methods.get(row).map(str::to_lowercase),
            details: details.owned(row),
            network: network.owned(row),
            risk_state: state.owned(row),
            risk_level: level.owned(row),
            error_code: code.get(row).and_then(|code| i32::try_from(code).ok()),
            succeeded: verdict.get(row) == Some(Verdict::Succeeded.as_str()),
            sign_ins: sign_ins.count(row),
            first_at,
            last_at,
        });
    }
    Ok(())
}

fn add_tries(judge: &mut Judge<'_>, found: &DataFrame) -> PolarsResult<()> {
    let columns = Columns::of(found);
    let (partner, child) = (columns.text("partner_tenant_id")?, columns.text("child_tenant_id")?);
    let (access, tries) = (columns.text("cross_tenant_access")?, columns.number("tries")?);
    for row in 0..found.height() {
        let is_passthrough =
            access.get(row).is_some_and(|access| access.split(',').any(|word| word == PASSTHROUGH));
        if let (true, Some(partner), Some(child)) =
            (is_passthrough, partner.tenant(row), child.tenant(row))
        {
            judge.add_tries(partner, child, tries.count(row));
        }
    }
    Ok(())
}
