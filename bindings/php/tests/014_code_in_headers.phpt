--TEST--
Code of the script's that runs while spanwire reads headers can change them
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
use Spanwire\Context;
$tracer = Spanwire\Tracer::get();
$runs = fn (Closure $code, string $text = 'x') => new class($code, $text) {
    public function __construct(private Closure $code, private string $text) { }
    public function __toString(): string { ($this->code)(); return $this->text; }
};
$try = function (callable $call): void { try { var_dump($call()); } catch (TypeError) { echo "TypeError\n"; } catch (Throwable $e) { echo $e::class, ': ', $e->getMessage(), "\n"; } };

// References that a __toString() reassigns, before it and behind it, also as lists.
foreach ([1, 100] as $more) {
    $id = '123' . str_repeat('0', 3);
    $parent = ['45' . str_repeat('6', 3)];
    $headers = ['x-datadog-trace-id' => &$id, 'x-datadog-parent-id' => &$parent];
    for ($i = 0; $i < $more; $i++) $headers["accept-$i"] = &$id;
    $headers['forwarded'] = [$runs(function () use (&$id, &$parent, &$headers, &$others): void {
        $id = $parent = $headers = null;
        for ($i = 0; $i < 200; $i++) $others[] = str_repeat('9', 5 + $i % 2); // where those texts were
    })];
    $context = Context::extract($headers);
    var_dump($context->traceId(), $context->spanId());
    unset($headers, $id, $parent);
}
// A list that goes away while it is read.
$list = [$runs(function () use (&$list): void { $list = null; gc_collect_cycles(); }, '123'), '5', '6'];
$headers = ['x-datadog-trace-id' => &$list, 'x-datadog-parent-id' => '7'];
var_dump(Context::extract($headers)?->traceId() ?? 'ambiguous');
// An object that is its own only holder.
$value = $runs(function () use (&$value): void { $value = null; }, '123');
$headers = ['x-datadog-trace-id' => &$value, 'x-datadog-parent-id' => '7'];
var_dump(Context::extract($headers)->spanId());
// An exception, and a tracer that is shut down meanwhile.
$try(fn () => Context::extract(['a' => $runs(fn () => throw new Exception('thrown'))]));
$own = new Spanwire\Tracer(['DD_SERVICE' => 'own']);
var_dump(Context::extract(['x-datadog-trace-id' => '1', 'x-datadog-parent-id' => $runs(function () use (&$own): void { $own->shutdown(0); $own = null; }, '2')], $own)?->spanId());

// What inject() writes into: references, typed ones, and one whose value goes with a destructor.
$context = Context::extract(['x-datadog-trace-id' => '1', 'x-datadog-parent-id' => '2']);
class Typed { public string $text = 'text'; public ?array $list = null; public array $most = ['a' => 'b', 'Traceparent' => 'c']; }
$typed = new Typed;
$try(fn () => $context->inject($typed->text));
$try(fn () => count($context->inject($typed->list)) === count($typed->list));
$try(function () use ($context, $typed) { $context->inject($typed->most); return [$typed->most['a'], isset($typed->most['Traceparent']), isset($typed->most['traceparent'])]; });
$number = 5;
$try(fn () => $context->inject($number));
class Falls { public function __construct(private Closure $code) { } public function __destruct() { ($this->code)(); } }
$headers = ['traceparent' => new Falls(function () use (&$headers, &$context): void { $headers = 'mine'; $context = null; gc_collect_cycles(); }), 'a' => 'b'];
$keep = &$headers['a'];
$written = $context->inject($headers);
var_dump($headers, $context, count($written) > 3);

// A function that finishes its span, starts others, throws, or never returns.
$try(fn () => $tracer->trace('x', fn ($span) => $span->finish()));
$leaves = function ($span) use ($tracer, &$left): int { $span->discard(); $left = $tracer->startSpan('left', activate: true); return 1; };
$try(fn () => $tracer->trace('x', $leaves));
var_dump(Spanwire\current_span() === $left);
$left->finish();
$try(fn () => $tracer->trace('x', fn () => 1, tags: ['t' => $runs(fn () => throw new Exception('no start'))]));
$try(fn () => $tracer->trace('x', 'no_such_function'));
$try(fn () => $tracer->trace('x', fn () => 1, parent: 1));
class Magic { public function __call(string $name, array $arguments) { return [$name, count($arguments)]; } }
$try(fn () => $tracer->trace('x', [new Magic, 'any']));
$try(fn () => $tracer->trace('x', [new Magic, 'any'], tags: ['t' => $runs(fn () => throw new Exception('no start'))]));
$try(fn () => $tracer->trace('x', function &() { static $value = 'by reference'; return $value; }));
$fiber = new Fiber(fn () => $tracer->trace('in a fiber', fn () => Fiber::suspend(Spanwire\current_span())));
$span = $fiber->start();
var_dump($span->isOpen(), Spanwire\current_span());
unset($fiber);
gc_collect_cycles();
var_dump($span->isOpen());
var_dump($tracer->stats()['spans_open']);
?>
--EXPECT--
string(32) "0000000000000000000000000001e078"
string(5) "45666"
string(32) "0000000000000000000000000001e078"
string(5) "45666"
string(32) "0000000000000000000000000000007b"
string(1) "7"
Exception: thrown
string(1) "2"
TypeError
bool(true)
array(3) {
  [0]=>
  string(1) "b"
  [1]=>
  bool(false)
  [2]=>
  bool(true)
}
TypeError
string(4) "mine"
NULL
bool(true)
NULL
int(1)
bool(true)
Exception: no start
TypeError
TypeError
array(2) {
  [0]=>
  string(3) "any"
  [1]=>
  int(1)
}
Exception: no start
string(12) "by reference"
bool(true)
NULL
bool(false)
int(0)
