//! The configuration of php-fpm: the files that its main file includes, and what one pool sets.

use super::build::Build;
use super::ini::{self, Line};
use super::{names_in, Options, Reading, Sapi, FILES_MAX};
use crate::doctor::live::env_file::text_of;
use crate::doctor::live::found::note;
use crate::doctor::live::given::Given;
use crate::doctor::live::process::Process;
use spanwire::companion::settings::Origin;
use std::path::{Path, PathBuf};

const POOL_VALUES: [&str; 4] = ["php_value", "php_flag", "php_admin_value", "php_admin_flag"];

pub(super) fn is_pool_value(name: &str) -> bool {
    POOL_VALUES.contains(&name)
}

impl Reading<'_> {
    /// Reads the configuration of the php-fpm that a process belongs to. A worker's title names its pool, that of the
    /// master names the file.
    pub(super) fn pools_of(&mut self, process: &Process, build: &Build) {
        self.service(&[], Sapi::Fpm);
        let pool = process.title().strip_prefix("php-fpm: pool ").map(|name| name.trim().to_ascii_lowercase());
        let master = if pool.is_some() { process.parent_title().to_owned() } else { process.title() };
        let named = master.split_once("master process (").and_then(|(_, rest)| rest.trim_end().strip_suffix(')'));
        let named = named.map(str::to_owned).or_else(|| Options::of(&process.command).pools);
        match named {
            Some(path) => self.fpm(Path::new(&path), pool.as_deref(), build),
            None => self.notes.push(note(
                "settings.not_read",
                "the title of php-fpm does not name its configuration, so its pools are not known",
                "Name the file: --php-ini /etc/php/VERSION/fpm/pool.d/www.conf",
            )),
        }
    }

    /// Reads php-fpm's configuration with the files that it includes, and takes what one pool sets.
    pub(super) fn fpm(&mut self, path: &Path, pool: Option<&str>, build: &Build) {
        let mut lines = Vec::new();
        self.fpm_lines(path, build, 0, &mut lines);
        let mut pools: Vec<&str> =
            lines.iter().map(|(line, _)| line.section.as_str()).filter(|s| *s != "global").collect();
        pools.dedup();
        let chosen = pool.or(pools.first().copied()).unwrap_or_default().to_owned();
        if pool.is_none() && pools.len() > 1 {
            let says =
                format!("{} has the pools {}; these are the settings of {chosen}", path.display(), pools.join(", "));
            self.notes.push(note(
                "settings.not_read",
                says,
                "For those of another pool use --pid with one of its workers.",
            ));
        }
        self.clears_environment = true;
        for (line, place) in lines.iter().filter(|(line, _)| line.section == chosen) {
            match (line.name.as_str(), &line.key) {
                ("clear_env", None) => self.clears_environment = !matches!(line.value.as_str(), "" | "0"),
                ("env", Some(name)) => {
                    let variable = line.value.strip_prefix('$');
                    let Some(value) = variable.map_or_else(|| Some(line.value.clone()), self.env) else {
                        let says =
                            format!("{place}: the variable {} is not known, so {name} is not either", line.value);
                        self.notes.push(note(
                            "settings.not_read",
                            says,
                            "Write the value, or name a file with it: --env FILE.",
                        ));
                        continue;
                    };
                    let (name, place) = (name.clone(), place.clone());
                    self.given.push(Given { name, value, origin: Origin::Env, place });
                }
                (name, Some(key)) if is_pool_value(name) => {
                    let value = if name.ends_with("flag") && line.value.is_empty() { "0" } else { &line.value };
                    self.set(key, value, place);
                }
                _ => {}
            }
        }
        if self.clears_environment {
            // A worker sees no other variables than those.
            let mine: Vec<&str> = lines.iter().filter_map(|(line, _)| line.key.as_deref()).collect();
            let hidden = ["DD_TRACE_AGENT_URL", "DD_AGENT_HOST", "DD_SERVICE", "DD_ENV"]
                .into_iter()
                .filter(|name| !mine.contains(name) && (self.env)(name).is_some());
            let hidden: Vec<&str> = hidden.collect();
            if !hidden.is_empty() {
                let says = format!(
                    "workers of pool {chosen} do not see {} of php-fpm's environment: clear_env is on",
                    hidden.join(", ")
                );
                self.notes.push(note("settings.not_read", says, "Set env[NAME] in the pool, or clear_env = no."));
            }
        }
    }

    fn fpm_lines(&mut self, path: &Path, build: &Build, depth: usize, into: &mut Vec<(Line, String)>) {
        let text = match text_of(&self.real(path)) {
            Ok(text) => text,
            Err(why) => {
                let says = format!("{} cannot be read: {why}", path.display());
                self.notes.push(note("settings.not_read", says, "Run this as a user that may read it, such as root."));
                return;
            }
        };
        let shown = path.display().to_string();
        self.files.push(shown.clone());
        for line in ini::parse(&text, self.env) {
            if line.name == "include" && depth < 4 {
                for file in self.included(&line.value, path, build) {
                    if self.files.len() < FILES_MAX {
                        self.fpm_lines(&file, build, depth + 1, into);
                    }
                }
            } else {
                let place = format!("{shown}:{}", line.number);
                into.push((line, place));
            }
        }
    }

    /// Returns the files that match a pattern with `*` in its last part.
    fn included(&self, pattern: &str, from: &Path, build: &Build) -> Vec<PathBuf> {
        let above = from.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
        let base = build.prefix.as_deref().map_or(above, Path::new);
        let whole = base.join(pattern);
        let (Some(folder), Some(name)) = (whole.parent(), whole.file_name().and_then(|name| name.to_str())) else {
            return Vec::new();
        };
        let Some((begins, ends)) = name.split_once('*') else { return vec![whole.clone()] };
        let names = names_in(&self.real(folder), begins, ends);
        names.into_iter().map(|name| folder.join(name)).collect()
    }
}
