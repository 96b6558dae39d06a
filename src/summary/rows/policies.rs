//! The policies that block listed sign-ins.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::super::DatasetParts;
use super::pool::Pool;
use super::{ListedSignIn, ROWS_AT_A_TIME, SignInText};
use crate::dataset::{DatasetError, RowGroup, Stretch, Walk};

/// A policy that blocks a listed sign-in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedPolicy {
    /// Its id where the log does not name it.
    pub name: Arc<str>,
    /// Graph's names of the controls, joined by commas.
    pub demanded: Arc<str>,
}

const COLUMNS: [&str; 5] = ["sign_in_id", "side", "policy_id", "policy_name", "demanded_controls"];

/// Policies beside one sign-in; a record may be made to list thousands.
const POLICIES_MAX: usize = 40;

/// Adds to each sign-in the policies that block it.
pub(super) fn add(
    parts: &DatasetParts,
    rows: &mut [ListedSignIn],
    pool: &mut Pool,
) -> Result<(), DatasetError> {
    let moments: HashSet<i64> = rows.iter().map(|row| row.at.timestamp_micros()).collect();
    let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let text = |which| row.text(which).unwrap_or_default().to_owned();
        places.insert((text(SignInText::SignInId), text(SignInText::Side)), place);
    }
    let walk = Walk::open(&parts.applied_policies)?;
    for group in walk.row_groups() {
        let likely = likely_rows(&walk, &group, &moments)?;
        if likely.is_empty() {
            continue;
        }
        walk.read_rows(&group, &likely, &COLUMNS, |stretch| {
            for row in 0..stretch.rows() {
                let id = stretch.texts("sign_in_id")?.get(row).unwrap_or_default();
                let side = stretch.words("side")?.get(row).unwrap_or_default();
                let place = places.get(&(id.to_owned(), side.to_owned()));
                let Some(sign_in) = place.and_then(|&place| rows.get_mut(place)) else { continue };
                if sign_in.policies.len() < POLICIES_MAX {
                    sign_in.policies.push(policy(stretch, row, pool)?);
                }
            }
            Ok::<(), DatasetError>(())
        })?;
    }
    rows.iter_mut().for_each(|row| row.policies.sort_unstable());
    Ok(())
}

/// Rows that block at a moment of a listed sign-in.
fn likely_rows(
    walk: &Walk,
    group: &RowGroup,
    moments: &HashSet<i64>,
) -> Result<Vec<usize>, DatasetError> {
    let (mut likely, mut first) = (Vec::new(), 0);
    walk.read(group, &["created_at", "blocks"], ROWS_AT_A_TIME, |stretch| {
        let (times, blocks) = (stretch.times("created_at")?, stretch.flags("blocks")?);
        let is_it = |&row: &usize| {
            blocks.get(row) && times.get(row).is_some_and(|at| moments.contains(&at))
        };
        likely.extend((0..stretch.rows()).filter(is_it).map(|row| first + row));
        first += stretch.rows();
        Ok::<(), DatasetError>(())
    })?;
    Ok(likely)
}

fn policy(stretch: &Stretch, row: usize, pool: &mut Pool) -> Result<ListedPolicy, DatasetError> {
    let name = stretch.words("policy_name")?.get(row).filter(|name| !name.is_empty());
    let id = stretch.words("policy_id")?.get(row).unwrap_or_default();
    let demanded = stretch.words("demanded_controls")?.get(row).unwrap_or_default();
    Ok(ListedPolicy { name: pool.take(name.unwrap_or(id)), demanded: pool.take(demanded) })
}
