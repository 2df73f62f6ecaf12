//! `types`.

use proto::anonymizer::v1::{ListInfoTypesRequest, Regulation};
use serde_json::json;

use super::Result;
use crate::session::EdgeArguments;

#[derive(Clone, Copy, clap::ValueEnum)]
enum Law {
    Hipaa,
    Gdpr,
    Ccpa,
    PciDss,
}

#[derive(clap::Args)]
pub struct Types {
    /// Only finer types of this one.
    #[arg(long, value_name = "TYPE", default_value = "", hide_default_value = true)]
    parent: String,
    /// Only one category: contact, health, bank, ….
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    category: String,
    /// Only what a regulation has a name for.
    #[arg(long, value_name = "LAW", value_enum)]
    regulation: Option<Law>,
    /// Only what is found in this language, or in any: en, de, ….
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    language: String,
    /// Only what this country gives out: US, GB, ….
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    country: String,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Types {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        let regulation = match self.regulation {
            None => Regulation::Unspecified,
            Some(Law::Hipaa) => Regulation::Hipaa,
            Some(Law::Gdpr) => Regulation::Gdpr,
            Some(Law::Ccpa) => Regulation::Ccpa,
            Some(Law::PciDss) => Regulation::PciDss,
        };
        let request = ListInfoTypesRequest {
            page_size: 1_000,
            page_token: String::new(),
            parent: self.parent,
            category: self.category,
            regulation: regulation.into(),
            language: self.language,
            country: self.country,
        };
        let page = session.edge.types().list_info_types(request).await?.into_inner();
        let rows: Vec<_> = page
            .info_types
            .iter()
            .map(|info| {
                let short =
                    |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase();
                let operators: Vec<_> =
                    info.operators().map(|known| short(known.as_str_name(), "OPERATOR_")).collect();
                let laws: Vec<_> = info
                    .regulations
                    .iter()
                    .map(|known| short(known.regulation().as_str_name(), "REGULATION_"))
                    .collect();
                json!({
                    "name": info.name,
                    "parent": info.parent,
                    "category": info.category,
                    "country": info.country,
                    "languages": info.languages,
                    "regulations": laws,
                    "operators": operators,
                    "description": info.description,
                })
            })
            .collect();
        session
            .out
            .list(&rows, &["name", "parent", "category", "country", "regulations", "description"]);
        Ok(())
    }
}
