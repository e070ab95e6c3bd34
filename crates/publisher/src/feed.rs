//! Frames that somebody else encodes, for the readers of channels.

use crate::events::{
    EventPublisher, Publication, PublisherOptions, Subject, SubscribeRequest, Tail, Verdict,
};
use crate::id::Epoch;
use crate::item::Options;
use crate::part::Part;
use crate::reader::Reader;
use bytes::Bytes;
use core::time::Duration;
use std::sync::Arc;

/// A sequence of frames. Each is published to some channels, and there is one of it, however many
/// channels and readers there are.
///
/// A [`Topic`](crate::Topic) without items: what a reader has to be told first is known to whoever
/// encodes the frames. A reader that is too far behind hears
/// [`SubscriptionError::TooSlow`](crate::SubscriptionError::TooSlow), and begins again.
///
/// ```
/// use highwater_publisher::{Epoch, Feed, Options};
///
/// let mut feed = Feed::new(Epoch::new("k3v9")?, Options::default());
/// let mut reader = feed.follow("sdk-1", 0).expect("nothing was published before");
/// feed.publish(&"event: ping\ndata:  \n\n".into(), ["sdk-1", "sdk-2"]);
/// assert_eq!(reader.next_frame()?.unwrap(), "event: ping\ndata:  \n\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Feed {
    epoch: Epoch,
    index: u64,
    /// How many bytes were published to a channel.
    bytes: u64,
    publisher: EventPublisher<Part>,
}

impl Feed {
    /// Begins without frames.
    pub fn new(epoch: Epoch, options: Options) -> Self {
        let tail = Tail { transactions: options.log_transactions.max(1), bytes: options.log_bytes };
        let kept = PublisherOptions { snapshot_ttl: Duration::ZERO, snapshot_behind: 0, tail };
        let publisher = EventPublisher::new(epoch.clone(), kept);
        publisher.register_bare(FEED, false).expect("it has a name and is the only one");
        Self { epoch, index: 0, bytes: 0, publisher }
    }

    /// How many frames were published.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many bytes the frames had.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Hands a frame to the readers of these channels. Without channels nothing is published.
    pub fn publish<'a>(&mut self, frame: &Bytes, channels: impl IntoIterator<Item = &'a str>) {
        let (index, length) = (self.index + 1, frame.len() as u64);
        let publication = |channel: &str| Publication::Event {
            topic: FEED.into(),
            event: Part::Frame { channel: channel.into(), frame: frame.clone() }.at(index),
        };
        let list: Vec<_> = channels.into_iter().map(publication).collect();
        if list.is_empty() {
            return;
        }
        (self.index, self.bytes) = (index, self.bytes + length);
        let published = self.publisher.publish(list);
        published.expect("the feed is registered, channels are names, and the index has grown");
    }

    /// A reader of what was published to a channel after the frame of this index, if that is still
    /// there.
    pub fn follow(&self, channel: &str, index: u64) -> Option<Reader> {
        let channel: Arc<str> = channel.into();
        let request = SubscribeRequest::new(FEED, Subject::Named(Arc::clone(&channel)))
            .token(Arc::clone(&channel))
            .position(self.epoch.as_str(), index);
        let subscription = self
            .publisher
            .begin(&request)
            .expect("it is registered, and shut down only when dropped")
            .subscription;
        (subscription.verdict() != Verdict::Full).then(|| Reader {
            subscription,
            epoch: self.epoch.clone(),
            index,
            kind: Some(channel),
        })
    }

    /// Ends the readers of a channel: each hears
    /// [`SubscriptionError::AclChanged`](crate::SubscriptionError::AclChanged) after what was published before.
    pub fn close(&mut self, channel: &str) {
        let closed = self.publisher.publish([Publication::Close { tokens: vec![channel.into()] }]);
        closed.expect("a close names no feed, and the publisher is shut down only when dropped");
    }
}

impl Drop for Feed {
    /// It is over: readers hear of it.
    fn drop(&mut self) {
        self.publisher.shut_down();
    }
}

/// What its own publisher calls it.
const FEED: &str = "feed";

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::events::SubscriptionError;

    fn feed(log_transactions: usize) -> Feed {
        let options = Options { log_transactions, ..Options::default() };
        Feed::new(Epoch::new("life").expect("it is a name"), options)
    }

    fn read(reader: &mut Reader) -> Vec<Bytes> {
        reader.take(usize::MAX).expect("it can read on").frames
    }

    #[test]
    fn a_frame_is_there_once_for_all_channels_and_readers() {
        let mut feed = feed(8);
        let mut readers = ["a", "a", "b", "c"].map(|channel| feed.follow(channel, 0).unwrap());
        let frame = Bytes::from(vec![b'x'; 10]);
        feed.publish(&frame, ["a", "b"]);
        let [a, second, b, c] = readers.each_mut().map(read);
        for heard in [a, second, b] {
            assert_eq!(heard.len(), 1);
            assert_eq!(heard[0].as_ptr(), frame.as_ptr());
        }
        assert!(c.is_empty());
        assert_eq!((feed.index(), feed.bytes()), (1, 10));
    }

    #[test]
    fn readers_begin_where_the_log_still_reaches() {
        let mut feed = feed(2);
        for frame in ["1", "2", "3"] {
            feed.publish(&frame.into(), ["a"]);
        }
        assert!(feed.follow("a", 0).is_none());
        assert_eq!(read(&mut feed.follow("a", 1).unwrap()), ["2", "3"]);
        assert!(read(&mut feed.follow("a", 3).unwrap()).is_empty());
        assert!(read(&mut feed.follow("new", 3).unwrap()).is_empty());
    }

    #[test]
    fn a_close_ends_a_channel_and_who_comes_later_begins_anew() {
        let mut feed = feed(8);
        let (mut a, mut b) = (feed.follow("a", 0).unwrap(), feed.follow("b", 0).unwrap());
        feed.publish(&"1".into(), ["a", "b"]);
        feed.close("a");
        feed.publish(&"2".into(), ["a", "b"]);
        assert_eq!(read(&mut a), ["1"]);
        assert!(matches!(a.take(1), Err(SubscriptionError::AclChanged)));
        assert_eq!(read(&mut b), ["1", "2"]);
        feed.publish(&"3".into(), ["a"]);
        assert_eq!(read(&mut feed.follow("a", 2).unwrap()), ["3"]);
    }
}
