--TEST--
Links, events and typed attributes arrive, whatever code runs while their values are read
--EXTENSIONS--
spanwire
--INI--
datadog.trace.agent_url="file://{PWD}/017.json"
datadog.service=shop
datadog.trace.startup_logs=0
error_log=/dev/null
--FILE--
<?php
use Spanwire\Context;
$tracer = Spanwire\Tracer::get();
$runs = fn (Closure $code) => new class($code) {
    public function __construct(private Closure $code) { }
    public function __toString(): string { ($this->code)(); return 'made'; }
};
$dropped = fn () => $tracer->stats()['tags_dropped'];

$root = $tracer->startSpan('root');
$root->setAttributes([404 => 'key', 'yes' => true, 'list' => ['x' => 1, 'y' => 2.5], 'none' => [], 'null' => null])->setAttribute('one', 1);
var_dump($root->getTag('404'), $root->getTag('yes'), $root->getTag('list.0'), $root->getTag('list.1'), $root->getTag('one'));
var_dump($root->setAttribute('one', null)->getTag('one'), $dropped());

// Values that cannot be sent cost only themselves, and are counted.
$root->addEvent('odd', ['deep' => [1, [2]], 'object' => new stdClass, 'nulls' => [null], 'mixed' => [1, 'a'], 'nan' => NAN, 'many' => range(1, 129), '' => 1, 'good' => 1]);
var_dump($dropped());

// Code that reassigns the variables whose values are being read, before and behind it.
foreach ([1, 50] as $more) {
    $text = str_repeat('before', 100);
    $list = [&$text, $runs(function () use (&$list, &$text, &$attributes): void { $attributes = $list = null; $text = 'after'; }), &$text];
    $attributes = ['list' => &$list, 'text' => &$text];
    for ($i = 0; $i < $more; $i++) $attributes["more$i"] = &$text;
    $root->addEvent("changed $more", $attributes);
    unset($attributes, $list, $text);
}
$list = [$runs(function () use (&$list): void { for ($i = 0; $i < 100; $i++) $list[] = 'x'; }), 'b'];
$root->addEvent('grown', ['list' => &$list]);
$list = null;

// A link to a span, to a context, to nothing.
$other = $tracer->startSpan('other', parent: false);
$root->addLink($other, ['why' => 'asked', 'n' => [1, 2]])->addLink(Context::extract($other->inject()))->addLink(Context::extract(['baggage' => 'a=b']));
$other->finish();
$root->addLink($other);

// Code that finishes a span while its attributes are read, and code that throws.
foreach (['setAttributes', 'setAttribute', 'addEvent', 'addLink'] as $how) {
    $span = $tracer->startSpan('finished');
    $value = $runs(fn () => $span->finish());
    match ($how) {
        'setAttributes' => $span->setAttributes(['a' => $value]),
        'setAttribute' => $span->setAttribute('a', [$value]),
        'addEvent' => $span->addEvent('never', ['a' => $value]),
        'addLink' => $span->addLink($root, ['a' => $value]),
    };
    var_dump($span->isOpen());
    try {
        $value = $runs(fn () => throw new Exception($how));
        match ($how) {
            'setAttributes' => $root->setAttributes(['a' => 1, 'b' => ['x', $value]]),
            'setAttribute' => $root->setAttribute('b', $value),
            'addEvent' => $root->addEvent('never', ['a' => 1, 'b' => $value]),
            'addLink' => $root->addLink($root, ['b' => [$value]]),
        };
    } catch (Exception $error) {
        echo $error->getMessage(), ' ', json_encode([$root->getTag('a'), $root->getTag('b')]), "\n";
    }
}
$span = $tracer->startSpan('unused');
$span->finish();
var_dump($span->setAttribute('a', 1)->setAttributes([])->addEvent('x')->addLink($root)->setMetaStruct('a', "\x80") === $span);
try {
    $root->addLink($tracer);
} catch (TypeError $error) {
    echo strstr($error->getMessage() . ', called in', ', called in', true), "\n";
}
$root->finish();
$tracer->flush();
foreach (file(__DIR__ . '/017.json') as $line) {
    foreach (json_decode($line, true)['spans'] as $span) {
        if ($span['name'] === 'other') $id = sprintf('%016x', $span['span_id']);
        if ($span['name'] === 'root') $sent = $span;
        if ($span['name'] === 'finished' && (isset($span['span_events']) || isset($span['span_links']) || isset($span['meta']['a']))) echo "late\n";
    }
}
foreach ($sent['span_events'] as $event) {
    $short = fn (mixed $value): mixed => is_string($value) ? substr($value, 0, 6) : $value;
    echo $event['name'], ': ', json_encode(array_map(fn ($value) => is_array($value) ? array_map($short, $value) : $short($value), array_slice($event['attributes'] ?? [], 0, 3))), "\n";
}
foreach ($sent['span_links'] as $link) echo json_encode([$link['span_id'] === $id, $link['flags'] ?? null, $link['attributes'] ?? null]), "\n";
?>
--CLEAN--
<?php unlink(__DIR__ . '/017.json'); ?>
--EXPECT--
string(3) "key"
string(4) "true"
string(1) "1"
string(3) "2.5"
string(1) "1"
NULL
int(0)
int(7)
bool(false)
setAttributes [null,null]
bool(false)
setAttribute [null,null]
bool(false)
addEvent [null,null]
bool(false)
addLink [null,null]
bool(true)
Spanwire\Span::addLink(): Argument #1 ($to) must be of type Spanwire\Span|Spanwire\Context, Spanwire\Tracer given
odd: {"good":1}
changed 1: {"list":["before","made","after"],"text":"after","more0":"after"}
changed 50: {"list":["before","made","after"],"text":"after","more0":"after"}
grown: {"list":["made","b"]}
[true,1,{"why":"asked","n.0":"1","n.1":"2"}]
[true,1,null]
