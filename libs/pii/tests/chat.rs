//! Chat requests: what is refused, what is visited, what is left.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use pii::chat::{
    ChatError, ChatOptions, ChatRequest, Limits, SanitizedChat, anonymize_chat, leaks,
};
use pii::{Engine, PlaceholderKey};
use proptest::prelude::*;
use serde_json::{Value, json};

fn parse(body: &Value) -> Result<ChatRequest, ChatError> {
    ChatRequest::parse(body.to_string().as_bytes(), &Limits::default())
}

fn sanitize(body: &Value) -> SanitizedChat {
    let engine = Engine::standard().unwrap();
    anonymize_chat(
        &engine,
        &PlaceholderKey::new([3; 32]),
        parse(body).unwrap(),
        &ChatOptions::default(),
    )
    .unwrap()
}

fn sent(chat: &SanitizedChat) -> String {
    serde_json::to_string(&chat.request).unwrap()
}

fn ask(content: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": content}]})
}

/// A request that uses every field, with something personal in every place that holds text.
fn full() -> Value {
    let schema = json!({
        "type": "object",
        "properties": {
            "patient": {"type": "string", "description": "for example Greta Lindholm", "enum": ["greta.one@x.example"], "default": "greta.two@x.example"},
            "greta.key@x.example": {"type": "string", "examples": ["greta.three@x.example"]}
        },
        "required": ["patient", "greta.key@x.example"]
    });
    json!({
        "model": "gpt-test",
        "messages": [
            {"role": "system", "content": "Help greta.system@x.example."},
            {"role": "developer", "content": [{"type": "text", "text": "Mind greta.developer@x.example."}]},
            {"role": "user", "name": "Greta_Lindholm", "content": [{"type": "text", "text": "I am Greta Lindholm, card 4111 1111 1111 1111."}]},
            {"role": "assistant", "content": null, "refusal": "not for greta.refusal@x.example", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look_up",
                 "arguments": "{\"firstName\": \"greta\", \"mail\":\"gr\\u0065ta.args@x.example\", \"card\": 5555555555554444, \"inner\": \"{\\\"m\\\": \\\"greta.inner@x.example\\\"}\"}"}}
            ], "annotations": [], "audio": null, "function_call": null},
            {"role": "tool", "tool_call_id": "call_1", "content": "{\"iban\": \"DE89370400440532013000\", \"note\": \"broken\"}"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no, greta.part@x.example"}]},
            {"role": "user", "content": "thanks"}
        ],
        "tools": [{"type": "function", "function": {"name": "look_up", "description": "Asks greta.tool@x.example", "parameters": schema.clone(), "strict": true}}],
        "tool_choice": {"type": "function", "function": {"name": "look_up"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "out", "description": "by greta.format@x.example", "schema": schema, "strict": true}},
        "prediction": {"type": "content", "content": "Dear greta.prediction@x.example"},
        "stop": ["greta.stop@x.example"],
        "user": "greta-user-77", "safety_identifier": "greta-user-77", "prompt_cache_key": "greta-user-77",
        "metadata": {"contact": "greta.meta@x.example", "greta.metakey@x.example": "v"},
        "temperature": 0.5, "top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "logit_bias": {"50256": -100.0},
        "logprobs": false, "top_logprobs": 0, "n": 1, "max_tokens": 10, "max_completion_tokens": 10, "seed": 7,
        "stream": true, "stream_options": {"include_usage": true}, "parallel_tool_calls": false, "reasoning_effort": "low",
        "verbosity": "low", "service_tier": "auto", "modalities": ["text"], "store": false
    })
}

#[test]
fn every_string_that_can_hold_text_is_visited() {
    let chat = sanitize(&full());
    let sent = sent(&chat);
    assert!(!sent.to_lowercase().contains("greta"), "{sent}");
    for original in ["x.example", "4111", "5555555555554444", "DE8937", "Lindholm"] {
        assert!(!sent.contains(original), "{original} in {sent}");
    }
    let out: Value = serde_json::from_str(&sent).unwrap();
    // A key and its mention in `required` stay the same thing.
    let parameters = &out["tools"][0]["function"]["parameters"];
    let key = parameters["required"][1].as_str().unwrap();
    assert!(parameters["properties"].get(key).is_some());
    // A personal number becomes a string, arguments stay JSON.
    let arguments = out["messages"][3]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    let arguments: Value = serde_json::from_str(&chat.mapping.restore_json(arguments)).unwrap();
    assert_eq!(arguments["card"], "5555555555554444");
    assert_eq!(arguments["mail"], "greta.args@x.example");
    // Names of participants keep to the characters that names may have.
    assert!(
        out["messages"][2]["name"]
            .as_str()
            .unwrap()
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_')
    );
    // What is not text goes through.
    for field in [
        "temperature",
        "logit_bias",
        "seed",
        "stream_options",
        "reasoning_effort",
        "tool_choice",
        "modalities",
    ] {
        assert_eq!(out[field], full()[field], "{field}");
    }
    assert!(
        chat.counts
            .iter()
            .any(|count| count.entity.as_str() == "EMAIL_ADDRESS" && count.count > 15)
    );
}

/// Requests with something that is not understood, and where it stands.
#[rustfmt::skip]
fn unknown() -> Vec<(Value, &'static str)> {
    let with = |message: Value| json!({"model": "m", "messages": [message]});
    vec![
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "audio": {}}),
            "audio",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x", "foo": 1}]}),
            "messages[0].foo",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "video", "text": "x"}]}]}),
            "messages[0].content[0].type",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]}),
            "messages[0].content[0].type",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache": 1}]}]}),
            "messages[0].content[0].cache",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": 5}]}),
            "messages[0].content",
        ),
        (with(json!({"role": "user"})), "messages[0].content"),
        (
            json!({"model": "m", "messages": [{"role": "wizard", "content": "x"}]}),
            "messages[0].role",
        ),
        (
            json!({"model": "m", "messages": [{"role": "tool", "content": "x"}]}),
            "messages[0].tool_call_id",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x", "tool_calls": []}]}),
            "messages[0].tool_calls",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tool_choice": {"type": "function", "function": {"name": "f", "x": 1}}}),
            "tool_choice.function.x",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "stop": [1]}),
            "stop[0]",
        ),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_schema"}}),
            "response_format.json_schema",
        ),
        (json!({"model": "m", "messages": []}), "messages"),
        (json!({"messages": [{"role": "user", "content": "x"}]}), "model"),
        (json!({"model": "m s", "messages": [{"role": "user", "content": "x"}]}), "model"),
    ]
}

#[test]
fn the_unknown_is_refused_with_its_place() {
    for (body, path) in unknown() {
        let error = parse(&body).err().unwrap_or_else(|| panic!("accepted: {body}"));
        assert_eq!(error.path(), Some(path), "{body}: {error}");
    }
    assert_eq!(
        ChatRequest::parse(b"{\"model\":", &Limits::default()).err(),
        Some(ChatError::Malformed)
    );
    assert_eq!(
        ChatRequest::parse(b"{} x", &Limits::default()).err().unwrap().path(),
        Some("model")
    );
}

#[test]
fn errors_do_not_repeat_content() {
    for body in [
        r#"{"model":"m","messages":[{"role":"Anna Weber","content":"x"}]}"#,
        r#"{"model":"m","messages":"Anna Weber"}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"x","Anna Weber":1}]}"#,
    ] {
        let error =
            ChatRequest::parse(body.as_bytes(), &Limits::default()).err().unwrap().to_string();
        assert!(!error.contains("Anna Weber"), "{error}");
    }
}

#[test]
fn limits_come_first() {
    let deep =
        format!("{{\"model\":\"m\",\"messages\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(
        ChatRequest::parse(deep.as_bytes(), &Limits::default()),
        Err(ChatError::TooDeep { .. })
    ));
    let limits = Limits { max_bytes: 10, ..Limits::default() };
    assert!(matches!(
        ChatRequest::parse(b"{\"model\":\"m\"}", &limits),
        Err(ChatError::TooLarge { limit: 10 })
    ));
    let limits = Limits { max_messages: 1, ..Limits::default() };
    let two = json!({"model": "m", "messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]});
    assert_eq!(
        ChatRequest::parse(two.to_string().as_bytes(), &limits).err(),
        Some(ChatError::TooManyMessages { limit: 1 })
    );
    let arguments = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let call =
        json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]);
    let nested = json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": call}]});
    assert_eq!(
        parse(&nested).err().unwrap().path(),
        Some("messages[0].tool_calls[0].function.arguments")
    );
}

#[test]
fn earlier_turns_keep_their_placeholders() {
    let first = sanitize(&ask("I am Anna Weber from Leipzig."));
    let second = sanitize(&json!({"model": "m", "messages": [
        {"role": "user", "content": "I am Anna Weber from Leipzig."},
        {"role": "assistant", "content": "Hello Anna Weber."},
        {"role": "user", "content": "Weber met Jonas Brandt in Leipzig."}
    ]}));
    let content = |chat: &SanitizedChat| {
        serde_json::to_value(&chat.request).unwrap()["messages"][0]["content"].clone()
    };
    assert_eq!(content(&first), content(&second));
}

#[test]
fn the_check_before_sending_finds_an_original_in_other_clothes() {
    let engine = Engine::standard().unwrap();
    let chat = sanitize(&ask("I am Anna Weber, card 4111 1111 1111 1111, mail aw@x.example"));
    let options = ChatOptions::default();
    assert_eq!(leaks(&engine, &chat.request, &chat.mapping, &options), Ok(()));
    for left in [
        "ANNA  WEBER",
        "4111-1111-1111-1111",
        "x4111 11111111 1111x",
        "AW@x.EXAMPLE",
        "an\u{200b}na weber",
    ] {
        let tampered = parse(&ask(left)).unwrap();
        let error = leaks(&engine, &tampered, &chat.mapping, &options)
            .err()
            .unwrap_or_else(|| panic!("{left} passed"));
        assert_eq!(error.path(), Some("messages[0].content"));
    }
}

/// Once the card is replaced, the name against it stands alone and would be an original left.
#[test]
fn a_name_that_a_replacement_uncovers_is_replaced_too() {
    let chat = sanitize(&ask("Card 4111 1111 1111 1111 of Anna. 4111 1111 1111 1111Anna 1"));
    assert!(!sent(&chat).contains("Anna"), "{}", sent(&chat));
}

#[test]
fn what_is_allowed_passes_the_check_too() {
    let engine = Engine::standard().unwrap();
    let mut options = ChatOptions::default();
    options.detection.allow_list = vec!["anna weber".to_owned()];
    let request = parse(&ask("I am Anna Weber, user anna weber.")).unwrap();
    let chat = anonymize_chat(&engine, &PlaceholderKey::new([3; 32]), request, &options).unwrap();
    assert!(sent(&chat).contains("user anna weber") && !sent(&chat).contains("Anna Weber"));
}

#[test]
fn ids_and_tool_names_are_replaced_whole_and_alike() {
    let call = json!([{"id": "anna@x.example", "type": "function", "function": {"name": "f", "arguments": "not json, aw@x.example"}}]);
    let chat = sanitize(&json!({"model": "m", "messages": [
        {"role": "assistant", "tool_calls": call}, {"role": "tool", "tool_call_id": "anna@x.example", "content": "ok"}
    ]}));
    let out = serde_json::to_value(&chat.request).unwrap();
    let id = out["messages"][0]["tool_calls"][0]["id"].as_str().unwrap();
    assert_eq!(out["messages"][1]["tool_call_id"], id);
    assert!(id.starts_with("EMAIL_ADDRESS_") && chat.mapping.restore(id) == "anna@x.example");
    assert!(!sent(&chat).contains("aw@x.example"));
}

#[test]
fn what_is_found_once_is_replaced_everywhere() {
    let chat = sanitize(&json!({"model": "m", "messages": [
        {"role": "user", "content": "Patient: Zorvan Quillfeather"},
        {"role": "user", "content": "zorvan quillfeather slept; ZORVAN QUILLFEATHER woke. 4111 1111 1111 1111"},
        {"role": "user", "content": "ref A4111-1111-1111-1111B"}
    ]}));
    let sent = sent(&chat).to_lowercase();
    assert!(!sent.contains("zorvan") && !sent.contains("4111"), "{sent}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a user writes comes back as it was, in text and in arguments, and the check
    /// before sending never finds what the replacement left.
    #[test]
    fn a_conversation_comes_back_as_it_was(
        pieces in prop::collection::vec(prop_oneof![
            Just("Anna Weber".to_owned()), Just("weber".to_owned()), Just("aw@x.example ".to_owned()),
            Just("4111 1111 1111 1111".to_owned()), Just("4111111111111111".to_owned()), Just("May 3, 2024".to_owned()),
            Just("\\u003c".to_owned()), "\\PC{0,8}", "[ \\n\"\\\\<>_{}]{0,3}",
        ], 0..8)
    ) {
        let text = format!("- {}", pieces.concat());
        let call = json!([{"id": "c", "type": "function", "function": {"name": "f", "arguments": json!({"k": text}).to_string()}}]);
        let chat = sanitize(&json!({"model": "m", "messages": [
            {"role": "user", "content": text}, {"role": "assistant", "content": null, "tool_calls": call}
        ]}));
        let out = serde_json::to_value(&chat.request).unwrap();
        prop_assert_eq!(chat.mapping.restore(out["messages"][0]["content"].as_str().unwrap()), text.clone());
        let arguments = out["messages"][1]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
        let arguments: Value = serde_json::from_str(&chat.mapping.restore_json(arguments)).unwrap();
        prop_assert_eq!(arguments["k"].as_str(), Some(text.as_str()));
    }
}
