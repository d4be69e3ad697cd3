--TEST--
pcntl_fork(): a child has counters of its own and continues its parent's span; the parent's is the parent's to finish
--EXTENSIONS--
spanwire
pcntl
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.startup_logs=0
--FILE--
<?php
$tracer = Spanwire\Tracer::get();
$root = $tracer->startSpan('root', activate: true);
$trace = $root->traceId();
$pid = pcntl_fork();
if ($pid === 0) {
    $child = $tracer->startSpan('in the child', activate: true);
    $same = $child->traceId() === $trace;
    $open = $root->isOpen();
    $root->finish();
    $child->finish();
    $tracer->flush();
    $stats = $tracer->stats();
    exit($same && !$open && $stats['spans_started'] === 1 && $stats['spans_sent'] === 1 ? 7 : 1);
}
pcntl_waitpid($pid, $status);
var_dump(pcntl_wexitstatus($status), $root->isOpen());
$root->finish();
$tracer->flush();
var_dump($tracer->stats()['spans_started'], $tracer->stats()['spans_sent']);
?>
--EXPECT--
int(7)
bool(true)
int(1)
int(1)
