//! How a command ends.

use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done; everything is Ready.
    Done,
    /// It is not: not Ready, not in time, or refused.
    NotDone,
    /// It cannot be told.
    Unknown,
    /// A resource cannot be read; what was asked is told of all others.
    Unreadable,
    /// By Ctrl-C.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::NotDone => 1,
            // clap's code for a wrong argument too.
            Exit::Unknown => 2,
            Exit::Unreadable => 3,
            // What shells give for an interrupt.
            Exit::Interrupted => 130,
        })
    }
}
