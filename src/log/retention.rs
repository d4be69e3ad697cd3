//! Deletes old log files in the folder of a log file that is being opened. Files that cannot be deleted stay.

// Removes files.
#![allow(clippy::disallowed_methods)]

use crate::settings::Retention;
use crate::sys;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How many files of a folder are looked at.
const FILES_MAX: usize = 10_000;
const DAY: Duration = Duration::from_secs(86_400);

/// Deletes old files in `folder` and returns how many. Does not touch links.
pub fn apply(retention: &Retention, folder: &Path, now: SystemTime) -> usize {
    let Some(oldest) = DAY.checked_mul(retention.days.min(100_000) as u32).and_then(|age| now.checked_sub(age)) else {
        return 0;
    };
    let Ok(names) = sys::names_in(folder, FILES_MAX) else { return 0 };
    let ours = names.iter().filter(|name| name.to_str().is_some_and(|name| is_ours(retention, name)));
    let too_old = |path: &PathBuf| {
        let facts = fs::symlink_metadata(path).ok().filter(|facts| facts.is_file());
        facts.and_then(|facts| facts.modified().ok()).is_some_and(|written| written < oldest)
    };
    let paths = ours.map(|name| folder.join(name)).filter(too_old);
    paths.filter(|path| fs::remove_file(path).is_ok()).count()
}

fn is_ours(retention: &Retention, name: &str) -> bool {
    let stem = match name.rsplit_once(".log.") {
        Some((stem, number)) if number.bytes().all(|b| b.is_ascii_digit()) => stem,
        _ => match name.strip_suffix(".log") {
            Some(stem) => stem,
            None => return false,
        },
    };
    retention.prefixes.iter().any(|prefix| stem.starts_with(prefix.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn old_files_of_ours_go_and_everything_else_stays() {
        let folder = std::env::temp_dir().join(format!("spanwire-retention-{}", crate::sys::pid()));
        fs::create_dir_all(&folder).expect("a folder");
        let make = |name: &str, days: u32| {
            let file = File::create(folder.join(name)).expect("a file");
            file.set_modified(SystemTime::now() - DAY * days).expect("its time");
        };
        for (name, days) in [
            ("dotnet-tracer-managed-shop-1.log", 40),
            ("dotnet-tracer-managed-shop-1.log.3", 33),
            ("dotnet-tracer-managed-shop-2.log", 31),
            ("dotnet-tracer-managed-shop-1.log.bak", 40),
            ("shop.log", 400),
            ("dotnet-tracer-notes.txt", 400),
        ] {
            make(name, days);
        }
        std::os::unix::fs::symlink("/etc/hostname", folder.join("dotnet-tracer-link.log")).expect("a link");
        let retention = Retention { days: 32, prefixes: vec!["dotnet-tracer-".into()] };
        assert_eq!(apply(&retention, &folder, SystemTime::now()), 2);
        let mut left: Vec<String> = fs::read_dir(&folder)
            .expect("the folder")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                "dotnet-tracer-link.log",
                "dotnet-tracer-managed-shop-1.log.bak",
                "dotnet-tracer-managed-shop-2.log",
                "dotnet-tracer-notes.txt",
                "shop.log"
            ]
        );
        assert_eq!(apply(&retention, Path::new("/no/such/folder"), SystemTime::now()), 0);
        fs::remove_dir_all(&folder).expect("cleaned up");
    }
}
