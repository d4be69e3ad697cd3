--TEST--
Spans nest under the current one, take everything at their start, and arrive
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file://{PWD}/002.json"
datadog.service=shop
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
$tracer = Spanwire\Tracer::get();
$root = $tracer->startSpan('root', resource: 'GET /', type: 'web', activate: true, startNs: 1_700_000_000_000_000_000);
$text = new class { public function __toString(): string { return 'an object'; } };
$child = $tracer->startSpan('child', service: 'db', tags: ['text' => 't', 'int' => 3, 'float' => 1.5, 'yes' => true, 'nothing' => null, 'object' => $text, 'array' => [1]], activate: true);
$apart = $tracer->startSpan('apart', parent: false);
var_dump(Spanwire\current_span() === $child);
$child->setTag('later', 'x')->setTags(['a' => 'b', 'n' => 1])->setMetric('m', 2.5)->removeTag('text');
var_dump($child->getTag('later'), $child->getTag('n'), $child->getTag('text'));
$child->setTag('later', null)->setName('kid')->setService('sql')->setResource('SELECT 1')->setType('sql')->setPriority(2);
var_dump($child->getTag('later'));
$late = $tracer->startSpan('late', parent: $root);
$late->finish(1_800_000_000_000_000_000);
$apart->finish();
$child->finish();
var_dump(Spanwire\current_span() === $root, $child->isOpen(), $child->setTag('after', 'x') === $child);
$root->finish(1_700_000_000_000_000_007);
var_dump(Spanwire\current_span(), Spanwire\trace_id());
$tracer->flush();
foreach (file(__DIR__ . '/002.json') as $line) {
    foreach (json_decode($line, true)['spans'] as $span) {
        $tags = array_diff_key($span['meta'] + $span['metrics'], array_flip(['runtime-id', 'process_id', '_dd.p.tid', '_dd.top_level', '_dd.tags.process']));
        ksort($tags);
        $of = array_search($span['parent_id'], $ids ?? [], true);
        $ids[$span['name']] = $span['span_id'];
        echo "{$span['name']} of {$of}: {$span['service']} {$span['resource']} {$span['type']} ", json_encode($tags), "\n";
    }
}
var_dump($span['duration'] > 0);
?>
--CLEAN--
<?php unlink(__DIR__ . '/002.json'); ?>
--EXPECT--
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
apart of : shop apart  {"_dd.p.dm":"-0","_sampling_priority_v1":1,"language":"php"}
root of : shop GET / web {"_dd.p.dm":"-4","_sampling_priority_v1":2,"language":"php"}
kid of root: sql SELECT 1 sql {"_dd.base_service":"shop","a":"b","float":1.5,"int":3,"m":2.5,"n":1,"object":"an object","yes":"true"}
late of root: shop late  []
bool(true)
