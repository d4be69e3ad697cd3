<?php
/**
 * Requests of `curl_multi_exec()`, each with a client span. One more line beside that of curl.php:
 *
 *     use function Spanwire\Integrations\{curl_multi_add_handle, curl_multi_info_read, curl_multi_remove_handle};
 *
 * A span ends when `curl_multi_info_read()` reports its request, or when the handle is removed.
 */
declare(strict_types=1);

namespace Spanwire\Integrations;

use CurlHandle;
use CurlMultiHandle;
use Spanwire\Span;

require_once __DIR__ . '/curl.php';

/** @internal The spans of running requests. */
final class CurlMulti
{
    /** @var \WeakMap<CurlHandle, Span> */
    public static \WeakMap $running;
}
CurlMulti::$running = new \WeakMap();

function curl_multi_add_handle(CurlMultiHandle $multi_handle, CurlHandle $handle): int
{
    CurlMulti::$running[$handle] = Curl::start($handle, 'curl_multi_exec', false);
    return \curl_multi_add_handle($multi_handle, $handle);
}
function curl_multi_info_read(CurlMultiHandle $multi_handle, ?int &$queued_messages = null): array|false
{
    $message = \curl_multi_info_read($multi_handle, $queued_messages);
    if ($message !== false) curl_ended($message['handle'], $message['result']);
    return $message;
}
function curl_multi_remove_handle(CurlMultiHandle $multi_handle, CurlHandle $handle): int
{
    curl_ended($handle, curl_errno($handle));
    return \curl_multi_remove_handle($multi_handle, $handle);
}
/** @internal */
function curl_ended(CurlHandle $handle, int $error): void
{
    $span = CurlMulti::$running[$handle] ?? null;
    if ($span === null) return;
    unset(CurlMulti::$running[$handle]);
    Curl::end($handle, $span, $error);
}
