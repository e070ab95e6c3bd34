//! What is tried in more than one browser.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Context, node_tests_with, ran};
use crate::display::Display;
use crate::{Result, setup, sh};

/// The crate's own tests: the same as in Node, which do not say where they run.
pub(super) fn wasm(context: &Context) -> Result {
    let chromium = &context.setup.browser;
    wasm_in(context, "chrome", chromium.driver.as_deref(), &chromium.capabilities(), None)?;
    let (firefox, webkit) = setup::for_browsers(context.project)?;
    if let Some(firefox) = firefox {
        let capabilities = json!({ "moz:firefoxOptions": { "binary": firefox.firefox } });
        wasm_in(context, "firefox", Some(&firefox.driver), &capabilities.to_string(), None)?;
    }
    if let Some(webkit) = webkit {
        let display = Display::start(&webkit.xvfb)?;
        // Whatever starts a browser and speaks WebDriver is taken for Safari's.
        wasm_in(context, "safari", Some(&webkit.driver), "{}", Some(&display))?;
    }
    Ok(())
}

fn wasm_in(
    context: &Context,
    browser: &str,
    driver: Option<&Path>,
    capabilities: &str,
    display: Option<&Display>,
) -> Result {
    let mut test = context.setup.wasm.command("wasm-pack")?;
    test.args(["test", "--headless", &format!("--{browser}")]);
    // The runner takes the first that the environment names, whatever it is told.
    for other in ["GECKODRIVER", "SAFARIDRIVER", "CHROMEDRIVER"] {
        test.env_remove(other).env_remove(format!("{other}_REMOTE"));
    }
    // Without a driver of the machine's own, wasm-pack gets one: the one download that it may do.
    if let Some(driver) = driver {
        let option = match browser {
            "firefox" => "--geckodriver".to_owned(),
            other => format!("--{other}driver"),
        };
        test.args(["--mode", "no-install", &option]).arg(driver);
    }
    let file = context.project.target.join(format!("webdriver-{browser}.json"));
    fs::write(&file, capabilities)?;
    test.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", file);
    test.env("WASM_BINDGEN_USE_BROWSER", "1");
    if let Some(display) = display {
        test.env("DISPLAY", &display.name);
    }
    ran(&sh::run_and_keep(test.arg("crates/wasm"))?)
}

/// The package and the demo page, by tests/browsers: it tries each browser that it is told of.
pub(super) fn pages(context: &Context) -> Result {
    let mut told: Vec<(&str, PathBuf)> = Vec::new();
    match &context.setup.browser.driver {
        Some(driver) => told.push(("CHROMEDRIVER", driver.clone())),
        None if sh::in_ci() => return Err("there is no chromedriver".into()),
        None => println!("there is no chromedriver: nothing is tried in Chromium"),
    }
    let (firefox, webkit) = setup::for_browsers(context.project)?;
    if let Some(firefox) = firefox {
        told.extend([("FIREFOX", firefox.firefox), ("GECKODRIVER", firefox.driver)]);
    }
    // Kept until the tests are over.
    let mut display = None;
    if let Some(webkit) = webkit {
        let display = display.insert(Display::start(&webkit.xvfb)?);
        told.push(("WEBKITWEBDRIVER", webkit.driver));
        told.push(("DISPLAY", PathBuf::from(&display.name)));
    }
    node_tests_with(context, "tests/browsers", &told)
}
