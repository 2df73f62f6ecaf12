//! Just enough of Rust's grammar to tell code from comments and strings, and
//! to read paths that start at `crate::` out of it.

/// The code with comments and the contents of strings blanked out. Line breaks
/// stay, so that line numbers do.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' if !ends_in_word(&code) => raw_string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if skipped == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    code
}

fn ends_in_word(code: &str) -> bool {
    code.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#`, `br"…"`; 0 when this is no raw string.
fn raw_string(text: &str) -> usize {
    let open = text.strip_prefix("br").or_else(|| text.strip_prefix('r')).unwrap_or("");
    let hashes = open.len() - open.trim_start_matches('#').len();
    if !open[hashes..].starts_with('"') {
        return 0;
    }
    let start = text.len() - open.len() + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    text[start..].find(&close).map_or(text.len(), |at| start + at + close.len())
}

/// `'x'` and `'\n'`; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut inside = text[1..].chars();
    match inside.next() {
        Some('\\') => text[3..].find('\'').map_or(0, |at| at + 4),
        Some(c) if inside.next() == Some('\'') => 1 + c.len_utf8() + 1,
        _ => 0,
    }
}

/// Every path below `crate::` that the code names, braces expanded:
/// `crate::a::{b, c::d}` gives `a::b` and `a::c::d`.
pub(crate) fn crate_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (at, word) in code.match_indices("crate::") {
        if !ends_in_word(&code[..at]) {
            expand("", &code[at + word.len()..], &mut paths);
        }
    }
    paths
}

/// Reads one path at the start of `text`, and returns what follows it.
fn expand<'a>(prefix: &str, text: &'a str, paths: &mut Vec<String>) -> &'a str {
    let mut path = prefix.to_owned();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut inside) = rest.strip_prefix('{') {
            loop {
                inside = inside.trim_start().trim_start_matches(',').trim_start();
                if let Some(after) = inside.strip_prefix('}') {
                    return after;
                }
                let after = expand(&path, inside, paths);
                if after.len() == inside.len() {
                    return after;
                }
                inside = after;
            }
        }
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        path.push_str(&rest[..word]);
        rest = &rest[word..];
        match rest.strip_prefix("::") {
            Some(further) => {
                path.push_str("::");
                rest = further;
            }
            None => {
                paths.push(path);
                // `as name` in a use tree.
                let end = rest.find([',', '}', ';', '\n']).unwrap_or(rest.len());
                return if rest.trim_start().starts_with("as ") { &rest[end..] } else { rest };
            }
        }
    }
}

/// Lines of code before a file's own test module: no blanks, no comments.
pub(crate) fn lines_of_code(text: &str) -> usize {
    let code = code_only(without_tests(text));
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// The text before a trailing `#[cfg(test)] mod … {`.
pub(crate) fn without_tests(text: &str) -> &str {
    let inline = |at: usize| {
        let module = text[at + "\n#[cfg(test)]".len()..].trim_start();
        module.starts_with("mod ") && module.lines().next().is_some_and(|line| line.ends_with('{'))
    };
    let found = text.match_indices("\n#[cfg(test)]").map(|(at, _)| at).find(|at| inline(*at));
    &text[..found.map_or(text.len(), |at| at + 1)]
}

#[test]
fn code_is_told_from_comments_and_strings() {
    let text =
        "a // crate::x\n/* b /* c */ d */e \"f\\\" g\" r#\"h\" i\"# 'j' '\\'' 'k: l br\"m\"n";
    let words: Vec<_> = code_only(text).split_whitespace().map(str::to_owned).collect();
    assert_eq!(words, ["a", "e", "'k:", "l", "n"]);
}

#[test]
fn paths_are_expanded() {
    let code = "use crate::{a::B, c::{self, D as E}};\nfn f() -> crate::g::H { mycrate::i() }";
    assert_eq!(crate_paths(code), ["a::B", "c::self", "c::D", "g::H"]);
}

#[test]
fn a_trailing_test_module_is_cut() {
    let text = "#[cfg(test)]\nmod tests;\nfn a() {}\n#[cfg(test)]\nmod tests {\n}\n";
    assert_eq!(without_tests(text), "#[cfg(test)]\nmod tests;\nfn a() {}\n");
}
