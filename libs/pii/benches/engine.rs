//! The engine on one core, against `regex-automata` with the very same patterns: texts of a
//! kilobyte, dense with personal data or hardly any, none of them twice. CPU time of the thread,
//! in turns, so that a busy machine counts for both sides; prints bytes a second and ratios.
//!
//! Small texts over and over would hide what matters: how much of an automaton varied text needs.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use pii::{Engine, EntityType, Options};
use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use rustix::time::{ClockId, clock_gettime};

const TEXTS: usize = 600;
const ROUNDS: usize = 5;
const SIZE: usize = 1000;
/// More helps none of the sides.
const CACHE: usize = 64 << 20;

fn main() {
    let (ready, engine) = timed(|| Engine::standard().unwrap());
    println!("engine ready: {:.0} ms", ready.as_secs_f64() * 1e3);
    let words = ["PERSON", "LOCATION", "ORGANIZATION", "TITLE", "AGE", "NRP", "POSTAL_CODE"];
    let no_names = |entity: &EntityType| {
        let mut lineage = std::iter::successors(Some(entity), |kind| engine.parent(kind));
        !lineage.any(|kind| words.contains(&kind.as_str()))
    };
    let limits = Limits::new(&engine);
    for (name, texts) in [("dense", dense()), ("prose", prose())] {
        let bytes: usize = texts.iter().map(String::len).sum();
        let rate = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
        let all = |text: &str| engine.detect(text, &Options::default()).len();
        let patterns = |text: &str| engine.resolve(engine.candidates(text, &no_names)).len();
        let together = |text: &str| limits.together.find_iter(text).count();
        let (first, findings) = over(&texts, &all);
        let per_kilobyte = findings as f64 * 1e3 / bytes as f64;
        println!(
            "\n{name}: {} texts, {bytes} bytes, {per_kilobyte:.1} findings a kilobyte",
            texts.len()
        );
        println!("  with names, first pass   {:8.2} MB/s", rate(first));
        let (cold, _) = over(&texts, &together);
        println!("  one regex, first pass    {:8.2} MB/s", rate(cold));
        let contenders: [&dyn Fn(&str) -> usize; 3] = [&all, &patterns, &together];
        let mut times = contenders.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (contender, times) in contenders.iter().zip(&mut times) {
                times.push(over(&texts, contender).0);
            }
        }
        let [all, patterns, together] = times.map(|mut times| {
            times.sort_unstable();
            rate(times[times.len() / 2])
        });
        let apart = rate(over(&texts, &|text| limits.apart(text)).0);
        let limit = together.max(apart);
        println!("  with names               {all:8.2} MB/s");
        println!("  all patterns             {patterns:8.2} MB/s");
        println!("  one regex of all         {together:8.2} MB/s");
        println!("  a regex for each         {apart:8.2} MB/s");
        println!("  all patterns : the better of the two  {:.2}", patterns / limit);
    }
}

/// The same patterns without all that comes behind a match.
struct Limits {
    together: Regex,
    each: Vec<Regex>,
}

impl Limits {
    fn new(engine: &Engine) -> Self {
        let patterns: Vec<&str> = engine.patterns().collect();
        let ascii = syntax::Config::new().unicode(false).utf8(false);
        let mut builder = Regex::builder();
        builder.syntax(ascii).configure(Config::new().hybrid_cache_capacity(CACHE));
        let together = builder.build_many(&patterns).unwrap();
        let each = patterns.iter().map(|pattern| builder.build(pattern).unwrap()).collect();
        Self { together, each }
    }

    fn apart(&self, text: &str) -> usize {
        self.each.iter().map(|regex| regex.find_iter(text).count()).sum()
    }
}

fn over(texts: &[String], work: &dyn Fn(&str) -> usize) -> (Duration, usize) {
    timed(|| texts.iter().map(|text| work(black_box(text))).sum())
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = now();
    let done = work();
    (now() - start, done)
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

/// Numbers that are the same in every run (Knuth's generator of 64 bits).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn of<'a>(&mut self, these: &[&'a str]) -> &'a str {
        these[self.below(these.len())]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + u8::try_from(self.below(10)).unwrap())).collect()
    }
}

/// `#` is a digit, `{N}` a first and `{L}` a last name, `{W}` a word.
const SENTENCES: &[&str] = &[
    "{N} {L} lives at ## {L} Street, {W} #####, and can be reached at +1 (###) ###-####.",
    "Please call {N} on ###-###-#### or write to {n}.{l}@{l}-{W}.com before ##/##/20##.",
    "The card ####-####-####-#### of {N} {L} expires ##/##; her SSN is ###-##-####.",
    "Order ####### was shipped to {N} {L}, {L} GmbH, {L}straße ##, ##### {L}hausen.",
    "Dear Mrs. {L}, your appointment at {L} Clinic is on ## March 20## at ##:##.",
    "Transfer to DE## #### #### #### #### ## for {N} {L}, reference {W}-####.",
    "Login from ##.##.#.## as {n}{l}## at 20##-##-##T##:##:##Z, session ########.",
    "{N}: can you ask {L} whether https://{W}.example.org/{n}/#### is still up?",
    "Passport {L} no. C##X##T##, born ##.##.19##, {W}, tax id ## ### ### ###.",
    "MRN ########, patient {N} {L}, ## years old, room ###, seen by Dr. {L}.",
];
const FIRST: &[&str] = &["Anna", "James", "Maria", "Tomasz", "Elif", "Pierre", "Giulia", "Henrik"];
const ENDS: &[&str] = &["son", "berg", "ini", "ard", "ova", "ley", "mann", "oğlu", "ez", "ström"];
const HEADS: &[&str] = &["Hal", "Mor", "Wester", "Kal", "Bren", "Fer", "Lund", "Sant", "Dav", "Or"];
const WORDS: &[&str] = &["invoice", "harbour", "copper", "lantern", "meadow", "signal", "garden"];

fn dense() -> Vec<String> {
    let mut dice = Dice(7);
    (0..TEXTS)
        .map(|_| {
            let mut text = String::new();
            while text.len() < SIZE {
                text += &filled(&mut dice);
                text.push(if dice.below(4) == 0 { '\n' } else { ' ' });
            }
            text
        })
        .collect()
}

fn filled(dice: &mut Dice) -> String {
    let last = |dice: &mut Dice| {
        dice.of(HEADS).to_owned() + dice.of(HEADS).to_lowercase().as_str() + dice.of(ENDS)
    };
    let mut text = dice.of(SENTENCES).to_owned();
    for slot in ["{N}", "{L}", "{n}", "{l}", "{W}", "#"] {
        while text.contains(slot) {
            let value = match slot {
                "{N}" => dice.of(FIRST).to_owned(),
                "{n}" => dice.of(FIRST).to_lowercase(),
                "{L}" => last(dice),
                "{l}" => last(dice).to_lowercase(),
                "{W}" => dice.of(WORDS).to_owned(),
                _ => dice.digits(1),
            };
            text = text.replacen(slot, &value, 1);
        }
    }
    text
}

/// Lines of this repository's own pages and of its prose about things, in other orders.
fn prose() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages: Vec<_> = std::fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages.push(root.join("tests/eval/cases/prose.txt"));
    let whole: Vec<String> =
        pages.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let is_prose = |line: &&str| line.len() > 40 && line.starts_with(|c: char| c.is_alphabetic());
    let lines: Vec<&str> = whole.iter().flat_map(|page| page.lines()).filter(is_prose).collect();
    let mut dice = Dice(11);
    (0..TEXTS)
        .map(|_| {
            let mut text = String::new();
            while text.len() < SIZE {
                text += dice.of(&lines);
                text.push('\n');
            }
            text
        })
        .collect()
}
