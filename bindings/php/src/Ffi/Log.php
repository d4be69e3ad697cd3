<?php
declare(strict_types=1);

namespace Spanwire\Ffi;

use FFI;

/**
 * The log's way to PHP: records are taken on PHP's own thread, when the script asks or ends.
 *
 * @internal
 */
final class Log
{
    /** PSR-3's names; the first of a level is the one that records are given. */
    public const LEVELS = [
        'error' => Abi::LEVEL_ERROR, 'emergency' => Abi::LEVEL_ERROR, 'alert' => Abi::LEVEL_ERROR,
        'critical' => Abi::LEVEL_ERROR, 'warning' => Abi::LEVEL_WARN, 'warn' => Abi::LEVEL_WARN,
        'info' => Abi::LEVEL_INFO, 'notice' => Abi::LEVEL_INFO, 'debug' => Abi::LEVEL_DEBUG,
        'trace' => Abi::LEVEL_TRACE, 'off' => Abi::LEVEL_OFF,
    ];

    /** @var callable|null */
    public static mixed $logger = null;
    public static int $failures = 0;
    private static bool $draining = false;

    /** @return list<array{level: string, target: string, message: string, time_ns: int, lost: int}> */
    public static function take(int $max): array
    {
        return array_map(fn (array $record): array => array_diff_key($record, self::OURS), self::take_whole($max));
    }

    /**
     * Records on their way to PHP. A logger need not return: what it leaves is handed over later.
     *
     * @var list<array>
     */
    private static array $waiting = [];

    public static function drain(): int
    {
        if (self::$draining) return 0;
        [$file_has_them, $process, $count] = [Library::log_file(), getmypid(), 0];
        self::$draining = true;
        try {
            array_push(self::$waiting, ...self::take_whole(0));
            while (self::$waiting) {
                $count++;
                self::hand_over(array_shift(self::$waiting), $file_has_them);
                if (getmypid() !== $process) self::$waiting = []; // the parent's, in a child that a logger forked
            }
        } finally {
            self::$draining = false;
        }
        return $count;
    }

    /** After an exit() in a logger, which runs no `finally`, or a fiber that never came back. */
    public static function drain_at_end(): void
    {
        self::$draining = false;
        self::drain();
    }

    /** What of a record is for the error log alone. */
    private const OURS = ['text' => true, 'host_only' => true];

    /** Takes them one by one: no code of PHP's runs inside the library, which it could leave by an exception. */
    private static function take_whole(int $max): array
    {
        $taken = [];
        $ffi = Library::$ffi;
        if ($ffi === null) return $taken;
        [$record, $need, $capacity] = [$ffi->new('spanwire_log_record'), $ffi->new('size_t'), 4096];
        $record->size = FFI::sizeof($record);
        $buffer = $ffi->new("char[$capacity]");
        while ($max <= 0 || count($taken) < $max) {
            $status = $ffi->spanwire_log_take(FFI::addr($record), $buffer, $capacity, FFI::addr($need));
            if ($status === Abi::E_LIMIT && $need->cdata > $capacity) {
                $capacity = $need->cdata;
                $buffer = $ffi->new("char[$capacity]");
                continue;
            }
            if ($status !== Abi::OK) break;
            $taken[] = [
                'target' => FFI::string($record->target),
                'time_ns' => $record->time_ns,
                'lost' => $record->lost,
                'level' => array_search(min($record->level, Abi::LEVEL_DEBUG), self::LEVELS, true),
                'message' => FFI::string($record->message, $record->message_len),
                'text' => FFI::string($record->text, $record->text_len),
                'host_only' => ($record->flags & Abi::LOG_HOST_ONLY) !== 0,
            ];
        }
        return $taken;
    }

    private static function hand_over(array $record, bool $file_has_them): void
    {
        if (self::$logger !== null) {
            try {
                $context = array_diff_key($record, self::OURS, ['level' => 0, 'message' => 0]);
                (self::$logger)($record['level'], $record['message'], $context);
                return;
            } catch (\Throwable) {
                self::$failures++;
            }
        } elseif ($file_has_them && !$record['host_only']) {
            return;
        }
        if ($record['lost'] > 0) error_log("spanwire: {$record['lost']} log records were lost here");
        error_log(self::for_error_log($record));
    }

    /**
     * PHP, or its web server, puts a date of its own before each line: for that the first one is left out of what the
     * PHP tracer writes. A line of other make gets instead of its time and process a word of who speaks.
     */
    private static function for_error_log(array $record): string
    {
        ['text' => $text, 'message' => $message] = $record;
        if (preg_match('/^\[(ddtrace|bgs)\]/', $message) === 1) {
            $ahead = substr($text, 0, strlen($text) - strlen($message));
            return preg_replace('/^\[[^]]*\] /', '', $ahead) . $message;
        }
        return $text === $message ? $text : "[spanwire] [{$record['level']}] $message";
    }
}
