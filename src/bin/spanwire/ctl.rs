//! `spanwire ctl`: asks running processes. `link` gets an answer from one process through its socket.

mod link;

use crate::cli::{CtlCommand, CtlOptions};
use crate::family::{family, title};
use crate::memory;
use crate::out::{Failure, Out};
use crate::recorder::{find, Found};
use link::Link;
use spanwire::companion::redact;
use spanwire::companion::report;
use std::fs;
use std::io::{BufRead, BufReader};
use std::time::Duration;

/// How long an answer may take that waits for nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the command.
pub fn run(out: Out, options: &CtlOptions) -> Result<(), Failure> {
    let members = members(options.pid).map_err(Failure::Said)?;
    let several = members.len() > 1;
    if let CtlCommand::Log { .. } = options.command {
        return follow(out, &members, several);
    }
    let (mut answered, mut troubles) = (false, Vec::new());
    for member in &members {
        match answer(member, &options.command) {
            Ok(text) => {
                answered = true;
                let heading = if several { format!("{}\n", out.paint.strong(&name(member))) } else { String::new() };
                out.write(&format!("{heading}{}", redact::text(&text)))?;
            }
            Err(why) => troubles.push(why),
        }
    }
    match answered {
        true => {
            troubles.iter().for_each(|why| crate::out::note(format_args!("spanwire: {why}")));
            Ok(())
        }
        false => Err(Failure::Said(troubles.join("\n"))),
    }
}

/// Returns the processes that the command goes to: the one that the user named and its children, as far as they carry the
/// library and have called it themselves.
fn members(pid: u32) -> Result<Vec<Found>, String> {
    find::status(pid)?;
    let (mut members, mut others, mut troubles) = (Vec::new(), 0, Vec::new());
    for member in family(pid) {
        match find::look(member) {
            Ok(Some(found)) if found.own => members.push(found),
            Ok(Some(_)) => others += 1,
            Ok(None) => {}
            Err(why) if member == pid => return Err(why),
            Err(why) => troubles.push(why),
        }
    }
    if !members.is_empty() {
        return Ok(members);
    }
    if !troubles.is_empty() {
        return Err(troubles.join("; "));
    }
    Err(match others {
        0 => format!("process {pid} and its children do not carry the library, or have not called it yet"),
        _ => format!("process {pid} is a forked child that has not called the library since: it has nothing to show"),
    })
}

fn name(member: &Found) -> String {
    format!("Process {} ({})", member.pid, title(member.pid))
}

fn answer(member: &Found, command: &CtlCommand) -> Result<String, String> {
    let (request, patience) = match command {
        CtlCommand::Status => ("status".to_owned(), PATIENCE),
        CtlCommand::Spans { most } => (format!("spans {most}"), PATIENCE),
        CtlCommand::Debug { switch, time } => match (switch.as_str(), time) {
            ("on", time) => (format!("debug on {}", time.unwrap_or(0)), PATIENCE),
            (_, None) => ("debug off".to_owned(), PATIENCE),
            (_, Some(_)) => return Err("--for belongs to `debug on`".into()),
        },
        CtlCommand::Flush { time } => {
            let time = Duration::from_secs((*time).into());
            (format!("flush {}", time.as_millis()), time + PATIENCE)
        }
        CtlCommand::Log { .. } => ("log".to_owned(), PATIENCE),
    };
    if matches!(command, CtlCommand::Status | CtlCommand::Spans { .. }) {
        if let Some(text) = from_memory(member, &request) {
            return Ok(text);
        }
    }
    Link::to(member)?.ask(&request, patience)
}

/// Answers from the memory of the process, if that can be read.
fn from_memory(member: &Found, command: &str) -> Option<String> {
    let maps = fs::read_to_string(format!("/proc/{}/maps", member.pid)).ok()?;
    let image = memory::image(member.pid, &maps)?;
    Some(report::answer(Some(&image), None, command))
}

/// Prints the records of all members as they come, until all have ended.
fn follow(out: Out, members: &[Found], several: bool) -> Result<(), Failure> {
    let mut troubles = Vec::new();
    let mut links = Vec::new();
    for member in members {
        match Link::to(member).and_then(|link| link.follow()) {
            Ok(stream) => links.push((member.pid, stream)),
            Err(why) => troubles.push(why),
        }
    }
    if links.is_empty() {
        return Err(Failure::Said(troubles.join("\n")));
    }
    troubles.iter().for_each(|why| crate::out::note(format_args!("spanwire: {why}")));
    let (sender, receiver) = std::sync::mpsc::sync_channel::<String>(1024);
    for (pid, stream) in links {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let prefix = if several { format!("[{pid}] ") } else { String::new() };
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(format!("{prefix}{}\n", redact::text(&line))).is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    receiver.into_iter().try_for_each(|line| out.write(&line))
}
