//! Finds out where a build of PHP looks for its configuration: the paths are texts in its program file. The file is never
//! run.

use aho_corasick::AhoCorasick;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest program that is searched, in bytes.
const PROGRAM_MAX: u64 = 256 << 20;

/// The paths that were compiled in.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The folder of php.ini.
    pub folder: Option<String>,
    /// The folder of additional files.
    pub scan: Option<String>,
    /// The prefix of relative paths in php-fpm's configuration.
    pub prefix: Option<String>,
}

impl Build {
    /// Reads a program or the module of a web server.
    pub fn of(path: &Path) -> Build {
        let mut bytes = Vec::new();
        match File::open(path).and_then(|file| file.take(PROGRAM_MAX).read_to_end(&mut bytes)) {
            Ok(_) => Build::in_bytes(&bytes),
            Err(_) => Build::default(),
        }
    }

    /// Takes the paths from the arguments of `configure`, which most builds contain; Debian's builds contain only the
    /// paths themselves.
    fn in_bytes(bytes: &[u8]) -> Build {
        const MARKS: [&str; 4] =
            ["--with-config-file-path=", "--with-config-file-scan-dir=", "--prefix=/", "\0/etc/php/"];
        let mut build = Build::default();
        let mut bare: Vec<String> = Vec::new();
        let Ok(marks) = AhoCorasick::new(MARKS) else { return build };
        for hit in marks.find_iter(bytes) {
            let keep = match hit.pattern().as_usize() {
                0 | 1 => 0,
                2 => 1,
                _ => "/etc/php/".len(),
            };
            let rest = &bytes[hit.end() - keep..];
            let end = rest.iter().take(512).position(|b| matches!(b, 0 | b'\'' | b'"' | b' ')).unwrap_or(0);
            let text = String::from_utf8_lossy(&rest[..end]).into_owned();
            match hit.pattern().as_usize() {
                _ if text.is_empty() => {}
                0 => build.folder = build.folder.or(Some(text)),
                1 => build.scan = build.scan.or(Some(text)),
                2 => build.prefix = build.prefix.or(Some(text)),
                _ => bare.push(text),
            }
        }
        build.scan = build.scan.or_else(|| bare.iter().find(|path| path.ends_with("/conf.d")).cloned());
        build.folder = build.folder.or_else(|| bare.into_iter().find(|path| !path.ends_with("/conf.d")));
        build
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_are_found_in_builds_of_every_kind() {
        let docker = b"xx\0 '--build=x' '--with-config-file-path=/usr/local/etc/php' '--prefix=/usr/local' \
                       '--with-config-file-scan-dir=/usr/local/etc/php/conf.d' '--x'\0";
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            Build::in_bytes(docker),
            Build {
                folder: text("/usr/local/etc/php"),
                scan: text("/usr/local/etc/php/conf.d"),
                prefix: text("/usr/local"),
            }
        );
        let debian = b"\0/etc/php/8.2/fpm/conf.d\0abc\0/etc/php/8.2/fpm\0";
        assert_eq!(
            Build::in_bytes(debian),
            Build { folder: text("/etc/php/8.2/fpm"), scan: text("/etc/php/8.2/fpm/conf.d"), prefix: None }
        );
        assert_eq!(Build::in_bytes(b"--with-config-file-path="), Build::default());
    }
}
