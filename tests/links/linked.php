<?php
// Sends a span with links, events, attributes and a structured value when the library knows what the agent takes.
declare(strict_types=1);

require __DIR__ . '/../../bindings/php/src/Spanwire.php';
use Spanwire\Context;

$tracer = Spanwire\Tracer::get();
$tracer->startSpan('first')->finish();
$tracer->flush(10_000);
for ($i = 0; $i < 2000 && !str_contains(json_encode(Spanwire\take_log()), 'agent.info'); $i++) usleep(5000);

$typed = [
    'text' => new class { public function __toString(): string { return 'the last one counts'; } }, 'empty' => '',
    'yes' => true, 'no' => false, 'small' => -7, 'large' => PHP_INT_MAX, 'exact' => 1 << 53, 'half' => 0.5,
    'texts' => ['one', 'a' => 'tü3'], 'booleans' => [true, false], 'integers' => [PHP_INT_MIN, PHP_INT_MAX],
    'floats' => [0.5, -1e300], 'numbers' => [-3, 0.5], 'none' => [], 'null' => null,
];
$headers = ['x-datadog-trace-id' => '18446744073709551615', 'x-datadog-parent-id' => '2748', 'x-datadog-tags' => '_dd.p.tid=640cfd8d00000000'];
$span = $tracer->startSpan(getenv('NAME'));
$span->setAttributes($typed)->setAttribute('gone', 1)->setAttribute('gone', null)->setErrorText('Timeout', 'no answer', "at f()\nat g()");
$span->addLink(Context::extract($headers))->addLink(Context::extract($headers + ['x-datadog-sampling-priority' => '1']), $typed);
$span->addEvent('it happened', timeNs: 1_700_000_000_123_456_789)->addEvent("caf\xe9", $typed, 1_700_000_000_123_456_789)->addEvent('now');
$span->setMetaStruct('appsec', "\x82\xa4user\xa3bob\xa5items\x92\x01\xcb\x3f\xe0\0\0\0\0\0\0")->setMetaStruct('no map', "\x01");
$span->setAttribute('bad', [1, 'a'])->setAttributes(['bad' => new stdClass])->addEvent('');
if ($span->getTag('gone') !== null) echo 'gone is there';
$span->finish();
$tracer->flush(10_000);
echo $tracer->stats()['tags_dropped'];
