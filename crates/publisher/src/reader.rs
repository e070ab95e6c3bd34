//! Readers of a topic.

use crate::events::{Build, Delivery, Subscription, SubscriptionError, Verdict};
use crate::frame;
use crate::id::Epoch;
use crate::part::Part;
use bytes::Bytes;
use std::sync::Arc;

/// A place in a topic's sequence of transactions; all that a topic's reader costs.
///
/// Made by [`Topic::subscribe`](crate::Topic::subscribe). It reads without the topic, and needs it
/// again only when it is too far behind, or the topic is gone.
pub struct Reader {
    pub(crate) subscription: Subscription<Part>,
    pub(crate) epoch: Epoch,
    pub(crate) index: u64,
    pub(crate) kind: Option<Arc<str>>,
}

impl Reader {
    /// The index of the last transaction that was read.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// What it has not seen yet, about `limit` bytes at a time; no frames when it has seen all.
    ///
    /// After an error [`Topic::rejoin`](crate::Topic::rejoin) is the way on.
    pub fn take(&mut self, limit: usize) -> Result<Batch, SubscriptionError> {
        let mut batch = Batch::default();
        let mut size = 0;
        while size < limit || batch.frames.is_empty() {
            let delivery = match self.subscription.try_next() {
                Some(Ok(delivery)) => delivery,
                None => break,
                // What was read before it comes first; the error stays.
                Some(Err(_)) if !batch.frames.is_empty() => break,
                Some(Err(error)) => return Err(error),
            };
            let event = match &delivery {
                Delivery::Event(event) => event,
                Delivery::Batch { events, .. } => match events.first() {
                    Some(event) => event,
                    None => continue,
                },
                Delivery::EndOfSnapshot(_) => {
                    batch.whole = true;
                    break;
                }
                Delivery::NewSnapshotToFollow => continue,
            };
            let frame = event.payload.frame(self.kind.is_some());
            self.index = event.index;
            size += frame.len();
            batch.frames.push(frame);
        }
        Ok(batch)
    }

    /// Waits until [`take`](Self::take) has something. May be dropped and called again.
    pub async fn ready(&mut self) {
        self.subscription.ready().await;
    }
}

/// The first answer to a reader that comes, or comes back; the snapshot, if it gets one, is still
/// to be encoded.
#[must_use = "who drops it leaves the snapshot to nobody"]
pub struct Joining {
    pub(crate) verdict: Verdict,
    pub(crate) intent: Bytes,
    pub(crate) reader: Reader,
    pub(crate) encoding: Option<Encoding>,
}

/// A snapshot that this reader encodes for all who wait for it.
pub(crate) struct Encoding {
    pub(crate) build: Build<Part>,
    pub(crate) items: Vec<Bytes>,
}

impl Joining {
    /// How the reader goes on.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Encodes the snapshot if it falls to this reader. It takes a while for a large one; the
    /// topic need not be locked meanwhile.
    pub fn finish(self) -> Joined {
        let Self { verdict, intent, reader, encoding } = self;
        if let Some(Encoding { mut build, items }) = encoding {
            let mut out = Vec::with_capacity(items.iter().map(Bytes::len).sum::<usize>() + 256);
            for item in &items {
                out.extend_from_slice(item);
            }
            frame::transferred(&mut out, reader.epoch.as_str(), reader.index, None);
            build.append([Part::Snapshot(out.into()).at(reader.index)]);
            build.finish(reader.index);
        }
        Joined { verdict, frames: vec![intent], reader }
    }
}

/// The answer to a reader that comes, or comes back.
pub struct Joined {
    /// How it goes on.
    pub verdict: Verdict,
    /// What it has to be told before anything else.
    pub frames: Vec<Bytes>,
    /// Where it reads from afterwards. After [`Verdict::Changes`] the missed transactions are
    /// read from here like any other.
    pub reader: Reader,
}

impl Joined {
    /// Adds the snapshot to the frames, if it is there already.
    pub(crate) fn with_snapshot(mut self) -> Self {
        if self.verdict == Verdict::Full
            && let Ok(batch) = self.reader.take(usize::MAX)
        {
            self.frames.extend(batch.frames);
        }
        self
    }
}

/// What a reader has not seen yet.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// A frame a transaction, or the frames of a snapshot.
    pub frames: Vec<Bytes>,
    /// The frames are a snapshot, perhaps with its intent: the reader starts again.
    pub whole: bool,
}
