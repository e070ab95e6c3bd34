//! The streams of one environment.

use super::StreamProvider;
use super::encode;
use super::put::Put;
use super::store::Store;
use super::update::{Collections, Item};
use crate::credentials::{Credential, SdkKey};
use bytes::Bytes;
use highwater_publisher::{Epoch, Feed, Joining, NameError, Options, Reader};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What an environment's SDKs are told: one store, and for each provider a feed of events that all
/// of its streams read.
///
/// An event is encoded once, when it happens; a stream is a place in the feed, in the channel that
/// its credential names. There is no lock, task or clock in here.
///
/// - R8: a stream is first told everything there is at one moment, then each event after it, once,
///   in order.
/// - R9: a stream hears nothing while its credential is none of the environment's, and ends when it
///   is removed; a credential is there once, however often it is added.
#[derive(Debug)]
pub struct EnvStreams {
    store: Store,
    lanes: [Lane; 4],
    credentials: BTreeSet<Credential>,
}

/// What there is for a provider.
#[derive(Debug)]
struct Lane {
    provider: StreamProvider,
    feed: Feed,
    latest: Option<Latest>,
    /// How much may come after a put that is handed out again, in parts of a hundred of its size.
    behind: usize,
}

/// A put that was handed out, and where the feed was then.
#[derive(Debug)]
struct Latest {
    put: Arc<Put>,
    size: usize,
    index: u64,
    bytes: u64,
}

impl Latest {
    /// Whether not more was published since than so many percent of it.
    fn is_recent(&self, feed: &Feed, behind: usize) -> bool {
        (feed.bytes() - self.bytes).saturating_mul(100) <= (self.size * behind) as u64
    }
}

/// How a stream begins.
#[derive(Debug)]
pub enum Initial {
    /// With nothing: nothing is known yet.
    Nothing,
    /// With a ping.
    Ping,
    /// With everything there is.
    Put(Arc<Put>),
}

impl Initial {
    /// The event, encoded now if nobody has yet.
    pub async fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Nothing => None,
            Self::Ping => Some(encode::PING),
            Self::Put(put) => Some(put.bytes().await),
        }
    }

    /// The event, for who cannot wait while another encodes it.
    pub fn now(&self) -> Option<Bytes> {
        match self {
            Self::Nothing => None,
            Self::Ping => Some(encode::PING),
            Self::Put(put) => Some(put.now()),
        }
    }
}

/// A stream that begins.
pub struct Joined {
    /// Its first event.
    pub initial: Initial,
    /// What comes after it.
    pub reader: Reader,
}

impl EnvStreams {
    /// Those of a store.
    pub fn new(store: Store, options: Options) -> Self {
        let lane = |provider| Lane {
            provider,
            feed: Feed::new(Epoch::fresh(), options),
            latest: None,
            behind: SHARED,
        };
        Self { store, lanes: StreamProvider::ALL.map(lane), credentials: BTreeSet::new() }
    }

    /// Has every stream begin with what there is when it comes. By default a herd that comes while
    /// much is published shares what was encoded for the first of it, and reads on from there.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.lanes.iter_mut().for_each(|lane| lane.behind = 0);
        self
    }

    /// What there is.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The same, for its topic's readers and writers.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Puts another store in the place of this one, of which no stream is told.
    pub fn exchange(&mut self, store: Store) {
        self.store = store;
        self.lanes.iter_mut().for_each(|lane| lane.latest = None);
    }

    /// Lets in who shows this credential; says whether that is new.
    pub fn add_credential(&mut self, credential: Credential) -> bool {
        self.credentials.insert(credential)
    }

    /// Ends the streams of who showed this credential.
    pub fn remove_credential(&mut self, credential: &Credential) {
        self.credentials.remove(credential);
        for Lane { provider, feed, .. } in &mut self.lanes {
            if provider.accepts(credential) {
                feed.close(channel(credential));
            }
        }
        self.store.topic().close(channel(credential).into());
    }

    /// The SDK keys that let in.
    pub fn sdk_keys(&self) -> impl Iterator<Item = &SdkKey> {
        self.credentials.iter().filter_map(|credential| match credential {
            Credential::Sdk(key) => Some(key),
            Credential::Mobile(_) | Credential::Environment(_) => None,
        })
    }

    /// Whether who shows this credential is let in.
    pub fn knows(&self, credential: &Credential) -> bool {
        self.credentials.contains(credential)
    }

    /// A reader of the store's topic, from now on or from a cursor (`basis`), that ends when its
    /// credential is removed; none if that is none.
    pub fn join_topic(&mut self, credential: &Credential, basis: Option<&str>) -> Option<Joining> {
        self.knows(credential)
            .then(|| self.store.topic().join_as(channel(credential).into(), basis, None))
    }

    /// Begins a stream; none if the provider is not for credentials of this kind.
    pub fn join(&mut self, provider: StreamProvider, credential: &Credential) -> Option<Joined> {
        if !provider.accepts(credential) {
            return None;
        }
        let is_told = self.store.is_initialised() && self.credentials.contains(credential);
        let Self { store, lanes, .. } = self;
        let lane = lanes.iter_mut().find(|lane| lane.provider == provider)?;
        Some(lane.join(store, channel(credential), is_told))
    }

    /// Tells all streams that this is everything, whether the store has it so or not.
    pub fn send_all(&mut self, all: &Collections) {
        self.publish(|provider| match provider {
            StreamProvider::All => Some(encode::all_put(all)),
            StreamProvider::Flags => Some(encode::flags_put(all)),
            StreamProvider::MobilePing | StreamProvider::JsPing => Some(encode::PING),
        });
    }

    /// Tells all streams of an item, whether the store has it so or not.
    pub fn send_item(&mut self, item: &Item) {
        self.tell(item);
        self.invalidate();
    }

    fn tell(&mut self, item: &Item) {
        self.publish(|provider| match provider {
            StreamProvider::All => Some(encode::all_item(item)),
            StreamProvider::Flags => encode::flags_item(item),
            StreamProvider::MobilePing | StreamProvider::JsPing => None,
        });
    }

    /// Has clients look again.
    pub fn invalidate(&mut self) {
        self.publish(|provider| match provider {
            StreamProvider::All | StreamProvider::Flags => None,
            StreamProvider::MobilePing | StreamProvider::JsPing => Some(encode::PING),
        });
    }

    /// Makes the given items the only ones, and tells all streams.
    pub fn replace(&mut self, all: &Collections) -> Result<(), NameError> {
        self.store.replace(all)?;
        self.send_all(all);
        Ok(())
    }

    /// As [`replace`](Self::replace), but streams are told only what differs, where that can be said
    /// to them; nothing if nothing does.
    pub fn change_to(&mut self, all: &Collections) -> Result<(), NameError> {
        let few = |steps: &Vec<Item>| steps.len() <= all.items().count() / 2 + 1;
        let Some(steps) = self.store.steps_to(all).filter(few) else {
            return self.replace(all);
        };
        if steps.is_empty() {
            return Ok(());
        }
        self.store.advance(all, &steps)?;
        for item in &steps {
            self.tell(item);
        }
        self.invalidate();
        Ok(())
    }

    /// Takes in items, all in one transaction, and tells all streams, which know themselves whether
    /// one is stale; says whether any was not.
    pub fn update(&mut self, items: &[Item]) -> Result<bool, NameError> {
        let news = self.store.apply(items)?;
        for item in items {
            self.tell(item);
        }
        if !items.is_empty() {
            self.invalidate();
        }
        Ok(news)
    }

    fn publish(&mut self, frame: impl Fn(StreamProvider) -> Option<Bytes>) {
        for lane in &mut self.lanes {
            let Some(frame) = frame(lane.provider) else { continue };
            let mut channels = self
                .credentials
                .iter()
                .filter(|one| lane.provider.accepts(one))
                .map(channel)
                .peekable();
            if channels.peek().is_none() {
                lane.latest = None; // nobody can read on from it
            } else {
                lane.feed.publish(&frame, channels);
                lane.latest.take_if(|latest| !latest.is_recent(&lane.feed, lane.behind));
            }
        }
    }
}

impl Lane {
    fn join(&mut self, store: &Store, channel: &str, is_told: bool) -> Joined {
        let (index, bytes) = (self.feed.index(), self.feed.bytes());
        let now =
            |feed: &Feed| feed.follow(channel, index).expect("nothing is newer than the newest");
        if !is_told {
            return Joined { initial: Initial::Nothing, reader: now(&self.feed) };
        }
        if self.provider.pings() {
            return Joined { initial: Initial::Ping, reader: now(&self.feed) };
        }
        if let Some(latest) = &self.latest
            && latest.is_recent(&self.feed, self.behind)
            && let Some(reader) = self.feed.follow(channel, latest.index)
        {
            return Joined { initial: Initial::Put(Arc::clone(&latest.put)), reader };
        }
        let put = Arc::new(Put::new(self.provider, store));
        self.latest = Some(Latest { put: Arc::clone(&put), size: store.bytes(), index, bytes });
        Joined { initial: Initial::Put(put), reader: now(&self.feed) }
    }
}

/// The channel of those who show a credential.
fn channel(credential: &Credential) -> &str {
    match credential {
        Credential::Sdk(key) => key.reveal(),
        Credential::Mobile(key) => key.reveal(),
        Credential::Environment(id) => id.as_str(),
    }
}

/// Until so many percent of it were published afterwards, a put is sent to others too, and the
/// rest after it: so a herd costs one of them, and not one for each change that comes meanwhile.
const SHARED: usize = 50;
