<?php
declare(strict_types=1);

namespace Spanwire\Ffi;

/**
 * Marks open spans with the error that ends the script. PHP turns an uncaught exception into such an error, too.
 *
 * @internal
 */
final class Errors
{
    private const FATAL = E_ERROR | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR | E_PARSE;
    private const STACK = "\nStack trace:\n";
    private const NEXT = "\n\nNext ";
    private const THROWN = "\n  thrown";

    /** Marks the open spans if such an error has ended the script. */
    public static function mark_open(): void
    {
        $error = error_get_last();
        if ($error === null || ($error['type'] & self::FATAL) === 0) return;
        [$type, $message, $stack] = self::describe($error);
        foreach (Stack::open() as $span) $span->setErrorText($type, $message, $stack);
    }

    /** @return array{string, string, ?string} type, message and stack */
    private static function describe(array $error): array
    {
        ['type' => $type, 'message' => $said, 'file' => $file, 'line' => $line] = $error;
        if (str_starts_with($said, 'Uncaught ')) return self::uncaught(substr($said, strlen('Uncaught ')), " in $file:$line");
        return [$type === E_PARSE ? \ParseError::class : 'Fatal error', $said, "#0 $file($line)"];
    }

    /**
     * Parses `CLASS: MESSAGE in FILE:LINE` and the stack; the last one of a chain of exceptions is the uncaught one. A
     * class with its own __toString() may give any text.
     */
    private static function uncaught(string $said, string $where): array
    {
        if (str_ends_with($said, self::THROWN)) $said = substr($said, 0, -strlen(self::THROWN));
        [$head, $stack] = [$said, null];
        $at = strrpos($said, self::STACK);
        if ($at !== false && str_ends_with(substr($said, 0, $at), $where)) {
            $head = substr($said, 0, $at - strlen($where));
            $stack = substr($said, $at + strlen(self::STACK));
            $next = strrpos($head, self::NEXT);
            if ($next !== false) $head = substr($head, $next + strlen(self::NEXT));
        }
        [$class, $message] = explode(': ', $head, 2) + [1 => ''];
        $known = $stack !== null || (class_exists($class, false) && is_subclass_of($class, \Throwable::class));
        return $known ? [$class, $message, $stack] : ['Uncaught exception', $head, null];
    }
}
