--TEST--
A script beats the environment, the environment beats php.ini, php.ini beats defaults, and equal settings give the same tracer
--EXTENSIONS--
spanwire
--ENV--
DD_VERSION=from-env
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.env=from-ini
datadog.version=from-ini
datadog.trace.once_logs=Off
datadog.trace.debug_abandoned_spans=1
datadog.trace.abandoned_span_timeout=5m
datadog.trace.log_level=off
error_log=/dev/null
datadog.trace.report_hostname=Off
--FILE--
<?php
$config = fn (Spanwire\Tracer $tracer) => json_decode($tracer->configJson(), true)['settings'];
$settings = $config(Spanwire\Tracer::get());
foreach (['DD_ENV', 'DD_VERSION', 'DD_TRACE_REPORT_HOSTNAME', 'DD_SERVICE', 'SPANWIRE_LOG_SINKS', 'SPANWIRE_LANGUAGE', 'SPANWIRE_INTERPRETER',
    'DD_TRACE_ONCE_LOGS', 'DD_TRACE_DEBUG_ABANDONED_SPANS', 'DD_TRACE_ABANDONED_SPAN_TIMEOUT'] as $name) {
    echo "$name: {$settings[$name]['value']} ({$settings[$name]['origin']})\n";
}
$own = new Spanwire\Tracer(['DD_SERVICE' => 'own', 'DD_ENV' => null, 'DD_VERSION' => 'own', 'SPANWIRE_QUEUE_MAX_CHUNKS' => 7, 'DD_TRACE_REPORT_HOSTNAME' => true]);
$settings = $config($own);
foreach (['DD_ENV', 'DD_VERSION', 'DD_SERVICE', 'SPANWIRE_QUEUE_MAX_CHUNKS', 'DD_TRACE_REPORT_HOSTNAME'] as $name) {
    echo "$name: {$settings[$name]['value']} ({$settings[$name]['origin']})\n";
}
for ($i = 0; $i < 40; $i++) { // more than the extension holds at a time: unused ones are removed
    (new Spanwire\Tracer(['DD_SERVICE' => "service-$i"]))->startSpan('x')->finish();
}
$own->startSpan('still there')->finish();
var_dump($own->stats()['spans_finished']);
var_dump($own->shutdown(), $own->startSpan('closed')->isOpen(), $own->shutdown());
?>
--EXPECT--
DD_ENV: from-ini (code_default)
DD_VERSION: from-env (env)
DD_TRACE_REPORT_HOSTNAME: false (code_default)
DD_SERVICE: 007_settings.php (code_default)
SPANWIRE_LOG_SINKS: ring (code_default)
SPANWIRE_LANGUAGE: php (code)
SPANWIRE_INTERPRETER: cli (code)
DD_TRACE_ONCE_LOGS: false (code_default)
DD_TRACE_DEBUG_ABANDONED_SPANS: 1 (code_default)
DD_TRACE_ABANDONED_SPAN_TIMEOUT: 5m (code_default)
DD_ENV:  (default)
DD_VERSION: own (code)
DD_SERVICE: own (code)
SPANWIRE_QUEUE_MAX_CHUNKS: 7 (code)
DD_TRACE_REPORT_HOSTNAME: true (code)
int(1)
bool(true)
bool(false)
bool(true)
