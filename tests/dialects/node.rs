//! Node.js's example, and the two lines that the page tells users to look for.

use super::{good_agent, nobody, pulled};
use crate::support::faults::{always, Reply};
use crate::support::log::expect_in_order;
use serde_json::{json, Value};

const SCRIPT: &str = "new\nstart\ta\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\npoll\nshutdown\t2000\n";

#[test]
fn a_custom_logger_gets_what_the_pages_bunyan_record_is_made_of() {
    let Some(records) = pulled("node", &nobody(), SCRIPT) else { return };
    let mut errors = records.iter().filter(|record| record.level == 1);
    let failed = errors.find(|record| record.message.contains("Network error")).expect("the agent is not there");
    // bunyan's record for an error passed to `error()`: level 50, the message twice, name and stack.
    let message = failed.message.trim_start_matches("Error: ").lines().next().unwrap_or("").to_string();
    let record: Value = json!({ "level": 50, "err": { "message": message, "name": "Error" }, "msg": message, "v": 0 });
    let said = record["msg"].as_str().unwrap_or("");
    assert!(
        crate::support::log::matches(
            "Network error trying to reach the agent: connect ECONNREFUSED 127.0.0.1:‹d›",
            said
        ),
        "{said}"
    );
}

#[test]
fn an_accepted_trace_and_a_refused_one_have_different_lines() {
    let agent = good_agent();
    let Some(records) = pulled("node", &agent.url(), SCRIPT) else { return };
    expect_in_order(&records, &["Response from the Agent: ‹*›"]);
    let agent = always(Reply::Status(400, "")).start();
    let Some(records) = pulled("node", &agent.url(), SCRIPT) else { return };
    assert!(records.iter().any(|record| record.text.contains("Error from the Agent")), "{records:?}");
    assert!(!records.iter().any(|record| record.text.contains("Response from the Agent")), "{records:?}");
}
