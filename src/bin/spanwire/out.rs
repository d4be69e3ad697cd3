//! The companion's own terminal: whether to colour, writing that survives a closed pipe, and the one failure type of
//! all commands.

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// Whoever read our output has left: nothing to say, and nothing wrong.
    ReaderGone,
    /// The user asked for the end before the work was done.
    Interrupted,
    /// What went wrong and what to do about it.
    Said(String),
}

impl Failure {
    /// A failure to be shown to the user.
    pub fn said(text: impl Into<String>) -> Self {
        Failure::Said(text.into())
    }
}

/// Standard output.
#[derive(Clone, Copy)]
pub struct Out {
    /// How to mark text.
    pub paint: Paint,
}

impl Out {
    /// Standard output, coloured as the user wishes.
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

    /// Writes `text`, at once.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::said(format!("cannot write to standard output: {error}")),
        })
    }
}

/// Writes one line to standard error. That it may be closed is no reason to stop.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// `1 span`, `2 spans`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Marks text for a terminal, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    /// Whether to mark at all.
    pub on: bool,
}

impl Paint {
    /// Names, headings.
    pub fn strong(&self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// Labels, lines of the tree, what is seldom needed.
    pub fn dim(&self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// Times.
    pub fn time(&self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    /// Errors.
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
