//! `detect`: by the mesh, or here (`libs/scan`) without a mesh, a profile or the network.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ColorChoice;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use documents::Format;
use pii::{Engine, EntityType, Finding, Options};
use proto::anonymizer::v1::{self, DetectRequest, DetectionOptions};
use scan::html::Report;
use scan::jsonl::{self, Settings};
use scan::offsets::Unit;

use super::{Problem, Result};
use crate::session::EdgeArguments;
use crate::transfer::Input;
use console::progress::Progress;
use console::terminal::say;

#[derive(clap::Args)]
pub(super) struct Detection {
    /// Only this type of personal data, once for each.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Leave out findings below this score, 0 to 1.
    #[arg(long, value_name = "SCORE", default_value_t = 0.0, hide_default_value = true)]
    min_score: f64,
    /// A text that is never a finding, once for each.
    #[arg(long = "allow", value_name = "TEXT")]
    allow_list: Vec<String>,
}

impl From<Detection> for DetectionOptions {
    fn from(detection: Detection) -> Self {
        let Detection { types, min_score, allow_list } = detection;
        Self { types, min_score, allow_list, ..Self::default() }
    }
}

impl Detection {
    /// The same for the engine itself.
    fn here(self, engine: &Engine) -> Result<Options> {
        scan::choice::options(engine, &self.types, self.min_score, self.allow_list)
            .map_err(Problem::new)
    }
}

#[derive(clap::Args)]
pub struct Detect {
    /// The text, or with --jsonl the lines; - is standard input.
    file: PathBuf,
    /// Search here: no mesh, no profile, no network.
    #[arg(long)]
    local: bool,
    /// For tools, searched here: FILE has lines {"id","text","language"?}; answer each, in
    /// order, with a line {"id","spans":[{"type","start","end","score"}]}. The first line
    /// that is wrong ends it: all before it are answered, none from it on.
    #[arg(long, conflicts_with = "html")]
    jsonl: bool,
    /// Write a report for a browser, searched here: counts by type, the text with its findings
    /// marked. It holds the text.
    #[arg(long, value_name = "OUT")]
    html: Option<PathBuf>,
    /// What FILE is, searched here: values with their keys, cells with their headers and
    /// columns. With --local and --html its name tells.
    #[arg(long, value_name = "FORMAT", value_parser = format(), conflicts_with = "jsonl")]
    format: Option<Format>,
    /// What the offsets count: bytes of UTF-8, code points as Python does, or UTF-16 units as
    /// JavaScript does; default: bytes, with --jsonl code-points.
    #[arg(long, value_name = "UNIT", value_parser = unit())]
    offsets: Option<Unit>,
    /// Threads that search, with --jsonl.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 2,
        requires = "jsonl",
        value_parser = clap::value_parser!(u8).range(1..=64)
    )]
    threads: u8,
    /// Show the text with its findings in colours; auto: on a terminal, unless NO_COLOR is set.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    #[command(flatten)]
    detection: Detection,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Detect {
    pub async fn run(self) -> Result<()> {
        if self.jsonl {
            return self.lines();
        }
        let text = super::read_text(&self.file)?;
        let here = self.local || self.html.is_some() || self.format.is_some();
        let format = self.format.unwrap_or_else(|| Format::of_file(&self.file.to_string_lossy()));
        let findings = if here {
            let engine = engine()?;
            documents::detect(&engine, &self.detection.here(&engine)?, format, &text)
                .map_err(|malformed| Problem::file(&self.file, malformed))?
        } else {
            by_mesh(&text, self.detection.into(), &self.edge).await?
        };
        if let Some(target) = &self.html {
            return report(target, &self.file, &text, &findings);
        }
        let out = self.edge.output();
        let colours = !out.json && coloured(self.color);
        let unit = self.offsets.unwrap_or(Unit::Bytes);
        if colours {
            say(scan::view::marked(&text, &findings));
            say("");
        }
        out.list(
            &scan::choice::rows(&text, &findings, unit),
            &["type", "start", "end", "score", "text"],
        );
        Ok(())
    }

    fn lines(self) -> Result<()> {
        let engine = engine()?;
        let settings = Settings {
            options: self.detection.here(&engine)?,
            unit: self.offsets.unwrap_or(Unit::CodePoints),
            threads: self.threads.into(),
        };
        let input = Input::open(&self.file)?;
        let progress = Progress::bytes("Searching", input.length());
        jsonl::detect(&engine, &settings, input, &mut io::stdout(), &mut |bytes| {
            progress.add(bytes)
        })
        .map_err(|error| Problem::file(&self.file, error))
    }
}

fn format() -> impl TypedValueParser<Value = Format> {
    let named = |name: String| Format::ALL.into_iter().find(|(_, known)| *known == name);
    PossibleValuesParser::new(Format::ALL.map(|(_, name)| name))
        .try_map(move |name| named(name).map(|(format, _)| format).ok_or("no such format"))
}

fn unit() -> impl TypedValueParser<Value = Unit> {
    PossibleValuesParser::new(Unit::ALL.map(Unit::name)).try_map(|name| name.parse::<Unit>())
}

fn engine() -> Result<Arc<Engine>> {
    Engine::standard().map_err(Problem::new)
}

async fn by_mesh(
    text: &str,
    options: DetectionOptions,
    edge: &EdgeArguments,
) -> Result<Vec<Finding>> {
    let session = edge.session().await?;
    let request = DetectRequest { text: text.to_owned(), options: Some(options) };
    let answer = session.edge.texts().detect(request).await?.into_inner();
    let findings = answer.findings.iter().map(|told| finding(told, text)).collect::<Option<_>>();
    findings.ok_or_else(|| Problem::new("The mesh named a finding that is not in the text."))
}

fn finding(told: &v1::Finding, text: &str) -> Option<Finding> {
    let range = usize::try_from(told.start).ok()?..usize::try_from(told.end).ok()?;
    text.get(range.clone())?;
    let (entity, recognizer) = (EntityType::new(&told.r#type), Arc::from(&*told.recognizer));
    Some(Finding { entity, range, score: told.score as f32, recognizer })
}

/// <https://no-color.org>: set and not empty. Who says `--color always` is asked no more.
pub(super) fn coloured(choice: ColorChoice) -> bool {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => wanted && io::stdout().is_terminal(),
    }
}

fn report(target: &Path, file: &Path, text: &str, findings: &[Finding]) -> Result<()> {
    let (mut page, engine) = (Vec::new(), engine()?);
    let report = Report { title: &scan::html::title(file), text, findings, types: engine.types() };
    report.write(&mut page).map_err(Problem::new)?;
    super::write(target, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_of_the_mesh_must_lie_in_the_text() {
        let told = v1::Finding { start: 3, end: 8, ..v1::Finding::default() };
        let text = "to Ellen.";
        let found = finding(&told, text).unwrap();
        assert_eq!(&text[found.range], "Ellen");
        for (start, end) in [(-1, 2), (5, 3), (0, 99)] {
            let told = v1::Finding { start, end, ..v1::Finding::default() };
            assert!(finding(&told, text).is_none(), "{start}..{end}");
        }
    }
}
