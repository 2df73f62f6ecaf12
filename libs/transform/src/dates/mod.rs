//! Dates as texts write them: read into year, month and day, and written again in the same form.

mod months;
mod parse;

use chrono::{Datelike as _, Days, NaiveDate};

use self::months::Style;
use crate::error::Unfit;
use crate::keys::{Keys, mac};

/// Months without a year are counted in a leap year: 29 February is one of their days.
const ANY_YEAR: i32 = 2000;
/// Stands for the day of a month that was written without one: half of them come before it.
const ANY_DAY: u32 = 15;

/// A piece of a date as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `short`: without its century.
    Year {
        short: bool,
    },
    Month(Style),
    Day {
        padded: bool,
        /// `st`, `nd`, `rd` or `th` follows.
        ordinal: bool,
    },
}

/// A date that a text holds.
pub(crate) struct Written {
    pub(crate) year: Option<i32>,
    pub(crate) month: Option<u32>,
    day: Option<u32>,
    pieces: Vec<Piece>,
}

impl Written {
    pub(crate) fn parse(text: &str) -> Result<Self, Unfit> {
        let written = parse::parse(text).ok_or(Unfit::Date)?;
        // 31.04. is no date, whatever it was meant to be.
        written.calendar().map(|_| written)
    }

    fn calendar(&self) -> Result<NaiveDate, Unfit> {
        let day = self.day.unwrap_or(if self.month.is_some() { ANY_DAY } else { 1 });
        NaiveDate::from_ymd_opt(self.year.unwrap_or(ANY_YEAR), self.month.unwrap_or(1), day)
            .ok_or(Unfit::Date)
    }

    /// So many days later, in the form of the original.
    pub(crate) fn shifted(&self, days: i64) -> Result<String, Unfit> {
        if self.month.is_none() {
            return Err(Unfit::Date);
        }
        let date = self.calendar()?;
        let by = Days::new(days.unsigned_abs());
        let moved = if days < 0 { date.checked_sub_days(by) } else { date.checked_add_days(by) };
        let moved = moved.filter(|date| (1..=9999).contains(&date.year())).ok_or(Unfit::Date)?;
        Ok(self.write(moved))
    }

    fn write(&self, date: NaiveDate) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Year { short: true } => {
                    out.push_str(&format!("{:02}", date.year().rem_euclid(100)));
                }
                Piece::Year { short: false } => out.push_str(&format!("{:04}", date.year())),
                Piece::Month(style) => out.push_str(&style.write(date.month())),
                Piece::Day { padded, ordinal } => {
                    let day = date.day();
                    let digits = if *padded { format!("{day:02}") } else { day.to_string() };
                    out.push_str(&digits);
                    if *ordinal {
                        out.push_str(suffix(day));
                    }
                }
            }
        }
        out
    }

    /// Year and month, without the day: a name stays one, digits become ISO 8601.
    pub(crate) fn month_and_year(&self) -> Result<String, Unfit> {
        let month = self.month.ok_or(Unfit::Date)?;
        let name = self.pieces.iter().find_map(|piece| match piece {
            Piece::Month(style) => style.name(month),
            _ => None,
        });
        match (name, self.year) {
            (Some(name), Some(year)) => Ok(format!("{name} {year}")),
            (Some(name), None) => Ok(name),
            (None, Some(year)) => Ok(format!("{year}-{month:02}")),
            (None, None) => Err(Unfit::Date),
        }
    }
}

const fn suffix(day: u32) -> &'static str {
    match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    }
}

/// By how many days the dates of a subject are moved: the same for all of them, so that the
/// time between two stays; between 1 and `bound`, back or forth, never 0.
pub(crate) fn days(keys: &Keys, subject: &str, bound: u32) -> i64 {
    let mac = mac(&keys.dates, &[subject.as_bytes()]);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&mac[..8]);
    let bound = i64::from(bound.max(1));
    let place = i64::try_from(u64::from_be_bytes(bytes) >> 1).unwrap_or(0) % (2 * bound);
    if place < bound { place - bound } else { place - bound + 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shifted(text: &str, days: i64) -> String {
        Written::parse(text).and_then(|date| date.shifted(days)).unwrap_or_else(|_| "-".to_owned())
    }

    #[test]
    fn the_form_stays() {
        for (text, days, expected) in [
            ("2024-03-17", 10, "2024-03-27"),
            ("2024-02-28", 1, "2024-02-29"),
            ("2023-02-28", 1, "2023-03-01"),
            ("2024-03-01", -1, "2024-02-29"),
            ("17.03.2024", 20, "06.04.2024"),
            ("17.3.2024", 20, "6.4.2024"),
            ("17. 3. 24", 20, "6. 4. 24"),
            ("3/17/2024", 20, "4/6/2024"),
            ("12/25/2024", 10, "01/04/2025"),
            ("25/12/2024", 10, "04/01/2025"),
            ("17-03-2024", -17, "29-02-2024"),
            ("2024/03/17", 1, "2024/03/18"),
            ("2024-03-17T14:30:00Z", 1, "2024-03-18T14:30:00Z"),
            ("17.03.2024 14:30", 1, "18.03.2024 14:30"),
            ("March 17, 2024", 20, "April 6, 2024"),
            ("MARCH 17, 2024 at 2:30 pm", 20, "APRIL 6, 2024 at 2:30 pm"),
            ("17th of March 2024", 4, "21st of March 2024"),
            ("Jan. 5th, 1999", -5, "Dec. 31st, 1998"),
            ("17. März 2024", 20, "6. April 2024"),
            ("5. Januar", 30, "4. Februar"),
            ("Mar 3", -3, "Feb 29"),
            ("29 February", 1, "1 March"),
            ("October 2023", 30, "November 2023"),
            ("3 mai 2021", 30, "2 juin 2021"),
            ("3 de mayo de 2021", 30, "2 de junio de 2021"),
            ("05/04/61", 1, "05/05/61"),
        ] {
            assert_eq!(shifted(text, days), expected, "{text} by {days}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in
            ["14:30", "2:30 pm", "31.04.2024", "1961", "tomorrow", "99/99/9999", "", "29.02.2023"]
        {
            assert_eq!(shifted(text, 1), "-", "{text}");
        }
    }

    #[test]
    fn a_subject_has_one_shift_and_never_none() {
        let keys = Keys::derive(&[1; 32], "t");
        assert_eq!(days(&keys, "p1", 30), days(&keys, "p1", 30));
        let all: Vec<i64> = (0..500).map(|n| days(&keys, &format!("p{n}"), 10)).collect();
        assert!(all.iter().all(|days| *days != 0 && days.abs() <= 10));
        assert!((-10..=10).filter(|days| *days != 0).all(|days| all.contains(&days)));
        assert_ne!(
            (0..20).map(|n| days(&keys, &n.to_string(), 365)).collect::<Vec<_>>(),
            (0..20)
                .map(|n| days(&Keys::derive(&[2; 32], "t"), &n.to_string(), 365))
                .collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn intervals_stay(from in 0_u64..60_000, length in 0_u64..3_000, days in -3650_i64..3650) {
            let start = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap();
            let [one, two] = [from, from + length].map(|n| start.checked_add_days(Days::new(n)).unwrap());
            for format in ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%B %d, %Y", "%d %b %Y"] {
                let moved = |date: NaiveDate| {
                    let text = shifted(&date.format(format).to_string(), days);
                    // "May" is a short name and a full one: full ones are read as both.
                    NaiveDate::parse_from_str(&text, &format.replace("%b", "%B")).unwrap()
                };
                // Day and month of an American date are told apart by their order alone.
                prop_assert_eq!(moved(two) - moved(one), two - one, "{}", format);
                prop_assert_eq!((moved(one) - one).num_days(), days);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[0-9./ -]{0,16}|[0-9]{1,2}[. ][A-Za-z.]{3,9} ?[0-9]{0,5}") {
            if let Ok(date) = Written::parse(&text) {
                prop_assert!(date.shifted(0).is_ok() || date.month.is_none());
            }
        }
    }
}
