<?php
/**
 * Spanwire without the extension: the same classes and functions over ext-ffi, for scripts. Where the extension is
 * loaded this file does nothing. ../spanwire.stub.php describes them all.
 *
 * What differs: settings are read from php.ini once, not per directory; each call costs more; a span that is still open
 * when an uncaught exception or a fatal error ends the script is marked with it, but not one whose last variable an
 * exception took away before, nor for an exception that set_exception_handler() takes; a fatal error in a shutdown
 * function loses what has not been sent.
 */
declare(strict_types=1);

if (extension_loaded('spanwire')) return;

// After opcache.preload the classes exist, but their static properties are empty.
if (!class_exists('Spanwire\Tracer', false)) {
    require __DIR__ . '/Ffi/Abi.php';
    require __DIR__ . '/Ffi/Library.php';
    require __DIR__ . '/Ffi/Errors.php';
    require __DIR__ . '/Ffi/Log.php';
    require __DIR__ . '/Ffi/Tracer.php';
    require __DIR__ . '/Ffi/Span.php';
    require __DIR__ . '/Ffi/functions.php';
}
Spanwire\Ffi\Library::load();
