//! The policies that come with Signet.

use pii::EntityInfo;

use super::read::{self, Unknown};
use super::{Policy, PolicyError};

/// Names and documents.
pub const READY: &[(&str, &str)] = &[
    ("gdpr", include_str!("../../policies/gdpr.toml")),
    ("hipaa-safe-harbor", include_str!("../../policies/hipaa-safe-harbor.toml")),
    ("ccpa", include_str!("../../policies/ccpa.toml")),
    ("pci-dss", include_str!("../../policies/pci-dss.toml")),
];

pub(super) fn policy(name: &str, types: &[EntityInfo]) -> Result<Policy, PolicyError> {
    let document = READY.iter().find(|(known, _)| *known == name).map(|(_, document)| document);
    read::policy(document.ok_or(PolicyError::UnknownPolicy)?, types, Unknown::Skipped)
}
