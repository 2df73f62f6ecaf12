//! The access matrix, generated from the `access` option of every RPC.

pub use crate::options::v1::{Caller, Principal, Role};

/// Who may make one RPC.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// `/signet.auth.v1.AuthService/LogIn`
    pub path: &'static str,
    /// The service that serves it: `auth`.
    pub service: &'static str,
    pub callers: &'static [Caller],
    pub principal: Principal,
    pub roles: &'static [Role],
    pub server_streaming: bool,
    pub client_streaming: bool,
}

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// The rule of an RPC. None: there is no such RPC, and nobody may call it.
pub fn rule(path: &str) -> Option<&'static Rule> {
    RULES.binary_search_by_key(&path, |rule| rule.path).ok().map(|index| &RULES[index])
}

impl Caller {
    /// The name in `spiffe://signet.dev/<name>` and in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Edge => "edge",
            Self::Auth => "auth",
            Self::Envelope => "envelope",
            Self::Storage => "storage",
            Self::Anonymizer => "anonymizer",
            Self::Response => "response",
            Self::Audit => "audit",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Edge,
            Self::Auth,
            Self::Envelope,
            Self::Storage,
            Self::Anonymizer,
            Self::Response,
            Self::Audit,
        ]
        .into_iter()
        .find(|caller| caller.name() == name)
    }
}

impl Role {
    /// The name in tokens and resources.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Auditor => "auditor",
            Self::Restorer => "restorer",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Admin, Self::Member, Self::Auditor, Self::Restorer]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

impl Rule {
    /// Whether the edge exposes it.
    pub fn is_public(&self) -> bool {
        self.callers.contains(&Caller::Edge)
    }
}
