//! Records and tables that are no sign-ins, named by their keys alone: a value is an outsider's
//! text, and a user agent that quotes another log's keys must not get a file refused.

use super::NoLog;

/// Names a JSON record that is no sign-in by its keys, if it is of a kind that people mix up.
pub fn name_json(_record: &[u8]) -> Option<NoLog> {
    None
}

/// Names a table that holds no sign-ins by its header, if it is of a kind that people mix up.
pub fn name_table(_header: &[String]) -> Option<NoLog> {
    None
}
