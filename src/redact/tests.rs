//! Tests of the redactor's functions: what is hidden, what stays readable, and what holds for any text.

use super::*;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const HEX32: &str = "0123456789abcdef0123456789abcdef";
const HEX40: &str = "0123456789abcdef0123456789abcdef01234567";
const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r";

#[test]
fn secrets_in_free_text_are_hidden_and_the_rest_is_kept() {
    for (given, shown) in [
        ("GET http://u:p@h:8126/x?token=1 failed", "GET http://h:8126/x?<redacted> failed"),
        ("dial http://token=hunter2:8126/a", "dial http://token=<redacted>"),
        ("(see https://h/a?b=c).", "(see https://h/a?<redacted>)."),
        ("GET /search?q=me&token=1 200", "GET /search?<redacted> 200"),
        ("Authorization: Bearer abc.def-ghi123", "Authorization: <redacted>"),
        ("authorization: ApiKey a1b2c3 end", "authorization: <redacted> end"),
        (
            r#"Authorization: Digest username="u", realm="r", response="6629fae4", end"#,
            "Authorization: <redacted>, end",
        ),
        ("sent bearer eyJhbGciOi.J9 twice", "sent bearer <redacted> twice"),
        ("Basic dXNlcjpwYXNz", "Basic <redacted>"),
        ("curl -H 'Cookie: a=b; c=\"d e\"' http://h", "curl -H 'Cookie: <redacted>' http://h"),
        ("Set-Cookie: sid=38afes7a8; Path=/\nnext", "Set-Cookie: <redacted>\nnext"),
        (r#"{"password":"a\"b","user":"x"}"#, r#"{"password":"<redacted>","user":"x"}"#),
        (r#""{\"password\":\"a\\\"b\",\"user\":1}""#, r#""{\"password\":\"<redacted>\",\"user\":1}""#),
        ("{'token': b'abc', 'a': 1}", "{'token': b'<redacted>', 'a': 1}"),
        ("[password] => hunter2", "[password] => <redacted>"),
        ("params[\"token\"]=\"x y\"", "params[\"token\"]=\"<redacted>\""),
        ("{:password=>\"x\", :a=>1}", "{:password=>\"<redacted>\", :a=>1}"),
        (r#"{"tokens": ["a", "b"], "c": 1}"#, r#"{"tokens": <redacted>, "c": 1}"#),
        (r#"Login { password: Some("x y"), n: 1 }"#, "Login { password: <redacted>, n: 1 }"),
        ("<password>hunter2</password>", "<password><redacted></password>"),
        ("DB_PASSWORD=hunter2, next", "DB_PASSWORD=<redacted>, next"),
        ("deploy --password hunter2 --to x", "deploy --password <redacted> --to x"),
        ("Server=h;User Id=u;Password=p w d;Timeout=3", "Server=h;User Id=u;Password=<redacted>;Timeout=3"),
        ("postgres://u:p@h/db and root:pw@tcp(h:3306)/db", "postgres://h/db and root:<redacted>@tcp(h:3306)/db"),
        ("dial u:p@h:8126", "dial u:<redacted>@h:8126"),
        ("a%26password%3Dhunter2%26b", "a%26password%3D<redacted>"),
        ("api_key => 0123456789", "api_key => <redacted>"),
        ("key=0123456789abcdef0123456789abcdef", "key=<redacted>"),
        ("encryption key: hunter2 end", "encryption key: <redacted> end"),
        ("the API key=hunter2", "the API key=<redacted>"),
        ("invalid key 0123456789abcdef0123456789abcdef", "invalid key <redacted>"),
        ("card 4111 1111 1111 1111.", "card <redacted>."),
        ("card=4111-1111-1111-1111", "card=<redacted>"),
        ("4242424242424242", "<redacted>"),
        ("paid=4242424242424242", "paid=<redacted>"),
        ("secret='pässwörd\\é' ö", "secret='<redacted>' ö"),
        ("secret: 4111 1111 1111 1111", "secret: <redacted>"),
        ("line one\\nauth=abcdef", "line one\\nauth=<redacted>"),
    ] {
        assert_eq!(text(given), shown, "{given}");
    }
}

#[test]
fn tokens_are_known_by_their_looks_wherever_they_stand() {
    let long = "Ab0Cd1Ef2Gh3Ij4Kl5Mn6Op7Qr8St9Uv0Wx1";
    for token in [
        JWT.to_string(),
        "AKIAIOSFODNN7EXAMPLE".into(),
        "ASIAIOSFODNN7EXAMPLE".into(),
        format!("AIzaSy{long}"),
        format!("ghp_{long}"),
        format!("github_pat_{long}"),
        "glpat-Ab0Cd1Ef2Gh3Ij4Kl5Mn".into(),
        "xoxb-1234-abcdEFGH".into(),
        "sk_live_Ab0Cd1Ef2Gh3".into(),
        "rk_live_Ab0Cd1Ef2Gh3".into(),
        format!("npm_{long}"),
    ] {
        for (before, after) in [("", ""), ("got ", " back"), ("(", ")"), ("x=", "&y"), ("\\n", ","), ("%20", "\"")] {
            let given = format!("{before}{token}{after}");
            assert_eq!(text(&given), format!("{before}<redacted>{after}"), "{given}");
        }
        assert_eq!(text(&format!("http://h/a/{token}/b")), "http://h/a/<redacted>/b");
        assert_eq!(url(&format!("http://h/a/{token}/b")), "http://h/a/<redacted>/b");
        assert_eq!(url(&format!("http://{token}:8126/b")), "http://<redacted>:8126/b");
        assert_eq!(text(&format!("at http://u:p@{token}/b?c=d")), "at http://<redacted>/b?<redacted>");
    }
}

#[test]
fn a_private_key_goes_as_a_block() {
    for newline in ["\n", "\\n"] {
        for kind in ["", "RSA ", "OPENSSH ", "ENCRYPTED "] {
            let key = ["-----BEGIN ", kind, "PRIVATE KEY-----", newline, "MIIE/+==", newline, "-----END ", kind]
                .concat()
                + "PRIVATE KEY-----";
            assert_eq!(text(&format!("loaded {key} twice")), "loaded <redacted> twice");
            assert_eq!(text(&format!("private_key={key} twice")), "private_key=<redacted> twice");
            assert_eq!(text(&format!("cut {}", &key[..key.len() - 30])), "cut <redacted>");
        }
    }
}

#[test]
fn keys_of_datadog_are_hidden_beside_their_name_alone() {
    for key in [HEX32, HEX40] {
        for name in ["DD-API-KEY: ", "DD_APP_KEY=", "dd-application-key: ", "apiKey=", "\"api_key\": ", "API key "] {
            assert_eq!(text(&format!("{name}{key} sent")), format!("{name}<redacted> sent"));
        }
        assert_eq!(text(&format!("trace {key} sent")), format!("trace {key} sent"));
    }
}

#[test]
fn harmless_text_is_not_copied() {
    for given in [
        "",
        "connection refused (os error 111)",
        "http://localhost:8126/v0.4/traces",
        "http://auth:8080/token/7, auth:8080 and redis-auth.prod:6379 refused",
        "basic authentication is off",
        "digest of it",
        "key=42",
        "key=session_user_profile_2024_11_28",
        "key=550e8400-e29b-41d4-a716-446655440000",
        "cache key: session_user_profile_2024_11_28",
        "cache key 0123456789abcdef0123456789abcdef was not found",
        "cache.key=0123456789abcdef0123456789abcdef sort_key=1234567890123456789a",
        r#"{"partition_key":"eu-west-1/orders/2024","keys":["a","b"]}"#,
        "author=me monkey=you keyspace=k authority=a",
        "token_count=12 max_tokens=4096",
        "trace_id=4111111111111111",
        "\"span_id\": \"4242424242424242\"",
        "span 4242424242424242 of trace 4111111111111111",
        "dd.trace_id=0123456789abcdef0123456789abcdef dd.span_id=4242424242424242",
        "0123456789abcdef0123456789abcdef",
        "550e8400-e29b-41d4-a716-446655440000",
        "commit 0123456789abcdef0123456789abcdef01234567",
        "1795538842691999999 2026-11-24T16:47:22.691Z 12:30:59",
        "4242424242424242424",
        "4111111111111112",
        "424242424242424242424242",
        "0.4242424242424242 and deadbeef4242424242424242",
        "sent 1608 bytes",
        "password",
        "token=",
        "token=null",
        "open /run/secrets/db_password: permission denied",
        "at Object.parse (/app/lib/token.js:33:5)",
        "at com.shop.Auth.login(Auth.java:33)",
        "File \"/app/auth.py\", line 3, in login",
        "/app/auth.rb:33:in 'login'",
        "#0 /app/Auth.php(33): App\\Auth->login() via App\\Auth::user()",
        "core::auth::token::Kind at src/token.rs:12",
        "at Shop.Auth.Login(String token) in C:\\src\\Auth.cs:line 33",
        "-----BEGIN CERTIFICATE-----",
        "mail bob@example.com or git@github.com:a/b.git",
        "what? yes/no?",
        "sk-learn-is-a-library-with-a-long-name-indeed",
    ] {
        assert!(matches!(text(given), Cow::Borrowed(same) if same == given), "{given} became {}", text(given));
    }
}

#[test]
fn a_name_decides_over_its_value() {
    for name in ["DD_API_KEY", "http.request.headers.x-auth-token", "authToken", "db.password2", "APIKEY", "pwd"] {
        assert_eq!(value_of(name, "v"), REDACTED, "{name}");
        assert!(is_secret_name(name), "{name}");
    }
    for name in ["author", "monkey.size", "keyboard", "tokenizer", "http.url", "token_count"] {
        assert_eq!(value_of(name, "12"), "12", "{name}");
        assert!(!is_secret_name(name), "{name}");
    }
    for name in ["key", "Keys", "cache.key", "sort_key", "partitionKey"] {
        assert_eq!(value_of(name, HEX32), HEX32, "{name}");
        assert_eq!(value_of(name, JWT), REDACTED, "{name}: a token shows by its looks");
    }
    assert_eq!(value_of("http.request.headers.cookie", "a=b; c=d"), REDACTED);
    assert_eq!(value_of("http.query_string", "a=b"), REDACTED);
    assert_eq!(value_of("db.query", "select 1"), "select 1");
    assert_eq!(value_of("token_count", "hunter2"), REDACTED);
    assert_eq!(value_of("order.id", "4242424242424242"), "4242424242424242");
    assert_eq!(value_of("order", "4242424242424242"), REDACTED);
}

#[test]
fn urls_lose_userinfo_query_and_fragment() {
    for (given, shown) in [
        ("http://user:pa@ss@host/p", "http://host/p"),
        ("http://user:pa/s?s@host/p", "http://host/p"),
        ("http://a:b@c:d/e@f", "http://f"),
        ("user:secret@host:8126", "host:8126"),
        ("http://h/p#access", "http://h/p"),
        ("http://[::1]:8126/a@b", "http://[::1]:8126/a@b"),
        ("unix:///run/a@b.socket", "unix:///run/a@b.socket"),
        ("http://localhost:8126", "http://localhost:8126"),
    ] {
        assert_eq!(url(given), shown, "{given}");
        assert_eq!(url(&url(given)), shown, "{given}, twice");
    }
}

/// Pseudo-random numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

#[test]
fn any_text_is_redacted_once_and_for_all_and_hardly_grows() {
    let card = "4111111111111111";
    let pieces = [
        "token",
        "password",
        "key",
        "API key",
        "cache",
        "encryption",
        "Cookie",
        "Authorization",
        "sign",
        "count",
        "id",
        "u",
        "h",
        "n",
        "\n",
        "\t",
        " ",
        " ",
        "=",
        "=",
        ":",
        ":",
        "=>",
        "://",
        "http://",
        "@",
        "@tcp(",
        "?",
        "#",
        "/",
        "/",
        "\"",
        "'",
        "\\",
        "\\\"",
        "\\n",
        "%22",
        "%3D",
        "%20",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        ";",
        ",",
        "&",
        ".",
        "-",
        "--",
        "_",
        "é",
        "日",
        "bearer ",
        "Basic ",
        "Digest ",
        "nonce=",
        "eyJ",
        JWT,
        HEX32,
        card,
        "4111 1111 ",
        "4",
        "ghp_",
        "sk_live_",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "<redacted>",
        "null",
        "x",
        "abcdefgh12345678",
    ];
    let mut random = Random(0x5eed_1234_5678_9abc);
    for round in 0..30_000 {
        let given: String = (0..1 + random.below(14)).map(|_| pieces[random.below(pieces.len())]).collect();
        let once = text(&given);
        assert_eq!(Scan { quick: false, ..Scan::new(&given, true) }.run().0, once, "round {round}: {given:?}");
        let again = text(&once);
        assert_eq!(again, once, "round {round}: {given:?}");
        assert!(once.len() <= 4 * given.len() + REDACTED.len(), "round {round}: {given:?}");
        let _ = (value_of(&given, &given), url(&given));
    }
}

#[test]
fn only_texts_without_a_secret_pass_the_quick_check() {
    for given in
        ["SELECT name FROM users WHERE id = ? AND a=1", "GET /users/{id}", "bench-service", "UsersController#show"]
    {
        assert!(plain::is_plain(given.as_bytes()), "{given}");
    }
    for (prefix, least) in (0..=255).flat_map(patterns::prefixes) {
        assert!(prefix.len() + least >= plain::TOKEN_MIN, "{prefix:?}");
        let token = [prefix, "7".repeat(*least).as_bytes()].concat();
        assert!(!plain::is_plain(&token) && !plain::is_plain(&[b"got.", &token[..], b" back"].concat()), "{prefix:?}");
    }
    for name in words::QUERY_ENDINGS {
        assert!(is_query(name) && is_query(&format!("x.{name}_")) && is_query(&name.to_uppercase()), "{name}");
    }
}

#[test]
fn a_keys_end_inside_of_a_character_is_no_panic() {
    for length in 30..50 {
        let key =
            format!("-----BEGIN PRIVATE KEY-----\nabc\n-----END {}{}", "x".repeat(length % 2), "é".repeat(length));
        assert!(text(&key).starts_with(REDACTED), "{key}");
    }
}

/// Returns the processor time of this thread, which does not grow on a busy machine. Wall time if the kernel does not
/// report it.
fn on_processor() -> Duration {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = told.split(' ').next().and_then(|ns| ns.parse().ok()).map(Duration::from_nanos);
    first.unwrap_or_else(|| BEGUN.get_or_init(Instant::now).elapsed())
}

#[test]
fn a_megabyte_takes_no_time_whatever_it_holds() {
    // Debug builds are slow, so the test allows ten times the promised 1 s.
    let promise = Duration::from_secs(1);
    let (mut slowest, mut which) = (Duration::ZERO, "");
    for piece in [
        "a=",
        "=",
        "4",
        "4 ",
        "4111-",
        "key",
        "key=\"",
        "key=!",
        "api key=",
        "cache key=",
        "api key ",
        "private key: a",
        "sig=*",
        "key=a:",
        "key=(",
        "token=(",
        "token=a(",
        "token='\\",
        "http://",
        "http://a:b/",
        "bearer ",
        "Digest nonce=",
        "@:",
        "a:b@",
        "a:",
        "\\",
        "\"",
        "'",
        "token:'",
        "token:\\\"",
        "token\\",
        "eyJ",
        "eyJ-",
        "eyJ.",
        "eyJabcdefgh.",
        "-----BEGIN",
        "-----BEGIN PRIVATE KEY",
        "-----END",
        "-",
        "/?a?",
        "/a?b=c ",
        "; token=a",
        "cookie:a=\"",
        "%22",
        "token=%22",
        "é",
        " ",
        "ghp_",
        "sk-",
        "key 0",
        "<token>",
        "--token ",
    ] {
        let long = piece.repeat(1_000_000 / piece.len());
        for given in [format!("{long}.a"), format!("x:{long}@")] {
            let begun = on_processor();
            let _ = (text(&given), url(&given));
            let took = on_processor() - begun;
            if took > slowest {
                (slowest, which) = (took, piece);
            }
            assert!(took < 10 * promise, "{piece:?} took {took:?}");
        }
    }
    println!("the slowest megabyte: {slowest:?} of {which:?}");
}
