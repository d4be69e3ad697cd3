<?php
declare(strict_types=1);

namespace Spanwire\Ffi;

/**
 * The constants of spanwire.h without `SPANWIRE_`. Written from src/abi/ by `cargo test --test header -- --bless`.
 *
 * @internal
 */
final class Abi
{
    public const ABI_VERSION = 0;
    public const OK = 0;
    public const E_ARGUMENT = -1;
    public const E_HANDLE = -2;
    public const E_FORKED = -3;
    public const E_CLOSED = -4;
    public const E_VERSION = -5;
    public const E_NOT_FOUND = -6;
    public const E_LIMIT = -10;
    public const E_MEMORY = -11;
    public const E_TIMEOUT = -20;
    public const E_BUSY = -21;
    public const E_IO = -22;
    public const E_PANIC = -30;
    public const TRACERS_MAX = 64;
    public const CONTEXT_HAS_PRIORITY = 1;
    public const CONTEXTS_MAX = 4096;
    public const SPAN_TAGS_MAX = 1024;
    public const TAG_KEY_MAX = 200;
    public const TAG_VALUE_MAX = 25000;
    public const RESOURCE_MAX = 5000;
    public const NAME_MAX = 200;
    public const META_STRUCT_MAX = 1048576;
    public const ID_TRACE_HEX = 0;
    public const ID_TRACE = 1;
    public const ID_SPAN = 2;
    public const VALUE_TEXT = 0;
    public const VALUE_BOOLEAN = 1;
    public const VALUE_INTEGER = 2;
    public const VALUE_FLOATING = 3;
    public const VALUE_ARRAY = 4;
    public const SPAN_LINKS_MAX = 128;
    public const SPAN_EVENTS_MAX = 128;
    public const ATTRIBUTES_MAX = 128;
    public const ATTRIBUTES_SIZE_MAX = 65536;
    public const VALUES_MAX = 128;
    public const LINK_HAS_FLAGS = 256;
    public const PRIORITY_NONE = -2147483648;
    public const LEVEL_OFF = 0;
    public const LEVEL_ERROR = 1;
    public const LEVEL_WARN = 2;
    public const LEVEL_INFO = 3;
    public const LEVEL_DEBUG = 4;
    public const LEVEL_TRACE = 5;
    public const LOGGERS_MAX = 64;
    public const LOG_HOST_ONLY = 1;
    public const SINKS_MAX = 64;
    public const LOG_FIELDS_TEXT = 0;
    public const LOG_FIELDS_JSON = 1;
    public const FATE_UNKNOWN = 0;
    public const FATE_OPEN = 1;
    public const FATE_QUEUED = 2;
    public const FATE_IN_FLIGHT = 3;
    public const FATE_SENT = 4;
    public const FATE_DROPPED = 5;
    public const FATE_ABANDONED = 6;
    public const FATE_DISCARDED = 7;
    public const FATE_SAMPLE_RATE = 32767;
    public const FATE_MINUTE = 32766;
}
