//! What makes no sense is said at once.

use crate::common::{Ran, tail};

const URL: &str = "http://127.0.0.1:9/";

fn refused(arguments: &[&str], words: &[&str]) {
    let Ran { out, err, code } = tail(arguments);
    assert_eq!((code, &*out), (Some(2), ""), "{arguments:?}: {err}");
    for word in words {
        assert!(err.contains(word), "{word} is not in {err}");
    }
}

#[test]
fn addresses() {
    refused(&[], &["<URL>"]);
    refused(&["stream"], &["bad address", "'stream'"]);
    refused(&["ftp://127.0.0.1/"], &["bad address", "'ftp'", "http"]);
    refused(&["http://a:b@127.0.0.1/"], &["header"]);
    refused(&["--once", "http://"], &["bad address"]);
    refused(&["--protocol", "ping", "--poll", "x", URL], &["bad address", "'x'"]);
    refused(&["--json", "http://127.0.0.1:99999/\u{1b}[2J"], &["bad address"]);
}

#[test]
fn headers() {
    refused(&["--header", "Bearer s3cret", URL], &["--header", "'Name: value'"]);
    refused(&["--header", "x y: s3cret", URL], &["'x y'"]);
    refused(&["--header", "x: s3\ncret", URL], &["'x'"]);
    for wrong in ["Bearer s3cret", "x y: s3cret"] {
        assert!(!tail(&["--header", wrong, URL]).err.contains("s3cret"));
    }
}

#[test]
fn protocols_and_times() {
    refused(&["--protocol", "soap", URL], &["'soap'", "autoconfig"]);
    refused(&["--spec", "{}", URL], &["--protocol json"]);
    refused(&["--poll", URL, URL], &["--protocol ping"]);
    refused(&["--timeout", "5", URL], &["'5'", "10s"]);
}
