//! Stops asking a provider that does not answer.
//!
//! Each call to a provider that is frozen costs its caller the whole time-out,
//! and callers pile up behind it. After a few failures in a row the breaker
//! opens: calls are refused at once, with the time to retry. After a pause one
//! call is let through as a probe; its success closes the breaker. So nobody
//! has to restart anything when the provider comes back.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use kernel::{Fault, Result, SharedClock, Timestamp};
use serde::Deserialize;

use crate::reasons;
use crate::wrapped::Provider;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerSettings {
    /// So many failures without a success between them open it. 0 turns it off.
    pub failures: u32,
    /// Older failures do not count.
    pub window_ms: u32,
    /// How long it stays open before a call is let through to try.
    pub pause_ms: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { failures: 5, window_ms: 10_000, pause_ms: 2_000 }
    }
}

pub(crate) struct Breaker {
    provider: Provider,
    settings: BreakerSettings,
    clock: SharedClock,
    state: Mutex<State>,
}

enum State {
    Closed {
        failures: VecDeque<Timestamp>,
    },
    Open {
        until: Timestamp,
    },
    /// One call is under way to try.
    HalfOpen,
}

/// The leave to make one call.
struct Pass<'a> {
    breaker: &'a Breaker,
    probe: bool,
}

impl Breaker {
    pub(crate) fn new(provider: Provider, settings: BreakerSettings, clock: SharedClock) -> Self {
        gauge(provider, false);
        let state = Mutex::new(State::Closed { failures: VecDeque::new() });
        Self { provider, settings, clock, state }
    }

    /// Does the work, or refuses to. `away` tells a provider that could not be
    /// asked from one that answered, be it by a refusal.
    pub(crate) async fn call<T, E: From<Fault>>(
        &self,
        away: fn(&E) -> bool,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if self.settings.failures == 0 {
            return work.await;
        }
        let pass = self.enter()?;
        let result = work.await;
        pass.done(result.as_ref().err().is_some_and(away));
        result
    }

    fn enter(&self) -> Result<Pass<'_>> {
        let now = self.clock.now();
        let mut state = self.state();
        let wait = match *state {
            State::Closed { .. } => return Ok(Pass { breaker: self, probe: false }),
            State::Open { until } if now >= until => {
                *state = State::HalfOpen;
                return Ok(Pass { breaker: self, probe: true });
            }
            State::Open { until } => until - now,
            State::HalfOpen => self.pause(),
        };
        Err(Fault::new(&reasons::KMS_UNAVAILABLE)
            .with_note("not asked: it has failed too often just now")
            .with_retry_after(wait.to_std().unwrap_or_default().max(Duration::from_millis(1))))
    }

    fn settle(&self, probe: bool, away: bool) {
        let now = self.clock.now();
        let mut state = self.state();
        match (&mut *state, away) {
            (State::Closed { failures }, false) => failures.clear(),
            (State::Closed { failures }, true) => {
                let since = now - TimeDelta::milliseconds(self.settings.window_ms.into());
                failures.push_back(now);
                failures.retain(|failed| *failed > since);
                if failures.len() >= self.settings.failures as usize {
                    *state = State::Open { until: now + self.pause() };
                    self.tell(true);
                }
            }
            (State::HalfOpen, false) if probe => {
                *state = State::Closed { failures: VecDeque::new() };
                self.tell(false);
            }
            (State::HalfOpen, true) if probe => *state = State::Open { until: now + self.pause() },
            // A call from before it opened: nothing new.
            _ => {}
        }
    }

    /// Once a change: whoever watches wants to know when it began and when it ended.
    fn tell(&self, open: bool) {
        let provider = self.provider.name();
        gauge(self.provider, open);
        let to = if open { "open" } else { "closed" };
        metrics::counter!("signet_kms_breaker_changes_total", "provider" => provider, "to" => to)
            .increment(1);
        if open {
            tracing::warn!(provider, "the key provider does not answer: calls to it are refused");
        } else {
            tracing::info!(provider, "the key provider answers again");
        }
    }

    fn pause(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.settings.pause_ms.into())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    fn done(mut self, away: bool) {
        self.breaker.settle(self.probe, away);
        self.probe = false;
    }
}

impl Drop for Pass<'_> {
    /// A probe whose caller went away has told nothing: the next call tries.
    fn drop(&mut self) {
        if self.probe {
            *self.breaker.state() = State::Open { until: self.breaker.clock.now() };
        }
    }
}

fn gauge(provider: Provider, open: bool) {
    metrics::gauge!("signet_kms_breaker_open", "provider" => provider.name()).set(if open {
        1.0
    } else {
        0.0
    });
}

#[cfg(test)]
mod tests {
    use std::future;

    use kernel::{ManualClock, common};
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: BreakerSettings =
        BreakerSettings { failures: 3, window_ms: 1_000, pause_ms: 500 };

    fn breaker() -> (Breaker, std::sync::Arc<ManualClock>) {
        let clock = ManualClock::at(Timestamp::from_timestamp(1_800_000_000, 0).unwrap());
        (Breaker::new(Provider::Vault, SETTINGS, clock.clone()), clock)
    }

    fn away(fault: &Fault) -> bool {
        fault.reason() == &reasons::KMS_UNAVAILABLE
    }

    async fn fail(breaker: &Breaker) -> Fault {
        let work = async { Err::<(), _>(Fault::new(&reasons::KMS_UNAVAILABLE).with_note("away")) };
        breaker.call(away, work).await.unwrap_err()
    }

    async fn succeed(breaker: &Breaker) -> Result<()> {
        breaker.call(away, async { Ok(()) }).await
    }

    fn asked(fault: &Fault) -> bool {
        fault.note() == Some("away")
    }

    #[tokio::test]
    async fn opens_after_failures_in_a_row_and_closes_after_a_probe() {
        let (breaker, clock) = breaker();
        for _ in 0..2 {
            assert!(asked(&fail(&breaker).await));
        }
        succeed(&breaker).await.unwrap();
        for _ in 0..3 {
            assert!(asked(&fail(&breaker).await));
        }
        let refused = fail(&breaker).await;
        assert!(!asked(&refused));
        assert_eq!(refused.retry_after(), Some(Duration::from_millis(500)));
        clock.advance(TimeDelta::milliseconds(499));
        assert_eq!(fail(&breaker).await.retry_after(), Some(Duration::from_millis(1)));
        clock.advance(TimeDelta::milliseconds(1));
        assert!(asked(&fail(&breaker).await), "the probe");
        assert!(!asked(&fail(&breaker).await), "open again");
        clock.advance(TimeDelta::milliseconds(500));
        succeed(&breaker).await.unwrap();
        succeed(&breaker).await.unwrap();
    }

    #[tokio::test]
    async fn failures_far_apart_and_refusals_do_not_open_it() {
        let (breaker, clock) = breaker();
        for _ in 0..10 {
            assert!(asked(&fail(&breaker).await));
            clock.advance(TimeDelta::milliseconds(501));
        }
        for _ in 0..10 {
            let denied = async { Err::<(), _>(Fault::new(&reasons::KMS_DENIED)) };
            let fault = breaker.call(away, denied).await.unwrap_err();
            assert_eq!(fault.reason(), &reasons::KMS_DENIED);
        }
        assert!(succeed(&breaker).await.is_ok());
    }

    #[tokio::test]
    async fn one_probe_at_a_time_and_an_abandoned_one_is_none() {
        let (breaker, clock) = breaker();
        for _ in 0..3 {
            fail(&breaker).await;
        }
        clock.advance(TimeDelta::milliseconds(500));
        let probe = breaker.enter().unwrap();
        assert!(probe.probe);
        assert!(!asked(&fail(&breaker).await), "only one");
        drop(probe);
        {
            let waiting = breaker.call(away, future::pending::<Result<()>>());
            tokio::pin!(waiting);
            assert!(futures_poll(&mut waiting).await.is_none());
        }
        succeed(&breaker).await.unwrap();
    }

    async fn futures_poll<F: Future>(future: &mut std::pin::Pin<&mut F>) -> Option<F::Output> {
        tokio::select! { biased; done = future => Some(done), () = future::ready(()) => None }
    }

    #[tokio::test]
    async fn zero_turns_it_off() {
        let clock = ManualClock::at(Timestamp::from_timestamp(1_800_000_000, 0).unwrap());
        let off = BreakerSettings { failures: 0, ..SETTINGS };
        let breaker = Breaker::new(Provider::Vault, off, clock);
        for _ in 0..20 {
            assert!(asked(&fail(&breaker).await));
        }
        let other = breaker.call(away, async { Err::<(), _>(Fault::new(&common::INTERNAL)) });
        assert_eq!(other.await.unwrap_err().reason(), &common::INTERNAL);
    }

    proptest! {
        /// Whatever came before: when the provider answers, one pause later everybody is served.
        #[test]
        fn it_always_recovers_within_a_pause(steps in prop::collection::vec((any::<bool>(), 0..400_i64), 0..60)) {
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
                let (breaker, clock) = breaker();
                for (good, ms) in steps {
                    let _either = if good { succeed(&breaker).await.err() } else { Some(fail(&breaker).await) };
                    clock.advance(TimeDelta::milliseconds(ms));
                }
                clock.advance(TimeDelta::milliseconds(500));
                for _ in 0..3 {
                    prop_assert!(succeed(&breaker).await.is_ok());
                }
                Ok(())
            })?;
        }
    }
}
