//! Every server of the kit starts, answers and ends.

use testkit::{Envoy, Postgres, free_port, http, jaeger, model_provider, postgres, valkey};

#[test]
fn each_test_has_its_own_database_with_c_collation() {
    let server = postgres().unwrap();
    let (one, two) = (server.database().unwrap(), server.database().unwrap());
    assert_ne!(one.url(), two.url());
    server.execute(one.url(), "CREATE TABLE only_in_one (id int)").unwrap();
    assert!(server.execute(two.url(), "SELECT * FROM only_in_one").is_err());
    // In the C collation capitals sort before small letters.
    server.execute(one.url(), "SELECT 1 / (('Z' < 'a')::int)").unwrap();
    let url = one.url().to_owned();
    drop(one);
    assert!(server.execute(&url, "SELECT 1").is_err(), "the database is dropped with its value");
}

#[test]
fn a_durable_server_waits_for_the_disk() {
    let server = Postgres::start_durable().unwrap();
    let setting = "SELECT 1 / ((current_setting('fsync') = 'on')::int)";
    server.execute(server.url(), setting).unwrap();
}

#[test]
fn valkey_answers_and_stops() {
    let mut server = valkey().unwrap();
    let address = server.url().trim_start_matches("redis://").to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok());
    server.stop();
    assert!(std::net::TcpStream::connect(&address).is_err());
}

#[test]
fn jaeger_has_no_trace_at_first() {
    let server = jaeger().unwrap();
    assert_eq!(server.trace("0af7651916cd43dd8448eb211c80319c").unwrap(), None);
}

#[test]
fn the_model_provider_says_what_it_is_told_and_remembers() {
    let provider = model_provider().unwrap();
    let address = provider.base_url();
    let address = address.trim_start_matches("http://").trim_end_matches("/v1").parse().unwrap();
    let request = r#"{"model":"m","messages":[{"role":"user","content":"ping ‹1›"}]}"#;
    let echoed = http::post_json(address, "/v1/chat/completions", request).unwrap();
    assert!(echoed.body.contains("ping ‹1›"), "{}", echoed.body);
    provider.script(r#"[{"type":"reply","text":"scripted"}]"#).unwrap();
    let scripted = http::post_json(address, "/v1/chat/completions", request).unwrap();
    assert!(scripted.body.contains("scripted"), "{}", scripted.body);
    assert!(provider.requests().unwrap().contains("ping ‹1›"));
}

#[test]
fn envoy_refuses_a_file_that_it_does_not_understand() {
    let file = std::env::temp_dir().join(format!("signet-bad-{}.yaml", free_port().unwrap()));
    std::fs::write(&file, "static_resources: { listener: [] }").unwrap();
    let refusal = Envoy::validate(&file).unwrap_err().to_string();
    std::fs::remove_file(&file).unwrap();
    assert!(refusal.contains("listener"), "{refusal}");
}
