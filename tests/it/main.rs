//! One binary for all integration tests, because each one links polars anew.

/// The dataset: what is written comes back, once, whole, and the same from any order.
mod dataset;
