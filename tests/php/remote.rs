//! Remote configuration under php-fpm: the Agent changes the sampling of running workers, and gets one flare of them.

use crate::extension::{php, FIVE_SPANS};
use crate::servers::fastcgi::Client;
use crate::servers::Fpm;
use crate::support::agent::TestAgent;
use crate::support::remote::{answer, decided, until_held, until_span, PATIENCE};
use crate::support::wait_until;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

const TWO_WORKERS: &str = "pm = static\npm.max_children = 2\nenv[DD_SERVICE] = shop\n\
                           env[DD_REMOTE_CONFIG_POLL_INTERVAL_SECONDS] = 0.2\nenv[SPANWIRE_FLUSH_INTERVAL_MS] = 50";

const TASK: &str = "datadog/2/AGENT_TASK/task/config";

/// Requests pages until dropped.
struct Serving<'a>(&'a AtomicBool);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn the_agent_changes_the_sampling_of_running_workers_and_back_and_gets_a_flare() {
    let (Some(php), Some(agent)) = (php(), TestAgent::start()) else { return };
    let Some(fpm) = Fpm::start(php, "remote", &agent.tcp(), TWO_WORKERS) else { return };
    let script = fpm.script("five.php", FIVE_SPANS);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let serving = Serving(&over);
        for number in 0..2 {
            let (mut client, script, over) = (Client::new(&fpm.socket), &script, &over);
            scope.spawn(move || {
                while !over.load(Relaxed) {
                    let answer = client.get(script, &number.to_string()).expect("a page");
                    assert_eq!(answer.body(), format!("ok {number}"));
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        until_span(&agent, "before", |span| decided(span) == (Some(1.0), None, "-0"));
        let library = json!({ "tracing_sampling_rate": 0, "tracing_tags": ["team:core"] });
        let target = json!({ "service": "shop", "env": "*" });
        let path = "datadog/2/APM_TRACING/one/config";
        agent.offer_config(path, &json!({ "service_target": target, "lib_config": library }));
        until_held(&agent, &[("one", 2, "")]);
        until_span(&agent, "that the rate rejects", |span| {
            decided(span) == (Some(-1.0), Some(0.0), "") && span.tag("team") == "core"
        });
        agent.answer_config(&answer(2, &[]));
        until_held(&agent, &[]);
        until_span(&agent, "as before", |span| decided(span) == (Some(1.0), None, "-0") && span.tag("team").is_empty());
        // One of the workers answers a task.
        let args = json!({ "case_id": "7", "hostname": "till-3", "user_handle": "ann@example.com" });
        let uuid = format!("php-fpm-{}", std::process::id());
        agent.offer_config(TASK, &json!({ "task_type": "tracer_flare", "uuid": uuid, "args": args }));
        assert!(wait_until(PATIENCE, || !agent.flares().is_empty()), "no flare comes");
        until_held(&agent, &[("task", 2, "")]);
        let known = agent.config_requests().len();
        assert!(wait_until(PATIENCE, || agent.config_requests().len() >= known + 6), "the workers go on asking");
        let flares = agent.flares();
        assert_eq!((flares.len(), flares[0].source.as_str(), flares[0].case_id.as_str()), (1, "tracer_php", "7"));
        drop(serving);
    });
    let runs: BTreeSet<String> =
        agent.config_requests().iter().map(|r| r["client"]["client_tracer"]["runtime_id"].to_string()).collect();
    assert_eq!(runs.len(), 2, "each worker asks, and the process that starts them does not");
    agent.assert_checks_passed();
    fpm.end();
}
