//! What part of the dataset a query sees.

use chrono::{DateTime, Utc};
use polars::prelude::{
    DataType, Expr, JoinArgs, JoinType, LazyFrame, TimeUnit, TimeZone, col, lit,
};

use crate::dataset::Table;
use crate::summary::RowFilter;
use crate::tenant::TenantId;

/// Which rows a query sees; whatever is empty does not filter. A table without such a column is seen
/// whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this moment on.
    pub since: Option<DateTime<Utc>>,
    /// Up to this moment, itself excluded.
    pub until: Option<DateTime<Utc>>,
    /// Customers.
    pub tenants: Vec<TenantId>,
    pub rows: RowFilter,
}

/// The columns by which a table can be filtered.
#[derive(Debug, Default)]
struct Columns {
    time: Option<&'static str>,
    tenant: Option<&'static str>,
    partner: Option<&'static str>,
    accounts: &'static [&'static str],
    apps: &'static [&'static str],
    address: Option<&'static str>,
    code: Option<&'static str>,
}

fn columns_of(table: Table) -> Columns {
    let (child, partner) = (Some("child_tenant_id"), Some("partner_tenant_id"));
    match table {
        Table::SignIns => Columns {
            time: Some("created_at"),
            tenant: child,
            partner,
            accounts: &["account", "user_principal_name", "user_id"],
            apps: &["app_id", "app_name"],
            address: Some("ip_address"),
            code: Some("error_code"),
        },
        Table::AppliedPolicies => Columns {
            time: Some("created_at"),
            tenant: child,
            partner,
            apps: &["app_name"],
            ..Columns::default()
        },
        Table::Coverage => {
            Columns { time: Some("hour"), tenant: Some("tenant_id"), ..Columns::default() }
        }
        Table::Exports => Columns { tenant: Some("exporting_tenant_id"), ..Columns::default() },
        Table::Tenants => Columns { tenant: child, ..Columns::default() },
        Table::Partners => Columns { partner, ..Columns::default() },
        Table::Accounts => Columns { partner, accounts: &["account"], ..Columns::default() },
        _ => Columns::default(),
    }
}

impl Filter {
    /// The rows of a table that the filter lets through.
    pub(super) fn apply(&self, table: Table, frame: LazyFrame) -> LazyFrame {
        let columns = columns_of(table);
        let ids =
            |ids: &[TenantId]| -> Vec<String> { ids.iter().map(ToString::to_string).collect() };
        let addresses: Vec<String> = self.rows.addresses.iter().map(ToString::to_string).collect();
        let conditions = [
            columns.time.zip(self.since).map(|(time, since)| col(time).gt_eq(moment(since))),
            columns.time.zip(self.until).map(|(time, until)| col(time).lt(moment(until))),
            columns.tenant.and_then(|column| is_one_of(&[column], &ids(&self.tenants))),
            columns.partner.and_then(|column| is_one_of(&[column], &ids(&self.rows.partners))),
            is_one_of(columns.accounts, &self.rows.accounts),
            is_one_of(columns.apps, &self.rows.apps),
            columns.address.and_then(|column| is_one_of(&[column], &addresses)),
            columns.code.and_then(|column| {
                any(self.rows.codes.iter().map(|&code| col(column).eq(lit(code))))
            }),
        ];
        match conditions.into_iter().flatten().reduce(Expr::and) {
            Some(condition) => frame.filter(condition),
            None => frame,
        }
    }

    /// Whether it asks for what policies do not have, but their sign-ins.
    fn is_of_sign_ins_only(&self) -> bool {
        !self.rows.accounts.is_empty()
            || !self.rows.apps.is_empty()
            || !self.rows.addresses.is_empty()
            || !self.rows.codes.is_empty()
    }

    /// The policies of the sign-ins that the filter lets through.
    pub(super) fn apply_to_policies(&self, policies: LazyFrame, sign_ins: &LazyFrame) -> LazyFrame {
        let mut own = self.clone();
        // An app of a policy's row has a name only.
        own.rows.apps.clear();
        let policies = own.apply(Table::AppliedPolicies, policies);
        if !self.is_of_sign_ins_only() {
            return policies;
        }
        // A copy in a partner's own log has the same id on the other side; one without an id is
        // told by its time and its app.
        let keys = [
            "sign_in_id",
            "side",
            "created_at",
            "partner_tenant_id",
            "child_tenant_id",
            "app_name",
        ]
        .map(col);
        let how = JoinArgs { nulls_equal: true, ..JoinArgs::new(JoinType::Semi) };
        policies.join(sign_ins.clone(), &keys, &keys, how)
    }
}

/// Whether one of the columns holds one of the texts, in any case.
fn is_one_of(columns: &[&str], texts: &[String]) -> Option<Expr> {
    let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    any(columns.iter().flat_map(|column| {
        texts.iter().map(|text| col(*column).str().to_lowercase().eq(lit(text.clone())))
    }))
}

fn any(conditions: impl Iterator<Item = Expr>) -> Option<Expr> {
    conditions.reduce(Expr::or)
}

fn moment(at: DateTime<Utc>) -> Expr {
    lit(at.timestamp_micros()).cast(DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)))
}
