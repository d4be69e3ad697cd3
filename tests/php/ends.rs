//! Spans that end with a request through exceptions, fatal errors or exit() are marked with the error. With the
//! extension, and with the FFI classes if they can know.

use crate::extension::{folder, php};
use crate::support::hosts::{command, root, Host};
use serde_json::Value;

/// A script, the expected errors of its spans (`name: type: message`; only the name for a span without an error), and
/// whether the FFI classes report the same.
struct End {
    name: &'static str,
    code: &'static str,
    spans: &'static [&'static str],
    over_ffi: bool,
}

const fn end(name: &'static str, code: &'static str, spans: &'static [&'static str]) -> End {
    End { name, code, spans, over_ffi: true }
}

/// A case that only the extension sees: the FFI classes see no exception in flight.
const fn in_flight(name: &'static str, code: &'static str, spans: &'static [&'static str]) -> End {
    End { name, code, spans, over_ffi: false }
}

const BOOM: &str = "root: RuntimeException: boom";

#[rustfmt::skip]
const ENDS: &[End] = &[
    end("nothing", "$s = start('root');", &["root"]),
    end("uncaught", "$s = start('root'); throw new RuntimeException('boom');", &[BOOM]),
    end("undefined", "$s = start('root'); no_such_function();", &["root: Error: Call to undefined function no_such_function()"]),
    end("nested", "$s = start('root'); $t = start('child'); throw new RuntimeException('boom');", &[BOOM, "child: RuntimeException: boom"]),
    end("finished before", "$s = start('root'); start('child')->finish(); throw new RuntimeException('boom');", &[BOOM, "child"]),
    end("object", "class O { public $span; static $held; } $o = new O; $o->span = start('root'); O::$held = start('child');
        throw new RuntimeException('boom');", &[BOOM, "child: RuntimeException: boom"]),
    end("closure", "$f = (function ($span) { return function () use ($span) { throw new RuntimeException('boom'); }; })(start('root')); $f();", &[BOOM]),
    end("generator", "function g() { $span = start('root'); yield 1; } $g = g(); $g->current(); throw new RuntimeException('boom');", &[BOOM]),
    end("fiber", "$f = new Fiber(function () { $span = start('root'); Fiber::suspend(); }); $f->start(); throw new RuntimeException('boom');", &[BOOM]),
    end("caught", "$s = start('root'); try { throw new RuntimeException('boom'); } catch (RuntimeException) { }", &["root"]),
    end("caught inside", "function f() { $s = start('root'); try { throw new RuntimeException('boom'); } catch (RuntimeException) { } } f();", &["root"]),
    in_flight("left a function", "function f() { $s = start('root'); throw new RuntimeException('boom'); } try { f(); } catch (RuntimeException) { }", &[BOOM]),
    in_flight("left a generator", "function g() { $s = start('root'); yield 1; throw new RuntimeException('boom'); } try { foreach (g() as $x); } catch (RuntimeException) { }", &[BOOM]),
    in_flight("uncaught in a function", "function f() { $s = start('root'); throw new RuntimeException('boom'); } f();", &[BOOM]),
    end("returned in finally", "function f() { $s = start('root'); try { throw new RuntimeException('boom'); } finally { return; } } f();", &["root"]),
    end("exit", "$s = start('root'); exit(3);", &["root"]),
    end("exit in a function", "function f() { $s = start('root'); exit(3); } f();", &["root"]),
    end("exit after catch", "$s = start('root'); try { throw new RuntimeException('boom'); } catch (RuntimeException) { exit(1); }", &["root"]),
    end("exit in a shutdown function", "$s = start('root'); register_shutdown_function(function () { exit; });", &["root"]),
    end("memory", "ini_set('memory_limit', '8M'); $s = start('root'); echo strlen(str_repeat('x', 100_000_000));", &["root: Fatal error: Allowed memory size of "]),
    end("time", "set_time_limit(1); $s = start('root'); while (true);", &["root: Fatal error: Maximum execution time of 1 second exceeded"]),
    end("user error", "$s = start('root'); trigger_error('enough', E_USER_ERROR);", &["root: Fatal error: enough"]),
    end("user error taken", "$s = start('root'); set_error_handler(fn () => true); trigger_error('enough', E_USER_ERROR);", &["root"]),
    end("user error refused", "$s = start('root'); set_error_handler(fn () => false); trigger_error('enough', E_USER_ERROR);", &["root: Fatal error: enough"]),
    in_flight("handler", "take(); $s = start('root'); throw new RuntimeException('boom');", &[BOOM]),
    in_flight("handler past a catch", "take(); $s = start('root'); function f() { try { throw new RuntimeException('boom'); } catch (LogicException | TypeError) { } } array_map('f', [1]);", &[BOOM]),
    in_flight("handler past finally", "take(); $s = start('root'); try { throw new RuntimeException('boom'); } finally { $x = 1; }", &[BOOM]),
    in_flight("handler from a catch", "take(); $s = start('root'); try { throw new LogicException('why'); } catch (Exception $e) { throw new RuntimeException('boom', 0, $e); }", &[BOOM]),
    in_flight("handler from a fiber", "take(); $s = start('root'); (new Fiber(function () { throw new RuntimeException('boom'); }))->start();", &[BOOM]),
    in_flight("handler from a generator", "take(); $s = start('root'); function g() { yield 1; throw new RuntimeException('boom'); } foreach (g() as $x);", &[BOOM]),
    end("handler, caught", "take(); $s = start('root'); function f() { throw new RuntimeException('boom'); } try { array_map('f', [1]); } catch (LogicException | RuntimeException) { }", &["root"]),
    end("handler, caught outside", "take(); $s = start('root'); try { try { throw new RuntimeException('boom'); } catch (LogicException) { } } catch (Throwable) { }", &["root"]),
    end("handler, caught around a fiber", "take(); $s = start('root'); try { (new Fiber(function () { throw new RuntimeException('boom'); }))->start(); } catch (Exception) { }", &["root"]),
    end("handler, caught around a delegate", "take(); $s = start('root'); function h() { yield 1; throw new RuntimeException('boom'); }
        function g() { try { yield from h(); } catch (Exception) { yield 2; } } foreach (g() as $x);", &["root"]),
    end("handler, caught around a destructor", "take(); $s = start('root'); class D { function __destruct() { throw new RuntimeException('boom'); } }
        try { $d = new D; unset($d); } catch (Exception) { }", &["root"]),
    end("handler, thrown in a logger", "take(); $s = start('root'); Spanwire\\set_logger(function () { throw new Exception; }); Spanwire\\log('error', 'x'); Spanwire\\drain_log();", &["root"]),
    end("warning", "$s = start('root'); trigger_error('odd', E_USER_WARNING); echo $undefined;", &["root"]),
    end("parse error", "$s = start('root'); eval('this is no code');", &["root: ParseError: syntax error"]),
    end("compile error", "$s = start('root'); eval('class A { function f(); }');", &["root: Fatal error: Non-abstract method A::f() must contain body"]),
    end("shutdown function", "$s = start('root'); register_shutdown_function(function () { start('late')->finish(); echo $undefined; error_clear_last(); });
        throw new RuntimeException('boom');", &[BOOM, "late"]),
    in_flight("in a shutdown function", "$s = start('root'); register_shutdown_function(function () { throw new RuntimeException('boom'); });", &[BOOM]),
    end("chain", "$s = start('root'); throw new RuntimeException('boom', 0, new LogicException(\"why\\n\\nNext one\"));", &[BOOM]),
    end("no message", "$s = start('root'); throw new RuntimeException;", &["root: RuntimeException: "]),
    end("odd message", "$s = start('root'); throw new RuntimeException(\"a: b in c:3\\nStack trace:\\n#0\");", &["root: RuntimeException: a: b in c:3\nStack trace:\n#0"]),
    end("anonymous", "$s = start('root'); throw new class('boom') extends RuntimeException { };", &["root: RuntimeException@anonymous: boom"]),
    end("own words", "class Own extends Exception { function __toString(): string { return __CLASS__ . \": [7]: {$this->message}\"; } } $s = start('root'); throw new Own('boom');",
        &["root: Own: [7]: boom"]),
    end("other words", "class Own extends Exception { function __toString(): string { return 'no: idea'; } } $s = start('root'); throw new Own('boom');",
        &["root: Uncaught exception: no: idea"]),
];

/// Returns `name: type: message` of a span.
fn told(span: &Value) -> String {
    let name = span["name"].as_str().unwrap_or_default();
    let tag = |name: &str| span["meta"][name].as_str();
    match (span["error"].as_i64(), tag("error.type")) {
        (Some(0), None) => name.to_owned(),
        (Some(1), Some(kind)) => format!("{name}: {kind}: {}", tag("error.message").unwrap_or_default()),
        _ => format!("{name}: marked by halves: {span}"),
    }
}

fn spans(stdout: &str) -> Vec<Value> {
    let lines = stdout.lines().filter(|line| line.starts_with('{'));
    lines
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .flat_map(|chunk| chunk["spans"].as_array().cloned().unwrap_or_default())
        .collect()
}

fn run(host: &Host, file: &str, code: &str) -> Vec<Value> {
    let script = folder("ends").join(format!("{file}.php"));
    std::fs::write(&script, code).expect("a script");
    let quiet = ["display_errors=0", "log_errors=0", "datadog.trace.startup_logs=0"];
    let host = quiet.into_iter().fold(host.clone(), |host, setting| host.arg("-d").arg(setting));
    spans(&host.agent("file:///dev/stdout").arg(script.display()).run().stdout)
}

/// Returns a PHP with the extension and one with the FFI classes.
fn both() -> Option<[(&'static str, Host); 2]> {
    let php = php()?;
    let prepend = root().join("bindings/php/src/Spanwire.php");
    let ffi = command("php").arg("-d").arg(format!("spanwire.library={}", php.library.display()));
    Some([("extension", php.cli()), ("FFI", ffi.arg("-d").arg(format!("auto_prepend_file={}", prepend.display())))])
}

#[test]
fn a_span_that_an_error_ends_tells_of_it_and_one_that_it_does_not_end_does_not() {
    let Some(both) = both() else { return };
    for (how, host) in both {
        for End { name, code, spans: wanted, .. } in ENDS.iter().filter(|end| how == "extension" || end.over_ffi) {
            let code = format!(
                "<?php function start($name) {{ return Spanwire\\Tracer::get()->startSpan($name); }}
                function take() {{ set_exception_handler(function () {{ }}); }}\n{code}\n"
            );
            let spans = run(&host, &format!("{how}-{}", name.replace(' ', "-")), &code);
            let mut seen: Vec<String> = spans.iter().map(told).collect();
            seen.sort();
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            // PHP's messages about memory, syntax and parsing have more text at the end.
            let same = seen.len() == wanted.len()
                && seen.iter().zip(&wanted).all(|(seen, wanted)| match wanted.contains(": ") {
                    true => seen.starts_with(wanted),
                    false => seen == wanted,
                });
            assert!(same, "{how}, {name}: {seen:#?}, not {wanted:#?}");
            for span in spans.iter().filter(|span| span["error"] == 1 && *name != "other words" && *name != "own words")
            {
                let stack = span["meta"]["error.stack"].as_str().unwrap_or_default();
                assert!(stack.starts_with("#0 "), "{how}, {name}: no stack in {span}");
            }
        }
    }
}

#[test]
fn a_request_that_a_prepended_file_traces_is_marked_when_its_script_fails() {
    let Some(both) = both() else { return };
    for (how, host) in both {
        let prepend = folder("ends").join("prepend.php");
        let own = root().join("bindings/php/src/Spanwire.php");
        let load = if how == "FFI" { format!("require '{}';", own.display()) } else { String::new() };
        let start = format!(
            "<?php {load} $request = Spanwire\\Tracer::get()->startSpan('web.request', type: 'web', activate: true);"
        );
        std::fs::write(&prepend, start).expect("a script");
        let host = host.arg("-d").arg(format!("auto_prepend_file={}", prepend.display()));
        let failed =
            run(&host, "app", "<?php function pay() { throw new RuntimeException('checkout failed'); } pay();");
        assert_eq!(
            failed.iter().map(told).collect::<Vec<_>>(),
            ["web.request: RuntimeException: checkout failed"],
            "{how}"
        );
        let stack = failed[0]["meta"]["error.stack"].as_str().unwrap_or_default();
        assert!(stack.contains("app.php(1): pay()"), "{how}: {stack}");
    }
}

#[test]
fn a_fatal_errors_stack_says_where_it_happened() {
    let Some(php) = php() else { return };
    let code = "<?php\nclass Deep {\n  function fill($n) {\n    return str_repeat('x', $n);\n  }\n}\nini_set('memory_limit', '8M');\n\
                $s = Spanwire\\Tracer::get()->startSpan('root');\n(new Deep)->fill(100_000_000);\n";
    let spans = run(&php.cli(), "stack", code);
    let file = folder("ends").join("stack.php");
    let stack = format!("#0 {0}(4)\n#1 {0}(9): Deep::fill()\n#2 {{main}}", file.display());
    assert_eq!(spans.first().and_then(|span| span["meta"]["error.stack"].as_str()), Some(stack.as_str()));
}

#[test]
fn a_tag_with_a_number_for_a_name_is_kept() {
    let Some(both) = both() else { return };
    let code = "<?php declare(strict_types=1); $s = Spanwire\\Tracer::get()->startSpan('root', tags: ['404' => 'at start', '7' => 7]);
        $s->setTag('500', 'alone')->setTags(['501' => 'in an array', '-8' => 8.5])->finish();";
    for (how, host) in both {
        let spans = run(&host, &format!("numbers-{how}"), code);
        let [span] = spans.as_slice() else { panic!("{how}: not one span but {spans:?}") };
        let tags = ["404", "500", "501"].map(|name| span["meta"][name].as_str());
        assert_eq!(tags, [Some("at start"), Some("alone"), Some("in an array")], "{how}");
        assert_eq!(["7", "-8"].map(|name| span["metrics"][name].as_f64()), [Some(7.0), Some(8.5)], "{how}");
    }
}
