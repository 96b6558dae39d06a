//! The tenant that a path names: storage accounts write `tenantId=GUID/`, DFIR-O365RC
//! `AADSigninLog_GUID_….json`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::tenant::{TenantId, parse_guid};

/// Where in a path a tenant's id stands, as the user describes it: `exports/{tenant}/*.json`.
#[derive(Debug, Clone)]
pub struct PathTemplate {
    matcher: GlobSet,
}

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("`{template}` has no `{{tenant}}`")]
    NoPlaceholder { template: String },
    #[error("`{template}` is no pattern: {source}")]
    Pattern { template: String, source: globset::Error },
}

/// What stands for the id while a path is compared with a template; no path holds it.
const PLACE: &str = "\u{1}tenant\u{1}";

impl PathTemplate {
    /// Reads a template; `*`, `?` and `**` match as they do in file patterns, and the template
    /// may begin anywhere in the path.
    ///
    /// # Errors
    /// It has no `{tenant}`, or is no pattern.
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        if !template.contains("{tenant}") {
            return Err(TemplateError::NoPlaceholder { template: template.to_owned() });
        }
        let inner = template.replace('\\', "/").replace("{tenant}", PLACE);
        let inner = inner.trim_matches('/');
        let refused = |source| TemplateError::Pattern { template: template.to_owned(), source };
        let mut set = GlobSetBuilder::new();
        // The template may name the file or a folder above it.
        for pattern in [format!("**/{inner}"), format!("**/{inner}/**")] {
            let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
            set.add(glob.map_err(refused)?);
        }
        Ok(Self { matcher: set.build().map_err(refused)? })
    }

    fn matches(&self, path: &str, id_at: usize) -> bool {
        let replaced = format!("{}{PLACE}{}", &path[..id_at], &path[id_at + 36..]);
        self.matcher.is_match(replaced)
    }
}

/// What stands before the id in paths that name their tenant without being asked.
const BEFORE_ID: [&str; 2] = ["tenantid=", "aadsigninlog_"];

/// The one tenant id in a path, wherever it stands. Only for what says nothing of its tenant itself:
/// the id may be a subscription's or an app's.
pub(super) fn lone_tenant_of_path(path: &str) -> Option<TenantId> {
    let ids = (0..path.len()).filter_map(|at| TenantId::parse(path.get(at..at + 36)?));
    let ids: std::collections::BTreeSet<TenantId> = ids.collect();
    ids.first().copied().filter(|_| ids.len() == 1)
}

/// The tenant that a path names by `tenantId=GUID`, or where the template says.
pub fn tenant_of_path(path: &str, template: Option<&PathTemplate>) -> Option<TenantId> {
    let path = path.replace('\\', "/");
    let ids = (0..path.len()).filter_map(|at| {
        let text = path.get(at..at + 36)?;
        parse_guid(text.as_bytes())?;
        Some((at, TenantId::parse(text)?))
    });
    ids.into_iter()
        .find(|(at, _)| match template {
            Some(template) => template.matches(&path, *at),
            None => {
                let before = path[..*at].to_ascii_lowercase();
                BEFORE_ID.iter().any(|word| before.ends_with(word))
            }
        })
        .map(|(_, tenant)| tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "8f3c52d1-0a1b-4c2d-8e3f-001122334455";

    #[test]
    fn a_storage_path_names_its_tenant() {
        let tenant = TenantId::parse(A);
        for path in [
            format!("logs/tenantId={A}/y=2026/m=11/PT1H.json"),
            format!("logs\\TENANTID={}\\x.json", A.to_uppercase()),
            format!("azure_ad_signin/2026-11-21/AADSigninLog_{A}_2026-11-21_09-00-00.json"),
        ] {
            assert_eq!(tenant_of_path(&path, None), tenant, "{path}");
        }
        assert_eq!(tenant_of_path(&format!("logs/{A}/x.json"), None), None);
    }

    #[test]
    fn a_template_says_where_the_id_stands() {
        let template = PathTemplate::parse("exports/{tenant}/*.json").expect("template");
        let other = "00000000-0000-4000-8000-00000000000b";
        let path = format!("/data/{other}/exports/{A}/x.json");
        assert_eq!(tenant_of_path(&path, Some(&template)), TenantId::parse(A));
        assert_eq!(tenant_of_path(&format!("/data/{A}/x.json"), Some(&template)), None);
        let template = PathTemplate::parse("{tenant}_*").expect("template");
        assert_eq!(
            tenant_of_path(&format!("d/{A}_signins.csv"), Some(&template)),
            TenantId::parse(A)
        );
        assert!(PathTemplate::parse("exports/*").is_err());
    }
}
