//! A chat completion request, as far as this service reads it: the rest is the
//! anonymizer's to understand, and the provider's.

use kernel::{Fault, Result};
use serde_json::{Map, Value, json};

/// What an envelope holds.
pub enum Prompt {
    /// One user message.
    Text(String),
    /// A chat completion request in OpenAI's JSON.
    Chat(Vec<u8>),
}

impl Prompt {
    /// By the media type that the sender has signed.
    pub fn of(media_type: &str, plaintext: &[u8]) -> Result<Self> {
        match utf8_type(media_type) {
            "application/json" => Ok(Self::Chat(plaintext.to_vec())),
            "text/plain" => {
                let text = std::str::from_utf8(plaintext);
                let text = text.map_err(|_| Fault::invalid("envelope.content", "must be UTF-8"))?;
                Ok(Self::Text(text.to_owned()))
            }
            _ => Err(Fault::invalid("envelope.content", "must be application/json or text/plain")),
        }
    }
}

/// The media type without `charset=utf-8`, the one parameter that changes nothing.
fn utf8_type(media_type: &str) -> &str {
    let (essence, parameter) = media_type.split_once(';').unwrap_or((media_type, ""));
    let parameter = parameter.trim().replace('"', "");
    let plain = parameter.is_empty() || parameter.eq_ignore_ascii_case("charset=utf-8");
    if plain { essence.trim_end() } else { media_type }
}

/// The request, with the members that decide where it goes.
pub struct Chat(Map<String, Value>);

impl Chat {
    /// `default_model` is for texts, and for requests that name none.
    pub fn of(prompt: Prompt, default_model: &str) -> Result<Self> {
        let mut request = match prompt {
            Prompt::Text(text) => {
                let message = json!({ "role": "user", "content": text });
                Map::from_iter([("messages".to_owned(), json!([message]))])
            }
            Prompt::Chat(bytes) => match serde_json::from_slice(&bytes) {
                Ok(Value::Object(request)) => request,
                Ok(_) => return Err(Fault::invalid("body", "must be a JSON object")),
                Err(_) => return Err(Fault::invalid("body", "must be valid JSON")),
            },
        };
        let model = request.entry("model").or_insert_with(|| default_model.into());
        if !model.is_string() {
            return Err(Fault::invalid("model", "must be a string"));
        }
        match request.get("stream") {
            None | Some(Value::Bool(_) | Value::Null) => Ok(Self(request)),
            Some(_) => Err(Fault::invalid("stream", "must be a boolean")),
        }
    }

    pub fn model(&self) -> &str {
        self.0.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn wants_stream(&self) -> bool {
        self.0.get("stream").and_then(Value::as_bool).unwrap_or_default()
    }

    /// Decides how the provider is asked, whatever the client wrote.
    #[must_use]
    pub fn streamed(mut self, stream: bool) -> Self {
        self.0.remove("stream");
        if stream {
            self.0.insert("stream".to_owned(), true.into());
        } else {
            self.0.remove("stream_options");
        }
        self
    }

    pub fn to_json(&self) -> Vec<u8> {
        Value::Object(self.0.clone()).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Chat> {
        Chat::of(Prompt::Chat(json.as_bytes().to_vec()), "echo")
    }

    #[test]
    fn a_text_is_one_user_message() {
        let chat = Chat::of(Prompt::of("text/plain", "hallo".as_bytes()).unwrap(), "echo").unwrap();
        let json: Value = serde_json::from_slice(&chat.to_json()).unwrap();
        assert_eq!(
            json,
            json!({ "model": "echo", "messages": [{ "role": "user", "content": "hallo" }] })
        );
    }

    #[test]
    fn the_way_it_is_streamed_is_ours_to_decide() {
        let chat =
            parse(r#"{"model":"m","stream":true,"stream_options":{},"messages":[]}"#).unwrap();
        assert!(chat.wants_stream());
        let unary: Value = serde_json::from_slice(&chat.streamed(false).to_json()).unwrap();
        assert_eq!(unary, json!({ "model": "m", "messages": [] }));
    }

    #[test]
    fn nonsense_is_named() {
        for (body, field) in [
            ("[]", "body"),
            ("{", "body"),
            (r#"{"model":7}"#, "model"),
            (r#"{"stream":"x"}"#, "stream"),
        ] {
            assert_eq!(parse(body).err().unwrap().violations()[0].field, field, "{body}");
        }
        assert!(Prompt::of("text/plain", &[0xff]).is_err());
        assert!(Prompt::of("image/png", b"").is_err());
        assert!(Prompt::of("text/plain; charset=latin1", b"").is_err());
    }

    #[test]
    fn utf8_may_be_named() {
        for given in ["text/plain; charset=utf-8", "text/plain;charset=\"UTF-8\"", "text/plain"] {
            assert!(matches!(Prompt::of(given, b"x"), Ok(Prompt::Text(_))), "{given}");
        }
    }
}
