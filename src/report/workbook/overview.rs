//! The first sheet: the answer, customers by state, who has to act, and what the other sheets hold.

use super::super::{RunFacts, sentences, todo, words};
use super::WORKBOOK_ROWS_MAX;
use super::sheet::Sheet;
use super::to_do::acting;
use crate::summary::state::CustomerState;
use crate::summary::{PartnerSummary, Summary};

/// Partners with a column; of more of them the sheet of customers tells.
const PARTNERS_MAX: usize = 6;

/// What stands on the first sheet.
pub(super) struct Overview {
    pub(super) answers: Vec<String>,
    /// As of when, made of what, for whom.
    pub(super) facts: Vec<String>,
    pub(super) states: Option<States>,
    pub(super) acts: Vec<Acts>,
    pub(super) notices: Vec<String>,
    pub(super) sheets: Vec<SheetLine>,
}

/// Customers by state, a column for each partner.
pub(super) struct States {
    pub(super) partners: Vec<String>,
    pub(super) rows: Vec<(CustomerState, Vec<u64>)>,
}

/// What one kind of actor does.
pub(super) struct Acts {
    /// With the number that it has in every report.
    pub(super) who: String,
    pub(super) told: String,
    pub(super) customers: usize,
}

/// What one of the other sheets holds.
pub(super) struct SheetLine {
    pub(super) name: &'static str,
    pub(super) told: &'static str,
    pub(super) shown: u64,
    pub(super) count: u64,
    pub(super) whole: &'static str,
}

impl Overview {
    pub(super) fn of(summary: &Summary, sheets: &[Sheet<'_>], facts: &RunFacts) -> Self {
        Self {
            answers: sentences::answers(summary),
            facts: told_facts(summary, facts),
            states: states(summary),
            acts: todo::groups(summary).iter().map(|(act, group)| acts(*act, group)).collect(),
            notices: sentences::notices(summary, facts),
            sheets: sheets.iter().map(line).collect(),
        }
    }
}

fn told_facts(summary: &Summary, facts: &RunFacts) -> Vec<String> {
    let mut lines: Vec<String> = todo::turns(summary).into_iter().collect();
    let evidence = words::full_stop(&sentences::evidence(summary));
    lines.push(format!("{evidence} All times are UTC."));
    let made_by = ["tenantsweep", &facts.tool_version, &facts.input, &words::work(facts)];
    let made_by: Vec<&str> = made_by.into_iter().filter(|part| !part.is_empty()).collect();
    lines.push(format!("Made by {}", made_by.join(" · ")));
    lines.extend(words::custody(&facts.custody));
    lines
}

fn states(summary: &Summary) -> Option<States> {
    let partners: Vec<&PartnerSummary> = summary.partners.iter().take(PARTNERS_MAX).collect();
    let row = |state| {
        let counts = partners.iter().map(|partner| partner.in_state(state));
        (state, counts.collect())
    };
    (!partners.is_empty()).then(|| States {
        rows: CustomerState::ALL.into_iter().map(row).collect(),
        partners: partners.iter().map(|partner| words::partner(partner)).collect(),
    })
}

fn acts(act: todo::Act, group: &todo::Group) -> Acts {
    Acts {
        who: format!("{} {}", act.number(), acting(act)),
        told: todo::heading(act, group),
        customers: group.customers.len(),
    }
}

fn line(sheet: &Sheet<'_>) -> SheetLine {
    let most = u64::try_from(WORKBOOK_ROWS_MAX).unwrap_or(u64::MAX);
    SheetLine {
        name: sheet.name,
        told: sheet.told,
        shown: sheet.count.min(most),
        count: sheet.count,
        whole: sheet.whole,
    }
}
