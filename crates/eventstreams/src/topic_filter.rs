//! Which events a stream is about.

mod go;

use crate::error::Error;
use regex::bytes::Regex;
use regex_automata::dfa::{Automaton as _, StartKind, dense, sparse};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use std::sync::Arc;

/// A regular expression that the whole topic has to match, written as for Go.
///
/// ```
/// use highwater_eventstreams::TopicFilter;
/// let filter = TopicFilter::new(r"orders/\d+|returns")?;
/// assert!(filter.matches("orders/12") && filter.matches("returns"));
/// assert!(!filter.matches("orders/12x") && !filter.matches("orders/١٢"));
/// # Ok::<(), highwater_eventstreams::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TopicFilter(Matcher);

/// What looks at topics. Every stream has one, so that its size counts.
#[derive(Clone, Debug)]
enum Matcher {
    /// The table of an automaton: mostly a few hundred bytes, where a `Regex` has more than ten thousand.
    Table(Arc<sparse::DFA<Vec<u8>>>),
    /// Of a filter whose table would be larger.
    Regex(Regex),
}

impl TopicFilter {
    /// Compiles a filter. The empty one matches the empty topic only.
    pub fn new(text: &str) -> Result<Self, Error> {
        let wrong = |why: String| Error::TopicFilter(text.into(), why.into());
        let translated = go::translate(text).map_err(wrong)?;
        // By itself first: brackets that are not its own must not become part of it.
        let alone = Regex::new(&translated).map_err(|error| wrong(reason(&error)))?;
        let pattern = format!(r"\A(?:{})\z", alone.as_str());
        if let Some(table) = table(&pattern) {
            return Ok(Self(Matcher::Table(Arc::new(table))));
        }
        let regex = Regex::new(&pattern).map_err(|error| wrong(reason(&error)))?;
        Ok(Self(Matcher::Regex(regex)))
    }

    /// Whether a topic is one of those.
    pub fn matches(&self, topic: &str) -> bool {
        match &self.0 {
            Matcher::Table(table) => {
                let input = Input::new(topic).anchored(Anchored::Yes).earliest(true);
                // It has no bytes at which it would give up.
                table.try_search_fwd(&input).is_ok_and(|end| end.is_some())
            }
            Matcher::Regex(regex) => regex.is_match(topic.as_bytes()),
        }
    }
}

/// The table of a pattern, if that is small.
fn table(pattern: &str) -> Option<sparse::DFA<Vec<u8>>> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .minimize(true)
        .accelerate(false)
        .dfa_size_limit(Some(MOST_BYTES))
        .determinize_size_limit(Some(MOST_BYTES));
    let mut builder = dense::Builder::new();
    let dense = builder.configure(config).syntax(syntax::Config::new().utf8(false)).build(pattern);
    dense.ok()?.to_sparse().ok()
}

/// What is wrong, without the picture of where.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// How large a table may be before it is made smaller, and how much it may take to make it.
const MOST_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, yes: &[&str], no: &[&str]) {
        let compiled = TopicFilter::new(filter).unwrap();
        for topic in yes {
            assert!(compiled.matches(topic), "{filter} should match {topic:?}");
        }
        for topic in no {
            assert!(!compiled.matches(topic), "{filter} should not match {topic:?}");
        }
    }

    #[test]
    fn the_whole_topic_has_to_match() {
        check("topic_[0-9]+", &["topic_1"], &["topic_10x", "xtopic_1", "topic_"]);
        check("a|b", &["a", "b"], &["ax", "xb", "ab", ""]);
        check("(a|b)", &["a", "b"], &["ax", "xb"]);
        check("", &[""], &["x"]);
        check("^abc$", &["abc"], &["abcd", "abc\n"]);
        check(".+", &["x", "é"], &["", "a\nb"]);
        check("(?i)abc", &["ABC"], &["ABCD"]);
        check("(?s).+", &["a\nb"], &[]);
    }

    #[test]
    fn classes_are_ascii_as_in_go() {
        check(r"\d\w\s", &["1a ", "2_\t"], &["١a ", "1é ", "1a\u{a0}"]);
        check(r"[\d\-x]+", &["1-x"], &["٣"]);
        check(r"\D\W\S", &["aé!", "é-é"], &["1-a", "aa!"]);
        check(r"[^\d]", &["a", "٣"], &["1"]);
        check(r"a\b.", &["aé", "a-"], &["ab"]);
        check(r"a\Bb", &["ab"], &["a"]);
    }

    #[test]
    fn what_only_one_of_the_two_languages_has() {
        check(r"\Qa.b*\E+", &["a.b*", "a.b**"], &["axb"]);
        check(r"\Qa.b", &["a.b"], &["axb"]);
        check(r"[a&&b]", &["a", "&", "b"], &[]);
        check(r"[a[b]", &["a", "[", "b"], &[]);
        check(r"[]a]", &["]", "a"], &["b"]);
        check(r"[^]a]", &["b"], &["]", "a"]);
        check(r"[a~~+--c]", &["~", "-", "+", ",", "a", "c"], &["d", "."]);
        check(r"[a\]-]+", &["a]-"], &["b"]);
        check(r"\<x\>", &["<x>"], &["x"]);
        check(r"a{", &["a{"], &["a"]);
        check(r"a{,2}", &["a{,2}"], &["aa"]);
        check(r"a{2,}", &["aa", "aaa"], &["a"]);
        check(r"\p{^Greek}\pL", &["aα"], &["αα"]);
        check(r"a\b{x}", &["a{x}"], &["a"]);
        check(r"\101\x42\x{43}", &["ABC"], &[]);
        check(r"[[:alpha:]]+[[:^digit:]]", &["ab-"], &["ab1"]);
        check(r"(?P<n>a)(?:b)(?U)c+", &["abcc"], &["ab"]);
        check(r"é+#", &["éé#"], &[]);
    }

    #[test]
    fn what_does_not_compile_is_refused_and_says_why() {
        for filter in [
            "(((", "a)|(b", "[", "[a", "*", r"\", r"\1", "(?x)a #", "(?u:a)", "a{1001}", "(?=a)",
            r"\Z", "[b-a]", r"[\Z]", "x{2,1}", r"\pX",
        ] {
            let error = TopicFilter::new(filter).err();
            let told = error.as_ref().map(|error| (error.code(), error.status()));
            assert_eq!(told, Some(("FF00235", 400)), "{filter}");
        }
    }
}
