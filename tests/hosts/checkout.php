<?php
// The same as checkout.cpp, in PHP with the extension.
use Spanwire\Tracer;

function charge(Tracer $tracer): void
{
    $payment = $tracer->startSpan('payment', service: 'bank');
    $payment->setTags(['card.token' => 'tok_51HxSecretSecret', 'card.brand' => 'visa', 'amount' => 42.5]);
    echo "ready\n";
    sleep(60);
}

$tracer = Tracer::get();
for ($i = 0; $i < 3; $i++) {
    $tracer->startSpan('request', resource: 'GET /')->finish();
}
$checkout = $tracer->startSpan('checkout', resource: 'POST /checkout', type: 'web', activate: true);
$checkout->setTag('http.method', 'POST')->setMetric('cart.items', 3);
$tracer->startSpan('price', tags: ['currency' => 'EUR'])->finish();
charge($tracer);
