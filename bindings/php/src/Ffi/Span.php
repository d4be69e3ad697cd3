<?php
declare(strict_types=1);

namespace Spanwire\Ffi {
    use Spanwire\Span;

    /**
     * The current span of each fiber: the latest one that was made current and is open.
     *
     * @internal
     */
    final class Stack
    {
        /** @var \WeakMap<object, list<\WeakReference<Span>>> by fiber */
        private static \WeakMap $stacks;
        /** Key for code outside any fiber. */
        private static object $main;
        /** @var array<int, \WeakReference<Span>> all open spans, by handle */
        private static array $open = [];

        public static function push(Span $span, int $handle, bool $activate): void
        {
            self::$open[$handle] = \WeakReference::create($span);
            if (!$activate) return;
            $below = self::current_reference();
            $fiber = self::fiber();
            self::$stacks[$fiber] = [...self::$stacks[$fiber] ?? array_filter([$below]), self::$open[$handle]];
        }

        public static function close(int $handle): void
        {
            unset(self::$open[$handle]);
        }

        public static function current(): ?Span
        {
            return self::current_reference()?->get();
        }

        /** @return list<Span> all open spans, the latest first */
        public static function open(): array
        {
            return array_values(array_filter(array_map(fn (\WeakReference $span) => $span->get(), array_reverse(self::$open))));
        }

        public static function finish_all(): void
        {
            foreach (self::open() as $span) $span->finish();
        }

        /** A fiber that has started no span uses the script's stack. */
        private static function current_reference(): ?\WeakReference
        {
            return self::top(self::fiber()) ?? self::top(self::$main);
        }

        /** Spans may finish in any order: finished ones are removed from the stack here. */
        private static function top(object $fiber): ?\WeakReference
        {
            $stack = self::$stacks[$fiber] ?? [];
            while (($top = end($stack)) && !$top->get()?->isUnfinished()) array_pop($stack);
            self::$stacks[$fiber] = $stack;
            return $top ?: null;
        }

        private static function fiber(): object
        {
            self::$stacks ??= new \WeakMap();
            self::$main ??= new \stdClass();
            return \Fiber::getCurrent() ?? self::$main;
        }
    }
}

namespace Spanwire {
    use FFI;
    use Spanwire\Ffi\Abi;
    use Spanwire\Ffi\Attributes;
    use Spanwire\Ffi\Carrier;
    use Spanwire\Ffi\Library;
    use Spanwire\Ffi\Stack;

    /** See ../../spanwire.stub.php. */
    final class Span
    {
        use Carrier;

        private const CARRIER = 'spanwire_span_';
        private int $handle = 0;
        private bool $open = false;

        private function __construct()
        {
        }

        private function __clone()
        {
        }

        /** @internal Tracer::startSpan() */
        public static function start(int $tracer, string $name, Span|Context|false|null $parent, ?string $service, ?string $resource, ?string $type, array $tags, bool $activate, ?int $startNs): Span
        {
            $span = new Span();
            if ($tracer === 0) return $span;
            $ffi = Library::$ffi;
            $keep = [];
            // First: a __toString() may finish and start spans.
            [$texts, $numbers] = self::sort($tags);
            $options = $ffi->new('spanwire_span_options');
            $options->size = FFI::sizeof($options);
            if ($parent instanceof Context) $options->context_handle = $parent->carrier();
            elseif ($parent !== false) $options->parent = ($parent ?? Stack::current())?->handle ?? 0;
            $options->start_ns = $startNs ?? 0;
            foreach (['name' => $name, 'service' => $service, 'resource' => $resource, 'type' => $type] as $field => $text) {
                if ($text === null) continue;
                $options->$field = Library::text($text, $keep);
                $options->{"{$field}_len"} = strlen($text);
            }
            if ($texts) $options->tags = $list = self::tags($texts, $keep);
            $options->tags_count = count($texts);
            if ($numbers) {
                $metrics = $ffi->new('spanwire_metric[' . count($numbers) . ']');
                foreach ($numbers as $i => [$key, $number]) {
                    $metrics[$i]->key = Library::text($key, $keep);
                    $metrics[$i]->key_len = strlen($key);
                    $metrics[$i]->value = (float) $number;
                }
                $options->metrics = FFI::addr($metrics[0]);
                $options->metrics_count = count($numbers);
            }
            $out = $ffi->new('spanwire_span');
            $ffi->spanwire_span_start_with($tracer, FFI::addr($options), FFI::addr($out));
            if (($span->handle = $out->cdata) !== 0) {
                $span->open = true;
                Stack::push($span, $span->handle, $activate);
            }
            return $span;
        }

        /**
         * Returns the texts and numbers of an array of tags as pairs, without other values. PHP turns a key such as '404'
         * into an integer.
         */
        private static function sort(array $tags): array
        {
            [$texts, $numbers] = [[], []];
            foreach ($tags as $key => $value) {
                $key = (string) $key;
                if (is_int($value) || is_float($value)) $numbers[] = [$key, $value];
                elseif (is_bool($value)) $texts[] = [$key, $value ? 'true' : 'false'];
                elseif (is_string($value) || $value instanceof \Stringable) $texts[] = [$key, (string) $value];
            }
            return [$texts, $numbers];
        }

        private static function tags(array $texts, array &$keep): FFI\CData
        {
            $keep[] = $list = Library::$ffi->new('spanwire_tag[' . count($texts) . ']');
            foreach ($texts as $i => [$key, $text]) {
                $list[$i]->key = Library::text($key, $keep);
                $list[$i]->key_len = strlen($key);
                $list[$i]->value = Library::text($text, $keep);
                $list[$i]->value_len = strlen($text);
            }
            return FFI::addr($list[0]);
        }

        public function setTag(string $key, mixed $value): static
        {
            return $value === null ? $this->removeTag($key) : $this->setTags([$key => $value]);
        }

        public function setTags(array $tags): static
        {
            if (!$this->open) return $this;
            [$texts, $numbers] = self::sort($tags);
            $keep = [];
            if ($this->open && $texts) Library::$ffi->spanwire_span_set_tags($this->handle, self::tags($texts, $keep), count($texts));
            foreach ($numbers as [$key, $value]) $this->setMetric($key, (float) $value);
            return $this;
        }

        public function setAttribute(string $key, mixed $value): static
        {
            return $value === null ? $this->removeTag($key) : $this->setAttributes([$key => $value]);
        }

        public function setAttributes(array $attributes): static
        {
            if (!$this->open) return $this;
            $given = new Attributes($attributes);
            return $this->call('spanwire_span_set_attributes', $given->list, $given->count);
        }

        public function addEvent(string $name, array $attributes = [], ?int $timeNs = null): static
        {
            if (!$this->open) return $this;
            $given = new Attributes($attributes);
            return $this->call('spanwire_span_add_event', FFI::addr($given->event($name, $timeNs)));
        }

        public function addLink(Span|Context $to, array $attributes = []): static
        {
            if (!$this->open) return $this;
            $ids = $to->ids();
            $given = new Attributes($attributes);
            return $ids === null ? $this : $this->call('spanwire_span_add_link', FFI::addr($given->link($ids)));
        }

        public function setMetaStruct(string $key, string $bytes): static
        {
            return $this->call('spanwire_span_set_meta_struct', $key, $bytes, strlen($bytes));
        }

        public function setMetric(string $key, float $value): static
        {
            return $this->call('spanwire_span_set_metric', $key, $value);
        }

        public function removeTag(string $key): static
        {
            return $this->call('spanwire_span_remove_tag', $key);
        }

        public function getTag(string $key): ?string
        {
            if (!$this->open) return null;
            return Library::read(fn ($buffer, $capacity, $need) => Library::$ffi->spanwire_span_get_tag($this->handle, $key, $buffer, $capacity, $need));
        }

        public function setName(string $name): static
        {
            return $this->call('spanwire_span_set_name', $name);
        }

        public function setService(string $service): static
        {
            return $this->call('spanwire_span_set_service', $service);
        }

        public function setResource(string $resource): static
        {
            return $this->call('spanwire_span_set_resource', $resource);
        }

        public function setType(string $type): static
        {
            return $this->call('spanwire_span_set_type', $type);
        }

        public function setError(\Throwable $error): static
        {
            return $this->setErrorText($error::class, $error->getMessage(), $error->getTraceAsString());
        }

        public function setErrorText(string $type, string $message, ?string $stack = null): static
        {
            return $this->call('spanwire_span_set_error', $type, $message, $stack);
        }

        public function setErrorFlag(bool $failed): static
        {
            return $this->call('spanwire_span_set_error_flag', (int) $failed);
        }

        public function setPriority(int $priority): static
        {
            return $this->call('spanwire_span_set_priority', $priority < -1 || $priority > 2 ? 0x7FFF_FFFF : $priority);
        }

        public function finish(?int $endNs = null): void
        {
            if (!$this->open) return;
            $endNs === null ? $this->call('spanwire_span_finish') : $this->call('spanwire_span_finish_at', $endNs);
            $this->open = false;
            Stack::close($this->handle);
        }

        public function discard(): void
        {
            $this->call('spanwire_span_discard');
            $this->open = false;
            Stack::close($this->handle);
        }

        public function isOpen(): bool
        {
            return $this->open && Library::$ffi->spanwire_span_set_tags($this->handle, null, 0) === Abi::OK;
        }

        public function traceId(): ?string
        {
            return $this->id(Abi::ID_TRACE_HEX);
        }

        public function spanId(): ?string
        {
            return $this->id(Abi::ID_SPAN);
        }

        /** @internal $kind is one of Abi::ID_… */
        public function id(int $kind): ?string
        {
            if (!$this->open) return null;
            return Library::read(fn ($buffer, $capacity, $need) => Library::$ffi->spanwire_span_id_text($this->handle, $kind, $buffer, $capacity, $need));
        }

        /** @internal what a link to this span has; null when it is finished */
        public function ids(): ?FFI\CData
        {
            return $this->open ? Library::ids('spanwire_span_context', $this->handle) : null;
        }

        /** @internal */
        public function carrier(): int
        {
            return $this->open ? $this->handle : 0;
        }

        /** @internal as far as this process knows, a parent's too */
        public function isUnfinished(): bool
        {
            return $this->open;
        }

        public function __destruct()
        {
            $this->finish();
        }

        private function call(string $function, mixed ...$arguments): static
        {
            if ($this->open) Library::$ffi->$function($this->handle, ...$arguments);
            return $this;
        }
    }
}
