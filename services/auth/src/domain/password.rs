//! What a password must be (after NIST SP 800-63B: long, not in common use, no
//! rules about kinds of characters).

use kernel::{Fault, Result};
use reasons::auth::PASSWORD_WEAK;

const LEAST_CHARACTERS: usize = 12;
const MOST_BYTES: usize = 1_024;
/// Fewer different characters are a pattern, not a password.
const LEAST_DIFFERENT: usize = 5;

/// Those of 12 characters and more that guessers try first, without the digits
/// and signs that people put behind them.
const COMMON: &[&str] = &[
    "password",
    "passwort",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "qwerty",
    "qwertyuiop",
    "qwertyuiopasdfgh",
    "qwertzuiop",
    "asdfghjkl",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "qazwsxedcrfv",
    "zaq12wsxcde3",
    "iloveyou",
    "iloveyouforever",
    "letmein",
    "letmeinplease",
    "welcome",
    "welcometo",
    "administrator",
    "changeme",
    "changemenow",
    "trustno",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "basketball",
    "superman",
    "batman",
    "starwars",
    "dragon",
    "monkey",
    "master",
    "shadow",
    "michael",
    "jennifer",
    "computer",
    "internet",
    "whatever",
    "correcthorsebatterystaple",
    "passwordpassword",
    "mypassword",
    "password1password",
    "secretpassword",
    "abcdefghijkl",
    "abcdefghijklmnop",
    "abcd1234",
    "abc123abc123",
    "qwerty123qwerty",
    "testtesttest",
    "signetsignet",
    "signetadmin",
    "adminadminadmin",
    "defaultpassword",
    "temporarypassword",
];

/// Refuses what is short, a pattern, in common use, or the address itself.
pub fn check_password(field: &str, password: &str, email: &str) -> Result<()> {
    let weak = |what: &str| Err(Fault::new(&PASSWORD_WEAK).with_violation(field, what));
    if password.len() > MOST_BYTES {
        return Err(Fault::invalid(field, "must have at most 1,024 bytes"));
    }
    if password.chars().count() < LEAST_CHARACTERS {
        return weak("must have at least 12 characters");
    }
    let plain = password.to_lowercase();
    let mut different: Vec<char> = plain.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < LEAST_DIFFERENT {
        return weak("must have at least 5 different characters");
    }
    let bare = plain.trim_end_matches(|c: char| !c.is_alphabetic());
    if COMMON.contains(&plain.as_str()) || COMMON.contains(&bare) || bare.is_empty() {
        return weak("must not be in common use");
    }
    let local = email.split('@').next().unwrap_or_default();
    if plain == email || (!local.is_empty() && bare == local) {
        return weak("must not be the e-mail address");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones_pass() {
        for good in ["correct donkey", "gelbe Rüben im Mai", "x7#Lq9!vT2$w", "пароль из слов"]
        {
            assert!(check_password("password", good, "ann@example.org").is_ok(), "{good}");
        }
    }

    #[test]
    fn weak_ones_are_refused_and_named() {
        let long_local = "annabella.smith@example.org";
        for weak in [
            "",
            "short",
            "elevenchars",
            "äöüäöüäöüäö",
            "aaaaaaaaaaaa",
            "ababababababab",
            "password1234",
            "Password2026!",
            "PASSWORDPASSWORD",
            "123456789012",
            "qwertyuiop123",
            "CorrectHorseBatteryStaple",
            "annabella.smith",
            "Annabella.Smith@Example.org",
            "annabella.smith2026",
        ] {
            let fault = check_password("password", weak, long_local).unwrap_err();
            assert_eq!(fault.reason(), &PASSWORD_WEAK, "{weak}");
            assert_eq!(fault.violations()[0].field, "password");
        }
        let huge = check_password("password", &"correct donkey ".repeat(100), "a@b").unwrap_err();
        assert_eq!(huge.reason().code, "INVALID_FIELD");
    }
}
