//! A session that begins with what was kept elsewhere.

use super::Session;
use crate::error::Error;
use crate::item::Item;
use crate::time::Instant;
use crate::view::View;

impl<V: View> Session<V> {
    /// Takes up a state that was kept elsewhere. The session must not have started.
    #[cfg(feature = "full")]
    pub fn restore<'i>(
        &mut self,
        now: Instant,
        cursor: Option<&str>,
        items: impl Iterator<Item = Item<'i>>,
    ) {
        self.materializer.begin();
        self.materializer.restore(cursor, items);
        self.took_up(now);
    }

    /// Takes up a [`checkpoint`](crate::Materializer::checkpoint), and resumes from it when a
    /// connection is made: before the start, in a pause, or offline. It is refused while there is
    /// a connection.
    ///
    /// Bytes that are no checkpoint of this protocol change nothing.
    #[cfg(feature = "full")]
    pub fn restore_checkpoint(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Error> {
        self.materializer.begin();
        if self.current().is_some() {
            let what = "a connection is open: restore before the start, or in a pause";
            return Err(Error::Checkpoint { at: 0, what });
        }
        self.materializer.restore_checkpoint(now, bytes)?;
        // A checkpoint of a stream that had brought nothing is no state to show.
        if self.materializer.cursor().is_some() || !self.state().is_empty() {
            self.took_up(now);
        }
        Ok(())
    }

    pub(super) fn took_up(&mut self, now: Instant) {
        self.synced = true;
        self.stale_since = now;
        self.news += 1;
    }
}
