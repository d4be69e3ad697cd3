//! Reads a request: one line.

use std::time::Duration;

/// The longest flush.
const FLUSH_MAX_MS: u64 = 60_000;
/// The most open spans that are listed: the host makes the list in its own memory.
const SPANS_MAX: usize = 1_000;
/// How many are listed usually.
const SPANS: usize = 100;

/// What a peer asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `status`.
    Status,
    /// `spans` or `spans N`: the most that are listed.
    Spans(usize),
    /// `debug on SECONDS` (0: without a limit) or `debug off`.
    Debug {
        /// On or off.
        on: bool,
        /// For how long; 0 for no limit.
        seconds: u32,
    },
    /// `flush MILLISECONDS`.
    Flush(Duration),
    /// `log`: the records from now on.
    Follow,
}

impl Command {
    /// Reads a line; `None` if it is none of these.
    pub fn read(line: &str) -> Option<Command> {
        let words: Vec<&str> = line.split(' ').collect();
        Some(match words[..] {
            ["status"] => Command::Status,
            ["spans"] => Command::Spans(SPANS),
            ["spans", number] => match number.parse::<u32>().ok()? {
                0 => Command::Spans(SPANS_MAX),
                number => Command::Spans((number as usize).min(SPANS_MAX)),
            },
            ["debug", "on", seconds] => Command::Debug { on: true, seconds: seconds.parse().ok()? },
            ["debug", "off"] => Command::Debug { on: false, seconds: 0 },
            ["flush", time] => Command::Flush(Duration::from_millis(time.parse::<u64>().ok()?.min(FLUSH_MAX_MS))),
            ["log"] => Command::Follow,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_requests_are_read() {
        assert_eq!(Command::read("debug on 600"), Some(Command::Debug { on: true, seconds: 600 }));
        let spans = ["spans", "spans 07", "spans 0", "spans 4294967295"].map(Command::read);
        assert_eq!(spans, [100, 7, 1_000, 1_000].map(|most| Some(Command::Spans(most))));
        assert_eq!(Command::read("flush 18446744073709551615"), Some(Command::Flush(Duration::from_secs(60))));
        for line in
            ["", "status ", "spans -1", "spans 1 2", "debug", "debug on", "debug on x", "settings", "flush", "\0"]
        {
            assert_eq!(Command::read(line), None, "{line:?}");
        }
    }
}
