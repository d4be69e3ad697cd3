//! Waits between attempts: an agent that is overloaded is left alone, whatever it says and whatever the host asks for.

mod support;

use support::faults::{always, Reply};
use support::hosts::host;

#[test]
fn an_overloaded_agent_that_names_no_time_to_wait_is_not_asked_without_pause() {
    for header in ["Retry-After: 0\r\n", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", ""] {
        let agent = always(Reply::Status(503, header)).start();
        let Some(host) = host("steady.c") else { return };
        // Five traces, a flush of 3 s.
        let ran = host.agent(&agent.url()).arg(5).arg(2).arg(10).arg(0).arg(3_000).arg(100).run().ok();
        assert_eq!(ran.stat("spans_sent"), 0);
        // 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s: five or six requests.
        let requests = agent.received().len();
        assert!((2..=12).contains(&requests), "{requests} requests in 3 s after {header:?}");
    }
}
