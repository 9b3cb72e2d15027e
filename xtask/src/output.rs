//! Standard output that may go away: `… | head` ends the reader, not the work.

use std::{fmt::Display, io::Write};

/// Prints a line; false when nobody reads any more.
pub fn line(text: impl Display) -> bool {
    writeln!(std::io::stdout(), "{text}").is_ok()
}

/// Prints without a newline, at once.
pub fn part(text: impl Display) {
    let mut output = std::io::stdout();
    // Progress that nobody sees is no reason to stop the work.
    let _ = write!(output, "{text}").and_then(|()| output.flush());
}
