//! Password in, access token out. Wrong tenant, user and password look the same
//! and take the same time.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use chrono::Duration;
use events::Draft;
use kernel::{Fault, Result, Secret, SharedClock, TenantId, Timestamp, common};
use reasons::auth::TOO_MANY_ATTEMPTS;
use rpc::Cx;

use super::ports::{Accounts, Found, Passwords, Trail};
use super::signing::Signer;
use crate::domain::{ACCESS_TOKEN, Account, Email, ShortName, Subject};

/// Attempts that may fail within the window.
const MOST: i64 = 10;
pub const WINDOW: Duration = Duration::minutes(15);

#[derive(Clone)]
pub struct LogIn {
    pub accounts: Arc<dyn Accounts>,
    pub passwords: Arc<dyn Passwords>,
    pub trail: Arc<dyn Trail>,
    pub signer: Arc<Signer>,
    pub clock: SharedClock,
}

impl LogIn {
    pub async fn run(
        &self,
        cx: &Cx,
        tenant: &ShortName,
        email: &Email,
        password: Secret<String>,
    ) -> Result<(Secret<String>, Timestamp)> {
        // First, so that a correct password is not counted while nobody can sign.
        self.signer.ready().await?;
        let found = self.accounts.look_up(tenant, email).await?;
        let (account, now) = (Account::of(tenant, email), self.clock.now());
        if !self.accounts.claim_attempt(account, now - WINDOW, MOST, now).await? {
            let wait = StdDuration::from_secs(WINDOW.num_seconds().unsigned_abs());
            let fault = Fault::new(&TOO_MANY_ATTEMPTS).with_retry_after(wait);
            return Err(self.refused(cx, &found, fault).await?);
        }
        let hash = found.user.as_ref().map(|user| user.password_hash.clone());
        let matches = self.passwords.verify(password, hash).await?;
        let (Some(tenant), Some(user), true) = (found.tenant, &found.user, matches) else {
            let fault = Fault::new(&common::CREDENTIAL_INVALID);
            return Err(self.refused(cx, &found, fault).await?);
        };
        let now = self.clock.now();
        let subject = Subject { tenant, user: user.id, roles: user.roles.clone(), api_key: None };
        let issued = self.signer.issue(&subject, ACCESS_TOKEN).await?;
        let name = format!("users/{}", user.id);
        let event = Draft::new(cx, "dev.signet.auth.user.logged_in", name.as_str())
            .in_tenant(tenant)
            .by(name);
        self.accounts.clear_attempts(account, event, now).await?;
        metrics::counter!("signet_auth_log_ins_total", "outcome" => "success").increment(1);
        Ok(issued)
    }

    /// Records the refusal, then gives it back. The event names the user only if
    /// there is one, and never what was typed.
    async fn refused(&self, cx: &Cx, found: &Found, fault: Fault) -> Result<Fault> {
        metrics::counter!("signet_auth_log_ins_total", "outcome" => fault.reason().code)
            .increment(1);
        let user =
            found.user.as_ref().map_or_else(String::new, |user| format!("users/{}", user.id));
        let event = Draft::new(cx, "dev.signet.auth.user.log_in_refused", user)
            .in_tenant(found.tenant.unwrap_or(TenantId::SYSTEM))
            .denied(fault.reason());
        self.trail.record(event, self.clock.now()).await?;
        Ok(fault)
    }
}
