//! `detect`: by the mesh, or here (`libs/scan`) without a mesh, a profile or the network.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ColorChoice;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use documents::{Format, NoPath};
use pii::{Engine, EntityType, Finding, Options};
use proto::anonymizer::v1::{self, DetectRequest, DetectionOptions, FieldRule};
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
    /// A recognizer of your tenant, NAME or NAME@3, once for each; by the mesh only.
    #[arg(long = "recognizer", value_name = "NAME")]
    recognizers: Vec<String>,
    /// Of a document: what this path selects is of this type, whatever it looks like, as in
    /// '$.customer.ref=ID_NUMBER' or '$..note=TYPE'; without a type it is not personal. Once for
    /// each; the first that selects a value holds.
    #[arg(long = "field", value_name = "PATH=TYPE", value_parser = field)]
    fields: Vec<FieldRule>,
}

fn field(given: &str) -> Result<FieldRule, String> {
    let (path, entity) = given.rsplit_once('=').ok_or("must be PATH=TYPE or PATH=")?;
    let (path, r#type) = (path.to_owned(), entity.to_owned());
    Ok(FieldRule { path, exclude: r#type.is_empty(), r#type })
}

impl From<Detection> for DetectionOptions {
    fn from(detection: Detection) -> Self {
        let Detection { types, min_score, allow_list, recognizers, fields } = detection;
        let recognizers = recognizers.iter().map(|name| super::named("recognizers", name));
        let recognizers = recognizers.collect();
        Self { types, min_score, allow_list, recognizers, fields, ..Self::default() }
    }
}

impl Detection {
    /// The same for the engine itself.
    fn here(self, engine: &Engine) -> Result<(Options, Vec<documents::FieldRule>)> {
        if !self.recognizers.is_empty() {
            return Err(Problem::new("--recognizer needs the mesh: it keeps them encrypted."));
        }
        let rule = |field: FieldRule| {
            let selector = field.path.parse();
            let selector =
                selector.map_err(|why: NoPath| Problem::new(format_args!("--field: {why}.")))?;
            let entity = (!field.exclude).then(|| EntityType::new(&field.r#type));
            Ok(documents::FieldRule { selector, entity })
        };
        let fields = self.fields.into_iter().map(rule).collect::<Result<_>>()?;
        let options = scan::choice::options(engine, &self.types, self.min_score, self.allow_list);
        Ok((options.map_err(Problem::new)?, fields))
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
    /// What FILE is, or its name tells: values are searched with their keys, cells with their
    /// headers and columns.
    #[arg(long, value_name = "FORMAT", value_parser = super::documents::format(), conflicts_with = "jsonl")]
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
        let here = self.local || self.html.is_some();
        let format = self.format.unwrap_or_else(|| Format::of_file(&self.file.to_string_lossy()));
        let findings = if here {
            let engine = engine()?;
            let (options, fields) = self.detection.here(&engine)?;
            documents::detect(&engine, &options, format, &fields, &text)
                .map_err(|malformed| Problem::file(&self.file, malformed))?
        } else {
            by_mesh(&text, format, self.detection.into(), &self.edge).await?
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
        let (options, fields) = self.detection.here(&engine)?;
        if !fields.is_empty() {
            return Err(Problem::new("--field is for documents: the lines of --jsonl are texts."));
        }
        let settings = Settings {
            options,
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

fn unit() -> impl TypedValueParser<Value = Unit> {
    PossibleValuesParser::new(Unit::ALL.map(Unit::name)).try_map(|name| name.parse::<Unit>())
}

fn engine() -> Result<Arc<Engine>> {
    Engine::standard().map_err(Problem::new)
}

async fn by_mesh(
    text: &str,
    format: Format,
    options: DetectionOptions,
    edge: &EdgeArguments,
) -> Result<Vec<Finding>> {
    let session = edge.session().await?;
    let format = super::documents::on_the_wire(format).into();
    let request = DetectRequest { text: Some(text.to_owned()), options: Some(options), format };
    let answer = session.edge.texts().detect(request).await?.into_inner();
    findings(&answer.findings, text)
}

/// As the mesh tells them.
pub(super) fn findings(told: &[v1::Finding], text: &str) -> Result<Vec<Finding>> {
    let findings = told.iter().map(|told| finding(told, text)).collect::<Option<_>>();
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
