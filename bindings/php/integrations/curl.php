<?php
/**
 * curl with a client span for each request, whose headers carry the trace on. One line at the top of a file that uses curl:
 *
 *     use function Spanwire\Integrations\{curl_init, curl_setopt, curl_setopt_array, curl_exec, curl_reset, curl_copy_handle};
 *
 * curl_multi.php has those of `curl_multi_exec()`. Without request.php as auto_prepend_file, also `require '…/integrations/curl.php';`. curl cannot be asked for its
 * headers, and setting them replaces all: a handle that another `curl_init()` made gets a span, but no headers.
 */
declare(strict_types=1);

namespace Spanwire\Integrations;

use CurlHandle;
use Spanwire\Span;
use Spanwire\Tracer;

require_once __DIR__ . '/shared.php';

/** @internal What the program has set on its handles, and the requests made of them. */
final class Curl
{
    /** @var \WeakMap<CurlHandle, array{headers: list<string>, method: string, url: string}> */
    public static \WeakMap $options;

    public static function set(CurlHandle $handle, int $option, mixed $value): void
    {
        if (!isset(self::$options[$handle])) return;
        $known = self::$options[$handle];
        if ($option === CURLOPT_HTTPHEADER && is_array($value)) $known['headers'] = $value;
        elseif ($option === CURLOPT_URL) $known['url'] = (string) $value;
        elseif ($option === CURLOPT_CUSTOMREQUEST) $known['method'] = (string) ($value ?? 'GET');
        elseif ($option === CURLOPT_POSTFIELDS || ($option === CURLOPT_POST && $value)) $known['method'] = $known['method'] === 'GET' ? 'POST' : $known['method'];
        elseif ($option === CURLOPT_NOBODY && $value) $known['method'] = 'HEAD';
        elseif (($option === CURLOPT_PUT || $option === CURLOPT_UPLOAD) && $value) $known['method'] = 'PUT';
        elseif ($option === CURLOPT_HTTPGET && $value) $known['method'] = 'GET';
        self::$options[$handle] = $known;
    }

    public static function start(CurlHandle $handle, string $name, bool $activate): Span
    {
        $known = self::$options[$handle] ?? null;
        $url = $known['url'] ?? (string) curl_getinfo($handle, CURLINFO_EFFECTIVE_URL);
        $tags = ['component' => 'curl'] + tags_of_request($known['method'] ?? '', $url);
        if ($known === null) unset($tags['http.method']);
        $resource = trim(($known['method'] ?? '') . ' ' . url_without_secrets($url, query: false));
        $span = Tracer::get()->startSpan($name, resource: $resource, type: 'http', tags: $tags, activate: $activate);
        $lines = $known === null ? [] : $span->injectLines();
        if ($lines !== []) {
            // A header that the program passes on from elsewhere would be sent twice.
            $ours = array_map(fn (string $line): string => strtolower(strstr($line, ':', true)), $lines);
            $kept = array_filter($known['headers'], fn (mixed $line): bool => !in_array(strtolower(trim(explode(':', (string) $line, 2)[0])), $ours, true));
            \curl_setopt($handle, CURLOPT_HTTPHEADER, [...$kept, ...$lines]);
        }
        return $span;
    }

    public static function end(CurlHandle $handle, Span $span, int $error): void
    {
        $status = curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
        if ($status > 0) $span->setTag('http.status_code', (string) $status);
        if ($error !== CURLE_OK) $span->setErrorText('curl error', curl_strerror($error) . " ($error)");
        elseif ($status >= 400) $span->setErrorFlag(true);
        $span->finish();
        if (isset(self::$options[$handle])) \curl_setopt($handle, CURLOPT_HTTPHEADER, self::$options[$handle]['headers']);
    }
}
Curl::$options = new \WeakMap();

function curl_init(?string $url = null): CurlHandle|false
{
    $handle = \curl_init($url);
    if ($handle !== false) Curl::$options[$handle] = ['headers' => [], 'method' => 'GET', 'url' => (string) $url];
    return $handle;
}
function curl_setopt(CurlHandle $handle, int $option, mixed $value): bool
{
    $done = \curl_setopt($handle, $option, $value);
    if ($done) Curl::set($handle, $option, $value);
    return $done;
}
function curl_setopt_array(CurlHandle $handle, array $options): bool
{
    foreach ($options as $option => $value) if (!curl_setopt($handle, $option, $value)) return false;
    return true;
}
function curl_reset(CurlHandle $handle): void
{
    \curl_reset($handle);
    if (isset(Curl::$options[$handle])) Curl::$options[$handle] = ['headers' => [], 'method' => 'GET', 'url' => ''];
}
function curl_copy_handle(CurlHandle $handle): CurlHandle|false
{
    $copy = \curl_copy_handle($handle);
    if ($copy !== false && isset(Curl::$options[$handle])) Curl::$options[$copy] = Curl::$options[$handle];
    return $copy;
}
function curl_exec(CurlHandle $handle): string|bool
{
    $span = Curl::start($handle, 'curl_exec', true);
    try {
        return \curl_exec($handle);
    } finally {
        Curl::end($handle, $span, curl_errno($handle));
    }
}
