use super::*;
use crate::recorder::layout::header;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::sync::{Arc, Mutex};

type Taker = Box<dyn Fn(&str) + Send + Sync>;

/// A process that says what it is asked.
#[derive(Default)]
struct Fake {
    takers: Mutex<Vec<(u64, Taker)>>,
    /// A tracer has come that allows no socket.
    forbids: AtomicBool,
}

impl Host for Arc<Fake> {
    fn allows(&self) -> bool {
        !self.forbids.load(Acquire)
    }

    fn status(&self) -> String {
        "status of it\n".into()
    }

    fn spans(&self, most: usize) -> String {
        format!("{most} spans\n")
    }

    fn debug(&self, on: bool, seconds: u32) -> String {
        format!("debug {on} {seconds}\n")
    }

    fn flush(&self, time: Duration) -> String {
        format!("flushed within {time:?}\n")
    }

    fn follow(&self, take: Taker) -> Result<u64, String> {
        let mut takers = self.takers.lock().expect("takers");
        let number = takers.len() as u64 + 1;
        takers.push((number, take));
        Ok(number)
    }

    fn unfollow(&self, number: u64) {
        self.takers.lock().expect("takers").retain(|(other, _)| *other != number);
    }
}

const UNUSED: Duration = Duration::from_millis(1_500);

/// A recorder, its words as another process sees them, and a socket that is served on a thread.
struct Served {
    recorder: Recorder,
    host: Arc<Fake>,
    thread: Option<std::thread::JoinHandle<ControlState>>,
}

impl Served {
    fn start() -> Served {
        let (recorder, host) = (Recorder::new(sys::pid(), 1, 0), Arc::new(Fake::default()));
        let (of_thread, its_host) = (recorder, host.clone());
        let thread = std::thread::spawn(move || serve(&of_thread, &its_host, UNUSED));
        let served = Served { recorder, host, thread: Some(thread) };
        while served.word(header::CONTROL_STATE) != ControlState::Open as u64 {
            std::thread::yield_now();
        }
        served
    }

    fn word(&self, at: usize) -> u64 {
        self.recorder.words.expect("it keeps")[at].load(Acquire)
    }

    fn connect(&self) -> std::io::Result<UnixStream> {
        let name = [self.word(header::CONTROL_NAME), self.word(header::CONTROL_NAME + 1)];
        let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(socket_name(name))?)?;
        stream.set_read_timeout(Some(Duration::from_secs(50)))?;
        Ok(stream)
    }

    /// What a peer says first.
    fn proof(&self) -> Vec<u8> {
        let words = [self.word(header::CONTROL_NAME), self.word(header::CONTROL_NAME + 1)];
        format!("{} ", proof_of(words)).into_bytes()
    }

    /// Waits for the end of the thread.
    fn end(&mut self) -> ControlState {
        self.thread.take().expect("it runs").join().expect("no panic")
    }

    fn ask(&self, request: &[u8]) -> String {
        self.say(&[&self.proof()[..], request].concat())
    }

    fn say(&self, request: &[u8]) -> String {
        let mut stream = self.connect().expect("it listens");
        stream.write_all(request).expect("it takes the request");
        let mut answer = Vec::new();
        // A peer that is cut off sees a reset.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[test]
fn a_socket_answers_until_it_is_unused_and_is_then_gone() {
    let mut served = Served::start();
    assert_eq!(served.ask(b"status\n"), "good\nstatus of it\n");
    assert_eq!(served.ask(b"spans 5\n"), "good\n5 spans\n");
    assert_eq!(served.ask(b"debug on 600\n"), "good\ndebug true 600\n");
    assert_eq!(served.ask(b"flush 1500\n"), "good\nflushed within 1.5s\n");
    let unknown = "bad\nthis library does not know that request: use the companion of its release\n";
    for (request, answer) in [
        (&b"shutdown\n"[..], unknown),
        (b"\n", unknown),
        (b"\xff\n", ""),
        (b"status\nspans\n", "good\nstatus of it\n"),
        (&[b'x'; 5_000], ""),
    ] {
        assert_eq!(served.ask(request), answer, "{}", String::from_utf8_lossy(request));
    }
    assert_eq!(served.end(), ControlState::Closed);
    let last = served.connect().expect_err("it is gone");
    assert_eq!(last.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_follower_gets_the_records_and_one_that_is_slow_is_told_what_it_lost() {
    let served = Served::start();
    let mut stream = served.connect().expect("it listens");
    stream.write_all(&[&served.proof()[..], b"log\n"].concat()).expect("it takes the request");
    let mut first = [0; 5];
    stream.read_exact(&mut first).expect("an answer");
    assert_eq!(&first, b"good\n");
    let say = |text: &str| served.host.takers.lock().expect("takers").iter().for_each(|(_, take)| take(text));
    say("one");
    let mut line = [0; 4];
    stream.read_exact(&mut line).expect("a record");
    assert_eq!(&line, b"one\n");
    let long = "x".repeat(1_000);
    (0..5_000).for_each(|_| say(&long));
    say("last");
    let mut all = Vec::new();
    while !all.ends_with(b"last\n") {
        let mut bytes = [0; 65_536];
        let got = stream.read(&mut bytes).expect("records");
        assert!(got > 0);
        all.extend_from_slice(&bytes[..got]);
    }
    let text = String::from_utf8(all).expect("text");
    assert!(text.contains("records lost: this reader was too slow"), "{} bytes", text.len());
    drop(stream);
    while !served.host.takers.lock().expect("takers").is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn a_tracer_that_does_not_allow_it_closes_an_open_socket() {
    let mut served = Served::start();
    let mut follower = served.connect().expect("it listens");
    follower.write_all(&[&served.proof()[..], b"log\n"].concat()).expect("it takes the request");
    let mut answer = [0; 5];
    follower.read_exact(&mut answer).expect("an answer");
    served.host.forbids.store(true, Release);
    assert_eq!(follower.read(&mut answer).expect("its end"), 0);
    assert_eq!(served.end(), ControlState::Off);
    assert_eq!(served.connect().expect_err("it is gone").kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(served.host.takers.lock().expect("takers").is_empty());
    // Nobody is answered after that, not even at the moment at which it ends.
    let served = Served::start();
    served.host.forbids.store(true, Release);
    assert_eq!(served.ask(b"status\n"), "");
}

#[test]
fn only_root_and_the_own_user_may_ask_and_only_with_the_recorders_words() {
    let own = Rights { user: 1_000, is_open_to_user: true };
    let given_up = Rights { is_open_to_user: false, ..own };
    for (user, own, may) in [
        (1_000, own, true),
        (0, own, true),
        (1_001, own, false),
        (65_534, own, false),
        (1_000, given_up, false),
        (0, given_up, true),
    ] {
        assert_eq!(refusal(user, own).is_none(), may, "{user} {own:?}");
    }
    let proof = proof_of([7, 1 << 60]);
    assert_eq!(proven(&format!("{proof} flush 5"), &proof), Some("flush 5"));
    for line in ["flush 5", "", &proof, &format!("{proof}0 flush")] {
        assert_eq!(proven(line, &proof), None);
    }
    assert!(!socket_name([7, 1 << 60]).contains(&proof));
    let served = Served::start();
    for request in [&b"status\n"[..], b"\n", b"0 status\n"] {
        assert_eq!(served.say(request), format!("bad\n{UNPROVEN}"));
    }
}

#[test]
fn whatever_another_process_writes_opens_one_socket_at_most() {
    static CONTROL: Control = Control { runs: AtomicBool::new(false) };
    let recorder = Recorder::new(sys::pid(), 1, 0);
    let words = recorder.words.expect("it keeps");
    let mut seed = 0x5eed_u64;
    for _ in 0..200 {
        for word in &words[40..64] {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            word.store(seed, Relaxed);
        }
        CONTROL.look(&recorder, "spanwire-ctl", || false, || unreachable!("it is not allowed"));
        assert_eq!(words[header::CONTROL_ASKED].load(Relaxed), 0);
        assert_eq!(words[header::CONTROL_STATE].load(Relaxed), ControlState::Off as u64);
    }
    CONTROL.look(&recorder, "spanwire-ctl", || unreachable!("it was not asked"), || unreachable!());
    assert!(recorder.snapshot().expect("it keeps").is_ok());
}
