<?php
declare(strict_types=1);

namespace Spanwire\Ffi;

use FFI;

/**
 * What became of a trace, for `Spanwire\trace_fate()`.
 *
 * @internal
 */
final class Fate
{
    private const STATES = ['unknown', 'open', 'queued', 'in_flight', 'sent', 'dropped', 'abandoned', 'discarded'];
    /** By `dropped` of spanwire_fate: the counters of spanwire_stats. */
    private const REASONS = [null, 'queue_full', 'memory', 'unreachable', 'refused', 'too_large', 'shutdown', 'invalid', 'unknown_fate'];

    /** Reads the id, and asks. */
    public static function of(string $id): ?array
    {
        if (Library::$ffi === null) return null;
        $fate = null;
        if (preg_match('/\A(?:[0-9a-f]{16}){1,2}\z/iD', $id)) {
            $high = strlen($id) === 32 ? self::half(substr($id, 0, 16)) : 0;
            $fate = self::ask($high, self::half(substr($id, -16)));
            if (strlen($id) === 32 || $fate !== null && $fate['state'] !== 'unknown') return $fate;
        }
        // 16 digits may also be a decimal id.
        $low = self::decimal($id);
        return $low === null ? $fate : self::ask(0, $low);
    }

    /** The bits of 16 hexadecimal digits: hexdec() returns a float for large numbers. */
    private static function half(string $digits): int
    {
        return (int) hexdec(substr($digits, 0, 8)) << 32 | (int) hexdec(substr($digits, 8));
    }

    /** The bits of a decimal number below 2^64, in two halves of 32 bits. */
    private static function decimal(string $digits): ?int
    {
        if (!preg_match('/\A[0-9]{1,20}\z/D', $digits)) return null;
        [$high, $low] = [0, 0];
        foreach (str_split($digits) as $digit) {
            $low = $low * 10 + (int) $digit;
            $high = $high * 10 + ($low >> 32);
            $low &= 0xFFFF_FFFF;
            if ($high >> 32 !== 0) return null;
        }
        return $high << 32 | $low;
    }

    private static function ask(int $high, int $low): ?array
    {
        $fate = Library::$ffi->new('spanwire_fate');
        $fate->size = FFI::sizeof($fate);
        if (Library::$ffi->spanwire_trace_fate($high, $low, FFI::addr($fate)) !== Abi::OK) return null;
        $known = $fate->trace_id_low !== 0 || $fate->trace_id_high !== 0;
        return [
            'state' => self::STATES[$fate->state] ?? 'unknown',
            'text' => FFI::string($fate->text),
            'trace_id' => $known ? sprintf('%016x%016x', $fate->trace_id_high, $fate->trace_id_low) : null,
            'dropped' => self::REASONS[$fate->dropped] ?? null,
            'spans_open' => $fate->spans_open,
            'spans_waiting' => $fate->spans_waiting,
            'spans_pending' => $fate->spans_pending,
            'spans_sent' => $fate->spans_sent,
            'spans_dropped' => $fate->spans_dropped,
            'attempts_failed' => $fate->attempts_failed,
            'http_status' => $fate->http_status ?: null,
            'error_number' => $fate->error_number ?: null,
            'priority' => $fate->priority === Abi::PRIORITY_NONE ? null : $fate->priority,
            'mechanism' => $fate->mechanism === Abi::PRIORITY_NONE ? null : $fate->mechanism,
            'rule' => [Abi::FATE_SAMPLE_RATE => 'sample_rate', Abi::FATE_MINUTE => 'minute'][$fate->rule] ?? ($fate->rule ?: null),
            'rate' => $fate->rate < 0 ? null : $fate->rate,
            'limited' => $fate->limited !== 0,
            'decided_elsewhere' => $fate->decided_elsewhere !== 0,
            'handed_ns' => $fate->handed_ns ?: null,
            'changed_ns' => $fate->changed_ns ?: null,
        ];
    }
}
