//! A server on a free port that ends with its value.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::Arc;

pub struct Server {
    pub port: u16,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Calls `serve` with each connection, on a thread of its own.
    pub fn start(serve: impl Fn(&TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (stop, serve) = (Arc::new(AtomicBool::new(false)), Arc::new(serve));
        let ends = stop.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(SeqCst) {
                    return;
                }
                let serve = serve.clone();
                std::thread::spawn(move || serve(&stream));
            }
        });
        Server { port, stop }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}
