//! What runs beside the server. No call would miss a task that has panicked, so
//! that is watched for: a service that no longer relays its events, say, must not
//! look healthy.

use std::collections::HashMap;

use kernel::Fault;
use tokio::task::{Id, JoinError, JoinSet};

#[derive(Default)]
pub(crate) struct Tasks {
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.names.insert(self.running.spawn(task).id(), name);
    }

    /// Waits until one panics. Ending is no failure: some have one thing to do.
    pub(crate) async fn first_to_fail(&mut self) -> Fault {
        while let Some(ended) = self.running.join_next().await {
            if let Err(error) = ended {
                return self.died(&error);
            }
        }
        std::future::pending().await
    }

    /// Waits for all of them.
    pub(crate) async fn end(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(cause = ?self.died(&error), "a task failed at its end");
            }
        }
    }

    /// Without the panic's own words, as in `log_panics`.
    fn died(&self, error: &JoinError) -> Fault {
        let name = self.names.get(&error.id()).copied().unwrap_or_default();
        let how = if error.is_panic() { "panicked" } else { "was cancelled" };
        Fault::internal(format!("the task `{name}` {how}"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let mut tasks = Tasks::default();
        tasks.spawn("stays", std::future::pending());
        tasks.spawn("breaks", async { panic!("on purpose") });
        assert!(format!("{:?}", tasks.first_to_fail().await).contains("`breaks` panicked"));
    }

    #[tokio::test]
    async fn an_end_is_none() {
        let mut tasks = Tasks::default();
        tasks.spawn("ends", async {});
        assert!(
            tokio::time::timeout(Duration::from_millis(50), tasks.first_to_fail()).await.is_err()
        );
        tasks.end().await;
    }
}
