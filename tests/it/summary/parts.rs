//! Small datasets written by hand: a row builder over the columns of the dataset.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};
use parquet::arrow::ArrowWriter;
use tenantsweep::summary::DatasetParts;

/// A row of `sign_ins` with its applied policies.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub id: String,
    pub at: DateTime<Utc>,
    pub partner: Option<String>,
    pub matched: &'static str,
    pub child: Option<String>,
    pub side: &'static str,
    pub account: Option<String>,
    pub app: &'static str,
    pub resource: &'static str,
    pub verdict: &'static str,
    pub disputed: bool,
    pub code: Option<i32>,
    pub evidence: &'static str,
    pub source: String,
    pub correlation: Option<String>,
    pub policies: Vec<Policy>,
}

/// A row of `applied_policies`.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub id: String,
    pub name: String,
    pub blocks: bool,
    pub would_block: bool,
    pub matched: &'static str,
    pub demanded: &'static str,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Export {
    pub path: String,
    pub tenant: Option<String>,
    pub blind_spots: &'static str,
    pub superseded_by: Option<&'static str>,
    pub records: i64,
    pub partner: i64,
    pub other: i64,
    pub duplicate: i64,
    pub rejected: i64,
    pub span: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

#[derive(Debug, Clone)]
pub(super) struct Tenant {
    pub id: String,
    pub name: Option<String>,
    pub listed: bool,
    pub has_inbound: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Dataset {
    pub rows: Vec<Row>,
    pub exports: Vec<Export>,
    pub customers: Vec<Tenant>,
    pub partners: Vec<Tenant>,
    /// Partner and account.
    pub integrations: Vec<(String, String)>,
}

/// Moments are told in minutes before this one.
pub(super) fn minutes_before_end(minutes: i64) -> DateTime<Utc> {
    // 2026-11-21 12:00 UTC
    DateTime::from_timestamp(1_795_262_400, 0).unwrap_or_default() - TimeDelta::minutes(minutes)
}

pub(super) fn tenant_id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-{number:012x}")
}

impl Dataset {
    /// Writes the parts, the sign-ins in `files` files.
    pub(super) fn write(&self, folder: &Path, files: usize) -> DatasetParts {
        let per_file = self.rows.len().div_ceil(files.max(1)).max(1);
        let sign_ins = self.rows.chunks(per_file).enumerate().map(|(number, rows)| {
            write(folder, &format!("sign_ins-{number}"), sign_in_columns(rows))
        });
        let policies: Vec<(&Row, &Policy)> =
            self.rows.iter().flat_map(|row| row.policies.iter().map(move |p| (row, p))).collect();
        DatasetParts {
            sign_ins: sign_ins.collect(),
            applied_policies: vec![write(folder, "policies", policy_columns(&policies))],
            exports: vec![write(folder, "exports", export_columns(&self.exports))],
            coverage: vec![write(folder, "coverage", coverage_columns(&self.exports))],
            tenants: vec![write(
                folder,
                "tenants",
                tenant_columns("child_tenant_id", &self.customers),
            )],
            partners: vec![write(
                folder,
                "partners",
                tenant_columns("partner_tenant_id", &self.partners),
            )],
            accounts: vec![write(folder, "accounts", account_columns(&self.integrations))],
            ..DatasetParts::default()
        }
    }
}

type Named = Vec<(&'static str, ArrayRef)>;

fn write(folder: &Path, name: &str, columns: Named) -> PathBuf {
    let path = folder.join(format!("{name}.parquet"));
    let nullable = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(nullable).expect("columns of one length");
    let file = File::create(&path).expect("a test folder can be written");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a schema");
    writer.write(&batch).expect("a batch");
    writer.close().expect("a footer");
    path
}

fn texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(texts.collect::<StringArray>())
}

fn flags(flags: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(flags.map(Some).collect::<BooleanArray>())
}

fn numbers(numbers: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(numbers.map(Some).collect::<Int64Array>())
}

fn times(times: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let micros = times.map(|time| time.map(|time| time.timestamp_micros()));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn sign_in_columns(rows: &[Row]) -> Named {
    let text = |get: fn(&Row) -> Option<&str>| texts(rows.iter().map(get));
    let days = rows.iter().map(|row| row.at.timestamp().div_euclid(86_400));
    vec![
        ("sign_in_id", text(|row| Some(&row.id))),
        ("created_at", times(rows.iter().map(|row| Some(row.at)))),
        (
            "created_date",
            Arc::new(days.map(|day| i32::try_from(day).ok()).collect::<Date32Array>()),
        ),
        ("side", text(|row| Some(row.side))),
        ("partner_tenant_id", text(|row| row.partner.as_deref())),
        ("partner_match", text(|row| Some(row.matched))),
        ("child_tenant_id", text(|row| row.child.as_deref())),
        ("account", text(|row| row.account.as_deref())),
        ("app_id", text(|_| None)),
        ("app_name", text(|row| Some(row.app))),
        ("resource_id", text(|row| Some(row.resource))),
        ("resource_name", text(|_| None)),
        ("verdict", text(|row| Some(row.verdict))),
        ("flagged", flags(rows.iter().map(|row| is_flagged(row.verdict)))),
        ("disputed", flags(rows.iter().map(|row| row.disputed))),
        ("error_code", Arc::new(rows.iter().map(|row| row.code).collect::<Int32Array>())),
        ("row_evidence", text(|row| Some(row.evidence))),
        ("source_export", text(|row| Some(&row.source))),
        ("correlation_id", text(|row| row.correlation.as_deref())),
        ("source_offset", numbers(rows.iter().map(|_| 0))),
        ("user_id", text(|_| None)),
        ("client_app", text(|_| Some("Browser"))),
        ("authentication_protocol", text(|_| Some("none"))),
        ("original_transfer_method", text(|_| Some("none"))),
        ("sign_in_type", text(|_| Some("nonInteractiveUser"))),
        ("cross_tenant_access", text(|_| Some("serviceProvider"))),
        ("ip_address", text(|_| Some("203.0.113.7"))),
        ("country", text(|_| None)),
        ("operating_system", text(|_| None)),
        ("risk_level", text(|_| None)),
        ("failure_reason", text(|_| None)),
        ("category", text(|_| None)),
        ("who_fixes", text(|_| None)),
        ("cause", text(|_| None)),
        ("remedy", text(|_| None)),
        ("user_agent", text(|_| Some("not needed"))),
    ]
}

fn is_flagged(verdict: &str) -> bool {
    ["blocked", "failed", "unexplained"].contains(&verdict)
}

fn policy_columns(policies: &[(&Row, &Policy)]) -> Named {
    let text = |get: fn(&Row, &Policy) -> String| -> ArrayRef {
        Arc::new(policies.iter().map(|(row, p)| Some(get(row, p))).collect::<StringArray>())
    };
    vec![
        ("sign_in_id", text(|row, _| row.id.clone())),
        ("side", text(|row, _| row.side.to_owned())),
        ("created_at", times(policies.iter().map(|(row, _)| Some(row.at)))),
        ("policy_id", text(|_, policy| policy.id.clone())),
        ("policy_name", text(|_, policy| policy.name.clone())),
        ("blocks", flags(policies.iter().map(|(_, policy)| policy.blocks))),
        ("would_block", flags(policies.iter().map(|(_, policy)| policy.would_block))),
        ("matched_conditions", text(|_, policy| policy.matched.to_owned())),
        ("demanded_controls", text(|_, policy| policy.demanded.to_owned())),
        ("session_controls", text(|_, _| String::new())),
    ]
}

fn export_columns(exports: &[Export]) -> Named {
    let number = |get: fn(&Export) -> i64| numbers(exports.iter().map(get));
    vec![
        ("path", texts(exports.iter().map(|export| Some(export.path.as_str())))),
        ("sha256", texts(exports.iter().map(|_| Some("00")))),
        ("dialect", texts(exports.iter().map(|_| Some("graph")))),
        ("exporting_tenant_id", texts(exports.iter().map(|export| export.tenant.as_deref()))),
        ("blind_spots", texts(exports.iter().map(|export| Some(export.blind_spots)))),
        ("superseded_by", texts(exports.iter().map(|export| export.superseded_by))),
        ("run_id", texts(exports.iter().map(|_| Some("run-1")))),
        ("bytes", number(|export| export.records * 1000)),
        ("records", number(|export| export.records)),
        ("partner", number(|export| export.partner)),
        ("other", number(|export| export.other)),
        ("undecided", number(|_| 0)),
        ("duplicate", number(|export| export.duplicate)),
        ("rejected", number(|export| export.rejected)),
        ("unfinished", number(|_| 0)),
        ("superseded", number(|_| 0)),
        ("removed", number(|_| 0)),
        ("first_at", times(exports.iter().map(|export| export.span.map(|span| span.0)))),
        ("last_at", times(exports.iter().map(|export| export.span.map(|span| span.1)))),
    ]
}

/// The first and the last hour of each export of one tenant.
fn coverage_columns(exports: &[Export]) -> Named {
    let hours: Vec<(&Export, DateTime<Utc>)> = exports
        .iter()
        .filter(|export| export.tenant.is_some())
        .flat_map(|export| export.span.map(|(first, last)| [(export, first), (export, last)]))
        .flatten()
        .collect();
    vec![
        ("source_export", texts(hours.iter().map(|(export, _)| Some(export.path.as_str())))),
        ("run_id", texts(hours.iter().map(|_| Some("run-1")))),
        ("tenant_id", texts(hours.iter().map(|(export, _)| export.tenant.as_deref()))),
        ("hour", times(hours.iter().map(|(_, hour)| Some(*hour)))),
        ("sampled", numbers(hours.iter().map(|_| 1))),
        ("sign_in_type", texts(hours.iter().map(|_| Some("nonInteractiveUser")))),
    ]
}

fn tenant_columns(id: &'static str, tenants: &[Tenant]) -> Named {
    vec![
        (id, texts(tenants.iter().map(|tenant| Some(tenant.id.as_str())))),
        ("name", texts(tenants.iter().map(|tenant| tenant.name.as_deref()))),
        ("listed", flags(tenants.iter().map(|tenant| tenant.listed))),
        ("has_inbound", flags(tenants.iter().map(|tenant| tenant.has_inbound))),
    ]
}

fn account_columns(integrations: &[(String, String)]) -> Named {
    vec![
        ("partner_tenant_id", texts(integrations.iter().map(|(id, _)| Some(id.as_str())))),
        ("account", texts(integrations.iter().map(|(_, account)| Some(account.as_str())))),
        ("kind", texts(integrations.iter().map(|_| Some("integration")))),
    ]
}
