//! The first tenant and its administrator, so that somebody can log in.

use std::sync::Arc;

use kernel::{PrincipalId, Result, Secret, SharedClock, TenantId};

use super::ports::{Accounts, Passwords};
use crate::domain::{Email, Roles, ShortName, User, check_password};

pub struct Bootstrap {
    pub accounts: Arc<dyn Accounts>,
    pub passwords: Arc<dyn Passwords>,
    pub clock: SharedClock,
}

impl Bootstrap {
    /// Does nothing if the user is there: its password stays what it is. The
    /// password is asked for only if it is needed.
    pub async fn run(
        &self,
        tenant: &ShortName,
        email: Email,
        password: impl FnOnce() -> Result<Secret<String>>,
    ) -> Result<()> {
        if self.accounts.look_up(tenant, &email).await?.user.is_some() {
            return Ok(());
        }
        let password = password()?;
        check_password("service.bootstrap.password_file", password.expose(), email.as_str())?;
        let hash = self.passwords.hash(password).await?;
        let user = User {
            id: PrincipalId::new(),
            // A new tenant's id; if it is there already, its own is taken.
            tenant: TenantId::new(),
            email,
            roles: Roles::admin(),
            created: self.clock.now(),
        };
        if self.accounts.bootstrap(tenant, &user, &hash).await? {
            tracing::info!(tenant = tenant.as_str(), "first administrator created");
        }
        Ok(())
    }
}
