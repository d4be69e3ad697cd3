<?php
declare(strict_types=1);

namespace Spanwire\Ffi;

use FFI;

/**
 * Loads libspanwire over FFI, and makes settings from php.ini.
 *
 * @internal
 */
final class Library
{
    /** Null while tracing is off. */
    public static ?FFI $ffi = null;
    private static bool $tried = false;

    /** @var array<string, string> settings that php.ini gives */
    private static array $settings = [];

    /** What an empty text means: php.ini turns `off`, `no`, `false` and `none` without quotes into an empty text. */
    private const EMPTY = [
        'SPANWIRE_LOG_SINKS' => 'none', 'DD_TRACE_LOG_LEVEL' => 'off', 'DD_TRACE_PROPAGATION_STYLE' => 'none',
        'DD_TRACE_PROPAGATION_STYLE_EXTRACT' => 'none', 'DD_TRACE_PROPAGATION_STYLE_INJECT' => 'none',
    ];

    /** The rest of the names in php.ini follow from these: `DD_TRACE_X` is `datadog.trace.x`. */
    private const SWITCHES = [
        'DD_TRACE_REPORT_HOSTNAME', 'DD_TRACE_ENABLED', 'DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED',
        'DD_TRACE_PARTIAL_FLUSH_ENABLED', 'DD_TRACE_DEBUG', 'DD_TRACE_STARTUP_LOGS', 'DD_TRACE_ONCE_LOGS',
        'DD_TRACE_DEBUG_ABANDONED_SPANS', 'DD_TRACE_PROPAGATION_EXTRACT_FIRST', 'DD_APM_TRACING_ENABLED',
    ];
    private const TEXTS = [
        'DD_SERVICE', 'DD_ENV', 'DD_VERSION', 'DD_TAGS', 'DD_HOSTNAME', 'DD_EXTERNAL_ENV', 'DD_GIT_REPOSITORY_URL',
        'DD_GIT_COMMIT_SHA', 'DD_TRACE_AGENT_URL', 'DD_AGENT_HOST', 'DD_TRACE_AGENT_PORT',
        'DD_TRACE_PROPAGATION_STYLE', 'DD_TRACE_PROPAGATION_STYLE_EXTRACT', 'DD_TRACE_PROPAGATION_STYLE_INJECT',
        'DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT', 'DD_TRACE_X_DATADOG_TAGS_MAX_LENGTH', 'DD_TRACE_BAGGAGE_MAX_ITEMS',
        'DD_TRACE_BAGGAGE_MAX_BYTES', 'DD_TRACE_BAGGAGE_TAG_KEYS', 'DD_TRACE_SAMPLE_RATE', 'DD_TRACE_SAMPLING_RULES',
        'DD_TRACE_RATE_LIMIT', 'DD_SPAN_SAMPLING_RULES', 'DD_SPAN_SAMPLING_RULES_FILE',
        'DD_TRACE_PARTIAL_FLUSH_MIN_SPANS', 'DD_TRACE_LOG_LEVEL', 'DD_TRACE_LOG_FILE', 'DD_TRACE_LOG_DIRECTORY',
        'DD_TRACE_LOG_FILE_SIZE_BYTES', 'DD_TRACE_ABANDONED_SPAN_TIMEOUT',
        'SPANWIRE_LOG_FILE_BACKUPS', 'SPANWIRE_LOG_FILE_MODE', 'SPANWIRE_LOG_SINKS', 'SPANWIRE_LOG_DIALECT',
        'SPANWIRE_FLUSH_INTERVAL_MS', 'SPANWIRE_FLUSH_BYTES', 'SPANWIRE_PAYLOAD_MAX', 'SPANWIRE_QUEUE_MAX',
        'SPANWIRE_QUEUE_MAX_CHUNKS', 'SPANWIRE_MEMORY_MAX', 'SPANWIRE_CONNECT_TIMEOUT_MS',
        'SPANWIRE_REQUEST_TIMEOUT_MS', 'SPANWIRE_RETRY_FOR_MS',
    ];

    /** Settings that name a log file. */
    private const LOG_FILES = ['DD_TRACE_LOG_FILE' => true, 'DD_TRACE_LOG_DIRECTORY' => true];

    /** Loads and checks the library once. A failure is one warning, and tracing is off. */
    public static function load(): void
    {
        if (self::$tried) return;
        self::$tried = true;
        $path = (string) get_cfg_var('spanwire.library') ?: 'libspanwire.so.0';
        try {
            $header = file_get_contents(__DIR__ . '/../../spanwire.ffi.h');
            $found = (int) FFI::cdef('uint32_t spanwire_abi_version(void);', $path)->spanwire_abi_version();
            if ($found !== Abi::ABI_VERSION) {
                throw new FFI\Exception("it speaks interface $found and this binding " . Abi::ABI_VERSION);
            }
            self::$ffi = FFI::cdef($header, $path);
        } catch (\Throwable $why) {
            trigger_error("spanwire: tracing is off: $path: {$why->getMessage()}", E_USER_WARNING);
            return;
        }
        foreach ([...self::SWITCHES, ...self::TEXTS] as $name) {
            $value = get_cfg_var(self::ini_name($name));
            if ($value === '') $value = self::EMPTY[$name] ?? (in_array($name, self::SWITCHES, true) ? 'false' : '');
            if (is_string($value) && $value !== '') self::$settings[$name] = $value;
        }
        register_shutdown_function(self::end(...));
    }

    private static function ini_name(string $setting): string
    {
        return strtolower(preg_replace(['/^DD_TRACE_/', '/^DD_/', '/^SPANWIRE_/'], ['datadog.trace.', 'datadog.', 'spanwire.'], $setting, 1));
    }

    /**
     * Returns the list for spanwire_tracer_new(): values of php.ini, which the environment overrides as with PHP's own
     * tracer, and below them defaults that PHP knows better than the library.
     *
     * @return array<string, string>
     */
    public static function settings(array $own): array
    {
        $list = ['SPANWIRE_LANGUAGE' => 'php', 'SPANWIRE_LANGUAGE_VERSION' => PHP_VERSION, 'SPANWIRE_INTERPRETER' => PHP_SAPI];
        $list['default:DD_SERVICE'] = PHP_SAPI === 'cli' ? basename($_SERVER['SCRIPT_FILENAME'] ?? '') : 'web.request';
        if (!self::log_file() && !array_intersect_key($own, self::LOG_FILES)) $list['default:SPANWIRE_LOG_SINKS'] = 'ring';
        foreach (array_diff_key(self::$settings, $own) as $name => $value) $list["default:$name"] = $value;
        foreach ($own as $name => $value) {
            if (is_bool($value)) $list[$name] = $value ? 'true' : 'false';
            elseif ($value !== null && !is_array($value)) $list[$name] = (string) $value;
        }
        return $list;
    }

    /** Whether a log file is set: records then do not go to PHP's error log. */
    public static function log_file(): bool
    {
        foreach (self::LOG_FILES as $name => $_) {
            if ((self::$settings[$name] ?? '') !== '' || (string) getenv($name) !== '') return true;
        }
        return false;
    }

    /** Returns a pointer to a NUL-terminated copy of the text, which `$keep` holds while C reads it. */
    public static function text(string $text, array &$keep): FFI\CData
    {
        $copy = self::$ffi->new('char[' . strlen($text) + 1 . ']');
        FFI::memcpy($copy, $text, strlen($text));
        $keep[] = $copy;
        return FFI::addr($copy[0]);
    }

    /** Returns the text that `$call($buffer, $capacity, $need)` writes; null unless that returns SPANWIRE_OK. */
    public static function read(callable $call): ?string
    {
        $need = self::$ffi->new('size_t');
        if ($call(null, 0, FFI::addr($need)) !== Abi::OK || $need->cdata === 0) return null;
        $buffer = self::$ffi->new("char[{$need->cdata}]");
        return $call($buffer, $need->cdata, FFI::addr($need)) === Abi::OK ? FFI::string($buffer, $need->cdata - 1) : null;
    }

    /** Returns the ids that the function reads of a span or a context; null if it has none. */
    public static function ids(string $function, int $handle): ?FFI\CData
    {
        $ids = self::$ffi->new('spanwire_context');
        $ids->size = FFI::sizeof($ids);
        return self::$ffi->$function($handle, FFI::addr($ids)) === Abi::OK ? $ids : null;
    }

    /** At the script's end, before its own shutdown functions, which may start and finish spans. */
    public static function end(): void
    {
        Errors::mark_open();
        register_shutdown_function(self::leave(...));
        // After an exit() in one of those, PHP does not call the others, but still destroys objects.
        self::$last = new class(self::leave(...)) {
            public function __construct(private \Closure $leave)
            {
            }

            public function __destruct()
            {
                ($this->leave)();
            }
        };
        Log::drain_at_end();
    }

    private static ?object $last = null;
    private static bool $left = false;

    /** After them: finishes open spans, sends finished spans, and hands over the log. */
    private static function leave(): void
    {
        if (self::$left) return;
        self::$left = true;
        Stack::finish_all();
        Tracers::shutdown(1000);
        Tracers::free();
        Log::drain_at_end();
    }
}
