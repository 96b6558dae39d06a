//! From arguments to records: what to read, how to open it, where each record ends, and which
//! records are worth parsing.

mod ahead;
pub mod authentication_details;
mod cells;
pub mod container;
mod date_order;
pub mod discover;
mod disk;
mod encoding;
pub mod evidence;
pub mod frame;
mod framer;
pub mod hint;
pub mod lists;
mod meter;
pub mod open;
pub mod path_tenant;
pub mod peek;
pub mod people;
pub mod raw;
pub mod read;
pub mod recheck;
mod records;
pub mod refused;
pub mod reject;
mod rows;
mod shown;
pub mod sniff;
pub mod source;
mod utf7;
mod window;
mod windows;
