#!/usr/bin/env bash
# One expects: a ureq agent that is built with `.proxy(None)` does not look for proxies in the environment.
# What happens: ureq 3.5.2 reads eight proxy variables before `.proxy(None)` is applied, and discards the result.
# No option avoids it: `config_builder()` starts from the default, which reads them.
# It matters for a library in a process whose other threads call setenv, which must not run at the same time as getenv.
# Seen: 2026-11-28. Needs cargo.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
mkdir src
cat > Cargo.toml <<'T'
[package]
name = "program"
version = "0.0.0"
edition = "2021"
[dependencies]
ureq = { version = "=3.5.2", default-features = false }
T
# The program's own getenv takes the place of libc's, so that it sees each name that is asked for.
cat > src/main.rs <<'R'
use std::ffi::{c_char, CStr};

#[no_mangle]
pub extern "C" fn getenv(name: *const c_char) -> *mut c_char {
    println!("getenv {}", unsafe { CStr::from_ptr(name) }.to_string_lossy());
    std::ptr::null_mut()
}

fn main() {
    println!("build the agent");
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    println!("built, proxy: {:?}", agent.config().proxy());
}
R
cargo build --quiet
target/debug/program > all.txt
sed -n '/^build the agent/,$p' all.txt > seen.txt
grep -A 1 'name = "ureq"' Cargo.lock
cat seen.txt
for name in ALL_PROXY all_proxy HTTPS_PROXY https_proxy HTTP_PROXY http_proxy NO_PROXY no_proxy; do
    grep -qx "getenv $name" seen.txt
done
grep -qx 'built, proxy: None' seen.txt
echo "As described: eight variables read for an agent without a proxy."
