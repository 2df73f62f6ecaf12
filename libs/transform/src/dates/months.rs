//! Names of months.

/// Which way a month is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Number { padded: bool },
    Name { names: &'static [&'static str; 12], case: Case },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Title,
    Upper,
}

/// Full and short names by language; where two languages share a word, the first has it.
const TABLES: &[(Language, [&str; 12])] = &[
    (
        Language::Other,
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
    ),
    (
        Language::Other,
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    ),
    (
        Language::German,
        [
            "januar",
            "februar",
            "märz",
            "april",
            "mai",
            "juni",
            "juli",
            "august",
            "september",
            "oktober",
            "november",
            "dezember",
        ],
    ),
    (
        Language::German,
        ["jan", "feb", "mrz", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez"],
    ),
    (
        Language::Other,
        [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
    ),
    (
        Language::Other,
        [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
    ),
    (
        Language::Other,
        [
            "gennaio",
            "febbraio",
            "marzo",
            "aprile",
            "maggio",
            "giugno",
            "luglio",
            "agosto",
            "settembre",
            "ottobre",
            "novembre",
            "dicembre",
        ],
    ),
    (
        Language::Other,
        [
            "januari",
            "februari",
            "maart",
            "april",
            "mei",
            "juni",
            "juli",
            "augustus",
            "september",
            "oktober",
            "november",
            "december",
        ],
    ),
    (
        Language::Other,
        [
            "janeiro",
            "fevereiro",
            "março",
            "abril",
            "maio",
            "junho",
            "julho",
            "agosto",
            "setembro",
            "outubro",
            "novembro",
            "dezembro",
        ],
    ),
];
/// Other spellings, written back in the usual one.
const ALSO: &[(&str, &str)] = &[
    ("jänner", "januar"),
    ("sept", "sep"),
    ("mär", "mrz"),
    ("fevrier", "février"),
    ("aout", "août"),
    ("decembre", "décembre"),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    German,
    Other,
}

/// The month that a word names. A day with a point before it ("17. April") is German; a French
/// "mai" has none.
pub(super) fn named(word: &str, point: bool) -> Option<(u32, Style)> {
    let lower = word.to_lowercase();
    let lower = ALSO.iter().find(|(also, _)| *also == lower).map_or(&*lower, |(_, usual)| *usual);
    let find = |wanted: Option<Language>| {
        TABLES
            .iter()
            .filter(|(language, _)| wanted.is_none_or(|wanted| wanted == *language))
            .find_map(|(_, names)| {
                names.iter().position(|name| *name == lower).map(|at| (at, names))
            })
    };
    let preferred = if point { Language::German } else { Language::Other };
    let (at, names) = find(Some(preferred)).or_else(|| find(None))?;
    let mut letters = word.chars();
    let first = letters.next().is_some_and(char::is_uppercase);
    let case = match (first, letters.next().is_some_and(char::is_uppercase)) {
        (true, true) => Case::Upper,
        (true, false) => Case::Title,
        _ => Case::Lower,
    };
    Some((u32::try_from(at).ok()? + 1, Style::Name { names, case }))
}

impl Style {
    /// A month, 1 to 12, in this style.
    pub(super) fn write(&self, month: u32) -> String {
        match self {
            Self::Number { padded: true } => format!("{month:02}"),
            Self::Number { padded: false } => month.to_string(),
            Self::Name { .. } => self.name(month).unwrap_or_default(),
        }
    }

    /// The name of a month, where this style has names.
    pub(super) fn name(&self, month: u32) -> Option<String> {
        let Self::Name { names, case } = self else { return None };
        let name = names.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
        let mut letters = name.chars();
        Some(match case {
            Case::Lower => (*name).to_owned(),
            Case::Upper => name.to_uppercase(),
            Case::Title => letters.next()?.to_uppercase().chain(letters).collect(),
        })
    }
}
