<?php
declare(strict_types=1);

/** What the integrations share: loading Spanwire, SQL without literals, and URLs without secrets. */

namespace Spanwire\Integrations;

use Spanwire\Tracer;

require_once __DIR__ . '/../src/Spanwire.php';

/**
 * Replaces the literals of an SQL text by `?`, removes comments, and shortens lists of literals.
 *
 * The dialect decides how a text literal ends. A literal that does not end is replaced up to the end of the SQL.
 *
 * @param string $dialect `mysql`, or another name of a PDO driver
 */
function sql_without_literals(string $sql, string $dialect): string
{
    $mysql = $dialect === 'mysql';
    // Backslashes escape in MySQL, and in PostgreSQL's E'…'.
    $escaped = fn (string $quote): string => "{$quote}[^{$quote}\\\\]*+(?:(?:\\\\.|$quote$quote|\\\\\\z)[^{$quote}\\\\]*+)*+(?:$quote|\\z)";
    $plain = fn (string $quote): string => "{$quote}[^{$quote}]*+(?:{$quote}{$quote}[^{$quote}]*+)*+(?:$quote|\\z)";
    static $patterns = [];
    $patterns[$mysql] ??= '~(?<comment>/\*.*?(?:\*/|\z)|--[^\n]*+' . ($mysql ? '|\#[^\n]*+' : '') . ')'
        . '|(?<name>`[^`]*+(?:`|\z)' . ($mysql ? '' : '|"[A-Za-z_][\w.$-]{0,63}"') . ')'
        . ($mysql ? '|(?:\b(?:[xbnXBN]|_\w++))?' . $escaped("'") . '|' . $escaped('"')
            : '|\b[eE]' . $escaped("'") . '|(?:\b[xbnXBN])?' . $plain("'") . '|' . $plain('"') . '|(?<dollar>\$(?:[A-Za-z_]\w*+)?\$).*?(?:\k<dollar>|\z)')
        . '|(?<![\w$`"@:.?])(?:0[xX][0-9a-fA-F]++|0[bB][01]++|(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?)(?![\w$])~s';
    // A cut literal has no end, and is replaced as a whole.
    $kept = preg_replace_callback(
        $patterns[$mysql],
        fn (array $found): string => ($found['comment'] ?? '') !== '' ? ' ' : (($found['name'] ?? '') !== '' ? $found['name'] : '?'),
        substr($sql, 0, 16384),
    );
    $kept = $kept === null ? null : preg_replace(['~\s++~', '~\?(?: ?, ?\?)++~', '~\(\?\)(?: ?, ?\(\?\))++~'], [' ', '?', '(?)'], $kept);
    return $kept === null ? substr($sql, 0, strspn($sql, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')) : trim($kept);
}

/** Runs a statement in a client span. A result of false marks the span with the error that `$error` returns. */
function trace_sql(string $name, string $sql, string $dialect, array $tags, callable $run, callable $error): mixed
{
    return Tracer::get()->trace($name, function (\Spanwire\Span $span) use ($run, $error): mixed {
        $result = $run($span);
        if ($result === false) $span->setErrorText('SQL error', $error() ?: 'the call returned false');
        return $result;
    }, resource: sql_without_literals($sql, $dialect), type: 'sql', tags: $tags + ['span.kind' => 'client']);
}

/**
 * Returns a URL, or a path, without what may be secret: user, password, fragment, and the values of the query, whose names
 * remain: `/cart?item=7&token=x` becomes `/cart?item&token`. An item without a name or a value may be a token; `?` replaces it.
 * Without `$query`, leaves the query out.
 */
function url_without_secrets(string $url, bool $query = true): string
{
    [$path, $items] = explode('?', explode('#', $url, 2)[0], 2) + [1 => ''];
    $path = preg_replace('~^((?:[^/]*:)?//)?[^/]*@~', '$1', $path) ?? '';
    $name = function (string $item): string {
        [$name, $value] = explode('=', $item, 2) + [1 => ''];
        return $name === '' || trim($value, '=') === '' ? '?' : $name;
    };
    $names = $query ? array_map($name, array_filter(explode('&', $items), strlen(...))) : [];
    return $names === [] ? $path : $path . '?' . implode('&', $names);
}

/** Returns the path of a URL with `?` for segments that are numbers or random, to group requests by. */
function route_of(string $url): string
{
    $path = preg_replace('~^[a-z][a-z0-9+.-]*+://[^/?\#]*+|[?\#].*$~is', '', $url) ?? '';
    return preg_replace('~(?<=/)(?:\d++|[0-9a-fA-F-]{16,}|(?=[^/]*\d)[\w.-]{32,})(?=/|$)~', '?', $path) ?: '/';
}

/** Returns the tags of a request to another service. */
function tags_of_request(string $method, string $url): array
{
    $tags = ['span.kind' => 'client', 'http.method' => strtoupper($method), 'http.url' => url_without_secrets($url)];
    $host = parse_url($url, PHP_URL_HOST);
    $port = parse_url($url, PHP_URL_PORT);
    if (is_string($host)) $tags += ['out.host' => $host, 'network.destination.name' => $host];
    return is_int($port) ? $tags + ['network.destination.port' => (string) $port] : $tags;
}
