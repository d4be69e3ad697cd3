--TEST--
What is open when a fatal error ends the request is finished, marked with it
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file:///dev/stdout"
datadog.trace.startup_logs=0
memory_limit=8M
display_errors=1
--FILE--
<?php
function deep(): void {
    $root = Spanwire\Tracer::get()->startSpan('root', activate: true);
    $child = Spanwire\Tracer::get()->startSpan('child', activate: true);
    echo strlen(str_repeat('x', 100_000_000));
}
deep();
?>
--EXPECTREGEX--
Fatal error: Allowed memory size of \d+ bytes exhausted .*
(?=.*"name":"root")(?=.*"name":"child")(?=(?:.*"error":1\b){2})(?=(?:.*"error.type":"Fatal error"){2}).*"error.message":"Allowed memory size.*
