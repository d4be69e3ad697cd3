//! Makes a flare of a running process from outside, by reading its memory, its flight recorder and /proc. The process is
//! not stopped and need not cooperate. Everything is redacted before it is written or sent.

use crate::cli::FlareOptions;
use crate::doctor::live::process::Process;
use crate::out::{Failure, Out};
use crate::recorder::show;
use spanwire::companion::export::agent::{Agent, Place, Timeouts};
use spanwire::companion::flare::{pack, process, send, write, Contents, FlareTask, Form, Identity, Keep};
use spanwire::companion::languages::Dialect;
use spanwire::companion::recorder::fates::Fate;
use spanwire::companion::report::{self, Image};
use spanwire::companion::settings::AgentAddress;
use spanwire::companion::{host, sys};
use std::path::PathBuf;
use std::time::Duration;

/// Time limits of a request with a flare.
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
    let (contents, identity, url) = contents(&process);
    let archive =
        pack(&contents.files).map_err(|error| Failure::said(format!("the flare cannot be packed: {error}")))?;
    if options.send {
        return pass_on(out, options, &identity, &url, &archive);
    }
    let seconds = sys::wall_ns() / 1_000_000_000;
    let path = options.output.clone().unwrap_or_else(|| PathBuf::from(format!("spanwire-flare-{pid}-{seconds}.zip")));
    write(&path, &archive)
        .map_err(|error| Failure::said(format!("{} cannot be written: {}", path.display(), error.plain())))?;
    out.write(&format!("{}: {} files, {} bytes\n", path.display(), contents.files.len(), archive.len()))
}

/// Makes the files. Returns also who the flare is about, and the Agent's URL.
fn contents(process: &Process) -> (Contents, Identity, String) {
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
        all.add(&named(names.log), "log records that wait for the host", &records(image), Keep::Last);
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
    let folder = format!("/proc/{pid}");
    let versions = process::versions(&folder, &identity, &process.name);
    all.add(&named(names.versions), "versions, the machine, limits of the process", &versions, Keep::First);
    all.add(&named(names.threads), "the threads, with their CPU time", &process::threads(&folder), Keep::First);
    all.add("spanwire-memory.txt", "the memory of the process", &process::memory_of(&folder), Keep::First);
    all.add("spanwire-memory-map.txt", "the memory map of the process", &process::memory_map(&folder), Keep::First);
    let parent = process.image.as_ref().map_or(0, |image| image.parent_pid as u32);
    all.finish("spanwire flare", &identity, &process.name, [pid, parent]);
    (all, identity, text("agent_url"))
}

/// Returns the settings of each tracer as JSON.
fn config(image: &Image) -> String {
    let object = report::json::object(image);
    object["tracers"].to_string()
}

fn records(image: &Image) -> String {
    let lines = image.log.iter().map(|record| format!("{}\n", String::from_utf8_lossy(record)));
    match lines.collect::<String>() {
        none if none.is_empty() => "No record waits.\n".into(),
        lines => lines,
    }
}

/// Sends the flare to the Agent of the process.
fn pass_on(out: Out, options: &FlareOptions, who: &Identity, url: &str, archive: &[u8]) -> Result<(), Failure> {
    let (case_id, user_handle) =
        (options.case_id.clone().unwrap_or_default(), options.email.clone().unwrap_or_default());
    let task = FlareTask { case_id, hostname: host::hostname(), user_handle, uuid: String::new() };
    if !task.has_valid_case() {
        return Err(Failure::said("--case-id takes the number of a support case, such as 12345"));
    }
    let place = match AgentAddress::from_url(url) {
        Ok(AgentAddress::Http { host, port, base_path }) => Place::Tcp { host, port, base_path },
        Ok(AgentAddress::Unix { path }) => Place::Unix { path },
        _ => {
            return Err(Failure::said(format!(
                "the process sends to no Agent ({url}); write the flare to a file with -o"
            )))
        }
    };
    let agent = Agent::new(place, Timeouts { connect: CONNECT, request: REQUEST });
    let language: String = who.language.chars().filter(char::is_ascii_alphanumeric).collect();
    let language = if language.is_empty() { "native".to_owned() } else { language.to_ascii_lowercase() };
    let file = format!("tracer-{language}-{}-{}.zip", task.case_id, sys::wall_ns() / 1_000_000_000);
    send(&agent, &Form { task: &task, language: &language, file: &file, archive })
        .map_err(|why| Failure::said(format!("the flare was not sent: {why}")))?;
    out.write(&format!("sent to {url} for case {}: {} bytes\n", task.case_id, archive.len()))
}
