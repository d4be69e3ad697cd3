use super::*;
use crate::tracer::current::state;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Reads one request, with the body that its head announces.
fn request_from(stream: &mut TcpStream) -> String {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let got = stream.read(&mut part).expect("a request");
        bytes.extend(&part[..got]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some(head) = text.find("\r\n\r\n").map(|at| text[..at].to_ascii_lowercase()) else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        if got == 0 || bytes.len() >= head.len() + 4 + length.unwrap_or(0) {
            return text;
        }
    }
}

/// An Agent that offers flares and answers 200 to everything, and returns the first request for a flare.
fn flare_at(listener: TcpListener) -> String {
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        let request = request_from(&mut stream);
        let body = r#"{"endpoints":["/v0.4/traces","/tracer_flare/v1"]}"#;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).expect("answered");
        if request.starts_with("POST /tracer_flare/v1 ") {
            return request;
        }
    }
    unreachable!("a listener does not end")
}

#[test]
fn a_task_is_answered_with_an_archive_even_if_no_span_was_started() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let agent = std::thread::spawn(|| flare_at(listener));
    let state = state();
    let code = vec![("DD_TRACE_AGENT_URL".into(), url), ("DD_SERVICE".into(), "flaring".into())];
    let tracer = state.tracers.make(state, code).expect("a tracer");
    let (index, _) = state.tracers.find(tracer).expect("it is there");
    let uuid = format!("d53fc8a4-8820-47a2-aa7d-{:012}", std::process::id());
    let task = FlareTask {
        case_id: "12345".into(),
        hostname: "web-1".into(),
        user_handle: "user@example.com".into(),
        uuid: uuid.clone(),
    };
    request(state, index, task).expect("it is taken");
    let form = agent.join().expect("a flare");
    for part in ["tracer_native", "12345", "web-1", "user@example.com", &uuid] {
        assert!(form.contains(part), "{part}: {form}");
    }
    assert!(form.contains("PK\u{3}\u{4}") && form.contains("spanwire-manifest.json"), "{form}");
    state.tracers.free(state, tracer).expect("it is ours");
}

#[test]
fn a_tracer_that_writes_to_a_file_has_nowhere_to_send_a_flare() {
    let state = state();
    let code = vec![("DD_TRACE_AGENT_URL".into(), "file:///dev/null".into()), ("DD_SERVICE".into(), "no agent".into())];
    let tracer = state.tracers.make(state, code).expect("a tracer");
    let (index, _) = state.tracers.find(tracer).expect("it is there");
    request(state, index, FlareTask { case_id: "77".into(), ..FlareTask::default() }).expect("it is taken");
    let told = (0..1000).any(|_| {
        let mut told = false;
        state.shared.logs.poll(usize::MAX, &mut |record| {
            told |= record.text.contains("flare not sent: case=77") && record.text.contains("sends to no Agent");
        });
        std::thread::sleep(Duration::from_millis(if told { 0 } else { 20 }));
        told
    });
    assert!(told);
    state.tracers.free(state, tracer).expect("it is ours");
}
