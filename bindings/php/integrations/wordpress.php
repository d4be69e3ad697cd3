<?php
/**
 * WordPress: spans for main hooks, the template, SQL and outgoing HTTP below the root span of the request. One file with
 * one line, `wp-content/mu-plugins/spanwire.php`:
 *
 *     <?php require_once '/usr/share/spanwire/php/integrations/wordpress.php';
 *
 * Starts the root span if request.php is not set as auto_prepend_file. The same line in `wp-content/db.php` begins
 * earlier, so that the first queries have spans, too.
 */
declare(strict_types=1);

namespace Spanwire\Integrations;

use Spanwire\Span;
use Spanwire\Tracer;

require_once __DIR__ . '/request.php';

/** @internal Spans of what WordPress says that it does. */
final class WordPress
{
    private const HOOKS = [
        'muplugins_loaded', 'plugins_loaded', 'setup_theme', 'after_setup_theme', 'init', 'wp_loaded', 'parse_request',
        'pre_get_posts', 'wp', 'template_redirect', 'wp_enqueue_scripts', 'wp_head', 'wp_body_open', 'loop_start', 'the_content',
        'wp_footer', 'admin_init', 'admin_menu', 'rest_api_init', 'save_post', 'shutdown',
    ];

    /** @var list<array{string, Span}> what has begun and not ended, the innermost last */
    private static array $open = [];

    public static function start(): void
    {
        foreach (self::HOOKS as $hook) {
            add_filter($hook, fn (mixed $value = null): mixed => self::enter_hook($hook, $value), PHP_INT_MIN);
            add_filter($hook, fn (mixed $value = null): mixed => self::leave("hook $hook", $value), PHP_INT_MAX);
        }
        add_filter('template_include', function (mixed $template): mixed {
            if (is_string($template)) self::enter('template', 'wordpress.template', basename($template), 'template', []);
            return $template;
        }, PHP_INT_MAX);
        add_filter('pre_http_request', self::enter_request(...), PHP_INT_MAX, 3);
        add_action('requests-requests.before_request', self::inject(...), PHP_INT_MAX, 2);
        add_action('http_api_debug', self::leave_request(...), PHP_INT_MIN, 1);
        Tracer::get()->reportIntegration('wordpress', $GLOBALS['wp_version'] ?? null);
    }

    private static function enter(string $what, string $name, string $resource, string $type, array $tags): Span
    {
        $span = Tracer::get()->startSpan($name, resource: $resource, type: $type, tags: $tags + ['component' => 'wordpress'], activate: true);
        self::$open[] = [$what, $span];
        return $span;
    }

    /** Ends this and what has begun in it: a callback that left with an exception has ended none. */
    private static function leave(string $what, mixed $value = null): mixed
    {
        if (!in_array($what, array_column(self::$open, 0), true)) return $value;
        do {
            [$last, $span] = array_pop(self::$open);
            $span->finish();
        } while ($last !== $what);
        return $value;
    }

    private static function enter_hook(string $hook, mixed $value): mixed
    {
        // The template is drawn, or the script has left it.
        if ($hook === 'shutdown' && self::$open !== []) self::leave(self::$open[0][0]);
        self::enter("hook $hook", 'wordpress.hook', $hook, '', ['wordpress.hook' => $hook]);
        return $value;
    }

    private static function enter_request(mixed $answer, array $arguments, string $url): mixed
    {
        if ($answer !== false) return $answer; // a plugin has answered instead of the other service
        $method = (string) ($arguments['method'] ?? 'GET');
        self::enter('request', 'wordpress.http', "$method " . url_without_secrets($url, query: false), 'http', tags_of_request($method, $url));
        return false;
    }

    private static function inject(string $url, mixed &$headers): void
    {
        $last = end(self::$open);
        if ($last === false || $last[0] !== 'request') return;
        $headers = is_array($headers) ? $headers : [];
        $last[1]->inject($headers);
    }

    private static function leave_request(mixed $answer): void
    {
        $last = end(self::$open);
        if ($last === false || $last[0] !== 'request') return;
        $status = is_array($answer) ? (int) ($answer['response']['code'] ?? 0) : 0;
        if ($status > 0) $last[1]->setTag('http.status_code', (string) $status);
        if ($answer instanceof \WP_Error) $last[1]->setErrorText((string) $answer->get_error_code(), $answer->get_error_message());
        elseif ($status >= 400) $last[1]->setErrorFlag(true);
        self::leave('request');
    }
}

if (function_exists('add_filter') && \Spanwire\available()) {
    WordPress::start();
    require __DIR__ . '/wordpress_database.php';
}
