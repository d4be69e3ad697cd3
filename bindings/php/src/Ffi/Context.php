<?php
declare(strict_types=1);

namespace Spanwire;

use FFI;
use Spanwire\Ffi\Abi;
use Spanwire\Ffi\Carrier;
use Spanwire\Ffi\Headers;
use Spanwire\Ffi\Library;

/** See ../../spanwire.stub.php. */
final class Context
{
    use Carrier;

    private const CARRIER = 'spanwire_context_';
    private int $handle = 0;

    private function __construct()
    {
    }

    private function __clone()
    {
    }

    public static function extract(array $headers, ?Tracer $tracer = null): ?Context
    {
        $tracer = ($tracer ?? Tracer::get())->handle();
        $handle = $tracer === 0 ? 0 : Headers::extract($tracer, $headers);
        if ($handle === 0) return null;
        $context = new Context();
        $context->handle = $handle;
        return $context;
    }

    public function traceId(): ?string
    {
        $ids = $this->ids();
        return $ids === null ? null : sprintf('%016x%016x', $ids->trace_id_high, $ids->trace_id_low);
    }

    public function spanId(): ?string
    {
        $ids = $this->ids();
        return $ids === null || $ids->span_id === 0 ? null : sprintf('%u', $ids->span_id);
    }

    public function priority(): ?int
    {
        $ids = $this->ids();
        return $ids === null || ($ids->flags & Abi::CONTEXT_HAS_PRIORITY) === 0 ? null : $ids->sampling_priority;
    }

    /** @internal */
    public function carrier(): int
    {
        return $this->handle;
    }

    /** @internal null if the headers carried none */
    public function ids(): ?FFI\CData
    {
        return Library::ids('spanwire_context_get', $this->handle);
    }

    public function __serialize(): never
    {
        throw new \Exception("Serialization of 'Spanwire\\Context' is not allowed");
    }

    public function __destruct()
    {
        if ($this->handle !== 0) Library::$ffi->spanwire_context_free($this->handle);
        $this->handle = 0;
    }
}
