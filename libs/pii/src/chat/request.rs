//! Parsing a request: limits first, then the shape, then what the types cannot say.

use super::error::ChatError;
use super::limits::{Limits, depth};
use super::model::{ChatRequest, Content, FormatType, Message, Part, PartType, Role};

/// The longest name of a model.
const MODEL: usize = 128;

impl ChatRequest {
    /// Parses a request body. Everything that is not understood is refused, with its place.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, ChatError> {
        limits.check(body)?;
        let mut parser = serde_json::Deserializer::from_slice(body);
        let request: Self = serde_path_to_error::deserialize(&mut parser)
            .map_err(|error| ChatError::from_parser(&error))?;
        parser.end().map_err(|_| ChatError::Malformed)?;
        request.check(limits)?;
        Ok(request)
    }

    fn check(&self, limits: &Limits) -> Result<(), ChatError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
        if self.model.is_empty() || self.model.len() > MODEL || !self.model.chars().all(plain) {
            return Err(ChatError::WrongType { path: "model".to_owned() });
        }
        if self.messages.is_empty() {
            return Err(ChatError::MissingField { path: "messages".to_owned() });
        }
        if self.messages.len() > limits.max_messages {
            return Err(ChatError::TooManyMessages { limit: limits.max_messages });
        }
        for (index, message) in self.messages.iter().enumerate() {
            check_message(message, &format!("messages[{index}]"), limits)?;
        }
        if let Some(Content::Parts(parts)) =
            self.prediction.as_ref().map(|prediction| &prediction.content)
        {
            check_parts(parts, "prediction.content")?;
        }
        if self.response_format.as_ref().is_some_and(|format| {
            (format.kind == FormatType::JsonSchema) != format.json_schema.is_some()
        }) {
            return Err(ChatError::WrongType { path: "response_format.json_schema".to_owned() });
        }
        Ok(())
    }
}

fn check_message(message: &Message, path: &str, limits: &Limits) -> Result<(), ChatError> {
    let refuse = |field: &str| Err(ChatError::UnknownField { path: format!("{path}.{field}") });
    if message.role != Role::Assistant {
        if message.tool_calls.is_some() {
            return refuse("tool_calls");
        }
        if message.refusal.is_some() {
            return refuse("refusal");
        }
    }
    match (message.role, &message.tool_call_id) {
        (Role::Tool, None) => {
            return Err(ChatError::MissingField { path: format!("{path}.tool_call_id") });
        }
        (Role::Tool, Some(_)) | (_, None) => {}
        (_, Some(_)) => return refuse("tool_call_id"),
    }
    match &message.content {
        Some(Content::Parts(parts)) => check_parts(parts, &format!("{path}.content"))?,
        Some(Content::Text(_)) => {}
        None if message.role == Role::Assistant
            && (message.tool_calls.is_some() || message.refusal.is_some()) => {}
        None => return Err(ChatError::MissingField { path: format!("{path}.content") }),
    }
    for (index, call) in message.tool_calls.iter().flatten().enumerate() {
        if depth(call.function.arguments.as_bytes()) > limits.max_depth {
            let path = format!("{path}.tool_calls[{index}].function.arguments");
            return Err(ChatError::TooDeep { path, limit: limits.max_depth });
        }
    }
    Ok(())
}

fn check_parts(parts: &[Part], path: &str) -> Result<(), ChatError> {
    for (index, part) in parts.iter().enumerate() {
        let at = |field: &str| format!("{path}[{index}].{field}");
        match part.kind {
            PartType::Text if part.text.is_none() => {
                return Err(ChatError::MissingField { path: at("text") });
            }
            PartType::Text if part.refusal.is_some() => {
                return Err(ChatError::UnknownField { path: at("refusal") });
            }
            PartType::Refusal if part.refusal.is_none() => {
                return Err(ChatError::MissingField { path: at("refusal") });
            }
            PartType::Refusal if part.text.is_some() => {
                return Err(ChatError::UnknownField { path: at("text") });
            }
            PartType::Text | PartType::Refusal => {}
            PartType::ImageUrl | PartType::InputAudio | PartType::File => {
                let what =
                    "images, audio and files cannot be searched for personal data and are refused";
                return Err(ChatError::Unsupported { path: at("type"), what });
            }
        }
        for (field, present) in [
            ("image_url", part.image_url.is_some()),
            ("input_audio", part.input_audio.is_some()),
            ("file", part.file.is_some()),
        ] {
            if present {
                return Err(ChatError::UnknownField { path: at(field) });
            }
        }
    }
    Ok(())
}
