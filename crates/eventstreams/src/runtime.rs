//! What the program around event streams brings: where events come from.

use crate::error::Error;
use crate::event::{Batch, Event};
use crate::offers::OfferSender;
use crate::persistence::Answer;
use crate::spec::EventStreamSpec;
use crate::timestamp::Timestamp;
use core::fmt;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The program that has event streams.
pub trait Runtime: fmt::Debug + Send + Sync + 'static {
    /// Hands over the events of a stream, in order, until it is told to exit or is cancelled.
    ///
    /// One that returns before, with an error or without, is called again, after a pause, from the
    /// checkpoint that there is then; what it had handed over since comes again. With
    /// [`Error::Superseded`], because another process has the stream now, what is under way is given
    /// up as well.
    fn run(&self, run: Run) -> Answer<'_, ()>;

    /// An ID for a new stream.
    fn new_id(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    /// Checks what only this program can: it comes after the name is known to be there, and the
    /// topic filter to compile.
    fn validate(&self, spec: &EventStreamSpec) -> Result<(), Error> {
        let _ = spec;
        Ok(())
    }

    /// Puts events that a stream has given up where it wants them.
    fn park<'a>(
        &'a self,
        spec: &'a EventStreamSpec,
        topic: &'a str,
        batch: Batch,
    ) -> Answer<'a, ()> {
        let _ = (spec, batch);
        Box::pin(async move {
            Err(Error::Refused(format!("nothing can be put into topic '{topic}' here").into()))
        })
    }

    /// How much there is after a position, in units of its own such as events, as far as that is known.
    fn lag(&self, spec: &EventStreamSpec, position: &str) -> Option<u64> {
        let _ = (spec, position);
        None
    }
}

/// One call of a source.
#[derive(Clone, Debug)]
pub struct Run {
    /// The stream, with its defaults.
    pub spec: Arc<EventStreamSpec>,
    /// What its events come after; empty for all there are. Whether the event at the position itself
    /// comes again is up to the source.
    pub position: Arc<str>,
    /// Where the position is empty: from when on events count.
    pub since: Option<Timestamp>,
    /// Where they are handed over.
    pub deliver: Deliver,
    /// Whether there is somebody to deliver to, if that is not always so. (What is handed over
    /// otherwise waits.)
    pub demand: Option<watch::Receiver<bool>>,
    /// Ends when the source is to return.
    pub cancel: CancellationToken,
}

/// Where a source hands over its events.
#[derive(Clone, Debug)]
pub struct Deliver {
    pub(crate) offers: OfferSender,
    pub(crate) cancel: CancellationToken,
}

/// What a source is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Go on.
    Continue,
    /// Return.
    Exit,
}

impl Deliver {
    /// Hands over events. Comes back when there is room for the next, or when the stream stops.
    pub async fn deliver(&self, events: Vec<Event>) -> Instruction {
        let accepted = self.offers.send(events);
        match self.cancel.run_until_cancelled(accepted).await {
            Some(Ok(())) => Instruction::Continue,
            _ => Instruction::Exit,
        }
    }
}
