//! In a real browser: Chromium by its WebDriver.

mod checks;
mod console;
mod driver;
mod live;
