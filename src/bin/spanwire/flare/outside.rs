//! Makes a flare of a running process from outside, by reading its memory, its flight recorder and /proc. The process is
//! not stopped and need not cooperate. Everything is redacted before it is written or sent.

use crate::address;
use crate::cli::FlareOptions;
use crate::doctor::live::process::Process;
use crate::out::{Failure, Out};
use crate::recorder::show;
use spanwire::companion::export::agent::{Agent, Place, Timeouts};
use spanwire::companion::flare::{event_line, process, send, write, Contents, FlareTask, Form, Identity, Keep};
use spanwire::companion::languages::Dialect;
use spanwire::companion::recorder::fates::Fate;
use spanwire::companion::report::{self, Image};
use spanwire::companion::settings::AgentAddress;
use spanwire::companion::{host, sys};
use std::path::PathBuf;
use std::time::Duration;

/// Time limits of a request with a flare. The Agent's `/info` has as long as a connection.
const CONNECT: Duration = Duration::from_secs(2);
const REQUEST: Duration = Duration::from_secs(20);

/// Makes the flare, and writes or sends it.
pub fn run(out: Out, pid: u32, options: &FlareOptions) -> Result<(), Failure> {
    let process = Process::of(pid).map_err(Failure::Said)?;
    if !process.has_spanwire() {
        let why = format!(
            "process {pid} has not loaded libspanwire or has not called it yet, so there is nothing to put into a flare; \
             `spanwire doctor --pid {pid}` examines processes with other tracers"
        );
        return Err(Failure::said(why));
    }
    let Made { archive, files, identity, url } = made(&process)?;
    if options.send {
        return pass_on(out, options, &identity, &url, &archive);
    }
    let seconds = sys::wall_ns() / 1_000_000_000;
    let path = options.output.clone().unwrap_or_else(|| PathBuf::from(format!("spanwire-flare-{pid}-{seconds}.zip")));
    write(&path, &archive)
        .map_err(|error| Failure::said(format!("{} cannot be written: {}", path.display(), error.plain())))?;
    out.write(&format!("{}: {} files, {} bytes\n", path.display(), files, archive.len()))
}

/// A flare.
struct Made {
    archive: Vec<u8>,
    files: usize,
    /// Who it is about.
    identity: Identity,
    /// The Agent's URL.
    url: String,
}

fn made(process: &Process) -> Result<Made, Failure> {
    let pid = process.pid;
    let text = |name: &str| process.tracer().map_or(String::new(), |tracer| tracer.text(name).to_owned());
    let identity = Identity {
        language: text("language"),
        language_version: text("language_version"),
        tracer_version: text("tracer_version"),
        service: text("service"),
        env: text("env"),
        version: text("version"),
        runtime_id: text("runtime_id"),
    };
    let names = Dialect::of_language(&identity.language).language.flare;
    let named = |form: &str| form.replace("{pid}", &pid.to_string()).replace("{program}", &process.name);
    let mut all = Contents::empty();
    if let Some(image) = &process.image {
        let answer = |command: &str| report::answer(Some(image), Some(pid.into()), command);
        let config = config(image);
        all.add_json("spanwire-config.json", "the settings in force, each with its origin", &config);
        all.add(&named(names.health), "tracers, their Agents, and where spans are", &answer("status"), Keep::First);
        all.add("spanwire-counters.txt", "what each tracer has counted", &answer("counters"), Keep::First);
        all.add("spanwire-queue.txt", "finished spans that have not left", &answer("queue"), Keep::First);
        all.add(&named(names.open_spans), "the open spans, oldest first", &answer("spans 1000"), Keep::First);
        let about = "log records that wait for the host, and the events of the flight recorder";
        all.add(&named(names.log), about, &log(image), Keep::Last);
        all.add("spanwire-events.txt", "the flight recorder, oldest first", &answer("events 0"), Keep::Last);
    } else if let Ok(Some(found)) = &process.recorder {
        let plain = crate::out::Paint { on: false };
        let text = show::text(found, 0, plain);
        all.add("spanwire-events.txt", "counters, and the flight recorder, oldest first", &text, Keep::Last);
    }
    if let Ok(Some(found)) = &process.recorder {
        let fates = found.fates.iter().map(Fate::json);
        all.add_objects("spanwire-fates.jsonl", "what became of each of the last traces, oldest first", fates);
    }
    let url = text("agent_url");
    let info = agent_at(&url, CONNECT).map(|agent| agent.info());
    let info = info.map_or_else(String::new, |info| match info {
        Ok(info) => info.text,
        Err(failure) => format!("The Agent at {url} was asked for it by `spanwire flare`: {}\n", failure.error()),
    });
    all.add_json("spanwire-agent-info.json", "what the Agent says about itself (/info), asked from outside", &info);
    let folder = format!("/proc/{pid}");
    let versions = process::versions(&folder, &identity, &process.name);
    all.add(&named(names.versions), "versions, the machine, limits of the process", &versions, Keep::First);
    all.add(&named(names.threads), "the threads, with their CPU time", &process::threads(&folder), Keep::First);
    all.add("spanwire-memory.txt", "the memory of the process", &process::memory_of(&folder), Keep::First);
    all.add("spanwire-memory-map.txt", "the memory map of the process", &process::memory_map(&folder), Keep::First);
    let parent = process.image.as_ref().map_or(0, |image| image.parent_pid as u32);
    // With the list of secrets and the manifest.
    let files = all.count() + 2;
    let archive = all.finish("spanwire flare", &identity, &process.name, [pid, parent]);
    let archive = archive.map_err(|error| Failure::said(format!("the flare cannot be packed: {}", error.plain())))?;
    Ok(Made { archive, files, identity, url })
}

/// Returns a connection to the Agent at this URL; none if it is no Agent's.
fn agent_at(url: &str, request: Duration) -> Option<Agent> {
    let address = address::read(url).ok().filter(|address| !matches!(address, AgentAddress::Otlp { .. }));
    let place = Place::of(&address?)?;
    Some(Agent::new(place, Timeouts { connect: CONNECT, request }))
}

/// Returns the settings of each tracer as JSON.
fn config(image: &Image) -> String {
    let object = report::json::object(image);
    object["tracers"].to_string()
}

/// Returns the records that wait. What the host has taken before is not in the process any more; the events stand for it.
fn log(image: &Image) -> String {
    let events = image.recorder.iter().flat_map(|recorder| &recorder.events);
    let mut out = String::from("(the flight recorder's events, since the process keeps no record that was taken)\n");
    events.for_each(|event| out += &format!("{}\n", event_line(event)));
    out += if image.log.is_empty() { "(no record waits)\n" } else { "(the records that wait)\n" };
    image.log.iter().for_each(|record| out += &format!("{}\n", String::from_utf8_lossy(record)));
    out
}

/// Sends the flare to the Agent of the process.
fn pass_on(out: Out, options: &FlareOptions, who: &Identity, url: &str, archive: &[u8]) -> Result<(), Failure> {
    let (case_id, user_handle) =
        (options.case_id.clone().unwrap_or_default(), options.email.clone().unwrap_or_default());
    let task = FlareTask { case_id, hostname: host::hostname(), user_handle, uuid: String::new() };
    if !task.has_valid_case() {
        return Err(Failure::said("--case-id takes the number of a support case, such as 12345"));
    }
    let Some(agent) = agent_at(url, REQUEST) else {
        let why = format!("the process sends to no Agent ({url}); write the flare to a file with -o");
        return Err(Failure::said(why));
    };
    let language: String = who.language.chars().filter(char::is_ascii_alphanumeric).collect();
    let language = if language.is_empty() { "native".to_owned() } else { language.to_ascii_lowercase() };
    let file = format!("tracer-{language}-{}-{}.zip", task.case_id, sys::wall_ns() / 1_000_000_000);
    send(&agent, &Form { task: &task, language: &language, file: &file, archive })
        .map_err(|why| Failure::said(format!("the flare was not sent: {why}")))?;
    out.write(&format!("sent to {url} for case {}: {} bytes\n", task.case_id, archive.len()))
}
