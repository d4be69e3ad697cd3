//! .NET's examples.

use super::{good_agent, nobody, pulled, Span};
use crate::support::log::{expect_in_order, matches};

const TIME: &str = "‹d›-‹d›-‹d› ‹d›:‹d›:‹d›.‹d› ‹w›";
const PROPERTIES: &str = "{ MachineName: \".\", ProcessName: \"‹w›\", PID: ‹d›, AppDomainName: \"test-webapi\" }";

#[test]
fn records_of_native_code_are_printed_when_the_host_reports_them() {
    let agent = good_agent();
    let script = "new\nevent\tjit.started\tfunction_id\t140\ttoken\t100663297\tname\t\
                  System.Net.Http.Headers.HttpHeaders.RemoveParsedValue\npoll\nshutdown\t2000\n";
    let Some(records) = pulled("dotnet", &agent.url(), script) else { return };
    let line = "[‹w›] ‹d›: [debug] JITCompilationStarted: function_id=140 token=100663297 \
                name=System.Net.Http.Headers.HttpHeaders.RemoveParsedValue()";
    expect_in_order(&records, &[line]);
}

#[test]
fn spans_are_printed_as_the_page_shows_them() {
    let agent = good_agent();
    let closed = Span {
        name: "custom.function",
        service: "test-webapi",
        resource: "custom",
        kind: "",
        ids: [0, 77, 8, 7],
        start_ns: 1_655_495_482_247_869_300,
        duration_ns: 118_125,
    };
    let script = format!(
        "set\tDD_SERVICE\ttest-webapi\nnew\nstart\tcustom.function\t\tcustom\t\t0\t77\t7\t0\n{}submit\n\
         poll\nflush\t2000\nshutdown\t2000\n",
        closed.record(&[("component", "manual"), ("env", "dev")], &[])
    );
    let Some(records) = pulled("dotnet", &agent.url(), &script) else { return };
    expect_in_order(
        &records,
        &[
            &format!("{TIME} [DBG] Span started: [s_id: ‹d›, p_id: 7, t_id: 77]\n{PROPERTIES}"),
            &format!(
                "{TIME} [DBG] Span closed: [s_id: 8, p_id: 7, t_id: 77] for (Service: test-webapi, Resource: custom, \
                 Operation: custom.function, Tags: [component,env])\n{PROPERTIES}"
            ),
        ],
    );
}

#[test]
fn an_agent_that_is_not_there_is_reported_as_the_page_shows_it() {
    let script = "new\nstart\ta\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\npoll\nshutdown\t2000\n";
    let Some(records) = pulled("dotnet", &nobody(), script) else { return };
    let first = format!("{TIME} [ERR] An error occurred while sending traces to the agent at ‹*›");
    let exception = "System.Net.Http.HttpRequestException: Connection refused ---> \
                     System.Net.Sockets.SocketException: Connection refused";
    let found = records.iter().find(|record| matches(&first, record.text.lines().next().unwrap_or("")));
    assert!(found.is_some_and(|record| record.text.contains(exception)), "{records:?}");
}
