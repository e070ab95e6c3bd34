//! What set-up may fail to get.

use std::path::PathBuf;

use crate::{Result, sh};

/// Looks for something that part of the tests needs, or gets it: where it is then, and how it came there.
///
/// That there is none is said aloud, with what follows from it (`without`), and then those tests are
/// skipped, which they say too; in CI it is an error.
pub(super) fn ensure(
    name: &str,
    without: &str,
    find: impl FnOnce() -> Result<(PathBuf, &'static str)>,
) -> Result<Option<PathBuf>> {
    let mut found = None;
    sh::timed(name, || match find() {
        Ok((place, how)) => {
            let said = format!("{} {how}", place.display());
            found = Some(place);
            Ok(said)
        }
        Err(failure) if sh::in_ci() => Err(failure),
        Err(failure) => Ok(format!("{failure}; {without}")),
    })?;
    Ok(found)
}
