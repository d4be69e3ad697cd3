--TEST--
A context goes with its object, and a forked child may use it
--EXTENSIONS--
spanwire
pcntl
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
use Spanwire\Context;
$tracer = Spanwire\Tracer::get();
$headers = fn (int $i, int $length = 200) => ['x-datadog-trace-id' => (string) ($i + 1), 'x-datadog-parent-id' => '2', 'baggage' => 'k=' . str_repeat('v', $length)];
$used = fn () => $tracer->stats()['memory_used'];
$all = [];
for ($i = 0; $i < 50; $i++) $all[] = Context::extract($headers($i));
$before = $used();
for ($i = 0; $i < 5_000; $i++) Context::extract($headers($i));
var_dump($used() - $before < 20_000);
for ($i = 0; $i < 300; $i++) $all[] = Context::extract($headers($i, 1_000));
var_dump($used() - $before > 300_000);
var_dump($all[0]->traceId());
$all = [$context = $all[7]];
var_dump($used() - $before < 150_000);

$span = $tracer->startSpan('parent', parent: $context)->setBaggage('of', 'the parent');
$child = pcntl_fork();
if ($child === 0) {
    $said = [$context->traceId(), $context->getBaggage('k') === str_repeat('v', 200), count($context->inject()) > 3,
        $context->setBaggage('a', 'b')->getBaggage('a'), $tracer->startSpan('in the child', parent: $context)->traceId(),
        $span->baggage()['of'], $span->inject()['x-datadog-trace-id'], $tracer->startSpan('child', parent: $span)->getBaggage('of')];
    unset($context, $all);
    $said[] = Context::extract($headers(41))->traceId();
    echo json_encode($said), "\n";
    exit;
}
pcntl_waitpid($child, $status);
var_dump(pcntl_wifexited($status), $context->setBaggage('a', 'b')->getBaggage('a'));
?>
--EXPECT--
bool(true)
bool(true)
string(32) "00000000000000000000000000000001"
bool(true)
["00000000000000000000000000000008",true,true,null,"00000000000000000000000000000008","the parent","8","the parent","0000000000000000000000000000002a"]
bool(true)
string(1) "b"
