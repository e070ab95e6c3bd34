//! The `tail` sub-command: any stream's state, live in a terminal, or as lines of JSON.

mod feed;
mod frame;
mod line;
mod lines;
mod once;
mod rows;
#[cfg(test)]
mod samples;
mod screen;
mod terminal;
mod text;
mod view;
mod words;

use crate::duration;
use crate::place::{self, ServerArgument};
use crate::replay::ProtocolArguments;
use crate::serve::{Failure, Misuse};
use clap::Args;
use core::time::Duration;
use highwater::{Builder, Phase, Status, Store, View};
use std::io::{IsTerminal as _, stdout};
use tokio::time::Instant;

/// `highwater tail`.
#[derive(Args, Clone)]
pub struct TailArguments {
    /// The stream's address, such as `http://127.0.0.1:7070/v1/topics/machine/stream`
    #[arg(required_unless_present = "topic", conflicts_with_all = ["topic", "server"])]
    url: Option<String>,
    /// A topic of the server, instead of the stream's whole address
    #[arg(long, value_name = "NAME")]
    topic: Option<String>,
    #[command(flatten)]
    server: ServerArgument,
    #[command(flatten)]
    protocol: ProtocolArguments,
    /// A header to send with every request, `'Name: value'`; may be repeated
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// For protocol ping, where the state is fetched after each ping
    #[arg(long, value_name = "URL")]
    poll: Option<String>,
    /// Show only items of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Print a line of JSON for each transaction, also to a terminal
    #[arg(long)]
    json: bool,
    /// Print the first whole state, and end
    #[arg(long)]
    once: bool,
    /// Give up when there is no whole state after this time, such as 10s or 500ms
    #[arg(long, value_parser = time, value_name = "TIME")]
    timeout: Option<Duration>,
}

impl TailArguments {
    /// Shows the stream until it is over for good, or whoever looks has seen enough.
    pub async fn run(self) -> Result<(), Failure> {
        let url = match (&self.url, &self.topic) {
            (Some(url), _) => url.clone(),
            (None, topic) => self.server.address(topic.as_deref().unwrap_or_default(), "stream"),
        };
        let store = self.store(&url)?;
        let deadline = Deadline(self.timeout.map(|after| (Instant::now() + after, after)));
        let terminal = stdout().is_terminal();
        let kind = self.kind.as_deref().map(Box::from);
        if self.once {
            let store = connect(store)?;
            once::print(&store, kind.as_deref(), terminal && !self.json, deadline).await
        } else if terminal && !self.json {
            let rows = view::Kept::new(rows::Rows::new(kind));
            let store = connect(store.view(rows.clone()))?;
            screen::show(&store, &rows, &url, deadline).await
        } else {
            let feed = view::Kept::new(feed::Feed::new(kind));
            let store = connect(store.view(feed.clone()))?;
            lines::print(&store, &feed, deadline).await
        }
    }

    fn store(&self, url: &str) -> Result<Builder, Failure> {
        let protocol = self.protocol.protocol()?;
        if self.poll.is_some() && protocol.name() != "ping" {
            return Err(Misuse("a --poll belongs to --protocol ping".into()).into());
        }
        let mut store = Store::builder(url).protocol(protocol);
        for header in &self.header {
            let (name, value) = place::header(header)?;
            store = store.header(name, value);
        }
        Ok(match &self.poll {
            Some(url) => store.poll_url(url),
            None => store,
        })
    }
}

/// What cannot be connected to at all was written wrongly.
fn connect<V: View + Send + Sync + 'static>(store: Builder<V>) -> Result<Store<V>, Failure> {
    store.connect().map_err(|error| Misuse(text::clean(&error.to_string()).into()).into())
}

/// Until when there must be a whole state, if that was asked for.
#[derive(Clone, Copy)]
struct Deadline(Option<(Instant, Duration)>);

impl Deadline {
    /// Comes back when it has passed.
    async fn passed(self) {
        match self.0 {
            Some((at, _)) => tokio::time::sleep_until(at).await,
            None => core::future::pending().await,
        }
    }

    /// What to say then.
    fn missed(self, status: &Status) -> Failure {
        let after = self.0.map(|(_, after)| after).unwrap_or_default();
        format!("no whole state within {after:?}: {}", words::status(status)).into()
    }
}

/// Why there will be nothing more, once the store has stopped.
fn over(status: &Status) -> Option<Failure> {
    let fault = status.fault.as_ref().map(ToString::to_string);
    let why = fault.as_deref().map_or("it was closed".into(), text::clean);
    (status.phase == Phase::Stopped).then(|| format!("the stream is over for good: {why}").into())
}

/// A pipe that nobody reads any more is no failure: whoever read has seen enough.
fn unless_closed(printed: std::io::Result<()>) -> Result<(), Failure> {
    match printed {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| format!("a time is {}", duration::SHAPE))
}

impl core::fmt::Debug for TailArguments {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Without the headers, which may hold secrets.
        f.debug_struct("TailArguments")
            .field("url", &self.url)
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}
