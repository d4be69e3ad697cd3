<?php
declare(strict_types=1);

namespace Spanwire\Ffi {
    use FFI;

    /**
     * The tracers of the process by their settings.
     *
     * @internal
     */
    final class Tracers
    {
        /** @var array<string, int> handles */
        private static array $handles = [];

        public static function handle(array $own): int
        {
            if (Library::$ffi === null) return 0;
            $settings = Library::settings($own);
            return self::$handles[serialize($settings)] ??= self::make($settings);
        }

        /** The tracer of php.ini and the environment, if it was made. */
        public static function existing(): int
        {
            return self::$handles[serialize(Library::settings([]))] ?? 0;
        }

        private static function make(array $settings): int
        {
            $ffi = Library::$ffi;
            $keep = [];
            $settings = array_filter($settings, fn (string $value): bool => $value !== '');
            $list = $ffi->new('spanwire_setting[' . count($settings) . ']');
            foreach (array_keys($settings) as $i => $name) {
                $list[$i]->name = Library::text((string) $name, $keep);
                $list[$i]->value = Library::text($settings[$name], $keep);
            }
            $tracer = $ffi->new('spanwire_tracer');
            $error = $ffi->new('spanwire_error');
            $error->size = FFI::sizeof($error);
            if ($ffi->spanwire_tracer_new($list, count($settings), FFI::addr($tracer), FFI::addr($error)) !== Abi::OK) {
                trigger_error('spanwire: no tracer: ' . FFI::string($error->message), E_USER_WARNING);
            }
            return $tracer->cdata;
        }

        public static function shutdown(int $timeout_ms): void
        {
            $end = hrtime(true) + $timeout_ms * 1_000_000;
            foreach (self::$handles as $handle) {
                Library::$ffi->spanwire_tracer_shutdown($handle, max(0, intdiv($end - hrtime(true), 1_000_000)));
            }
        }

        /** Frees them: a later script of this process makes its own. */
        public static function free(): void
        {
            foreach (self::$handles as $handle) Library::$ffi->spanwire_tracer_free($handle);
            self::$handles = [];
        }
    }
}

namespace Spanwire {
    use FFI;
    use Spanwire\Ffi\Abi;
    use Spanwire\Ffi\Library;
    use Spanwire\Ffi\Tracers;

    /** See ../../spanwire.stub.php. */
    final class Tracer
    {
        private int $handle;

        public static function get(): Tracer
        {
            static $tracer;
            return $tracer ??= new Tracer();
        }

        public function __construct(array $settings = [])
        {
            $this->handle = Tracers::handle($settings);
        }

        public function startSpan(string $name, Span|Context|false|null $parent = null, ?string $service = null, ?string $resource = null, ?string $type = null, array $tags = [], bool $activate = false, ?int $startNs = null): Span
        {
            return Span::start($this->handle, $name, $parent, $service, $resource, $type, $tags, $activate, $startNs);
        }

        public function trace(string $name, callable $function, Span|Context|false|null $parent = null, ?string $service = null, ?string $resource = null, ?string $type = null, array $tags = [], ?int $startNs = null): mixed
        {
            $span = Span::start($this->handle, $name, $parent, $service, $resource, $type, $tags, true, $startNs);
            try {
                return $function($span);
            } catch (\Throwable $error) {
                $span->setError($error);
                throw $error;
            } finally {
                $span->finish();
            }
        }

        /** @internal */
        public function handle(): int
        {
            return $this->handle;
        }

        public function flush(int $timeoutMs = 2000): bool
        {
            return $this->handle !== 0 && Library::$ffi->spanwire_tracer_flush($this->handle, self::timeout($timeoutMs)) === Abi::OK;
        }

        public function shutdown(int $timeoutMs = 1000): bool
        {
            return $this->handle !== 0 && Library::$ffi->spanwire_tracer_shutdown($this->handle, self::timeout($timeoutMs)) === Abi::OK;
        }

        public function stats(): array
        {
            if ($this->handle === 0) return [];
            $stats = Library::$ffi->new('spanwire_stats');
            $stats->size = FFI::sizeof($stats);
            Library::$ffi->spanwire_tracer_stats($this->handle, FFI::addr($stats));
            $counts = [];
            foreach (FFI::typeof($stats)->getStructFieldNames() as $name) $counts[$name] = $stats->$name;
            unset($counts['size']);
            return $counts;
        }

        public function configJson(): string
        {
            if ($this->handle === 0) return '{}';
            return Library::read(fn ($buffer, $capacity, $need) => Library::$ffi->spanwire_tracer_config_json($this->handle, $buffer, $capacity, $need)) ?? '{}';
        }

        public function writeFlare(string $path): ?string
        {
            if (str_contains($path, "\0")) return 'the path contains a NUL';
            return $this->explained(fn ($error) => Library::$ffi->spanwire_flare_write($this->handle, $path, $error));
        }

        public function sendFlare(string $caseId, string $email, ?string $hostname = null, int $timeoutMs = 10000): ?string
        {
            return $this->explained(fn ($error) => Library::$ffi->spanwire_flare_send($this->handle, $caseId, $email, $hostname, self::timeout($timeoutMs), $error));
        }

        public function reportIntegration(string $name, ?string $version = null, ?string $status = null): void
        {
            if ($this->handle !== 0) Library::$ffi->spanwire_tracer_report_integration($this->handle, $name, $version, $status);
        }

        public function __serialize(): never
        {
            throw new \Exception("Serialization of 'Spanwire\\Tracer' is not allowed");
        }

        private function __clone()
        {
        }

        /** Null after success, else why a call failed. */
        private function explained(callable $call): ?string
        {
            if ($this->handle === 0) return 'tracing is off';
            $error = Library::$ffi->new('spanwire_error');
            $error->size = FFI::sizeof($error);
            return $call(FFI::addr($error)) === Abi::OK ? null : FFI::string($error->message);
        }

        private static function timeout(int $ms): int
        {
            return min(max($ms, 0), 0xFFFF_FFFF);
        }
    }
}
