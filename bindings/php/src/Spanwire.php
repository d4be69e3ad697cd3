<?php
/**
 * Spanwire without the extension: the same classes and functions over ext-ffi, for scripts. Where the extension is
 * loaded this file does nothing. ../spanwire.stub.php describes them all.
 *
 * What differs: settings are read from php.ini once, not per directory; each call costs more; a span that an exception
 * destroys is not marked with it; what is open when a fatal error ends the script is lost.
 */
declare(strict_types=1);

if (!extension_loaded('spanwire') && !class_exists('Spanwire\Tracer', false)) {
    require __DIR__ . '/Ffi/Library.php';
    require __DIR__ . '/Ffi/Log.php';
    require __DIR__ . '/Ffi/Tracer.php';
    require __DIR__ . '/Ffi/Span.php';
    require __DIR__ . '/Ffi/functions.php';
    Spanwire\Ffi\Library::load();
}
