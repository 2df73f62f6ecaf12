//! Step 1: a user logs in; the client makes its own keys and registers the
//! public halves.

use super::{Tour, timed};
use client::commands::account::{self, Credentials};
use client::commands::keys;
use console::problem::Result;

impl Tour<'_> {
    pub(super) async fn log_in(&mut self) -> Result<()> {
        self.screen.step("A user logs in; the client makes its own keys");
        let credentials = Credentials::read(&self.settings.admin)?;
        let (who, took) = timed(account::log_in(&mut self.session, &credentials)).await?;
        let Credentials { tenant, email, .. } = &credentials;
        let what =
            format!("checked the password of {email}, tenant {tenant}; a token for 15 minutes");
        self.screen.act("auth", what, took);
        let ([signing, sealing], took) = timed(keys::register_own(&mut self.session)).await?;
        let folder = self.shown(self.session.profile.folder());
        let made = if signing.1 || sealing.1 { "made" } else { "found, from before," };
        let what = format!(
            "{made} an Ed25519 key that signs and an X25519 key that opens answers; the private \
             halves stay in {folder}, mode 0600"
        );
        self.screen.note("client", what);
        let (signing_name, sealing_name) = (&signing.0.name, &sealing.0.name);
        let registered = if signing.1 { "registered, with a proof of possession" } else { "knows" };
        let what = format!("{registered}: {signing_name} (signs)");
        self.screen.act("envelope", what, took);
        let registered = if sealing.1 { "registered" } else { "knows" };
        self.screen.note("", format_args!("{registered}: {sealing_name} (opens)"));
        self.screen.note(
            "who saw what",
            "edge and auth: the password, inside TLS. At rest: an Argon2id hash. The mesh has the \
             public halves of the two keys and never had the private ones.",
        );
        let own = [self.session.profile.signing_key()?.0, self.session.profile.sealing_key()?.0];
        let same = [&signing.0, &sealing.0].iter().zip(&own).all(|(key, own)| {
            key.registered && key.versions.iter().any(|version| version.thumbprint == own.kid())
        });
        self.screen.check("the mesh has registered exactly these two public keys", same);
        let is_admin = who.roles.iter().any(|role| role == "admin");
        self.screen.check("the token is an administrator's of this tenant", is_admin);
        Ok(())
    }
}
