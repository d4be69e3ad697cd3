--TEST--
Debug mode is switched by function, by ini_set() and for a while
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.trace.startup_logs=0
spanwire.log_dialect=native
--FILE--
<?php
$spans = fn () => count(array_filter(Spanwire\take_log(), fn ($record) => str_starts_with($record['target'], 'span.')));
$visit = fn () => Spanwire\Tracer::get()->startSpan('visit')->finish();
$visit();
var_dump(Spanwire\debug(), $spans());
Spanwire\set_debug(true);
$visit();
var_dump(Spanwire\debug(), $spans());
Spanwire\set_debug(false);
ini_set('datadog.trace.debug', '1');
$visit();
var_dump(Spanwire\debug(), $spans());
ini_restore('datadog.trace.debug');
Spanwire\set_debug(false);
Spanwire\set_debug_for(60);
var_dump(Spanwire\debug());
Spanwire\set_debug_for(0);
var_dump(Spanwire\debug(), Spanwire\set_log_level('error'), Spanwire\set_log_level('no'));
Spanwire\log('info', 'not logged');
var_dump(Spanwire\take_log());
?>
--EXPECT--
bool(false)
int(0)
bool(true)
int(2)
bool(true)
int(2)
bool(true)
bool(false)
bool(true)
bool(false)
array(0) {
}
