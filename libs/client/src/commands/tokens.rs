//! `tokens`.

use proto::anonymizer::v1::{EraseTokensRequest, OpenTokensRequest};
use serde_json::json;

use super::Result;
use crate::session::EdgeArguments;

#[derive(clap::Args)]
pub struct Tokens {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show what tokens stand for: for administrators and restorers, and recorded.
    Open {
        /// As they stand in a text: [tok1:PERSON:…].
        #[arg(required = true)]
        tokens: Vec<String>,
    },
    /// Forget all that is kept of a subject, for good.
    Erase {
        /// As it was given to `anonymize`.
        #[arg(long, value_name = "WHO")]
        subject: String,
    },
}

impl Tokens {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        match self.action {
            Action::Open { tokens } => {
                let request = OpenTokensRequest { tokens };
                let answer = session.edge.tokens().open_tokens(request).await?.into_inner();
                let rows: Vec<_> = answer
                    .tokens
                    .iter()
                    .map(|token| {
                        let value = token.opened.then_some(&token.value);
                        json!({ "token": token.token, "opened": token.opened, "value": value })
                    })
                    .collect();
                session.out.list(&rows, &["token", "opened", "value"]);
            }
            Action::Erase { subject } => {
                let request = EraseTokensRequest { subject };
                let answer = session.edge.tokens().erase_tokens(request).await?.into_inner();
                session.out.object(&json!({ "erased": answer.erased }));
            }
        }
        Ok(())
    }
}
