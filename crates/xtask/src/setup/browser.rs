//! A browser for tests: Chromium or Chrome, and its driver.

use core::time::Duration;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::apt;
use crate::project::Project;
use crate::{Result, sh};

/// What tests drive.
pub(crate) struct Browser {
    pub(crate) chrome: PathBuf,
    /// None where there is only Playwright's browser: wasm-pack then gets a driver by itself.
    pub(crate) driver: Option<PathBuf>,
}

impl Browser {
    /// What a `webdriver.json` says: which browser, and that it keeps to itself.
    pub(crate) fn capabilities(&self) -> String {
        let options = json!({ "binary": self.chrome, "args": ARGUMENTS });
        json!({ "goog:chromeOptions": options }).to_string()
    }
}

/// The browser named by CHROME or CHROMIUM, one on PATH, Playwright's, or Debian's: the first there is.
pub(super) fn ensure(project: &Project) -> Result<Browser> {
    let mut found = None;
    sh::timed("a browser for tests", || {
        let (browser, how) = find_or_install(project)?;
        let said = format!("{} {how}", browser.chrome.display());
        found = Some(browser);
        Ok(said)
    })?;
    found.ok_or_else(|| "no browser".into())
}

fn find_or_install(project: &Project) -> Result<(Browser, &'static str)> {
    for name in ["CHROME", "CHROMIUM"] {
        if let Some(file) = env::var_os(name).filter(|file| !file.is_empty()) {
            let chrome = PathBuf::from(file);
            if !chrome.is_file() {
                return Err(format!("{name} names {}, which is no file", chrome.display()).into());
            }
            return Ok((Browser { chrome, driver: driver() }, "named by the environment"));
        }
    }
    if let Some(browser) = on_this_machine() {
        return Ok((browser, "already there"));
    }
    if let Some(chrome) = playwrights(&project.root) {
        return Ok((Browser { chrome, driver: driver() }, "already there"));
    }
    let mut download = sh::node_tool(&project.root, "playwright-core");
    match sh::run_within(DOWNLOAD_LIMIT, download.args(["install", "--no-shell", "chromium"])) {
        Ok(()) => {
            if let Some(chrome) = playwrights(&project.root) {
                return Ok((Browser { chrome, driver: driver() }, "downloaded"));
            }
        }
        Err(failure) => println!("  {failure}"),
    }
    if sh::which(&["apt-get"]).is_some() {
        apt::install(&["chromium", "chromium-driver", "fonts-dejavu-core"])?;
        if let Some(browser) = on_this_machine() {
            return Ok((browser, "installed from Debian's packages"));
        }
    }
    Err("none found and none to be had: install Chromium or Chrome, or set CHROME to where it is"
        .into())
}

fn on_this_machine() -> Option<Browser> {
    let chrome = sh::which(&[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "chrome",
    ])
    .or_else(|| Some(PathBuf::from(MAC_CHROME)).filter(|file| file.is_file()))?;
    Some(Browser { chrome, driver: driver() })
}

fn driver() -> Option<PathBuf> {
    env::var_os("CHROMEDRIVER").map(PathBuf::from).or_else(|| sh::which(&["chromedriver"]))
}

/// The browser that Playwright downloaded, if it did.
fn playwrights(root: &Path) -> Option<PathBuf> {
    let program = "console.log(require('playwright-core').chromium.executablePath())";
    let file = sh::read(Command::new("node").args(["-e", program]).current_dir(root)).ok()?;
    Some(PathBuf::from(file)).filter(|file| file.is_file())
}

/// No window, no sandbox (there is none for root, and only our own pages are loaded), nothing but what the test asks.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
const MAC_CHROME: &str = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
const DOWNLOAD_LIMIT: Duration = Duration::from_mins(5);
