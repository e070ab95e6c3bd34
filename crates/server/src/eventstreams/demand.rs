//! Which of several servers is to have a stream: one that has somebody to deliver it to.

use core::future::pending;
use core::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Whether there is somebody here; always, if nothing is known of that.
pub(super) struct Demand(Option<watch::Receiver<bool>>);

impl Demand {
    pub(super) fn new(demand: Option<watch::Receiver<bool>>) -> Self {
        Self(demand)
    }

    /// Waits until there is.
    pub(super) async fn there(&mut self) {
        self.until(true).await;
    }

    /// Waits until there has been nobody for a while: longer than whoever comes again needs.
    pub(super) async fn gone(&mut self) {
        loop {
            self.until(false).await;
            if timeout(GRACE, self.until(true)).await.is_err() {
                return;
            }
        }
    }

    async fn until(&mut self, wanted: bool) {
        let Some(demand) = &mut self.0 else {
            if !wanted {
                pending::<()>().await;
            }
            return;
        };
        if demand.wait_for(|there| *there == wanted).await.is_err() {
            pending::<()>().await; // nobody tells any more: it stays as it is
        }
    }
}

const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_again_soon_was_not_gone() {
        let there = watch::Sender::new(false);
        let mut demand = Demand::new(Some(there.subscribe()));
        assert!(timeout(Duration::from_mins(1), demand.there()).await.is_err());
        there.send_replace(true);
        demand.there().await;
        let gone = tokio::spawn(async move { demand.gone().await });
        for _ in 0..3 {
            there.send_replace(false);
            tokio::time::sleep(GRACE / 2).await;
            there.send_replace(true);
            tokio::time::sleep(2 * GRACE).await;
        }
        assert!(!gone.is_finished());
        there.send_replace(false);
        gone.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn where_nothing_is_known_there_always_is() {
        let always = || watch::Sender::new(true).subscribe();
        for mut demand in [Demand::new(None), Demand::new(Some(always()))] {
            demand.there().await;
            assert!(timeout(Duration::from_mins(1), demand.gone()).await.is_err());
        }
    }
}
