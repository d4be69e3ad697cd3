--TEST--
The extension loads, says so, and makes no tracer before it is needed
--EXTENSIONS--
spanwire
--FILE--
<?php
var_dump(Spanwire\available(), Spanwire\version() === phpversion('spanwire'));
ob_start();
phpinfo(INFO_MODULES);
$info = ob_get_clean();
foreach (['Tracing with spanwire => on', 'Tracer of this process => not needed yet', 'datadog.service', 'spanwire.library'] as $row) {
    var_dump(str_contains($info, $row));
}
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
bool(true)
