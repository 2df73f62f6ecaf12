//! Reads a text and writes it with every finding marked: `[[PERSON|Anna Weber]]`.
//! For trying out recognizers: `cargo run -p signet-pii --example mark < letter.txt`.

use std::error::Error;
use std::io::{Read, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let mut out = std::io::stdout().lock();
    let mut at = 0;
    for finding in pii::Engine::standard()?.detect(&text, &pii::Options::default()) {
        let found = &text[finding.range.clone()];
        write!(out, "{}[[{}|{found}]]", &text[at..finding.range.start], finding.entity)?;
        at = finding.range.end;
    }
    write!(out, "{}", &text[at..])?;
    Ok(())
}
