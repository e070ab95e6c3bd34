//! A view that holds values of the application's own type.

use std::collections::BTreeMap;
use std::sync::Arc;

use highwater_core::{Action, Change, State, View};
use serde::de::DeserializeOwned;

use crate::Render;

/// The items of one kind as values of a type, by key.
///
/// A value that is no `T` refuses its transaction: the stream is read anew, until the server says
/// otherwise. [Rendering](Render) it is cheap: what is handed out is shared until it changes.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
/// use highwater::{Feed, FeedError, Keyed, QueryRequest, QueryStore, Run, Store, Wanted};
/// use std::{collections::{BTreeMap, HashMap}, sync::Arc};
///
/// struct Processes { url: String }
/// impl QueryRequest for Processes {
///     type Key = String;
///     type Value = Arc<BTreeMap<String, HashMap<String, String>>>;
///     fn key(&self) -> String { self.url.clone() }
///     fn materialize(&self, feed: Feed<Self::Value>) -> Result<Run, FeedError> {
///         Store::builder(&self.url).view(Keyed::of("process")).materialize(feed)
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let store = QueryStore::default();
/// let answer = store.get(&Processes { url: serve() }, Wanted::any()).await?;
/// assert_eq!(answer.value["1"]["name"], "init");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Keyed<T> {
    kind: Box<str>,
    values: Arc<BTreeMap<String, T>>,
}

impl<T> Keyed<T> {
    /// The items of this kind; those of others are passed over.
    pub fn of(kind: &str) -> Self {
        Self { kind: kind.into(), values: Arc::default() }
    }

    /// What there is.
    pub fn values(&self) -> &BTreeMap<String, T> {
        &self.values
    }
}

impl<T: DeserializeOwned + Clone> View for Keyed<T> {
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>> {
        let values = Arc::make_mut(&mut self.values);
        for change in changes {
            let Some((kind, key)) = state.name(change.slot) else { continue };
            if *kind != *self.kind {
                continue;
            }
            let item = state.item(change.slot).filter(|_| change.action != Action::Delete);
            if let Some(item) = item {
                let value = serde_json::from_slice(item.value);
                let value = value.map_err(|error| format!("the value of {kind}/{key}: {error}"))?;
                values.insert(key.to_owned(), value);
            } else {
                values.remove(key);
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.values = Arc::default();
    }
}

impl<T: DeserializeOwned + Clone> Render for Keyed<T> {
    type Value = Arc<BTreeMap<String, T>>;

    fn render(&self) -> Self::Value {
        Arc::clone(&self.values)
    }
}
