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
        /** The code outside any fiber. */
        private static ?Stack $main = null;
        /** @var \WeakMap<\Fiber, Stack> */
        private static \WeakMap $fibers;
        /** @var array<int, \WeakReference<Span>> all open spans, by handle */
        private static array $open = [];

        /** @var list<\WeakReference<Span>> */
        private array $spans = [];

        public static function push(Span $span, int $handle, bool $activate): void
        {
            $reference = self::$open[$handle] = \WeakReference::create($span);
            if ($activate) self::of_fiber()->spans[] = $reference;
        }

        public static function close(int $handle): void
        {
            unset(self::$open[$handle]);
        }

        /** A fiber in which no span is current uses the script's stack. */
        public static function current(): ?Span
        {
            return self::of_fiber()->top() ?? self::$main?->top();
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

        /** Spans may finish in any order: finished ones are removed from the stack here. */
        private function top(): ?Span
        {
            while ($this->spans) {
                $span = end($this->spans)->get();
                if ($span?->isUnfinished()) return $span;
                array_pop($this->spans);
            }
            return null;
        }

        private static function of_fiber(): Stack
        {
            $fiber = \Fiber::getCurrent();
            if ($fiber === null) return self::$main ??= new Stack();
            self::$fibers ??= new \WeakMap();
            return self::$fibers[$fiber] ??= new Stack();
        }
    }
}

namespace Spanwire {
    use FFI;
    use Spanwire\Ffi\Abi;
    use Spanwire\Ffi\Attributes;
    use Spanwire\Ffi\Carrier;
    use Spanwire\Ffi\Library;
    use Spanwire\Ffi\Memory;
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
            // First: a __toString() may finish and start spans.
            $tags = self::sort($tags);
            $above = $context = 0;
            if ($parent instanceof Context) $context = $parent->carrier();
            elseif ($parent !== false) $above = ($parent ?? Stack::current())?->handle ?? 0;
            $span->handle = Memory::start($tracer, $above, $context, $name, $service, $resource, $type, $startNs ?? 0, $tags);
            if ($span->handle !== 0) {
                $span->open = true;
                Stack::push($span, $span->handle, $activate);
            }
            return $span;
        }

        /** Returns the texts and numbers of an array of tags, booleans and objects as texts, without other values. */
        private static function sort(array $tags): array
        {
            foreach ($tags as $key => $value) {
                if (is_string($value) || is_int($value) || is_float($value)) continue;
                if (is_bool($value)) $tags[$key] = $value ? 'true' : 'false';
                elseif ($value instanceof \Stringable) $tags[$key] = (string) $value;
                else unset($tags[$key]);
            }
            return $tags;
        }

        public function setTag(string $key, mixed $value): static
        {
            return $value === null ? $this->removeTag($key) : $this->setTags([$key => $value]);
        }

        public function setTags(array $tags): static
        {
            if (!$this->open) return $this;
            $tags = self::sort($tags);
            if ($this->open && $tags) Memory::set_tags($this->handle, $tags);
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
            if ($endNs === null) Library::$ffi->spanwire_span_finish($this->handle);
            else Library::$ffi->spanwire_span_finish_at($this->handle, $endNs);
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
