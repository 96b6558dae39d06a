//! All integration tests in one binary: each test binary would link polars anew.

/// The summary room and the reports made from it.
mod summary;
