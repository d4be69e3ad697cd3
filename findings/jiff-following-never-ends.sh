#!/usr/bin/env bash
# One expects: `TimeZone::following(timestamp)` of jiff ends after the last transition of a zone file without a rule (TZif
# version 1, or an empty footer).
# What happens: jiff 1.0.2 (jiff-core 1.0.1, `next_transition`) returns the last transition again and again, for ever, also
# when it lies before the timestamp that was asked for.
# It matters for a program that reads the zone file of the machine, which may be of version 1.
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
jiff = { version = "=1.0.2", default-features = false, features = ["alloc"] }
T
cat > src/main.rs <<'R'
fn main() {
    // Two transitions, in 2023 and 2026, and no rule for the time after them.
    let mut file = b"TZif".to_vec();
    file.extend([0; 16]);
    for count in [0u32, 0, 0, 2, 2, 9] {
        file.extend(count.to_be_bytes());
    }
    for at in [1_700_000_000i32, 1_792_890_000] {
        file.extend(at.to_be_bytes());
    }
    file.extend([0, 1]);
    for (offset, name) in [(7_200i32, 0u8), (3_600, 5)] {
        file.extend(offset.to_be_bytes());
        file.extend([0, name]);
    }
    file.extend(b"CEST\0CET\0");
    let zone = jiff::tz::TimeZone::tzif("Test/Zone", &file).expect("a zone");
    for transition in zone.following(jiff::Timestamp::UNIX_EPOCH).take(1_000) {
        println!("{:?}", transition.timestamp());
    }
}
R
cargo build --quiet
target/debug/program > seen.txt
grep -A 1 'name = "jiff' Cargo.lock
sort seen.txt | uniq -c
[ "$(wc -l < seen.txt)" -eq 1000 ]
[ "$(sort -u seen.txt | wc -l)" -eq 2 ]
echo "As described: a zone with two transitions gives a thousand, and would go on."
