--TEST--
Code of the script's that runs while spanwire reads its values can change them
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
$tracer = Spanwire\Tracer::get();
$runs = fn (Closure $code) => new class($code) {
    public function __construct(private Closure $code) { }
    public function __toString(): string { ($this->code)(); return 'made'; }
};
$show = fn (Spanwire\Span $span) => print implode(' ', array_map(fn ($key) => substr($span->getTag($key) ?? '-', 0, 6), ['text', 'object', 'self', '404'])) . "\n";
$fill = function (array &$tags, &$text, &$self) use ($runs): void {
    $text = str_repeat('before', 1000);
    $self = $runs(function () use (&$text, &$self): void { $self = null; $text = 'after'; });
    $tags = ['text' => &$text, 404 => &$text, 'self' => &$self, 'object' => $runs(function () use (&$tags): void { $tags = null; })];
};

// References that a __toString() reassigns, behind it in the array and before it.
foreach ([4, 40] as $more) {
    foreach (['startSpan', 'setTags'] as $how) {
        $tags = [];
        $fill($tags, $text, $self);
        for ($i = 0; $i < $more; $i++) $tags["more$i"] = &$text;
        $span = $how === 'startSpan' ? $tracer->startSpan('x', tags: $tags) : $tracer->startSpan('x')->setTags($tags);
        $show($span);
        unset($tags, $text, $self);
    }
}
$value = $runs(function () use (&$value): void { $value = null; });
$show($tracer->startSpan('x')->setTag('object', $value));

// A tag that finishes the current span, or the parent that was named.
$outer = $tracer->startSpan('outer', activate: true);
$inner = $tracer->startSpan('inner', activate: true);
$trace = $outer->traceId();
$child = $tracer->startSpan('child', tags: ['object' => $runs(fn () => $inner->finish())]);
var_dump($child->traceId() === $trace, $child->isOpen());
$child->finish();
$outer->finish();

// Settings, and a constructor that is called again while its values are read.
$value = $runs(function () use (&$value): void {
    $value = null;
    debug_backtrace(DEBUG_BACKTRACE_PROVIDE_OBJECT)[2]['object']->__construct(['DD_SERVICE' => 'inner']);
});
$settings = ['DD_SERVICE' => &$value, 'DD_ENV' => 'test'];
var_dump((new Spanwire\Tracer($settings))->configJson() !== '{}');

// Names that are objects; error handlers that a deprecation calls.
set_error_handler(function (int $level, string $text) use (&$span): bool { $span->finish(); echo substr($text, 0, 40), "\n"; return true; });
$span = $tracer->startSpan($runs(fn () => gc_collect_cycles()), resource: $runs(fn () => null));
$span->setMetric(null, 1);
var_dump($span->isOpen());
restore_error_handler();

// Exceptions that hide their message behind __get(), or whose trace is something else.
class Sly extends Exception {
    public function __construct() { unset($this->message); }
    public function __get(string $name): string { echo "never\n"; return str_repeat('x', 1000); }
    public function __isset(string $name): bool { return true; }
}
$span = $tracer->startSpan('x')->setError(new Sly);
var_dump($span->getTag('error.type'));
$error = new Exception(str_repeat('long', 1000));
$trace = new ReflectionProperty('Exception', 'trace');
$trace->setValue($error, [['file' => 1, 'line' => 'a'], 3]);
$message = new ReflectionProperty('Exception', 'message');
set_error_handler(function () use ($error, $trace, $message): bool { $trace->setValue($error, []); $message->setValue($error, 'short'); return true; });
var_dump(strlen($tracer->startSpan('x')->setError($error)->getTag('error.message')));
restore_error_handler();

// A logger that suspends its fiber, exits from it, or can no longer be called.
for ($i = 0; $i < 4; $i++) Spanwire\log('warning', "record $i");
$fiber = new Fiber(function (): void {
    Spanwire\set_logger(function (string $level, string $message): void {
        echo substr($message, -8), "\n";
        if (str_ends_with($message, '1')) Fiber::suspend();
    });
    Spanwire\drain_log();
    echo "never\n";
});
$fiber->start();
var_dump(Spanwire\drain_log());
unset($fiber);
gc_collect_cycles();
var_dump(Spanwire\drain_log());
class Closed { public function __construct() { var_dump(Spanwire\set_logger([$this, 'hidden'])); } private function hidden(): void { echo "never\n"; } }
new Closed;
Spanwire\log('warning', 'to the error log');
Spanwire\drain_log();
var_dump(Spanwire\logger_failures());
?>
--EXPECT--
before made made before
before made made before
before made made before
before made made before
- made - -
bool(true)
bool(true)
bool(true)
Spanwire\Span::setMetric(): Passing null
bool(false)
string(3) "Sly"
int(4000)
record 0
record 1
int(0)
record 2
record 3
int(2)
bool(true)
int(1)
