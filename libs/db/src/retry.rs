//! Repeating a transaction that lost a race, with bounds and with jitter.

use std::error::Error as _;
use std::time::Duration;

use kernel::Fault;

use crate::Error;

/// With the pauses below, about two seconds at worst.
const MAX_ATTEMPTS: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// An error that can say whether the same work, repeated, may succeed.
pub trait Contended {
    fn contended(&self) -> bool;
}

impl Contended for Error {
    fn contended(&self) -> bool {
        self.is_contended()
    }
}

impl Contended for Fault {
    fn contended(&self) -> bool {
        self.source()
            .and_then(|source| source.downcast_ref::<Error>())
            .is_some_and(Error::is_contended)
    }
}

/// Repeats a future expression while its error is [`Contended`], at most ten
/// times. The expression is evaluated anew each time, so it must begin its own
/// transaction; what it does outside of that is done again.
#[macro_export]
macro_rules! retry {
    ($call:expr) => {{
        let mut attempts: u32 = 0;
        loop {
            match $call.await {
                Err(error) if $crate::again(&error, &mut attempts).await => {}
                outcome => break outcome,
            }
        }
    }};
}

/// The decision and the pause of [`retry!`].
pub async fn again(error: &impl Contended, attempts: &mut u32) -> bool {
    *attempts += 1;
    if !error.contended() || *attempts >= MAX_ATTEMPTS {
        return false;
    }
    metrics::counter!("db_retries_total").increment(1);
    tokio::time::sleep(pause(*attempts)).await;
    true
}

/// Doubles each time; the whole of it is jitter ("full jitter"), so that those
/// who collided once do not collide again.
fn pause(attempt: u32) -> Duration {
    let ceiling = FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(LONGEST_PAUSE);
    ceiling.mul_f64(rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use kernel::common;

    use super::*;

    #[test]
    fn pauses_grow_but_stay_bounded() {
        for attempt in 0..100 {
            assert!(pause(attempt) <= LONGEST_PAUSE);
        }
    }

    #[tokio::test]
    async fn gives_up_after_a_bound_and_never_repeats_other_errors() {
        let mut calls = 0;
        let outcome: Result<(), Error> = retry!({
            calls += 1;
            async { Err(Error::contention_for_tests()) }
        });
        assert!(outcome.is_err());
        assert_eq!(calls, MAX_ATTEMPTS);

        let mut calls = 0;
        let outcome: Result<(), Fault> = retry!({
            calls += 1;
            async { Err(Fault::new(&common::ETAG_MISMATCH)) }
        });
        assert!(outcome.is_err());
        assert_eq!(calls, 1);
    }

    #[tokio::test]
    async fn a_fault_made_from_contention_is_still_recognized() {
        assert!(Fault::from(Error::contention_for_tests()).contended());
        assert!(!Fault::not_found().contended());
    }
}
