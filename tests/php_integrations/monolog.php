<?php
// Logs with Monolog: within a span and without one, as text and as JSON.
require 'Monolog/autoload.php';

use Monolog\Formatter\JsonFormatter;
use Monolog\Handler\StreamHandler;
use Spanwire\Integrations\Monolog as Traced;

$tracer = Spanwire\Tracer::get();
$json = new StreamHandler('php://stdout');
$json->setFormatter(new JsonFormatter());
$logger = new Monolog\Logger('shop', [$json], [new Traced()]);
$text = new Monolog\Logger('shop', [new StreamHandler('php://stdout')], [new Traced(inMessage: true)]);
$logger->pushProcessor(function (array $record): array {
    $record['extra']['mine'] = 1;
    return $record;
});
$tracer->trace('work', function () use ($logger, $text): void {
    $logger->info('in JSON', ['user' => 5]);
    $text->warning('as text');
});
$logger->info('after the span');
