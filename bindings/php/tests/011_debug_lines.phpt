--TEST--
In debug mode a logger and the error log have the lines of PHP's own tracer
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.debug=1
date.timezone=UTC
pcre.jit=0
--FILE--
<?php
$lines = [];
$trade = function (): void {
    $tracer = Spanwire\Tracer::get();
    $tracer->reportIntegration('mysqli', '8.0');
    $root = $tracer->startSpan('checkout', service: 'shop', resource: 'GET /cart', type: 'web', tags: ['http.method' => 'GET'], activate: true);
    $tracer->startSpan('wpdb.query', service: 'wordpress', type: 'sql')->finish();
    $root->finish();
    $tracer->flush();
};
$show = fn (string $text) => print preg_replace(['/span \d+/', '/trace_id=[0-9a-f]{32}/', '/\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\]/', '/process_id=\'\d+\'/'], ['span ‹id›', 'trace_id=‹id›', '[‹date›]', "process_id='‹pid›'"], $text);

// A logger has its own idea of time.
Spanwire\set_logger(function (string $level, string $message) use (&$lines): void { $lines[] = "$level: $message\n"; });
$trade();
Spanwire\drain_log();
array_map($show, array_values(preg_grep('/Loaded|Encoding|Flushing/', $lines)));
Spanwire\set_logger(null);

// The error log puts a date of its own before the tracer's.
ini_set('error_log', $log = __FILE__ . '.log');
$trade();
Spanwire\drain_log();
foreach (preg_grep('/Loaded|Encoding|Flushing/', file($log)) as $line) $show(preg_replace('/^\[\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d UTC\] /', '[PHP] ', $line));
unlink($log);
?>
--EXPECTREGEX--
debug: \[ddtrace\] \[debug\] - Loaded integration mysqli
debug: \[ddtrace\] \[span\] Encoding span ‹id›: trace_id=‹id›, name='checkout', service='shop', resource: 'GET \/cart', type 'web' with tags: [^;]*http\.method='GET'[^;]*; and metrics: [^\n]*_sampling_priority_v1='1'
debug: \[ddtrace\] \[span\] Encoding span ‹id›: trace_id=‹id›, name='wpdb\.query', service='wordpress', resource: 'wpdb\.query', type 'sql' with tags: [^;]*; and metrics: [^\n]*
info: \[ddtrace\] \[info\] Flushing trace of size 2 to send-queue for file:\/\/\/dev\/null
\[PHP\] \[‹date›\] \[ddtrace\] \[debug\] - Loaded integration mysqli
\[PHP\] \[‹date›\] \[ddtrace\] \[span\] Encoding span ‹id›: [^\n]*
\[PHP\] \[‹date›\] \[ddtrace\] \[span\] Encoding span ‹id›: [^\n]*
\[PHP\] \[‹date›\] \[ddtrace\] \[info\] Flushing trace of size 2 to send-queue for file:\/\/\/dev\/null
