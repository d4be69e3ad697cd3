//! The same through PHP with the extension and over FFI, Ruby and C++, as the test agent decodes it.

use crate::extension::php;
use crate::support::agent::{Place, TestAgent};
use crate::support::hosts::{command, compile_cpp, require, root, stage, Host};
use crate::support::payload::Span;
use crate::{check_events, check_events_tag, check_links, check_structured, check_tags, named, prepared};

/// Returns the programs that can run here. Each sends one span with its name.
fn programs() -> Vec<(&'static str, Host)> {
    let file = |name: &str| root().join("tests/links").join(name);
    let mut all = Vec::new();
    if let Some(php) = php() {
        let library = format!("spanwire.library={}", php.library.display());
        let ffi = ["-n", "-d", "extension=ffi", "-d", "ffi.enable=1", "-d", &library].map(str::to_owned);
        let ffi = ffi.into_iter().fold(command("php"), Host::arg);
        all.extend(
            [("PHP", php.cli()), ("PHP over FFI", ffi)]
                .map(|(name, host)| (name, host.arg(file("linked.php").display()))),
        );
    }
    if require("ruby") && require("ruby-ffi") {
        let ruby = command("ruby").env("SPANWIRE_LIBRARY", stage().join("lib/libspanwire.so").display());
        all.push(("Ruby", ruby.arg("-w").arg(file("linked.rb").display())));
    }
    if require("g++") {
        all.push(("C++", command(compile_cpp(&file("linked.cpp")))));
    }
    all
}

/// Runs the programs with an agent that describes itself with these additions, and checks the span of each.
fn check_each(info: &str, check: impl Fn(&Span)) {
    let Some(place) = require("ddapm-test-agent").then(Place::reserve).flatten() else { return };
    let agent: TestAgent = place.start_with(&[("DD_AGENT_EXTRA_INFO", info)]);
    for (name, host) in programs() {
        let outcome = prepared(host).agent(&agent.tcp()).env("NAME", name).run().ok();
        // The program says how many tags, links and events were dropped: those that are invalid.
        assert_eq!(outcome.stdout.trim(), "4", "{name}: {}", outcome.stderr);
        let chunks = agent.traces();
        let span = named(&chunks, name);
        check_links(&span.links, None);
        check_tags(span);
        check(span);
        // The test agent does not show structured values.
        check_structured(named(&agent.chunks(), name));
    }
    agent.assert_checks_passed();
}

#[test]
fn each_binding_sends_links_events_and_attributes_as_c_does() {
    check_each("{}", |span| {
        check_events(&span.events);
        assert!(!span.meta.contains_key("events"));
    });
}

#[test]
fn each_binding_sends_events_as_a_tag_to_an_agent_that_takes_no_events() {
    check_each(r#"{"span_events":false}"#, |span| {
        check_events_tag(span.tag("events"));
        assert!(span.events.is_empty());
    });
}
