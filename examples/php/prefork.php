<?php
/*
 * A prefork server in miniature: the tracer is started once, before the workers are forked. A worker needs no call of
 * its own after the fork; it has its own queue and counters, and shuts down before it exits.
 *
 * Run:   tools/stage
 *        php -d spanwire.library=target/stage/lib/libspanwire.so.0 examples/php/prefork.php | grep -v '^{'
 *
 * Prints, after a line of JSON for each of the 13 traces:
 *   worker 1: 6 spans finished, 6 sent
 *   worker 2: 6 spans finished, 6 sent
 *   worker 3: 6 spans finished, 6 sent
 *   worker 4: 6 spans finished, 6 sent
 *   parent: 1 spans finished, 1 sent
 *   all: 25 spans finished, 25 sent
 */
declare(strict_types=1);

// With the extension this line does nothing; without it, it does the same over FFI.
require dirname(__DIR__, 2) . '/bindings/php/src/Spanwire.php';

const WORKERS = 4;
const REQUESTS = 3;

/** Shuts down, so that every span is sent or counted as dropped, and returns the counters of this process. */
function close_tracer(Spanwire\Tracer $tracer): array
{
    $tracer->shutdown(2000);
    return $tracer->stats();
}

function serve(Spanwire\Tracer $tracer, $report): void
{
    for ($i = 0; $i < REQUESTS; $i++) {
        $request = $tracer->startSpan('request');
        $query = $tracer->startSpan('query', parent: $request);
        $query->finish();
        $request->finish();
    }
    fwrite($report, json_encode(close_tracer($tracer)));
}

$tracer = new Spanwire\Tracer(['DD_SERVICE' => 'shop', 'default:DD_TRACE_AGENT_URL' => 'file:///dev/stdout']);
$tracer->startSpan('boot')->finish();

$reports = [];
for ($i = 1; $i <= WORKERS; $i++) {
    [$ours, $theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    if (pcntl_fork() === 0) {
        serve($tracer, $theirs);
        exit;
    }
    fclose($theirs);
    $reports[$i] = $ours;
}
while (pcntl_wait($status) > 0);

$own = close_tracer($tracer);
['spans_finished' => $finished, 'spans_sent' => $sent] = $own;
foreach ($reports as $i => $report) {
    $stats = json_decode(stream_get_contents($report), true);
    echo "worker $i: {$stats['spans_finished']} spans finished, {$stats['spans_sent']} sent\n";
    $finished += $stats['spans_finished'];
    $sent += $stats['spans_sent'];
}
echo "parent: {$own['spans_finished']} spans finished, {$own['spans_sent']} sent\n";
echo "all: $finished spans finished, $sent sent\n";
