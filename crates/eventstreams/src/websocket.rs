//! Delivery to WebSocket clients.

mod command;
mod connection;
mod core;
mod guest;
mod hub;
mod round_trips;
mod server;

pub use guest::Guest;
pub use hub::WebSocketFactory;
pub use round_trips::{
    AttemptId, Command, Connection, Delivery, Limits, RoundTrip, RoundTripEffect, RoundTrips, Verb,
};
