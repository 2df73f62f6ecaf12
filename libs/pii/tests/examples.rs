//! The two example texts: every personal item, listed by hand, is found and nothing of it is
//! left after anonymizing.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use pii::{Anonymizer, Engine, Options, PlaceholderKey};

const LETTER: &str = include_str!("../../../examples/discharge-letter.txt");
const THREAD: &str = include_str!("../../../examples/email-thread.txt");

const IN_LETTER: &[(&str, &str)] = &[
    ("ORGANIZATION", "St. Hedwig Hospital Freiburg"),
    ("ORGANIZATION", "Department of Cardiology"),
    ("LOCATION", "Freiburg"),
    ("STREET_ADDRESS", "Lindenallee 14"),
    ("POSTAL_CODE", "79106"),
    ("LOCATION", "Germany"),
    ("PHONE_NUMBER", "+49 761 5550-120"),
    ("PHONE_NUMBER", "+49 761 5550-129"),
    ("EMAIL_ADDRESS", "cardiology@st-hedwig-freiburg.example"),
    ("DATE_TIME", "14 March 2024"),
    ("PERSON", "Martin Okafor"),
    ("STREET_ADDRESS", "27 Harbour Road"),
    ("LOCATION", "Bristol"),
    ("POSTAL_CODE", "BS1 4RW"),
    ("PERSON", "Eleanor Hartmann"),
    ("DATE_OF_BIRTH", "9 November 1957"),
    ("STREET_ADDRESS", "Rosenweg 8a"),
    ("POSTAL_CODE", "79249"),
    ("LOCATION", "Merzhausen"),
    ("MEDICAL_RECORD_NUMBER", "KH-2024-118305"),
    ("US_SSN", "536-22-8765"),
    ("PHONE_NUMBER", "0171 2345678"),
    ("EMAIL_ADDRESS", "eleanor.hartmann57@mail.example"),
    ("PERSON", "Okafor"),
    ("DATE_TIME", "06.03.2024"),
    ("PERSON", "Thomas Hartmann"),
    ("PERSON", "Hartmann"),
    ("DATE_TIME", "7 March 2024"),
    ("PERSON", "Yasemin Aydin"),
    ("DATE_TIME", "11.03.2024"),
    ("PERSON", "Eleanor"),
    ("DATE_TIME", "22 April 2024 at 10:30 am"),
    ("PERSON", "Aydin"),
    ("URL", "https://portal.st-hedwig-freiburg.example/r/118305?key=EH57"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    ("PERSON", "Sophie Lindqvist"),
    ("LOCATION", "Gothenburg"),
    ("PHONE_NUMBER", "+46 31 555 01 42"),
    ("IP_ADDRESS", "203.0.113.77"),
    ("PERSON", "Ingrid Falkenberg"),
];

const IN_THREAD: &[(&str, &str)] = &[
    ("PERSON", "Priya Raman"),
    ("EMAIL_ADDRESS", "priya.raman@northwind-logistics.example"),
    ("PERSON", "Jonas Becker"),
    ("EMAIL_ADDRESS", "jonas.becker@becker-partner.example"),
    ("PERSON", "Claire Dubois"),
    ("EMAIL_ADDRESS", "c.dubois@northwind-logistics.example"),
    ("DATE_TIME", "Tue, 21 May 2024 09:12"),
    ("LOCATION", "Leipzig"),
    ("PERSON", "Jonas"),
    ("PERSON", "Claire"),
    ("IBAN_CODE", "GB82 WEST 1234 5698 7654 32"),
    ("ORGANIZATION", "Northwind Logistics Ltd"),
    ("CREDIT_CARD", "5555-5555-5555-4444"),
    ("STREET_ADDRESS", "1428 Elm Street, Suite 210"),
    ("STREET_ADDRESS", "1428 Elm Street"),
    ("LOCATION", "Springfield"),
    ("POSTAL_CODE", "IL 62704"),
    ("PERSON", "Abernathy"),
    ("US_SSN", "219-09-8765"),
    ("PHONE_NUMBER", "(217) 555-0182"),
    ("PHONE_NUMBER", "+1 312 555 0147"),
    ("IP_ADDRESS", "198.51.100.23"),
    ("IP_ADDRESS", "2001:db8:85a3::8a2e:370:7334"),
    ("DATE_TIME", "18 May 2024"),
    ("URL", "https://portal.northwind-logistics.example/login?user=praman"),
    ("PERSON", "Priya"),
    ("DATE_TIME", "20.05.2024 17:48"),
    ("PERSON", "Yıldız"),
    ("PHONE_NUMBER", "0341 5550176"),
    ("DATE_TIME", "1. Juni 2024"),
    ("STREET_ADDRESS", "Karl-Liebknecht-Straße 93"),
    ("POSTAL_CODE", "04275"),
    ("PERSON", "Wiśniewski"),
    ("LOCATION", "Dresden"),
    ("EMAIL_ADDRESS", "t.wisniewski@umzug-wisniewski.example"),
    ("IBAN_CODE", "DE02 1203 0000 0000 2020 51"),
    ("DATE_OF_BIRTH", "03.08.1984"),
    ("STREET_ADDRESS", "Gartenstr. 5"),
    ("POSTAL_CODE", "04177"),
    ("ORGANIZATION", "Becker & Partner GmbH"),
    ("PHONE_NUMBER", "+49 341 5550170"),
];

fn check(text: &str, items: &[(&str, &str)]) {
    let engine = Engine::standard().unwrap();
    let found: Vec<(String, String)> = engine
        .detect(text, &Options::default())
        .iter()
        .map(|finding| (finding.entity.to_string(), text[finding.range.clone()].to_owned()))
        .collect();
    for (entity, item) in items {
        assert!(
            found.iter().any(|(e, i)| e == entity && i == item),
            "{entity} {item:?} is missing"
        );
    }
    let anonymizer = Anonymizer::new(&engine, Options::default());
    let done = anonymizer.anonymize(&PlaceholderKey::new([7; 32]), text).unwrap();
    for (_, item) in items {
        assert!(!done.text.contains(item), "{item:?} is left");
    }
    assert_eq!(done.mapping.restore(&done.text), text);
    // What is left is the text around: nobody would call any of it personal. A country is found
    // in the name of a document, too.
    for (entity, item) in &found {
        assert!(
            items.iter().any(|(e, i)| e == entity && i == item)
                || matches!(entity.as_str(), "DATE_TIME" | "TITLE")
                || item == "US",
            "{entity} {item:?} is no item"
        );
    }
}

#[test]
fn discharge_letter() {
    check(LETTER, IN_LETTER);
}

#[test]
fn email_thread() {
    check(THREAD, IN_THREAD);
}
