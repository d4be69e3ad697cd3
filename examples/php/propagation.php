<?php
/*
 * A trace over several services: continues the trace of a request that came in, and sends the context on.
 *
 * Run:   tools/stage
 *        php -d spanwire.library=target/stage/lib/libspanwire.so.0 examples/php/propagation.php
 *
 * Prints:
 *   continues the trace of the span 987654321, kept by the user
 *   baggage: user.id=42
 *   baggage: user.id=42,cart=3
 *   traceparent: 00-640cfd8d00000000112210f47de98115-…-01
 *   tracestate: dd=…
 *   x-datadog-origin: synthetics
 *   x-datadog-parent-id: …
 *   x-datadog-sampling-priority: 2
 *   x-datadog-tags: …
 *   x-datadog-trace-id: 1234567890123456789
 */
declare(strict_types=1);

use Spanwire\Context;
use Spanwire\Span;

// With the extension this line does nothing; without it, it does the same over FFI.
require dirname(__DIR__, 2) . '/bindings/php/src/Spanwire.php';

// $_SERVER of the request. getallheaders() and the headers of a PSR-7 request do as well.
$server = [
    'REQUEST_METHOD' => 'GET',
    'HTTP_X_DATADOG_TRACE_ID' => '1234567890123456789', 'HTTP_X_DATADOG_PARENT_ID' => '987654321',
    'HTTP_X_DATADOG_SAMPLING_PRIORITY' => '2', 'HTTP_X_DATADOG_ORIGIN' => 'synthetics',
    'HTTP_X_DATADOG_TAGS' => '_dd.p.tid=640cfd8d00000000,_dd.p.dm=-4', 'HTTP_BAGGAGE' => 'user.id=42',
];

$tracer = new Spanwire\Tracer(['DD_SERVICE' => 'shop', 'default:DD_TRACE_AGENT_URL' => 'file:///dev/null']);

$context = Context::extract($server, $tracer);
$kept = $context->priority() === 2 ? ', kept by the user' : '';
echo "continues the trace of the span {$context->spanId()}$kept\n";
foreach ($context->baggage() as $key => $value) echo "baggage: $key=$value\n";

$tracer->trace('web.request', function (Span $request) use ($tracer): void {
    $request->setBaggage('cart', '3');
    $tracer->trace('http.request', function (Span $span): void {
        $headers = $span->inject(); // for Guzzle, or a PSR-7 request; $span->injectLines() is for curl
        ksort($headers);
        foreach ($headers as $name => $value) echo "$name: $value\n";
    });
}, parent: $context);
