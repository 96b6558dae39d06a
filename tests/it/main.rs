//! The integration tests: one binary, since each would link the whole engine anew.

#[path = "../estate/mod.rs"]
mod estate;
mod oracle;
mod parquet_reader;

mod attribution;
mod estates;
mod frame;
mod house;
mod summary;
