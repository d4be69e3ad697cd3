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
        'error' => 1, 'emergency' => 1, 'alert' => 1, 'critical' => 1, 'warning' => 2, 'warn' => 2, 'info' => 3,
        'notice' => 3, 'debug' => 4, 'trace' => 5, 'off' => 0,
    ];

    /** @var callable|null */
    public static mixed $logger = null;
    public static int $failures = 0;
    private static bool $draining = false;

    /** @return list<array{level: string, target: string, message: string, time_ns: int, lost: int}> */
    public static function take(int $max): array
    {
        $taken = [];
        Library::$ffi?->spanwire_log_poll(function (FFI\CData $record) use (&$taken): void {
            $taken[] = [
                'target' => FFI::string($record->target),
                'time_ns' => $record->time_ns,
                'lost' => $record->lost,
                'level' => array_search(min($record->level, 4), self::LEVELS, true),
                'message' => FFI::string($record->text),
            ];
        }, null, max($max, 0), null);
        return $taken;
    }

    public static function drain(): int
    {
        $file_has_them = Library::log_file();
        if (self::$draining || ($file_has_them && self::$logger === null)) return 0;
        self::$draining = true;
        $taken = self::take(0);
        try {
            foreach ($taken as $record) self::hand_over($record, $file_has_them);
        } finally {
            self::$draining = false;
        }
        return count($taken);
    }

    private static function hand_over(array $record, bool $file_has_them): void
    {
        if (self::$logger !== null) {
            try {
                (self::$logger)($record['level'], $record['message'], array_diff_key($record, ['level' => 0, 'message' => 0]));
                return;
            } catch (\Throwable) {
                self::$failures++;
            }
        } elseif ($file_has_them) {
            return;
        }
        if ($record['lost'] > 0) error_log("spanwire: {$record['lost']} log records were lost here");
        error_log($record['message']);
    }
}
