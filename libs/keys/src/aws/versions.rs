//! A tenant's versions: which KMS key is which, making and ending them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::{Fault, Result, SharedClock, TenantId};

use super::calls::{Described, Done, Metadata, Request};
use super::client::Client;
use super::error::AwsError;
use super::settings::{AwsSettings, TENANT};
use crate::kms::{KekState, KekVersion};
use crate::reasons;

/// Of a key that lost a race for its alias, and has never wrapped anything.
const SOON: u8 = 7;

/// The KMS keys of all tenants.
pub(super) struct Keys {
    pub(super) client: Client,
    settings: AwsSettings,
    /// ARNs never come to mean another version.
    known: Mutex<HashMap<(TenantId, u32), String>>,
    /// One change at a time; other processes are kept out by the aliases.
    changing: tokio::sync::Mutex<()>,
}

impl Keys {
    pub(super) fn new(settings: &AwsSettings, clock: SharedClock) -> Result<Self> {
        Ok(Self {
            client: Client::new(settings, clock)?,
            settings: settings.clone(),
            known: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// What to wrap with: the alias that always names the newest version, or
    /// the key that the settings name.
    pub(super) fn newest_id(&self, tenant: TenantId) -> String {
        match self.settings.keys.get(&tenant) {
            Some(given) => given.clone(),
            None => format!("alias/{}", self.settings.alias.replace(TENANT, &tenant.to_string())),
        }
    }

    fn alias(&self, tenant: TenantId, version: u32) -> String {
        format!("{}/{version}", self.newest_id(tenant))
    }

    fn is_given(&self, tenant: TenantId) -> bool {
        self.settings.keys.contains_key(&tenant)
    }

    pub(super) async fn describe(&self, id: String) -> Result<Option<Metadata>, AwsError> {
        match self.client.call::<Described>("DescribeKey", &Request::key(id)).await {
            Ok(described) => Ok(Some(described.key_metadata)),
            Err(AwsError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The ARN of a version that can be used; `None` if there is none (any more).
    pub(super) async fn find(
        &self,
        tenant: TenantId,
        version: u32,
    ) -> Result<Option<String>, AwsError> {
        if let Some(arn) = self.known().get(&(tenant, version)) {
            return Ok(Some(arn.clone()));
        }
        let id = match self.is_given(tenant) {
            true if version == 1 => self.newest_id(tenant),
            true => return Ok(None),
            false => self.alias(tenant, version),
        };
        let Some(key) = self.describe(id).await?.filter(Metadata::is_usable) else {
            return Ok(None);
        };
        self.known().insert((tenant, version), key.arn.clone());
        Ok(Some(key.arn))
    }

    /// Which version of the tenant a key is that has just wrapped for it.
    pub(super) async fn number(&self, tenant: TenantId, arn: &str) -> Result<u32, AwsError> {
        let known = self
            .known()
            .iter()
            .find_map(|((of, version), known)| (*of == tenant && known == arn).then_some(*version));
        if let Some(version) = known {
            return Ok(version);
        }
        if self.is_given(tenant) {
            self.known().insert((tenant, 1), arn.to_owned());
            return Ok(1);
        }
        let key = self.describe(arn.to_owned()).await?.ok_or(AwsError::NotFound)?;
        self.number_of(tenant, &key).await
    }

    /// The description says it; the version's own alias, which nobody can have
    /// twice, must agree.
    async fn number_of(&self, tenant: TenantId, key: &Metadata) -> Result<u32, AwsError> {
        let mismatch = || AwsError::Mismatch(key.arn.clone());
        let number = key
            .description
            .strip_prefix(&description(tenant, ""))
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > 0)
            .ok_or_else(mismatch)?;
        let named = self.describe(self.alias(tenant, number)).await?.ok_or_else(mismatch)?;
        if named.arn != key.arn {
            return Err(mismatch());
        }
        self.known().insert((tenant, number), key.arn.clone());
        Ok(number)
    }

    /// The newest version's number, if the tenant has a KEK. A pointer that a
    /// crash has left behind is brought forward.
    async fn newest(&self, tenant: TenantId) -> Result<Option<u32>, AwsError> {
        let Some(pointed) = self.describe(self.newest_id(tenant)).await? else {
            return Ok(None);
        };
        if self.is_given(tenant) {
            return Ok(Some(1));
        }
        let at = self.number_of(tenant, &pointed).await?;
        let mut newest = at;
        let mut last = pointed;
        while let Some(next) = self.describe(self.alias(tenant, newest + 1)).await? {
            newest += 1;
            last = next;
        }
        if newest > at {
            self.point(tenant, &last.key_id).await?;
        }
        Ok(Some(newest))
    }

    /// Makes sure that the tenant has a KEK.
    pub(super) async fn ensure(&self, tenant: TenantId) -> Result<(), AwsError> {
        let _changing = self.changing.lock().await;
        self.ensure_alone(tenant).await.map(drop)
    }

    async fn ensure_alone(&self, tenant: TenantId) -> Result<u32, AwsError> {
        match self.newest(tenant).await? {
            Some(newest) => Ok(newest),
            None if self.is_given(tenant) => Err(AwsError::NotFound),
            None => {
                self.make(tenant, 1).await?;
                Ok(self.newest(tenant).await?.ok_or(AwsError::NotFound)?)
            }
        }
    }

    pub(super) async fn rotate(&self, tenant: TenantId) -> Result<u32> {
        if self.is_given(tenant) {
            return Err(unsupported("rotated"));
        }
        let _changing = self.changing.lock().await;
        let version = self.ensure_alone(tenant).await? + 1;
        self.make(tenant, version).await?;
        Ok(version)
    }

    /// A key, its alias, and the pointer to it, in this order: cut short
    /// anywhere, the next call goes on (and an unused key may be left over).
    async fn make(&self, tenant: TenantId, version: u32) -> Result<(), AwsError> {
        let alias = self.alias(tenant, version);
        let key = match self.describe(alias.clone()).await? {
            Some(key) => key.key_id,
            None => {
                let description = Some(description(tenant, &version.to_string()));
                let create = Request { description, ..Request::default() };
                let made: Described = self.client.call("CreateKey", &create).await?;
                let key = made.key_metadata.key_id;
                match self.name("CreateAlias", &alias, &key).await {
                    Ok(()) => key,
                    Err(AwsError::Exists) => {
                        self.end(&key, SOON).await?;
                        self.describe(alias).await?.ok_or(AwsError::NotFound)?.key_id
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        self.point(tenant, &key).await
    }

    async fn point(&self, tenant: TenantId, key: &str) -> Result<(), AwsError> {
        let alias = self.newest_id(tenant);
        match self.name("UpdateAlias", &alias, key).await {
            Err(AwsError::NotFound) => match self.name("CreateAlias", &alias, key).await {
                // Another process was faster: it points to this version or a later one.
                Err(AwsError::Exists) => Ok(()),
                done => done,
            },
            done => done,
        }
    }

    async fn name(&self, how: &'static str, alias: &str, key: &str) -> Result<(), AwsError> {
        let request = Request {
            alias_name: Some(alias.to_owned()),
            target_key_id: Some(key.to_owned()),
            ..Request::default()
        };
        self.client.call::<Done>(how, &request).await.map(drop)
    }

    async fn end(&self, key: &str, days: u8) -> Result<(), AwsError> {
        let request = Request { pending_window_in_days: Some(days), ..Request::key(key) };
        self.client.call::<Done>("ScheduleKeyDeletion", &request).await.map(drop)
    }

    /// From the newest down to where AWS has deleted the keys and their aliases.
    async fn all(&self, tenant: TenantId) -> Result<Vec<(u32, Metadata)>, AwsError> {
        let Some(newest) = self.newest(tenant).await? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for number in (1..=newest).rev() {
            let id = match self.is_given(tenant) {
                true => self.newest_id(tenant),
                false => self.alias(tenant, number),
            };
            match self.describe(id).await? {
                Some(key) => found.push((number, key)),
                None => break,
            }
        }
        found.reverse();
        Ok(found)
    }

    pub(super) async fn list(&self, tenant: TenantId) -> Result<Vec<KekVersion>> {
        let found = self.all(tenant).await?;
        let newest = found.last().map(|(number, _)| *number);
        let versions = found.iter().map(|(number, key)| {
            let state = match () {
                () if key.is_ending() => KekState::Destroying,
                () if !key.is_usable() => KekState::Disabled,
                () if Some(*number) == newest => KekState::Primary,
                () => KekState::UnwrapOnly,
            };
            Ok(KekVersion { number: *number, state, created: key.created()? })
        });
        versions.collect()
    }

    /// The lowest first, so that what is gone is always all below some version.
    pub(super) async fn destroy_below(&self, tenant: TenantId, version: u32) -> Result<()> {
        let _changing = self.changing.lock().await;
        let found = self.all(tenant).await?;
        let Some(newest) = found.last().map(|(number, _)| *number).filter(|it| version <= *it)
        else {
            return Err(Fault::new(&reasons::KEK_VERSION_NOT_DESTROYABLE)
                .with_note("AWS KMS has no such version of this tenant's KEK"));
        };
        if self.is_given(tenant) {
            return if version <= newest.min(1) { Ok(()) } else { Err(unsupported("destroyed")) };
        }
        for (number, key) in found.iter().filter(|(number, _)| *number < version) {
            self.known().remove(&(tenant, *number));
            if !key.is_ending() {
                self.end(&key.key_id, self.settings.deletion_waiting_days).await?;
            }
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(TenantId, u32), String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn description(tenant: TenantId, version: &str) -> String {
    format!("signet: tenant {tenant}, KEK version {version}")
}

fn unsupported(what: &str) -> Fault {
    Fault::new(&reasons::KMS_OPERATION_UNSUPPORTED)
        .with_note(format!("this tenant's key is given by the settings: it is {what} by its owner"))
}
