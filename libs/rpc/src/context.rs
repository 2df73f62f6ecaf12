//! What a handler knows about the call it serves.

use std::sync::Arc;

use kernel::{ApiKeyId, Fault, PrincipalId, Result, Secret, TenantId, Timestamp, common};
use proto::{Caller, Role, Rule};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use uuid::Uuid;

use crate::metric::InFlight;

/// On whose behalf the call is made, proven by a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub tenant: TenantId,
    pub user: PrincipalId,
    pub roles: Vec<Role>,
    /// Set when the credential was an API key.
    pub api_key: Option<ApiKeyId>,
    pub expires: Timestamp,
}

impl Principal {
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The user's resource name.
    pub fn user_name(&self) -> String {
        format!("users/{}", self.user)
    }
}

/// The context of one call: cheap to clone, passed by hand to whatever acts on
/// its behalf.
#[derive(Clone)]
pub struct Cx(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) rule: &'static Rule,
    pub(crate) caller: Caller,
    pub(crate) principal: Option<Principal>,
    pub(crate) token: Option<Secret<String>>,
    pub(crate) request_id: String,
    pub(crate) trace_id: String,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    /// Held until the last clone is gone, so that a stream counts as a call in
    /// flight for as long as it runs.
    pub(crate) _place: Option<(OwnedSemaphorePermit, InFlight)>,
}

impl Cx {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }

    /// The RPC, `/package.Service/Method`.
    pub fn method(&self) -> &'static str {
        self.0.rule.path
    }

    pub fn rule(&self) -> &'static Rule {
        self.0.rule
    }

    /// Which part of the mesh makes the call.
    pub fn caller(&self) -> Caller {
        self.0.caller
    }

    /// The user; a fault for calls that services make for themselves.
    pub fn principal(&self) -> Result<&Principal> {
        self.0.principal.as_ref().ok_or_else(|| Fault::new(&common::CREDENTIAL_MISSING))
    }

    pub fn maybe_principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// The user's tenant, or the mesh's own for calls without a user.
    pub fn tenant(&self) -> TenantId {
        self.0.principal.as_ref().map_or(TenantId::SYSTEM, |principal| principal.tenant)
    }

    /// Who acts, for the audit log.
    pub fn actor(&self) -> String {
        match &self.0.principal {
            Some(Principal { api_key: Some(key), .. }) => format!("apiKeys/{key}"),
            Some(principal) => principal.user_name(),
            None if self.0.caller == Caller::Edge => "anonymous".to_owned(),
            None => format!("services/{}", self.0.caller.name()),
        }
    }

    /// Correlates everything that belongs to one request from outside.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// W3C trace id, 32 hex digits; empty without a trace.
    pub fn trace_id(&self) -> &str {
        &self.0.trace_id
    }

    pub fn deadline(&self) -> Instant {
        self.0.deadline
    }

    /// A context for tests: a user of a tenant, coming from the edge.
    pub fn for_test(method: &str, principal: Option<Principal>) -> Option<Self> {
        Self::for_test_by(Caller::Edge, method, principal)
    }

    /// The same, coming from another part of the mesh.
    pub fn for_test_by(caller: Caller, method: &str, principal: Option<Principal>) -> Option<Self> {
        Some(Self::new(Parts {
            rule: proto::rule(method)?,
            caller,
            principal,
            token: None,
            request_id: Uuid::now_v7().to_string(),
            trace_id: String::new(),
            started: Instant::now(),
            deadline: Instant::now() + std::time::Duration::from_secs(30),
            _place: None,
        }))
    }
}
