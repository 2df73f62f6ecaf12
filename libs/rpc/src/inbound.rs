//! What a caller streams to a handler: awaited within bounds, its errors turned into faults.

use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kernel::{Fault, Result, common};
use tokio::time::Instant;
use tonic::Status;

use crate::status;

/// A caller who has nothing to say for so long has gone away, or holds a place for nothing.
const IDLE: Duration = Duration::from_secs(30);

/// The messages of one call, in order.
pub struct Inbound<M> {
    messages: Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>,
    deadline: Instant,
    idle: Duration,
}

impl<M> Inbound<M> {
    pub(crate) fn new(
        messages: impl Stream<Item = Result<M, Status>> + Send + 'static,
        deadline: Instant,
    ) -> Self {
        Self { messages: Box::pin(messages), deadline, idle: IDLE }
    }

    /// The next message; none after the caller's last. DEADLINE_EXCEEDED if the caller is silent
    /// for 30 seconds, or the call's time is over.
    pub async fn next(&mut self) -> Result<Option<M>> {
        let now = Instant::now();
        let until = self.deadline.min(now + self.idle);
        let late = || {
            let what = if until < self.deadline { "the caller is silent" } else { "amid a stream" };
            Fault::new(&common::DEADLINE_EXCEEDED).with_note(what)
        };
        // A caller who sends all the time never makes the stream wait.
        if now >= self.deadline {
            return Err(late());
        }
        match tokio::time::timeout_at(until, self.messages.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(message))) => Ok(Some(message)),
            Ok(Some(Err(status))) => Err(broken(&status)),
            Err(_) => Err(late()),
        }
    }
}

/// The call has ended amid a message, or it was too large, or no message.
fn broken(status: &Status) -> Fault {
    status::foreign(status).unwrap_or_else(|| Fault::internal(format!("{:?}", status.code())))
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn of(
        messages: impl Stream<Item = Result<u8, Status>> + Send + 'static,
        time: Duration,
    ) -> Inbound<u8> {
        Inbound::new(messages, Instant::now() + time)
    }

    #[tokio::test(start_paused = true)]
    async fn messages_come_in_order_and_end() {
        let mut inbound = of(stream::iter([Ok(1), Ok(2)]), IDLE);
        assert_eq!(inbound.next().await.unwrap(), Some(1));
        assert_eq!(inbound.next().await.unwrap(), Some(2));
        assert_eq!(inbound.next().await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_not_waited_out_and_the_deadline_holds() {
        for (time, waited) in [(3_600, 30), (10, 10)] {
            let begun = Instant::now();
            let mut inbound = of(stream::pending(), Duration::from_secs(time));
            let fault = inbound.next().await.unwrap_err();
            assert_eq!(fault.reason().code, "DEADLINE_EXCEEDED");
            assert_eq!(begun.elapsed().as_secs(), waited);
        }
        let mut inbound = of(stream::repeat_with(|| Ok(1)), Duration::from_secs(5));
        assert!(inbound.next().await.is_ok());
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(inbound.next().await.is_err(), "a caller who never stops");
    }

    #[tokio::test]
    async fn a_broken_stream_is_a_fault_of_its_own_kind() {
        for (status, reason) in [
            (Status::out_of_range("large"), "MESSAGE_TOO_LARGE"),
            (Status::internal("no protobuf"), "MESSAGE_MALFORMED"),
            (Status::cancelled("gone"), "DEADLINE_EXCEEDED"),
        ] {
            let mut inbound = of(stream::iter([Err(status)]), IDLE);
            assert_eq!(inbound.next().await.unwrap_err().reason().code, reason);
        }
    }
}
