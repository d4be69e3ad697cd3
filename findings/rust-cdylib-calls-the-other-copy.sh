#!/usr/bin/env bash
# One expects: a Rust function that calls another function of its own crate calls the one of its own library.
# What happens: in a cdylib, a call to a `#[no_mangle] pub extern "C"` function goes through the symbol table of the
# process. With two copies of the library loaded with RTLD_GLOBAL, the second copy calls the first and changes the
# state of the first. An optimised build hides it where the call is inlined, so the debug and the release build of the
# same code differ. The linker option -Bsymbolic makes each copy call itself.
# Seen: 2026-11-28, rustc 1.95.0 of the machine on x86-64 Linux with glibc 2.36. Needs rustc, python3.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
cat > counter.rs <<'R'
use std::sync::atomic::{AtomicU32, Ordering};
static COUNT: AtomicU32 = AtomicU32::new(0);

#[no_mangle]
pub extern "C" fn counter_add() -> u32 {
    COUNT.fetch_add(1, Ordering::Relaxed) + 1
}
#[no_mangle]
pub extern "C" fn counter_add_from_inside() -> u32 {
    counter_add()
}
R
# Loads two copies, lets the second count three times, and asks both for their next number.
cat > load.py <<'P'
import ctypes, sys
first, second = (ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL) for path in ("./first.so", "./second.so"))
for _ in range(3):
    second.counter_add_from_inside()
print(f"{sys.argv[1]}: calls counted by the first copy {first.counter_add() - 1}, by the second {second.counter_add() - 1}")
P
try() {
    local label=$1
    shift
    rustc --edition 2021 --crate-type cdylib -o first.so "$@" counter.rs
    cp first.so second.so
    python3 load.py "$label"
}
rustc --version
{
    try "debug"
    try "release" -C opt-level=3
    try "debug, -Bsymbolic" -C link-arg=-Wl,-Bsymbolic
} | tee seen.txt
diff seen.txt - <<'X'
debug: calls counted by the first copy 3, by the second 0
release: calls counted by the first copy 0, by the second 3
debug, -Bsymbolic: calls counted by the first copy 0, by the second 3
X
echo "As described: three calls of the second copy counted by the first."
