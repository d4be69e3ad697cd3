//! Writes records to standard error, to the log files and to sinks, and records how many an output has lost. Runs on
//! the log thread.

use super::callback::Returned;
use super::compose::{record, records_into};
use super::deliver::keep;
use super::file::{LogFile, Moved};
use super::queue::Item;
use super::record::Record;
use super::shared::Shared;
use crate::event::facts::Lists;
use crate::event::{Event, Outlet};
use crate::languages::line::{Line, NATIVE_CODE};
use crate::languages::remembered::Remembered;
use crate::level::Level;
use crate::lines::Lines;
use crate::settings::FileConfig;
use crate::sys;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use std::time::Duration;

/// Panics that are logged.
const PANICS_TOLD: u32 = 5;
/// How long one line waits for a reader.
const PATIENCE: Duration = Duration::from_millis(200);

/// A buffer for lines is kept for the next one up to this size.
const LINE_KEPT: usize = 16 << 10;

/// The most bytes of lines that wait to be written together.
const WAITING_MAX: usize = 64 << 10;

/// The outputs of the log thread.
pub(super) struct Outputs {
    stderr: Output,
    lines: Lines,
    file: FileOutput,
    native_file: FileOutput,
    /// The line that is being written, kept for the next one.
    line: Vec<u8>,
    /// Empty lists, kept for the next facts: for their records, and for the lines of which these are made.
    made: Vec<Arc<Record>>,
    room: Vec<Line>,
    /// The same for tags.
    lists: Lists<'static>,
    /// How texts of earlier lines were shown.
    remembered: Remembered,
    /// Records that were lost by a panic or because the queue was full, and of which no record was written yet.
    pub lost: u64,
    panics: u32,
}

/// A file, and what it has lost.
#[derive(Default)]
struct FileOutput {
    output: Output,
    file: Option<LogFile>,
    waiting: Waiting,
}

/// Lines that are written together soon.
#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Where each of them ends, and its level. A line of some languages is several lines of text.
    ends: Vec<usize>,
    levels: Vec<Level>,
}

impl Waiting {
    fn clear(&mut self) {
        self.lines.clear();
        self.ends.clear();
        self.levels.clear();
    }
}

/// What one output has lost since it last took a line, and whether the reason was logged.
#[derive(Default)]
struct Output {
    lost: u64,
    told: bool,
}

impl Outputs {
    pub fn new(shared: &Shared) -> Outputs {
        let (stderr, lines) = (Output::default(), Lines::to_given(shared.given.standard_error));
        let (file, native_file) = (FileOutput::default(), FileOutput::default());
        Outputs {
            stderr,
            lines,
            file,
            native_file,
            line: Vec::new(),
            made: Vec::new(),
            room: Vec::new(),
            lists: Lists::default(),
            remembered: Remembered::default(),
            lost: 0,
            panics: 0,
        }
    }

    /// Counts the records that a panic cost. Returns whether to log the panic: only the first
    /// [`PANICS_TOLD`], because logging may panic too.
    pub fn panicked(&mut self, shared: &Shared, records: u64) -> bool {
        self.lost += records;
        shared.counts.panic_lost.fetch_add(records, Relaxed);
        self.panics = self.panics.saturating_add(1);
        self.panics <= PANICS_TOLD
    }

    /// Writes a record, or those of facts, to every output that takes them. Lines of facts wait for the next call of
    /// [`Outputs::write_waiting`], to be written together.
    pub fn give(&mut self, shared: &Shared, item: &Item) -> Returned {
        #[cfg(test)]
        item.record.iter().for_each(|record| super::tests::panic_if_asked(&record.text, "in the writer"));
        let lost = item.record.as_ref().map_or(item.lost, |record| record.lost);
        if self.tell_lost(shared, lost) == Returned::InForkedChild {
            return Returned::InForkedChild;
        }
        if let Some(record) = &item.record {
            return self.give_now(shared, record);
        }
        let (mut made, mut room) = (std::mem::take(&mut self.made), std::mem::take(&mut self.room));
        records_into(shared, &item.kept, &mut made, &mut room, &mut self.lists, Some(&self.remembered));
        self.room = room;
        if let Some(first) = made.first_mut().filter(|_| lost > 0) {
            *first = Arc::new(Record { lost, ..(**first).clone() });
        }
        for record in &made {
            shared.kept.push(record.clone());
            if self.give_one(shared, record) == Returned::InForkedChild {
                std::mem::forget(made);
                return Returned::InForkedChild;
            }
        }
        made.clear();
        self.made = made;
        Returned::Here
    }

    /// Writes a record that says how many records were lost, if any were. `told` of them are counted in the next
    /// record's `lost` field; the others are counted in this one's.
    pub fn tell_lost(&mut self, shared: &Shared, told: u64) -> Returned {
        let lost = std::mem::take(&mut self.lost);
        let records = told + lost;
        if records == 0 {
            return Returned::Here;
        }
        let lost = Record { lost, ..record(shared, &Event::RecordsLost { sink: Outlet::Writer, records }) };
        let returned = self.give_now(shared, &lost);
        if returned == Returned::InForkedChild {
            std::mem::forget(lost);
        }
        returned
    }

    fn give_now(&mut self, shared: &Shared, record: &Record) -> Returned {
        let returned = self.give_one(shared, record);
        if returned == Returned::Here {
            self.write_waiting(shared);
        }
        returned
    }

    fn give_one(&mut self, shared: &Shared, record: &Record) -> Returned {
        if record.level <= shared.stderr_level() && !record.on_stderr {
            let mut line = std::mem::take(&mut self.line);
            line.clear();
            line.extend_from_slice(record.text.as_bytes());
            line.push(b'\n');
            self.write_stderr(shared, &line);
            self.line = if line.capacity() > LINE_KEPT { Vec::new() } else { line };
        }
        if let Some(config) = shared.config.get().filter(|config| record.level <= config.file_level) {
            let native = config.native_file.as_ref().filter(|_| record.logger == NATIVE_CODE);
            if let Some(file) = native.or(config.file.as_ref()).filter(|_| !record.host_only) {
                let native = native.is_some();
                if self.file(native).waiting.lines.len() + record.text.len() >= WAITING_MAX {
                    self.write_file(shared, file, native);
                }
                let Waiting { lines, ends, levels } = &mut self.file(native).waiting;
                lines.reserve(record.text.len() + 1);
                lines.extend_from_slice(record.text.as_bytes());
                lines.push(b'\n');
                ends.push(lines.len());
                levels.push(record.level);
            }
        }
        if shared.sinks.loudest() == Level::Off as u8 {
            return Returned::Here;
        }
        let sinks = shared.sinks.list();
        for sink in sinks.iter() {
            if sink.call(record, shared.generation) == Returned::InForkedChild {
                std::mem::forget(sinks);
                return Returned::InForkedChild;
            }
        }
        Returned::Here
    }

    fn write_stderr(&mut self, shared: &Shared, line: &[u8]) {
        let lines = &mut self.lines;
        self.stderr.write(shared, Outlet::Stderr, line, |line| lines.write(line, PATIENCE)).unwrap_or_else(|_| {
            shared.counts.stderr_lost.fetch_add(1, Relaxed);
        });
    }

    /// How many lines wait to be written together.
    pub fn waiting(&self) -> u64 {
        (self.file.waiting.ends.len() + self.native_file.waiting.ends.len()) as u64
    }

    fn file(&mut self, native: bool) -> &mut FileOutput {
        if native {
            &mut self.native_file
        } else {
            &mut self.file
        }
    }

    /// Writes the lines that wait.
    pub fn write_waiting(&mut self, shared: &Shared) {
        let Some(config) = shared.config.get() else { return };
        for (config, native) in [(&config.file, false), (&config.native_file, true)] {
            if let Some(config) = config {
                self.write_file(shared, config, native);
            }
        }
    }

    /// Writes the lines that wait for a file: together if it takes them so, or one by one.
    fn write_file(&mut self, shared: &Shared, config: &FileConfig, native: bool) {
        let FileOutput { output, file, waiting } = self.file(native);
        let (mut waiting, mut done) = (std::mem::take(waiting), 0);
        // A loss is told before the next line.
        if let (Some(file), 0, false) = (file, output.lost, waiting.ends.is_empty()) {
            done = file.write_together(&waiting.lines, &waiting.ends, sys::monotonic_ns());
            output.told &= done == 0;
        }
        let mut from = done.checked_sub(1).map_or(0, |last| waiting.ends[last]);
        for n in done..waiting.ends.len() {
            let to = waiting.ends[n];
            self.write_line(shared, config, native, waiting.levels[n], &waiting.lines[from..to]);
            from = to;
        }
        if waiting.lines.capacity() <= WAITING_MAX {
            waiting.clear();
            self.file(native).waiting = waiting;
        }
    }

    fn write_line(&mut self, shared: &Shared, config: &FileConfig, native: bool, level: Level, line: &[u8]) {
        let FileOutput { output, file, .. } = if native { &mut self.native_file } else { &mut self.file };
        let file = file.get_or_insert_with(|| LogFile::new(config.clone(), shared.given.file(native), PATIENCE));
        let now = sys::monotonic_ns();
        let written = output.write(shared, Outlet::File, line, |line| file.write(line, now));
        if let Some(Moved { wanted, used, error }) = file.moved() {
            let event = Event::LogFileMoved { wanted: &wanted, used: &used, error: &error };
            let record = Arc::new(for_host(record(shared, &event)));
            let line = [record.text.as_bytes(), b"\n"].concat();
            let lines = &mut self.lines;
            let _ = self.stderr.write(shared, Outlet::Stderr, &line, |line| lines.write(line, PATIENCE));
            keep(shared, record);
        }
        let Err(error) = written else { return };
        let told = std::mem::replace(&mut output.told, true);
        let instead = config.else_stderr && !file.is_open();
        if !told {
            let event = Event::LogFileNotWritten { path: file.path(), error: &error.into(), to_stderr: instead };
            let record = Arc::new(for_host(record(shared, &event)));
            self.write_stderr(shared, &[record.text.as_bytes(), b"\n"].concat());
            keep(shared, record);
        }
        if instead && level > shared.stderr_level() {
            self.write_stderr(shared, line);
        } else if instead {
            // It is on standard error already.
        } else {
            shared.counts.file_lost.fetch_add(1, Relaxed);
        }
    }
}

/// Marks a record about the log file, which the host writes to its own log although a file is set: standard error may
/// lead nowhere, as in a worker of php-fpm.
fn for_host(record: Record) -> Record {
    Record { host_only: true, ..record }
}

impl Output {
    /// Writes a line, and before it how many lines were lost, if any were.
    fn write<E>(
        &mut self,
        shared: &Shared,
        sink: Outlet,
        line: &[u8],
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let told = if self.lost > 0 {
            let lost = record(shared, &Event::RecordsLost { sink, records: self.lost });
            write(&[lost.text.as_bytes(), b"\n"].concat())
        } else {
            Ok(())
        };
        let written = told.and_then(|()| {
            self.lost = 0;
            write(line)
        });
        match written {
            Ok(()) => self.told = false,
            Err(_) => self.lost += 1,
        }
        written
    }
}
