<?php
declare(strict_types=1);

namespace Spanwire\Ffi;

use FFI;

/**
 * Attributes of a span, an event or a link as the library takes them, with the memory that the structures point to.
 *
 * @internal
 */
final class Attributes
{
    /** A type that the library refuses, for a value that is none: the attribute is dropped and counted. */
    private const NO_TYPE = 0xFFFF_FFFF;

    /** Pointer to the first attribute; null if there is none. */
    public readonly ?FFI\CData $list;
    public readonly int $count;
    private array $keep = [];

    public function __construct(array $attributes)
    {
        $attributes = array_filter($attributes, fn (mixed $value): bool => $value !== null);
        $this->count = count($attributes);
        $this->list = $this->structures('spanwire_attribute', $this->count);
        $i = 0;
        foreach ($attributes as $key => $value) {
            $key = (string) $key; // PHP turns a key such as '404' into an integer
            $attribute = $this->list[$i++];
            $attribute->key = Library::text($key, $this->keep);
            $attribute->key_len = strlen($key);
            is_array($value) ? $this->array($attribute, array_values($value)) : $this->scalar($attribute, $value);
        }
    }

    public function event(string $name, ?int $time_ns): FFI\CData
    {
        $event = $this->structure('spanwire_span_event');
        $event->name = Library::text($name, $this->keep);
        $event->name_len = strlen($name);
        $event->time_ns = $time_ns ?? 0;
        return $event;
    }

    /** A link to the span with the ids of a spanwire_context. */
    public function link(FFI\CData $ids): FFI\CData
    {
        $link = $this->structure('spanwire_span_link');
        foreach (['trace_id_high', 'trace_id_low', 'span_id'] as $id) $link->$id = $ids->$id;
        if ($ids->flags & Abi::CONTEXT_HAS_PRIORITY) {
            $link->flags = Abi::LINK_HAS_FLAGS | ($ids->sampling_priority > 0 ? 1 : 0);
        }
        return $link;
    }

    private function structure(string $type): FFI\CData
    {
        $structure = Library::$ffi->new($type);
        $structure->size = FFI::sizeof($structure);
        $structure->attributes = $this->list;
        $structure->attributes_count = $this->count;
        return $structure;
    }

    /** Returns a pointer to this many zeroed structures. */
    private function structures(string $type, int $count): ?FFI\CData
    {
        if ($count === 0) return null;
        $this->keep[] = $structures = Library::$ffi->new("{$type}[$count]");
        return FFI::addr($structures[0]);
    }

    private function array(FFI\CData $attribute, array $values): void
    {
        $attribute->type = Abi::VALUE_ARRAY;
        $attribute->values = $list = $this->structures('spanwire_value', count($values));
        $attribute->values_count = count($values);
        foreach ($values as $i => $value) $this->scalar($list[$i], $value);
    }

    /** Fills the fields that an attribute and a value of an array have in common. */
    private function scalar(FFI\CData $to, mixed $value): void
    {
        if (is_bool($value)) [$to->type, $to->boolean] = [Abi::VALUE_BOOLEAN, (int) $value];
        elseif (is_int($value)) [$to->type, $to->integer] = [Abi::VALUE_INTEGER, $value];
        elseif (is_float($value)) [$to->type, $to->floating] = [Abi::VALUE_FLOATING, $value];
        elseif (is_string($value) || $value instanceof \Stringable) {
            $text = (string) $value;
            $to->type = Abi::VALUE_TEXT;
            $to->text = Library::text($text, $this->keep);
            $to->text_len = strlen($text);
        } else $to->type = self::NO_TYPE;
    }
}
