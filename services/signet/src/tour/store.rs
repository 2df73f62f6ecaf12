//! Step 2: the texts are stored, encrypted at rest. Started again, they are found.

use std::time::Duration;

use proto::common::v1::KeyValue;
use proto::storage::v1::{GetPromptRequest, Prompt};

use super::{Tour, count, disk, grouped, texts, timed, unexpected};
use client::commands::prompts;
use console::problem::Result;

const LABEL: &str = "tour";

/// The stored texts.
pub(super) struct Stored {
    /// `prompts/{uuid}` of the e-mail thread.
    pub(super) thread: String,
}

/// A text to be stored, and under which names.
struct Text {
    label: &'static str,
    display_name: &'static str,
    text: &'static str,
}

const LETTER: Text =
    Text { label: "letter", display_name: "Discharge letter", text: texts::LETTER };
const THREAD: Text = Text { label: "thread", display_name: "E-mail thread", text: texts::THREAD };

impl Tour<'_> {
    pub(super) async fn store(&mut self) -> Result<Stored> {
        self.screen.step("The letter is stored as a prompt, encrypted at rest");
        let known = prompts::all(&self.session).await?;
        let letter = self.keep(&known, LETTER).await?;
        let thread = self.keep(&known, THREAD).await?;
        self.screen.check(
            format_args!("the letter is at revision 1 with its {} bytes", count(LETTER.text.len())),
            letter.revision == 1 && usize::try_from(letter.size_bytes) == Ok(LETTER.text.len()),
        );
        let all = prompts::all(&self.session).await?.len();
        if !known.is_empty() {
            self.screen
                .note("storage", format_args!("{} prompts in all, found from before", count(all)));
        }
        self.look_at_disk()?;
        Ok(Stored { thread: thread.name })
    }

    /// Finds the text by its label, or stores it.
    async fn keep(&mut self, known: &[Prompt], text: Text) -> Result<Prompt> {
        let mark = KeyValue { key: LABEL.to_owned(), value: text.label.to_owned() };
        if let Some(prompt) = known.iter().find(|prompt| prompt.labels.contains(&mark)) {
            let (stored, took) = timed(self.read(&prompt.name)).await?;
            let what = format!(
                "found the {} again and decrypted it: {}",
                text.display_name.to_lowercase(),
                prompt.name
            );
            self.screen.act("storage", what, took);
            let claim = format!("what is read back is the {}, letter by letter", text.label);
            self.screen.check(claim, stored.text == text.text);
            return Ok(stored);
        }
        let prompt = Prompt {
            display_name: text.display_name.to_owned(),
            text: text.text.to_owned(),
            labels: vec![mark],
            ..Prompt::default()
        };
        let (stored, took) = timed(prompts::create(&self.session, prompt)).await?;
        self.tell_stored(&text, &stored, took);
        Ok(stored)
    }

    fn tell_stored(&self, text: &Text, stored: &Prompt, took: Duration) {
        let what = format!(
            "encrypted the {} under a data key of its own, which envelope wrapped: revision {} of {}",
            text.display_name.to_lowercase(),
            stored.revision,
            stored.name
        );
        self.screen.act("storage", what, took);
    }

    async fn read(&self, name: &str) -> Result<Prompt> {
        let request = GetPromptRequest { name: name.to_owned(), revision: 0 };
        let answer = self.session.edge.prompts().get_prompt(request).await?.into_inner();
        answer.prompt.ok_or_else(|| unexpected("no prompt"))
    }

    fn look_at_disk(&mut self) -> Result<()> {
        let values: Vec<_> = texts::IN_LETTER.iter().chain(texts::IN_THREAD).copied().collect();
        // Five digits come up by chance, in the fraction of a second of a log line.
        let digits = |value: &str| value.bytes().all(|byte| byte.is_ascii_digit());
        let telling: Vec<_> = values.into_iter().filter(|value| !digits(value)).collect();
        let look = disk::search(&self.settings.data, &telling)?;
        if let Some(blob) = &look.newest_blob {
            let name = blob.file_name().unwrap_or_default().to_string_lossy();
            let folder = self.settings.data.join("storage/blobs").display().to_string();
            let short: String = name.chars().take(12).collect();
            let bytes = disk::beginning(blob, 16)?;
            self.screen.note("on disk", format_args!("{folder}/…/{short}… begins {bytes}"));
        }
        self.screen.note(
            "who saw what",
            "edge and storage: the text, in memory. Envelope: a data key, no text. Disk: ciphertext.",
        );
        for (path, value) in &look.found {
            self.screen.note("", format_args!("{value:?} is in {}", self.shown(path)));
        }
        let claim = format!(
            "none of {} names, addresses, numbers is in any of the {} files ({} KiB) in {}",
            count(telling.len()),
            count(look.files),
            grouped(look.bytes / 1024),
            self.settings.data.display()
        );
        self.screen.check(claim, look.found.is_empty() && look.newest_blob.is_some());
        Ok(())
    }
}
