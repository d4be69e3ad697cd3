--TEST--
Spans may finish in any order, and each fiber has a current span of its own
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
spanwire.log_sinks=none
--FILE--
<?php
$tracer = Spanwire\Tracer::get();
[$a, $b, $c] = [$tracer->startSpan('a', activate: true), $tracer->startSpan('b', activate: true), $tracer->startSpan('c', activate: true)];
$b->finish();
var_dump(Spanwire\current_span() === $c);
$c->finish();
var_dump(Spanwire\current_span() === $a);

$seen = [];
$make = function (string $name) use ($tracer, &$seen, $a): Fiber { return new Fiber(function () use ($tracer, $name, &$seen, $a) {
    $seen[] = Spanwire\current_span() === $a;
    $span = $tracer->startSpan($name, activate: true);
    Fiber::suspend();
    $seen[] = Spanwire\current_span() === $span;
    $span->finish();
    $seen[] = Spanwire\current_span() === $a;
}); };
[$one, $two, $never] = [$make('one'), $make('two'), $make('never')];
foreach ([$one, $two, $never] as $fiber) $fiber->start();
var_dump(Spanwire\current_span() === $a);
$two->resume();
$one->resume();
unset($never, $fiber);
$a->finish();
var_dump(count(array_filter($seen)), count($seen), Spanwire\current_span(), $tracer->stats()['spans_finished']);
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
int(7)
int(7)
NULL
int(6)
