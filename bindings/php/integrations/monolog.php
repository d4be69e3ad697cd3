<?php
/**
 * A processor for Monolog 2 and 3 that connects log records with traces. One line:
 *
 *     $logger->pushProcessor(new Spanwire\Integrations\Monolog());
 *
 * Without request.php as auto_prepend_file, also `require '…/integrations/monolog.php';`. Adds `dd.trace_id`, `dd.span_id`,
 * `dd.service`, `dd.env` and `dd.version` to the record's `extra`, which Monolog's own formatters print. With
 * `new Monolog(inMessage: true)` they follow the message instead, as `[dd.trace_id=… dd.span_id=…]`, for formatters that
 * leave `extra` out. docs/log-correlation.md has the form of the ids.
 */
declare(strict_types=1);

namespace Spanwire\Integrations;

require_once __DIR__ . '/../src/Spanwire.php';

final class Monolog
{
    public function __construct(private bool $inMessage = false)
    {
    }

    /**
     * @param array<string, mixed>|\Monolog\LogRecord $record an array in Monolog 2
     * @return array<string, mixed>|\Monolog\LogRecord
     */
    public function __invoke(array|object $record): array|object
    {
        $fields = \Spanwire\log_correlation(json: !$this->inMessage);
        if ($fields === '') return $record;
        if ($this->inMessage) {
            if (is_array($record)) return ['message' => "{$record['message']} [$fields]"] + $record;
            return $record->with(message: "{$record->message} [$fields]"); // a record's message cannot be changed
        }
        $fields = json_decode('{' . $fields . '}', true) ?? [];
        if (is_array($record)) return ['extra' => $fields + ($record['extra'] ?? [])] + $record;
        $record->extra = $fields + $record->extra;
        return $record;
    }
}
