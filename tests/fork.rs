//! A server that forks in any way loses no span, sends none twice, and keeps its traces together.

mod support;

use std::collections::HashSet;
use std::time::Duration;
use support::faults::{always, Reply};
use support::hosts::{host, root};

/// Runs this number of children with this number of traces each, while a thread of the parent makes traces.
fn prefork(way: &str, children: u64, traces: u64) {
    let agent = always(Reply::Ok).start();
    let Some(host) = host("prefork.c") else { return };
    let ran = host.agent(&agent.url()).arg(way).arg(children).arg(traces).limit(120).run().ok();
    let parent = ran.object("parent")["traces"].as_u64().unwrap_or(0);
    assert!(parent > children, "the parent traced beside its children");
    agent.assert_well_formed();
    let arrived = agent.accepted();
    let wanted = (children * traces + parent) * 2;
    assert_eq!((arrived.distinct(), arrived.doubles()), (wanted, 0), "different spans, arrivals too many");
    let mut runtimes = HashSet::new();
    for chunk in agent.chunks() {
        assert_eq!(chunk.len(), 2);
        assert_eq!((chunk[0].parent_id, chunk[1].parent_id), (0, chunk[0].span_id));
        runtimes.insert((chunk[0].tag("runtime-id").to_owned(), chunk[0].metrics.get("process_id").map(|n| *n as u64)));
    }
    assert_eq!(runtimes.len() as u64, children + 1, "each process has its own runtime id and process id: {runtimes:?}");
}

#[test]
fn a_prefork_server_loses_and_doubles_nothing() {
    prefork("fork", 8, 1_000);
}

#[test]
fn a_server_that_forks_by_raw_clone_loses_and_doubles_nothing() {
    prefork("clone", 8, 1_000);
}

#[test]
fn a_server_that_forks_past_the_c_librarys_handlers_loses_and_doubles_nothing() {
    prefork("_Fork", 8, 1_000);
}

#[test]
fn a_fork_at_any_moment_gives_a_child_that_works() {
    prefork("fork", 64, 20);
}

#[test]
fn a_child_continues_its_parents_trace_but_cannot_touch_the_parents_span() {
    let agent = always(Reply::Ok).start();
    let Some(host) = host("inherited.c") else { return };
    let ran = host.agent(&agent.url()).run().ok();
    let outer = ran.object("outer");
    let (trace, id) = (outer["low"].as_u64(), outer["id"].as_u64());
    let spans: Vec<_> = agent.chunks().into_iter().flatten().collect();
    let named = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name} arrives once");
        found[0]
    };
    assert_eq!(named("before").parent_id, 0);
    let own = named("outer");
    assert_eq!((Some(own.trace_id), Some(own.span_id), own.tag("still")), (trace, id, "mine"));
    assert_eq!(own.tag("k"), "", "the child's tag is not on the parent's span");
    for name in ["in the child", "in the grandchild"] {
        let span = named(name);
        assert_eq!((Some(span.trace_id), Some(span.parent_id)), (trace, id), "{name}");
        assert_eq!(span.tag("k"), "v");
    }
    assert_eq!(spans.len(), 4);
}

#[test]
fn nothing_runs_in_a_child_before_its_first_span_though_a_poll_of_its_parent_waits() {
    let agent = always(Reply::Ok).info(Reply::Stall(Duration::from_secs(3600))).start();
    let Some(host) = host("idle_child.c") else { return };
    let asked = root().join("target").join(format!("idle-child-{}", std::process::id()));
    let running = host.arg(asked.display()).agent(&agent.url()).env("SPANWIRE_REQUEST_TIMEOUT_MS", 60_000).spawn();
    // The child's question has its own connection and can be later than its spans.
    for _ in 0..2000 {
        if agent.infos() == 2 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    std::fs::write(&asked, "").expect("a file in target");
    let ran = running.wait().ok();
    let _ = std::fs::remove_file(&asked);
    let threads = ran.object("child");
    assert_eq!(threads["idle"], 1, "{}", ran.stdout);
    assert!(threads["busy"].as_u64() > Some(1), "{}", ran.stdout);
    assert_eq!((agent.accepted().distinct(), agent.infos()), (2, 2), "each process asks once");
}

#[test]
fn a_child_that_logs_local_time_does_not_hang_on_a_lock_that_the_fork_left_held() {
    let agent = always(Reply::Ok).counting_only().start();
    let Some(host) = host("local_time.c") else { return };
    let host = host.arg(100).agent(&agent.url()).env("SPANWIRE_LANGUAGE", "python").env("SPANWIRE_LOG_SINKS", "ring");
    let ran = host.run().ok();
    assert_eq!(ran.object("local_time")["hung"], 0);
}

/// Runs a chain of processes, each forked by the previous one, and asserts that the last third uses no more than the
/// middle third.
fn generations(url: &str) {
    const DEPTH: u64 = 90;
    let Some(host) = host("generations.c") else { return };
    let log = root().join("target").join(format!("generations-{}.log", std::process::id()));
    let host = host.arg(DEPTH).agent(url).env("DD_TRACE_DEBUG", "true").env("DD_TRACE_LOG_FILE", log.display());
    let ran = host.env("SPANWIRE_LOG_SINKS", "file,ring").env("SPANWIRE_LOG_DIALECT", "native").limit(120).run();
    let _ = std::fs::remove_file(&log);
    let all = ran.ok().objects("generation");
    assert_eq!(all.len() as u64, DEPTH + 1);
    let number = |depth: u64, name: &str| all[depth as usize][name].as_u64().expect("a number");
    // The highest of several: a thread may be busy at that moment.
    let most = |from: u64, name: &str| (from..from + 30).map(|depth| number(depth, name)).max().unwrap_or(0);
    // The two connections to the Agent may be open or closed.
    for (name, more) in [("descriptors", 2), ("size", 1_024), ("rss", 512)] {
        let (before, after) = (most(31, name), most(61, name));
        assert!(after <= before + more, "{name}: {before} in generations 31 to 60, {after} in 61 to 90");
    }
}

#[test]
fn a_server_whose_workers_fork_workers_holds_no_more_at_any_depth_with_an_agent() {
    generations(&always(Reply::Ok).start().url());
}

#[test]
fn a_server_whose_workers_fork_workers_holds_no_more_at_any_depth_with_a_file() {
    generations("file:///dev/null");
}
