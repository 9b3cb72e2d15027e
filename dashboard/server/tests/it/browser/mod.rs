//! In a real browser: Chromium by its WebDriver.

mod checks;
//TMP mod console;
mod driver;
mod live;
