//! From arguments to records: what to read, how to open it, where each record ends, and which
//! records are worth parsing.

mod date_order;
pub mod discover;
pub mod evidence;
pub mod frame;
pub mod lists;
pub mod open;
pub mod path_tenant;
pub mod peek;
pub mod read;
pub mod refused;
pub mod reject;
mod rows;
pub mod sniff;
pub mod source;
mod window;
