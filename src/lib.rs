//! Finds, over the exported sign-in logs of many Microsoft Entra tenants, where Conditional
//! Access blocks a service provider: by which policy, why it applied and what it required.

// The vocabulary: no I/O, no vendor field names.
pub mod error_code;
pub mod policy;
pub mod sign_in;
pub mod tenant;
pub mod time;

// Pure judgement on one sign-in.
pub mod attribution;
pub mod relation;

// Right of the dataset: what the rows say, and how it is told.
pub mod report;
pub mod summary;
