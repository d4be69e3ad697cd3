//! Logs without a fault: of applications without a tracer, full of the applications' own errors, and of tracers in good
//! health. The doctor names no fault in them. SPANWIRE_LONG makes each of them 100 MB long.

use super::doctor;
use super::plant::Folder;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// Lines of applications. `#` is a number.
const RAILS: &[&str] = &[
    "I, [2026-11-24T16:06:35.147123 #476]  INFO -- : [0b1c2d3e-#] Started GET \"/carts/#\" for 10.0.0.5 at 2026-11-24 16:06:35 +0000",
    "I, [2026-11-24T16:06:35.150123 #476]  INFO -- : [0b1c2d3e-#] Completed 500 Internal Server Error in 31ms (ActiveRecord: 4.2ms)",
    "F, [2026-11-24T16:06:35.151123 #476] FATAL -- : [0b1c2d3e-#] Errno::ECONNREFUSED (Failed to open TCP connection to payments:8080 (Connection refused - connect(2) for \"payments\" port 8080)):",
    "app/models/payment.rb:#:in `charge'",
    "method=GET path=/carts/# format=html controller=CartsController action=show status=401 duration=12.1 view=3.0 db=4.2",
    "E, [2026-11-24T16:06:35.160123 #476] ERROR -- : Net::ReadTimeout with #<TCPSocket:(closed)> after # tries of https://api.partner.example/v0.4/orders",
    "W, [2026-11-24T16:06:35.161123 #476]  WARN -- : statsd: could not send # metrics to datadog-agent:8125: Connection refused",
    "D, [2026-11-24T16:06:35.162123 #476] DEBUG -- :   Order Load (0.#ms)  SELECT \"orders\".* FROM \"orders\" WHERE \"orders\".\"trace_id\" = $1",
    "Sidekiq: job # failed: execution expired",
];
const DJANGO: &[&str] = &[
    "INFO 2026-11-24 16:06:35,147 basehttp 476 139 \"GET /cart/# HTTP/1.1\" 200 4213",
    "WARNING 2026-11-24 16:06:35,148 log 476 139 Unauthorized: /api/orders/#",
    "ERROR 2026-11-24 16:06:35,149 payments 476 139 failed to send order # to https://payments.example: HTTP error status 503, reason Service Unavailable",
    "Traceback (most recent call last):",
    "  File \"/app/shop/payments.py\", line #, in charge",
    "    sock.connect(sa)",
    "ConnectionRefusedError: [Errno 111] Connection refused",
    "django.db.utils.OperationalError: could not connect to server: Connection timed out (#)",
    "[2026-11-24 16:06:35 +0000] [#] [CRITICAL] WORKER TIMEOUT (pid:#)",
    "[2026-11-24 16:06:35,160: ERROR/MainProcess] consumer: Cannot connect to redis://cache:6379/#: Error 111 connecting to cache:6379. Connection refused..",
    "{\"event\": \"upload refused\", \"level\": \"error\", \"status\": 413, \"url\": \"https://app.datadoghq.com/dashboard/#\", \"dd.trace_id\": \"42\"}",
    "INFO sent # mails in 3s to customers; Got response: 200 OK",
];
const SPRING: &[&str] = &[
    "2026-11-24 16:06:35.147  INFO 1 --- [nio-8080-exec-#] c.e.shop.web.CartController              : GET /cart/# answered 200",
    "2026-11-24 16:06:35.148 ERROR 1 --- [nio-8080-exec-#] c.e.shop.payments.Client                 : Error while sending order # to the bank. java.net.ConnectException: Failed to connect to payments/10.0.0.9:8080",
    "java.net.SocketTimeoutException: timeout",
    "\tat com.example.shop.payments.Client.send(Client.java:#)",
    "Caused by: java.io.IOException: unexpected end of stream on Connection{payments:8080}",
    "\t... # more",
    "2026-11-24 16:06:35.149  WARN 1 --- [pool-#] c.zaxxer.hikari.pool.PoolBase            : HikariPool-1 - Failed to validate connection (This connection has been closed.)",
    "2026-11-24 16:06:35.150 ERROR 1 --- [pool-#] i.m.d.DatadogMeterRegistry                : failed to send metrics to datadog: HTTP 403",
    "2026-11-24 16:06:35.151 DEBUG 1 --- [main] o.s.web.client.RestTemplate              : Response 404 NOT_FOUND, Sent: #, Failed: 3.",
];
const NGINX: &[&str] = &[
    "10.0.0.5 - - [24/Nov/2026:16:06:35 +0000] \"GET /cart/# HTTP/1.1\" 200 4213 \"-\" \"Mozilla/5.0\"",
    "10.0.0.5 - - [24/Nov/2026:16:06:35 +0000] \"POST /v0.4/traces HTTP/1.1\" 404 153 \"-\" \"Go-http-client/1.1\" rt=0.#",
    "10.0.0.5 - - [24/Nov/2026:16:06:35 +0000] \"GET /login?next=https%3A%2F%2Fapp.datadoghq.com%2F# HTTP/1.1\" 401 12 \"-\" \"curl/8.0\"",
    "10.0.0.5 - - [24/Nov/2026:16:06:35 +0000] \"PUT /upload/# HTTP/1.1\" 413 176 \"-\" \"python-requests/2.31\"",
    "2026/11/24 16:06:35 [error] 25#25: *# connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.5, server: shop, upstream: \"http://127.0.0.1:8126/cart\"",
    "2026/11/24 16:06:35 [error] 25#25: *# upstream timed out (110: Connection timed out) while reading response header from upstream",
    "10.0.0.5 - - [24/Nov/2026:16:06:35 +0000] \"GET /datadog-agent/status HTTP/1.1\" 502 # \"-\" \"kube-probe/1.29\"",
];

/// Lines of tracers in good health. `#` is an id that is the same within one round.
const PYTHON: &[&str] = &[
    "finishing span - Span(name='web.request', span_id=#, trace_id=7, parent_id=None, metrics={'_sampling_priority_v1': 1}) (enabled:True)",
    "Got response: 200 OK",
    "sent 630B in 0.01411s to http://localhost:8126/v0.5/traces",
];
const NODE: &[&str] = &[
    "Encoding payload: [{\"trace_id\":\"05e1\",\"span_id\":\"#\",\"name\":\"checkout\",\"metrics\":{\"_sampling_priority_v1\":1}}]",
    "Request to the agent: {\"path\":\"/v0.4/traces\",\"method\":\"PUT\",\"headers\":{\"X-Datadog-Trace-Count\":\"1\"}}",
    "Response from the agent: {\"rate_by_service\":{\"service:,env:\":1}}",
];
const GO: &[&str] = &[
    "2026/11/24 16:06:35 Datadog Tracer v2.12.0 DEBUG: Sending payload: size: 575 traces: 1",
    "2026/11/24 16:06:35 Datadog Tracer v2.12.0 DEBUG: sent traces after 1 attempts",
];
const JAVA: &[&str] = &[
    "[dd.trace 2026-11-24 16:06:35:147 +0000] [main] DEBUG datadog.trace.agent.core.DDSpan - Started span: DDSpan [ t_id=7, s_id=#, p_id=0 ]",
    "[dd.trace 2026-11-24 16:06:35:148 +0000] [main] DEBUG datadog.trace.agent.core.DDSpan - Finished span (PENDING): DDSpan [ t_id=7, s_id=#, p_id=0 ]",
    "[dd.trace 2026-11-24 16:06:36:148 +0000] [dd-trace-processor] EXCLUDE_TELEMETRY datadog.trace.agent.common.writer.ddagent.DDAgentApi - Success while sending 1 (size=1KB) traces. Total: 9, Received: 9, Sent: 9, Failed: 0.",
];
const DOTNET: &[&str] = &[
    "2026-11-24 16:06:35.190 +00:00 [DBG] Span started: [s_id: #, p_id: null, t_id: 7]",
    "2026-11-24 16:06:35.207 +00:00 [DBG] Span closed: [s_id: #, p_id: null, t_id: 7] for (Service: shop, Resource: GET /)",
    "2026-11-24 16:06:35.218 +00:00 [DBG] Sending 1 traces to the Datadog Agent.",
    "2026-11-24 16:06:35.220 +00:00 [DBG] Successfully sent 1 traces to the Datadog Agent.",
];
const PHP: &[&str] = &[
    "[2026-11-24T16:06:35+00:00] [ddtrace] [debug] - Flushing 1 traces, 4 spans",
    "[2026-11-24T16:06:35+00:00] [ddtrace] [debug] - Traces successfully sent to the agent",
];
const RUBY: &[&str] = &[
    "D, [2026-11-24T16:06:35.147123 #476] DEBUG -- ddtrace: [ddtrace] (/app/gems/ddtrace-0.12.0/lib/ddtrace/tracer.rb:338:in `write') Writing 5 spans (enabled: true)",
    "D, [2026-11-24T16:06:35.148123 #476] DEBUG -- ddtrace: [ddtrace] (/app/gems/ddtrace-0.12.0/lib/ddtrace/transport.rb:182:in `handle_response') Payload correctly sent to the trace agent.",
];
const CPP: &[&str] = &[
    "[2026-11-24 16:06:35.000][15][debug][tracing] [source/extensions/tracers/datadog/tracer.cc:111] submitting 3 trace(s) to /v0.3/traces with payload 1534",
    "[2026-11-24 16:06:35.010][15][debug][tracing] [source/extensions/tracers/datadog/tracer.cc:142] traces successfully submitted to datadog agent",
];

/// Lines of the application after each round of the tracer's.
const BETWEEN: usize = 40;

/// Writes a log of lines by rules of chance that are the same in each run. Each round has the tracer's lines first.
fn log(folder: &Folder, name: &str, tracer: &[&str], application: &[&str]) -> PathBuf {
    let megabytes = if std::env::var_os("SPANWIRE_LONG").is_some() { 100 } else { 1 };
    let path = folder.path(name);
    let mut log = BufWriter::new(File::create(&path).expect("a log"));
    let (mut chance, mut bytes, mut round) = (7u64, 0, 0u64);
    while bytes < megabytes * 1_000_000 {
        round += 1;
        let picked = (0..BETWEEN).map(|_| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            application[(chance >> 33) as usize % application.len()]
        });
        for line in tracer.iter().copied().chain(picked.collect::<Vec<_>>()) {
            let line = line.replace("(closed)", "").replace('#', &round.to_string());
            bytes += line.len() + 1;
            writeln!(log, "{line}").expect("room");
        }
    }
    log.flush().expect("room");
    path
}

#[test]
fn logs_of_applications_without_a_tracer_have_no_fault() {
    let folder = Folder::new("clean-applications");
    for (name, lines) in [("rails", RAILS), ("django", DJANGO), ("spring", SPRING), ("nginx", NGINX)] {
        let path = log(&folder, name, &[], lines);
        let visit = doctor(&[&path]);
        assert_eq!(visit.causes(), ["log.no_tracer_lines"], "{name}: {:#}", visit.report);
        std::fs::remove_file(path).expect("the log");
    }
}

#[test]
fn logs_of_tracers_in_good_health_have_no_fault() {
    let folder = Folder::new("clean-tracers");
    let tracers = [
        ("python", PYTHON, DJANGO),
        ("node", NODE, NGINX),
        ("go", GO, NGINX),
        ("java", JAVA, SPRING),
        ("dotnet", DOTNET, SPRING),
        ("php", PHP, NGINX),
        ("ruby", RUBY, RAILS),
        ("cpp", CPP, NGINX),
    ];
    for (name, tracer, application) in tracers {
        let path = log(&folder, name, tracer, application);
        let visit = doctor(&[&path]);
        assert_eq!(visit.causes(), [""; 0], "{name}: {:#}", visit.report);
        assert_eq!(visit.answers()[2], "yes", "{name}: {:#}", visit.report);
        std::fs::remove_file(path).expect("the log");
    }
}
