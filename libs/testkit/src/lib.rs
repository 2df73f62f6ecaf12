//! Real servers for tests, each private to a test or test process.
//!
//! A server that cannot be found or does not start is an error that says what
//! to run (`make venv`, `make tools`): tests unwrap it, and nothing is skipped
//! in silence. Servers end with the value that stands for them, and with the
//! test process, however that ends.

mod envoy;
mod error;
mod find;
pub mod http;
mod jaeger;
mod llmock;
mod moto;
mod net;
mod postgres;
mod process;
mod proxy;
mod stored_vault;
mod valkey;
pub mod vault;

pub use envoy::{Envoy, envoy};
pub use error::{Error, Result};
pub use find::{cached_tool, python_program, venv};
pub use jaeger::{Jaeger, jaeger};
pub use llmock::{ModelProvider, model_provider};
pub use moto::{Moto, moto};
pub use net::free_port;
pub use postgres::{Database, POSTGRES_VARIABLE, Postgres, postgres};
pub use process::{Launch, Server};
pub use proxy::Proxy;
pub use stored_vault::{StoredVault, stored_vault, vault_pair};
pub use valkey::{Valkey, valkey};
