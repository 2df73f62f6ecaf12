//! What tells a secret from a word that stands in for one.

use super::{Table, Validator};

pub(super) const TABLE: Table = &[
    ("labelled_secret", labelled_secret as Validator),
    ("password", password),
    ("username", username),
    ("username_line", username_line),
];

/// Words of examples and templates, and of code that reads a secret from elsewhere.
const STAND_INS: &[&str] = &[
    "xxxx",
    "****",
    "....",
    "your",
    "example",
    "changeme",
    "placeholder",
    "redacted",
    "dummy",
    "insert",
    "getenv",
    "environ",
    "process.env",
    "secrets.",
    "vault:",
    "self.",
    "this.",
    "request.",
    "config.",
    "settings.",
    "args.",
    "undefined",
];

fn stands_in(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    STAND_INS.iter().any(|word| lower.contains(word))
        || matches!(text.bytes().next(), Some(b'$' | b'<' | b'{' | b'[' | b'%' | b'(' | b'*'))
}

/// Random: letters and digits, many different ones for the length, and no stand-in.
fn labelled_secret(text: &str) -> bool {
    let mut seen = [false; 256];
    text.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    let different = seen.iter().filter(|seen| **seen).count();
    text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && different >= 8
        && different * 6 > text.len().min(60)
        && !stands_in(text)
}

/// What somebody typed behind `password:`. A word, a name of the program or a call is no password;
/// a digit or a sign makes it one.
fn password(text: &str) -> bool {
    let called = text.contains("()") || text.contains("::") || text.ends_with(['(', ')', '{', '[']);
    let sign = |byte: u8| byte.is_ascii_punctuation() && !b"._-/\\()[]{}:`".contains(&byte);
    text.len() >= 4
        && text.bytes().any(|byte| byte.is_ascii_digit() || sign(byte))
        && !called
        && !stands_in(text)
}

/// What somebody typed behind `username:`. In code stands a variable there or a type, so that a
/// digit or a dot must say that it is neither.
fn username(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit() || byte == b'.') && username_line(text)
}

/// The same where nothing follows on the line, as in a form.
fn username_line(text: &str) -> bool {
    const NOBODY: &[&str] = &[
        "root",
        "admin",
        "user",
        "username",
        "string",
        "str",
        "text",
        "varchar",
        "char",
        "name",
        "null",
        "none",
        "true",
        "false",
        "any",
        "optional",
        "required",
        "value",
        "input",
        "data",
        "self",
        "this",
        "request",
        "params",
        "unknown",
        "guest",
        "anonymous",
        "page",
        "button",
        "failed",
        "success",
        "error",
        "new",
        "the",
    ];
    text.len() >= 3 && !NOBODY.contains(&text.to_ascii_lowercase().as_str()) && !stands_in(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_no_secrets() {
        assert!(
            labelled_secret("q7Zp2LmX9vKd4TnB8sRw") && !labelled_secret("aaaaaaaaaaaaaaaaaa11")
        );
        assert!(!labelled_secret("your_api_key_goes_here_1234"));
        assert!(!labelled_secret("${API_KEY_FROM_SOMEWHERE_2}"));
        assert!(password("Tr0ub4dor&3") && !password("required") && !password("input()"));
        assert!(!password("self.password2") && !password("getSecret1()"));
        assert!(username("aweber57") && !username("UserName") && !username("self.name"));
        assert!(username_line("jdoe") && !username_line("root"));
    }
}
