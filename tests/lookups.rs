//! An Agent that is reached by name, from children that were forked while another thread was resolving a name. The C
//! library's look-up may then hang forever. The host program replaces the look-up by one that hangs in every child.

mod support;

use support::faults::{always, Reply};
use support::hosts::{host, Host};

/// Returns a name that /etc/hosts maps to 127.0.0.1, where the Agent listens.
fn own_name() -> Option<String> {
    let table = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let named = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        (words.next()? == "127.0.0.1").then(|| words.find(|name| *name != "localhost").map(str::to_owned))?
    };
    let name = table.lines().find_map(named);
    if name.is_none() {
        eprintln!("skipped: /etc/hosts gives 127.0.0.1 no name but localhost");
    }
    name
}

fn children(host: Host, url: &str) -> Host {
    host.env("SPANWIRE_LOG_SINKS", "ring").env("DD_TRACE_STARTUP_LOGS", "false").agent(url).arg(4)
}

#[test]
fn a_child_reaches_its_agent_at_the_address_that_its_parent_had_looked_up() {
    let agent = always(Reply::Ok).start();
    let Some(host) = host("lookup.c") else { return };
    // Only the host's own look-up knows this name.
    let url = agent.url().replace("127.0.0.1", "agent.spanwire.test");
    let ran = children(host, &url).arg("known").run().ok();
    assert_eq!(ran.object("lookup")["hanging"], 0, "no child needed a look-up");
    assert_eq!(agent.accepted().distinct(), 5);
}

#[test]
fn a_child_whose_look_up_hangs_still_reaches_its_agent() {
    let agent = always(Reply::Ok).start();
    let (Some(host), Some(name)) = (host("lookup.c"), own_name()) else { return };
    let ran = children(host, &agent.url().replace("127.0.0.1", &name)).run().ok();
    assert_eq!(ran.object("lookup")["silent"], 0);
    assert_eq!(agent.accepted().distinct(), 4);
}
