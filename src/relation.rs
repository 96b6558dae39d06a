//! Whose sign-in it is: the join against the partner list, and the side from which it is seen. Pure.

use serde::{Deserialize, Serialize};

use crate::sign_in::SignIn;
use crate::tenant::{PartnerList, TenantId};

/// Why a sign-in counts as a service provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PartnerMatch {
    /// The home tenant is on the list.
    Listed,
    /// Came in as `serviceProvider` and is not on the list.
    ServiceProvider,
    /// No home tenant in the record; the account's domain is a listed partner's.
    Domain,
    /// The app belongs to a listed partner, whoever used it: a service principal, or a user of
    /// another tenant. Kept apart from the partner's own sign-ins.
    AppOwner,
}

impl PartnerMatch {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::ServiceProvider => "service_provider",
            Self::Domain => "domain",
            Self::AppOwner => "app_owner",
        }
    }
}

/// The provider behind a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// `None` for a service provider whose home tenant the record does not name.
    pub tenant: Option<TenantId>,
    pub matched_by: PartnerMatch,
}

/// The facts of a sign-in by which it is joined to a provider.
#[derive(Debug, Clone, Copy)]
pub struct Joinable<'a> {
    pub home_tenant: Option<TenantId>,
    pub service_provider: bool,
    pub user_principal_name: Option<&'a str>,
    pub app_owner_tenant: Option<TenantId>,
}

impl<'a> Joinable<'a> {
    pub fn of(sign_in: &'a SignIn) -> Self {
        Self {
            home_tenant: sign_in.home_tenant,
            service_provider: sign_in
                .cross_tenant_access
                .as_ref()
                .is_some_and(|access| access.is_service_provider()),
            user_principal_name: sign_in.user_principal_name.as_deref(),
            app_owner_tenant: sign_in.app_owner_tenant,
        }
    }

    /// The export gives nothing to judge this record by.
    pub fn is_undecided(&self, partners: &PartnerList) -> bool {
        let domain_would_do = self.user_principal_name.is_some_and(|name| name.contains('@'))
            && partners.domains().next().is_some();
        self.home_tenant.is_none() && !self.service_provider && !domain_would_do
    }
}

/// Finds the provider of a sign-in; `None` for everyone else's.
pub fn provider_of(facts: Joinable<'_>, partners: &PartnerList) -> Option<Provider> {
    let found = |tenant, matched_by| Some(Provider { tenant, matched_by });
    if let Some(home) = facts.home_tenant.filter(|&home| partners.contains(home)) {
        return found(Some(home), PartnerMatch::Listed);
    }
    if facts.home_tenant.is_none() {
        let by_domain =
            facts.user_principal_name.and_then(|name| partners.by_user_principal_name(name));
        if by_domain.is_some() {
            return found(by_domain, PartnerMatch::Domain);
        }
    }
    if facts.service_provider {
        return found(facts.home_tenant, PartnerMatch::ServiceProvider);
    }
    let owner = facts.app_owner_tenant.filter(|&owner| partners.contains(owner));
    owner.and_then(|owner| found(Some(owner), PartnerMatch::AppOwner))
}

/// From whose log a sign-in is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// Exported by the resource tenant.
    Inbound,
    /// Exported by the home tenant; the resource is in another one.
    Outbound,
    /// Resource and home are the same: nobody's customer.
    Home,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Home => "home",
        }
    }
}

/// Where a sign-in is seen from, and which customer it went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub side: Side,
    /// The customer; `None` on side home, or where nothing in the export names it.
    pub child_tenant: Option<TenantId>,
}

/// Places a sign-in, given the tenant whose log it stands in.
pub fn place(
    home: Option<TenantId>,
    resource: Option<TenantId>,
    exporting: Option<TenantId>,
) -> Place {
    let side = match (home, resource) {
        (Some(home), Some(resource)) if home == resource => Side::Home,
        (Some(home), Some(_)) if exporting == Some(home) => Side::Outbound,
        // Without a resource tenant, a record in the home tenant's own log says nothing of a customer.
        (Some(home), None) if exporting == Some(home) => Side::Home,
        _ => Side::Inbound,
    };
    let child_tenant = match side {
        Side::Home => None,
        Side::Outbound => resource,
        Side::Inbound => resource.or(exporting),
    };
    Place { side, child_tenant }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTNER: &str = "8f3c52d1-0000-4000-8000-000000000001";
    const CHILD: &str = "c0000000-0000-4000-8000-000000000002";

    fn id(text: &str) -> Option<TenantId> {
        TenantId::parse(text)
    }

    #[test]
    fn sides() {
        let (partner, child) = (id(PARTNER), id(CHILD));
        let side = |home, resource, exporting| {
            let place = place(home, resource, exporting);
            (place.side, place.child_tenant)
        };
        assert_eq!(side(partner, child, child), (Side::Inbound, child));
        assert_eq!(side(partner, child, None), (Side::Inbound, child));
        assert_eq!(side(partner, child, partner), (Side::Outbound, child));
        assert_eq!(side(partner, partner, partner), (Side::Home, None));
        assert_eq!(side(partner, partner, child), (Side::Home, None));
        assert_eq!(side(partner, None, child), (Side::Inbound, child));
        assert_eq!(side(partner, None, partner), (Side::Home, None));
        assert_eq!(side(None, None, None), (Side::Inbound, None));
    }
}
