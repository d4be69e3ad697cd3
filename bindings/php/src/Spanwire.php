<?php
/**
 * Spanwire without the extension: the same classes and functions over ext-ffi, for scripts. If the extension is
 * loaded, this file does nothing. ../spanwire.stub.php documents them.
 *
 * Differences: settings are read from php.ini once, not per directory. Each call costs more. A span that is open when an
 * uncaught exception or a fatal error ends the script is marked with it; a span whose last variable an exception has
 * removed is not, nor are spans when set_exception_handler() handles the exception. After a fatal error in a shutdown
 * function, unsent spans are lost.
 */
declare(strict_types=1);

if (extension_loaded('spanwire')) return;

// After opcache.preload the classes exist, but their static properties are empty.
if (!class_exists('Spanwire\Tracer', false)) {
    require __DIR__ . '/Ffi/Abi.php';
    require __DIR__ . '/Ffi/Library.php';
    require __DIR__ . '/Ffi/Memory.php';
    require __DIR__ . '/Ffi/Errors.php';
    require __DIR__ . '/Ffi/Log.php';
    require __DIR__ . '/Ffi/Tracer.php';
    require __DIR__ . '/Ffi/Headers.php';
    require __DIR__ . '/Ffi/Context.php';
    require __DIR__ . '/Ffi/Attributes.php';
    require __DIR__ . '/Ffi/Span.php';
    require __DIR__ . '/Ffi/Fate.php';
    require __DIR__ . '/Ffi/functions.php';
}
Spanwire\Ffi\Library::load();
