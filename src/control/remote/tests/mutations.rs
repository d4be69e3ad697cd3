//! Answers that are changed at random: no panic, bounded memory, and what was in force stays if the answer is refused.

use super::*;

const MUTATIONS: u64 = 10_000;

/// Random numbers that are the same in each run (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }
}

fn files(random: &mut Random) -> Vec<(&'static str, Value)> {
    let rules = json!([{ "service": "s", "sample_rate": 0.5, "provenance": "customer", "tags": [{ "key": "k", "value_glob": "*" }] }]);
    let library = json!({
        "tracing_sampling_rate": random.below(5) as f64 / 4.0,
        "tracing_sampling_rules": rules,
        "tracing_tags": ["a:b"],
        "tracing_enabled": true,
    });
    let all = [
        (DEBUG, level("debug")),
        (ORDER, json!({ "order": [], "internal_order": ["flare-log-level.trace"] })),
        (TASK, task("12", &random.next().to_string())),
        (TRACING, tracing(library)),
    ];
    let chosen = random.next();
    all.into_iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1).map(|(_, file)| file).collect()
}

/// Changes some bytes.
fn mutate_bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let (at, end) = (random.below(bytes.len()), random.below(bytes.len()));
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = random.next() as u8,
            2 => bytes.truncate(at),
            3 => bytes.insert(at, b"\"{}[],:0\\e-\x00\xff"[random.below(13)]),
            4 if at < end => drop(bytes.drain(at..end)),
            _ => {
                let copy = bytes[at.min(end)..at.max(end)].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
}

/// Changes one value somewhere in a document, or its content, which is a text of base64 itself.
fn mutate_value(random: &mut Random, value: &mut Value) {
    match value {
        Value::Object(fields) if random.below(5) > 0 && !fields.is_empty() => {
            let at = random.below(fields.len());
            if let Some(field) = fields.values_mut().nth(at) {
                mutate_value(random, field);
            }
        }
        Value::Array(items) if random.below(5) > 0 && !items.is_empty() => {
            let at = random.below(items.len());
            mutate_value(random, &mut items[at]);
        }
        Value::String(text) if random.below(4) > 0 => match STANDARD.decode(text.as_bytes()).ok() {
            Some(mut content) if text.len() > 8 => {
                match serde_json::from_slice::<Value>(&content) {
                    Ok(mut inside) => {
                        mutate_value(random, &mut inside);
                        content = inside.to_string().into_bytes();
                    }
                    Err(_) => mutate_bytes(random, &mut content),
                }
                *text = STANDARD.encode(content);
            }
            _ => text.push_str(["", "\0", "/", "x", "é", "\u{202e}", "00"][random.below(7)]),
        },
        other => {
            let huge = random.below(100) == 0;
            *other = match random.below(8) {
                0 => Value::Null,
                1 => json!(random.next() as i64),
                2 => json!(f64::from_bits(random.next())),
                3 => json!("x".repeat(if huge { 100_000 } else { random.below(80) })),
                4 => json!(vec![0; if huge { 60_000 } else { random.below(9) }]),
                5 => json!({}),
                6 => json!(true),
                _ => (0..random.below(40)).fold(json!(1), |inside, _| json!([inside])),
            };
        }
    }
}

#[test]
fn ten_thousand_changed_answers_do_no_harm() {
    let mut random = Random(20_261_129);
    let (mut client, host, now) = (Client::default(), Asked::default(), Instant::now());
    let (mut refused, mut used) = (0, 0);
    for n in 0..MUTATIONS {
        let mut answer = whole(n, &files(&mut random));
        // Half of them stay JSON.
        let body = if n % 2 == 0 {
            let mut body = answer.to_string().into_bytes();
            mutate_bytes(&mut random, &mut body);
            body
        } else {
            mutate_value(&mut random, &mut answer);
            answer.to_string().into_bytes()
        };
        let before = (client.held.clone(), host.level.borrow().to_owned(), host.tracing.borrow().clone());
        let versions = (client.targets_version, client.root_version, client.backend_state.clone());
        client.take(&body, &host, now);
        client.settle(&host, now);
        if client.error.is_empty() {
            used += 1;
        } else {
            refused += 1;
            let after = (client.held.clone(), host.level.borrow().to_owned(), host.tracing.borrow().clone());
            assert_eq!(before, after, "{}", String::from_utf8_lossy(&body));
            assert_eq!(versions, (client.targets_version, client.root_version, client.backend_state.clone()));
            assert!(client.error.chars().count() <= SHOWN_MAX + 1);
        }
        assert!(client.held.len() <= response::CONFIGS_MAX);
        let tasks = host.flares.take();
        assert!(tasks.iter().all(|task| task.case_id.starts_with("12") && task.hostname.len() <= 1_000));
        host.failed.take();
        // Back to a good state from time to time.
        if n % 16 == 15 {
            assert!(client.request(&Subject::default()).len() < 1 << 20);
            let rate = tracing(json!({ "tracing_sampling_rate": 0.75 }));
            give(&mut client, &host, now, &whole(n, &[(DEBUG, level("debug")), (TRACING, rate)]));
            assert_eq!((host.raised(), host.changes()[0].rate), (Some(Level::Debug), Some(0.75)));
        }
    }
    assert!(refused > MUTATIONS / 4 && used > MUTATIONS / 20, "{refused} refused, {used} used");
}
