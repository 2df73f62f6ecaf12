//! Pages as a browser would read them: text comes back, marks stand where they should, nothing
//! of the text becomes markup.

use std::ops::Range;
use std::sync::Arc;

use pii::EntityType;

use super::*;

fn finding(entity: &str, range: Range<usize>) -> Finding {
    Finding { entity: EntityType::new(entity), range, score: 0.9, recognizer: Arc::from("test") }
}

fn page(title: &str, text: &str, findings: &[Finding]) -> String {
    let types = [EntityInfo {
        name: EntityType::new("PERSON"),
        parent: None,
        category: "name".to_owned(),
        description: "Name of a person".to_owned(),
        common: false,
    }];
    let mut out = Vec::new();
    Report { title, text, findings, types: &types }.write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The text of the page's `.text`, without tags, parts joined by line ends.
fn text_of(page: &str) -> String {
    let body = page.split_once("<div class=\"text\"><div>").unwrap().1;
    let body = body.split_once("</div></div>").unwrap().0.replace("</div><div>", "\n");
    let mut text = String::new();
    for part in body.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, behind)| behind));
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[test]
fn the_text_comes_back_with_its_marks() {
    let text = "Dear Anna <b>,\n\n\"5 & 6\" o'clock\tZoë";
    let end = text.len();
    let page =
        page("letter.txt", text, &[finding("PERSON", 5..9), finding("PERSON", end - 4..end)]);
    assert_eq!(text_of(&page), text);
    for mark in [">Anna</mark>", ">Zoë</mark>"] {
        assert_eq!(page.matches(mark).count(), 1, "{mark}");
    }
    assert!(page.contains("data-t=\"PERSON\"") && page.contains("Name of a person"));
    assert!(page.contains("<dt>findings</dt><dd>2</dd>"));
    assert!(page.contains("<dt>of the text is personal</dt><dd>25.9 %</dd>"), "7 of 27 characters");
}

#[test]
fn nothing_of_the_text_becomes_markup_and_nothing_is_loaded() {
    let evil = "<script>alert(1)</script><img src=x onerror=y>\" onmouseover=\"z";
    let page = page(evil, evil, &[finding("PERSON", 0..8), finding("\"><i>", 8..20)]);
    let style_ends = page.find("</style>").unwrap();
    for tag in ["<script", "<img", "<i>", "<link", "<iframe"] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert!(!page[style_ends..].contains("src=x onerror=y>"), "its brackets are escaped");
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("url("));
    assert!(page.contains("default-src 'none'"));
    assert_eq!(text_of(&page), evil);
}

#[test]
fn long_texts_are_laid_out_in_parts() {
    let text: String = (0..20_000).map(|n| format!("line {n} é\n")).collect();
    let findings: Vec<_> = text
        .match_indices("line 7")
        .map(|(at, found)| finding("X", at..at + found.len()))
        .collect();
    let page = page("long", &text, &findings);
    assert_eq!(text_of(&page), text);
    let parts = page.matches("</div><div>").count();
    assert!(parts > text.len() / (2 * PART), "{parts} parts");
    assert!(page.contains("The first 1000 of 1111."));
    assert_eq!(page.matches("<tr><td><a href").count(), LISTED);
    assert!(page.contains("<li>line 7 × 1111</li>"));
}

#[test]
fn a_single_line_without_an_end_is_one_part() {
    let text = "x".repeat(10 * PART);
    assert_eq!(text_of(&page("x", &text, &[])), text);
}

#[test]
fn a_text_without_findings_says_so() {
    let page = page("empty", "", &[]);
    assert!(page.contains("Nothing personal was found.") && !page.contains("Each finding"));
}

#[test]
fn titles_are_names_without_folders() {
    assert_eq!(title(Path::new("/home/x/letter.txt")), "letter.txt");
    assert_eq!(title(Path::new("-")), "standard input");
}
