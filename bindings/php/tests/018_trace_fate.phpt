--TEST--
What became of a trace, by its id in each form
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.service=shop
error_log=/dev/null
--FILE--
<?php
function show(?array $fate): void
{
    if ($fate === null) {
        echo "null\n";
        return;
    }
    unset($fate['text'], $fate['handed_ns'], $fate['changed_ns'], $fate['trace_id']);
    echo json_encode($fate), "\n";
}

/** The lower half of an id in decimal. */
function decimal(string $id): string
{
    $digits = '0';
    foreach (str_split(substr($id, 16)) as $digit) {
        $carry = hexdec($digit);
        for ($i = strlen($digits) - 1; $i >= 0; $i--) {
            $carry += 16 * (int) $digits[$i];
            $digits[$i] = (string) ($carry % 10);
            $carry = intdiv($carry, 10);
        }
        while ($carry > 0) {
            $digits = $carry % 10 . $digits;
            $carry = intdiv($carry, 10);
        }
    }
    return $digits;
}

$tracer = Spanwire\Tracer::get();
$span = $tracer->startSpan('checkout');
$id = $span->traceId();
$span->setPriority(2);
show(Spanwire\trace_fate($id));
$span->finish();
$tracer->flush(10000);
$fate = Spanwire\trace_fate($id);
show($fate);
var_dump($fate['trace_id'] === $id, $fate['handed_ns'] > 1.6e18, $fate['changed_ns'] >= $fate['handed_ns']);
foreach ([strtoupper($id), substr($id, 16), decimal($id)] as $form) {
    var_dump(Spanwire\trace_fate($form) == $fate);
}
$span = $tracer->startSpan('given up');
$id = $span->traceId();
$span->discard();
echo Spanwire\trace_fate($id)['state'], "\n";
show(Spanwire\trace_fate(str_repeat('0', 31) . '1'));
foreach (['', 'no id', "$id ", '18446744073709551616', '-1', "12\0", str_repeat('f', 17)] as $form) {
    show(Spanwire\trace_fate($form));
}
show(Spanwire\trace_fate('18446744073709551615'));

// Nothing listens at port 1.
$lost = new Spanwire\Tracer(['DD_TRACE_AGENT_URL' => 'http://127.0.0.1:1', 'SPANWIRE_LOG_SINKS' => 'none',
    'DD_TRACE_SAMPLING_RULES' => '[{"name":"other","sample_rate":0},{"name":"lost","sample_rate":1}]']);
$span = $lost->startSpan('lost');
$id = $span->traceId();
$span->finish();
$lost->shutdown(10000);
$fate = Spanwire\trace_fate($id);
var_dump($fate['error_number'] > 0, str_contains($fate['text'], 'dropped_unreachable'));
unset($fate['error_number'], $fate['attempts_failed']);
show($fate);
?>
--EXPECT--
{"state":"open","dropped":null,"spans_open":1,"spans_waiting":0,"spans_pending":0,"spans_sent":0,"spans_dropped":0,"attempts_failed":0,"http_status":null,"error_number":null,"priority":null,"mechanism":null,"rule":null,"rate":null,"limited":false,"decided_elsewhere":false}
{"state":"sent","dropped":null,"spans_open":0,"spans_waiting":0,"spans_pending":0,"spans_sent":1,"spans_dropped":0,"attempts_failed":0,"http_status":null,"error_number":null,"priority":2,"mechanism":-4,"rule":null,"rate":null,"limited":false,"decided_elsewhere":false}
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
discarded
{"state":"unknown","dropped":null,"spans_open":0,"spans_waiting":0,"spans_pending":0,"spans_sent":0,"spans_dropped":0,"attempts_failed":0,"http_status":null,"error_number":null,"priority":null,"mechanism":null,"rule":null,"rate":null,"limited":false,"decided_elsewhere":false}
null
null
null
null
null
null
null
{"state":"unknown","dropped":null,"spans_open":0,"spans_waiting":0,"spans_pending":0,"spans_sent":0,"spans_dropped":0,"attempts_failed":0,"http_status":null,"error_number":null,"priority":null,"mechanism":null,"rule":null,"rate":null,"limited":false,"decided_elsewhere":false}
bool(true)
bool(true)
{"state":"dropped","dropped":"unreachable","spans_open":0,"spans_waiting":0,"spans_pending":0,"spans_sent":0,"spans_dropped":1,"http_status":null,"priority":2,"mechanism":-3,"rule":2,"rate":1,"limited":false,"decided_elsewhere":false}
