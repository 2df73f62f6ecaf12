//! Encryption at rest: data keys, the rotation of the KEK, certificates.

pub mod certificates;
pub mod data_keys;
pub mod kek_keeper;
pub mod kek_ports;
pub mod kek_rewraps;
pub mod kek_rotations;
mod kek_statement;
