--TEST--
A flare is written once, and sent to no one where there is no agent
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/null"
datadog.service=shop
error_log=/dev/null
--FILE--
<?php
$tracer = Spanwire\Tracer::get();
$span = $tracer->startSpan('checkout');
$path = sys_get_temp_dir() . '/spanwire-flare-' . getmypid() . '.zip';
var_dump($tracer->writeFlare($path));
printf("%s %o\n", bin2hex(substr(file_get_contents($path), 0, 2)), fileperms($path) & 0777);
var_dump($tracer->writeFlare($path));
unlink($path);
var_dump($tracer->writeFlare(''));
var_dump($tracer->sendFlare('12345', 'user@example.com'));
var_dump($tracer->sendFlare('no number', 'user@example.com', 'web-1', 10));
?>
--EXPECT--
NULL
504b 600
string(34) "cannot write the file: file exists"
string(33) "an argument is missing or invalid"
string(29) "this tracer sends to no Agent"
string(33) "an argument is missing or invalid"
