//! The client against a server that misbehaves: real sockets, port 0, one behaviour a test.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod common;

mod answers;
mod bodies;
mod changes;
mod health;
mod lifecycle;
mod polling;
mod queries;
mod requests;
