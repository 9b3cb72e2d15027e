//! Headless Chromium and its WebDriver, for the tests of the dashboard.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    commands::{is_executable, which},
    setup::apt::{Need, Sign},
};

/// Where the driver is; it finds the browser of its own package by itself.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The `chromedriver` binary.
    pub driver: PathBuf,
}

/// Debian's pair, which fit each other.
pub fn needs() -> Vec<Need> {
    vec![
        Need { package: "chromium", sign: Sign::Program("chromium"), why: "shows the dashboard to the browser tests" },
        Need {
            package: "chromium-driver",
            sign: Sign::Program("chromedriver"),
            why: "lets the tests drive that browser",
        },
    ]
}

/// Finds the driver.
pub fn ensure() -> Result<Browser> {
    let debian = Path::new("/usr/bin/chromedriver");
    let driver = if is_executable(debian) { Some(debian.to_owned()) } else { which("chromedriver") };
    Ok(Browser {
        driver: driver.context(
            "chromedriver is missing, which drives the browser of the dashboard's tests; install chromium-driver",
        )?,
    })
}
