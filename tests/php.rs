//! PHP on the command line with the extension. `php/servers.rs` tests servers, `php/debug_lines.rs` the lines of debug
//! mode, `php/phpt.rs` runs the extension's own tests, also over FFI and under valgrind.

#[path = "php/apache.rs"]
mod apache;
#[path = "php/debug_lines.rs"]
mod debug_lines;
#[path = "php/ends.rs"]
mod ends;
#[path = "php/extension.rs"]
mod extension;
#[path = "php/phpt.rs"]
mod phpt;
#[path = "php/remote.rs"]
mod remote;
#[path = "php/servers.rs"]
mod servers;
mod support;

use extension::{folder, php, Php, FIVE_SPANS};
use std::path::{Path, PathBuf};
use support::agent::TestAgent;
use support::hosts::{command, root, Host};
use support::log::matches;

#[test]
fn a_real_agent_accepts_what_php_sends_and_knows_that_it_is_php() {
    let (Some(php), Some(agent)) = (php(), TestAgent::start()) else { return };
    let script = folder("agent").join("five.php");
    std::fs::write(&script, FIVE_SPANS).expect("a script");
    let outcome = php.cli().agent(&agent.tcp()).env("QUERY_STRING", 1).arg(script.display()).run().ok();
    assert_eq!(outcome.stdout, "ok 1");
    agent.assert_checks_passed();
    let requests = agent.trace_requests();
    let [request] = requests.as_slice() else { panic!("not one payload but {}", requests.len()) };
    let header = |name| request.header(name);
    assert_eq!((header("Datadog-Meta-Lang"), header("Datadog-Meta-Lang-Interpreter")), ("php".into(), "cli".into()));
    assert_eq!(agent.traces().iter().map(Vec::len).collect::<Vec<_>>(), [5]);
}

#[test]
fn the_examples_say_what_they_promise_with_the_extension_and_without() {
    let Some(php) = php() else { return };
    let library = format!("spanwire.library={}", php.library.display());
    let ffi = || command("php").arg("-d").arg(&library);
    for (how, host) in [("extension", php.cli()), ("FFI", ffi())] {
        let run = |name: &str| host.clone().arg(root().join("examples/php").join(name).display()).run().ok().stdout;
        let workers: Vec<String> =
            run("prefork.php").lines().filter(|l| !l.starts_with('{')).map(str::to_owned).collect();
        let mut promised: Vec<String> = (1..=4).map(|n| format!("worker {n}: 6 spans finished, 6 sent")).collect();
        promised.extend(["parent: 1 spans finished, 1 sent", "all: 25 spans finished, 25 sent"].map(str::to_owned));
        assert_eq!(workers, promised, "{how}");
        let carried = run("propagation.php");
        let promised = "continues the trace of the span 987654321, kept by the user\nbaggage: user.id=42\n\
                        baggage: user.id=42,cart=3\ntraceparent: 00-640cfd8d00000000112210f47de98115-";
        assert!(carried.starts_with(promised), "{how}: {carried}");
        let log = run("log_sink.php");
        let mut promised = Vec::new();
        for who in ["sink", "poll"] {
            promised.extend([
                format!("{who}: debug [ddtrace] [span] Encoding span ‹d›: trace_id=‹x›, name='loud', ‹*›"),
                format!("{who}: info [ddtrace] [info] the till is closed"),
            ]);
        }
        promised.push("the sink is closed".to_owned());
        let kept =
            promised.len() == log.lines().count() && promised.iter().zip(log.lines()).all(|(p, l)| matches(p, l));
        assert!(kept, "{how}:\n{log}");
    }
}

#[test]
fn php_m_lists_the_extension_and_says_nothing_else() {
    let Some(php) = php() else { return };
    let with = php.cli().arg("-m").run().ok();
    let without = command("php").arg("-n").arg("-m").run().ok();
    assert_eq!(with.stderr, "");
    assert_eq!(with.stdout.replace("spanwire\n", ""), without.stdout);
    assert!(with.stdout.contains("\nspanwire\n"), "{}", with.stdout);
}

/// Compiles this C code to a library that is not ours.
fn impostor(name: &str, code: &str) -> PathBuf {
    let (source, library) =
        (folder("impostors").join(format!("{name}.c")), folder("impostors").join(format!("{name}.so")));
    std::fs::write(&source, code).expect("a source");
    let build = command("gcc").arg("-shared").arg("-fPIC").arg("-o").arg(library.display()).arg(source.display());
    build.run().ok();
    library
}

#[test]
fn without_a_library_it_can_use_php_warns_once_and_serves_untraced() {
    let Some(php) = php() else { return };
    let other = impostor("other-abi", "unsigned spanwire_abi_version(void) { return 99; }");
    let old = impostor(
        "old",
        "unsigned spanwire_abi_version(void) { return 0; } char *spanwire_version(void) { return \"0\"; }",
    );
    let none = impostor("none", "int nothing;");
    let script = folder("impostors").join("script.php");
    let calls = "<?php $t = Spanwire\\Tracer::get(); $s = $t->startSpan('x', tags: ['a' => 1]); $s->setTag('b', 'c')
        ->setError(new Exception)->finish(); (new Spanwire\\Tracer(['DD_SERVICE' => 'x']))->startSpan('y')->discard();
        $t->reportIntegration('x'); $h = ['a' => 'b']; $s->setBaggage('a', 'b')->inject($h); Spanwire\\set_debug(true); Spanwire\\set_debug_for(1); Spanwire\\set_logger(fn () => 1); ini_set('datadog.trace.debug', '1');
        echo json_encode([Spanwire\\available(), Spanwire\\version(), $s->isOpen(), $s->traceId(), $t->flush(), $t->stats(),
        $t->configJson(), Spanwire\\drain_log(), Spanwire\\take_log(), Spanwire\\log('info', 'x'), Spanwire\\current_span(),
        Spanwire\\Context::extract(['x-datadog-trace-id' => '1']), $s->inject(), $s->injectLines(), $s->baggage(), $s->getBaggage('a'), $h,
        $t->trace('x', fn ($s) => $s->isOpen())]);";
    std::fs::write(&script, calls).expect("a script");
    let inert = "[false,null,false,null,false,[],\"{}\",0,[],true,null,null,[],[],[],null,{\"a\":\"b\"},false]";
    let wrong: [(&Path, [&str; 2]); 4] = [
        (Path::new("/nowhere/libspanwire.so.0"), ["cannot be loaded", "No such file"]),
        (&other, ["interface 99", "and this extension 0"]),
        (&old, ["has no function spanwire_status_text", "older"]),
        (&none, ["has no function spanwire_abi_version", "no libspanwire"]),
    ];
    for (library, says) in wrong {
        let wrong = Php { extension: php.extension.clone(), library: library.to_owned() };
        let outcome = wrong.cli().arg("-d").arg("display_errors=stderr").arg(script.display()).run().ok();
        assert_eq!(outcome.stdout.trim(), inert, "{}", library.display());
        let warnings: Vec<&str> = outcome.stderr.lines().filter(|line| !line.is_empty()).collect();
        let [warning] = warnings.as_slice() else { panic!("not one warning for {}: {warnings:?}", library.display()) };
        assert!(warning.contains("Warning: ") && warning.contains("tracing is off"), "{warning}");
        assert!(says.iter().all(|word| warning.contains(word)), "{warning} does not say {says:?}");
        let info = wrong.cli().arg("-d").arg("display_errors=0").arg("--ri").arg("spanwire").run().ok().stdout;
        assert!(info.contains("Tracing with spanwire => off") && info.contains(says[0]), "{info}");

        let ffi = command("php").arg("-d").arg(format!("spanwire.library={}", library.display()));
        let prepend = root().join("bindings/php/src/Spanwire.php");
        let ffi = ffi.arg("-d").arg(format!("auto_prepend_file={}", prepend.display())).arg(script.display());
        let outcome = ffi.arg("-d").arg("display_errors=stderr").run().ok();
        assert!(outcome.stdout.contains(inert), "FFI, {}: {}", library.display(), outcome.stdout);
    }
}

/// Prints every class and function of the namespace with its signature.
const SIGNATURES: &str = r"<?php
$show = function (ReflectionFunctionAbstract $f): string {
    $parameters = array_map(fn ($p) => trim($p->getType() . ' $' . $p->getName() . ($p->isDefaultValueAvailable() ? ' = ' . var_export($p->getDefaultValue(), true) : '')), $f->getParameters());
    return strtolower($f->getName()) . '(' . implode(', ', $parameters) . ')' . ($f->hasReturnType() ? ': ' . $f->getReturnType() : '');
};
foreach (['Spanwire\Tracer', 'Spanwire\Span', 'Spanwire\Context'] as $class) {
    $class = new ReflectionClass($class);
    foreach ($class->getMethods() as $m) {
        if (in_array($m->getName(), ['__destruct', '__clone', '__serialize']) || str_contains((string) $m->getDocComment(), '@internal')) continue;
        if ($m->isPrivate() && !$m->isConstructor()) continue;
        $lines[] = $class->getName() . ($class->isFinal() ? ' final ' : ' ') . implode(' ', Reflection::getModifierNames($m->getModifiers())) . ' ' . $show($m);
    }
}
foreach (get_defined_functions() as $functions) foreach ($functions as $name) {
    if (str_starts_with($name, 'spanwire\\')) $lines[] = $show(new ReflectionFunction($name));
}
sort($lines);
echo implode(PHP_EOL, $lines), PHP_EOL;
";

#[test]
fn stub_extension_and_ffi_classes_have_the_same_signatures() {
    let Some(php) = php() else { return };
    let script = folder("signatures").join("signatures.php");
    std::fs::write(&script, SIGNATURES).expect("a script");
    let signatures = |host: Host| host.arg(script.display()).run().ok().stdout;
    let with = |file: &str| {
        let file = root().join("bindings/php").join(file);
        let library = format!("spanwire.library={}", php.library.display());
        command("php").arg("-d").arg(library).arg("-d").arg(format!("auto_prepend_file={}", file.display()))
    };
    let extension = signatures(php.cli());
    assert!(extension.lines().count() > 55, "{extension}");
    assert_eq!(signatures(with("spanwire.stub.php")), extension, "the stub file is on the left");
    assert_eq!(signatures(with("src/Spanwire.php")), extension, "the FFI classes are on the left");
}
