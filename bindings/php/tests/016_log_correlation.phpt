--TEST--
Fields for the application's log name the current span, service, environment and version
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.service="the shop"
datadog.env=prod
datadog.version=1.2
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
use function Spanwire\log_correlation;
var_dump(log_correlation());
$span = Spanwire\Tracer::get()->startSpan('root', activate: true);
[$trace, $id] = [$span->traceId(), $span->spanId()];
var_dump(log_correlation() === "dd.trace_id=$trace dd.span_id=$id dd.service=the_shop dd.env=prod dd.version=1.2");
$fields = json_decode('{' . log_correlation(json: true) . '}', true);
var_dump($fields === ['dd.trace_id' => $trace, 'dd.span_id' => $id, 'dd.service' => 'the shop', 'dd.env' => 'prod', 'dd.version' => '1.2']);
$long = str_repeat('x', 5000);
$other = (new Spanwire\Tracer(['DD_SERVICE' => $long, 'DD_ENV' => null, 'DD_VERSION' => null]))->startSpan('other', activate: true);
var_dump(str_ends_with(log_correlation(), " dd.service=$long dd.env=prod dd.version=1.2") || log_correlation());
$other->finish();
$span->finish();
var_dump(log_correlation());
$silent = (new Spanwire\Tracer(['DD_LOGS_INJECTION' => false]))->startSpan('silent', activate: true);
var_dump(log_correlation());
?>
--EXPECT--
string(0) ""
bool(true)
bool(true)
bool(true)
string(46) "dd.service=the_shop dd.env=prod dd.version=1.2"
string(0) ""
