//! Keeps a connection: hears what others invalidate, says what could not be said
//! before, and proves by pings that both would have worked.

use std::sync::Arc;
use std::time::Duration;

use fred::interfaces::{EventInterface, PubsubInterface};
use fred::types::Message;
use kernel::Result;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::cache::{Cache, MetadataOnly};
use crate::connect::{Wire, limited};
use crate::link::{Link, channel};
use crate::seal::Id;
use crate::shared::Shared;

const PING_EVERY: Duration = Duration::from_millis(200);
/// A connection that has been silent for so long is given up.
const SILENT_AT_MOST: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Invalidations sent at once.
const BATCH: usize = 256;

impl<V: MetadataOnly> Cache<V> {
    pub(crate) async fn listen(&self, shared: &Shared, stop: &CancellationToken) {
        let mut pause = FIRST_PAUSE;
        let mut reported = false;
        while !stop.is_cancelled() {
            match self.connect(shared).await {
                Ok((mut wire, link, messages)) => {
                    tracing::info!(cache = self.name(), "the shared cache is connected");
                    (pause, reported) = (FIRST_PAUSE, false);
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = wire.closed() => {}
                        () = self.attend(shared, &link, messages) => {}
                    }
                    shared.set_link(None);
                    self.gauge(false);
                }
                // Once an outage.
                Err(fault) if !reported => {
                    tracing::warn!(cache = self.name(), ?fault, "the shared cache is out of reach");
                    reported = true;
                }
                Err(_) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    async fn connect(&self, shared: &Shared) -> Result<(Wire, Arc<Link>, Receiver<Message>)> {
        let wire = Wire::open(&shared.settings).await?;
        let messages = wire.client.message_rx();
        let within = shared.settings.connect_timeout.get();
        limited(within, wire.client.subscribe(channel(self.name()))).await?;
        let link = Arc::new(Link::new(&wire, self.name(), &shared.settings));
        shared.set_link(Some(Arc::clone(&link)));
        Ok((wire, link, messages))
    }

    /// Until the connection has been silent for too long.
    async fn attend(&self, shared: &Shared, link: &Link, mut messages: Receiver<Message>) {
        // Pinned outside the loop: messages must not put off the next ping.
        let round = std::pin::pin!(round(shared, link, Duration::ZERO));
        let mut round = round;
        loop {
            let answered = tokio::select! {
                biased;
                message = messages.recv() => match message {
                    Ok(message) => { self.hear(&message); continue }
                    Err(RecvError::Lagged(_)) => { self.forget_all(); continue }
                    Err(RecvError::Closed) => return,
                },
                answered = &mut round => answered,
            };
            if let Some(sent) = answered {
                // What the server said before it answered.
                self.hear_waiting(&mut messages);
                if link.answered(sent) {
                    self.forget_all();
                }
            } else if link.silent_for() > SILENT_AT_MOST {
                return;
            }
            self.gauge(link.hears() && link.answers());
            round.set(self::round(shared, link, PING_EVERY));
        }
    }

    fn hear_waiting(&self, messages: &mut Receiver<Message>) {
        loop {
            match messages.try_recv() {
                Ok(message) => self.hear(&message),
                Err(TryRecvError::Lagged(_)) => self.forget_all(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn hear(&self, message: &Message) {
        // Anything else is nobody's key.
        if let Some(id) = message.value.as_bytes().and_then(|bytes| Id::try_from(bytes).ok()) {
            self.forget(&id);
            self.count_invalidation("heard");
        }
    }
}

/// When the ping was sent that was answered; before that is said, what is owed is
/// paid.
async fn round(shared: &Shared, link: &Link, pause: Duration) -> Option<Instant> {
    sleep(pause).await;
    let sent = Instant::now();
    link.ping().await.ok()?;
    loop {
        let owed = shared.owed(BATCH);
        if owed.is_empty() {
            return Some(sent);
        }
        let ids: Vec<Id> = owed.iter().map(|(id, _)| *id).collect();
        link.drop_all(&ids).await.ok()?;
        for (id, debt) in owed {
            shared.paid(&id, debt);
        }
    }
}
