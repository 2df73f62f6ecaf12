//! The end of a streamed answer, where the receipt goes.

use serde_json::{Map, Value, json};

/// Holds back a chunk that may be the last one. Chunks that only carry text
/// pass at once: waiting for the next would delay every word by one.
#[derive(Default)]
pub(super) struct Tail {
    held: Option<Value>,
    /// What all chunks of the stream share.
    frame: Option<Map<String, Value>>,
}

impl Tail {
    /// Takes a chunk; gives those that may be sent, in order.
    pub(super) fn pass(&mut self, chunk: Value) -> impl Iterator<Item = Value> + use<> {
        if self.frame.is_none() {
            let shared =
                |(name, _): &(&String, &Value)| !matches!(name.as_str(), "choices" | "usage");
            let members = chunk.as_object().into_iter().flatten().filter(shared);
            self.frame = Some(members.map(|(name, value)| (name.clone(), value.clone())).collect());
        }
        let before = self.held.take();
        let now = if ends(&chunk) {
            self.held = Some(chunk);
            None
        } else {
            Some(chunk)
        };
        before.into_iter().chain(now)
    }

    /// The chunk that carries the receipt: the last one if it ended a choice,
    /// else one more without choices, as `include_usage` makes SDKs expect.
    /// Nothing if there was no chunk at all.
    pub(super) fn last(self) -> Option<Value> {
        let more = |mut frame: Map<String, Value>| {
            frame.insert("choices".to_owned(), json!([]));
            Value::Object(frame)
        };
        self.held.or_else(|| self.frame.map(more))
    }
}

fn ends(chunk: &Value) -> bool {
    let choices = chunk.get("choices").and_then(Value::as_array);
    choices.is_some_and(|choices| {
        choices.iter().all(|choice| choice.get("finish_reason").is_some_and(|why| !why.is_null()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(text: &str, finish: Option<&str>) -> Value {
        json!({ "id": "c", "model": "m", "usage": null,
            "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": finish }] })
    }

    fn passed(tail: &mut Tail, chunk: Value) -> usize {
        tail.pass(chunk).count()
    }

    #[test]
    fn text_passes_at_once_and_an_end_waits() {
        let mut tail = Tail::default();
        assert_eq!(passed(&mut tail, chunk("a", None)), 1);
        assert_eq!(passed(&mut tail, chunk("", Some("stop"))), 0);
        assert_eq!(passed(&mut tail, json!({ "choices": [], "usage": { "total_tokens": 1 } })), 1);
        assert_eq!(tail.last().unwrap()["usage"]["total_tokens"], 1);
    }

    #[test]
    fn a_stream_without_an_end_gets_one() {
        let mut tail = Tail::default();
        assert_eq!(passed(&mut tail, chunk("a", None)), 1);
        assert_eq!(tail.last().unwrap(), json!({ "id": "c", "model": "m", "choices": [] }));
        assert!(Tail::default().last().is_none());
    }
}
