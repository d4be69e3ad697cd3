<?php
declare(strict_types=1);

/** The functions of ../../spanwire.stub.php. */

namespace Spanwire;

use Spanwire\Ffi\Abi;
use Spanwire\Ffi\Fate;
use Spanwire\Ffi\Library;
use Spanwire\Ffi\Log;
use Spanwire\Ffi\Stack;
use Spanwire\Ffi\Tracers;

function available(): bool
{
    return Library::$ffi !== null;
}

function version(): ?string
{
    return Library::$ffi?->spanwire_version();
}

function current_span(): ?Span
{
    return Stack::current();
}

function trace_id(): ?string
{
    return Stack::current()?->id(Abi::ID_TRACE);
}

function span_id(): ?string
{
    return Stack::current()?->id(Abi::ID_SPAN);
}

function log_correlation(bool $json = false): string
{
    if (Library::$ffi === null) return '';
    $span = Stack::current()?->carrier() ?? 0;
    // A span may belong to another tracer than that of php.ini.
    $tracer = $span === 0 ? Tracers::existing() : 0;
    $form = $json ? Abi::LOG_FIELDS_JSON : Abi::LOG_FIELDS_TEXT;
    return Library::read(fn ($buffer, $capacity, $need) => Library::$ffi->spanwire_log_correlation($tracer, $span, $form, $buffer, $capacity, $need)) ?? '';
}

function trace_fate(string $traceId): ?array
{
    return Fate::of($traceId);
}

function debug(): bool
{
    return (bool) Library::$ffi?->spanwire_debug_get();
}

function set_debug(bool $enabled): void
{
    Library::$ffi?->spanwire_debug_set((int) $enabled);
}

function set_debug_for(int $seconds): void
{
    Library::$ffi?->spanwire_debug_set_for(min(max($seconds, 0), 0xFFFF_FFFF));
}

function set_log_level(string $level): bool
{
    $number = Log::LEVELS[strtolower($level)] ?? null;
    if ($number !== null) Library::$ffi?->spanwire_log_set_level($number);
    return $number !== null;
}

function log(string $level, string $message, string $target = 'php'): bool
{
    $number = Log::LEVELS[strtolower($level)] ?? Abi::LEVEL_OFF;
    if ($number === Abi::LEVEL_OFF) return false;
    Tracer::get(); // its settings decide where records go
    Library::$ffi?->spanwire_log_write($number, $target, $message);
    return true;
}

function set_logger(mixed $logger): bool
{
    if ($logger !== null && !is_callable($logger)) {
        $logger = is_object($logger) ? [$logger, 'log'] : $logger;
        if (!is_callable($logger)) return false;
    }
    Log::$logger = $logger;
    return true;
}

function drain_log(): int
{
    return Log::drain();
}

function take_log(int $max = 0): array
{
    return Log::take($max);
}

function logger_failures(): int
{
    return Log::$failures;
}
