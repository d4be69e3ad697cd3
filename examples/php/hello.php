<?php
/*
 * The smallest traced program in PHP: a `payment` inside a `checkout`, sent to an Agent, or printed if none is set.
 * It needs only ext-ffi.
 *
 * Run:   tools/stage
 *        php examples/php/hello.php                                              # prints the trace
 *        DD_TRACE_AGENT_URL=http://localhost:8126 php examples/php/hello.php     # sends it
 *        DD_TRACE_DEBUG=true php examples/php/hello.php                          # logs to standard error
 *
 * Prints:
 *   {"trace_id":"…","spans":[{"name":"checkout"…},{"name":"payment"…"card":"visa"…"amount":42.5…}]}
 *   2 spans finished, 2 sent
 */
declare(strict_types=1);

$root = dirname(__DIR__, 2);
$ffi = FFI::cdef(file_get_contents("$root/bindings/php/spanwire.ffi.h"), "$root/target/stage/lib/libspanwire.so");

/** A tracer with these settings; its handle is a plain int. */
function tracer(FFI $ffi, array $settings): int
{
    $texts = []; // C strings, which must live until the call returns
    $text = function (string $value) use ($ffi, &$texts): FFI\CData {
        $copy = $ffi->new('char[' . strlen($value) + 1 . ']');
        FFI::memcpy($copy, $value, strlen($value));
        $texts[] = $copy;
        return FFI::addr($copy[0]);
    };
    $list = $ffi->new('spanwire_setting[' . count($settings) . ']');
    foreach (array_keys($settings) as $i => $name) {
        $list[$i]->name = $text($name);
        $list[$i]->value = $text($settings[$name]);
    }
    $tracer = $ffi->new('spanwire_tracer');
    $error = $ffi->new('spanwire_error');
    $error->size = FFI::sizeof($error);
    $status = $ffi->spanwire_tracer_new($list, count($settings), FFI::addr($tracer), FFI::addr($error));
    if ($status !== $ffi->SPANWIRE_OK) {
        throw new RuntimeException('no tracer: ' . FFI::string($error->message));
    }
    return $tracer->cdata;
}

/** The log so far. PHP polls it here, on its own thread; the library never calls PHP. */
function log_lines(FFI $ffi): string
{
    [$lines, $need, $buffer] = ['', $ffi->new('size_t'), $ffi->new('char[65536]')];
    while ($ffi->spanwire_log_drain($buffer, 65536, FFI::addr($need)) === $ffi->SPANWIRE_OK && $need->cdata > 1) {
        $lines .= FFI::string($buffer);
    }
    return $lines;
}

// `default:` makes it a default, which DD_TRACE_AGENT_URL in the environment overrides.
$tracer = tracer($ffi, [
    'DD_SERVICE' => 'shop',
    'default:DD_TRACE_AGENT_URL' => 'file:///dev/stdout',
    'SPANWIRE_LOG_SINKS' => 'ring',
    'SPANWIRE_LANGUAGE' => 'php', // the language that is reported to the Agent
]);

// Span calls need no check: a start that fails returns 0, and span calls with 0 do nothing.
$checkout = $ffi->spanwire_span_start($tracer, 0, 'checkout');
$payment = $ffi->spanwire_span_start($tracer, $checkout, 'payment');
$ffi->spanwire_span_set_tag($payment, 'card', 'visa');
$ffi->spanwire_span_set_metric($payment, 'amount', 42.5);
$ffi->spanwire_span_finish($payment);
$ffi->spanwire_span_finish($checkout);

// The one call to check: it waits up to two seconds until all spans are sent.
$status = $ffi->spanwire_tracer_shutdown($tracer, 2000);
fwrite(STDERR, log_lines($ffi));
$stats = $ffi->new('spanwire_stats');
$stats->size = FFI::sizeof($stats);
$ffi->spanwire_tracer_stats($tracer, FFI::addr($stats));
echo "$stats->spans_finished spans finished, $stats->spans_sent sent\n";
exit($status === $ffi->SPANWIRE_OK ? 0 : 1);
