//! The integrations of `bindings/php/integrations` with what they integrate: nginx and php-fpm, PHP's own server and the
//! command line, PDO with SQLite, curl, Monolog, WordPress and mysqli with MariaDB. `php/apache.rs` has mod_php.

#[allow(dead_code)] // each test binary uses its own part of these
#[path = "php/extension.rs"]
mod extension;
#[allow(dead_code)]
#[path = "distributed/fpm.rs"]
mod fpm;
#[allow(dead_code)]
#[path = "distributed/hops.rs"]
mod hops;
#[allow(dead_code)]
#[path = "distributed/ours.rs"]
mod ours;
mod support;

#[path = "php_integrations/mariadb.rs"]
mod mariadb;
#[path = "php_integrations/monolog.rs"]
mod monolog;
#[path = "php_integrations/requests.rs"]
mod requests;
#[path = "php_integrations/scripts.rs"]
mod scripts;
#[path = "php_integrations/texts.rs"]
mod texts;
#[path = "php_integrations/wordpress.rs"]
mod wordpress;

use extension::Php;
use std::path::PathBuf;
use support::hosts::{command, root, Host};

/// Returns a file of `bindings/php/integrations`.
pub fn integration(file: &str) -> PathBuf {
    root().join("bindings/php/integrations").join(file)
}

/// Returns the settings that load these modules of PHP.
pub fn modules(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("extension={name}")).collect()
}

/// Returns PHP on the command line twice: with the extension, and with `src/Spanwire.php` over FFI.
pub fn both(php: &Php, names: &[&str], settings: &[String]) -> [(&'static str, Host); 2] {
    let ffi = ["-n".to_owned(), "-d".to_owned(), format!("spanwire.library={}", php.library.display())];
    let ffi = ffi.into_iter().fold(command("php"), Host::arg).arg("-d").arg("extension=ffi");
    [("extension", php.cli()), ("FFI", ffi)].map(|(how, host)| {
        let all = modules(names).into_iter().chain(settings.iter().cloned()).chain([
            "datadog.trace.startup_logs=0".to_owned(),
            "ffi.enable=1".to_owned(),
            "display_errors=0".to_owned(),
            "log_errors=1".to_owned(),
        ]);
        (how, all.fold(host, |host, setting| host.arg("-d").arg(setting)))
    })
}
