//! The integration tests: one binary, since each would link the whole engine anew.

mod attribution;
mod dataset;
