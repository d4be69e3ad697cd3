<?php
// The first of the three services of shop.rs, under php-fpm: calls the second one with curl. `/PORT/REST` says where it
// is, and `/REST` is its path.
declare(strict_types=1);

$parent = Spanwire\Context::extract($_SERVER);
echo Spanwire\Tracer::get()->trace('web.request', function (Spanwire\Span $span): string {
    error_log('[' . Spanwire\log_correlation() . '] the page is asked for');
    [, $port, $rest] = explode('/', $_SERVER['REQUEST_URI'], 3);
    $curl = curl_init("http://127.0.0.1:$port/$rest");
    curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => $span->injectLines(), CURLOPT_TIMEOUT => 30]);
    $body = curl_exec($curl);
    if ($body === false) throw new RuntimeException(curl_error($curl));
    return "php\n$body";
}, parent: $parent);
