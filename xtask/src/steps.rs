//! Progress a person can follow: one aligned line a step, with its time.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use anyhow::Result;
use owo_colors::OwoColorize;

use crate::{interrupt::Interrupted, output::Stream};

/// How often a long step says that it is still at work when nobody watches a terminal.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Prints the progress of a command.
pub struct Steps {
    stream: Stream,
    terminal: bool,
    began: Instant,
}

/// One step under way.
pub struct Step<'a> {
    steps: &'a Steps,
    what: &'a str,
    began: Instant,
    said: Cell<Instant>,
    detail: RefCell<String>,
}

impl Steps {
    /// The clock starts here. On a terminal the line of a running step is redrawn; elsewhere it is printed once done.
    pub fn new() -> Self {
        Self::on(Stream::Output)
    }

    /// The same, on another stream.
    pub fn on(stream: Stream) -> Self {
        let terminal = stream.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { stream, terminal, began: Instant::now() }
    }

    /// Seconds since the command began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A line of prose between steps.
    pub fn say(&self, text: &str) {
        self.stream.line(text);
    }

    /// A title over the steps that follow.
    pub fn heading(&self, text: &str) {
        if self.terminal {
            self.stream.line(format_args!("\n{}", text.bold()));
        } else {
            self.stream.line(format_args!("\n{text}"));
        }
    }

    /// Does `work` and prints `ok` or `FAILED` with the time it took. The error is for the caller to explain.
    pub fn step<T>(&self, what: &str, work: impl FnOnce(&Step<'_>) -> Result<T>) -> Result<T> {
        let now = Instant::now();
        let step = Step { steps: self, what, began: now, said: Cell::new(now), detail: RefCell::default() };
        step.draw("");
        let result = work(&step);
        step.finish(result.as_ref().err());
        result
    }

    /// A word in green, red or yellow on a terminal.
    pub fn paint(&self, word: &str, mood: Mood) -> String {
        if !self.terminal {
            return word.to_owned();
        }
        match mood {
            Mood::Good => word.green().to_string(),
            Mood::Bad => word.red().bold().to_string(),
            Mood::Plain => word.dimmed().to_string(),
        }
    }

    /// Redraws one line on a terminal; says nothing elsewhere.
    pub fn live(&self, text: &str) {
        if self.terminal {
            self.stream.part(format_args!("\r\x1b[2K{}", clip(text, 118)));
        }
    }

    /// Ends a line begun by [`Steps::live`].
    pub fn end_live(&self) {
        if self.terminal {
            self.stream.part("\r\x1b[2K");
        }
    }
}

/// How a word is coloured.
#[derive(Clone, Copy)]
pub enum Mood {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Neither.
    Plain,
}

impl Step<'_> {
    /// What the finished line tells beside the name, such as an address.
    pub fn detail(&self, text: impl Into<String>) {
        *self.detail.borrow_mut() = text.into();
    }

    /// What the step is busy with: redrawn on a terminal, said every 30 s elsewhere.
    pub fn note(&self, text: &str) {
        if self.steps.terminal {
            if self.said.get().elapsed() >= Duration::from_millis(100) {
                self.said.set(Instant::now());
                self.draw(text);
            }
        } else if self.said.get().elapsed() >= HEARTBEAT {
            self.said.set(Instant::now());
            self.steps.stream.line(format_args!(
                "  ...    {:<24} {:<46} {:>7}",
                self.what,
                clip(text, 46),
                seconds(self.began.elapsed())
            ));
        }
    }

    fn draw(&self, text: &str) {
        if self.steps.terminal {
            self.steps.stream.part(format_args!(
                "\r\x1b[2K  {:<6} {:<24} {:<46} {:>7}",
                "...".dimmed(),
                self.what,
                clip(text, 46).dimmed(),
                seconds(self.began.elapsed())
            ));
        }
    }

    fn finish(&self, error: Option<&anyhow::Error>) {
        let mark = match error {
            None => self.steps.paint("ok    ", Mood::Good),
            Some(error) if error.is::<Interrupted>() => self.steps.paint("cut   ", Mood::Plain),
            Some(_) => self.steps.paint("FAILED", Mood::Bad),
        };
        if self.steps.terminal {
            self.steps.stream.part("\r\x1b[2K");
        }
        self.steps.stream.line(format_args!(
            "  {mark} {:<24} {:<46} {:>7}",
            self.what,
            self.detail.borrow(),
            seconds(self.began.elapsed())
        ));
    }
}

/// `1.2 s`, `75 s`, `12 min`: short enough for a column.
pub fn seconds(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if seconds < 100.0 { format!("{seconds:.1} s") } else { format!("{:.0} s", seconds) }
}

/// The first line of `text`, without escape codes, at most `width` characters.
fn clip(text: &str, width: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut plain = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // An escape sequence ends with its first letter.
            for follower in characters.by_ref() {
                if follower.is_ascii_alphabetic() {
                    break;
                }
            }
        } else if !character.is_control() {
            plain.push(character);
        }
    }
    let mut plain = plain.trim().to_owned();
    if plain.chars().count() > width {
        plain = plain.chars().take(width.saturating_sub(1)).collect::<String>() + "…";
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_drops_colours_and_what_is_too_long() {
        assert_eq!(clip("\u{1b}[1m\u{1b}[32m   Compiling\u{1b}[0m serde v1\nnext", 40), "Compiling serde v1");
        assert_eq!(clip("0123456789", 5), "0123…");
    }

    #[test]
    fn times_fit_a_column() {
        assert_eq!(seconds(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(754)), "754 s");
    }
}
