//! A MariaDB server, and mysqli with it.

use crate::extension::{folder, php};
use crate::fpm::is_root;
use crate::hops::limited;
use crate::support::hosts::{command, require, root};
use crate::support::wait_until;
use crate::{both, integration};
use serde_json::Value as Json;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A server with an empty data folder and no network. It ends when this is dropped.
pub struct MariaDb {
    pub socket: PathBuf,
    folder: PathBuf,
    process: Child,
}

impl MariaDb {
    /// Starts a server; `None` without MariaDB.
    pub fn start(name: &str) -> Option<MariaDb> {
        if !require("mariadbd") || !require("php-mysql") {
            return None;
        }
        // The path of a socket has at most 107 bytes.
        let folder = std::env::temp_dir().join(format!("spanwire-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder for MariaDB");
        let mut arguments = vec!["--no-defaults".to_owned(), format!("--datadir={}", folder.join("data").display())];
        if is_root() {
            arguments.push("--user=root".to_owned());
        }
        let install = arguments.iter().fold(command("mariadb-install-db"), |host, argument| host.arg(argument));
        install
            .arg("--skip-test-db")
            .arg("--skip-name-resolve")
            .arg("--auth-root-authentication-method=normal")
            .run()
            .ok();
        let socket = folder.join("s");
        let mut server = limited("mariadbd");
        server
            .args(&arguments)
            .arg(format!("--socket={}", socket.display()))
            .args(["--skip-networking", "--innodb-buffer-pool-size=16M"]);
        let log = std::fs::File::create(folder.join("log")).expect("MariaDB's log");
        server.args(["--skip-grant-tables", "--innodb-flush-log-at-trx-commit=0"]).stdin(Stdio::null());
        server.arg(format!("--pid-file={}", folder.join("pid").display()));
        let process =
            server.stdout(log.try_clone().expect("MariaDB's log")).stderr(log).spawn().expect("MariaDB starts");
        let database = MariaDb { socket, folder, process };
        let up = || UnixStream::connect(&database.socket).is_ok();
        assert!(wait_until(Duration::from_secs(30), up), "MariaDB did not come up:\n{}", database.log());
        Some(database)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        // SAFETY: the child has not been waited for, so its process id is not used again.
        unsafe { libc::kill(self.process.id() as libc::pid_t, libc::SIGTERM) };
        if !wait_until(Duration::from_secs(10), || matches!(self.process.try_wait(), Ok(Some(_)))) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn statements_of_mysqli_are_client_spans_with_objects_and_with_functions() {
    let Some(php) = php() else { return };
    let Some(database) = MariaDb::start("mysqli") else { return };
    let settings = [format!("auto_prepend_file={}", integration("request.php").display())];
    for (how, host) in both(php, &["mysqlnd", "mysqli"], &settings) {
        let file = folder("mysqli").join(format!("{how}.json"));
        let _ = std::fs::remove_file(&file);
        let script = root().join("tests/php_integrations/mariadb.php");
        let host =
            host.agent(&format!("file://{}", file.display())).arg(script.display()).arg(database.socket.display());
        let outcome = host.run().ok();
        let results = r#"[["secret","it\"s secret"],[42],["x"],["1"],["2"],1064,1064,[6],[false,false,false],["8"]]"#;
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (results, ""), "{how}");
        let chunk: Json = serde_json::from_str(&std::fs::read_to_string(&file).expect("a trace")).expect("JSON");
        let mut spans = chunk["spans"].as_array().cloned().expect("spans");
        spans.sort_by_key(|span| span["start"].as_i64());
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let told = |span: &Json| {
            format!(
                "{}: {} {} {}",
                text(&span["name"]),
                text(&span["resource"]),
                text(&span["meta"]["db.name"]),
                span["error"]
            )
        };
        let expected = [
            "mysqli.query: SELECT ? AS a, ? AS b mysql 0",
            "mysqli_stmt.execute: SELECT ? + ? mysql 0",
            "mysqli.execute_query: SELECT ? mysql 0",
            "mysqli.multi_query: SELECT ?; SELECT ? mysql 0",
            "mysqli.query: SELEC ? mysql 1",
            "mysqli_query: CREATE DATABASE IF NOT EXISTS other mysql 0",
            "mysqli_query: USE other mysql 0",
            "mysqli_stmt.execute: SELECT ? other 0",
            "mysqli_query: SELECT ?  0",
            "mysqli.query: SELEC ? mysql 1",
            "mysqli.query: SELECT ? mysql 0",
        ];
        assert_eq!(spans[1..].iter().map(told).collect::<Vec<_>>(), expected, "{how}");
        for span in &spans[1..] {
            assert_eq!(
                (text(&span["type"]), text(&span["meta"]["db.system"])),
                ("sql".to_owned(), "mysql".to_owned()),
                "{how}"
            );
            assert_eq!(span["parent_id"], spans[0]["span_id"], "{how}");
        }
        assert!(text(&spans[5]["meta"]["error.message"]).contains("SQL syntax"), "{how}: {}", spans[5]);
        assert!(text(&spans[10]["meta"]["error.message"]).contains("SQL syntax"), "{how}: {}", spans[10]);
    }
}
