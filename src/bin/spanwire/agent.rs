//! `spanwire agent`: receives and prints until it is told to stop.

use crate::cli::AgentOptions;
use crate::out::{counted, note, Failure, Out};
use crate::receiver::{Event, Places, Receiver};
use crate::tree::{self, Look};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::Arc;

/// Payloads that may wait for the terminal before senders do.
const WAITING_MAX: usize = 16;

/// What was seen, for the summary.
#[derive(Default)]
struct Tally {
    payloads: usize,
    traces: usize,
    spans: usize,
    warnings: usize,
}

/// Listens where `options` say, prints each trace, ends on Ctrl-C, SIGTERM or when standard output is closed.
pub fn run(out: Out, options: &AgentOptions) -> Result<(), Failure> {
    let port = options.port.or(options.socket.is_none().then_some(8126));
    let places = Places { tcp: port.map(|port| (options.host.clone(), port)), socket: options.socket.clone() };
    let (sender, events) = sync_channel(WAITING_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    stop_on_signal(sender.clone(), Arc::clone(&stop), &places)?;
    let receiver = Receiver::start(&places, &sender).map_err(Failure::Said)?;
    announce(&receiver, &places);

    let look = Look { paint: out.paint, full: options.full };
    let mut tally = Tally::default();
    for event in events {
        match event {
            Event::Stop => break,
            Event::Answered { line, traces, trouble } => {
                tally.warnings += usize::from(trouble);
                if trouble {
                    note(format_args!("warning: {line}"));
                } else if options.verbose {
                    note(line);
                }
                tally.payloads += usize::from(traces.is_some());
                for trace in traces.unwrap_or_default() {
                    tally.traces += 1;
                    tally.spans += trace.len();
                    out.write(&tree::draw(&trace, look))?;
                }
            }
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    // The socket file goes before the last word.
    drop(receiver);
    note(summary(&tally));
    Ok(())
}

/// The first signal asks for the end; a second one, should the terminal be stuck, ends at once.
fn stop_on_signal(events: SyncSender<Event>, stop: Arc<AtomicBool>, places: &Places) -> Result<(), Failure> {
    let socket = places.socket.clone();
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            let _ = socket.as_ref().map(std::fs::remove_file);
            std::process::exit(130);
        }
        // A full channel is being read from, and `stop` is looked at after each event.
        let _ = events.try_send(Event::Stop);
    })
    .map_err(|error| Failure::said(format!("cannot watch for Ctrl-C: {error}")))
}

fn announce(receiver: &Receiver, places: &Places) {
    let tcp = receiver.tcp.map(|address| format!("http://{address}"));
    let socket = places.socket.as_ref().map(|path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        format!("unix://{}", path.display())
    });
    for url in tcp.into_iter().chain(socket) {
        note(format_args!("listening on {url}: run a program with DD_TRACE_AGENT_URL={url}"));
    }
    note("its traces appear here; Ctrl-C ends it");
}

fn summary(tally: &Tally) -> String {
    let mut parts =
        vec![counted(tally.payloads, "payload"), counted(tally.traces, "trace"), counted(tally.spans, "span")];
    if tally.warnings > 0 {
        parts.push(counted(tally.warnings, "warning"));
    }
    format!("received {}", parts.join(", "))
}
