//! A fault as a list of parts.

use highwater_core::{Class, Error};

use super::output::Output;

/// `[code, words, place, key, number, class]`, or `null`; the class is 0 for retry, 1 for reset
/// and 2 for terminal.
pub(super) fn write(out: &mut Output, error: Option<&Error>) {
    let Some(error) = error else {
        return out.none();
    };
    out.open();
    out.text(error.code());
    out.text(error.what());
    out.text(error.place());
    out.maybe_text(error.key());
    out.maybe(error.number());
    out.number(match error.class() {
        Class::Retry => 0,
        Class::Reset => 1,
        Class::Terminal => 2,
    });
    out.close();
}
