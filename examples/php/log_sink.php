<?php
/*
 * Two ways to receive the tracer's log, and the debug switch: a logger that gets the records when the script asks for
 * them or ends, and records that the script polls. Nothing is called on another thread.
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
    Spanwire\set_debug(true); // or DD_TRACE_DEBUG=true; set_debug_for(60) turns it off again after 60 s
    visit($tracer, 'loud');
    Spanwire\set_debug(false);
    visit($tracer, 'quiet again');
    Spanwire\log('info', 'the till is closed', 'shop');
}

$tracer = new Spanwire\Tracer(['DD_TRACE_AGENT_URL' => 'file:///dev/null']);
[$pushed, $pulled] = [new ShopLog('sink'), new ShopLog('poll')];

// A callable works too. Exceptions in it are counted by logger_failures(), and the script continues.
Spanwire\set_logger($pushed);
open_and_close($tracer);
Spanwire\drain_log();
Spanwire\set_logger(null);
$pushed->close();

open_and_close($tracer);
foreach (Spanwire\take_log() as $record) $pulled->log($record['level'], $record['message'], $record);
echo $pushed->open ? "the sink is still open\n" : "the sink is closed\n";
$tracer->shutdown(2000);
