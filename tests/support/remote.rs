//! Answers to requests for remote configuration, as an agent makes them.

use serde_json::{json, Value as Json};
use std::io::Write;
use std::process::{Command, Stdio};

/// An answer with these configurations, of which none is signed.
pub fn answer(version: u64, configs: &[(&str, Json)]) -> Json {
    let mut targets = serde_json::Map::new();
    let mut files = Vec::new();
    for (path, content) in configs {
        let text = content.to_string();
        let hashes = json!({ "sha256": sha256(&text) });
        targets.insert(path.to_string(), json!({ "custom": { "v": version }, "hashes": hashes, "length": text.len() }));
        files.push(json!({ "path": path, "raw": base64(text.as_bytes()) }));
    }
    let signed = json!({ "version": version, "custom": { "opaque_backend_state": "" }, "targets": targets });
    json!({
        "targets": base64(json!({ "signed": signed }).to_string().as_bytes()),
        "target_files": files,
        "client_configs": configs.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
    })
}

/// The SHA-256 of a text, by the system's program.
fn sha256(text: &str) -> String {
    let mut program =
        Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sha256sum");
    program.stdin.take().expect("an input").write_all(text.as_bytes()).expect("sha256sum reads");
    let output = program.wait_with_output().expect("sha256sum ends");
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().enumerate().fold(0u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for digit in 0..4 {
            out.push(if digit <= three.len() { DIGITS[(bits >> (18 - 6 * digit)) as usize & 63] as char } else { '=' });
        }
    }
    out
}
