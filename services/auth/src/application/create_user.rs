//! A new user of the caller's tenant.

use std::sync::Arc;

use events::Draft;
use kernel::{Fault, PrincipalId, Result, Secret, SharedClock};
use reasons::auth::ROLE_ESCALATION;
use rpc::Cx;

use super::ports::{Accounts, Once, Passwords};
use crate::domain::{Email, Roles, User, check_password, may_give};

#[derive(Clone)]
pub struct CreateUser {
    pub accounts: Arc<dyn Accounts>,
    pub passwords: Arc<dyn Passwords>,
    pub clock: SharedClock,
}

impl CreateUser {
    pub async fn run(
        &self,
        cx: &Cx,
        email: Email,
        roles: Roles,
        password: Secret<String>,
        once: Option<Once>,
    ) -> Result<User> {
        let giver = cx.principal()?;
        if !roles.as_slice().iter().all(|role| may_give(&giver.roles, *role)) {
            return Err(Fault::new(&ROLE_ESCALATION));
        }
        check_password("password", password.expose(), email.as_str())?;
        let hash = self.passwords.hash(password).await?;
        let created = self.clock.now();
        let user = User { id: PrincipalId::new(), tenant: cx.tenant(), email, roles, created };
        let event = Draft::new(cx, "dev.signet.auth.user.created", format!("users/{}", user.id))
            .with("roles", &user.roles);
        self.accounts.create_user(&user, &hash, once.as_ref(), event).await
    }
}
