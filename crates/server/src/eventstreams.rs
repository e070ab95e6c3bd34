//! Event streams: topics delivered in batches to workers that answer for them, `/v1/eventstreams`.

mod answer;
mod arguments;
mod arrivals;
mod demand;
mod owner;
mod place;
mod routes;
mod source;

pub(crate) use arguments::{Beside, EventStreamArguments, EventStreams};
pub(crate) use routes::routes;
