//! After the tour: what can be done next.

use std::path::PathBuf;

use kernel::Secret;

use super::screen::Screen;
use super::{Tour, TourSettings};
use client::commands::account;
use console::private_file::{read as read_private, write as write_private};
use console::problem::Result;

fn key_file(settings: &TourSettings) -> PathBuf {
    settings.data.join("api-key")
}

impl Tour<'_> {
    /// An API key for the lines below, made once and kept in the data directory.
    pub(super) async fn api_key(&mut self) -> Result<()> {
        let path = key_file(self.settings);
        if let Some(known) = read_private(&path)? {
            let known = Secret::new(String::from_utf8_lossy(&known).into_owned());
            let edge = self.session.edge.clone().with_credential(&known)?;
            let request = proto::auth::v1::WhoAmIRequest {};
            if edge.auth().who_am_i(request).await.is_ok() {
                return Ok(());
            }
        }
        let name = "signet tour".to_owned();
        let (_, secret) = account::create_api_key(&self.session, name, None).await?;
        write_private(&path, secret.expose().as_bytes())
    }
}

/// Says it.
pub(super) fn tell(screen: &Screen, settings: &TourSettings) {
    let TourSettings { url, http_url, ca, data, .. } = settings;
    let key = key_file(settings).display().to_string();
    screen.heading("What to do next");
    screen.note("REST", format_args!("{http_url}/v1/… and {url}/v1/… (proto/ has the paths)"));
    screen.note("gRPC", format_args!("{url}, with the certificate authority {}", ca.display()));
    screen.note("OpenAI", format_args!("{http_url}/v1, any of their SDKs, with the key in {key}"));
    screen.note("command line", "signet whoami, signet respond --stream FILE, signet --help");
    screen.heading("curl");
    screen.paste(format_args!("curl {http_url}/v1/chat/completions \\"));
    screen.paste(format_args!("  -H \"authorization: Bearer $(cat {key})\" \\"));
    screen.paste("  -H 'content-type: application/json' \\");
    screen.paste(
        "  -d '{\"model\":\"echo\",\"messages\":[{\"role\":\"user\",\"content\":\"Write to Eleanor Hartmann.\"}]}'",
    );
    screen.heading("Python (pip install openai)");
    screen.paste(format_args!("import openai, pathlib; key = pathlib.Path({key:?}).read_text()"));
    screen.paste(format_args!("client = openai.OpenAI(base_url=\"{http_url}/v1\", api_key=key)"));
    screen.paste("ask = [{\"role\": \"user\", \"content\": \"Write to Eleanor Hartmann.\"}]");
    screen.paste("print(client.chat.completions.create(model=\"echo\", messages=ask))");
    screen.heading("Good to know");
    screen.note(
        "data",
        format_args!("{}: databases, blobs, keys, log, certificates", data.display()),
    );
    screen.note(
        "provider",
        "OPENAI_BASE_URL=https://api.openai.com/v1 OPENAI_API_KEY=… OPENAI_MODEL=… make run",
    );
    screen.note("stop", "Ctrl-C; started again, it finds its data");
}
