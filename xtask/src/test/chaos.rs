//! The part `chaos`: the short form of `cargo xtask chaos`, with the debug build that the tests have.

use std::time::Instant;

use anyhow::{Result, bail};

use super::{Row, parts::Workshop};
use crate::{chaos, output::Stream};

/// Breaks a platform for a minute; a violation is a failed check with all of them told.
pub fn run(workshop: &mut Workshop<'_>) -> Result<Row> {
    let began = Instant::now();
    workshop.build()?;
    let tools = workshop.tools()?.clone();
    let report = chaos::run(workshop.steps, workshop.paths, &tools, &chaos::Arguments::short())?;
    if report.violations.is_empty() {
        return Ok(Row::one("chaos", true, began.elapsed(), report.sentence()));
    }
    report.print_lines(Stream::Output);
    bail!("{}; its logs are in {}", report.sentence(), workshop.paths.short(&workshop.paths.logs().join("chaos")))
}
