<?php
// Ends in the way that the query names.
$tracer = Spanwire\Tracer::get();
register_shutdown_function(fn () => $tracer->startSpan('late')->finish());
$tracer->startSpan('work')->finish();
switch ($_GET['end'] ?? $argv[1] ?? '') {
    case 'missing':
        http_response_code(404);
        break;
    case 'failed':
        http_response_code(503);
        break;
    case 'exit':
        exit('bye');
    case 'fatal':
        no_such_function();
    case 'memory':
        ini_set('memory_limit', '16M');
        echo strlen(str_repeat('x', 100_000_000));
    case 'exit_at_end':
        register_shutdown_function(function () { exit; });
}
echo 'ok';
