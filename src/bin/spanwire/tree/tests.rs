//! Tests of the tree with valid and hostile traces.

use super::*;

const PLAIN: Look = Look { paint: Paint { on: false }, full: false };

fn span(name: &str, span_id: u64, parent_id: u64, start: i64, duration: i64) -> Span {
    let text = str::to_owned;
    let (service, resource) = (text("shop"), text(name));
    let trace_id = 0x4848_5a39_53bb_6124;
    Span { service, resource, name: text(name), trace_id, span_id, parent_id, start, duration, ..Span::default() }
}

fn tag(span: &mut Span, key: &str, value: &str) {
    span.meta.insert(key.into(), value.into());
}

#[test]
fn a_trace_reads_as_a_tree() {
    let mut root = span("checkout", 0x3acb_94be_b806_8ad1, 0, 1_000, 152_400);
    root.kind = "web".into();
    tag(&mut root, "_dd.p.tid", "640cfd8d00000000");
    tag(&mut root, "env", "prod");
    root.metrics.insert("_sampling_priority_v1".into(), 1.0);
    let mut payment = span("payment", 0x11 << 56, root.span_id, 3_000, 80_100);
    tag(&mut payment, "card", "visa");
    payment.metrics.insert("amount".into(), 42.5);
    payment.error = true;
    tag(&mut payment, "error.type", "Refused");
    tag(&mut payment, "error.message", "no funds");
    tag(&mut payment, "error.stack", "at pay\nat main");
    let stock = span("stock", 0x22 << 56, root.span_id, 2_000, 900);
    assert_eq!(
        draw(&[root, payment, stock], PLAIN),
        "\
trace 640cfd8d…53bb6124  3 spans  152 µs
└─ checkout  152 µs  service shop  resource checkout  type web  id 42366434…
   │  env  prod
   │  +2 of the tracer's own (--full shows them)
   ├─ stock  900 ns  service shop  resource stock  id 24499581…
   └─ ✗ payment  80.1 µs  service shop  resource payment  id 12249790…
         error: Refused: no funds
           at pay
           at main
         card    visa
         amount  42.5
"
    );
}

#[test]
fn what_tracers_add_is_folded_and_full_shows_it_after_the_users_tags() {
    let mut root = span("checkout", 1, 0, 0, 1);
    for key in ["_dd.p.dm", "language", "runtime-id", "zone", "_mine"] {
        tag(&mut root, key, "x");
    }
    root.metrics.extend([("_sampling_priority_v1".into(), 1.0), ("process_id".into(), 7.0)]);
    let keys = |look| -> Vec<String> {
        let drawn = draw(&[root.clone()], look);
        drawn.lines().skip(2).map(|line| line.split_whitespace().next().unwrap_or("").to_owned()).collect()
    };
    assert_eq!(keys(PLAIN), ["_mine", "zone", "+5"]);
    let rest = ["_dd.p.dm", "language", "runtime-id", "_sampling_priority_v1", "process_id"];
    assert_eq!(keys(Look { full: true, ..PLAIN }), [&["_mine", "zone"][..], &rest[..]].concat());
}

#[test]
fn a_parent_in_another_process_is_named() {
    let drawn = draw(&[span("served", 2, 0xabc, 0, 1)], PLAIN);
    assert!(drawn.contains("parent  2748, not in this payload"), "{drawn}");
}

#[test]
fn spans_in_a_circle_are_all_shown_once() {
    let spans = [span("a", 1, 3, 0, 1), span("b", 2, 1, 0, 1), span("c", 3, 2, 0, 1), span("self", 4, 4, 0, 1)];
    let drawn = draw(&spans, PLAIN);
    for name in ["a", "b", "c", "self"] {
        assert_eq!(drawn.matches(&format!("─ {name}  ")).count(), 1, "{drawn}");
    }
    assert!(drawn.contains("one of its own descendants"), "{drawn}");
}

#[test]
fn a_very_deep_trace_stays_readable() {
    let spans: Vec<Span> = (1..=5_000).map(|id| span("call", id, id - 1, 0, 1)).collect();
    let drawn = draw(&spans, Look { full: true, ..PLAIN });
    assert!(drawn.contains("(depth 4999) call"), "the last span is missing");
    assert!(drawn.lines().map(|line| line.chars().count()).max() < Some(250));
}

#[test]
fn a_very_wide_trace_is_cut_and_says_so() {
    let spans: Vec<Span> = (1..=2_000).map(|id| span("call", id, u64::from(id != 1), 0, 1)).collect();
    assert!(draw(&spans, PLAIN).ends_with("… and 1500 more spans (--full shows them)\n"));
}

#[test]
fn what_came_over_the_network_cannot_drive_the_terminal() {
    let mut hostile = span("a\x1b[2Jb", 1, 0, 0, 1);
    tag(&mut hostile, "k\n\u{202e}", "v\r\x07\u{9b}31m");
    tag(&mut hostile, "_dd.p.tid", "\x1bé");
    let drawn = draw(&[hostile], PLAIN);
    assert!(!drawn.chars().any(|c| c.is_control() && c != '\n'), "{drawn:?}");
    assert!(drawn.contains("a\\u{1b}[2Jb") && !drawn.contains('\u{202e}'), "{drawn}");
}

#[test]
fn long_values_are_cut_unless_asked_for_whole() {
    let mut long = span("call", 1, 0, 0, 1);
    tag(&mut long, "sql", &"é".repeat(300));
    assert!(draw(&[long.clone()], PLAIN).contains(&format!("{}… (600 bytes)", "é".repeat(200))));
    assert!(draw(&[long], Look { full: true, ..PLAIN }).contains(&"é".repeat(300)));
}

#[test]
fn durations_have_the_unit_that_fits() {
    for (ns, text) in [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (9_996, "10.0 µs"),
        (80_100, "80.1 µs"),
        (99_960, "100 µs"),
        (999_600, "1.00 ms"),
        (1_204_000, "1.20 ms"),
        (999_499_999, "999 ms"),
        (999_500_000, "1.00 s"),
        (59_960_000_000, "1 min 0 s"),
        (90_000_000_000, "1 min 30 s"),
        (7_260_000_000_000, "2 h 1 min"),
        (-5_000, "-5.00 µs"),
    ] {
        assert_eq!(duration(ns), text, "{ns} ns");
    }
    assert!(!duration(i64::MIN).is_empty());
}

#[test]
fn numbers_are_written_as_people_write_them() {
    assert_eq!(
        [plain(1.0), plain(42.5), plain(-0.25), plain(1e300), plain(1e-9)],
        ["1", "42.5", "-0.25", "1e300", "1e-9"]
    );
}

#[test]
fn colours_are_only_added_never_needed() {
    let coloured = draw(&[span("call", 1, 0, 0, 1)], Look { paint: Paint { on: true }, full: false });
    let mut bare = String::new();
    let mut escape = false;
    for c in coloured.chars() {
        match c {
            '\x1b' => escape = true,
            'm' if escape => escape = false,
            _ if escape => {}
            _ => bare.push(c),
        }
    }
    assert!(coloured.contains('\x1b'));
    assert_eq!(bare, draw(&[span("call", 1, 0, 0, 1)], PLAIN));
}
