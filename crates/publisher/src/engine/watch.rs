//! How it is told that a topic moved.

use super::record::Place;
use tokio::sync::watch;

/// Told of every move of a topic; made by [`Engine::watch`](super::Engine::watch).
#[derive(Clone, Debug)]
pub struct Watch(watch::Receiver<Place>);

impl Watch {
    /// The newest place that was told; what is told later is news for [`Watch::moved`].
    pub fn newest(&mut self) -> Place {
        self.0.borrow_and_update().clone()
    }

    /// Waits for a move that [`Watch::newest`] has not shown; `false` when the engine was shut down.
    ///
    /// A wait that is given up loses nothing.
    pub async fn moved(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// The engine's end of all watches of a topic.
#[derive(Debug)]
pub struct Bell(watch::Sender<Place>);

impl Bell {
    /// One that has been told the topic's place.
    pub fn new(place: Place) -> Self {
        Self(watch::Sender::new(place))
    }

    /// Tells a place. What is not newer than the last is not told.
    pub fn ring(&self, place: Place) {
        self.0.send_if_modified(|told| {
            let news = place.epoch != told.epoch || place.index > told.index;
            if news {
                *told = place;
            }
            news
        });
    }

    /// Another one to be told.
    pub fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }
}
