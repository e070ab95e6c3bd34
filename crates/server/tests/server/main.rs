//! The server as its clients see it: real sockets, port 0, one behaviour a test.
#![allow(clippy::unwrap_used)] // a test stops at the first surprise

mod common;

mod access;
mod config;
mod cors;
mod demo;
mod errors;
mod faults;
mod import;
mod items;
mod limits;
mod metrics;
mod openapi;
mod process;
mod query;
mod revocation;
mod slow;
mod stream;
mod transactions;
