//! Reads an answer to `/v0.7/config` and checks it: every configuration that it names is a target, and the content of
//! each new one has the length and the SHA-256 of its target. Signatures are not checked: the agent has done that, and is
//! trusted. Nothing here changes any state.

use super::json;
use super::path::ConfigPath;
use crate::event::remote::{RemoteFault, RemotePart, Unreadable};
use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The largest answer that is read, in bytes.
pub const ANSWER_MAX: usize = 4 << 20;
/// The most configurations at a time.
pub const CONFIGS_MAX: usize = 256;
/// The longest state that the agent may have us send back, in characters.
const BACKEND_STATE_MAX: usize = 64 << 10;

/// An answer that changes something, checked.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The highest version of its roots; 0 without any.
    pub root_version: u64,
    /// The version of the list of targets.
    pub targets_version: u64,
    /// To be sent back with later requests.
    pub backend_state: String,
    /// The configurations that are to be in force from now on.
    pub configs: Vec<Offered>,
}

/// A configuration of an answer.
#[derive(Debug, PartialEq)]
pub struct Offered {
    /// Its path.
    pub path: ConfigPath,
    /// Its version.
    pub version: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// The length of its content.
    pub length: u64,
    /// Its content; none if that is held already.
    pub content: Option<Vec<u8>>,
}

/// Why an answer is not used, and the path that it is about; empty for none.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The path.
    pub path: String,
    /// Why.
    pub why: RemoteFault,
}

impl From<RemoteFault> for Refused {
    fn from(why: RemoteFault) -> Refused {
        Refused { path: String::new(), why }
    }
}

/// Reads an answer. `is_held` tells whether the content with this path and SHA-256 is held; `is_wanted`, whether there is
/// such a product: configurations of others are left out. `None`: nothing changes.
pub fn read(
    body: &[u8],
    is_held: impl Fn(&str, &str) -> bool,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Option<Answer>, Refused> {
    if body.len() > ANSWER_MAX {
        return Err(RemoteFault::TooLarge { max_bytes: ANSWER_MAX }.into());
    }
    let answer = json::object(RemotePart::Answer, body)?;
    let mut root_version = 0;
    for root in list(&answer, "roots")? {
        let root = signed(RemotePart::Root, root)?;
        root_version = root_version.max(number(RemotePart::Root, &root, "/signed/version", "signed.version")?);
    }
    let configs = list(&answer, "client_configs")?;
    let targets = match answer.get("targets") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(targets) => Some(signed(RemotePart::Targets, targets)?),
    };
    let Some(targets) = targets else {
        // Without a list of targets nothing can be checked.
        let nothing = configs.is_empty() && root_version == 0;
        return if nothing { Ok(None) } else { Err(unreadable(RemotePart::Answer, Unreadable::Field("targets"))) };
    };
    if configs.len() > CONFIGS_MAX {
        return Err(RemoteFault::TooMany { max: CONFIGS_MAX }.into());
    }
    let backend_state = match targets.pointer("/signed/custom/opaque_backend_state") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) if text.len() <= BACKEND_STATE_MAX => text,
        Some(_) => {
            return Err(unreadable(RemotePart::Targets, Unreadable::Field("signed.custom.opaque_backend_state")))
        }
    };
    let files = list(&answer, "target_files")?;
    let mut found: Vec<Offered> = Vec::new();
    for config in configs {
        let Value::String(text) = config else {
            return Err(unreadable(RemotePart::Answer, Unreadable::Field("client_configs")));
        };
        let refused = |why| Refused { path: text.clone(), why };
        let path = ConfigPath::parse(text).ok_or_else(|| refused(RemoteFault::InvalidPath))?;
        if !is_wanted(path.product()) || found.iter().any(|other| other.path == path) {
            continue;
        }
        let target = targets.pointer("/signed/targets").and_then(|all| all.get(text));
        let target = target.ok_or_else(|| refused(RemoteFault::NotATarget))?;
        found.push(offered(path, target, files, &is_held).map_err(refused)?);
    }
    Ok(Some(Answer {
        root_version,
        targets_version: number(RemotePart::Targets, &targets, "/signed/version", "signed.version")?,
        backend_state: backend_state.to_string(),
        configs: found,
    }))
}

/// Checks one configuration.
fn offered(
    path: ConfigPath,
    target: &Value,
    files: &[Value],
    is_held: &impl Fn(&str, &str) -> bool,
) -> Result<Offered, RemoteFault> {
    let field = |name| RemoteFault::Unreadable { part: RemotePart::Targets, why: Unreadable::Field(name) };
    let is_digest = |text: &&str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let sha256 = target.pointer("/hashes/sha256").and_then(Value::as_str).filter(is_digest);
    let sha256 = sha256.ok_or_else(|| field("hashes.sha256"))?.to_ascii_lowercase();
    let length = target.get("length").and_then(Value::as_u64).ok_or_else(|| field("length"))?;
    let version = match target.pointer("/custom/v") {
        None | Some(Value::Null) => 0,
        Some(version) => version.as_u64().ok_or_else(|| field("custom.v"))?,
    };
    let content = match is_held(path.text(), &sha256) {
        true => None,
        false => {
            let is_it = |file: &&Value| file.get("path").and_then(Value::as_str) == Some(path.text());
            let raw = files.iter().find(is_it).and_then(|file| file.get("raw")).and_then(Value::as_str);
            let content = decoded(RemotePart::Content, raw.ok_or(RemoteFault::NoContent)?)?;
            if content.len() as u64 != length {
                return Err(RemoteFault::WrongLength);
            }
            if digest(&content) != sha256 {
                return Err(RemoteFault::WrongHash);
            }
            Some(content)
        }
    };
    Ok(Offered { path, version, sha256, length, content })
}

/// The SHA-256 of a content, in hexadecimal digits.
pub fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unreadable(part: RemotePart, why: Unreadable) -> Refused {
    RemoteFault::Unreadable { part, why }.into()
}

/// A list of the answer; empty if it is missing.
fn list<'a>(answer: &'a Value, name: &'static str) -> Result<&'a [Value], Refused> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(unreadable(RemotePart::Answer, Unreadable::Field(name))),
    }
}

/// A document that is a text of base64 in the answer.
fn signed(part: RemotePart, text: &Value) -> Result<Value, Refused> {
    let text = text.as_str().ok_or_else(|| unreadable(part, Unreadable::NotBase64))?;
    Ok(json::object(part, &decoded(part, text)?)?)
}

fn decoded(part: RemotePart, text: &str) -> Result<Vec<u8>, RemoteFault> {
    STANDARD.decode(text).map_err(|_| RemoteFault::Unreadable { part, why: Unreadable::NotBase64 })
}

fn number(part: RemotePart, document: &Value, at: &str, name: &'static str) -> Result<u64, Refused> {
    document.pointer(at).and_then(Value::as_u64).ok_or_else(|| unreadable(part, Unreadable::Field(name)))
}
