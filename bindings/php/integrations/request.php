<?php
/**
 * The root span of a request or script. One line in php.ini, in a pool of php-fpm, or in `.user.ini`:
 *
 *     auto_prepend_file = /usr/share/spanwire/php/integrations/request.php
 *
 * It continues the trace of the request's headers, and ends after the script's shutdown functions, also after exit() and
 * after a fatal error. It is the current span, so that all other spans are below it. `Request::span()` returns it. This file also
 * makes the other integrations available, so that they need no `require`.
 */
declare(strict_types=1);

namespace Spanwire\Integrations;

use Spanwire\Context;
use Spanwire\Span;
use Spanwire\Tracer;

/** The request that PHP runs. */
final class Request
{
    private static ?Request $current = null;
    private bool $ended = false;

    /** Returns the root span; null if this file has not started one. */
    public static function span(): ?Span
    {
        return self::$current?->span;
    }

    public static function start(): void
    {
        if (self::$current !== null) return;
        // Over FFI, the library ends in a shutdown function, too. This one must be registered before that.
        register_shutdown_function(static fn () => self::$current?->shut_down());
        require_once __DIR__ . '/shared.php';
        if (!\Spanwire\available()) return;
        $time = $_SERVER['REQUEST_TIME_FLOAT'] ?? null;
        $start_ns = is_float($time) ? (int) ($time * 1e9) : null;
        $root = isset($_SERVER['REQUEST_METHOD']) ? self::web() : self::script();
        self::$current = new self(Tracer::get()->startSpan(...$root, activate: true, startNs: $start_ns));
    }

    private function __construct(private Span $span)
    {
    }

    private static function script(): array
    {
        $script = basename((string) ($_SERVER['SCRIPT_FILENAME'] ?? '')) ?: 'php';
        return ['name' => 'cli.command', 'parent' => false, 'resource' => $script, 'type' => 'cli', 'tags' => ['component' => 'php']];
    }

    private static function web(): array
    {
        $text = fn (string $name): string => is_string($_SERVER[$name] ?? null) ? $_SERVER[$name] : '';
        $method = strtoupper(substr($text('REQUEST_METHOD'), 0, 20));
        $path = $text('REQUEST_URI') ?: $text('SCRIPT_NAME') ?: '/';
        $path = preg_replace('~^[a-z]+://[^/?]*~i', '', $path); // a proxy's request has the whole URL here
        $secure = !in_array(strtolower($text('HTTPS')), ['', 'off'], true);
        $host = $text('HTTP_HOST') ?: $text('SERVER_NAME') ?: 'localhost';
        $tags = [
            'component' => 'php', 'span.kind' => 'server', 'http.method' => $method,
            'http.url' => url_without_secrets(($secure ? 'https' : 'http') . "://$host$path"),
            'http.useragent' => $text('HTTP_USER_AGENT') ?: null,
        ];
        $resource = "$method " . route_of($path);
        return ['name' => 'web.request', 'parent' => Context::extract($_SERVER) ?? false, 'resource' => $resource, 'type' => 'web', 'tags' => $tags];
    }

    /** Runs before the script's own shutdown functions. `end()` runs after those that are registered by now. */
    private function shut_down(): void
    {
        $this->tag();
        register_shutdown_function($this->end(...));
    }

    private function tag(): void
    {
        $status = http_response_code();
        if (!is_int($status) || !$this->span->isOpen()) return;
        $this->span->setTag('http.status_code', (string) $status);
        if ($status >= 500) $this->span->setErrorFlag(true);
    }

    private function end(): void
    {
        if ($this->ended) return;
        $this->ended = true;
        $this->tag();
        $this->span->finish();
    }

    /** exit() in a shutdown function keeps PHP from calling the others, but PHP still destroys objects. */
    public function __destruct()
    {
        $this->end();
    }
}

Request::start();
spl_autoload_register(static function (string $class): void {
    $file = ['PDO' => 'pdo', 'Monolog' => 'monolog'][substr($class, strlen(__NAMESPACE__) + 1)] ?? null;
    if ($file !== null && str_starts_with($class, __NAMESPACE__ . '\\')) require_once __DIR__ . "/$file.php";
});
// Functions cannot be loaded when they are first called.
if (extension_loaded('curl')) require_once __DIR__ . '/curl_multi.php';
if (extension_loaded('mysqli')) require_once __DIR__ . '/mysqli.php';
