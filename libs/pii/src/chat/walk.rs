//! Visits every string of a request that can hold text. The order is that of a conversation
//! that grows: what comes first stays first, so that placeholders of earlier turns stay too.

use serde_json::value::RawValue;

use crate::anonymize::Form;

use super::error::ChatError;
use super::json;
use super::limits::depth;
use super::model::{ChatRequest, Content, Message, Role, Stop, ToolChoice};

/// JSON in a string in JSON in a string …: deeper is treated as text.
const NESTED: usize = 4;

/// Where a string stands.
pub(crate) struct Place<'p> {
    pub(crate) path: &'p str,
    /// The name of its field inside JSON data: context for what it is.
    pub(crate) label: &'p str,
    pub(crate) form: Form,
}

pub(crate) type Visit<'v> = dyn FnMut(&Place<'_>, &str) -> Option<String> + 'v;

pub(crate) struct Walker<'v> {
    pub(crate) visit: &'v mut Visit<'v>,
    pub(crate) max_depth: usize,
}

impl Walker<'_> {
    pub(crate) fn request(&mut self, request: &mut ChatRequest) -> Result<(), ChatError> {
        for (index, tool) in request.tools.iter_mut().flatten().enumerate() {
            let path = format!("tools[{index}].function");
            self.string(&mut tool.function.name, &format!("{path}.name"), Form::Token);
            self.optional(tool.function.description.as_mut(), &format!("{path}.description"))?;
            self.raw(tool.function.parameters.as_mut(), &format!("{path}.parameters"))?;
        }
        if let Some(ToolChoice::Named(named)) = &mut request.tool_choice {
            self.string(&mut named.function.name, "tool_choice.function.name", Form::Token);
        }
        if let Some(schema) =
            request.response_format.as_mut().and_then(|format| format.json_schema.as_mut())
        {
            self.string(&mut schema.name, "response_format.json_schema.name", Form::Token);
            self.optional(schema.description.as_mut(), "response_format.json_schema.description")?;
            self.raw(schema.schema.as_mut(), "response_format.json_schema.schema")?;
        }
        for (value, path) in [
            (&mut request.user, "user"),
            (&mut request.safety_identifier, "safety_identifier"),
            (&mut request.prompt_cache_key, "prompt_cache_key"),
        ] {
            if let Some(value) = value {
                self.string(value, path, Form::Opaque);
            }
        }
        self.metadata(request);
        for (index, message) in request.messages.iter_mut().enumerate() {
            self.message(message, &format!("messages[{index}]"))?;
        }
        if let Some(prediction) = &mut request.prediction {
            self.content(&mut prediction.content, "prediction.content")?;
        }
        match &mut request.stop {
            Some(Stop::One(text)) => self.string(text, "stop", Form::Text),
            Some(Stop::Many(texts)) => {
                texts.iter_mut().enumerate().for_each(|(index, text)| {
                    self.string(text, &format!("stop[{index}]"), Form::Text)
                });
            }
            None => {}
        }
        Ok(())
    }

    fn metadata(&mut self, request: &mut ChatRequest) {
        let Some(metadata) = &mut request.metadata else { return };
        *metadata = std::mem::take(metadata)
            .into_iter()
            .map(|(mut key, mut value)| {
                let place = Place { path: "metadata", label: &key, form: Form::Text };
                if let Some(replaced) = (self.visit)(&place, &value) {
                    value = replaced;
                }
                self.string(&mut key, "metadata", Form::Text);
                (key, value)
            })
            .collect();
    }

    fn message(&mut self, message: &mut Message, path: &str) -> Result<(), ChatError> {
        if let Some(name) = &mut message.name {
            let form = if message.role == Role::Tool { Form::Token } else { Form::Name };
            self.string(name, &format!("{path}.name"), form);
        }
        if let Some(content) = &mut message.content {
            self.content(content, &format!("{path}.content"))?;
        }
        self.optional(message.refusal.as_mut(), &format!("{path}.refusal"))?;
        if let Some(id) = &mut message.tool_call_id {
            self.string(id, &format!("{path}.tool_call_id"), Form::Token);
        }
        for (index, call) in message.tool_calls.iter_mut().flatten().enumerate() {
            let path = format!("{path}.tool_calls[{index}]");
            self.string(&mut call.id, &format!("{path}.id"), Form::Token);
            self.string(&mut call.function.name, &format!("{path}.function.name"), Form::Token);
            self.optional(
                Some(&mut call.function.arguments),
                &format!("{path}.function.arguments"),
            )?;
        }
        Ok(())
    }

    fn content(&mut self, content: &mut Content, path: &str) -> Result<(), ChatError> {
        match content {
            Content::Text(text) => self.optional(Some(text), path),
            Content::Parts(parts) => {
                for (index, part) in parts.iter_mut().enumerate() {
                    self.optional(part.text.as_mut(), &format!("{path}[{index}].text"))?;
                    self.optional(part.refusal.as_mut(), &format!("{path}[{index}].refusal"))?;
                }
                Ok(())
            }
        }
    }

    fn string(&mut self, text: &mut String, path: &str, form: Form) {
        if let Some(replaced) = (self.visit)(&Place { path, label: "", form }, text) {
            *text = replaced;
        }
    }

    /// Free text that may itself be JSON.
    fn optional(&mut self, text: Option<&mut String>, path: &str) -> Result<(), ChatError> {
        let Some(text) = text else { return Ok(()) };
        if let Some(replaced) = self.text("", text, path, NESTED)? {
            *text = replaced;
        }
        Ok(())
    }

    fn text(
        &mut self,
        label: &str,
        text: &str,
        path: &str,
        nested: usize,
    ) -> Result<Option<String>, ChatError> {
        if nested > 0 && depth(text.as_bytes()) <= self.max_depth && json::is_json(text) {
            let rewritten =
                json::rewrite(text, &mut |label, value| self.text(label, value, path, nested - 1))?;
            if rewritten.is_some() {
                return Ok(rewritten);
            }
        }
        Ok((self.visit)(&Place { path, label, form: Form::Text }, text))
    }

    /// A schema, kept as JSON text.
    fn raw(&mut self, raw: Option<&mut Box<RawValue>>, path: &str) -> Result<(), ChatError> {
        let Some(raw) = raw else { return Ok(()) };
        let rewritten =
            json::rewrite(raw.get(), &mut |label, value| self.text(label, value, path, NESTED))?;
        // A string that cannot be decoded (half a surrogate pair) cannot be searched.
        let rewritten = rewritten.ok_or_else(|| ChatError::WrongType { path: path.to_owned() })?;
        *raw = RawValue::from_string(rewritten)
            .map_err(|_| ChatError::WrongType { path: path.to_owned() })?;
        Ok(())
    }
}
