//! Tenants, users and what they may do.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp};
use proto::{RULES, Role};

/// A tenant's name that people type.
#[derive(Clone, PartialEq, Eq)]
pub struct ShortName(String);

impl ShortName {
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (3..=40).contains(&text.len()) && text.bytes().all(legal) {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::invalid(field, "must be 3 to 40 characters of a-z0-9-"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address in lower case: personal, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Checks the shape only; whether anybody reads it, no syntax can tell
    /// (RFC 5321 limits the length to 254).
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        let bad = || Fault::invalid(field, "must be an e-mail address of at most 254 bytes");
        if text.len() > 254 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad());
        }
        match text.rsplit_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
                Ok(Self(text.to_lowercase()))
            }
            _ => Err(bad()),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One or more roles, sorted, each once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roles(Vec<Role>);

impl Roles {
    pub fn parse(field: &str, names: &[String]) -> Result<Self> {
        let mut roles = Vec::new();
        for (index, name) in names.iter().take(16).enumerate() {
            roles.push(Role::from_name(name).ok_or_else(|| {
                Fault::invalid(
                    format!("{field}[{index}]"),
                    "must be admin, member, auditor or restorer",
                )
            })?);
        }
        Self::of(roles).ok_or_else(|| Fault::invalid(field, "at least one is required"))
    }

    pub fn admin() -> Self {
        Self(vec![Role::Admin])
    }

    /// None without any.
    pub fn of(mut roles: Vec<Role>) -> Option<Self> {
        roles.sort_unstable();
        roles.dedup();
        (!roles.is_empty()).then_some(Self(roles))
    }

    /// As the database keeps them.
    pub fn from_text(text: &str) -> Option<Self> {
        text.split(',').map(Role::from_name).collect::<Option<Vec<_>>>().and_then(Self::of)
    }

    pub fn as_slice(&self) -> &[Role] {
        &self.0
    }

    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|role| role.name().to_owned()).collect()
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

/// Whether somebody with these roles may give a role to somebody else: only if
/// it opens no RPC that is closed to the giver. Follows the access matrix, so a
/// new RPC for auditors alone would stop administrators from appointing them.
pub fn may_give(giver: &[Role], role: Role) -> bool {
    RULES
        .iter()
        .filter(|rule| rule.roles.contains(&role))
        .all(|rule| rule.roles.iter().any(|allowed| giver.contains(allowed)))
}

#[derive(Clone)]
pub struct User {
    pub id: PrincipalId,
    pub tenant: TenantId,
    pub email: Email,
    pub roles: Roles,
    pub created: Timestamp,
}

/// A digest of tenant and address: what failed log-ins are counted by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Account([u8; 32]);

impl Account {
    pub fn of(tenant: &ShortName, email: &Email) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(b"signet.dev/v1/account\0");
        // The short name has no NUL, so the two cannot be cut differently.
        hash.update(tenant.as_str().as_bytes());
        hash.update(b"\0");
        hash.update(email.as_str().as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(hash.finish().as_ref());
        Self(digest)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_strict() {
        assert!(ShortName::parse("tenant", "acme-2").is_ok());
        for wrong in ["", "ab", "Acme", "a b", "a_b", &"a".repeat(41), "acmé"] {
            let fault = ShortName::parse("tenant", wrong).err().unwrap();
            assert_eq!(fault.violations()[0].field, "tenant", "{wrong:?}");
        }
    }

    #[test]
    fn addresses_are_one_in_any_case() {
        assert_eq!(Email::parse("e", "Ann@Example.ORG").unwrap().as_str(), "ann@example.org");
        let long = format!("{}@example.org", "a".repeat(250));
        for wrong in ["", "ann", "@example.org", "ann@", "a nn@b", "ann@b\n", long.as_str()] {
            assert!(Email::parse("e", wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn roles_are_a_set() {
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let roles = Roles::parse("roles", &names(&["member", "admin", "member"])).unwrap();
        assert_eq!(roles.to_string(), "admin,member");
        assert_eq!(Roles::from_text("admin,member"), Some(roles));
        assert!(Roles::from_text("").is_none() && Roles::from_text("root").is_none());
        let fault = Roles::parse("user.roles", &names(&["admin", "root"])).unwrap_err();
        assert_eq!(fault.violations()[0].field, "user.roles[1]");
        assert_eq!(
            Roles::parse("user.roles", &[]).unwrap_err().violations()[0].field,
            "user.roles"
        );
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        for role in [Role::Admin, Role::Member, Role::Auditor, Role::Restorer] {
            assert!(may_give(&[Role::Admin], role), "{role:?}");
            assert!(may_give(&[role], role), "{role:?}");
            assert!(!may_give(&[], role), "{role:?}");
        }
        assert!(!may_give(&[Role::Member, Role::Auditor], Role::Admin));
        assert!(!may_give(&[Role::Member], Role::Auditor));
        assert!(!may_give(&[Role::Member, Role::Auditor], Role::Restorer));
        assert!(!may_give(&[Role::Auditor], Role::Member));
    }

    #[test]
    fn accounts_differ_by_tenant_and_address() {
        let account = |tenant: &str, email: &str| {
            *Account::of(
                &ShortName::parse("t", tenant).unwrap(),
                &Email::parse("e", email).unwrap(),
            )
            .as_bytes()
            .first_chunk::<32>()
            .unwrap()
        };
        assert_eq!(account("acme", "a@b"), account("acme", "A@B"));
        assert_ne!(account("acme", "a@b"), account("acme2", "a@b"));
        assert_ne!(account("acme", "a@b"), account("acme", "aa@b"));
    }
}
