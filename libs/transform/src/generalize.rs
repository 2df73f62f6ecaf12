//! Less exact: a date becomes its year, a postal code its first characters, an address its
//! network, a place a larger one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dates::Written;
use crate::error::Unfit;

/// What is left of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generalize {
    /// Of a date its year.
    Year {
        /// Years that make somebody older than this become "N or older".
        max_age: Option<u32>,
    },
    /// Of a date its month and year.
    Month,
    /// Of a postal code its first characters.
    Prefix {
        keep: usize,
        /// Only ZIP codes, which have five digits; `000` for the beginnings of those where at most
        /// 20,000 people live.
        restricted_zip: bool,
    },
    /// Of an IP address its network, so many bits of it.
    Network { v4: u32, v6: u32 },
    /// Of coordinates so many decimal places: 1 is about 11 km, 2 about 1 km.
    Coordinates { places: usize },
}

/// Beginnings of ZIP codes where at most 20,000 people live: those of the guidance on 45 CFR
/// 164.514(b)(2)(i)(B) by the Department of Health and Human Services (census of 2000), and
/// those of the census of 2010, which the rule's "current data" may mean as well.
const RESTRICTED_ZIP: &[&str] = &[
    "036", "059", "063", "102", "203", "205", "369", "556", "692", "753", "772", "790", "821",
    "823", "830", "831", "878", "879", "884", "890", "893",
];
/// Digits of a ZIP code, without the four that may follow.
const ZIP: usize = 5;
/// So many digits in a row begin the code of a country without letters in it.
const DIGITS: usize = 4;
/// Characters of a British inward code and of a Canadian local delivery unit.
const INWARD: usize = 3;

impl Generalize {
    pub(crate) fn apply(self, text: &str, this_year: Option<i32>) -> Result<String, Unfit> {
        match self {
            Self::Year { max_age } => year(text, max_age, this_year),
            Self::Month => Written::parse(text)?.month_and_year(),
            Self::Prefix { keep, restricted_zip } => prefix(text, keep, restricted_zip),
            Self::Network { v4, v6 } => network(text, v4, v6),
            Self::Coordinates { places } => coordinates(text, places),
        }
    }
}

fn year(text: &str, max_age: Option<u32>, this_year: Option<i32>) -> Result<String, Unfit> {
    let year = Written::parse(text)?.year.ok_or(Unfit::Date)?;
    if let Some(age) = max_age {
        let this_year = this_year.ok_or(Unfit::NoYear)?;
        // Whose birthday is still to come is a year younger; nobody too old is let through.
        if i64::from(this_year) - i64::from(year) > i64::from(age) {
            return Ok(format!("{} or older", age + 1));
        }
    }
    Ok(format!("{year:04}"))
}

fn prefix(text: &str, keep: usize, restricted_zip: bool) -> Result<String, Unfit> {
    let is_digit = |c: char| c.is_ascii_digit();
    if let Some(start) = text.find(is_digit) {
        let length = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        if length >= DIGITS {
            let kept = text[start..start + length].get(..keep).ok_or(Unfit::Short)?;
            if keep >= length || (restricted_zip && length != ZIP) {
                return Err(Unfit::Short);
            }
            let kept = match text[start..].get(..3) {
                Some(zip) if restricted_zip && RESTRICTED_ZIP.contains(&zip) => "000",
                _ => kept,
            };
            // What stands before is a state or a country: "IL 62704", "D-50667".
            return Ok(format!("{}{kept}", &text[..start]));
        }
    }
    // No rule of ZIP codes says how many people share another country's code.
    if restricted_zip {
        return Err(Unfit::Short);
    }
    let compact: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let kept = compact.len().checked_sub(INWARD).filter(|kept| (2..=4).contains(kept));
    kept.map(|kept| compact.into_iter().take(kept).collect()).ok_or(Unfit::Short)
}

fn network(text: &str, v4: u32, v6: u32) -> Result<String, Unfit> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, bits.parse::<u32>().map_err(|_| Unfit::Address)?),
        None => (text, u32::MAX),
    };
    let address: IpAddr = address.parse().map_err(|_| Unfit::Address)?;
    Ok(match address.to_canonical() {
        IpAddr::V4(address) => {
            let bits = bits.min(v4);
            let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
            format!("{}/{bits}", Ipv4Addr::from(u32::from(address) & mask))
        }
        IpAddr::V6(address) => {
            let bits = bits.min(v6);
            let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
            format!("{}/{bits}", Ipv6Addr::from(u128::from(address) & mask))
        }
    })
}

/// Decimals are cut, not rounded. Degrees with minutes and seconds are refused: cut, they
/// would say more than they seem to.
fn coordinates(text: &str, places: usize) -> Result<String, Unfit> {
    if text.contains(['\'', '"', '′', '″', '’', '”']) {
        return Err(Unfit::Coordinates);
    }
    let mut out = String::with_capacity(text.len());
    let (mut decimals, mut numbers) = (None, 0);
    for c in text.chars() {
        decimals = match (c, decimals) {
            ('.', None) if out.ends_with(|last: char| last.is_ascii_digit()) => {
                numbers += 1;
                Some(0)
            }
            ('0'..='9', Some(count)) => Some(count + 1),
            _ => None,
        };
        match decimals {
            Some(count) if count > places || places == 0 => {}
            _ => out.push(c),
        }
    }
    if numbers == 2 { Ok(out) } else { Err(Unfit::Coordinates) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(to: Generalize, cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            let found = to.apply(text, Some(2026)).unwrap_or_else(|_| "-".to_owned());
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn dates() {
        check(
            Generalize::Month,
            &[
                ("17.03.2024 14:30", "2024-03"),
                ("March 17, 2024", "March 2024"),
                ("5. Januar", "Januar"),
                ("1961", "-"),
                ("14:30", "-"),
            ],
        );
        check(
            Generalize::Year { max_age: Some(89) },
            &[
                ("17.03.2024", "2024"),
                ("4 May 1937", "1937"),
                ("4 May 1936", "90 or older"),
                ("1905", "90 or older"),
                ("04.05.61", "1961"),
                ("Mar 3", "-"),
            ],
        );
        let to = Generalize::Year { max_age: Some(89) };
        assert_eq!(to.apply("17.03.2024", None), Err(Unfit::NoYear));
        assert_eq!(Generalize::Year { max_age: None }.apply("1/2/1903", None).unwrap(), "1903");
    }

    #[test]
    fn postal_codes() {
        check(
            Generalize::Prefix { keep: 3, restricted_zip: true },
            &[
                ("62704", "627"),
                ("IL 62704", "IL 627"),
                ("MA 02118-1234", "MA 021"),
                ("VT 05901", "VT 000"),
                ("82190", "000"),
                ("SW1A 2AA", "-"),
                ("1234 AB", "-"),
            ],
        );
        check(
            Generalize::Prefix { keep: 3, restricted_zip: false },
            &[
                ("SW1A 2AA", "SW1A"),
                ("EH89YL", "EH8"),
                ("K1A 0B1", "K1A"),
                ("1234 AB", "123"),
                ("D-50667", "D-506"),
                ("05901", "059"),
                ("123", "-"),
                ("A1", "-"),
            ],
        );
        check(Generalize::Prefix { keep: 5, restricted_zip: false }, &[("62704", "-")]);
    }

    #[test]
    fn networks() {
        check(
            Generalize::Network { v4: 24, v6: 48 },
            &[
                ("192.168.13.37", "192.168.13.0/24"),
                ("10.1.2.0/8", "10.0.0.0/8"),
                ("2001:db8:85a3::8a2e:370:7334", "2001:db8:85a3::/48"),
                ("::ffff:192.0.2.9", "192.0.2.0/24"),
                ("300.1.1.1", "-"),
                ("10.0.0.1/x", "-"),
            ],
        );
        check(Generalize::Network { v4: 0, v6: 0 }, &[("192.0.2.1", "0.0.0.0/0"), ("::9", "::/0")]);
    }

    #[test]
    fn places_on_the_map() {
        check(
            Generalize::Coordinates { places: 1 },
            &[
                ("48.13743, 11.57549", "48.1, 11.5"),
                ("-33.8688,151.2093", "-33.8,151.2"),
                ("48.1°N 11.57°E", "48.1°N 11.5°E"),
                ("48°08'14.7\"N", "-"),
                ("48.137", "-"),
            ],
        );
        check(Generalize::Coordinates { places: 0 }, &[("48.13743, 11.57549", "48, 11")]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}|[0-9A-F:./ ,-]{0,24}") {
            for to in [
                Generalize::Year { max_age: Some(89) },
                Generalize::Month,
                Generalize::Prefix { keep: 3, restricted_zip: true },
                Generalize::Network { v4: 24, v6: 48 },
                Generalize::Coordinates { places: 2 },
            ] {
                let _ = to.apply(&text, Some(2026));
            }
        }
    }
}
