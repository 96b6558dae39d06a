//! Reads `sign_ins` and `applied_policies` by slices of time and lets polars count them.
//!
//! A slice holds only the columns that a question needs and only the rows of some hours, so
//! memory grows with routes and policies, not with rows.

use chrono::{DateTime, Utc};
use polars::prelude::{
    DataFrame, DataType, Expr, IntoLazy, JoinArgs, JoinType, LazyFrame, NULL, PolarsResult,
    SchemaRef, SortMultipleOptions, UniqueKeepStrategy, coalesce, col, len, lit,
};
use xxhash_rust::xxh3::xxh3_128;

use super::activity::{Activity, Pair, RouteKey, RoutePolicy, counts_of, verdict_of};
use super::custody::{Span, split_list};
use super::frames::{self, Columns};
use super::model::PolicyFigures;
use super::tries::{TryFolder, TryRow};
use super::{DatasetParts, SummaryError, SummaryOptions};
use crate::relation::{PartnerMatch, Side};
use crate::sign_in::RowEvidence;

const HOUR_MICROS: i64 = 3_600_000_000;
const ROUTE: [&str; 5] = ["partner_tenant_id", "child_tenant_id", "account", "app", "resource"];

/// Reads all that the options cover; with the slices of time in which it did.
pub(super) fn read(
    parts: &DatasetParts,
    options: &SummaryOptions,
) -> Result<(Activity, Vec<Slice>), SummaryError> {
    let mut activity = Activity::default();
    let Some(sign_ins) = frames::scan("sign_ins", &parts.sign_ins)? else {
        return Ok((activity, Vec::new()));
    };
    let policies = frames::scan("applied_policies", &parts.applied_policies)?;
    let inbound = read_inbound(parts)?;
    let in_sign_ins = frames::in_table("sign_ins");
    let (slices, rows) = plan(sign_ins.clone(), options).map_err(&in_sign_ins)?;
    activity.rows = rows;
    let mut folder = TryFolder::default();
    for slice in &slices {
        let all = slice_of(sign_ins.clone(), inbound.as_ref(), slice).map_err(&in_sign_ins)?;
        let counted = add_slice(&mut activity, &all).map_err(&in_sign_ins)?;
        let routes = routes_of(&mut activity, &counted).map_err(&in_sign_ins)?;
        let refusals = match &policies {
            Some(policies) => add_policies_of(&mut activity, policies, &counted, slice)
                .map_err(frames::in_table("applied_policies"))?,
            None => vec![0; counted.height()],
        };
        add_rows(&mut activity, &mut folder, &counted, (&routes, &refusals))
            .map_err(&in_sign_ins)?;
    }
    activity.finish_tries(folder);
    Ok((activity, slices))
}

/// A stretch of time, the end excluded, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    from: i64,
    to: i64,
}

impl Slice {
    /// Compares in the column's own type, so that the statistics of row groups spare reading.
    pub(super) fn holds(&self, time: &DataType) -> Expr {
        let moment = |micros: i64| lit(micros).cast(time.clone());
        col("created_at").gt_eq(moment(self.from)).and(col("created_at").lt(moment(self.to)))
    }
}

/// Cuts the time that the options cover into slices of whole hours; with the rows of all time.
pub(super) fn plan(
    sign_ins: LazyFrame,
    options: &SummaryOptions,
) -> PolarsResult<(Vec<Slice>, u64)> {
    let hour = frames::micros("created_at").floor_div(lit(HOUR_MICROS)).alias("hour");
    let hours = sign_ins
        .select([hour])
        .group_by([col("hour")])
        .agg([len().cast(DataType::Int64).alias("rows")]);
    let hours = hours.sort(["hour"], SortMultipleOptions::default()).collect()?;
    let columns = Columns::of(&hours);
    let (hour, rows) = (columns.number("hour")?, columns.number("rows")?);
    let bounds = bounds_of(options);
    let mut slices: Vec<(Slice, u64)> = Vec::new();
    let mut total = 0;
    for row in 0..hours.height() {
        total += rows.count(row);
        let Some(from) = hour.get(row).map(|hour| hour.saturating_mul(HOUR_MICROS)) else {
            continue;
        };
        let next = Slice { from, to: from.saturating_add(HOUR_MICROS) };
        match slices.last_mut() {
            Some((slice, held)) if *held + rows.count(row) <= options.rows_at_a_time => {
                slice.to = next.to;
                *held += rows.count(row);
            }
            _ => slices.push((next, rows.count(row))),
        }
    }
    let within = slices.into_iter().filter_map(|(slice, _)| {
        let slice = Slice { from: slice.from.max(bounds.from), to: slice.to.min(bounds.to) };
        (slice.from < slice.to).then_some(slice)
    });
    Ok((within.collect(), total))
}

fn bounds_of(options: &SummaryOptions) -> Slice {
    let micros = |moment: DateTime<Utc>| moment.timestamp_micros();
    let after_as_of = options.as_of.map(|as_of| micros(as_of).saturating_add(1));
    let ends = [options.until.map(micros), after_as_of];
    Slice {
        from: options.since.map_or(i64::MIN, micros),
        to: ends.into_iter().flatten().min().unwrap_or(i64::MAX),
    }
}

/// Customers whose own log is here: their outbound rows are copies and do not count.
pub(super) fn read_inbound(parts: &DatasetParts) -> Result<Option<DataFrame>, SummaryError> {
    let Some(tenants) = frames::scan("tenants", &parts.tenants)? else { return Ok(None) };
    tenants
        .filter(col("has_inbound"))
        .select([col("child_tenant_id"), lit(true).alias("has_inbound")])
        .unique(None, UniqueKeepStrategy::Any)
        .collect()
        .map(Some)
        .map_err(frames::in_table("tenants"))
}

/// The rows of a slice with what is needed of them, and whether they count for a customer.
fn slice_of(
    mut sign_ins: LazyFrame,
    inbound: Option<&DataFrame>,
    slice: &Slice,
) -> PolarsResult<DataFrame> {
    let time = column_type(&mut sign_ins, "created_at")?;
    let mut wanted = route_columns();
    wanted.extend([
        frames::micros("created_at").alias("at"),
        col("sign_in_id"),
        col("side"),
        col("partner_match"),
        col("app_name"),
        col("verdict"),
        col("disputed"),
        frames::number("error_code"),
        col("row_evidence"),
        col("source_export"),
        col("correlation_id"),
    ]);
    let rows = sign_ins.filter(slice.holds(&time)).select(wanted);
    with_inbound(rows, inbound).with_columns([counts().alias("counts")]).collect()
}

/// The parts of a route as they are named there.
pub(super) fn route_columns() -> Vec<Expr> {
    vec![
        col("partner_tenant_id"),
        col("child_tenant_id"),
        col("account"),
        coalesce(&[col("app_id"), col("app_name")]).alias("app"),
        coalesce(&[col("resource_id"), col("resource_name")]).alias("resource"),
    ]
}

/// Says of each row whether its customer's own log is here.
pub(super) fn with_inbound(rows: LazyFrame, inbound: Option<&DataFrame>) -> LazyFrame {
    match inbound {
        Some(inbound) => {
            let on = [col("child_tenant_id")];
            rows.join(inbound.clone().lazy(), on.clone(), on, JoinArgs::new(JoinType::Left))
        }
        None => rows.with_columns([lit(false).alias("has_inbound")]),
    }
}

/// A row counts once, from one side: the customer's log where there is one.
pub(super) fn counts() -> Expr {
    let side = |side: Side| col("side").eq(lit(side.as_str()));
    let only_outbound = side(Side::Outbound).and(col("has_inbound").fill_null(lit(false)).not());
    col("partner_match")
        .neq(lit(PartnerMatch::AppOwner.as_str()))
        .and(col("child_tenant_id").is_not_null())
        .and(side(Side::Inbound).or(only_outbound))
}

pub(super) fn column_type(frame: &mut LazyFrame, name: &str) -> PolarsResult<DataType> {
    let schema = frame.collect_schema()?;
    schema.try_get(name).cloned()
}

/// A column that older datasets do not have; there it is null.
pub(super) fn text_if_there(schema: &SchemaRef, name: &str) -> Expr {
    if schema.contains(name) { col(name) } else { lit(NULL).cast(DataType::String).alias(name) }
}

/// Adds the sums of a slice; gives back the rows that count, in the order of time, with their
/// number in it.
fn add_slice(activity: &mut Activity, all: &DataFrame) -> PolarsResult<DataFrame> {
    add_totals(activity, all)?;
    let counted = all
        .clone()
        .lazy()
        .filter(col("counts"))
        .sort(["at", "side", "sign_in_id"], SortMultipleOptions::default())
        .with_row_index("row", None)
        .with_columns([frames::number("row")])
        .collect()?;
    add_pairs(activity, &counted)?;
    add_sources(activity, &counted)?;
    add_causes(activity, &counted)?;
    Ok(counted)
}

fn add_totals(activity: &mut Activity, all: &DataFrame) -> PolarsResult<()> {
    let unplaced = col("child_tenant_id")
        .is_null()
        .and(col("side").eq(lit(Side::Inbound.as_str())))
        .and(col("partner_match").neq(lit(PartnerMatch::AppOwner.as_str())));
    let found = all
        .clone()
        .lazy()
        .group_by([col("verdict")])
        .agg([
            len().cast(DataType::Int64).alias("rows"),
            frames::number("disputed").sum(),
            unplaced.cast(DataType::Int64).sum().alias("unplaced"),
        ])
        .collect()?;
    let columns = Columns::of(&found);
    let verdict = columns.text("verdict")?;
    let unplaced = columns.number("unplaced")?;
    let (rows, disputed) = (columns.number("rows")?, columns.number("disputed")?);
    for row in 0..found.height() {
        if let Some(verdict) = verdict.get(row).and_then(verdict_of) {
            activity.totals += counts_of(verdict, rows.count(row), disputed.count(row));
            activity.unplaced += counts_of(verdict, unplaced.count(row), 0);
        }
    }
    Ok(())
}

fn add_pairs(activity: &mut Activity, counted: &DataFrame) -> PolarsResult<()> {
    let lists_policies = col("row_evidence")
        .eq(lit(RowEvidence::Results.as_str()))
        .or(col("row_evidence").eq(lit(RowEvidence::Conditions.as_str())));
    let inbound = col("side").eq(lit(Side::Inbound.as_str()));
    let keys = ["partner_tenant_id", "child_tenant_id", "partner_match", "verdict"];
    let found = counted
        .clone()
        .lazy()
        .group_by(keys.map(col))
        .agg([
            len().cast(DataType::Int64).alias("rows"),
            frames::number("disputed").sum(),
            inbound.cast(DataType::Int64).sum().alias("inbound"),
            lists_policies.cast(DataType::Int64).sum().alias("lists_policies"),
            col("at").min().alias("first"),
            col("at").max().alias("last"),
        ])
        .collect()?;
    let columns = Columns::of(&found);
    let (matched, verdict) = (columns.text("partner_match")?, columns.text("verdict")?);
    let (rows, disputed) = (columns.number("rows")?, columns.number("disputed")?);
    let (inbound, lists_policies) = (columns.number("inbound")?, columns.number("lists_policies")?);
    let (first, last) = (columns.number("first")?, columns.number("last")?);
    for row in 0..found.height() {
        let Some(pair) = pair_at(&columns, row)? else { continue };
        let by_list = [PartnerMatch::Listed, PartnerMatch::Domain].map(PartnerMatch::as_str);
        if matched.get(row).is_some_and(|matched| by_list.contains(&matched)) {
            activity.matched_by_list.extend(pair.0);
        }
        let entry = activity.pairs.entry(pair).or_default();
        if let Some(verdict) = verdict.get(row).and_then(verdict_of) {
            entry.counts += counts_of(verdict, rows.count(row), disputed.count(row));
        }
        let span = first.time(row).zip(last.time(row));
        let span = span.map(|(first, last)| Span { first, last });
        entry.span = Span::join_any(entry.span, span);
        entry.inbound |= inbound.count(row) > 0;
        entry.lists_policies |= lists_policies.count(row) > 0;
    }
    Ok(())
}

fn add_sources(activity: &mut Activity, counted: &DataFrame) -> PolarsResult<()> {
    let keys = ["partner_tenant_id", "child_tenant_id", "source_export"];
    let found = counted
        .clone()
        .lazy()
        .select(keys.map(col))
        .unique(None, UniqueKeepStrategy::Any)
        .collect()?;
    let columns = Columns::of(&found);
    let source = columns.text("source_export")?;
    for row in 0..found.height() {
        if let (Some(pair), Some(source)) = (pair_at(&columns, row)?, source.get(row)) {
            let sources = &mut activity.pairs.entry(pair).or_default().sources;
            if !sources.contains(source) {
                sources.insert(source.to_owned());
            }
        }
    }
    Ok(())
}

fn add_causes(activity: &mut Activity, counted: &DataFrame) -> PolarsResult<()> {
    let keys = ["partner_tenant_id", "child_tenant_id", "error_code", "verdict"];
    let found = counted
        .clone()
        .lazy()
        .group_by(keys.map(col))
        .agg([len().cast(DataType::Int64).alias("rows")])
        .collect()?;
    let columns = Columns::of(&found);
    let (code, verdict) = (columns.number("error_code")?, columns.text("verdict")?);
    let rows = columns.number("rows")?;
    for row in 0..found.height() {
        let flagged =
            verdict.get(row).and_then(verdict_of).is_some_and(|verdict| verdict.is_flagged());
        if let Some(pair) = pair_at(&columns, row)?.filter(|_| flagged) {
            let code = error_code(code.get(row));
            activity.causes.entry((code, pair)).or_default().sign_ins += rows.count(row);
        }
    }
    Ok(())
}

fn error_code(number: Option<i64>) -> Option<i32> {
    number.and_then(|number| i32::try_from(number).ok())
}

fn pair_at(columns: &Columns<'_>, row: usize) -> PolarsResult<Option<Pair>> {
    let partner = columns.text("partner_tenant_id")?.tenant(row);
    let child = columns.text("child_tenant_id")?.tenant(row);
    Ok(child.map(|child| (partner, child)))
}

/// The routes of the counted rows. New ones get their number, and the name of their app, in the
/// order of time: what polars groups comes in any order.
fn routes_of(activity: &mut Activity, counted: &DataFrame) -> PolarsResult<Vec<Option<u32>>> {
    let route = RouteColumns::of(&Columns::of(counted))?;
    Ok((0..counted.height()).map(|row| route.number(activity, row)).collect())
}

/// Hands the counted rows, which are in the order of time, to the folder of tries: with the route
/// and the set of policies of each.
fn add_rows(
    activity: &mut Activity,
    folder: &mut TryFolder,
    counted: &DataFrame,
    (routes, refusals): (&[Option<u32>], &[u32]),
) -> PolarsResult<()> {
    let columns = Columns::of(counted);
    let (at, code) = (columns.number("at")?, columns.number("error_code")?);
    let (verdict, disputed) = (columns.text("verdict")?, columns.flag("disputed")?);
    let correlation = columns.text("correlation_id")?;
    for row in 0..counted.height() {
        let known = at.time(row).zip(verdict.get(row).and_then(verdict_of));
        let route = routes.get(row).copied().flatten();
        let (Some((at, verdict)), Some(route)) = (known, route) else { continue };
        let next = TryRow {
            route,
            correlation: correlation.get(row).map(|id| xxh3_128(id.as_bytes())),
            at,
            verdict,
            disputed: disputed.get(row),
            error_code: error_code(code.get(row)),
            refusal: refusals.get(row).copied().unwrap_or_default(),
        };
        activity.add_row(folder, next);
    }
    Ok(())
}

/// The columns that make a route.
pub(super) struct RouteColumns<'a> {
    parts: [frames::Text<'a>; 5],
    app_name: frames::Text<'a>,
}

impl<'a> RouteColumns<'a> {
    pub(super) fn of(columns: &Columns<'a>) -> PolarsResult<Self> {
        let [partner, child, account, app, resource] = ROUTE;
        let parts = [
            columns.text(partner)?,
            columns.text(child)?,
            columns.text(account)?,
            columns.text(app)?,
            columns.text(resource)?,
        ];
        Ok(Self { parts, app_name: columns.text("app_name")? })
    }

    pub(super) fn number(&self, activity: &mut Activity, row: usize) -> Option<u32> {
        let routes = &mut activity.routes;
        let [partner, child, account, app, resource] =
            self.parts.each_ref().map(|part| routes.texts.number(part.get(row)));
        let app_name = routes.texts.number(self.app_name.get(row));
        routes.number(RouteKey { partner, child, account, app, resource }, app_name)
    }
}

/// Adds the policies that blocked or would have blocked the counted rows of a slice; gives back
/// the number of the set of policies that blocked each row.
fn add_policies_of(
    activity: &mut Activity,
    policies: &LazyFrame,
    counted: &DataFrame,
    slice: &Slice,
) -> PolarsResult<Vec<u32>> {
    let acting = acting_policies(policies.clone(), counted, slice)?;
    add_policies(activity, &by_route(&acting)?)?;
    policy_sets(activity, &acting, counted.height())
}

/// A line for each policy that blocked or would have blocked a counted row of a slice.
fn acting_policies(
    mut policies: LazyFrame,
    counted: &DataFrame,
    slice: &Slice,
) -> PolarsResult<DataFrame> {
    let time = column_type(&mut policies, "created_at")?;
    let acting =
        policies.filter(slice.holds(&time)).filter(col("blocks").or(col("would_block"))).select(
            [
                "sign_in_id",
                "side",
                "policy_id",
                "policy_name",
                "matched_conditions",
                "demanded_controls",
                "session_controls",
                "blocks",
                "would_block",
            ]
            .map(col),
        );
    let mut wanted: Vec<Expr> = ROUTE.map(col).to_vec();
    wanted.extend(["row", "app_name", "sign_in_id", "side", "at", "disputed"].map(col));
    let on = ["sign_in_id", "side"].map(col);
    let counted = counted.clone().lazy().select(wanted);
    acting.join(counted, on.clone(), on, JoinArgs::new(JoinType::Inner)).collect()
}

/// The number of the set of policies that blocked each row without dispute.
fn policy_sets(activity: &mut Activity, acting: &DataFrame, rows: usize) -> PolarsResult<Vec<u32>> {
    let columns = Columns::of(acting);
    let (id, name) = (columns.text("policy_id")?, columns.text("policy_name")?);
    let (blocks, disputed) = (columns.flag("blocks")?, columns.flag("disputed")?);
    let place = columns.number("row")?;
    let mut policies_of_row: Vec<Vec<u32>> = vec![Vec::new(); rows];
    for row in (0..acting.height()).filter(|&row| blocks.get(row) && !disputed.get(row)) {
        let place = place.get(row).and_then(|place| usize::try_from(place).ok());
        if let Some(policies) = place.and_then(|place| policies_of_row.get_mut(place)) {
            let policy = id.get(row).or(name.get(row)).unwrap_or_default();
            policies.push(activity.routes.texts.number(Some(policy)));
        }
    }
    let sets = &mut activity.policy_sets;
    Ok(policies_of_row.into_iter().map(|policies| sets.number(policies)).collect())
}

/// The acting policies counted by route.
fn by_route(acting: &DataFrame) -> PolarsResult<DataFrame> {
    let mut keys: Vec<Expr> = ROUTE.map(col).to_vec();
    keys.extend(["policy_id", "policy_name", "matched_conditions", "demanded_controls"].map(col));
    keys.extend(["session_controls", "blocks", "would_block", "disputed"].map(col));
    acting
        .clone()
        .lazy()
        .group_by(keys)
        .agg([
            // A record may list a policy twice.
            col("sign_in_id").n_unique().cast(DataType::Int64).alias("sign_ins"),
            col("at").min().alias("first"),
            col("at").max(),
            col("app_name").max(),
        ])
        .collect()
}

fn add_policies(activity: &mut Activity, found: &DataFrame) -> PolarsResult<()> {
    let columns = Columns::of(found);
    let route = RouteColumns::of(&columns)?;
    let (id, name) = (columns.text("policy_id")?, columns.text("policy_name")?);
    let matched = columns.text("matched_conditions")?;
    let demanded = columns.text("demanded_controls")?;
    let session = columns.text("session_controls")?;
    let (blocks, would_block) = (columns.flag("blocks")?, columns.flag("would_block")?);
    let disputed = columns.flag("disputed")?;
    let (sign_ins, at) = (columns.number("sign_ins")?, columns.number("at")?);
    let first = columns.number("first")?;
    for row in 0..found.height() {
        let (Some(pair), Some(at)) = (pair_at(&columns, row)?, at.time(row)) else { continue };
        let id = id.get(row).or(name.get(row)).unwrap_or_default();
        let count = sign_ins.count(row);
        let figures = PolicyFigures {
            blocked_sign_ins: if blocks.get(row) { count } else { 0 },
            disputed_sign_ins: if blocks.get(row) && disputed.get(row) { count } else { 0 },
            would_block_sign_ins: if would_block.get(row) { count } else { 0 },
        };
        let policy = activity.policies.entry((pair.1, id.to_owned())).or_default();
        policy.name_at(name.get(row).unwrap_or_default(), at);
        policy.matched.extend(matched.get(row).map(split_list).unwrap_or_default());
        policy.demanded.extend(demanded.get(row).map(split_controls).unwrap_or_default());
        *policy.by_partner.entry(pair.0).or_default() += figures;
        if blocks.get(row) {
            policy.last_blocked_at = policy.last_blocked_at.max(Some(at));
        }
        let found = RoutePolicy {
            sign_ins: count,
            first_at: first.time(row).unwrap_or(at),
            last_at: at,
            matched: matched.get(row).map(split_list).unwrap_or_default().into_iter().collect(),
            demanded: demanded
                .get(row)
                .map(split_controls)
                .unwrap_or_default()
                .into_iter()
                .collect(),
            session: session.get(row).map(split_list).unwrap_or_default().into_iter().collect(),
        };
        let number = route.number(activity, row);
        let Some(route) = number.and_then(|number| activity.routes.get_mut(number)) else {
            continue;
        };
        if blocks.get(row) && !disputed.get(row) {
            found.add_to(&mut route.blocks, id);
        } else if would_block.get(row) {
            found.add_to(&mut route.would_block, id);
        }
    }
    Ok(())
}

/// Controls joined by commas; the name of an authentication strength may hold commas itself.
fn split_controls(text: &str) -> Vec<String> {
    if text.starts_with("authentication strength:") {
        return vec![text.to_owned()];
    }
    split_list(text)
}
