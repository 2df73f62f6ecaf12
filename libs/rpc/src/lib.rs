//! How the services speak: what every call in passes through ([`Guard`]), what
//! a handler gets ([`Cx`]), and how it calls others ([`Peers`]).

mod budget;
mod client;
mod context;
mod grpc_timeout;
mod guard;
mod handle;
mod identity;
mod inbound;
mod metric;
pub mod parse;
mod server;
mod status;
pub mod token;
mod trace;
mod xfcc;

pub use client::{PeerChannel, Peers};
pub use context::{Cx, Principal};
pub use guard::{Guard, GuardSettings};
pub use handle::{ResponseStream, duplex, stream, unary};
pub use identity::peer_of;
pub use inbound::Inbound;
pub use server::{LONGEST_SOCKET_PATH, bind, serve};
pub use status::{fault_of, status_of};
