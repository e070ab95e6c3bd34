//! When a receiver wants to be asked again.

use core::time::Duration;
use hyper::HeaderMap;
use hyper::header::RETRY_AFTER;
use std::time::SystemTime;

/// Seconds from now, or a date. What is neither says nothing.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(SystemTime::now()).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

/// No receiver can hold up a stream for longer by one word.
const LONGEST: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn it_is_seconds_or_a_date() {
        let of = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            super::of(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
        };
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!(of("0"), Some(Duration::ZERO));
        assert_eq!(of("99999999999"), Some(LONGEST));
        assert_eq!(of("Fri, 31 Dec 1999 23:59:59 GMT"), Some(Duration::ZERO));
        let soon = of(&httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100)));
        assert!(soon > Some(Duration::ZERO) && soon <= Some(Duration::from_secs(100)));
        assert_eq!(of("-1"), None);
        assert_eq!(of("soon"), None);
        assert_eq!(super::of(&HeaderMap::new()), None);
    }
}
