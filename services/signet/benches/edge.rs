//! Through the whole mesh, over loopback: what the privacy path adds to a model
//! provider's own answer, and what the edge costs a light REST call against a
//! bare Envoy. Prints ratios.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]
#![allow(unreachable_pub, reason = "a module of a program")]

#[allow(dead_code, reason = "shared by the benchmarks; each uses a part")]
mod parts;

use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde_json::json;
use tokio::task::JoinSet;

use parts::{Signet, bare_envoy, free_ports, upstream};

const LETTER: &str = include_str!("../../../examples/discharge-letter.txt");

// The edge lets a user have 1,000 requests a minute. All of one run together
// stay below that, and an answer that is not 200 ends it.
const WARM: usize = 20;
const CHATS: usize = 100;
/// Turns of as many calls each: with one, and with eight at a time.
const TURNS: usize = 8;
const CALLS: usize = 40;
const EIGHT: usize = 8;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let upstream = upstream().await;
    let signet = Signet::start(folder.path(), upstream).await;
    println!("{}; resident, Envoy apart: {} MiB", signet.said, signet.resident_mib());
    let token = signet.log_in(&client).await;

    let body = json!({ "model": "fixed", "messages": [{ "role": "user", "content": LETTER }] });
    let chat = |url: &str| client.post(format!("{url}/v1/chat/completions")).json(&body);
    let through = chat(&signet.url).bearer_auth(&token);
    let straight = chat(&format!("http://127.0.0.1:{upstream}"));
    privacy_path(&through, &straight).await;

    let [port] = free_ports();
    let _envoy = bare_envoy(folder.path(), port, upstream).await;
    let me = |url: &str| client.get(format!("{url}/v1/auth/me")).bearer_auth(&token);
    let (edge, bare) = (me(&signet.url), me(&format!("http://127.0.0.1:{port}")));
    light_call(&edge, &bare, 1).await;
    light_call(&edge, &bare, EIGHT).await;
    println!("resident after the run, Envoy apart: {} MiB", signet.resident_mib());
}

async fn privacy_path(through: &RequestBuilder, straight: &RequestBuilder) {
    let (mut whole, mut provider) = (Vec::new(), Vec::new());
    // In turns, so that both meet the same machine.
    for turn in 0..WARM + CHATS {
        let pair = (timed(through).await, timed(straight).await);
        if turn >= WARM {
            whole.push(pair.0);
            provider.push(pair.1);
        }
    }
    let (whole, provider) = (median(whole), median(provider));
    println!(
        "chat completion, a letter of {} bytes, p50: through Signet {whole:?} / straight to the \
         provider {provider:?} = {:.1}; added: {:?}",
        LETTER.len(),
        ratio(whole, provider),
        whole.saturating_sub(provider),
    );
}

/// Requests a second, and the times of the single calls.
#[derive(Default)]
struct Load {
    elapsed: Duration,
    times: Vec<Duration>,
}

impl Load {
    async fn turn(&mut self, request: &RequestBuilder, concurrent: usize) {
        let mut callers = JoinSet::new();
        let start = Instant::now();
        for _ in 0..concurrent {
            let request = request.try_clone().unwrap();
            callers.spawn(async move {
                let mut times = Vec::new();
                for _ in 0..CALLS / concurrent {
                    times.push(timed(&request).await);
                }
                times
            });
        }
        self.times.extend(callers.join_all().await.into_iter().flatten());
        self.elapsed += start.elapsed();
    }

    fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }
}

async fn light_call(edge: &RequestBuilder, bare: &RequestBuilder, concurrent: usize) {
    for request in [edge, bare] {
        Load::default().turn(request, concurrent).await;
    }
    let (mut whole, mut least) = (Load::default(), Load::default());
    for _ in 0..TURNS {
        whole.turn(edge, concurrent).await;
        least.turn(bare, concurrent).await;
    }
    let (rate, bare_rate) = (whole.per_second(), least.per_second());
    let (p50, bare_p50) = (median(whole.times), median(least.times));
    println!(
        "GET /v1/auth/me, {concurrent} at a time, p50: edge {p50:?} / bare Envoy {bare_p50:?} = \
         {:.1}; requests/s: {rate:.0} / {bare_rate:.0} = {:.2}",
        ratio(p50, bare_p50),
        rate / bare_rate,
    );
}

/// How long the whole answer takes.
async fn timed(request: &RequestBuilder) -> Duration {
    let request = request.try_clone().unwrap();
    let start = Instant::now();
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}
