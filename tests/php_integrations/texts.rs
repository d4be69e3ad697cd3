//! SQL without literals, and paths of URLs without numbers. `tests/urls.rs` has URLs without secrets.

use crate::extension::{folder, php};
use crate::{both, integration};
use serde_json::{json, Value as Json};

/// Runs one function of `shared.php` for each list of arguments.
fn call(function: &str, arguments: &[Json]) -> Vec<String> {
    let Some(php) = php() else { return Vec::new() };
    let script = folder("texts").join(format!("{function}.php"));
    let code = format!(
        "<?php require '{}'; echo json_encode(array_map(fn ($a) => Spanwire\\Integrations\\{function}(...$a), json_decode(stream_get_contents(STDIN), true)));",
        integration("shared.php").display()
    );
    std::fs::write(&script, code).expect("a script");
    let [(_, host), _] = both(php, &[], &[]);
    let outcome = host.arg(script.display()).input(&json!(arguments).to_string()).run().ok();
    assert_eq!(outcome.stderr, "");
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.stdout))
}

#[test]
fn sql_in_resources_has_no_literals() {
    let cases = [
        (
            "mysql",
            r#"SELECT "it\"s secret", 'it\'s ''secret', 0xDEAD, 1.5e-3, t1.a2 FROM `a'b` WHERE x IN (1, 2,3) AND y=-5 # secret
            LIMIT 5"#,
            "SELECT ?, t1.a2 FROM `a'b` WHERE x IN (?) AND y=-? LIMIT ?",
        ),
        (
            "mysql",
            "INSERT INTO t (a,b) VALUES (1,\"x\"), (2,3) , (3,_utf8mb4'secret')",
            "INSERT INTO t (a,b) VALUES (?)",
        ),
        (
            "mysql",
            "SELECT * FROM t2 -- secret\nWHERE a=@v1 AND b=:p2 /* secret */ AND c = x'41' AND d=\"\\",
            "SELECT * FROM t2 WHERE a=@v1 AND b=:p2 AND c = ? AND d=?",
        ),
        (
            "pgsql",
            r#"SELECT "id" FROM "t" WHERE a=E'x\' secret' AND b = $1 AND c = $$secret'$$ AND d = $q$ $$ secret $q$ AND e='it''s' AND f='c:\' AND g=2::int4 AND h="not an identifier ""#,
            "SELECT \"id\" FROM \"t\" WHERE a=? AND b = $1 AND c = ? AND d = ? AND e=? AND f=? AND g=?::int4 AND h=?",
        ),
        ("sqlite", "SELECT 'unterminated secret", "SELECT ?"),
        ("sqlite", "INSERT INTO t VALUES (1, 'it''s secret'), (2, 'x')", "INSERT INTO t VALUES (?)"),
        ("sqlite", "-- only secret", ""),
        ("mysql", "", ""),
        ("mysql", "SELECT '\u{fc}\u{2603}' AS `\u{e4}`", "SELECT ? AS `\u{e4}`"),
    ];
    let arguments: Vec<Json> = cases.iter().map(|(dialect, sql, _)| json!([sql, dialect])).collect();
    let shown = call("sql_without_literals", &arguments);
    for ((_, sql, expected), shown) in cases.iter().zip(&shown) {
        assert_eq!(shown, expected, "{sql}");
    }
    // Long texts neither fail nor show what follows the cut.
    let long = [json!([format!("SELECT '{}', secret", "x".repeat(1_000_000)), "mysql"])];
    assert!(call("sql_without_literals", &long).iter().all(|shown| shown == "SELECT ?"));
    let many = [json!(["SELECT 'secret',".repeat(100_000), "mysql"]), json!(["'\\'".repeat(9_000), "mysql"])];
    assert!(call("sql_without_literals", &many).iter().all(|shown| !shown.contains("secret") && !shown.contains('\'')));
}

#[test]
fn urls_are_grouped_by_a_path_without_numbers() {
    let routes = [
        ("/users/42/cart?x=1", "/users/?/cart"),
        ("/a/6b0bdb2e000000006418ea762dda6e69", "/a/?"),
        ("/v2/x.php", "/v2/x.php"),
        ("//odd:/x", "//odd:/x"),
        ("", "/"),
    ];
    let arguments: Vec<Json> = routes.iter().map(|(url, _)| json!([url])).collect();
    for ((url, expected), shown) in routes.iter().zip(call("route_of", &arguments)) {
        assert_eq!(&shown, expected, "{url}");
    }
}
