//! Names of people, and what is made of them.
//!
//! Each word of a name has a stand-in of its own, so that "Weber" is the same person as "Anna
//! Weber" without anything being remembered.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Value;
use crate::error::Unfit;
use crate::keys::{Draw, Keys};

/// Made by `data/build.py`: a line is a locale, `f`, `m` or `last`, and names.
static GROUPS: LazyLock<Groups> =
    LazyLock::new(|| Groups::read(include_str!("../../data/names.txt")));

/// Words inside of names that name nobody.
const PARTICLES: &[&str] = &[
    "al", "bin", "d", "da", "das", "de", "degli", "del", "della", "den", "der", "di", "do", "dos",
    "du", "el", "la", "le", "of", "op", "te", "ten", "ter", "van", "vom", "von", "y", "zu", "zum",
];
/// Last words of companies that say what they are, not who.
const LEGAL_FORMS: &[&str] = &[
    "ag",
    "bank",
    "bv",
    "clinic",
    "co",
    "corp",
    "foundation",
    "gbr",
    "gmbh",
    "group",
    "hospital",
    "inc",
    "kg",
    "kgaa",
    "klinik",
    "klinikum",
    "limited",
    "llc",
    "llp",
    "ltd",
    "nv",
    "ohg",
    "plc",
    "sa",
    "sarl",
    "school",
    "se",
    "spa",
    "srl",
    "stiftung",
    "ug",
    "university",
    "universität",
];
/// RFC 2606, section 3: nobody will ever have it.
const DOMAIN: &str = "example.org";

struct Group {
    locale: &'static str,
    first: bool,
    names: Vec<&'static str>,
}

struct Groups {
    all: Vec<Group>,
    /// Lower-case name → its group.
    known: HashMap<String, usize>,
    /// Last names of a locale that tells nothing.
    other: usize,
}

impl Groups {
    fn read(text: &'static str) -> Self {
        let mut groups = Self { all: Vec::new(), known: HashMap::new(), other: 0 };
        for line in text.lines() {
            let mut words = line.split(' ');
            let (Some(locale), Some(part)) = (words.next(), words.next()) else { continue };
            let names = words.collect();
            groups.all.push(Group { locale, first: part != "last", names });
        }
        groups.other =
            groups.all.iter().position(|g| g.locale == "en" && !g.first).unwrap_or_default();
        // First names before last names: a word that is both mostly is the first. A last name
        // that Americans have too says more about where its bearer comes from than theirs do.
        let mut order: Vec<usize> = (0..groups.all.len()).collect();
        order.sort_by_key(|at| {
            let group = &groups.all[*at];
            (!group.first, (group.locale == "en") != group.first)
        });
        for at in order {
            for name in &groups.all[at].names {
                groups.known.entry(name.to_lowercase()).or_insert(at);
            }
        }
        groups
    }

    /// Names of the same part, gender and locale.
    fn like(&self, word: &str) -> &[&'static str] {
        let group = self.known.get(word).copied().unwrap_or(self.other);
        self.all.get(group).map(|group| &*group.names).unwrap_or_default()
    }
}

/// The stand-in of one word of a name, in the same case.
fn word(keys: &Keys, original: &str) -> String {
    let lower = original.to_lowercase();
    if PARTICLES.contains(&&*lower) && *original == lower {
        return lower;
    }
    let mut draw = Draw::new(&keys.surrogate, "NAME", &lower);
    let mut letters = original.chars();
    let (first, second) = (letters.next(), letters.next());
    if second.is_none() {
        let letter = char::from(b"ABCDEFGHIJKLMNOPRSTW"[draw.below(20)]);
        let upper = first.is_some_and(char::is_uppercase);
        return if upper { letter.to_string() } else { letter.to_lowercase().to_string() };
    }
    let names = GROUPS.like(&lower);
    let mut made = draw.pick(names).copied().unwrap_or_default();
    while made.to_lowercase() == lower {
        made = draw.pick(names).copied().unwrap_or_default();
    }
    match (first.is_some_and(char::is_uppercase), second.is_some_and(char::is_uppercase)) {
        (true, true) => made.to_uppercase(),
        (true, false) => made.to_owned(),
        _ => made.to_lowercase(),
    }
}

/// Each run of letters replaced; what stands between stays.
fn words(text: &str, mut replace: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        if letters > 0 {
            out.push_str(&replace(&rest[..letters]));
        }
        rest = &rest[letters..];
        let other = rest.find(char::is_alphabetic).unwrap_or(rest.len());
        out.push_str(&rest[..other]);
        rest = &rest[other..];
    }
    out
}

pub(super) fn person(_: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    if value.original.chars().any(|c| c.is_numeric() || is_mark(c)) {
        return Err(Unfit::NoSurrogate);
    }
    Ok(words(value.original, |found| word(value.keys, found)))
}

/// Marks that belong to a letter before them would be left behind.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// A last name and what the original says it is: "Brandt & Söhne GmbH" becomes "Lindner GmbH".
pub(super) fn organization(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    let kind = value.original.split_whitespace().next_back().filter(|last| {
        let bare: String = last.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect();
        LEGAL_FORMS.contains(&&*bare)
    });
    let seed = value.original.split_whitespace().next().unwrap_or_default().to_lowercase();
    let name = draw.pick(GROUPS.like(&seed)).copied().unwrap_or_default();
    Ok(format!("{name} {}", kind.unwrap_or("Group")))
}

/// The stand-ins of the names in front of the `@`, and two digits that tell apart what shares
/// them.
pub(super) fn email(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    let (local, _) = value.original.rsplit_once('@').ok_or(Unfit::NoSurrogate)?;
    let named = words(local, |found| ascii(&word(value.keys, found)).to_lowercase());
    let mut out = String::with_capacity(named.len() + 16);
    for c in named.chars() {
        match c {
            '0'..='9' => out.push(draw.digit()),
            'a'..='z' | '.' | '_' | '-' | '+' => out.push(c),
            _ => {}
        }
    }
    let joins: &[char] = &['.', '_', '-', '+'];
    let out = out.trim_matches(joins);
    Ok(format!("{out}{}{}@{DOMAIN}", draw.digit(), draw.digit()))
}

/// Letters of the name lists without their marks.
fn ascii(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' | 'æ' => out.push_str("ae"),
            'ö' | 'ø' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'à' | 'á' | 'â' | 'ã' | 'å' => out.push('a'),
            'è' | 'é' | 'ê' | 'ë' => out.push('e'),
            'ì' | 'í' | 'î' | 'ï' => out.push('i'),
            'ò' | 'ó' | 'ô' | 'õ' => out.push('o'),
            'ù' | 'ú' | 'û' => out.push('u'),
            'ç' => out.push('c'),
            'ñ' => out.push('n'),
            'ý' | 'ÿ' => out.push('y'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surrogate::surrogate;

    fn made(entity: &str, original: &str) -> String {
        surrogate(&Keys::derive(&[1; 32], "t"), &[entity], original).unwrap()
    }

    fn group(name: &str) -> (&'static str, bool) {
        let at = GROUPS.known[&name.to_lowercase()];
        (GROUPS.all[at].locale, GROUPS.all[at].first)
    }

    #[test]
    fn the_lists_are_read() {
        assert_eq!(GROUPS.all.len(), 18);
        assert!(GROUPS.all.iter().all(|group| group.names.len() > 80));
        assert_eq!(group("Margaret"), ("en", true));
        assert_eq!(group("Eleanor"), ("en", true));
        assert_eq!(group("Jürgen"), ("de", true));
        assert_eq!(group("Thompson"), ("en", false));
    }

    #[test]
    fn part_case_and_gender_stay() {
        let whole = made("PERSON", "Margaret Thompson");
        let (first, last) = whole.split_once(' ').unwrap();
        assert_eq!(last, made("PERSON", "Thompson"));
        assert_eq!(first.to_uppercase(), made("PERSON", "MARGARET"));
        let women = &GROUPS.all[GROUPS.known["margaret"]].names;
        assert!(women.contains(&first), "{first}");
        assert!(made("PERSON", "Ludwig van Beethoven").contains(" van "));
        assert_eq!(made("PERSON", "J. Whitfield").find(". "), Some(1));
        assert!(made("PERSON", "Anna Müller-Lüdenscheidt").contains('-'));
    }

    #[test]
    fn mail_goes_to_nobody_and_knows_its_person() {
        let person = made("PERSON", "Margaret Thompson").to_lowercase();
        let (first, last) = person.split_once(' ').unwrap();
        let mail = made("EMAIL_ADDRESS", "margaret.thompson@mail.example");
        assert!(mail.starts_with(&format!("{first}.{last}")) && mail.ends_with("@example.org"));
        assert_ne!(mail, made("EMAIL_ADDRESS", "margaret.thompson@other.example"));
        assert!(made("EMAIL_ADDRESS", "müller_7@x.de").is_ascii());
    }

    #[test]
    fn companies_stay_companies() {
        assert!(made("ORGANIZATION", "Brandt & Söhne GmbH").ends_with(" GmbH"));
        assert!(made("ORGANIZATION", "Northwind").ends_with(" Group"));
    }
}
