//! Ten thousand secrets of every kind are in every text that a host can pass, and none is in the log of any dialect or
//! in a flare.
//! The secrets are the same in each run.

mod support;

use spanwire::companion::languages::{dialects, FOR_SETTINGS};
use spanwire::companion::redact::words::EXAMPLES;
use spanwire::companion::settings::table;
use spanwire::companion::settings::{Rejected, Settings};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use support::faults::{first, Reply};
use support::hosts::{host, root};
use support::wait_until;

const SECRETS: usize = 10_000;
/// This number of consecutive bytes of a secret in a log counts as a leak.
const WINDOW: usize = 16;

/// Pseudo-random numbers from a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % n as u64) as usize
    }

    fn text(&mut self, length: usize, of: &str) -> String {
        (0..length).map(|_| char::from(of.as_bytes()[self.below(of.len())])).collect()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const URLSAFE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &str = "0123456789abcdef";
const NAMES: [&str; 26] = [
    "password",
    "db.password",
    "DB_PASSWORD",
    "dbPassword",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "client_secret",
    "clientSecret",
    "aws_secret_access_key",
    "AWS_SECRET_ACCESS_KEY",
    "token",
    "auth-token",
    "accessToken",
    "X-Auth-Token",
    "refresh_token",
    "api_key",
    "apiKey",
    "DD-API-KEY",
    "DD_APP_KEY",
    "x-api-key",
    "private.key",
    "credentials",
    "auth",
    "csrf_token",
];

/// A text that contains a secret, and the parts of it that must not appear.
struct Planted {
    text: String,
    hidden: Vec<String>,
}

fn planted(text: String, hidden: &str) -> Planted {
    Planted { text, hidden: vec![hidden.into()] }
}

/// Makes a secret that is recognised by its form.
fn by_looks(random: &mut Random) -> Planted {
    match random.below(17) {
        0 => {
            let (claims, signature) = (random.text(60, URLSAFE), random.text(43, URLSAFE));
            let text = format!("eyJhbGciOiJIUzI1NiJ9.eyJ{claims}.{signature}");
            Planted { text, hidden: vec![claims, signature] }
        }
        1 => {
            let id = random.text(16, UPPER);
            planted(format!("{}{id}", random.one(&["AKIA", "ASIA"])), &id)
        }
        2 => {
            let key = random.text(33, URLSAFE);
            planted(format!("AIzaSy{key}"), &key)
        }
        3 => {
            let token = random.text(36, ALNUM);
            planted(format!("{}{token}", random.one(&["ghp_", "gho_", "ghs_", "ghu_"])), &token)
        }
        4 => {
            let token = random.text(59, ALNUM);
            planted(format!("github_pat_{}_{token}", random.text(22, ALNUM)), &token)
        }
        5 => {
            let token = random.text(20, URLSAFE);
            planted(format!("glpat-{token}"), &token)
        }
        6 => {
            let token = random.text(24, ALNUM);
            let kind = random.one(&["xoxb", "xoxp", "xoxa", "xoxs"]);
            planted(format!("{kind}-{}-{token}", random.text(12, "0123456789")), &token)
        }
        7 => {
            let key = random.text(24, ALNUM);
            planted(format!("{}{key}", random.one(&["sk_live_", "rk_live_"])), &key)
        }
        8 => {
            let (newline, kind) = (random.one(&["\n", "\\n"]), random.one(&["", "RSA ", "EC ", "OPENSSH "]));
            let lines: Vec<String> = (0..3).map(|_| random.text(64, BASE64)).collect();
            let body = lines.join(newline);
            let text =
                format!("-----BEGIN {kind}PRIVATE KEY-----{newline}{body}{newline}-----END {kind}PRIVATE KEY-----");
            Planted { text, hidden: lines }
        }
        9 => {
            let card = card(random);
            planted(card.clone(), &card)
        }
        10 => {
            let token = random.text(40, BASE64);
            planted(format!("{} {token}", random.one(&["Bearer", "bearer", "Basic"])), &token)
        }
        11 => {
            let (password, value) = (random.text(18, ALNUM), random.text(18, ALNUM));
            let text = format!("https://user:{password}@host.example:8443/path?session={value}&x=1");
            Planted { text, hidden: vec![password, value] }
        }
        12 => {
            let password = random.text(18, ALNUM);
            let scheme = random.one(&["postgres", "mysql", "amqp", "redis", "mongodb+srv"]);
            planted(format!("{scheme}://root:{password}@db.example/shop"), &password)
        }
        13 => {
            let password = random.text(18, &format!("{ALNUM} !#$%"));
            planted(format!("Server=db;User Id=sa;Password={password}x;Timeout=3"), &password)
        }
        14 => {
            let password = random.text(18, &format!("{ALNUM}!#$%/"));
            planted(format!("root:x{password}@tcp(db.example:3306)/shop"), &password)
        }
        15 => {
            let (id, csrf) = (random.text(26, ALNUM), random.text(26, ALNUM));
            let header = random.one(&["Cookie", "cookie", "Set-Cookie"]);
            Planted { text: format!("{header}: sid={id}; theme=dark; xs={csrf}"), hidden: vec![id, csrf] }
        }
        _ => {
            let (nonce, response) = (random.text(20, ALNUM), random.text(32, HEX));
            let text = format!(r#"Digest username="ann", realm="x", nonce="{nonce}", uri="/", response="{response}""#);
            Planted { text, hidden: vec![nonce, response] }
        }
    }
}

/// Makes a card number with a valid check digit.
fn card(random: &mut Random) -> String {
    let mut digits = format!("{}{}", random.one(&["4", "51", "55"]), random.text(15, "0123456789"));
    digits.truncate(15);
    let sum: u32 = digits.bytes().rev().enumerate().fold(0, |sum, (n, byte)| {
        let digit = u32::from(byte - b'0') * if n % 2 == 0 { 2 } else { 1 };
        sum + digit / 10 + digit % 10
    });
    let _ = write!(digits, "{}", (10 - sum % 10) % 10);
    let gap = random.one(&["", " ", "-"]);
    [&digits[..4], &digits[4..8], &digits[8..12], &digits[12..]].join(gap)
}

/// Makes a value that is a secret only because of its name.
fn value(random: &mut Random) -> String {
    match random.below(4) {
        0 => random.text(32, HEX),
        1 => random.text(40, HEX),
        2 => random.text(40, BASE64),
        _ => random.text(20, &format!("{ALNUM}!$*+-._~^")),
    }
}

/// Makes a value with its name, in the forms in which texts contain them.
fn by_name(random: &mut Random) -> Planted {
    let (name, secret) = (random.one(&NAMES), value(random));
    let text = match random.below(9) {
        0 => format!("{name}={secret}"),
        1 => format!("{name}: {secret}"),
        2 => format!("{{\"a\":1,\"{name}\":\"{secret}\",\"b\":[2]}}"),
        3 => format!("['{name}' => '{secret}', 'b' => 2]"),
        4 => format!("run --{name} {secret} --fast"),
        5 => format!("\"{{\\\"{name}\\\":\\\"{secret}\\\"}}\""),
        6 => format!("<{name}>{secret}</{name}>"),
        7 => format!("{{'{name}': b'{secret}'}}"),
        _ => format!("/path?{name}={secret}&page=2"),
    };
    planted(text, &secret)
}

/// All planted secrets: the input of tests/hosts/secrets.c, and every window of every secret, with a table for quick
/// look-ups.
struct Field {
    records: String,
    windows: HashMap<[u8; WINDOW], String>,
    maybe: Vec<bool>,
    random: Random,
}

impl Field {
    fn empty() -> Field {
        let (records, windows, maybe) = (String::new(), HashMap::new(), vec![false; 1 << 24]);
        Field { records, windows, maybe, random: Random(0x005e_c4e7_5eed) }
    }

    fn new() -> Field {
        let mut field = Field::empty();
        for n in 0..SECRETS {
            field.plant(n);
        }
        field
    }

    fn hide(&mut self, secret: &str, where_it_was: &str) {
        assert!(secret.len() >= WINDOW, "{secret} is too short to be found");
        for window in secret.as_bytes().windows(WINDOW) {
            self.maybe[place_of(window)] = true;
            self.windows.insert(window.try_into().expect("a window"), where_it_was.into());
        }
    }

    fn plant(&mut self, n: usize) {
        let random = &mut self.random;
        let mut name = random.one(&["note", "http.url", "db.statement", "peer", "error.details"]);
        let mut found = if n.is_multiple_of(2) { by_looks(random) } else { by_name(random) };
        // The places in which hosts have secrets: a tag with such a name, and texts that contain them.
        let place = ["t", "t", "r", "m", "s", "w", "e", "i", "v", "n", "o", "p"][n / 2 % 12];
        if n % 4 == 1 && matches!(place, "t" | "e") {
            let secret = value(random);
            name = random.one(&NAMES);
            found = planted(secret.clone(), &secret);
        } else {
            let (before, after) = random.one2();
            found.text = format!("{before}{}{after}", found.text);
        }
        let text = if place == "s" {
            format!("at shop.Cart.pay(Cart.java:12)\n\tcaused by: {}\n\tat shop.Main.main(Main.java:3)", found.text)
        } else {
            found.text
        };
        let record = format!("{place}\u{1f}{name}\u{1f}{text}\u{1e}");
        self.records.push_str(&record);
        for hidden in found.hidden {
            self.hide(&hidden, &record);
        }
    }

    /// Makes a secret for a setting.
    fn secret(&mut self, what: &str) -> String {
        let secret = self.random.text(24, ALNUM);
        self.hide(&secret, what);
        secret
    }

    /// Returns the leaks in the text: for each place the first line that contains one, and the number of windows found.
    fn leaks(&self, text: &str) -> BTreeMap<char, (usize, String)> {
        let bytes = text.as_bytes();
        let mut leaks = BTreeMap::new();
        for (at, window) in bytes.windows(WINDOW).enumerate() {
            if !self.maybe[place_of(window)] {
                continue;
            }
            let Some(planted) = self.windows.get(window) else { continue };
            let place = planted.chars().next().unwrap_or(' ');
            let (times, _) = leaks.entry(place).or_insert_with(|| {
                let from =
                    bytes[..at].iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1).max(at.saturating_sub(400));
                let to = bytes.len().min(at + 100);
                (0, format!("planted {planted:?}\n    seen {:?}", String::from_utf8_lossy(&bytes[from..to])))
            });
            *times += 1;
        }
        leaks
    }
}

/// Returns the slot in which a window is looked up.
fn place_of(window: &[u8]) -> usize {
    let word = |at: usize| u32::from_le_bytes([window[at], window[at + 1], window[at + 2], window[at + 3]]);
    (word(0).wrapping_mul(0x9e37_79b1) ^ word(8).wrapping_mul(0x85eb_ca6b)) as usize >> 8
}

impl Random {
    fn one2(&mut self) -> (&'static str, &'static str) {
        [("", ""), ("sent ", " twice"), ("could not read (", ")"), ("the request failed: ", ", will try again")]
            [self.below(4)]
    }
}

/// Runs the host with an Agent that accepts payloads, refuses them with an answer that contains a secret, and ends.
/// Returns everything that was logged, and the files of all flares.
fn logged(field: &Field, dialect: &str, settings: &[(&str, String)], echo: &str) -> Option<(String, String)> {
    let folder = Folder(root().join("target/test-logs").join(format!("secrets-{dialect}-{}", std::process::id())));
    let _ = fs::remove_dir_all(&folder.0);
    fs::create_dir_all(&folder.0).expect("a folder");
    let (records, bad, log) = (folder.0.join("records"), folder.0.join("bad"), folder.0.join("log"));
    fs::write(&records, &field.records).expect("the records");
    fs::write(&bad, &settings[0].1).expect("the value of a setting");
    // The body is sent with the headers, because the test agent has no other way to answer a refusal.
    let answer = format!("Connection: close\r\nContent-Length: {}\r\n\r\n{echo}", echo.len());
    let refusal = Reply::Status(413, Box::leak(answer.into_boxed_str()));
    let agent = first(&[Reply::Ok, Reply::Ok, Reply::Ok], refusal).counting_only().start();
    let url = agent.url().replace("http://", &format!("http://user:{}@", settings[1].1));
    let flares = folder.0.join("flares");
    fs::create_dir(&flares).expect("a folder");
    // One dialect has every record in some flare: the log that is kept is short.
    let every = if dialect == "native" { 250 } else { SECRETS / 2 };
    let mut host = host("secrets.c")?.arg(records.display()).arg(bad.display()).arg(flares.display()).arg(every);
    host = host.agent(&format!("{url}/base?api={}", settings[1].1)).env("DD_TRACE_DEBUG", "true");
    host = host.env("DD_TRACE_LOG_FILE", log.display()).env("SPANWIRE_LOG_DIALECT", dialect);
    host = host.env("DD_TRACE_LOG_FILE_SIZE_BYTES", 0).env("SPANWIRE_FLUSH_INTERVAL_MS", 100);
    for (name, value) in &settings[2..] {
        host = host.env(name, value);
    }
    let running = host.spawn();
    let refused = wait_until(Duration::from_secs(20), || agent.received().iter().any(|r| r.status == 413));
    std::thread::sleep(Duration::from_millis(300));
    drop(agent);
    let ran = running.wait().ok();
    assert!(refused, "{dialect}: the agent was never asked a fourth time");
    assert_eq!(ran.object("secrets")["records"], SECRETS + 1, "{dialect}");
    let text = fs::read(&log).expect("the log");
    let lines = String::from_utf8(text).expect("a log in UTF-8");
    println!("{dialect}: {} bytes, {} lines", lines.len(), lines.lines().count());
    let written: Vec<PathBuf> = fs::read_dir(&flares).expect("flares").flatten().map(|entry| entry.path()).collect();
    assert_eq!(written.len(), SECRETS / every);
    let files: String = written.iter().flat_map(|flare| support::flares::read(flare).into_values()).collect();
    Some((format!("{lines}{}{}", ran.stdout, ran.stderr), files))
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn no_secret_reaches_the_log_of_any_dialect() {
    let mut field = Field::new();
    let control = "plain-words-that-are-no-secret-at-all";
    let _ = write!(field.records, "w\u{1f}\u{1f}{control}\u{1e}");
    let settings = [
        ("the rejected value of a setting", format!("password={}", field.secret("rejected"))),
        ("DD_TRACE_AGENT_URL", field.secret("the agent's URL")),
        ("DD_TAGS", format!("api_key:{},team:shop", field.secret("DD_TAGS"))),
        ("DD_VERSION", format!("1.0 token={}", field.secret("DD_VERSION"))),
        ("DD_GIT_REPOSITORY_URL", format!("https://u:{}@git.example/a.git", field.secret("the repository's URL"))),
        ("SPANWIRE_MEMORY_MAX", format!("secret: {}", field.secret("a number that is none"))),
        ("SPANWIRE_LANGUAGE", format!("x token={}", field.secret("the language"))),
        ("SPANWIRE_LANGUAGE_VERSION", format!("8.2 token={}", field.secret("the language's version"))),
        ("SPANWIRE_INTERPRETER", format!("http://u:{}@h/x", field.secret("the interpreter"))),
        ("SPANWIRE_INTERPRETER_VENDOR", format!("vendor api_key={}", field.secret("the interpreter's vendor"))),
        ("SPANWIRE_TRACER_VERSION", format!("1.2 Bearer {}", field.secret("the tracer's version"))),
        // Neither is a setting.
        ("SHOP_MAIL", field.secret("the environment")),
        ("DB_PASSWORD", field.secret("the environment, by its name")),
        (
            "SPANWIRE_STARTUP_EXTRA",
            format!(
                r#"{{"vm":"x token={}","list":[{{"password":"{}"}}]}}"#,
                field.secret("a fact of the host's"),
                field.secret("a fact of the host's, by its name")
            ),
        ),
    ];
    let echo = format!("{{\"error\":\"too large\",\"api_key\":\"{}\"}}", field.secret("the agent's answer"));
    let check = &|dialect: &str| {
        let Some((text, flares)) = logged(&field, dialect, &settings, &echo) else { return };
        assert!(text.contains(control), "{dialect}: what is no secret is not logged either, so this shows nothing");
        assert!(!text.contains("records lost") && !text.contains("log.lost"), "{dialect}: lines were lost unseen");
        assert!(text.matches(REDACTED).count() > 1_000, "{dialect}: hardly anything was redacted");
        let leaks = field.leaks(&text);
        let shown: Vec<String> = leaks.iter().map(|(place, (n, how))| format!("  {place}, {n} times: {how}")).collect();
        assert!(leaks.is_empty(), "{dialect} lets out secrets:\n{}", shown.join("\n"));
        let leaks = field.leaks(&flares);
        assert!(leaks.is_empty(), "a flare in {dialect} has secrets:\n{leaks:#?}");
        assert!(
            flares.matches(REDACTED).count() > 20 && flares.contains("\nopen 0."),
            "{dialect}: hardly anything is in the flares"
        );
    };
    // A host waits most of the time, so run several at once.
    for some in dialects().chunks(4) {
        std::thread::scope(|scope| some.iter().for_each(|dialect| drop(scope.spawn(move || check(dialect)))));
    }
}

const REDACTED: &str = "<redacted>";

/// Sets every setting, in every language, to secrets of every kind.
#[test]
fn no_secret_that_was_pasted_into_a_setting_is_in_the_configuration() {
    let mut field = Field::empty();
    let mut random = Random(0x00c0_ffee_5eed);
    let mut texts = Vec::new();
    for n in 0..60 {
        let planted = if n % 2 == 0 { by_looks(&mut random) } else { by_name(&mut random) };
        planted.hidden.iter().for_each(|secret| field.hide(secret, "a value"));
        texts.push(planted.text);
    }
    let secret = random.text(32, ALNUM);
    field.hide(&secret, "the host's facts");
    let languages = ["native", "java", "python", "ruby", "go", "nodejs", "dotnet", "php"];
    let (mut leaks, mut n) = (Vec::new(), 0);
    for language in languages {
        let mut check = |given: Vec<(String, String)>, from_env: bool| {
            let mut code = vec![("SPANWIRE_LANGUAGE".to_string(), language.to_string())];
            let env = |name: &str| given.iter().find(|(set, _)| from_env && set == name).map(|(_, text)| text.clone());
            code.extend(given.iter().filter(|_| !from_env).cloned());
            let (settings, rejected) = Settings::resolve(&code, &env, &FOR_SETTINGS);
            let mut shown = settings.config_json("id", Some(&given[0].1)) + "\n";
            shown += &serde_json::Value::from_iter(settings.startup_fields("id", None)).to_string();
            // One line for each field, so that the report of a leak names its place.
            shown = shown.replace(",\"", ",\n\"");
            for Rejected { name, value, why, .. } in rejected {
                shown += &format!("\n{name} {value} {why}");
            }
            let found = field.leaks(&shown);
            leaks.extend(found.values().map(|(_, how)| format!("{language}, {}: {how}", given[0].0)));
        };
        // Tags are checked below.
        for setting in table::all().map(|setting| setting.name).filter(|name| *name != "DD_TAGS") {
            for from_env in [true, false] {
                n += 1;
                let text = &texts[n % texts.len()];
                check(vec![(setting.to_string(), text.clone())], from_env);
                check(vec![(setting.to_string(), format!("1.2 {text}"))], from_env);
            }
        }
        for text in &texts {
            // Commas and blanks separate tags, and a colon ends a name. A secret that contains them is split into parts
            // without a name.
            if !text.contains(',') {
                check(vec![("DD_TAGS".into(), format!("service:{text},env:{text},version:{text}"))], false);
            }
            if !text.contains([',', ' ', '\n']) {
                check(vec![("DD_TAGS".into(), format!("key:{text}"))], true);
                check(vec![("DD_TRACE_AGENT_URL".into(), format!("http://{text}:8126/"))], true);
            }
            if !text.contains([',', ':']) {
                check(vec![("DD_TAGS".into(), format!("{text},a:1"))], true);
            }
            check(vec![("DD_AGENT_HOST".into(), text.clone())], true);
            check(vec![("DD_TRACE_AGENT_URL".into(), format!("http://agent:8126/{text}"))], true);
            check(vec![("DD_TRACE_AGENT_URL".into(), format!("unix:///{text}"))], true);
            check(vec![("DD_NO_SUCH_SETTING".into(), text.clone())], false);
            check(vec![(text.clone(), "swapped".into())], false);
            if text.starts_with(char::is_alphabetic) {
                check(vec![(format!("datadog.slf4j.simpleLogger.log.{text}"), "debug".into())], false);
            }
        }
        let extra =
            r#"{"password":{"value":"SECRET"},"tokens":[{"x":"SECRET"}],"SECRET":1,"a":{"b":"api_key=SECRET"}}"#;
        let extra = extra.replace("\"SECRET\":1", "\"token=SECRET\":1").replace("SECRET", &secret);
        check(vec![("SPANWIRE_STARTUP_EXTRA".into(), extra)], false);
    }
    assert!(n > 500, "{n} settings");
    let shown: Vec<&String> = leaks.iter().take(5).collect();
    assert!(leaks.is_empty(), "{} leaks:\n{shown:#?}", leaks.len());
}

/// Uses the names in the documentation's examples as tags, in the debug lines of every dialect.
#[test]
fn a_cache_key_can_be_read_in_debug_lines_and_an_api_key_cannot() {
    // Numbers, because a number as a count is not secret.
    let value = |n: usize| format!("73519{n:06}");
    let mut records = format!("t\u{1f}note\u{1f}{}\u{1e}", value(0));
    for (n, (name, _)) in EXAMPLES.iter().enumerate() {
        let _ = write!(records, "t\u{1f}{name}\u{1f}{}\u{1e}", value(n + 1));
    }
    let mut compared = 0;
    for dialect in dialects() {
        let folder = Folder(root().join("target/test-logs").join(format!("names-{dialect}-{}", std::process::id())));
        fs::create_dir_all(&folder.0).expect("a folder");
        let (file, bad, log) = (folder.0.join("records"), folder.0.join("bad"), folder.0.join("log"));
        fs::write(&file, &records).expect("the records");
        fs::write(&bad, "x").expect("the value of a setting");
        let Some(host) = host("secrets.c") else { return };
        let host = host.arg(file.display()).arg(bad.display()).agent("file:///dev/null").env("DD_TRACE_DEBUG", "true");
        let host = host.env("DD_TRACE_LOG_FILE", log.display()).env("SPANWIRE_LOG_DIALECT", dialect);
        host.spawn().wait().ok();
        let text = String::from_utf8(fs::read(&log).expect("the log")).expect("a log in UTF-8");
        if !text.contains(&value(0)) {
            // This tracer's lines contain no tags.
            continue;
        }
        compared += 1;
        for (n, (name, removed)) in EXAMPLES.iter().enumerate() {
            assert_ne!(text.contains(&value(n + 1)), *removed, "{dialect}: the value of the tag {name}");
        }
    }
    assert!(compared > dialects().len() / 2, "{compared} dialects show tags");
}

#[test]
fn a_secret_in_a_text_would_be_found() {
    let field = Field::new();
    assert!(field.windows.len() > SECRETS, "secrets that are the same");
    let start = field.records.find("ghp_").expect("a token") + 4;
    let part = &field.records[start + 3..start + 3 + WINDOW];
    assert!(!field.leaks(&format!("a line\nwith {part} in it\n")).is_empty());
    assert!(field.leaks("a line\nwith nothing in it but some more words\n").is_empty());
}
