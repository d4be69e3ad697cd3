--TEST--
Spans with many tags, long texts and keys that PHP takes for numbers arrive whole, also if a tag's own code makes spans
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file://{PWD}/019.json"
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
$tracer = Spanwire\Tracer::get();
$many = [];
for ($i = 0; $i < 100; $i++) $many[] = $i % 2 ? $i + 0.5 : "value $i";
$tracer->startSpan('many', tags: $many)->finish();
$tracer->startSpan('long', resource: str_repeat('r', 4000), tags: ['a' => str_repeat('1', 9000), 'b' => '', 'c' => "tëxt\0nul"])->finish();
// After larger ones, memory that is used again has nothing of them.
$tracer->startSpan('small', tags: ['n' => 1])->finish();
$tracer->startSpan('none')->finish();
$within = new class($tracer) {
    public function __construct(private Spanwire\Tracer $tracer) {}
    public function __toString(): string
    {
        $this->tracer->startSpan('within', parent: false, tags: ['other' => 'tag', 'number' => 9])->finish();
        return 'text';
    }
};
$span = $tracer->startSpan('around', tags: ['before' => 'x', 'object' => $within, 'after' => 7]);
$span->setTags(['set' => 'y', 'again' => $within, 'rows' => 8.5])->finish();
$tracer->flush(60000);
foreach (file(__DIR__ . '/019.json') as $line) {
    foreach (json_decode($line, true)['spans'] as $span) {
        $tags = array_diff_key($span['meta'] + $span['metrics'], array_flip(['runtime-id', 'process_id', '_dd.p.tid', '_dd.top_level', '_dd.tags.process', '_dd.p.dm', '_sampling_priority_v1', 'language']));
        if ($span['name'] === 'many') {
            ksort($tags, SORT_NUMERIC);
            var_dump($tags == $many);
            continue;
        }
        ksort($tags);
        $tags = array_map(fn ($tag) => is_string($tag) && strlen($tag) > 100 ? strlen($tag) . ' bytes' : $tag, $tags);
        echo $span['name'], ' ', strlen($span['resource']), ' ', json_encode($tags, JSON_UNESCAPED_UNICODE), "\n";
    }
}
?>
--CLEAN--
<?php unlink(__DIR__ . '/019.json'); ?>
--EXPECT--
bool(true)
long 4000 {"a":"9000 bytes","b":"","c":"tëxt\u0000nul"}
small 5 {"n":1}
none 4 []
within 6 {"number":9,"other":"tag"}
within 6 {"number":9,"other":"tag"}
around 6 {"after":7,"again":"text","before":"x","object":"text","rows":8.5,"set":"y"}
