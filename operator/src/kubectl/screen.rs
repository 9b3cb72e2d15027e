//! What is printed, and where: results to standard output, progress and problems to standard error.

use std::io::{IsTerminal, Write};

use owo_colors::OwoColorize;
use serde::Serialize;

use super::problem::Problem;

/// Where results, progress and problems go.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    json: bool,
    colours: bool,
}

/// How good something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should be.
    Good,
    /// Under way, or wants a look.
    Doubtful,
    /// Wrong.
    Bad,
    /// Neither.
    Plain,
    /// A heading.
    Strong,
}

impl Screen {
    /// The terminal of the process.
    pub fn new(json: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() && !dumb;
        Self { json, colours }
    }

    /// For people, without colours.
    pub fn plain() -> Self {
        Self { json: false, colours: false }
    }

    /// Whether the result is for programs.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// How it went: one sentence for people, or `value` as JSON.
    pub fn outcome(self, value: &impl Serialize, sentence: &str) {
        self.result(value, &clean(sentence));
    }

    /// The result: `text` for people, or `value` as JSON. Words of the cluster in `text` are [`clean`] already.
    pub fn result(self, value: &impl Serialize, text: &str) {
        if !self.json {
            return self.line(text);
        }
        match serde_json::to_string_pretty(value) {
            Ok(json) => self.line(&json),
            Err(error) => self.progress(&format!("The result cannot be written as JSON: {error}")),
        }
    }

    /// A line of the result. Nobody may read it any more (`… | head`), which is no reason to stop.
    pub fn line(self, text: &str) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// A line of a process's log, as it is; on a terminal without what that would obey.
    pub fn log(self, process: &str, line: &str) {
        let mut output = std::io::stdout();
        let _ = if output.is_terminal() {
            writeln!(output, "{} {}", self.paint(process, Mood::Strong), clean(line))
        } else {
            writeln!(output, "{process} {line}")
        };
    }

    /// A line of progress.
    pub fn progress(self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{}", clean(text));
    }

    /// What went wrong.
    pub fn problem(self, problem: &Problem) {
        let _ = writeln!(std::io::stderr(), "error: {}", clean(&problem.to_string()));
    }

    /// Text in its colour, on a terminal.
    pub fn paint(self, text: &str, mood: Mood) -> String {
        if !self.colours {
            return text.to_owned();
        }
        match mood {
            Mood::Good => text.green().to_string(),
            Mood::Doubtful => text.yellow().to_string(),
            Mood::Bad => text.red().to_string(),
            Mood::Strong => text.bold().to_string(),
            Mood::Plain => text.to_owned(),
        }
    }
}

/// Text of the cluster, without what a terminal would obey: anybody may write an event.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nobody_else() {
        assert_eq!(clean("a\u{1b}[2Jb\nc\t\u{7}"), "a\u{fffd}[2Jb\nc\t\u{fffd}");
    }
}
