--TEST--
Spans nest under the current one, take everything at their start, and arrive
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/stdout"
datadog.service=shop
datadog.trace.startup_logs=0
--FILE--
<?php
$tracer = Spanwire\Tracer::get();
$root = $tracer->startSpan('root', resource: 'GET /', type: 'web', startNs: 1_700_000_000_000_000_000);
$text = new class { public function __toString(): string { return 'an object'; } };
$child = $tracer->startSpan('child', service: 'db', tags: ['text' => 't', 'int' => 3, 'float' => 1.5, 'yes' => true, 'nothing' => null, 'object' => $text, 'array' => [1]]);
$apart = $tracer->startSpan('apart', parent: false, activate: false);
var_dump(Spanwire\current_span() === $child);
$child->setTag('later', 'x')->setTags(['a' => 'b', 'n' => 1])->setMetric('m', 2.5)->removeTag('text');
var_dump($child->getTag('later'), $child->getTag('n'), $child->getTag('text'));
$child->setTag('later', null)->setName('kid')->setService('sql')->setResource('SELECT 1')->setType('sql')->setPriority(2);
var_dump($child->getTag('later'));
$late = $tracer->startSpan('late', parent: $root, activate: false);
$late->finish(1_800_000_000_000_000_000);
$apart->finish();
$child->finish();
var_dump(Spanwire\current_span() === $root, $child->isOpen(), $child->setTag('after', 'x') === $child);
$root->finish(1_700_000_000_000_000_007);
var_dump(Spanwire\current_span(), Spanwire\trace_id());
ob_start(fn ($out) => $out);
$tracer->flush();
?>
--EXPECTF--
bool(true)
string(1) "x"
string(1) "1"
NULL
NULL
bool(true)
bool(false)
bool(true)
NULL
NULL
{"spans":[{%S"name":"apart","parent_id":"0",%S"service":"shop"%S}
{"spans":[{"duration":7,%S"_dd.p.dm":"-4"%S"name":"root","parent_id":"0","resource":"GET /","service":"shop",%S"start":1700000000000000000,"type":"web"}%S"a":"b"%S"object":"an object","yes":"true"},"metrics":{"float":1.5,"int":3.0,"m":2.5,"n":1.0},"name":"kid"%S"resource":"SELECT 1","service":"sql"%S"type":"sql"}%S"name":"late"%S
