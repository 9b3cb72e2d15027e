//! Standard output that may go away: `… | head` ends the reader, not the work.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
};

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error: beside a result that is for programs.
    Errors,
}

impl Stream {
    /// Prints a line; false when nobody reads any more.
    pub fn line(self, text: impl Display) -> bool {
        match self {
            Self::Output => writeln!(std::io::stdout(), "{text}"),
            Self::Errors => writeln!(std::io::stderr(), "{text}"),
        }
        .is_ok()
    }

    /// Prints without a newline, at once.
    pub fn part(self, text: impl Display) {
        // Progress that nobody sees is no reason to stop the work.
        let _ = match self {
            Self::Output => {
                let mut output = std::io::stdout();
                write!(output, "{text}").and_then(|()| output.flush())
            }
            // It is never held back.
            Self::Errors => write!(std::io::stderr(), "{text}"),
        };
    }

    /// Whether a person watches.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Output => std::io::stdout().is_terminal(),
            Self::Errors => std::io::stderr().is_terminal(),
        }
    }
}

/// Prints a line to standard output; false when nobody reads any more.
pub fn line(text: impl Display) -> bool {
    Stream::Output.line(text)
}

/// Prints to standard output without a newline, at once.
pub fn part(text: impl Display) {
    Stream::Output.part(text);
}
