<?php
declare(strict_types=1);

namespace Spanwire\Ffi;

use FFI;

/**
 * Headers from PHP's arrays, and headers and baggage to them.
 *
 * @internal
 */
final class Headers
{
    /**
     * Returns names and values of $_SERVER, or of an array of headers, as pairs. A list has a pair for each value.
     *
     * @return list<array{string, string}>
     */
    public static function pairs(array $from): array
    {
        // In $_SERVER of a request, other names are variables of the server and the environment, such as TRACEPARENT.
        $only_cgi = array_key_exists('REQUEST_METHOD', $from);
        $pairs = [];
        foreach ($from as $name => $values) {
            if (!is_string($name) || ($only_cgi && !str_starts_with($name, 'HTTP_'))) continue;
            foreach (is_array($values) ? $values : [$values] as $value) {
                if (is_string($value) || is_int($value) || $value instanceof \Stringable) $pairs[] = [$name, (string) $value];
            }
        }
        return $pairs;
    }

    /** Returns the handle of the context in these headers; 0 if there is none. */
    public static function extract(int $tracer, array $from): int
    {
        $pairs = self::pairs($from);
        if (!$pairs) return 0;
        $keep = [];
        $headers = Library::$ffi->new('spanwire_header[' . count($pairs) . ']');
        foreach ($pairs as $i => [$name, $value]) {
            $headers[$i]->name = Library::text($name, $keep);
            $headers[$i]->name_len = strlen($name);
            $headers[$i]->value = Library::text($value, $keep);
            $headers[$i]->value_len = strlen($value);
        }
        $out = Library::$ffi->new('spanwire_context_handle');
        Library::$ffi->spanwire_context_extract($tracer, FFI::addr($headers[0]), count($pairs), FFI::addr($out));
        return $out->cdata;
    }

    /**
     * Returns the lines that a function writes about a span or a context.
     *
     * @return list<string>
     */
    public static function lines(string $function, int $handle): array
    {
        if ($handle === 0) return [];
        $text = Library::read(fn ($buffer, $capacity, $need) => Library::$ffi->$function($handle, $buffer, $capacity, $need));
        return $text === null || $text === '' ? [] : explode("\n", substr($text, 0, -1));
    }

    /**
     * Returns the array with our headers instead of those of the same name in any case.
     *
     * @param array<string, string> $ours
     */
    public static function merged(array $theirs, array $ours): array
    {
        return array_filter($theirs, fn ($name) => !isset($ours[strtolower((string) $name)]), ARRAY_FILTER_USE_KEY) + $ours;
    }
}

/**
 * What spans and contexts have in common: headers and baggage.
 *
 * @internal
 */
trait Carrier
{
    public function origin(): ?string
    {
        [$handle, $get] = [$this->carrier(), self::CARRIER . 'get_origin'];
        if ($handle === 0) return null;
        return Library::read(fn ($buffer, $capacity, $need) => Library::$ffi->$get($handle, $buffer, $capacity, $need));
    }

    public function inject(?array &$headers = null): array
    {
        $ours = [];
        foreach ($this->injectLines() as $line) {
            [$name, $value] = explode(': ', $line, 2);
            $ours[$name] = $value;
        }
        $headers = Headers::merged($headers ?? [], $ours);
        return $ours;
    }

    public function injectLines(): array
    {
        return Headers::lines(self::CARRIER . 'inject_text', $this->carrier());
    }

    public function setBaggage(string $key, string $value): static
    {
        $this->change('set_baggage', $key, $value);
        return $this;
    }

    public function getBaggage(string $key): ?string
    {
        [$handle, $get] = [$this->carrier(), self::CARRIER . 'get_baggage'];
        if ($handle === 0) return null;
        return Library::read(fn ($buffer, $capacity, $need) => Library::$ffi->$get($handle, $key, $buffer, $capacity, $need));
    }

    public function removeBaggage(string $key): static
    {
        $this->change('remove_baggage', $key);
        return $this;
    }

    public function baggage(): array
    {
        $items = [];
        foreach (Headers::lines(self::CARRIER . 'baggage_text', $this->carrier()) as $line) {
            [$key, $value] = array_map(rawurldecode(...), explode('=', $line, 2));
            $items[$key] = $value;
        }
        return $items;
    }

    private function change(string $function, string ...$arguments): void
    {
        $function = self::CARRIER . $function;
        $handle = $this->carrier();
        if ($handle !== 0) Library::$ffi->$function($handle, ...$arguments);
    }
}
