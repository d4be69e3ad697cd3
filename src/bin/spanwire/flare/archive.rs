//! Reads the files of a flare: a zip archive, a plain text as Node.js sends it, or a folder with the files. Writes nothing
//! to the disk, and bounds what it unpacks.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::Path;
use zip::ZipArchive;

/// The largest flare.
const FLARE_MAX: u64 = 256 << 20;
/// The most bytes of one file, and of all, when unpacked.
const FILE_MAX: u64 = 64 << 20;
const ALL_MAX: u64 = 512 << 20;
/// The most files.
const FILES_MAX: usize = 1_000;
/// The most folders in one another.
const DEPTH_MAX: usize = 4;

/// The files of a flare, with their names.
pub type Files = Vec<(String, Vec<u8>)>;

/// Reads all files. The error is a sentence.
pub fn read(path: &Path) -> Result<Files, String> {
    let name = path.display();
    if path.is_dir() {
        return in_folder(path).map_err(|error| format!("{name} cannot be read: {error}"));
    }
    let file = File::open(path).map_err(|error| format!("{name} cannot be opened: {error}"))?;
    let mut bytes = Vec::new();
    file.take(FLARE_MAX + 1).read_to_end(&mut bytes).map_err(|error| format!("{name} cannot be read: {error}"))?;
    if bytes.len() as u64 > FLARE_MAX {
        return Err(format!("{name} is larger than {} MiB, so it is no flare", FLARE_MAX >> 20));
    }
    if !bytes.starts_with(b"PK") {
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        return Ok(vec![(own, bytes)]);
    }
    unpacked(bytes).map_err(|why| format!("{name} is damaged: {why}"))
}

/// Reads the files of a folder, and of folders in it, without following symbolic links.
fn in_folder(path: &Path) -> io::Result<Files> {
    let (mut files, mut all) = (Files::new(), 0);
    let mut folders = vec![(path.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let mut entries: Vec<_> = fs::read_dir(&folder)?.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() && files.len() < FILES_MAX {
                let mut bytes = Vec::new();
                File::open(entry.path())?.take(FILE_MAX).read_to_end(&mut bytes)?;
                all += bytes.len() as u64;
                if all > ALL_MAX {
                    return Err(io::Error::other(format!("it holds more than {} MiB", ALL_MAX >> 20)));
                }
                let name = entry.path().strip_prefix(path).unwrap_or(&entry.path()).display().to_string();
                files.push((name, bytes));
            }
        }
    }
    match files.is_empty() {
        true => Err(io::Error::other("the folder holds no file")),
        false => Ok(files),
    }
}

fn unpacked(bytes: Vec<u8>) -> Result<Files, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    let (mut files, mut all) = (Files::new(), 0);
    for n in 0..archive.len().min(FILES_MAX) {
        let file = archive.by_index(n).map_err(|error| error.to_string())?;
        if file.is_dir() {
            continue;
        }
        let name = file.name().to_owned();
        let mut text = Vec::new();
        file.take(FILE_MAX).read_to_end(&mut text).map_err(|error| format!("{name}: {error}"))?;
        all += text.len() as u64;
        if all > ALL_MAX {
            return Err(format!("it unpacks to more than {} MiB", ALL_MAX >> 20));
        }
        files.push((name, text));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_archive_is_an_error_and_a_text_is_a_file() {
        let folder = std::env::temp_dir().join(format!("spanwire-archive-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("tracer_logs.txt");
        std::fs::write(&path, "a line\n").expect("written");
        assert_eq!(read(&path).expect("a text"), [("tracer_logs.txt".to_owned(), b"a line\n".to_vec())]);
        std::fs::write(&path, b"PK\x03\x04 and no more").expect("written");
        assert!(read(&path).expect_err("damaged").contains("is damaged"));
        std::fs::remove_dir_all(&folder).expect("removed");
        assert!(read(&path).expect_err("gone").contains("cannot be opened"));
    }
}
