//! `exhaustive.txt`: every short sequence of operations on one id, a line `OPS|ACTIONS|FINAL` each,
//! under a first line that says what the letters mean.

use serde_json::{Value, json};

use crate::Error;

/// What the letters of a file mean.
///
/// An operation is a letter and, where it has one, a version; an action is a letter or a word; the
/// final entry is a letter and the version that is known. Without a word about a letter it stands
/// for what begins with it.
pub(super) struct Legend {
    operations: Letters,
    actions: Letters,
    entries: Letters,
}

/// Letters, and the words that they stand for.
type Letters = Vec<(char, &'static str)>;

/// The words of a legend that give a letter its meaning.
const OPERATIONS: &[&str] = &["upsert", "delete", "forget", "purge"];
const ACTIONS: &[&str] = &["insert", "updated", "delete", "noop"];
const ENTRIES: &[&str] = &["live", "tombstone", "unknown"];

impl Legend {
    /// Reads a legend: wherever one of the words is, the letter before it stands for it.
    pub(super) fn of(line: &str) -> Self {
        let initials = |words: &[&'static str]| -> Letters {
            words.iter().filter_map(|&word| Some((word.chars().next()?, word))).collect()
        };
        let mut legend = Self {
            operations: initials(OPERATIONS),
            actions: initials(ACTIONS),
            entries: initials(ENTRIES),
        };
        let sections = [
            (&mut legend.operations, OPERATIONS),
            (&mut legend.actions, ACTIONS),
            (&mut legend.entries, ENTRIES),
        ];
        // `delete` is an operation and an action: which one, the words before it tell.
        let mut section = 0;
        let mut before = "";
        for word in line.split([' ', '\t', ',', ';', '=', ':', '|', '(', ')']) {
            if word.is_empty() {
                continue;
            }
            let meant = |words: &[&'static str]| {
                let full = |known: &str| word.eq_ignore_ascii_case(known);
                words.iter().copied().find(|&known| {
                    full(known)
                        || full("update") && known == "updated"
                        || full("absent") && known == "unknown"
                })
            };
            let mut places = (section..sections.len()).chain(0..section);
            let found = places.find_map(|at| Some((at, meant(sections[at].1)?)));
            if let Some((at, meaning)) = found {
                section = at;
                if let Some(letter) = symbol(before) {
                    // The last word on a letter holds.
                    sections[at].0.insert(0, (letter, meaning));
                }
            }
            before = word;
        }
        legend
    }

    /// A line as a scenario.
    pub(super) fn scenario(&self, line: &str) -> Result<Value, Error> {
        let bad = |what: &str| Error::new(format!("{what} in OPS|ACTIONS|FINAL: {line}"));
        let [operations, actions, last] = line.split('|').collect::<Vec<_>>()[..] else {
            return Err(bad("not three parts"));
        };
        let (operations, actions) = (tokens(operations), words(actions));
        if operations.len() != actions.len() {
            return Err(bad("not as many actions as operations"));
        }
        let mut ops = Vec::new();
        for ((op, version), action) in operations.iter().zip(actions) {
            let expect = meaning(&self.actions, action).or(match action {
                '-' | '.' => Some("noop"),
                _ => None,
            });
            let expect = expect.ok_or_else(|| bad("an unknown action"))?;
            ops.push(match meaning(&self.operations, *op) {
                Some("upsert") => json!({
                    "op": "upsert", "id": "a", "version": version, "item": format!("a@{version}"),
                    "expect": expect,
                }),
                Some("delete") => {
                    json!({ "op": "delete", "id": "a", "version": version, "expect": expect })
                }
                Some("forget") => json!({ "op": "forget", "id": "a", "expect": expect }),
                Some(_) => {
                    let gone: &[&str] = if expect == "delete" { &["a"] } else { &[] };
                    json!({ "op": "purge", "ids": ["a"], "expect_ids": gone })
                }
                None => return Err(bad("an unknown operation")),
            });
        }
        let last = match tokens(last).first() {
            Some((letter, version)) if !version.is_empty() => {
                match meaning(&self.entries, *letter) {
                    Some("live") => json!({ "a": {
                        "version": version, "tombstone": false, "item": format!("a@{version}"),
                    }}),
                    Some("tombstone") => json!({ "a": { "version": version, "tombstone": true } }),
                    _ => return Err(bad("an unknown final entry")),
                }
            }
            _ => json!({}),
        };
        Ok(json!({ "name": line, "ops": ops, "final": last }))
    }
}

/// What a letter stands for; in either case, unless the legend tells them apart.
fn meaning(letters: &[(char, &'static str)], letter: char) -> Option<&'static str> {
    let find = |is: &dyn Fn(char) -> bool| letters.iter().find(|(known, _)| is(*known));
    find(&|known| known == letter)
        .or_else(|| find(&|known| known.eq_ignore_ascii_case(&letter)))
        .map(|(_, meaning)| *meaning)
}

/// The letter that a legend's word such as `u`, `u1`, `uN` or `L<v>` is about.
fn symbol(word: &str) -> Option<char> {
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let letter = word.chars().next().filter(char::is_ascii_alphabetic)?;
    let rest = word.trim_start_matches(letter);
    let number = rest.len() <= 1 || rest.starts_with(|c: char| !c.is_ascii_alphabetic());
    number.then_some(letter)
}

/// Letters, or the first letters of words, each with the number that follows it.
fn tokens(text: &str) -> Vec<(char, String)> {
    let mut tokens: Vec<(char, String)> = Vec::new();
    for c in text.chars() {
        match tokens.last_mut() {
            Some((_, number)) if c.is_ascii_digit() || c == '-' && number.is_empty() => {
                number.push(c);
            }
            _ if c.is_ascii_alphabetic() => tokens.push((c, String::new())),
            _ => {}
        }
    }
    tokens
}

/// The first letters of words, or all letters where they stand without space between.
fn words(text: &str) -> Vec<char> {
    let words: Vec<&str> = text.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    match words[..] {
        [one] if !ACTIONS.contains(&one) => one.chars().collect(),
        _ => words.iter().filter_map(|word| word.chars().next()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;
    use crate::Native;

    fn run(legend: &str, line: &str) -> Result<(), Error> {
        check(&mut Native, &Legend::of(legend).scenario(line)?)
    }

    #[test]
    fn lines_are_run() {
        for line in ["u1 d2 u1 u3|i d n i|L3", "u1u1d2d2f|indnn|U", "d-1,u-1|n,n|T-1", "|| "] {
            run("OPS|ACTIONS|FINAL", line).unwrap();
        }
        run("", "u1|insert|L1").unwrap();
        run("", "u1 p|i d|-").unwrap();
    }

    #[test]
    fn the_legend_says_what_letters_mean() {
        let legend = "# OPS: a<v>=upsert b<v>=delete x=forget | ACTIONS: + insert, i=insert \
                      c=updated r=delete o=noop | FINAL: v<n> live, e<n> tombstone, - unknown";
        for line in ["a1 a2 b2 b3|i c o r|e3", "a1 x|i r|-", "a5 b5|i o|v5"] {
            run(legend, line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        assert!(run(legend, "a1|c|v1").is_err());
        assert!(run(legend, "a1|i|e1").is_err());
    }

    #[test]
    fn a_line_that_is_wrong_fails() {
        for line in
            ["u1 u1|i i|L1", "u1 d2|i d|L1", "u1|i", "u1|i i|L1", "u1|x|L1", "q1|n|U", "u1|i|Q1"]
        {
            assert!(run("", line).is_err(), "{line}");
        }
    }
}
