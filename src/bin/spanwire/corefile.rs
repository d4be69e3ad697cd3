//! `spanwire core`: reports what a process was doing when its core was written. Needs no debugger, no symbols and not the
//! program. `memory` finds the library's table by its first bytes; `spanwire::companion::report` makes the same report as in a debugger.
//! Without a table that fits, it shows the flight recorder alone (`recorder`). `recover` sends the finished spans that were
//! not sent before the crash.

mod elf;
mod memory;
mod recorder;
mod recover;
#[cfg(test)]
mod tests;

use crate::cli::CoreOptions;
use crate::out::{Failure, Out};
use crate::recorder::{show, Found};
use elf::{Core, Source};
use spanwire::companion::report::{self, json, Image};
use std::fs::File;
use std::path::Path;

/// What was found in a core.
pub struct Content {
    core: Core,
    /// What the table describes; `None` if no function of the library was called; or why it cannot be read.
    pub image: Result<Option<Image>, String>,
    /// The flight recorder, or why it was not found.
    pub recorder: Result<Found, String>,
}

/// Reads a core, or says why it cannot be read.
pub fn content(path: &Path) -> Result<Content, String> {
    let told = |why: String| format!("{} {why}", path.display());
    Content::of(&open(path).map_err(told)?).map_err(told)
}

impl Content {
    /// Looks for the table and the flight recorder. Fails if neither is there.
    fn of(source: &dyn Source) -> Result<Content, String> {
        let core = elf::parse(source)?;
        let image = memory::image(source, &core);
        let recorder = recorder::find(source, &core);
        match (&image, &recorder) {
            // A damaged table explains more than a missing recorder.
            (Err(Some(why)), Err(_)) => Err(format!("cannot be read: {why}")),
            (Err(None), Err(why)) => Err(why.clone()),
            _ => Ok(Content {
                core,
                image: image.map_err(|why| why.unwrap_or_else(|| "the core does not hold the library's table".into())),
                recorder,
            }),
        }
    }

    /// The process, if the core names it.
    pub fn pid(&self) -> Option<u64> {
        self.core.pid.map(u64::from)
    }
}

/// Reads a core and prints the report, or sends its spans.
pub fn run(out: Out, options: &CoreOptions) -> Result<(), Failure> {
    let path = &options.file;
    let told = |why: String| Failure::said(format!("{} {why}", path.display()));
    let content = content(path).map_err(Failure::Said)?;
    if let Some(url) = &options.send {
        return recover::run(out, path, &content, url, options);
    }
    if options.json {
        return out.write(&format!("{:#}\n", object(&content, options.last.unwrap_or(0))));
    }
    if !options.command.is_empty() {
        let image = content.image.as_ref().map_err(|why| told(format!("cannot be asked: {why}")))?;
        let answer = report::understood(image.as_ref(), content.pid(), &options.command.join(" "));
        return out.write(&answer.map_err(Failure::Said)?);
    }
    out.write(&whole(out, &content, options.last))
}

/// Makes the report as text.
fn whole(out: Out, content: &Content, last: Option<usize>) -> String {
    let mut text = format!("{}\n", out.paint.strong(&headline(&content.core)));
    let missing = content.core.missing;
    if missing > 0 {
        let note = format!("The core is cut short: {missing} bytes of the process's memory are missing.\n");
        text += &out.paint.bad(&note);
    }
    match &content.image {
        Ok(Some(image)) => {
            let events = format!("events {}", last.unwrap_or(show::USUAL));
            for command in ["status", "spans", "queue", &events, "log", "settings"] {
                if command != "log" || !image.log.is_empty() {
                    text += "\n";
                    text += &report::answer(Some(image), content.pid(), command);
                }
            }
        }
        Ok(None) => text += &report::answer(None, None, "status"),
        Err(why) => {
            text += &out.paint.bad(&format!("Names, tags, queues and settings cannot be shown: {why}.\n"));
            if let Ok(found) = &content.recorder {
                text += &show::text(found, last.unwrap_or(show::USUAL), out.paint);
            }
        }
    }
    text
}

/// Makes the report as one JSON object.
fn object(content: &Content, last: usize) -> serde_json::Value {
    let mut object = content.recorder.as_ref().map_or_else(|_| serde_json::json!({}), |found| show::json(found, last));
    let core = &content.core;
    object["core"] =
        serde_json::json!({ "program": core.program, "signal": core.signal, "missing_bytes": core.missing });
    match &content.image {
        Ok(Some(image)) => {
            let found = json::object(image);
            for (name, value) in found.as_object().into_iter().flatten() {
                object[name] = value.clone();
            }
        }
        Ok(None) => {}
        Err(why) => object["table_error"] = why.as_str().into(),
    }
    object
}

fn open(path: &Path) -> Result<File, String> {
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    match file.metadata() {
        Ok(facts) if facts.is_file() => Ok(file),
        _ => Err("is no file".into()),
    }
}

fn headline(core: &Core) -> String {
    let program: String = core.program.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let program = if program.is_empty() { "a program".into() } else { program };
    match core.signal {
        None | Some(0) => format!("Core of {program}, taken while it lived"),
        Some(signal) => format!("Core of {program}, ended by signal {signal}{}", name_of(signal)),
    }
}

fn name_of(signal: u16) -> &'static str {
    match signal {
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        5 => " (SIGTRAP)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        11 => " (SIGSEGV)",
        31 => " (SIGSYS)",
        _ => "",
    }
}
