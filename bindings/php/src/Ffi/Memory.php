<?php
declare(strict_types=1);

namespace Spanwire\Ffi;

use FFI;

/**
 * Native memory for the structures of one call, which is used again: words in front, texts behind them. A write of a word is
 * cheap, and so is one copy of all texts; a structure or a text of its own would be an object each time.
 *
 * @internal
 */
final class Memory
{
    private const OPTIONS = 17; // words of a spanwire_span_options
    private const OUT = self::OPTIONS; // where the span goes
    private const TAGS = self::OUT + 1;
    private const TAG = 4; // words of a spanwire_tag
    private const METRIC = 3;
    private const USUAL_TAGS = 32;
    private const USUAL_BYTES = 8192;

    private static ?Memory $free = null;

    /** The same memory as numbers of both kinds, and its part for texts. */
    private FFI\CData $words;
    private FFI\CData $doubles;
    private FFI\CData $texts;
    private FFI\CData $options;
    private FFI\CData $out;
    private FFI\CData $tags;
    private int $address;
    private int $texts_address;

    private function __construct(private int $room, private int $bytes)
    {
        $ffi = Library::$ffi;
        $count = self::TAGS + $room * (self::TAG + self::METRIC);
        $this->words = $ffi->new("uint64_t[$count]");
        $this->texts = $ffi->new("char[$bytes]");
        $this->doubles = FFI::cast($ffi->type("double[$count]"), $this->words);
        $this->options = $ffi->cast('spanwire_span_options *', FFI::addr($this->words[0]));
        $this->out = $ffi->cast('spanwire_span *', FFI::addr($this->words[self::OUT]));
        $this->tags = $ffi->cast('spanwire_tag *', FFI::addr($this->words[self::TAGS]));
        $this->address = $ffi->cast('uint64_t', FFI::addr($this->words[0]))->cdata;
        $this->texts_address = $ffi->cast('uint64_t', FFI::addr($this->texts[0]))->cdata;
        $this->words[0] = self::OPTIONS * 8;
    }

    /**
     * Returns memory that is large enough and that no other call uses: a signal handler may trace while one is being prepared.
     */
    private static function take(int $tags, int $bytes): Memory
    {
        $memory = self::$free;
        self::$free = null;
        if ($memory !== null && $tags <= $memory->room && $bytes <= $memory->bytes) return $memory;
        return new Memory(max($tags, self::USUAL_TAGS), max($bytes, self::USUAL_BYTES));
    }

    private function give_back(): void
    {
        if ($this->room === self::USUAL_TAGS && $this->bytes === self::USUAL_BYTES) self::$free = $this;
    }

    /**
     * Starts a span and returns its handle, or 0. `$tags` has texts and numbers only.
     *
     * @param array<string|int, string|int|float> $tags
     */
    public static function start(int $tracer, int $parent, int $context, string $name, ?string $service, ?string $resource, ?string $type, int $start_ns, array $tags): int
    {
        $texts = "$name$service$resource$type";
        $memory = self::take(count($tags), strlen($texts) + ($tags ? self::length($tags) : 0));
        $words = $memory->words;
        $at = $memory->texts_address;
        $words[1] = $parent;
        $words[3] = $at;
        $at += $words[4] = strlen($name);
        $words[5] = $service === null ? 0 : $at;
        $at += $words[6] = strlen($service ?? '');
        $words[7] = $resource === null ? 0 : $at;
        $at += $words[8] = strlen($resource ?? '');
        $words[9] = $type === null ? 0 : $at;
        $at += $words[10] = strlen($type ?? '');
        $words[11] = $start_ns;
        $words[12] = $memory->address + self::TAGS * 8;
        $words[16] = $context;
        $memory->put($words, $tags, $texts, $at); // also without tags
        Library::$ffi->spanwire_span_start_with($tracer, $memory->options, $memory->out);
        $handle = $words[self::OUT];
        $memory->give_back();
        return $handle;
    }

    /** Sets tags of a span; `$tags` as above. */
    public static function set_tags(int $span, array $tags): void
    {
        $memory = self::take(count($tags), self::length($tags));
        $words = $memory->words;
        $texts = '';
        $memory->put($words, $tags, $texts, $memory->texts_address);
        $ffi = Library::$ffi;
        if ($words[13] > 0) $ffi->spanwire_span_set_tags($span, $memory->tags, $words[13]);
        $memory->give_back();
        foreach ($tags as $key => $value) {
            if (!is_string($value)) $ffi->spanwire_span_set_metric($span, (string) $key, (float) $value);
        }
    }

    private static function length(array $tags): int
    {
        $length = 0;
        foreach ($tags as $key => $value) $length += strlen((string) $key) + (is_string($value) ? strlen($value) : 0);
        return $length;
    }

    /** Writes tags and their number, after `$texts`, which end at the address `$at`; then all texts. */
    private function put(FFI\CData $words, array $tags, string $texts, int $at): void
    {
        $tag = self::TAGS;
        $metric = $metrics = self::TAGS + self::TAG * $this->room;
        foreach ($tags as $key => $value) {
            $key = (string) $key; // PHP turns a key such as '404' into an integer
            if (is_string($value)) {
                $words[$tag] = $at;
                $at += $words[$tag + 1] = strlen($key);
                $words[$tag + 2] = $at;
                $at += $words[$tag + 3] = strlen($value);
                $texts .= $key . $value;
                $tag += self::TAG;
            } else {
                $words[$metric] = $at;
                $at += $words[$metric + 1] = strlen($key);
                $this->doubles[$metric + 2] = $value;
                $texts .= $key;
                $metric += self::METRIC;
            }
        }
        $words[13] = intdiv($tag - self::TAGS, self::TAG);
        $words[14] = $this->address + 8 * $metrics;
        $words[15] = intdiv($metric - $metrics, self::METRIC);
        FFI::memcpy($this->texts, $texts, strlen($texts));
    }
}
