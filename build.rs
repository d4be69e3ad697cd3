//! Link arguments of the shared library. Nothing is generated here.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The name that programs record. Cargo sets none, and a program would then record the path it was linked with.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libspanwire.so.0");
    // A thread of ours may be running, and atfork handlers stay registered: the code must never be unmapped.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // A process may hold several copies of the library. Without this, a copy's calls of its own exported functions go
    // through the process's symbol table and reach whichever copy was loaded first.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic-functions");
    // Debuggers find split-off symbols by it.
    println!("cargo:rustc-cdylib-link-arg=-Wl,--build-id=sha1");
}
