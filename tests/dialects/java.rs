//! Java's examples.

use super::{good_agent, nobody, pulled, run};
use crate::support::hosts::host;
use crate::support::log::{expect_in_order, records};

/// Returns facts about the configuration that only a Java virtual machine knows.
fn extra() -> String {
    let list = |from: u32, to: u32| (from..=to).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let (server, client) = (format!("{},{}", list(512, 599), list(500, 511)), list(400, 499));
    format!(
        r#"{{"prioritySamplingEnabled":true,"traceResolverEnabled":true,"serviceMapping":{{}},"spanTags":{{}},
        "jmxTags":{{}},"excludedClasses":[],"headerTags":{{}},"httpServerErrorStatuses":[{server}],
        "httpClientErrorStatuses":[{client}],"httpClientSplitByDomain":false,"runtimeContextFieldInjection":true,
        "propagationStylesToExtract":["DATADOG"],"propagationStylesToInject":["DATADOG"],"jmxFetchEnabled":true,
        "jmxFetchMetricsConfigs":[],"jmxFetchCheckPeriod":null,"jmxFetchRefreshBeansPeriod":null,
        "jmxFetchStatsdHost":null,"jmxFetchStatsdPort":8125,"logsInjectionEnabled":false}}"#
    )
    .replace('\n', " ")
}

#[test]
fn the_configuration_is_printed_as_the_page_shows_it() {
    let agent = good_agent();
    let Some(host) = host("script.c") else { return };
    let ran = host
        .agent(&agent.url())
        .env("SPANWIRE_LANGUAGE", "jvm")
        .env("DD_TRACE_DEBUG", "true")
        .env("DD_SERVICE", "shop")
        .env("DD_ENV", "none")
        .env("SPANWIRE_LOG_SINKS", "ring")
        .env("SPANWIRE_STARTUP_EXTRA", extra())
        .input("new\nstart\ta\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\npoll\nshutdown\t2000\n")
        .run()
        .ok();
    let list = |from: u32, to: u32| (from..=to).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let line = format!(
        "[main] DEBUG datadog.trace.agent.ot.DDTracer - Using config: Config(runtimeId=‹w›, serviceName=shop, \
         traceEnabled=true, writerType=DDAgentWriter, agentHost=127.0.0.1, agentPort=‹d›, agentUnixDomainSocket=null, \
         prioritySamplingEnabled=true, traceResolverEnabled=true, serviceMapping={{}}, globalTags={{env=none}}, \
         spanTags={{}}, jmxTags={{}}, excludedClasses=[], headerTags={{}}, httpServerErrorStatuses=[{}, {}], \
         httpClientErrorStatuses=[{}], httpClientSplitByDomain=false, partialFlushMinSpans=1000, \
         runtimeContextFieldInjection=true, propagationStylesToExtract=[DATADOG], propagationStylesToInject=[DATADOG], \
         jmxFetchEnabled=true, jmxFetchMetricsConfigs=[], jmxFetchCheckPeriod=null, jmxFetchRefreshBeansPeriod=null, \
         jmxFetchStatsdHost=null, jmxFetchStatsdPort=8125, logsInjectionEnabled=false, reportHostName=false)",
        list(512, 599),
        list(500, 511),
        list(400, 499)
    );
    expect_in_order(&records(&ran), &[&line]);
}

#[test]
fn a_trace_is_generated_and_sent_as_the_page_shows_it() {
    let agent = good_agent();
    let script = "\
new
start\tservlet.request\tSpringBoot_Service\tGET /actuator/prometheus\t\t0\t0\t0\t1655495482000000000
tag\thttp.method\tGET
tag\tcomponent\tjava-web-servlet
tag\tenv\tnone
tag\thttp.status_code\t200
tag\thttp.url\thttp://10.0.0.1:8080/actuator/prometheus
tag\tlanguage\tjvm
tag\tpeer.hostname\t10.0.0.2
tag\tpeer.ipv4\t10.0.0.2
tag\tpeer.port\t50778
tag\truntime-id\t7bf9
tag\tspan.kind\tserver
tag\tspan.origin.type\torg.apache.catalina.core.ApplicationFilterChain
tag\tthread.id\t33
tag\tthread.name\thttp-nio-8080-exec-1
child\tOperationHandler.handle
tag\tcomponent\tspring-web-controller
tag\tenv\tnone
tag\tspan.kind\tserver
tag\tthread.id\t33
tag\tthread.name\thttp-nio-8080-exec-1
finish\t0
finish\t1655495482157972901
flush\t2000
poll
shutdown\t2000
";
    let Some(records) = pulled("java", &agent.url(), script) else { return };
    let url = agent.url();
    let thread = "[http-nio-8080-exec-1] DEBUG datadog.trace.agent.ot";
    expect_in_order(
        &records,
        &[
            &format!(
                "{thread}.DDSpan - Finished: DDSpan [ t_id=‹d›, s_id=‹d›, p_id=‹d›] \
                 trace=SpringBoot_Service/OperationHandler.handle/OperationHandler.handle metrics={{}} \
                 tags={{component=spring-web-controller, env=none, span.kind=server, thread.id=33, \
                 thread.name=http-nio-8080-exec-1}}, duration_ns=‹d›"
            ),
            &format!("{thread}.PendingTrace - traceId: ‹d› -- Expired reference. count = 1"),
            &format!(
                "{thread}.DDSpan - Finished: DDSpan [ t_id=‹d›, s_id=‹d›, p_id=0] \
                 trace=SpringBoot_Service/servlet.request/GET /actuator/prometheus metrics={{_sampling_priority_v1=1}} \
                 tags={{component=java-web-servlet, env=none, http.method=GET, http.status_code=200, \
                 http.url=http://10.0.0.1:8080/actuator/prometheus, language=jvm, peer.hostname=10.0.0.2, \
                 peer.ipv4=10.0.0.2, peer.port=50778, runtime-id=7bf9, span.kind=server, \
                 span.origin.type=org.apache.catalina.core.ApplicationFilterChain, thread.id=33, \
                 thread.name=http-nio-8080-exec-1}}, duration_ns=157972901"
            ),
            &format!(
                "{thread}.PendingTrace - Writing 2 spans to DDAgentWriter {{ api=DDApi {{ tracesUrl={url}/v0.4/traces }} }}."
            ),
            &format!("{thread}.PendingTrace - traceId: ‹d› -- Expired reference. count = 0"),
            "[dd-trace-writer] DEBUG datadog.trace.agent.common.writer.DDApi - Successfully sent 1 of 1 traces to the DD agent.",
        ],
    );
}

#[test]
fn an_agent_that_is_not_there_is_reported_as_the_tracer_does() {
    let script = "new\nstart\ta\t\t\t\t0\t0\t0\t0\nfinish\t0\nflush\t2000\npoll\nshutdown\t2000\n";
    for (dialect, line) in [
        (
            "java",
            "[dd-trace-writer] WARN datadog.trace.agent.common.writer.DDApi - Error while sending 1 of 1 traces to the DD \
             agent. java.net.ConnectException: Failed to connect to ‹*›",
        ),
        (
            "java@source",
            "[dd.trace ‹d›-‹d›-‹d› ‹d›:‹d›:‹d›:‹d› ‹w›] [dd-trace-processor] EXCLUDE_TELEMETRY \
             datadog.trace.agent.common.writer.ddagent.DDAgentApi - Error while sending 1 (size=‹w›) traces. Total: 1, \
             Received: 1, Sent: 0, Failed: 1. java.net.ConnectException: Failed to connect to ‹*›",
        ),
    ] {
        let Some(records) = run(dialect, &nobody(), false, script) else { return };
        expect_in_order(&records, &[line]);
    }
}
