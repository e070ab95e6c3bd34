//! Everything there is as one event: encoded by the first who needs it, for all who come meanwhile.

use super::StreamProvider;
use super::encode;
use super::store::{Items, Store};
use bytes::Bytes;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

/// The first event of the streams of a provider, as of one moment.
#[derive(Debug)]
pub struct Put {
    flags_only: bool,
    items: Items,
    encoded: OnceCell<Bytes>,
}

impl Put {
    pub(super) fn new(provider: StreamProvider, store: &Store) -> Self {
        let flags_only = provider == StreamProvider::Flags;
        Self { flags_only, items: store.items(), encoded: OnceCell::new() }
    }

    /// The event. Who comes while it is encoded waits, and gets the same.
    pub async fn bytes(&self) -> Bytes {
        self.encoded.get_or_init(|| self.encode()).await.clone()
    }

    async fn encode(&self) -> Bytes {
        let (flags_only, items) = (self.flags_only, self.items.clone());
        if items.flags.len() + items.segments.len() > FEW {
            // Of a large one it is no work for who has sockets to serve.
            let encoded = spawn_blocking(move || event(flags_only, &items)).await;
            if let Ok(encoded) = encoded {
                return encoded;
            }
        }
        event(flags_only, &self.items)
    }

    /// The event, for who cannot wait.
    pub fn now(&self) -> Bytes {
        match self.encoded.get() {
            Some(encoded) => encoded.clone(),
            None => event(self.flags_only, &self.items),
        }
    }
}

fn event(flags_only: bool, items: &Items) -> Bytes {
    if flags_only {
        encode::flags_initial(&items.flags)
    } else {
        encode::all_initial(&items.flags, &items.segments)
    }
}

/// So many items are encoded at once.
const FEW: usize = 100;
