//! The fifteen faults that the doctor must name. One table plants each fault: the doctor must find it in the log of a
//! program, in every dialect, and on the machine itself.

use super::plant::{agent_ahead_by, mode, Folder};
use super::planted::{at, each, named, objections, open_folder, But, Planted, LIVE, LOGS};
use super::support::faults::{always, Reply};
use super::support::free_ports;
use spanwire::companion::languages::dialects;
use std::os::unix::net::UnixListener;
use std::time::Duration;

/// A fault.
struct Fault {
    /// Its name in the requirements.
    name: &'static str,
    /// The cause that the doctor must report.
    cause: &'static str,
    plant: fn(&Folder) -> Planted,
    /// Where it cannot be found.
    but: But,
}

const FAULTS: [Fault; 15] = [
    Fault {
        name: "wrong port",
        cause: "agent.wrong_port",
        plant: |_| at(format!("http://127.0.0.1:{}", free_ports(1))),
        but: &[(
            LIVE,
            "agent.down",
            "no Agent answers at another port of this machine, so nothing says which port is right",
        )],
    },
    Fault {
        name: "agent down",
        cause: "agent.down",
        // The port of an Agent at an address of this machine that no Agent binds to.
        plant: |_| at("http://127.0.0.9:8126"),
        but: &[],
    },
    Fault { name: "socket permissions", cause: "agent.socket_permission", plant: closed_socket, but: &[] },
    Fault { name: "HTTP 413", cause: "agent.http_413", plant: |_| answering(413), but: &[] },
    Fault { name: "HTTP 429", cause: "agent.http_429", plant: |_| answering(429), but: &[] },
    Fault { name: "HTTP 404", cause: "agent.http_404", plant: |_| answering(404), but: &[] },
    Fault {
        name: "tracing disabled",
        cause: "tracing.disabled",
        plant: |_| well().env("DD_TRACE_ENABLED", "false"),
        but: &[],
    },
    Fault {
        name: "spans started and never finished",
        cause: "spans.unfinished",
        plant: |_| well().program("open"),
        but: &[(LIVE, "", "they are in the program")],
    },
    Fault {
        name: "a queue that overflows",
        cause: "queue.full",
        plant: |_| stalling().program("spans 500 100").env("SPANWIRE_QUEUE_MAX_CHUNKS", 10),
        but: &[(LIVE, "agent.timeout", "the queue is in the program, and what fills it is an Agent that stalls")],
    },
    Fault { name: "bad URL", cause: "agent.bad_url", plant: |_| at("gopher://127.0.0.1:1"), but: &[] },
    Fault {
        name: "name not resolved",
        cause: "agent.name_not_resolved",
        plant: |_| at("http://no-such-agent.invalid:8126"),
        but: &[],
    },
    Fault {
        name: "clock off by a day",
        cause: "clock.differs",
        plant: |_| at(agent_ahead_by(86_400)),
        but: &[(LOGS, "", "their lines have one clock, and no other to compare it with")],
    },
    Fault {
        name: "unwritable log",
        cause: "log.unwritable",
        plant: |_| well().env("DD_TRACE_LOG_FILE", "/nonexistent/a.log"),
        but: &[],
    },
    Fault {
        name: "settings of two tracers that disagree",
        cause: "settings.disagree",
        plant: |_| well().program("two"),
        but: &[(LIVE, "", "it sees the settings of one process, its own")],
    },
    Fault {
        name: "library older than the binding",
        cause: "library.older",
        plant: |_| well().env("SPANWIRE_TRACER_VERSION", "99.0.0"),
        but: &[(LIVE, "", "it is built with its library, and loads no binding")],
    },
];

fn well() -> Planted {
    let agent = always(Reply::Ok).start();
    at(agent.url()).keeping(agent)
}

fn answering(status: u16) -> Planted {
    let agent = always(Reply::Status(status, "")).start();
    at(agent.url()).keeping(agent)
}

fn stalling() -> Planted {
    let agent = always(Reply::Stall(Duration::from_secs(60))).start();
    at(agent.url()).keeping(agent)
}

fn closed_socket(folder: &Folder) -> Planted {
    let path = folder.path("apm.socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    mode(&path, 0o500);
    at(format!("unix://{}", path.display())).by_nobody().keeping(listener)
}

#[test]
fn each_of_the_fifteen_faults_is_named_in_every_dialect_and_on_this_machine() {
    let folder = open_folder("fifteen");
    let planted = FAULTS.map(|fault| ((fault.plant)(&folder), fault));
    let places = || [LIVE].into_iter().chain(dialects());
    let runs: Vec<_> =
        planted.iter().flat_map(|(planted, fault)| places().map(move |place| (planted, fault, place))).collect();
    let found = each(&runs, |(planted, fault, place)| {
        let cause = named(fault.cause, place, fault.but);
        let visit = match *place {
            LIVE => planted.live(&folder),
            dialect => match planted.visit(&folder, dialect) {
                Some(visit) => visit,
                None => return Vec::new(),
            },
        };
        let mut found = objections(&visit, cause);
        // No other cause may be found, except that a bad URL leads to the default Agent.
        if *place == LIVE && visit.causes().iter().any(|other| ![cause, "agent.down"].contains(other)) {
            found.push(format!("something else is named: {:?}", visit.causes()));
        }
        found.into_iter().map(|why| format!("{} ({place}): {why}", fault.name)).collect()
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}
