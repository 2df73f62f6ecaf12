//! Names of fields that must not be shown, whatever is in them.

/// A field is dropped if one of the words of its name is here.
const DENIED: &[&str] = &[
    "answer",
    "authorization",
    "body",
    "ciphertext",
    "content",
    "cookie",
    "credential",
    "credentials",
    "email",
    "jwk",
    "jws",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "payload",
    "plaintext",
    "prompt",
    "secret",
    "text",
    "token",
];

/// Two words in a row that are denied only together.
const DENIED_PAIRS: &[(&str, &str)] =
    &[("api", "key"), ("content", "key"), ("data", "key"), ("key", "material"), ("private", "key")];

/// Words above, but harmless in these names.
const ALLOWED: &[&str] = &["content_length", "content_type", "prompt_id", "token_id"];

/// Whether a field of this name is dropped from logs and spans.
pub(crate) fn denied(name: &str) -> bool {
    let leaf = name.rsplit('.').next().unwrap_or(name);
    if ALLOWED.contains(&leaf) {
        return false;
    }
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split(['.', '_', '-']).collect();
    words.iter().any(|word| DENIED.contains(word))
        || words.windows(2).any(|two| DENIED_PAIRS.contains(&(two[0], two[1])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_by_their_words() {
        for name in [
            "token",
            "access_token",
            "http.request.header.authorization",
            "Password",
            "client_secret",
            "prompt",
            "message.content",
            "api_key",
            "key-material",
        ] {
            assert!(denied(name), "{name}");
        }
        for name in [
            "key_id",
            "tokens",
            "context",
            "request_id",
            "content_length",
            "prompt_id",
            "db.operation.name",
            "texture",
        ] {
            assert!(!denied(name), "{name}");
        }
    }
}
