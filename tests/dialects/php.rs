//! PHP's examples.

use super::{pulled, Span};
use crate::support::log::expect_in_order;

const DATES: &str = "[‹w› ‹w› ‹d› ‹d›:‹d›:‹d› ‹d›] [‹d›-‹d›-‹w›]";

#[test]
fn an_integration_a_span_and_a_flush_are_printed_as_the_page_shows_them() {
    let span = |id, parent| Span {
        name: "wpdb.query",
        service: "wordpress",
        resource: "SELECT 1",
        kind: "sql",
        ids: [0, 77, id, parent],
        start_ns: 1_655_495_482_247_869_300,
        duration_ns: 118_125,
    };
    let mut script = "new\nintegration\tweb\t\tok\n".to_string();
    script += &span(1, 0).record(&[], &[]);
    (2..57).for_each(|id| script += &span(id, 1).record(&[("component", "wordpress")], &[]));
    script += "submit\npoll\nshutdown\t100\n";
    let Some(records) = pulled("php", "http://datadog-agent:8126", &script) else { return };
    expect_in_order(
        &records,
        &[
            &format!("{DATES} [ddtrace] [debug] - Loaded integration web"),
            &format!(
                "{DATES} [ddtrace] [span] Encoding span 2: trace_id=‹x›, name='wpdb.query', service='wordpress', \
                 resource: 'SELECT 1', type 'sql' with tags: component='wordpress'; and metrics: -"
            ),
            &format!("{DATES} [ddtrace] [info] Flushing trace of size 56 to send-queue for http://datadog-agent:8126"),
        ],
    );
    let loaded = records.iter().find(|record| record.text.contains("Loaded integration")).expect("it was loaded");
    assert_eq!(loaded.flags, 1, "it goes to the host's error log whatever the file");
    assert!(loaded.message.starts_with("[ddtrace] [debug] "), "{loaded:?}");
}
