//! The `[service]` section.

use config::Validate;
use serde::Deserialize;

/// Nothing to set yet; the section may be left out.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct AnonymizerSettings {}

impl Validate for AnonymizerSettings {}
