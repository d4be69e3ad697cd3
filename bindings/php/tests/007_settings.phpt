--TEST--
INI beats the environment, the environment beats defaults, and equal settings give the same tracer
--EXTENSIONS--
spanwire
--ENV--
DD_ENV=from-env
DD_VERSION=from-env
DD_TRACE_REPORT_HOSTNAME=true
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.env=from-ini
datadog.trace.log_level=off
error_log=/dev/null
datadog.trace.report_hostname=Off
--FILE--
<?php
$config = fn (Spanwire\Tracer $tracer) => json_decode($tracer->configJson(), true)['settings'];
$settings = $config(Spanwire\Tracer::get());
foreach (['DD_ENV', 'DD_VERSION', 'DD_TRACE_REPORT_HOSTNAME', 'DD_SERVICE', 'SPANWIRE_LOG_SINKS', 'SPANWIRE_LANGUAGE', 'SPANWIRE_INTERPRETER'] as $name) {
    echo "$name: {$settings[$name]['value']} ({$settings[$name]['origin']})\n";
}
$own = new Spanwire\Tracer(['DD_SERVICE' => 'own', 'DD_ENV' => null, 'SPANWIRE_QUEUE_MAX_CHUNKS' => 7, 'DD_TRACE_REPORT_HOSTNAME' => true]);
$settings = $config($own);
foreach (['DD_ENV', 'DD_SERVICE', 'SPANWIRE_QUEUE_MAX_CHUNKS', 'DD_TRACE_REPORT_HOSTNAME'] as $name) {
    echo "$name: {$settings[$name]['value']} ({$settings[$name]['origin']})\n";
}
for ($i = 0; $i < 40; $i++) { // more than the extension holds at a time: those that nobody uses make room
    (new Spanwire\Tracer(['DD_SERVICE' => "service-$i"]))->startSpan('x')->finish();
}
$own->startSpan('still there')->finish();
var_dump($own->stats()['spans_finished']);
var_dump($own->shutdown(), $own->startSpan('closed')->isOpen(), $own->shutdown());
?>
--EXPECT--
DD_ENV: from-ini (code)
DD_VERSION: from-env (env)
DD_TRACE_REPORT_HOSTNAME: false (code)
DD_SERVICE: 007_settings.php (code_default)
SPANWIRE_LOG_SINKS: ring (code_default)
SPANWIRE_LANGUAGE: php (code)
SPANWIRE_INTERPRETER: cli (code)
DD_ENV: from-env (env)
DD_SERVICE: own (code)
SPANWIRE_QUEUE_MAX_CHUNKS: 7 (code)
DD_TRACE_REPORT_HOSTNAME: true (code)
int(1)
bool(true)
bool(false)
bool(true)
