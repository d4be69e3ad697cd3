//! Bindings that load a library of another release: the messages of the Ruby gem, the PHP package and the PHP
//! extension.

use super::doctor;
use super::plant::Folder;
use super::support::hosts::{command, require, root, Host, Outcome};
use std::path::{Path, PathBuf};

/// Builds a library that has this interface version and nothing else.
fn stub(folder: &Folder, interface: u32) -> PathBuf {
    let code = format!("unsigned spanwire_abi_version(void) {{ return {interface}; }}\n");
    let (source, library) = (folder.file("stub.c", code), folder.path(&format!("libspanwire-{interface}.so")));
    let gcc = command("gcc").arg("-shared").arg("-fPIC").arg("-o").arg(library.display());
    gcc.arg(source.display()).run().ok();
    library
}

fn gem(library: &Path) -> Host {
    let program = "Spanwire.tracer.trace('checkout') { puts 'ran' }";
    let ruby = command("ruby").env("SPANWIRE_LIBRARY", library.display()).arg("-I");
    ruby.arg(root().join("bindings/ruby/lib").display()).arg("-r").arg("spanwire").arg("-e").arg(program)
}

fn package(folder: &Folder, library: &Path) -> Host {
    let loader = root().join("bindings/php/src/Ffi");
    let loaded = ["Abi", "Library"].map(|class| format!("require '{}/{class}.php'; ", loader.display())).concat();
    let script = format!("<?php {loaded}Spanwire\\Ffi\\Library::load(); echo \"ran\\n\";");
    let php = command("php").arg("-d").arg("display_errors=stderr").arg("-d");
    php.arg(format!("spanwire.library={}", library.display())).arg(folder.file("a.php", script).display())
}

#[track_caller]
fn names(folder: &Folder, ran: Outcome, cause: &str) {
    assert_eq!(ran.stdout, "ran\n", "the program runs untraced");
    let visit = doctor(&[&folder.file("stderr.log", &ran.stderr)]);
    visit.names(cause);
    assert_eq!((visit.answers(), visit.causes()), (["no", "no", "unknown"], vec![cause]), "{}", ran.stderr);
}

#[test]
fn the_ruby_gem_with_a_library_of_another_release() {
    if !["ruby", "ruby-ffi", "gcc"].into_iter().all(require) {
        return;
    }
    let folder = Folder::new("gem");
    // A library with another interface version, and one with this version but without the functions that the gem calls.
    for interface in [99, 0] {
        names(&folder, gem(&stub(&folder, interface)).run().ok(), "library.older");
    }
    names(&folder, gem(Path::new("/nonexistent/libspanwire.so.0")).run().ok(), "library.missing");
}

#[test]
fn the_php_package_with_a_library_of_another_release() {
    if !["php", "gcc"].into_iter().all(require) {
        return;
    }
    let folder = Folder::new("package");
    for interface in [99, 0] {
        let library = stub(&folder, interface);
        names(&folder, package(&folder, &library).run().ok(), "library.older");
    }
    let none = Path::new("/nonexistent/libspanwire.so.0");
    names(&folder, package(&folder, none).run().ok(), "library.missing");
}

#[test]
fn the_php_extension_with_a_library_of_another_release() {
    let folder = Folder::new("extension");
    for (line, cause) in [
        ("PHP Warning:  PHP Startup: tracing is off: libspanwire.so.0 has no function spanwire_x; it is older than this extension, or no libspanwire in Unknown on line 0\n", "library.older"),
        ("PHP Warning:  tracing is off: /a/libspanwire.so.0 speaks interface 1 and this extension 2; they must be of one release\n", "library.older"),
        ("PHP Warning:  tracing is off: libspanwire.so.0 cannot be loaded (no such file); spanwire.library in php.ini names its path\n", "library.missing"),
    ] {
        let visit = doctor(&[&folder.file("a.log", line)]);
        visit.names(cause);
        assert_eq!(visit.answers()[..2], ["no", "no"], "{line}");
    }
}
