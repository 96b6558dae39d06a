//! `tests/cause.csv` read as the specification of causes.

use serde::Deserialize;
use tenantsweep::cause::{Cause, Circumstances, Way, cause_of};
use tenantsweep::error_code::{Category, ErrorCode, all};
use tenantsweep::sign_in::{CrossTenantAccess, SignInType};

use crate::error_codes::advises_exclusion;

#[derive(Debug, Deserialize)]
struct Case {
    case: String,
    error_code: Option<i32>,
    failure_reason: String,
    additional_details: String,
    sign_in_type: String,
    cross_tenant_access: String,
    side: String,
    /// `policy`: one failed; `status`: only the status says so.
    refused: String,
    category: String,
    who_fixes: String,
    basis: String,
    /// Joined by `|`; one with `!` must not occur.
    says: String,
}

impl Case {
    fn cause(&self) -> Cause {
        let some = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let access = some(&self.cross_tenant_access).map(|text| CrossTenantAccess::parse(&text));
        let (reason, details) = (some(&self.failure_reason), some(&self.additional_details));
        cause_of(&Circumstances {
            code: self.error_code.map(ErrorCode),
            failure_reason: reason.as_deref(),
            additional_details: details.as_deref(),
            sign_in_type: sign_in_type(&self.sign_in_type),
            way: Way::of(access.as_ref(), self.side == "home"),
            policy_failed: self.refused == "policy",
            conditional_access_failed: !self.refused.is_empty(),
        })
    }
}

fn sign_in_type(name: &str) -> SignInType {
    [
        SignInType::InteractiveUser,
        SignInType::NonInteractiveUser,
        SignInType::ServicePrincipal,
        SignInType::ManagedIdentity,
        SignInType::Unknown,
    ]
    .into_iter()
    .find(|known| known.as_str() == name)
    .unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn every_case_gets_its_cause() {
    let cases: Vec<Case> = csv::Reader::from_path("tests/cause.csv")
        .expect("the table")
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("rows");
    assert!(cases.len() >= 40, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let cause = case.cause();
        let found = (cause.category.as_str(), cause.who_fixes.as_str(), cause.basis.as_str());
        if found != (&case.category, &case.who_fixes, &case.basis) {
            wrong.push(format!("{}: {found:?}", case.case));
        }
        let text = format!("{} {}", cause.cause, cause.remedy);
        for part in case.says.split('|').filter(|part| !part.is_empty()) {
            let is_right = match part.strip_prefix('!') {
                Some(part) => !text.contains(part),
                None => text.contains(part),
            };
            if !is_right {
                wrong.push(format!("{}: {part}: {text}", case.case));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Every code in every circumstance has a cause, and no risk is ever excluded.
#[test]
fn no_circumstance_is_silent_or_dangerous() {
    let ways = [Way::ServiceProvider, Way::Guest, Way::Passthrough, Way::Home, Way::Unknown];
    let types =
        [SignInType::InteractiveUser, SignInType::NonInteractiveUser, SignInType::ServicePrincipal];
    let codes = all().iter().map(|entry| entry.code).chain([4711, 53_099, 530_999].map(ErrorCode));
    for code in codes {
        for (way, sign_in_type) in ways.iter().flat_map(|way| types.map(|kind| (*way, kind))) {
            for policy_failed in [false, true] {
                let cause = cause_of(&Circumstances {
                    code: Some(code),
                    failure_reason: None,
                    additional_details: None,
                    sign_in_type,
                    way,
                    policy_failed,
                    conditional_access_failed: policy_failed,
                });
                assert!(!cause.cause.is_empty() && !cause.remedy.is_empty(), "{code}");
                if cause.category == Category::Risk {
                    assert!(
                        advises_exclusion(&cause.remedy).is_empty(),
                        "{code}: {}",
                        cause.remedy
                    );
                }
                let trusts_mfa = cause.remedy.contains("trust MFA");
                assert!(!trusts_mfa || way == Way::Guest, "{code}: {}", cause.remedy);
            }
        }
    }
}
