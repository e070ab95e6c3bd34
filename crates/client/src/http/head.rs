//! The head of an answer, as far as it matters.

use core::time::Duration;
use std::time::SystemTime;

use hyper::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use hyper::http::response::Parts;

/// What a session wants to know of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) content_type: Option<Box<str>>,
    pub(crate) retry_after: Option<Duration>,
}

impl Head {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            status: parts.status.as_u16(),
            content_type: content_type(&parts.headers),
            retry_after: retry_after(&parts.headers),
        }
    }
}

/// The last one counts when there are several, in one header or in more.
fn content_type(headers: &HeaderMap) -> Option<Box<str>> {
    let last = headers.get_all(CONTENT_TYPE).iter().next_back()?;
    let last = String::from_utf8_lossy(last.as_bytes());
    Some(last.rsplit(',').next()?.trim().into())
}

/// Seconds, or a date; that one is relative to the server's own clock where it tells it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if digits {
        // Beyond 64 bits is as long as it gets.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let now = date.and_then(|date| httpdate::parse_http_date(date).ok());
        until.duration_since(now.unwrap_or_else(SystemTime::now)).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

/// No server keeps a client away for longer than this.
const LONGEST: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    fn headers(list: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let wait = |text| retry_after(&headers(&[(RETRY_AFTER, text)])).map(|wait| wait.as_secs());
        assert_eq!(wait(" 7 "), Some(7));
        assert_eq!(wait("0"), Some(0));
        assert_eq!(wait("99999999999999999999999"), Some(3600));
        assert_eq!(wait("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("soon"), None);
        assert_eq!(wait(""), None);
        let date = "Fri, 31 Jul 2026 12:00:00 GMT";
        let both = headers(&[(RETRY_AFTER, "Fri, 31 Jul 2026 12:00:09 GMT"), (DATE, date)]);
        assert_eq!(retry_after(&both), Some(Duration::from_secs(9)));
    }

    #[test]
    fn the_last_content_type_counts() {
        let found = |list: &[&str]| {
            let list: Vec<_> = list.iter().map(|value| (CONTENT_TYPE, *value)).collect();
            content_type(&headers(&list)).map(String::from)
        };
        assert_eq!(found(&["text/html, text/event-stream"]).as_deref(), Some("text/event-stream"));
        assert_eq!(found(&["text/html", "text/plain; a=b"]).as_deref(), Some("text/plain; a=b"));
        assert_eq!(found(&[]), None);
    }
}
