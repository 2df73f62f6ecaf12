//! Names of keys, and the names that belong to services.

use std::fmt;
use std::str::FromStr;

use crypto::KeyUse;
use kernel::KeyId;
use proto::Caller;

/// The id in `keys/{id}`: 3 to 63 characters of `a-z0-9-`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// For a key whose maker chose none.
    pub fn unchosen() -> Self {
        Self(KeyId::new().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `keys/{id}`.
    pub fn resource(&self) -> String {
        format!("keys/{}", self.0)
    }

    /// Whose own key it is, and for what.
    pub fn of_service(&self) -> Option<(KeyHolder, KeyUse)> {
        KeyHolder::ALL.into_iter().find_map(|holder| {
            [KeyUse::Seal, KeyUse::Sign]
                .into_iter()
                .find(|key_use| holder.key(*key_use) == *self)
                .map(|key_use| (holder, key_use))
        })
    }

    /// Names that tenants cannot give, now or when a service gets more keys.
    pub fn is_reserved(&self) -> bool {
        KeyHolder::ALL.into_iter().any(|holder| {
            self.0.strip_prefix(holder.name()).is_some_and(|rest| rest.starts_with('-'))
        })
    }
}

#[derive(Debug)]
pub struct NotAName;

impl FromStr for KeyName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (3..=63).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAName)
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A service that has keys of its own in every tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHolder {
    Response,
    /// This service: it signs certificates.
    Envelope,
}

impl KeyHolder {
    const ALL: [Self; 2] = [Self::Response, Self::Envelope];

    pub fn of(caller: Caller) -> Option<Self> {
        Self::ALL.into_iter().find(|holder| holder.name() == caller.name())
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|holder| holder.name() == name)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Envelope => "envelope",
        }
    }

    pub fn key(self, key_use: KeyUse) -> KeyName {
        let suffix = match key_use {
            KeyUse::Seal => "seal",
            KeyUse::Sign => "sign",
        };
        KeyName(format!("{}-{suffix}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_strict() {
        for good in ["abc", "a-1", &"x".repeat(63), KeyName::unchosen().as_str()] {
            assert!(good.parse::<KeyName>().is_ok(), "{good}");
        }
        for bad in ["", "ab", "Abc", "a_b", "äää", "a/b", &"x".repeat(64)] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn services_names_are_theirs() {
        let name = |text: &str| text.parse::<KeyName>().unwrap();
        assert_eq!(name("response-seal").of_service(), Some((KeyHolder::Response, KeyUse::Seal)));
        assert_eq!(name("response-sign").of_service(), Some((KeyHolder::Response, KeyUse::Sign)));
        assert!(name("response-other").of_service().is_none());
        assert!(name("response-other").is_reserved());
        assert!(!name("responses").is_reserved());
        assert_eq!(KeyHolder::of(Caller::Response), Some(KeyHolder::Response));
        assert_eq!(KeyHolder::of(Caller::Edge), None);
    }
}
