--TEST--
Nothing that a script hands over does harm
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.startup_logs=0
spanwire.log_sinks=none
--FILE--
<?php
$tracer = Spanwire\Tracer::get();
$try = function (callable $call): void { try { $call(); echo "fine\n"; } catch (Throwable $e) { echo $e::class, ': ', $e->getMessage(), "\n"; } };
$try(fn () => new Spanwire\Span);
$try(fn () => clone $tracer->startSpan('x'));
$try(fn () => serialize($tracer));
$try(fn () => $tracer->startSpan('x', parent: true));
$try(fn () => $tracer->startSpan('x', parent: new stdClass));
$try(fn () => new Spanwire\Context);
$context = Spanwire\Context::extract(['b3' => '', 'traceparent' => '00-11111111111111111111111111111111-2222222222222222-01']);
$try(fn () => clone $context);
$try(fn () => serialize($context));
$try(fn () => $tracer->startSpan('x', parent: $context)->setBaggage('', "\xff\0")->setBaggage("\xff\0", "\xff")->setBaggage(str_repeat('k', 100_000), str_repeat('v', 100_000))->removeBaggage('')->getBaggage(''));
$huge = array_fill_keys(array_map(fn ($i) => "tracestate-$i", range(1, 10_000)), 'x') + ['tracestate' => array_fill(0, 1_000, str_repeat('a=b,', 1_000)), 'baggage' => str_repeat('k=v,', 250_000), 'x-datadog-trace-id' => '5'];
$try(fn () => Spanwire\Context::extract($huge)->inject());
$throws = new class { public function __toString(): string { throw new Exception('in __toString'); } };
$try(fn () => $tracer->startSpan('x', tags: ['t' => $throws]));
$try(fn () => $tracer->startSpan('x')->setTags(['t' => $throws]));
$try(fn () => new Spanwire\Tracer(['DD_SERVICE' => $throws]));
$span = $tracer->startSpan('finished by its own tag');
$finishes = new class($span) { public function __construct(public $span) { } public function __toString(): string { $this->span->finish(); return 'x'; } };
$try(fn () => $span->setTag('t', $finishes));
$try(fn () => $span->finish());
$try(fn () => $tracer->startSpan('', parent: $span, tags: [1, 2, '' => 'x', "\xff\0" => "\xff\0", 'nan' => NAN])->setMetric('inf', INF)->setPriority(PHP_INT_MAX)->finish(PHP_INT_MIN));
$try(fn () => $tracer->startSpan(str_repeat('long', 1000), tags: array_fill_keys(range('a', 'z'), str_repeat('v', 30000)) + ['x' . str_repeat('k', 300) => 1])->finish());
$many = [];
for ($i = 0; $i < 2000; $i++) $many["key$i"] = $i;
$try(fn () => $tracer->startSpan('many', tags: $many)->setTags($many)->discard());
$try(fn () => (new ReflectionMethod($tracer, '__construct'))->invoke($tracer, ['DD_SERVICE' => 'again']));
$try(fn () => $tracer->flush(-1));
$a = ['t' => 'x'];
$a['r'] = &$a['t'];
$try(fn () => $tracer->startSpan('references', tags: $a));
$deep = [];
for ($i = 0; $i < 5000; $i++) $deep[] = $tracer->startSpan('deep', activate: true);
shuffle($deep);
foreach ($deep as $each) $each->finish();
var_dump(Spanwire\current_span(), $tracer->stats()['spans_open']);
?>
--EXPECTF--
Error: Call to private Spanwire\Span::__construct() from %s
Error: Trying to clone an uncloneable object of class Spanwire\Span
Exception: Serialization of 'Spanwire\Tracer' is not allowed
TypeError: Spanwire\Tracer::startSpan(): Argument #2 ($parent) must be of type Spanwire\Span|Spanwire\Context|false|null, bool given
TypeError: Spanwire\Tracer::startSpan(): Argument #2 ($parent) must be of type Spanwire\Span|Spanwire\Context|false|null, stdClass given
Error: Call to private Spanwire\Context::__construct() from %s
Error: Trying to clone an uncloneable object of class Spanwire\Context
Exception: Serialization of 'Spanwire\Context' is not allowed
fine
fine
Exception: in __toString
Exception: in __toString
Exception: in __toString
fine
fine
fine
fine
fine
fine
fine
fine
NULL
int(0)
