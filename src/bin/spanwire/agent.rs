//! `spanwire agent`: receives traces and prints them until it is stopped.

use crate::cli::AgentOptions;
use crate::out::{counted, note, Failure, Out};
use crate::receiver::{Event, Places, Receiver};
use crate::tree::{self, Look};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::Arc;

/// Payloads queued for printing. Beyond that, the receiver's answers wait, so that senders slow down.
const WAITING_MAX: usize = 16;

/// Totals for the summary at the end.
#[derive(Default)]
struct Tally {
    payloads: usize,
    traces: usize,
    spans: usize,
    warnings: usize,
}

/// Listens on the places in `options` and prints each trace. Ends on Ctrl-C, on SIGTERM, or when standard output is
/// closed.
pub fn run(out: Out, options: &AgentOptions) -> Result<(), Failure> {
    let port = options.port.or(options.socket.is_none().then_some(8126));
    let places = Places {
        tcp: port.map(|port| (options.host.clone(), port)),
        socket: options.socket.clone(),
        forward: options.forward.clone(),
    };
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
    // Remove the socket file before the summary is printed.
    drop(receiver);
    note(summary(&tally));
    Ok(())
}

/// Stops the command on the first signal. A second signal ends the process at once, in case output to the terminal
/// blocks.
fn stop_on_signal(events: SyncSender<Event>, stop: Arc<AtomicBool>, places: &Places) -> Result<(), Failure> {
    let socket = places.socket.clone();
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            let _ = socket.as_ref().map(std::fs::remove_file);
            std::process::exit(130);
        }
        // If the channel is full, the receiver of events is busy; it checks `stop` after each event.
        let _ = events.try_send(Event::Stop);
    })
    .map_err(|error| Failure::said(format!("cannot install a handler for Ctrl-C: {error}")))
}

/// Prints the addresses that the receiver listens on.
fn announce(receiver: &Receiver, places: &Places) {
    let tcp = receiver.tcp.map(|address| format!("http://{address}"));
    let socket = places.socket.as_ref().map(|path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        format!("unix://{}", path.display())
    });
    for url in tcp.into_iter().chain(socket) {
        note(format_args!("listening on {url}; to send here, run a program with DD_TRACE_AGENT_URL={url}"));
    }
    note("its traces are printed here; Ctrl-C stops the receiver");
}

/// Returns the summary that is printed at the end.
fn summary(tally: &Tally) -> String {
    let mut parts =
        vec![counted(tally.payloads, "payload"), counted(tally.traces, "trace"), counted(tally.spans, "span")];
    if tally.warnings > 0 {
        parts.push(counted(tally.warnings, "warning"));
    }
    format!("received {}", parts.join(", "))
}
