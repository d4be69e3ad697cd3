--TEST--
A context comes in with headers, a span continues it, and headers carry it on
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file://{PWD}/013.json"
datadog.service=shop
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
use Spanwire\Context;
$tracer = Spanwire\Tracer::get();
$show = fn (mixed $value) => print json_encode($value, JSON_UNESCAPED_SLASHES) . "\n";
$ids = fn (?Context $c) => $c === null ? null : [$c->traceId(), $c->spanId(), $c->priority()];
$parent = '00-6b0b8ed400000000aaaaaaaaaaaaaaaa-00000000000001c8-01';

echo "--- what is read\n";
$server = [
    'REQUEST_METHOD' => 'GET', 'argv' => [], 'REQUEST_TIME' => 5, 'TRACEPARENT' => '00-11111111111111111111111111111111-2222222222222222-01',
    'HTTP_X_DATADOG_TRACE_ID' => '18446744073709551615', 'HTTP_X_DATADOG_PARENT_ID' => '18446744073709551614',
    'HTTP_X_DATADOG_SAMPLING_PRIORITY' => '2', 'HTTP_X_DATADOG_ORIGIN' => 'rum',
    'HTTP_X_DATADOG_TAGS' => '_dd.p.tid=6b0b8ed400000000,_dd.p.dm=-4,_dd.p.foo=bar', 'HTTP_BAGGAGE' => 'user.id=a%20b,404=x',
];
$context = Context::extract($server);
$show($ids($context));
$show($ids(Context::extract(['TraceParent' => $parent, 'TRACESTATE' => 'dd=s:2']))); // getallheaders()
$show($ids(Context::extract(['traceparent' => [$parent], 'tracestate' => ['dd=s:2', 'a=b'], 'accept' => ['*/*']]))); // PSR-7
$show($ids(Context::extract(['x-datadog-trace-id' => 123, 'x-datadog-parent-id' => new class { public function __toString(): string { return '456'; } }])));
$show($ids(Context::extract(['REQUEST_METHOD' => 'GET', 'TRACEPARENT' => $parent]))); // of the environment
$show($ids(Context::extract(['TRACEPARENT' => $parent])));
$show([Context::extract([]), Context::extract(['traceparent: ' . $parent]), Context::extract(['traceparent' => null, 'b3' => 1.5, 'tracestate' => [[$parent]]])]);
$only = Context::extract(['baggage' => 'a=b']);
$show([$ids($only), $only->baggage()]);
$show(Context::extract($server, new Spanwire\Tracer(['DD_TRACE_PROPAGATION_STYLE' => 'none']))?->traceId());
$b3 = new Spanwire\Tracer(['DD_TRACE_PROPAGATION_STYLE' => 'b3']);
$show($ids(Context::extract(['HTTP_B3' => '6b0b8ed400000000aaaaaaaaaaaaaaaa-00000000000001c8-1', 'b3' => '1-1'], $b3)));

$show([$context->origin(), $only->origin()]);

echo "--- what is written\n";
$show($context->inject());
$show(array_map(fn ($line) => explode(': ', $line)[0], $context->injectLines()));
$show($context->injectLines()[0]);
$headers = ['Accept' => '*/*', 'X-Datadog-Trace-Id' => 'old', 'TRACEPARENT' => ['old'], 404 => 'x'];
$written = $context->inject($headers);
$show([array_slice($headers, 0, 3, true), array_diff_key($headers, $written), $context->inject($new) === $new]);

echo "--- spans\n";
$root = $tracer->startSpan('root', parent: $context, activate: true);
unset($context);
$child = $tracer->startSpan('child');
$out = $child->inject();
$show([$root->traceId(), $out['x-datadog-trace-id'], $out['x-datadog-parent-id'] === $child->spanId(), $out['x-datadog-tags'], $out['x-datadog-origin'], $out['baggage']]);
$show([Context::extract($out)->spanId() === $child->spanId(), $child->origin()]);
$alone = $tracer->startSpan('alone', parent: $only);
$show([$alone->traceId() !== $root->traceId(), $alone->baggage()]);

echo "--- baggage\n";
$root->setBaggage('user.id', 'c')->setBaggage('cart', "ü=1\n,;%")->setBaggage('empty', '')->removeBaggage('404')->removeBaggage('none');
$show([$root->baggage(), $root->getBaggage('cart'), $root->getBaggage('404'), $child->baggage(), $tracer->startSpan('later')->getBaggage('user.id')]);
$show($root->inject()['baggage']);
$context = Context::extract($server)->setBaggage('a', 'b')->removeBaggage('404');
$show([$context->baggage(), $context->getBaggage('user.id'), $context->getBaggage('404'), $context->inject()['baggage'], $tracer->startSpan('x', parent: $context)->baggage()]);
$large = $tracer->startSpan('large')->setBaggage('k', str_repeat('v', 5000));
$show([strlen($large->getBaggage('k')), strlen($large->baggage()['k']), strlen($large->inject()['baggage'])]);
$large->finish();
$show([$large->inject(), $large->injectLines(), $large->baggage(), $large->setBaggage('a', 'b')->getBaggage('k'), $large->origin()]);
$child->finish();
$root->finish();
$tracer->flush();
foreach (file(__DIR__ . '/013.json') as $line) {
    $chunk = json_decode($line, true);
    foreach ($chunk['spans'] as $span) {
        if (!in_array($span['name'], ['root', 'child'])) continue;
        $show([$span['name'], $chunk['trace_id'], $span['parent_id'] === $root_id = $root_id ?? $span['parent_id'], array_intersect_key($span['meta'], array_flip(['_dd.origin', '_dd.p.dm', '_dd.p.foo', '_dd.p.tid', 'baggage.user.id'])), $span['metrics']['_sampling_priority_v1'] ?? null]);
    }
}
?>
--CLEAN--
<?php unlink(__DIR__ . '/013.json'); ?>
--EXPECT--
--- what is read
["6b0b8ed400000000ffffffffffffffff","18446744073709551614",2]
["6b0b8ed400000000aaaaaaaaaaaaaaaa","456",2]
["6b0b8ed400000000aaaaaaaaaaaaaaaa","456",2]
["0000000000000000000000000000007b","456",null]
null
["6b0b8ed400000000aaaaaaaaaaaaaaaa","456",1]
[null,null,null]
[[null,null,null],{"a":"b"}]
null
["6b0b8ed400000000aaaaaaaaaaaaaaaa","456",1]
["rum",null]
--- what is written
{"x-datadog-trace-id":"18446744073709551615","x-datadog-parent-id":"18446744073709551614","x-datadog-sampling-priority":"2","x-datadog-tags":"_dd.p.foo=bar,_dd.p.dm=-4,_dd.p.tid=6b0b8ed400000000","x-datadog-origin":"rum","traceparent":"00-6b0b8ed400000000ffffffffffffffff-fffffffffffffffe-01","tracestate":"dd=p:fffffffffffffffe;s:2;o:rum;t.foo:bar;t.dm:-4;t.tid:6b0b8ed400000000","baggage":"user.id=a%20b,404=x"}
["x-datadog-trace-id","x-datadog-parent-id","x-datadog-sampling-priority","x-datadog-tags","x-datadog-origin","traceparent","tracestate","baggage"]
"x-datadog-trace-id: 18446744073709551615"
[{"Accept":"*/*","404":"x","x-datadog-trace-id":"18446744073709551615"},{"Accept":"*/*","404":"x"},true]
--- spans
["6b0b8ed400000000ffffffffffffffff","18446744073709551615",true,"_dd.p.foo=bar,_dd.p.dm=-4,_dd.p.tid=6b0b8ed400000000","rum","user.id=a%20b,404=x"]
[true,"rum"]
[true,{"a":"b"}]
--- baggage
[{"user.id":"c","cart":"\u00fc=1\n,;%","empty":""},"\u00fc=1\n,;%",null,{"user.id":"a b","404":"x"},"c"]
"user.id=c,cart=%C3%BC%3D1%0A%2C%3B%25"
[{"user.id":"a b","a":"b"},"a b",null,"user.id=a%20b,a=b",{"user.id":"a b","a":"b"}]
[5000,5000,5040]
[[],[],[],null,null]
["root","6b0b8ed400000000ffffffffffffffff",true,{"baggage.user.id":"a b","_dd.p.dm":"-4","_dd.p.tid":"6b0b8ed400000000","_dd.origin":"rum","_dd.p.foo":"bar"},2]
["child","6b0b8ed400000000ffffffffffffffff",false,{"_dd.origin":"rum"},null]
