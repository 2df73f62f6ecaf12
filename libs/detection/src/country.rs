//! Which country gives a type out.

/// Of the recognizers' files; a type of one begins with its code.
const COUNTRIES: [&str; 34] = [
    "AR", "AT", "AU", "BE", "BR", "CA", "CH", "CL", "CN", "DE", "DK", "ES", "FI", "FR", "IE", "IN",
    "IT", "JP", "KR", "MX", "NG", "NL", "NO", "PH", "PL", "PT", "SE", "SG", "TH", "TR", "TW", "UK",
    "US", "ZA",
];

/// The ISO 3166-1 code of the one country that a type belongs to.
#[must_use]
pub fn country(entity: &str) -> Option<&'static str> {
    let (code, _) = entity.split_once('_')?;
    let known = COUNTRIES.into_iter().find(|known| *known == code)?;
    // Presidio says UK.
    Some(if known == "UK" { "GB" } else { known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_a_country_name_it() {
        assert_eq!(country("US_SSN"), Some("US"));
        assert_eq!(country("UK_NHS"), Some("GB"));
        for none in ["ID_NUMBER", "IP_ADDRESS", "PERSON", "US", ""] {
            assert_eq!(country(none), None, "{none}");
        }
        let engine = pii::Engine::standard().unwrap();
        let found = |code: &str| {
            engine.types().iter().any(|info| info.name.as_str().starts_with(&format!("{code}_")))
        };
        let without: Vec<_> = COUNTRIES.into_iter().filter(|code| !found(code)).collect();
        assert!(without.is_empty(), "{without:?} have no type");
    }
}
