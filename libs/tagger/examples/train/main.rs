//! Trains the model: `make model`.
//!
//! `train --gazetteer LIST --text TEXTS --held TEXTS --out MODEL [--epochs N] [--rows N]`
//! Texts are those of `tests/model`: names stand between U+0001 with a letter for their kind and
//! U+0002, texts end with U+0003. From the same files it makes the same model, byte for byte.

mod data;
mod learn;
mod measure;

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;

use tagger::{Class, Gazetteer};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options: HashMap<&str, &str> = arguments
        .chunks_exact(2)
        .map(|pair| (pair[0].trim_start_matches('-'), pair[1].as_str()))
        .collect();
    let path = |name: &str| options.get(name).copied().ok_or(format!("--{name} is missing"));
    let number = |name: &str, usual: usize| options.get(name).map_or(Ok(usual), |it| it.parse());
    let mut err = std::io::stderr().lock();

    let gazetteer = gazetteer(&std::fs::read_to_string(path("gazetteer")?)?)?;
    let texts = data::parse(&std::fs::read_to_string(path("text")?)?)?;
    let held = data::parse(&std::fs::read_to_string(path("held")?)?)?;
    writeln!(err, "{} texts, {} held back", texts.len(), held.len())?;

    let mut learner = learn::Learner::new(gazetteer, &texts, number("least", 3)? as u32);
    writeln!(err, "{} features", learner.features())?;
    for epoch in 0..number("epochs", 6)? {
        let wrong = learner.epoch(&texts, epoch);
        writeln!(err, "epoch {epoch}: {wrong:.4} of the tags are wrong")?;
    }
    let mut tagger = learner.tagger(number("rows", 360_000)?);
    tagger.caution = number("caution", 0)? as f32 / 100.0;
    tagger.calibration = measure::calibration(&tagger, &held);
    write!(err, "{}", measure::report(&tagger, &held))?;
    let bytes = tagger.to_bytes();
    writeln!(err, "{} bytes", bytes.len())?;
    std::fs::write(path("out")?, bytes)?;
    Ok(())
}

/// Lines of a set of bits in hexadecimal, a tab, and a phrase.
fn gazetteer(lines: &str) -> Result<Gazetteer, Box<dyn Error>> {
    let mut gazetteer = Gazetteer::default();
    for line in lines.lines() {
        let (bits, phrase) = line.split_once('\t').ok_or("a line of the lists has no tab")?;
        gazetteer.add(phrase, Class(u16::from_str_radix(bits, 16)?));
    }
    Ok(gazetteer)
}
