use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Raw, Reader, whole_number};

/// A JSON pointer (RFC 6901), taken apart.
#[derive(Debug)]
pub(crate) struct Path(Vec<Box<str>>);

impl Path {
    pub(crate) fn new(pointer: &str) -> Self {
        let mut steps: Vec<String> = Vec::new();
        let mut tilde = false;
        for next in pointer.chars() {
            let Some(step) = steps.last_mut().filter(|_| next != '/') else {
                steps.push(String::new());
                continue;
            };
            match next {
                '0' if tilde => {}
                '1' if tilde => {
                    step.pop();
                    step.push('/');
                }
                next => step.push(next),
            }
            tilde = next == '~';
        }
        Self(steps.into_iter().map(String::into_boxed_str).collect())
    }

    /// Whether it names all of the text.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the member that it names, if it names one of the outermost object.
    pub(crate) fn member(&self) -> Option<&str> {
        if let [name] = &*self.0 { Some(name) } else { None }
    }

    /// The value that it names in a value; none where there is none.
    pub(crate) fn find(&self, reader: &mut Reader<'_>, raw: Raw) -> Raw {
        let mut found = raw;
        for step in &self.0 {
            let bracket = reader.first(found);
            if bracket != b'{' && bracket != b'[' {
                return Raw::NONE;
            }
            reader.enter(found);
            reader.open(bracket);
            let wanted = whole_number(step.as_bytes());
            let (mut first, mut at) = (true, 0);
            found = Raw::NONE;
            while reader.more(&mut first, bracket) {
                let is = if bracket == b'{' {
                    let name = reader.name();
                    reader.is(name, step)
                } else {
                    wanted == Some(at)
                };
                at += 1;
                let value = reader.value();
                if is {
                    found = value;
                    break;
                }
            }
        }
        found
    }
}
