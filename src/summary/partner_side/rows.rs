//! The rows that tell of the partner's own side.

use chrono::{DateTime, Utc};

use crate::relation::Side;
use crate::tenant::TenantId;
use crate::who::ObjectId;

/// Sign-ins of a listed partner that are alike in all that is asked here.
#[derive(Debug)]
pub(in crate::summary) struct OwnRow<'a> {
    pub(in crate::summary) partner: TenantId,
    pub(in crate::summary) side: Side,
    pub(in crate::summary) child: Option<TenantId>,
    pub(in crate::summary) account: &'a str,
    pub(in crate::summary) user_id: Option<ObjectId>,
    /// Neither a service principal nor a managed identity: those do no MFA.
    pub(in crate::summary) is_user: bool,
    pub(in crate::summary) is_interactive: bool,
    pub(in crate::summary) app_id: Option<&'a str>,
    pub(in crate::summary) app_name: Option<&'a str>,
    pub(in crate::summary) resource_id: Option<&'a str>,
    pub(in crate::summary) resource_name: Option<&'a str>,
    pub(in crate::summary) access: Option<&'a str>,
    pub(in crate::summary) requirement: Option<&'a str>,
    pub(in crate::summary) methods: Option<&'a str>,
    pub(in crate::summary) methods_lower: Option<String>,
    pub(in crate::summary) details: Option<&'a str>,
    pub(in crate::summary) network: Option<&'a str>,
    pub(in crate::summary) risk_state: Option<&'a str>,
    pub(in crate::summary) risk_level: Option<&'a str>,
    pub(in crate::summary) error_code: Option<i32>,
    pub(in crate::summary) succeeded: bool,
    pub(in crate::summary) sign_ins: u64,
    pub(in crate::summary) first_at: DateTime<Utc>,
    pub(in crate::summary) last_at: DateTime<Utc>,
}

impl OwnRow<'_> {
    pub(super) fn is_passthrough(&self) -> bool {
        self.access.is_some_and(|access| access.split(',').any(|w| w == PASSTHROUGH))
    }
}

const PASSTHROUGH: &str = "passthrough";
