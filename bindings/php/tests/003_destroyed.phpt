--TEST--
A span finishes with its last variable, and carries the exception that took it away
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.debug=1
error_log=/dev/null
spanwire.log_dialect=native
--FILE--
<?php
function work(bool $fail): void {
    $span = Spanwire\Tracer::get()->startSpan($fail ? 'fails' : 'works');
    if ($fail) throw new LogicException('no');
}
work(false);
try { work(true); } catch (LogicException) { }
$by_hand = Spanwire\Tracer::get()->startSpan('by hand');
$by_hand->setError(new RuntimeException('told'));
unset($by_hand);
$words = Spanwire\Tracer::get()->startSpan('in words')->setErrorText('Kind', 'what', 'where');
$words = null;
Spanwire\Tracer::get()->startSpan('flag')->setErrorFlag(true)->setErrorFlag(false);
foreach (Spanwire\take_log() as $record) {
    if ($record['target'] !== 'span.finished') continue;
    preg_match('/name=(".*?"|\S+) .*(error=\d)/', $record['message'], $m);
    echo $m[1], ' ', $m[2], ' ', implode(' ', array_filter(['LogicException', 'RuntimeException', 'Kind'], fn ($type) => str_contains($record['message'], "error.type=$type"))), "\n";
}
var_dump(Spanwire\current_span());
?>
--EXPECT--
works error=0 
fails error=1 LogicException
"by hand" error=1 RuntimeException
"in words" error=1 Kind
flag error=0 
NULL
