//! The guided tour: the main job, once, on a real text and the real mesh, by the
//! same client code that the subcommands use. Each step says what happened,
//! where, how long it took and what the party in the middle could see; what can
//! be checked by program is checked.

mod afterwards;
mod ask;
mod audit;
mod disk;
mod log_in;
mod screen;
mod store;
mod texts;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kernel::Fault;

use client::connection::Edge;
use client::profile::Profile;
use client::sealing::OwnKeys;
use client::session::Session;
use console::output::Output;
use console::problem::{Problem, Result};
use console::terminal::complain;
use screen::Screen;

/// Where the mesh is that is being shown.
pub struct TourSettings {
    /// The edge with TLS, such as `https://localhost:8443`.
    pub url: String,
    /// The edge without TLS, on this machine, such as `http://127.0.0.1:8080`.
    pub http_url: String,
    /// Its certificate authority, PEM.
    pub ca: PathBuf,
    /// The data directory, as the person named it.
    pub data: PathBuf,
    /// The log-in request of the first administrator, JSON.
    pub admin: PathBuf,
    /// The trace collector, if there is one.
    pub otlp: Option<String>,
    /// The mesh ends after the tour: nothing is said about what to do next.
    pub once: bool,
}

/// What the steps share.
struct Tour<'a> {
    settings: &'a TourSettings,
    session: Session,
    screen: Screen,
}

const CALL_WITHIN: Duration = Duration::from_secs(60);

/// Walks the tour. Fails if a step did; what did not hold has been said then.
pub async fn run(settings: &TourSettings) -> kernel::Result<()> {
    let started = Instant::now();
    let mut screen = Screen::of_terminal();
    let outcome = match Tour::begin(settings).await {
        Ok(mut tour) => {
            let outcome = tour.steps().await;
            screen = tour.screen;
            outcome
        }
        Err(problem) => Err(problem),
    };
    if let Err(problem) = &outcome {
        complain(problem);
    }
    for claim in screen.broken() {
        complain(format_args!("signet: does not hold: {claim}"));
    }
    if outcome.is_err() || !screen.broken().is_empty() {
        return Err(Fault::internal(
            "the tour has failed; signet.log in the data directory has more",
        ));
    }
    screen.heading(&format!("Every step held, in {:.1} s.", started.elapsed().as_secs_f64()));
    if !settings.once {
        afterwards::tell(&screen, settings);
    }
    Ok(())
}

impl<'a> Tour<'a> {
    async fn begin(settings: &'a TourSettings) -> Result<Self> {
        let edge = Edge::connect(&settings.url, Some(&settings.ca), CALL_WITHIN).await?;
        let profile = Profile::open(&settings.data.join("client"))?;
        let out = Output { json: false };
        let session = Session { edge, profile, out, url: settings.url.clone() };
        Ok(Self { settings, session, screen: Screen::of_terminal() })
    }

    async fn steps(&mut self) -> Result<()> {
        self.log_in().await?;
        let own = OwnKeys::of(&self.session)?;
        let stored = self.store().await?;
        let asked = self.ask(&own, &stored).await?;
        self.show_work(&asked).await?;
        self.show_sent(&asked);
        self.show_answers(&asked);
        self.prove(&asked).await?;
        self.trace(&asked).await?;
        self.api_key().await
    }

    /// A path below the data directory as the person would write it.
    fn shown(&self, path: &Path) -> String {
        let real = self.settings.data.canonicalize().unwrap_or_else(|_| self.settings.data.clone());
        let rest = path.strip_prefix(&real).or_else(|_| path.strip_prefix(&self.settings.data));
        rest.map_or_else(|_| path.to_owned(), |rest| self.settings.data.join(rest))
            .display()
            .to_string()
    }
}

/// Runs something and says how long it took.
async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    let started = Instant::now();
    let done = work.await?;
    Ok((done, started.elapsed()))
}

/// `1,234`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number of things for a person.
fn count(number: usize) -> String {
    grouped(number as u64)
}

fn unexpected(what: &str) -> Problem {
    Problem::new(format_args!("The mesh sent something unexpected: {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(123), "123");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
