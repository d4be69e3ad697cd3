--TEST--
Records go to a callable or a logger; what it throws is counted and the script goes on
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
final class Logger {
    public array $seen = [];
    public function log($level, string $message, array $context = []): void { $this->seen[] = "$level {$context['target']}: " . substr($message, -5); }
}
$logger = new Logger;
var_dump(Spanwire\set_logger($logger), Spanwire\set_logger('no such function'), Spanwire\set_logger(new stdClass), Spanwire\set_logger(3));
var_dump(Spanwire\log('warning', 'first', 'shop'), Spanwire\log('loud', 'never'));
var_dump(Spanwire\drain_log(), $logger->seen);

Spanwire\set_logger(function (string $level, string $message): void {
    if (str_ends_with($message, 'bad')) throw new DomainException('in the logger');
    echo substr($message, -4), "\n";
    Spanwire\drain_log();
});
foreach (['good', 'xbad', 'fine'] as $message) Spanwire\log('info', $message);
var_dump(Spanwire\drain_log(), Spanwire\logger_failures(), Spanwire\set_logger(null));

Spanwire\log('error', 'taken');
$taken = Spanwire\take_log();
var_dump(count($taken), $taken[0]['level'], $taken[0]['target'], $taken[0]['lost']);
Spanwire\set_logger(function (string $level, string $message): void { echo 'at the end: ', substr($message, -4), "\n"; throw new Exception; });
Spanwire\log('info', 'last');
?>
--EXPECT--
bool(true)
bool(false)
bool(false)
bool(false)
bool(true)
bool(false)
int(1)
array(1) {
  [0]=>
  string(19) "warning shop: first"
}
good
fine
int(3)
int(1)
bool(true)
int(1)
string(5) "error"
string(3) "php"
int(0)
at the end: last
