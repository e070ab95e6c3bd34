use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Raw, Reader, Result, whole_number};

/// A JSON pointer (RFC 6901), taken apart.
#[derive(Debug)]
pub(crate) struct Path(Vec<Box<str>>);

impl Path {
    pub(crate) fn new(pointer: &str) -> Self {
        let mut steps = Vec::new();
        let mut step = None;
        let mut chars = pointer.chars();
        while let Some(next) = chars.next() {
            if next == '/' {
                steps.extend(step.replace(String::new()));
            } else if let Some(step) = &mut step {
                step.push(match next {
                    '~' if chars.as_str().starts_with('0') => chars.next().map_or('~', |_| '~'),
                    '~' if chars.as_str().starts_with('1') => chars.next().map_or('~', |_| '/'),
                    other => other,
                });
            }
        }
        steps.extend(step);
        Self(steps.into_iter().map(String::into_boxed_str).collect())
    }

    /// The name of the member that it names, if it names one of the outermost object.
    pub(crate) fn member(&self) -> Option<&str> {
        if let [name] = &*self.0 { Some(name) } else { None }
    }

    /// Whether it names all of the text.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// The value that it names in what is to be read; `None` where there is none.
    pub(crate) fn find<'a>(&self, mut reader: Reader<'a>) -> Result<Option<Raw<'a>>> {
        for step in &self.0 {
            let found = match reader.peek()? {
                b'{' => {
                    let mut members = reader.object()?;
                    loop {
                        match members.next(&mut reader)? {
                            Some(name) if name.is(step) => break true,
                            Some(_) => drop(reader.value()?),
                            None => break false,
                        }
                    }
                }
                b'[' => {
                    let mut elements = reader.array()?;
                    let mut left = whole_number(step.as_bytes());
                    loop {
                        if !elements.next(&mut reader)? {
                            break false;
                        }
                        match left {
                            Some(0) => break true,
                            Some(more) => left = Some(more - 1),
                            None => break false,
                        }
                        reader.value()?;
                    }
                }
                _ => false,
            };
            if !found {
                return Ok(None);
            }
        }
        reader.raw().map(Some)
    }
}
