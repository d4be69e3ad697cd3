//! Looks a name up without the C library: in /etc/hosts, and with the name servers of /etc/resolv.conf. For a forked child
//! alone in which the C library's own look-up hangs (`names.rs`). It knows no other source of names (nsswitch.conf, LDAP,
//! mDNS) and reads no environment.

// Reads files and opens connections.
#![allow(clippy::disallowed_methods)]

use crate::sys::{self, Connection};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

/// The largest part of such a file that is read.
const FILE_MAX: u64 = 1 << 20;
/// How long one server has for one question.
const ANSWER_WITHIN: Duration = Duration::from_millis(400);
const SERVERS_MAX: usize = 3;
const SEARCH_MAX: usize = 6;
const ADDRESSES_MAX: usize = 16;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;

/// The addresses of `host`; none where neither source has any within `patience`.
pub(super) fn addresses(host: &str, port: u16, patience: Duration) -> Vec<SocketAddr> {
    let deadline = Instant::now() + patience;
    let mut found = in_hosts(&text_of("/etc/hosts"), host);
    if found.is_empty() {
        let config = Config::of(&text_of("/etc/resolv.conf"));
        found = config.ask(host, deadline);
    }
    found.truncate(ADDRESSES_MAX);
    found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
}

fn text_of(path: &str) -> String {
    let bytes = sys::read_file(Path::new(path), FILE_MAX).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a file such as /etc/hosts says of a name.
fn in_hosts(text: &str, host: &str) -> Vec<IpAddr> {
    let host = host.trim_end_matches('.');
    let line = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
    };
    text.lines().filter_map(line).collect()
}

/// What a file such as /etc/resolv.conf says.
#[derive(Debug, PartialEq, Eq)]
struct Config {
    servers: Vec<IpAddr>,
    search: Vec<String>,
    /// A name with fewer dots is tried with the search list first.
    dots: usize,
}

impl Config {
    fn of(text: &str) -> Config {
        let mut config = Config { servers: Vec::new(), search: Vec::new(), dots: 1 };
        for line in text.lines() {
            let mut words = line.split(['#', ';']).next().unwrap_or_default().split_whitespace();
            match words.next() {
                Some("nameserver") => config.servers.extend(words.next().and_then(|it| it.parse::<IpAddr>().ok())),
                Some("search" | "domain") => config.search = words.map(str::to_string).collect(),
                Some("options") => {
                    let dots = words.find_map(|word| word.strip_prefix("ndots:")?.parse::<usize>().ok());
                    config.dots = dots.map_or(config.dots, |dots| dots.min(15));
                }
                _ => {}
            }
        }
        config.servers.truncate(SERVERS_MAX);
        config.search.truncate(SEARCH_MAX);
        if config.servers.is_empty() {
            config.servers.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        config
    }

    /// The names to ask for, in order.
    fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(absolute) = host.strip_suffix('.') {
            return vec![absolute.to_string()];
        }
        let searched = self.search.iter().map(|domain| format!("{host}.{}", domain.trim_matches('.')));
        let alone = std::iter::once(host.to_string());
        match host.matches('.').count() >= self.dots {
            true => alone.chain(searched).collect(),
            false => searched.chain(alone).collect(),
        }
    }

    fn ask(&self, host: &str, deadline: Instant) -> Vec<IpAddr> {
        for name in self.candidates(host) {
            for kind in [TYPE_A, TYPE_AAAA] {
                for server in &self.servers {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Vec::new();
                    }
                    match ask(SocketAddr::new(*server, 53), &name, kind, left.min(ANSWER_WITHIN)) {
                        Ok(found) if !found.is_empty() => return found,
                        // It has answered: there is no such address.
                        Ok(_) => break,
                        Err(_) => {}
                    }
                }
            }
        }
        Vec::new()
    }
}

fn ask(server: SocketAddr, name: &str, kind: u16, patience: Duration) -> io::Result<Vec<IpAddr>> {
    let mut id = [0; 2];
    sys::random_bytes(&mut id);
    let question = question(u16::from_be_bytes(id), name, kind).ok_or(io::ErrorKind::InvalidInput)?;
    let socket = Connection::connect_datagram(&server)?;
    socket.send(&question, patience)?;
    let deadline = Instant::now() + patience;
    let mut answer = [0; 1500];
    loop {
        let length = match socket.receive(&mut answer, deadline.saturating_duration_since(Instant::now())) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            received => received?,
        };
        if let Some(found) = answer.get(..length).and_then(|answer| parse(answer, &question)) {
            return found;
        }
    }
}

/// A question for one name, recursion desired. `None` for a name that cannot be asked for.
fn question(id: u16, name: &str, kind: u16) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(name.len() + 18);
    for word in [id, 0x0100, 1, 0, 0, 0] {
        message.extend(word.to_be_bytes());
    }
    if name.is_empty() || name.len() > 253 {
        return None;
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > 63 {
            return None;
        }
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(kind.to_be_bytes());
    message.extend(CLASS_IN.to_be_bytes());
    Some(message)
}

/// The addresses in an answer; `None` if it does not answer this question, an error if the server could not.
fn parse(answer: &[u8], question: &[u8]) -> Option<io::Result<Vec<IpAddr>>> {
    let word = |at: usize| Some(u16::from_be_bytes(answer.get(at..at + 2)?.try_into().ok()?));
    let (id, flags, questions, answers) = (word(0)?, word(2)?, word(4)?, word(6)?);
    let asked = question.get(12..)?;
    let same = answer.get(12..12 + asked.len()).is_some_and(|it| it.eq_ignore_ascii_case(asked));
    if Some(id) != question.get(..2).map(|id| u16::from_be_bytes([id[0], id[1]]))
        || flags & 0x8000 == 0
        || questions != 1
        || !same
    {
        return None;
    }
    match flags & 0xf {
        // No error, or no such name.
        0 | 3 => {}
        code => return Some(Err(io::Error::other(format!("the name server answered {code}")))),
    }
    let (mut at, mut found) = (12 + asked.len(), Vec::new());
    for _ in 0..answers {
        let Some(next) = after_name(answer, at) else { break };
        let (Some(kind), Some(length)) = (word(next), word(next + 8)) else { break };
        let Some(data) = answer.get(next + 10..next + 10 + usize::from(length)) else { break };
        // Aliases come with the addresses of what they mean.
        if let (TYPE_A, Ok(bytes)) = (kind, <[u8; 4]>::try_from(data)) {
            found.push(IpAddr::from(bytes));
        } else if let (TYPE_AAAA, Ok(bytes)) = (kind, <[u8; 16]>::try_from(data)) {
            found.push(IpAddr::from(bytes));
        }
        at = next + 10 + usize::from(length);
    }
    Some(Ok(found))
}

/// Where a name ends that begins at `at`. What a pointer leads to does not matter.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match message.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length if length & 0xc0 == 0 => at += 1 + usize::from(*length),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn the_hosts_file_is_read_as_the_system_reads_it() {
        let text = "# local\n127.0.0.1 localhost\n10.1.2.3\tagent Agent.test # the agent\n::1 agent\nnonsense agent\n";
        assert_eq!(in_hosts(text, "AGENT"), ["10.1.2.3".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert_eq!(in_hosts(text, "agent.test."), ["10.1.2.3".parse::<IpAddr>().unwrap()]);
        assert!(in_hosts(text, "the").is_empty() && in_hosts(text, "10.1.2.3").is_empty());
    }

    #[test]
    fn names_with_few_dots_are_searched_for_first() {
        let text = "search svc.test. test\nnameserver 10.0.0.1\nnameserver bad\noptions edns0 ndots:2\n";
        let config = Config::of(text);
        assert_eq!((config.servers.len(), config.dots), (1, 2));
        assert_eq!(config.candidates("agent.dd"), ["agent.dd.svc.test", "agent.dd.test", "agent.dd"]);
        assert_eq!(config.candidates("a.b.c"), ["a.b.c", "a.b.c.svc.test", "a.b.c.test"]);
        assert_eq!(config.candidates("agent."), ["agent"]);
        assert_eq!(Config::of("").servers, [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    }

    /// A server that answers one question with an alias and two addresses, after an answer that is not for it.
    fn serve(socket: &UdpSocket) {
        let mut asked = [0; 512];
        let (length, from) = socket.recv_from(&mut asked).expect("a question");
        let mut answer = asked[..length].to_vec();
        (answer[2], answer[3], answer[7]) = (0x81, 0x80, 3);
        for (kind, data) in [(5, &b"\x01x\xc0\x0c"[..]), (TYPE_A, &[192, 0, 2, 1]), (TYPE_A, &[192, 0, 2, 2])] {
            answer.extend(b"\xc0\x0c");
            answer.extend(kind.to_be_bytes());
            answer.extend([0, 1, 0, 0, 0, 60]);
            answer.extend((data.len() as u16).to_be_bytes());
            answer.extend(data);
        }
        let mut stray = answer.clone();
        stray[0] ^= 0xff;
        socket.send_to(&stray, from).expect("sent");
        socket.send_to(&answer, from).expect("sent");
    }

    #[test]
    fn a_name_server_is_asked_and_a_stray_answer_is_passed_over() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let server = socket.local_addr().expect("bound");
        let serving = std::thread::spawn(move || serve(&socket));
        let found = ask(server, "agent.test", TYPE_A, Duration::from_secs(20)).expect("an answer");
        serving.join().expect("served");
        assert_eq!(found, [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])]);
    }

    #[test]
    fn damaged_answers_are_harmless() {
        let asked = question(7, "agent.test", TYPE_A).expect("a name");
        let mut answer = asked.clone();
        (answer[2], answer[3], answer[7]) = (0x81, 0x80, 9);
        answer.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x7f\x00\x00\x01");
        for length in 0..=answer.len() {
            let _ = parse(&answer[..length], &asked);
        }
        for at in 0..answer.len() {
            for byte in [0, 0x3f, 0x40, 0x80, 0xc0, 0xff] {
                let mut damaged = answer.clone();
                damaged[at] = byte;
                let _ = parse(&damaged, &asked);
            }
        }
        assert!(matches!(parse(&answer, &asked), Some(Ok(found)) if found == [IpAddr::from([127, 0, 0, 1])]));
        for name in ["", "a..b", &"x".repeat(64), &"x.".repeat(130)] {
            assert!(question(1, name, TYPE_A).is_none());
        }
    }
}
