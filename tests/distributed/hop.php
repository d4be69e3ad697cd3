<?php
// A hop that is traced by spanwire in PHP. See hop.py for what a hop does.
declare(strict_types=1);

/** Returns the headers of trace contexts that came in. */
function headers_of_contexts(): array
{
    $found = [];
    foreach ($_SERVER as $name => $value) {
        if (!str_starts_with($name, 'HTTP_')) continue;
        $name = str_replace('_', '-', strtolower(substr($name, 5)));
        if (str_starts_with($name, 'x-datadog-') || in_array($name, ['traceparent', 'tracestate', 'baggage'])) $found[$name] = $value;
    }
    return $found;
}

/** Sends the request to the next service of the way, and returns what the later hops say. */
function call(string $way, array $headers): array
{
    [, $port, $rest] = explode('/', $way, 3) + ['', '', ''];
    if ($port === '') return [];
    $options = ['header' => $headers, 'timeout' => 30];
    return json_decode(file_get_contents("http://127.0.0.1:$port/$rest", false, stream_context_create(['http' => $options])));
}

$context = Spanwire\Context::extract($_SERVER);
[$said, $later] = Spanwire\Tracer::get()->trace('hop', function (Spanwire\Span $span) use ($context): array {
    if ($context === null) $span->setBaggage('begun.by', 'php');
    $later = call($_SERVER['REQUEST_URI'], $span->injectLines());
    return [[
        'by' => 'php',
        'trace_id' => $span->traceId(),
        'span_id' => $span->spanId(),
        'parent_id' => $context?->spanId() ?? '0',
        'baggage' => (object) $span->baggage(),
        'headers' => (object) headers_of_contexts(),
    ], $later];
}, parent: $context);
header('Content-Type: application/json');
echo json_encode([$said, ...$later]);
