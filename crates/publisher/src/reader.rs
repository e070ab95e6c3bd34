//! Readers of a topic.

use crate::events::{Build, Delivery, Subscription, SubscriptionError, Verdict};
use crate::frame;
use crate::id::Epoch;
use crate::part::Part;
use bytes::Bytes;
use core::task::{Context, Poll};
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
            match self.step() {
                Ok(Some(Step::Frame(frame))) => {
                    size += frame.len();
                    batch.frames.push(frame);
                }
                Ok(Some(Step::EndOfSnapshot)) => {
                    batch.whole = true;
                    break;
                }
                Ok(None) => break,
                // What was read before it comes first; the error stays.
                Err(_) if !batch.frames.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(batch)
    }

    /// The next frame that it has not seen yet, if it is there; [`index`](Self::index) is then that
    /// of its transaction.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, SubscriptionError> {
        loop {
            match self.step()? {
                Some(Step::Frame(frame)) => return Ok(Some(frame)),
                Some(Step::EndOfSnapshot) => {}
                None => return Ok(None),
            }
        }
    }

    fn step(&mut self) -> Result<Option<Step>, SubscriptionError> {
        loop {
            let delivery = match self.subscription.try_next() {
                Some(delivery) => delivery?,
                None => return Ok(None),
            };
            let event = match &delivery {
                Delivery::Event(event) => event,
                Delivery::Batch { events, .. } => match events.first() {
                    Some(event) => event,
                    None => continue,
                },
                Delivery::EndOfSnapshot(_) => return Ok(Some(Step::EndOfSnapshot)),
                Delivery::NewSnapshotToFollow => continue,
            };
            self.index = event.index;
            return Ok(Some(Step::Frame(event.payload.frame(self.kind.is_some()))));
        }
    }

    /// Waits until [`take`](Self::take) has something. May be dropped and called again.
    pub async fn ready(&mut self) {
        self.subscription.ready().await;
    }

    /// As [`ready`](Self::ready), for who polls.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.subscription.poll_ready(context)
    }

    /// Whether it is past its snapshot, if it got one. With nothing to [`take`](Self::take), it has
    /// read all that was published, and so may go on as any other reader of its kind that has.
    pub fn is_live(&self) -> bool {
        self.subscription.is_live()
    }

    /// The life of the topic that it reads.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Whose it is: what [`Topic::close`](crate::Topic::close) names.
    pub fn token(&self) -> &Arc<str> {
        self.subscription.token()
    }

    /// What of the topic it reads; everything without one.
    pub fn kind(&self) -> Option<&Arc<str>> {
        self.kind.as_ref()
    }
}

/// What a reader finds.
enum Step {
    Frame(Bytes),
    EndOfSnapshot,
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

/// A snapshot that has to be encoded, for all who wait for it. Dropped, it has failed.
#[must_use = "who drops it leaves the snapshot to nobody"]
pub struct Encoding {
    pub(crate) build: Build<Part>,
    pub(crate) items: Vec<Bytes>,
    pub(crate) epoch: Epoch,
    pub(crate) index: u64,
}

impl Encoding {
    /// How many items it has.
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// Encodes it. It takes a while for a large one; the topic need not be locked meanwhile.
    pub fn run(self) {
        let Self { mut build, items, epoch, index } = self;
        let mut out = Vec::with_capacity(items.iter().map(Bytes::len).sum::<usize>() + 256);
        for item in &items {
            out.extend_from_slice(item);
        }
        frame::transferred(&mut out, epoch.as_str(), index, None);
        build.append([Part::Snapshot(out.into()).at(index)]);
        build.finish(index);
    }
}

impl Joining {
    /// How the reader goes on.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// As it is, with the snapshot still to be encoded if that falls to this reader: until then it
    /// waits for it, like everyone else.
    pub fn part(self) -> (Joined, Option<Encoding>) {
        let Self { verdict, intent, reader, encoding } = self;
        (Joined { verdict, frames: vec![intent], reader }, encoding)
    }

    /// Encodes the snapshot at once if it falls to this reader.
    pub fn finish(self) -> Joined {
        let (joined, encoding) = self.part();
        if let Some(encoding) = encoding {
            encoding.run();
        }
        joined
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
