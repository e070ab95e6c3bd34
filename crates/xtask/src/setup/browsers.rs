//! Two more browsers for tests, each with its driver: Firefox and `WebKit`.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::{apt, tools};
use crate::project::Project;
use crate::{Result, sh};

/// What drives Firefox, and where that is.
pub(crate) struct Firefox {
    pub(crate) firefox: PathBuf,
    pub(crate) driver: PathBuf,
}

/// What drives `WebKit`, and where it shows its windows: it has no way to have none.
pub(crate) struct WebKit {
    /// It finds its browser by itself: Debian's, of the same source.
    pub(crate) driver: PathBuf,
    pub(crate) xvfb: PathBuf,
}

/// Firefox: named by FIREFOX, on PATH, or Debian's.
pub(super) fn firefox(project: &Project) -> Result<Option<Firefox>> {
    ensure("Firefox for tests", || {
        let named = env::var_os("FIREFOX").filter(|file| !file.is_empty()).map(PathBuf::from);
        let there = || sh::which(&["firefox-esr", "firefox"]).or_else(on_a_mac);
        let firefox = named.map_or_else(|| found("Firefox", &["firefox-esr"], there), Ok)?;
        let driver = tools::geckodriver(project)?;
        let said = sh::read(Command::new(&firefox).arg("--version"))?;
        Ok((Firefox { firefox, driver }, said))
    })
}

/// `WebKit` for GTK, which is Debian's if it is anybody's.
pub(super) fn webkit() -> Result<Option<WebKit>> {
    ensure("WebKit for tests", || {
        let packages = ["webkit2gtk-driver", "xvfb"];
        let driver = found("WebKit's driver", &packages, || sh::which(&["WebKitWebDriver"]))?;
        let xvfb = found("Xvfb", &packages, || sh::which(&["Xvfb"]))?;
        let said = driver.display().to_string();
        Ok((WebKit { driver, xvfb }, said))
    })
}

/// None is said aloud, with what follows from it; in CI it is an error.
fn ensure<T>(name: &str, find: impl FnOnce() -> Result<(T, String)>) -> Result<Option<T>> {
    let mut browser = None;
    sh::timed(name, || match find() {
        Ok((found, said)) => {
            browser = Some(found);
            Ok(said)
        }
        Err(failure) if sh::in_ci() => Err(failure),
        Err(failure) => Ok(format!("{failure}; nothing will be tried in it")),
    })?;
    Ok(browser)
}

/// What is there, or comes with Debian's packages.
fn found(what: &str, packages: &[&str], look: impl Fn() -> Option<PathBuf>) -> Result<PathBuf> {
    if look().is_none() && apt::can_install() {
        apt::install(packages)?;
    }
    look().ok_or_else(|| {
        format!("{what} is not there: install Debian's {}", packages.join(" and ")).into()
    })
}

fn on_a_mac() -> Option<PathBuf> {
    Some(PathBuf::from("/Applications/Firefox.app/Contents/MacOS/firefox"))
        .filter(|file| file.is_file())
}
