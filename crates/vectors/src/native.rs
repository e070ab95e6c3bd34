//! The crates of this workspace as a subject.

use serde_json::Value;

use crate::{
    Error, Subject, autoconfig, dispatch, fdv2, local, materializer, publisher, receiver,
    relay_streams, rest_filter, rotator, store, streams, waiter, webhook,
};

/// Runs scripts in this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Subject for Native {
    fn observe(&mut self, script: &Value) -> Result<Value, Error> {
        match script["suite"].as_str() {
            Some("receiver") => receiver::observe(script),
            Some("fdv2") => fdv2::observe(script),
            Some("streams") => streams::observe(script),
            Some("materializer") => materializer::observe(script),
            Some("publisher") => publisher::observe(script),
            Some("local") => local::observe(script),
            Some("relay-streams") => relay_streams::observe(script),
            Some("rest-filter") => rest_filter::observe(script),
            Some("store") => store::observe(script),
            Some("dispatch") => dispatch::observe(script),
            Some("waiter") => waiter::observe(script),
            Some("autoconfig") => autoconfig::observe(script),
            Some("rotator") => rotator::observe(script),
            Some("webhook") => webhook::observe(script),
            _ => Err(Error::new("the script names no suite")),
        }
    }

    fn has_queries(&self) -> bool {
        true
    }
}
