//! Patterns of topics' names.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// A name, in which `*` stands for any text, also none.
///
/// ```
/// use highwater_server::Glob;
/// let glob: Glob = "flags-*".parse()?;
/// assert!(glob.matches("flags-eu") && !glob.matches("my-flags-eu"));
/// # Ok::<(), highwater_server::BadGlob>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Glob(Box<str>);

impl Glob {
    /// Whether the whole name is of this pattern.
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.as_bytes(), name.as_bytes());
        // Where the last star was, and what it has not swallowed yet.
        let mut star: Option<(&[u8], &[u8])> = None;
        loop {
            match (pattern.split_first(), rest.split_first()) {
                (Some((b'*', after)), _) => {
                    (pattern, star) = (after, Some((after, rest)));
                }
                (Some((wanted, after)), Some((found, more))) if wanted == found => {
                    (pattern, rest) = (after, more);
                }
                (None, None) => return true,
                _ => {
                    let Some((after, [_, more @ ..])) = star else { return false };
                    (pattern, rest, star) = (after, more, Some((after, more)));
                }
            }
        }
    }
}

impl Glob {
    /// The texts between its stars, in order: what stands before the first and behind the last is
    /// empty if there is nothing.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('*')
    }
}

impl FromStr for Glob {
    type Err = BadGlob;

    fn from_str(text: &str) -> Result<Self, BadGlob> {
        let fits = !text.is_empty() && text.len() <= LONGEST;
        if fits { Ok(Self(text.into())) } else { Err(BadGlob) }
    }
}

impl TryFrom<String> for Glob {
    type Error = BadGlob;

    fn try_from(text: String) -> Result<Self, BadGlob> {
        text.parse()
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.0.into()
    }
}

/// A text that is no [`Glob`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadGlob;

impl fmt::Display for BadGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a pattern of topics has from 1 to {LONGEST} bytes")
    }
}

impl core::error::Error for BadGlob {}

/// As the name of a topic.
const LONGEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(glob: &str, names: &[&str], others: &[&str]) {
        let parsed: Glob = glob.parse().unwrap();
        for name in names {
            assert!(parsed.matches(name), "{glob} {name}");
        }
        for other in others {
            assert!(!parsed.matches(other), "{glob} {other}");
        }
    }

    #[test]
    fn a_star_is_any_text_and_the_rest_itself() {
        check("flags", &["flags"], &["", "flag", "flagsx", "Flags"]);
        check("*", &["", "a", "a/b", "*", "ä"], &[]);
        check("a*", &["a", "ab", "a*"], &["", "ba"]);
        check("*a", &["a", "ba", "aaa"], &["", "ab"]);
        check("a*b*c", &["abc", "a--b--c", "abbcc", "abcbc"], &["ac", "ab", "abcd", "acb"]);
        check("**a**", &["a", "xax"], &["", "x"]);
        check("a?[b]", &["a?[b]"], &["axb"]);
    }

    #[test]
    fn an_evil_pattern_takes_no_time() {
        let glob: Glob = format!("{}b", "*a".repeat(127)).parse().unwrap();
        assert!(!glob.matches(&"a".repeat(256)));
    }

    #[test]
    fn it_has_a_length() {
        assert!("".parse::<Glob>().is_err() && "x".repeat(257).parse::<Glob>().is_err());
        assert!("x".repeat(256).parse::<Glob>().is_ok());
    }
}
