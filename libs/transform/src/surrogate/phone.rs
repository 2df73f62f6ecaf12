//! Telephone numbers that ring nowhere: from the ranges that regulators keep free for films and
//! books. A country that keeps none gets an American one.

use super::{SHORTEST, Value};
use crate::error::Unfit;
use crate::format::fill;
use crate::keys::Draw;

/// A numbering plan: its country code and what its free numbers begin with, without the trunk
/// prefix; digits are drawn for the rest, up to the length.
struct Plan {
    code: &'static str,
    trunk: bool,
    length: usize,
    fixed: &'static [&'static str],
    mobile: &'static [&'static str],
    /// What mobile numbers begin with, to know one.
    mobile_starts: &'static [&'static str],
}

const PLANS: &[Plan] = &[
    // NANPA: 555-0100 to 555-0199 in every area.
    Plan {
        code: "1",
        trunk: false,
        length: 10,
        fixed: &[
            "20255501", "21255501", "30355501", "31255501", "40455501", "41555501", "51255501",
            "61755501", "70255501", "80855501",
        ],
        mobile: &[],
        mobile_starts: &[],
    },
    // Ofcom, "Telephone numbers for use in TV and radio drama programmes".
    Plan {
        code: "44",
        trunk: true,
        length: 10,
        fixed: &["2079460", "1214960", "1314960", "1614960", "1632960"],
        mobile: &["7700900"],
        mobile_starts: &["7"],
    },
    // Bundesnetzagentur, "Rufnummern für Drama-Produktionen" (Berlin, Frankfurt, Hamburg, Köln,
    // München).
    Plan {
        code: "49",
        trunk: true,
        length: 10,
        fixed: &["3023125", "6990009", "4066969", "2214710", "8999998"],
        mobile: &[],
        mobile_starts: &[],
    },
    // Arcep, decision 2018-0881, section 2.5.12.
    Plan {
        code: "33",
        trunk: true,
        length: 9,
        fixed: &["19900", "26191", "35301", "46571", "53649"],
        mobile: &["63998"],
        mobile_starts: &["6", "7"],
    },
    // ACMA, "Phone numbers for use in TV shows, films and creative works".
    Plan {
        code: "61",
        trunk: true,
        length: 9,
        fixed: &["25550", "27010", "35550", "37010", "75550", "77010", "85550", "87010"],
        mobile: &["491570006", "491570156", "491570157", "491570158", "491570159", "491570110"],
        mobile_starts: &["4"],
    },
];
const NORTH_AMERICA: &Plan = &PLANS[0];
const BRITAIN: &Plan = &PLANS[1];
const GERMANY: &Plan = &PLANS[2];
const FRANCE: &Plan = &PLANS[3];
/// Digits of an American area code, which a local number is without.
const AREA: usize = 3;

/// How a number is dialled.
struct Dialled<'n> {
    plan: &'static Plan,
    /// `+`, `00` or nothing.
    exit: &'static str,
    /// The country's code, where it was dialled.
    code: &'static str,
    trunk: &'static str,
    /// Of another country than the plan's: the old form does not suit.
    foreign: bool,
    national: &'n str,
}

pub(super) fn phone(draw: &mut Draw<'_>, value: &Value<'_>) -> Result<String, Unfit> {
    // An extension is an office's own: any digits will do.
    let end = value.original.find(char::is_alphabetic).unwrap_or(value.original.len());
    let (number, extension) = value.original.split_at(end);
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < SHORTEST || number.chars().any(|c| c.is_numeric() && !c.is_ascii_digit()) {
        return Err(Unfit::NoSurrogate);
    }
    let dialled = read(number.trim_start().starts_with('+'), &digits);
    let plan = dialled.plan;
    let mobile = plan.mobile_starts.iter().any(|start| dialled.national.starts_with(start));
    let starts = if mobile { plan.mobile } else { plan.fixed };
    let mut made = draw.pick(starts).copied().unwrap_or_default().to_owned();
    while made.len() < plan.length {
        made.push(draw.digit());
    }
    let extension: String =
        extension.chars().map(|c| if c.is_ascii_digit() { draw.digit() } else { c }).collect();
    Ok(dialled.write(number, digits.len(), &made) + &extension)
}

impl Dialled<'_> {
    /// The new number in the form of the old, where it has as many digits.
    fn write(&self, number: &str, digits: usize, made: &str) -> String {
        let Self { exit, code, trunk, .. } = self;
        let all = format!("{}{code}{trunk}{made}", exit.trim_start_matches('+'));
        let local = made.get(AREA..).filter(|local| local.len() == digits);
        if let (true, Some((area, rest))) = (self.foreign, made.split_at_checked(AREA)) {
            return format!("{exit}{code} {area} {rest}");
        }
        if all.len() == digits {
            return fill(number, all.as_bytes());
        }
        if let Some(local) = local.filter(|_| all == made) {
            return fill(number, local.as_bytes());
        }
        let behind = if number.ends_with(' ') { " " } else { "" };
        if exit.is_empty() {
            format!("{code}{trunk}{made}{behind}")
        } else {
            format!("{exit}{code} {made}{behind}")
        }
    }
}

fn read(plus: bool, digits: &str) -> Dialled<'_> {
    let american = |exit, code, foreign| Dialled {
        plan: NORTH_AMERICA,
        exit,
        code,
        trunk: "",
        foreign,
        national: "",
    };
    let (exit, behind) = match digits.strip_prefix("00") {
        _ if plus => ("+", digits),
        Some(behind) => ("00", behind),
        None => ("", digits),
    };
    if !exit.is_empty() {
        let Some(plan) = PLANS.iter().find(|plan| behind.starts_with(plan.code)) else {
            return american(exit, NORTH_AMERICA.code, true);
        };
        let national = behind.get(plan.code.len()..).unwrap_or_default();
        // "+49 (0)30": the trunk prefix is written though nobody dials it from abroad.
        let (trunk, national) = match national.strip_prefix('0') {
            Some(national) if plan.trunk => ("0", national),
            _ => ("", national),
        };
        return Dialled { plan, exit, code: plan.code, trunk, foreign: false, national };
    }
    let Some(national) = digits.strip_prefix('0') else {
        let long = digits.len() == NORTH_AMERICA.length + 1 && digits.starts_with('1');
        return american("", if long { "1" } else { "" }, false);
    };
    // Nine digits are French; "07…" and "020…" of ten are British; what is left is taken for
    // German, where numbers have many lengths.
    let british = national.len() == 10 && (national.starts_with('7') || national.starts_with("20"));
    let plan = match national.len() {
        9 => FRANCE,
        _ if british => BRITAIN,
        _ => GERMANY,
    };
    Dialled { plan, exit, code: "", trunk: "0", foreign: false, national }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;
    use crate::surrogate::surrogate;

    fn made(original: &str) -> String {
        surrogate(&Keys::derive(&[1; 32], "t"), &["PHONE_NUMBER"], original).unwrap()
    }

    fn shape(text: &str) -> String {
        text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
    }

    fn digits(text: &str) -> String {
        text.chars().filter(char::is_ascii_digit).collect()
    }

    #[test]
    fn the_form_stays_where_the_length_does() {
        for original in [
            "+1 (415) 555-2671",
            "(415) 555-2671",
            "415-555-2671 ext. 12",
            "1-800-555-0199",
            "4155552671",
            "555-2671",
            "+44 20 7946 0958",
            "07911 123456",
            "06 12 34 56 78",
            "+33 6 12 34 56 78",
            "+61 2 9876 5432",
            "0171 234567",
            "+49 (0)30 90182000",
        ] {
            let found = made(original);
            assert_eq!(shape(&found), shape(original), "{original}: {found}");
        }
    }

    #[test]
    fn every_number_is_one_of_the_free_ones() {
        for (original, starts) in [
            ("+1 (415) 555-2671", NORTH_AMERICA.fixed),
            ("+44 20 7946 0958", BRITAIN.fixed),
            ("07911 123456", BRITAIN.mobile),
            ("+49 171 2345678", GERMANY.fixed),
            ("0049 89 12345", GERMANY.fixed),
            ("06 12 34 56 78", FRANCE.mobile),
            ("089 / 4400-12345", GERMANY.fixed),
            ("+39 06 1234 5678", NORTH_AMERICA.fixed),
        ] {
            let found = digits(&made(original));
            assert!(starts.iter().any(|start| found.contains(start)), "{original}: {found}");
        }
        assert!(digits(&made("555-2671")).starts_with("55501"));
        assert_eq!(shape(&made("+39 06 12345 678")), "+0 000 0000000");
    }
}
