//! An agent that is a file: one JSON object per chunk and line, for working without any agent. `/dev/stdout`,
//! `/dev/stderr` and `/dev/fd/N` mean a copy of that descriptor, so that a pipe or a terminal does as well.

use super::queue::Chunk;
use super::{payload, Profile};
use crate::span::open::ERROR;
use crate::span::record::Record;
use crate::sys;
use serde_json::{json, Map, Value};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

/// How long a line may wait for a pipe that is full.
const PATIENCE: Duration = Duration::from_secs(2);

/// A file that takes chunks.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    open: Option<OwnedFd>,
}

impl File {
    /// A file at `path`, opened with the first line.
    pub fn new(path: PathBuf) -> File {
        File { path, open: None }
    }

    /// Appends a chunk as one line, in one write as a rule.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(self.open_path()?);
        }
        let Some(file) = &self.open else { return Err(io::ErrorKind::NotFound.into()) };
        let written = sys::write_all(file.as_raw_fd(), line.as_bytes(), PATIENCE);
        if written.is_err() {
            self.open = None;
        }
        written
    }

    fn open_path(&self) -> io::Result<OwnedFd> {
        if let Some(fd) = sys::named_descriptor(&self.path) {
            return sys::duplicate(fd);
        }
        let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        Ok(file.into())
    }
}

/// The chunk as one JSON object and a newline: the spans as v0.4 would carry them, ids as texts, so that no reader
/// rounds them.
pub fn line(chunk: &Chunk, order: &[u32], profile: &Profile) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let spans: Vec<Value> = order
        .iter()
        .filter_map(|&at| Record::read(&chunk.records.bytes()[at as usize..]))
        .enumerate()
        .map(|(n, (record, _))| {
            let (mut meta, mut metrics) = (Map::new(), Map::new());
            payload::each_text(chunk, &record, profile, n == 0, &mut |key, value| {
                meta.insert(text(key), Value::String(text(value)));
            });
            payload::each_number(chunk, &record, profile, n == 0, &mut |key, value| {
                metrics.insert(text(key), json!(value));
            });
            let (service, resource) = payload::service_and_resource(&record, profile);
            let mut span = Map::new();
            for (key, value) in [("name", record.name), ("service", service), ("resource", resource)] {
                span.insert(key.into(), Value::String(text(value)));
            }
            span.insert("type".into(), Value::String(text(record.span_type)));
            for (key, id) in [("span_id", record.span_id), ("parent_id", record.parent_id)] {
                span.insert(key.into(), Value::String(id.to_string()));
            }
            span.insert("start".into(), json!(record.start_ns));
            span.insert("duration".into(), json!(record.duration_ns));
            span.insert("error".into(), json!(record.flags & ERROR));
            span.insert("meta".into(), Value::Object(meta));
            span.insert("metrics".into(), Value::Object(metrics));
            Value::Object(span)
        })
        .collect();
    let mut line = json!({ "trace_id": format!("{:032x}", chunk.trace_id()), "spans": spans }).to_string();
    line.push('\n');
    line
}
