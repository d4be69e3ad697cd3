//! Contexts in headers. What ddtrace 4.16 and dd-trace 5.132 extracted from 115 sets of headers under 11 settings, and
//! injected again, is in `propagation/rows.json`: in each row the library does what one of them did, or the row is in
//! the table of decisions in docs/propagation.md. Hostile headers cost no more than their length.

mod support;

use serde_json::{json, Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use support::hosts::{host, root};

/// A text in which `<520x>` stands for 520 times `x`.
fn long(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once('<') {
        let (count, after) = after.split_once('>').expect("a count and a letter");
        let (count, letter) = count.split_at(count.len() - 1);
        out += before;
        out += &letter.repeat(count.parse().expect("a count"));
        rest = after;
    }
    out + rest
}

fn all_long(value: &Json) -> Json {
    match value {
        Json::String(text) => long(text).into(),
        Json::Array(list) => list.iter().map(all_long).collect(),
        Json::Object(map) => map.iter().map(|(key, value)| (long(key), all_long(value))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { (b as char).into() } else { format!("%{b:02x}") }).collect()
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let digits = std::str::from_utf8(after.get(..2).unwrap_or_default()).unwrap_or_default();
        match u8::from_str_radix(digits, 16) {
            Ok(byte_of_two) if byte == b'%' => (bytes, rest) = ([bytes, vec![byte_of_two]].concat(), &after[2..]),
            _ => (bytes, rest) = ([bytes, vec![byte]].concat(), after),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn texts(map: &Json) -> impl Iterator<Item = (&str, &str)> {
    map.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))
}

/// What one row led to, in the form of `rows.json`, with its headers apart.
#[derive(Default)]
struct Got {
    context: Map<String, Json>,
    headers: BTreeMap<String, String>,
    child: (String, String),
}

fn read(stdout: &str) -> BTreeMap<String, Got> {
    let mut all: BTreeMap<String, Got> = BTreeMap::new();
    let mut name = String::new();
    for line in stdout.lines() {
        let words: Vec<String> = line.split(' ').map(decoded).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let ["row", row] = words[..] {
            name = row.to_owned();
            all.entry(name.clone()).or_default().context =
                [("trace".to_owned(), Json::Null), ("span".to_owned(), Json::Null)].into_iter().collect();
            continue;
        }
        let Some(got) = all.get_mut(&name) else { continue };
        match words[..] {
            ["context", trace, span, priority] => {
                got.context.insert("trace".into(), trace.into());
                if !span.trim_matches('0').is_empty() {
                    got.context.insert("span".into(), span.into());
                }
                if let Ok(priority) = priority.parse::<i64>() {
                    got.context.insert("priority".into(), priority.into());
                }
            }
            ["item", key, value] => {
                let items = got.context.entry("baggage").or_insert_with(|| json!({}));
                items[key] = value.into();
            }
            ["child", trace, span] => got.child = (trace.into(), span.into()),
            ["header", name, value] => drop(got.headers.insert(name.into(), value.into())),
            _ => {}
        }
    }
    all
}

/// Adds what only the root span shows.
fn add_tags(got: &mut Got, span: &Json) {
    let meta = &span["meta"];
    for (key, name) in [("_dd.origin", "origin"), ("_dd.propagation_error", "error"), ("_dd.parent_id", "last_parent")]
    {
        if let Some(value) = meta.get(key) {
            got.context.insert(name.into(), value.clone());
        }
    }
    let baggage: Map<String, Json> =
        meta.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    let baggage: Map<String, Json> = baggage.into_iter().filter(|(key, _)| key.starts_with("baggage.")).collect();
    if !baggage.is_empty() {
        got.context.insert("tags".into(), baggage.into());
    }
    if let Some(links) = span.get("span_links").and_then(Json::as_array) {
        let short = |link: &Json| {
            let attribute = |name: &str| link["attributes"][name].clone();
            json!([link["trace_id"], link["span_id"], attribute("reason"), attribute("context_headers")])
        };
        got.context.insert("links".into(), links.iter().map(short).collect());
    }
}

/// A header with ids of this run replaced as in `rows.json`, and in an order of its own where order means nothing.
fn normal(name: &str, value: &str, got: &Got) -> String {
    let mut value = value.to_owned();
    let (trace, span) = &got.child;
    if name != "baggage" {
        let decimal = |hex: &str| u64::from_str_radix(hex, 16).expect("an id").to_string();
        value = value.replace(span, "CHILD").replace(&decimal(span), "CHILDDEC");
        if got.context["trace"].is_null() {
            let (high, low) = trace.split_at(16);
            for (id, word) in [(trace.as_str(), "NEW128"), (high, "NEWHIGH"), (low, "NEWLOW")] {
                value = value.replace(id, word);
            }
            value = value.replace(&decimal(low), "NEWLOWDEC");
            if let Some((before, after)) = value.clone().split_once("rv:") {
                value = format!("{before}rv:RV{}", &after[14..]);
            }
        }
    }
    let sorted = |text: &str, separator: &str| {
        let mut parts: Vec<&str> = text.split(separator).collect();
        parts.sort_unstable();
        parts.join(separator)
    };
    match name {
        "x-datadog-tags" | "baggage" => sorted(&value, ","),
        "tracestate" => {
            let member = |member: &str| match member.strip_prefix("dd=") {
                Some(dd) => format!("dd={}", sorted(dd, ";")),
                None => member.to_owned(),
            };
            value.split(',').map(member).collect::<Vec<_>>().join(",")
        }
        _ => value,
    }
}

/// The cases in the table of decisions, with the number of rows that differ from both tracers.
fn decisions() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("docs/propagation.md")).expect("docs/propagation.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let case = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        Some((case.to_owned(), cells.get(2)?.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn each_row_is_as_in_one_of_two_tracers_or_a_listed_decision() {
    let rows: Json = serde_json::from_str(include_str!("propagation/rows.json")).expect("rows");
    let cases = rows["cases"].as_array().expect("cases");
    let folder = root().join("target/test-traces").join(format!("propagation-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("traces");
    let mut input = String::new();
    for (style, row) in rows["rows"].as_object().expect("rows") {
        let url = format!("file://{}", file.display());
        let fixed = [("DD_TRACE_AGENT_URL", url.as_str()), ("SPANWIRE_LOG_SINKS", "none")];
        let settings = texts(&row["settings"]).chain(fixed);
        input += "tracer";
        settings.for_each(|(name, value)| input += &format!(" {} {}", encoded(name), encoded(value)));
        for case in cases {
            for (word, key) in [("header", "headers"), ("baggage", "set")] {
                for (name, value) in texts(&case[key]) {
                    input += &format!("\n{word} {} {}", encoded(&long(name)), encoded(&long(value)));
                }
            }
            input += &format!("\nrow {}", encoded(&format!("{style}/{}", case["case"].as_str().unwrap_or_default())));
        }
        input += "\n";
    }
    let Some(host) = host("propagation.c") else { return };
    let ran = host.input(&input).run().ok();
    let mut got = read(&ran.stdout);
    let traces = fs::read_to_string(&file).expect("the traces");
    let _ = fs::remove_dir_all(&folder);
    for line in traces.lines() {
        let trace: Json = serde_json::from_str(line).expect("a trace");
        for span in trace["spans"].as_array().into_iter().flatten() {
            if let Some(got) = got.get_mut(span["name"].as_str().unwrap_or_default()) {
                add_tags(got, span);
            }
        }
    }
    let (mut differ, mut said, mut count) = (BTreeMap::<String, usize>::new(), String::new(), 0);
    for (style, row) in rows["rows"].as_object().expect("rows") {
        for (case, results) in cases.iter().zip(row["results"].as_array().expect("results")) {
            let case = case["case"].as_str().expect("a name");
            let got = &got[&format!("{style}/{case}")];
            let result = |n: usize| all_long(&rows["results"][results[n].as_u64().expect("a number") as usize]);
            let peers = [result(0), result(1)];
            let context = |peer: &Json| {
                let fields = peer.as_object().into_iter().flatten().filter(|(name, _)| *name != "headers");
                fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()
            };
            let mut wrong = Vec::new();
            if !peers.iter().any(|peer| context(peer) == got.context) {
                wrong.push(format!("extracted {}", Json::from(got.context.clone())));
            }
            let theirs = peers.iter().flat_map(|peer| texts(&peer["headers"]).map(|(name, _)| name.to_owned()));
            let names: BTreeSet<String> = theirs.chain(got.headers.keys().cloned()).collect();
            for name in &names {
                let ours = got.headers.get(name).map(|value| normal(name, value, got));
                let theirs = |peer: &Json| {
                    let value = peer["headers"].get(name).and_then(Json::as_str)?;
                    let mut items: Vec<&str> = value.split(',').collect();
                    items.sort_unstable();
                    Some(if name == "baggage" { items.join(",") } else { value.to_owned() })
                };
                if !peers.iter().any(|peer| theirs(peer) == ours) {
                    wrong.push(format!("{name}: {ours:?}, not {:?}", peers.iter().map(theirs).collect::<Vec<_>>()));
                }
            }
            count += 1;
            if !wrong.is_empty() {
                *differ.entry(case.to_owned()).or_default() += 1;
                said += &format!("{style}/{case}\n  {}\n", wrong.join("\n  "));
            }
        }
    }
    assert_eq!(count, 115 * 11);
    let decisions = decisions();
    let wrong: Vec<_> = differ.iter().filter(|(case, rows)| decisions.get(*case) != Some(rows)).collect();
    let idle: Vec<_> = decisions.keys().filter(|case| !differ.contains_key(*case)).collect();
    assert!(wrong.is_empty() && idle.is_empty(), "not in docs/propagation.md: {wrong:?}; idle: {idle:?}\n{said}");
}
