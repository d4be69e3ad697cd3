<?php
/*
 * spanwire's bindings for PHP on the peers' harness: the same loop, clocks and JSON line as every peer. benches/php/run
 * builds the extension and runs this, with the extension or with the classes over FFI.
 *
 *   MODE THREADS TRACES_PER_THREAD RATE HOST:PORT     MODE: trace10 span1 tag10 root100 disabled debug
 *
 * PHP has no threads: with THREADS above 1 it says so and measures nothing. SPANWIRE_BENCH_CALLS=one starts each span
 * with all that is known of it; otherwise there is a call for each attribute.
 */
declare(strict_types=1);

require __DIR__ . '/../../bindings/php/src/Spanwire.php'; // does nothing if the extension is loaded

const SERVICE = 'bench-service';
const NAMES = ['web.request', 'app.handler', 'db.query'];
const RESOURCES = ['GET /users/{id}', 'UsersController#show', 'SELECT name FROM users WHERE id = ?'];
const TYPES = ['web', 'worker', 'sql'];
const TAGS = ['component' => 'rack', 'http.url' => 'https://example.com/users/1234567?page=2', 'span.kind' => 'server'];
const ALL_TAGS = TAGS + ['bench.rows' => 42.5];
const WARM = 200;

[, $mode, $threads, $traces, $rate, $host] = array_replace(['', 'trace10', '1', '1000', '0', '127.0.0.1:8199'], $argv);
[$traces, $rate] = [(int) $traces, (int) $rate];
if ((int) $threads !== 1) {
    fwrite(STDERR, "PHP has no threads: not measured\n");
    exit(3);
}
[$disabled, $debug] = [$mode === 'disabled', $mode === 'debug'];
$body_name = $disabled || $debug ? 'trace10' : $mode;
$one = getenv('SPANWIRE_BENCH_CALLS') === 'one';

$tracer = new Spanwire\Tracer([
    'DD_SERVICE' => SERVICE,
    'DD_TRACE_AGENT_URL' => "http://$host",
    'DD_TRACE_ENABLED' => !$disabled,
    'DD_TRACE_DEBUG' => $debug,
    // Debug lines go where the harness's peers write them: to standard error, which the runner discards.
    'SPANWIRE_LOG_SINKS' => $debug ? 'stderr' : 'ring',
]);

$by_calls = function (int $k) use ($tracer): Spanwire\Span {
    $span = $tracer->startSpan(NAMES[$k], null, null, null, null, [], true);
    $span->setService(SERVICE);
    $span->setResource(RESOURCES[$k]);
    $span->setType(TYPES[$k]);
    foreach (TAGS as $key => $value) $span->setTag($key, $value);
    $span->setMetric('bench.rows', 42.5);
    return $span;
};
$in_one = fn (int $k): Spanwire\Span =>
    $tracer->startSpan(NAMES[$k], null, SERVICE, RESOURCES[$k], TYPES[$k], ALL_TAGS, true);
$start = $one ? $in_one : $by_calls;

$tags10 = [];
for ($i = 0; $i < 10; $i++) $tags10["tag.k$i"] = "value-$i";

[$per, $body] = match ($body_name) {
    'trace10' => [10, function () use ($start): void {
        $root = $start(0);
        for ($i = 0; $i < 3; $i++) {
            $child = $start(1);
            for ($j = 0; $j < 2; $j++) $start(2)->finish();
            $child->finish();
        }
        $root->finish();
    }],
    'span1' => [1, fn () => $tracer->startSpan(NAMES[0])->finish()],
    'tag10' => [1, function () use ($tracer, $tags10): void {
        $span = $tracer->startSpan(NAMES[0]);
        foreach ($tags10 as $key => $value) $span->setTag($key, $value);
        $span->finish();
    }],
    'root100' => [100, function () use ($tracer): void {
        $root = $tracer->startSpan(NAMES[0], activate: true);
        for ($i = 0; $i < 99; $i++) $tracer->startSpan(NAMES[1])->finish();
        $root->finish();
    }],
};

$libc = FFI::cdef('struct timespec { long s; long ns; }; int clock_gettime(int clock, struct timespec *time);');
$time = $libc->new('struct timespec');
$thread_cpu = function () use ($libc, $time): int {
    $libc->clock_gettime(3, FFI::addr($time));
    return $time->s * 1_000_000_000 + $time->ns;
};
$process_cpu = function (): int {
    $usage = getrusage();
    return ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']) * 1_000_000_000 + ($usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec']) * 1000;
};
$peak_kb = fn (): int => preg_match('/VmHWM:\s+(\d+)/', file_get_contents('/proc/self/status'), $m) ? (int) $m[1] : 0;

for ($i = 0; $i < WARM; $i++) $body();
usleep(300_000);
[$cpu0, $rss0, $begin] = [$process_cpu(), $peak_kb(), hrtime(true)];
[$wall, $cpu, $done, $tick] = [0, 0, 0, 0];
$chunk = $rate ? max(intdiv($rate, 100), 1) : $traces;
while ($done < $traces) {
    $n = min($chunk, $traces - $done);
    [$c, $w] = [$thread_cpu(), hrtime(true)];
    for ($i = 0; $i < $n; $i++) $body();
    $wall += hrtime(true) - $w;
    $cpu += $thread_cpu() - $c;
    $done += $n;
    if ($rate) {
        $wait = $begin + ++$tick * 10_000_000 - hrtime(true);
        if ($wait > 0) usleep(intdiv($wait, 1000));
    }
}
[$end, $cpu1] = [hrtime(true), $process_cpu()];
$tracer->flush(30000);
[$flushed, $cpu2] = [hrtime(true), $process_cpu()];
$spans = $traces * $per;
echo json_encode([
    'peer' => 'spanwire-php' . (extension_loaded('spanwire') ? '' : '-ffi') . ($one ? '-one-call' : ''),
    'mode' => ($disabled ? 'disabled-' : ($debug ? 'debug-' : '')) . $body_name,
    'threads' => 1, 'rate' => $rate, 'spans' => $spans, 'traces' => $traces, 'warm' => WARM, 'warm_spans' => WARM * $per,
    'wall_ns' => round($wall / $spans, 1), 'tcpu_ns' => round($cpu / $spans, 1),
    'cpu_ns' => round(($cpu2 - $cpu0) / $spans, 1), 'cpu_before_flush_ns' => round(($cpu1 - $cpu0) / $spans, 1),
    'flush_ms' => round(($flushed - $end) / 1e6, 1), 'rss0_kb' => $rss0, 'rss_kb' => $peak_kb(),
    'elapsed_ms' => round(($end - $begin) / 1e6, 1),
]), "\n";
exit($tracer->shutdown(5000) ? 0 : 1);
