<?php
/*
 * Two ways to get at the tracer's log, and the debug switch: a logger that PHP hands the records to when the script asks
 * or ends, and records that the script fetches when it likes. Neither is ever called from another thread.
 *
 * Run:   tools/stage
 *        php -d spanwire.library=target/stage/lib/libspanwire.so.0 examples/php/log_sink.php
 *
 * Prints:
 *   sink: debug [ddtrace] [span] Encoding span …: trace_id=…, name='loud', …
 *   sink: info [ddtrace] [info] the till is closed
 *   poll: debug [ddtrace] [span] Encoding span …: trace_id=…, name='loud', …
 *   poll: info [ddtrace] [info] the till is closed
 *   the sink is closed
 */
declare(strict_types=1);

// With the extension this line does nothing; without it, it does the same over FFI.
require dirname(__DIR__, 2) . '/bindings/php/src/Spanwire.php';

final class ShopLog
{
    public bool $open = true;

    public function __construct(private string $name)
    {
    }

    /** The arguments are PSR-3's. The rest of the log (payloads, start-up) is left out here. */
    public function log(string $level, string $message, array $context): void
    {
        if (!str_starts_with($message, '[ddtrace] [span]') && $context['target'] !== 'shop') return;
        echo "$this->name: $level $message\n";
    }

    public function close(): void
    {
        $this->open = false;
    }
}

function visit(Spanwire\Tracer $tracer, string $name): void
{
    $tracer->startSpan($name)->finish();
}

function open_and_close(Spanwire\Tracer $tracer): void
{
    visit($tracer, 'quiet');
    Spanwire\set_debug(true); // or DD_TRACE_DEBUG=true; set_debug_for(60) turns itself off again
    visit($tracer, 'loud');
    Spanwire\set_debug(false);
    visit($tracer, 'quiet again');
    Spanwire\log('info', 'the till is closed', 'shop');
}

$tracer = new Spanwire\Tracer(['DD_TRACE_AGENT_URL' => 'file:///dev/null']);
[$pushed, $pulled] = [new ShopLog('sink'), new ShopLog('poll')];

// A callable would do, too. What it throws is counted by logger_failures(), and the script goes on.
Spanwire\set_logger($pushed);
open_and_close($tracer);
Spanwire\drain_log();
Spanwire\set_logger(null);
$pushed->close();

open_and_close($tracer);
foreach (Spanwire\take_log() as $record) $pulled->log($record['level'], $record['message'], $record);
echo $pushed->open ? "the sink is still open\n" : "the sink is closed\n";
$tracer->shutdown(2000);
