//! What can be wrong, with the codes that clients know.

use crate::filter::FilterError;
use core::fmt;

/// Why something was not done. Displays as `FFnnnnn: message`, but for [`Dispatch`](Self::Dispatch).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A field that has to be there is not.
    Missing(&'static str),
    /// A text is no length of time.
    Duration(Box<str>),
    /// A name of the wrong form.
    Name,
    /// The caller, or the stream, ended first.
    Cancelled,
    /// There is no such stream.
    NotFound,
    /// A list cannot be asked this.
    Filter(FilterError),
    /// The storage did not do its part.
    Storage(Box<str>),
    /// Another process has the stream now.
    Superseded,
    /// The name belongs to another stream.
    NameTaken(Box<str>),
    /// A webhook without a URL.
    NoUrl,
    /// A URL that cannot be used, and why.
    BadUrl(Box<str>, Box<str>),
    /// Nobody delivers streams of this type.
    NoDispatcher(Box<str>),
    /// The host of a webhook has no address.
    Unresolvable(Box<str>),
    /// A request came to nothing.
    Request(Box<str>),
    /// An address that webhooks may not have.
    Blocked(Box<str>),
    /// The receiver answered with this status.
    Answer(u16),
    /// There is no TLS configuration of this name.
    UnknownTls(Box<str>),
    /// A TLS configuration cannot be used.
    BadTls(Box<str>),
    /// The client refused the batch.
    Nack(Box<str>),
    /// The connection that had the batch is gone.
    ConnectionClosed,
    /// The caller would not wait any longer for the stream to stop, which it still will.
    StopTimeout,
    /// The stream is stopping.
    Stopping,
    /// The stream is being deleted.
    Deleting,
    /// What is stored as its status is none.
    BadStatus(Box<str>),
    /// A value that its field cannot have.
    Value {
        /// The value.
        value: Box<str>,
        /// The field.
        field: &'static str,
    },
    /// A topic filter that does not compile, and why.
    TopicFilter(Box<str>, Box<str>),
    /// A status that is not for callers to give.
    Status(Box<str>),
    /// There is nothing that says how to try again.
    NoRetry,
    /// The stream has a batch in flight already.
    InFlight,
    /// No answer came in time.
    AckTimeout,
    /// What a dispatcher that was plugged in says, in its own words.
    Dispatch(Box<str>),
    /// The runtime of the program, or one of its parts, refused.
    Refused(Box<str>),
    /// An event that cannot be delivered: its data is no JSON object.
    EventData(Box<str>),
}

impl Error {
    /// A value that its field cannot have.
    pub fn value(value: impl fmt::Display, field: &'static str) -> Self {
        Self::Value { value: value.to_string().into(), field }
    }

    /// The code that clients know it by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "FF00112",
            Self::Duration(_) => "FF00137",
            Self::Name => "FF00140",
            Self::Filter(error) => error.code(),
            Self::BadTls(_) => "FF00153",
            Self::Cancelled => "FF00154",
            Self::NotFound => "FF00164",
            Self::Storage(_) | Self::Superseded | Self::NameTaken(_) => "FF00177",
            Self::NoUrl => "FF00216",
            Self::NoDispatcher(_) => "FF00217",
            Self::Unresolvable(_) => "FF00218",
            Self::Request(_) | Self::Dispatch(_) => "FF00219",
            Self::Blocked(_) => "FF00220",
            Self::Answer(_) => "FF00221",
            Self::UnknownTls(_) => "FF00223",
            Self::Nack(_) => "FF00227",
            Self::ConnectionClosed => "FF00228",
            Self::StopTimeout => "FF00229",
            Self::Stopping => "FF00230",
            Self::Deleting => "FF00231",
            Self::BadStatus(_) => "FF00233",
            Self::Value { .. } | Self::BadUrl(..) | Self::EventData(_) | Self::Refused(_) => {
                "FF00234"
            }
            Self::TopicFilter(..) => "FF00235",
            Self::Status(_) => "FF00236",
            Self::NoRetry => "FF00237",
            Self::InFlight => "FF00243",
            Self::AckTimeout => "FF00244",
        }
    }

    /// The status of an HTTP answer that tells it: what the caller can mend is the caller's.
    pub fn status(&self) -> u16 {
        match self {
            Self::Missing(_)
            | Self::Duration(_)
            | Self::Name
            | Self::Filter(_)
            | Self::NoUrl
            | Self::BadUrl(..)
            | Self::NoDispatcher(_)
            | Self::Blocked(_)
            | Self::UnknownTls(_)
            | Self::Value { .. }
            | Self::TopicFilter(..)
            | Self::Status(_)
            | Self::Refused(_)
            | Self::EventData(_) => 400,
            Self::NotFound => 404,
            Self::NameTaken(_) | Self::Stopping | Self::Deleting => 409,
            Self::Cancelled | Self::StopTimeout => 408,
            _ => 500,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        match self {
            Self::Missing(field) => write!(f, "{code}: field '{field}' is required"),
            Self::Duration(text) => write!(f, "{code}: '{text}' is no duration"),
            Self::Name => write!(
                f,
                "{code}: field 'name' must have 1 to 64 characters, letters, digits, dots, dashes \
                 and underscores, and begin and end with a letter or a digit"
            ),
            Self::Filter(why) => write!(f, "{code}: {why}"),
            Self::BadTls(why) | Self::Refused(why) => write!(f, "{code}: {why}"),
            Self::Cancelled => write!(f, "{code}: cancelled"),
            Self::NotFound => write!(f, "{code}: no result found"),
            Self::Storage(why) => write!(f, "{code}: the storage failed: {why}"),
            Self::Superseded => write!(f, "{code}: another server has the stream now"),
            Self::NameTaken(name) => {
                write!(f, "{code}: another stream has the name '{name}' already")
            }
            Self::NoUrl => write!(f, "{code}: a webhook needs a field 'url'"),
            Self::BadUrl(url, why) => {
                write!(f, "{code}: '{url}' cannot be the 'url' of a webhook: {why}")
            }
            Self::NoDispatcher(kind) => {
                write!(f, "{code}: there is no dispatcher for streams of type '{kind}'")
            }
            Self::Dispatch(why) => f.write_str(why),
            Self::Unresolvable(host) => write!(f, "{code}: host '{host}' has no address"),
            Self::Request(why) => write!(f, "{code}: the request failed: {why}"),
            Self::Blocked(address) => {
                write!(f, "{code}: webhooks may not go to address {address}")
            }
            Self::Answer(status) => write!(f, "{code}: the receiver answered with {status}"),
            Self::UnknownTls(name) => {
                write!(f, "{code}: there is no TLS configuration '{name}'")
            }
            Self::Nack(why) if why.is_empty() => write!(f, "{code}: the client refused the batch"),
            Self::Nack(why) => write!(f, "{code}: the client refused the batch: {why}"),
            Self::ConnectionClosed => {
                write!(f, "{code}: the connection was closed before the batch was answered")
            }
            Self::StopTimeout => {
                write!(f, "{code}: gave up waiting for the stream to stop, which goes on")
            }
            Self::Stopping => write!(f, "{code}: the stream is stopping"),
            Self::Deleting => write!(f, "{code}: the stream is being deleted"),
            Self::BadStatus(status) => write!(f, "{code}: '{status}' is stored as status"),
            Self::Value { value, field } => {
                write!(f, "{code}: value '{value}' is invalid for field '{field}'")
            }
            Self::TopicFilter(filter, why) => {
                write!(f, "{code}: topic filter '{filter}' is no regular expression: {why}")
            }
            Self::Status(status) => {
                write!(f, "{code}: status can be set to 'started' or 'stopped', not '{status}'")
            }
            Self::NoRetry => write!(f, "{code}: nothing says how to retry"),
            Self::InFlight => write!(f, "{code}: the stream has a batch in flight already"),
            Self::AckTimeout => write!(f, "{code}: no answer to the batch came in time"),
            Self::EventData(why) => write!(f, "{code}: the data of an event {why}"),
        }
    }
}

impl core::error::Error for Error {}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Self::Filter(error)
    }
}
