//! Judging a stream, and filling in what it leaves to the server.

use super::Inner;
use crate::error::Error;
use crate::machine::Settings;
use crate::spec::{ErrorHandling, EventStreamSpec, Status};
use crate::topic_filter::TopicFilter;

/// The status that a caller gives a stream; started unless said otherwise.
pub(super) fn requested_status(spec: &EventStreamSpec) -> Result<Status, Error> {
    let Some(word) = &spec.status else { return Ok(Status::Started) };
    match Status::parse(word.as_str()) {
        Some(status @ (Status::Started | Status::Stopped)) => Ok(status),
        _ => Err(Error::Status(word.as_str().into())),
    }
}

impl Inner {
    /// Checks a stream before it is stored, in the order that clients know.
    pub(super) fn validate(&self, spec: &EventStreamSpec) -> Result<(), Error> {
        let name = spec.name.as_deref().filter(|name| !name.is_empty());
        let name = name.ok_or(Error::Missing("name"))?;
        spec.topic_filter.as_deref().map(TopicFilter::new).transpose()?;
        self.runtime.validate(spec)?;
        if !is_name(name) {
            return Err(Error::Name);
        }
        let status = spec.status.as_ref().map_or("started", |status| status.as_str());
        Status::parse(status).ok_or_else(|| Error::value(status, "status"))?;
        if let Some(size) = spec.batch_size
            && !(1..=LARGEST_BATCH).contains(&size)
        {
            return Err(Error::value(size, "batchSize"));
        }
        let periods = [
            (spec.batch_timeout, "batchTimeout"),
            (spec.retry_timeout, "retryTimeout"),
            (spec.blocked_retry_delay, "blockedRetryDelay"),
        ];
        for (period, field) in periods {
            if let Some(period) = period
                && period.as_nanos() <= 0
            {
                return Err(Error::value(period, field));
            }
        }
        if let Some(word) = &spec.error_handling
            && ErrorHandling::parse(word.as_str()).is_none()
        {
            return Err(Error::value(word, "errorHandling"));
        }
        let factory = self.factories.get(kind(spec));
        factory.ok_or_else(|| Error::NoDispatcher(kind(spec).into()))?.validate(spec)
    }

    /// The stream as it is shown, and as it runs: with the server's defaults.
    pub(super) fn fill_in(&self, spec: &mut EventStreamSpec) {
        let defaults = &self.configuration.defaults;
        let word = kind(spec).into();
        spec.kind = Some(word);
        spec.error_handling.get_or_insert_with(|| defaults.error_handling.clone());
        spec.batch_size.get_or_insert(defaults.batch_size);
        spec.batch_timeout.get_or_insert(defaults.batch_timeout);
        spec.retry_timeout.get_or_insert(defaults.retry_timeout);
        spec.blocked_retry_delay.get_or_insert(defaults.blocked_retry_delay);
        if let Some(factory) = self.factories.get(kind(spec)) {
            factory.fill_in(spec);
        }
    }

    /// What a stream that was filled in goes by.
    pub(super) fn settings(&self, spec: &EventStreamSpec) -> Result<Settings, Error> {
        let filter = spec.topic_filter.as_deref().map(TopicFilter::new).transpose()?;
        let handling =
            spec.error_handling.as_ref().unwrap_or(&self.configuration.defaults.error_handling);
        let error_handling = ErrorHandling::parse(handling.as_str())
            .ok_or_else(|| Error::value(handling, "errorHandling"))?;
        let size = spec.batch_size.unwrap_or(self.configuration.defaults.batch_size);
        let batch_size = usize::try_from(size).ok().filter(|size| *size > 0);
        let defaults = &self.configuration.defaults;
        let position = spec.initial_sequence_id.as_deref().filter(|position| !position.is_empty());
        Ok(Settings {
            filter,
            error_handling,
            park: spec.dead_letter_topic.as_ref().is_some_and(|topic| !topic.is_empty()),
            batch_size: batch_size.ok_or_else(|| Error::value(size, "batchSize"))?,
            batch_timeout: spec.batch_timeout.unwrap_or(defaults.batch_timeout),
            retry_timeout: spec.retry_timeout.unwrap_or(defaults.retry_timeout),
            blocked_retry_delay: spec.blocked_retry_delay.unwrap_or(defaults.blocked_retry_delay),
            initial_position: position.map(Into::into),
            initial_time: spec.initial_time,
            asynchronous: self.configuration.checkpoints.asynchronous,
            unmatched_event_threshold: self.configuration.checkpoints.unmatched_event_threshold,
            retry: self.configuration.retry.clone(),
        })
    }
}

/// The type of a stream: `websocket` unless it says otherwise.
pub(super) fn kind(spec: &EventStreamSpec) -> &str {
    spec.kind.as_ref().map_or("websocket", |kind| kind.as_str())
}

fn is_name(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let bytes = name.as_bytes();
    bytes.len() <= 64 && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(inner)
}

/// A batch is held in memory twice, and sent as one message.
const LARGEST_BATCH: i64 = 1_000_000;
