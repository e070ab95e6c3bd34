//! The server as its clients see it: real sockets, port 0, one behaviour a test.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod common;

mod access;
mod config;
mod cors;
mod crash;
mod demo;
mod engine;
mod errors;
mod eventstreams;
mod fanout;
mod faults;
mod import;
mod items;
mod limits;
mod metrics;
#[path = "../../../engines/tests/nats/mod.rs"]
mod nats;
mod openapi;
mod over_nats;
#[path = "../../../eventstreams/tests/postgres/mod.rs"]
mod postgres;
mod process;
mod publish;
mod query;
#[path = "../../../eventstreams/tests/receiver/mod.rs"]
mod receiver;
mod relay;
mod relay_clients;
mod relay_sources;
mod revocation;
mod several;
mod slow;
mod sqlite;
mod stream;
mod transactions;
mod websockets;
mod worker;
