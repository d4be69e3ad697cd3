#!/usr/bin/env bash
# One expects: headers that ureq redacts in its records at debug are redacted at trace as well.
# What happens: at trace ureq 3.5.2 (ureq-proto 0.7.1, target `ureq_proto::util`) logs the whole head of a request and the
# answer, 16 bytes in a record, `Authorization` among it.
# It matters for a program that brings records of the `log` crate into its own log: no redactor finds a secret that is cut
# into such rows.
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
log = "0.4"
ureq = { version = "=3.5.2", default-features = false }
T
cat > src/main.rs <<'R'
use std::io::{Read, Write};

struct Shown;

impl log::Log for Shown {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }
    fn log(&self, record: &log::Record) {
        println!("{} {} {}", record.level(), record.target(), record.args());
    }
    fn flush(&self) {}
}

fn main() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut stream = server.accept().unwrap().0;
        let mut got = Vec::new();
        while !got.ends_with(b"body") {
            let mut part = [0; 4096];
            let length = stream.read(&mut part).unwrap();
            got.extend(&part[..length]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(5));
    });
    log::set_logger(&Shown).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    ureq::post(&url).header("Authorization", "Bearer mysecret").send("body").unwrap();
}
R
cargo build --quiet
timeout -s KILL 60 target/debug/program > seen.txt
grep -A 1 'name = "ureq' Cargo.lock
grep 'REDACTED' seen.txt
grep '^DEBUG' seen.txt > debug.txt
if grep -q mysecret debug.txt; then exit 1; fi
# The text beside the digits, of all rows.
sed -n 's/^TRACE ureq_proto::util .*  //p' seen.txt | tr -d '\n' | grep -o 'authorization:.Bearer.mysecret'
echo "As described: redacted at debug, shown at trace."
