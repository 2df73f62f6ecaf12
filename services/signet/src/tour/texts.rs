//! The two example texts, and what in them is personal: listed by hand, so that
//! the detector is not checked against itself.

pub(super) const LETTER: &str = include_str!("../../../../examples/discharge-letter.txt");
pub(super) const THREAD: &str = include_str!("../../../../examples/email-thread.txt");

/// Values of the letter that no provider may see.
pub(super) const IN_LETTER: &[&str] = &[
    "St. Hedwig Hospital",
    "Freiburg",
    "Lindenallee 14",
    "79106",
    "+49 761 5550-120",
    "+49 761 5550-129",
    "cardiology@st-hedwig-freiburg.example",
    "14 March 2024",
    "Martin",
    "Okafor",
    "27 Harbour Road",
    "Bristol",
    "BS1 4RW",
    "Eleanor",
    "Hartmann",
    "9 November 1957",
    "Rosenweg 8a",
    "79249",
    "Merzhausen",
    "KH-2024-118305",
    "536-22-8765",
    "0171 2345678",
    "eleanor.hartmann57@mail.example",
    "06.03.2024",
    "Thomas",
    "7 March 2024",
    "Yasemin",
    "Aydin",
    "11.03.2024",
    "22 April 2024",
    "https://portal.st-hedwig-freiburg.example/r/118305?key=EH57",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "Sophie",
    "Lindqvist",
    "Gothenburg",
    "+46 31 555 01 42",
    "203.0.113.77",
    "Ingrid",
    "Falkenberg",
];

/// Values of the e-mail thread that no provider may see.
pub(super) const IN_THREAD: &[&str] = &[
    "Priya",
    "Raman",
    "priya.raman@northwind-logistics.example",
    "Jonas",
    "jonas.becker@becker-partner.example",
    "Claire",
    "Dubois",
    "c.dubois@northwind-logistics.example",
    "21 May 2024",
    "Leipzig",
    "GB82 WEST 1234 5698 7654 32",
    "Northwind Logistics Ltd",
    "5555-5555-5555-4444",
    "1428 Elm Street",
    "Springfield",
    "IL 62704",
    "Abernathy",
    "219-09-8765",
    "(217) 555-0182",
    "+1 312 555 0147",
    "198.51.100.23",
    "2001:db8:85a3::8a2e:370:7334",
    "18 May 2024",
    "https://portal.northwind-logistics.example/login?user=praman",
    "Yıldız",
    "0341 5550176",
    "1. Juni 2024",
    "Karl-Liebknecht-Straße 93",
    "04275",
    "Wiśniewski",
    "Dresden",
    "t.wisniewski@umzug-wisniewski.example",
    "DE02 1203 0000 0000 2020 51",
    "03.08.1984",
    "Gartenstr. 5",
    "04177",
    "Becker & Partner GmbH",
    "+49 341 5550170",
];

/// Which of the values are in a text.
pub(super) fn found<'v>(text: &str, values: &[&'v str]) -> Vec<&'v str> {
    values.iter().copied().filter(|value| text.contains(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_its_text() {
        assert_eq!(found(LETTER, IN_LETTER), IN_LETTER);
        assert_eq!(found(THREAD, IN_THREAD), IN_THREAD);
        assert!(found(LETTER, IN_THREAD).is_empty());
    }
}
