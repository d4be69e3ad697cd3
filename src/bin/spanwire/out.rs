//! Output of all commands: colours, writing to a pipe that may be closed, and the failure type.

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The reader of our output has closed the pipe. Not an error: nothing is printed, and the exit status is 0.
    ReaderGone,
    /// The user stopped the command before its work was done.
    Interrupted,
    /// What went wrong and what to do about it, for the user.
    Said(String),
}

impl Failure {
    /// Returns a failure with a message for the user.
    pub fn said(text: impl Into<String>) -> Self {
        Failure::Said(text.into())
    }
}

/// Standard output, with or without colours.
#[derive(Clone, Copy)]
pub struct Out {
    /// How to mark text.
    pub paint: Paint,
}

impl Out {
    /// Standard output with colours as the user chose.
    pub fn new(color: Color) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let on = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && !set("NO_COLOR") && !dumb,
        };
        Out { paint: Paint { on } }
    }

    /// Writes `text` and flushes.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::said(format!("cannot write to standard output: {error}")),
        })
    }
}

/// Writes one line to standard error. Errors are ignored: standard error may be closed.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Returns `1 span`, `2 spans`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Marks text with terminal colours, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether to mark text.
    pub on: bool,
}

impl Paint {
    /// Marks names and headings.
    pub fn strong(&self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// Marks labels, lines of the tree, and details.
    pub fn dim(&self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// Marks times.
    pub fn time(&self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    /// Marks errors.
    pub fn bad(&self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    fn with(&self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
