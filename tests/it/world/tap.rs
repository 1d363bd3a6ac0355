//! A way to PostgreSQL, Redis or GitHub that stops at a moment the test names: before what was asked
//! goes on, or after it was carried out and before its answer comes back. The program knows nothing of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const SOON: Duration = Duration::from_secs(30);

/// Where to stop. Texts are looked for in the bytes that pass, in their order on one connection.
#[derive(Debug, Clone)]
pub enum Stop {
    /// The last of these is asked for: it never arrives.
    Before(Vec<&'static str>),
    /// It was carried out, and nobody was told.
    After(Vec<&'static str>),
    /// This is about to be told.
    Told(&'static str),
    /// The `n`th message from now on, whatever it asks.
    Count(usize),
}

/// All connections to one peer.
pub struct Tap {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    there: String,
    stop: Mutex<Option<Armed>>,
    /// Counts up when what is open is cut.
    cuts: watch::Sender<u64>,
}

struct Armed {
    stop: Stop,
    count: usize,
    held: watch::Sender<Held>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    NotYet,
    Reached,
    Released,
}

/// An ordered stop.
pub struct Stopping(watch::Sender<Held>);

impl Stopping {
    /// Waits until the moment came; false when it does not come.
    #[must_use]
    pub async fn reached(&self) -> bool {
        let mut held = self.0.subscribe();
        let came = held.wait_for(|held| *held != Held::NotYet);
        tokio::time::timeout(SOON, came).await.is_ok_and(|came| came.is_ok())
    }

    pub fn is_reached(&self) -> bool {
        *self.0.borrow() != Held::NotYet
    }

    /// What was held goes on.
    pub fn release(&self) {
        self.0.send_replace(Held::Released);
    }
}

impl Tap {
    /// Before the server of this URL; the port is this one's when it names none.
    pub async fn before(url: &str, port: u16) -> Tap {
        let url = url::Url::parse(url).unwrap();
        let there = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(port));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared { there, stop: Mutex::default(), cuts: watch::Sender::new(0) };
        let shared = Arc::new(shared);
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, serving.clone()));
            }
        });
        Tap { address, shared }
    }

    /// The same URL by way of this tap.
    pub fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        let text: String = url.into();
        text.trim_end_matches('/').to_owned()
    }

    /// Orders a stop, once; it takes the place of another.
    pub fn stop(&self, stop: Stop) -> Stopping {
        let held = watch::Sender::new(Held::NotYet);
        *self.shared.stop.lock().unwrap() = Some(Armed { stop, count: 0, held: held.clone() });
        Stopping(held)
    }

    /// Cuts what is open, held or not; new connections pass.
    pub fn cut(&self) {
        *self.shared.stop.lock().unwrap() = None;
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// What is to be done with some bytes.
enum Next {
    Pass,
    /// Held from here on.
    Hold(watch::Sender<Held>),
    /// Passes; held is what comes back.
    HoldAnswer(watch::Sender<Held>),
}

/// One connection's place in the texts that are waited for.
#[derive(Default)]
struct Reading {
    found: usize,
    tail: Vec<u8>,
}

impl Reading {
    /// Whether all of these texts came, the last one just now. An empty one stands for any next message.
    fn completes(&mut self, marks: &[&str], bytes: &[u8]) -> bool {
        self.tail.extend_from_slice(bytes);
        let (mut complete, begun) = (false, self.found);
        while let Some(mark) = marks.get(self.found) {
            let at = if mark.is_empty() { (self.found == begun).then_some(0) } else { find(&self.tail, mark) };
            let Some(at) = at else { break };
            self.tail.drain(..at + mark.len());
            self.found += 1;
            complete = self.found == marks.len();
        }
        let keep = self.tail.len().saturating_sub(200);
        self.tail.drain(..keep);
        complete
    }
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|part| part == text.as_bytes())
}

impl Shared {
    fn asked(&self, reading: &mut Reading, bytes: &[u8]) -> Next {
        let mut armed = self.stop.lock().unwrap();
        let Some(one) = armed.as_mut() else { return Next::Pass };
        one.count += 1;
        let come = match &one.stop {
            Stop::Before(marks) | Stop::After(marks) => reading.completes(marks, bytes),
            Stop::Count(count) => one.count >= *count,
            Stop::Told(_) => false,
        };
        let Some(one) = armed.take_if(|_| come) else { return Next::Pass };
        match one.stop {
            Stop::After(_) => Next::HoldAnswer(one.held),
            _ => Next::Hold(one.held),
        }
    }

    fn told(&self, reading: &mut Reading, bytes: &[u8]) -> Next {
        let mut armed = self.stop.lock().unwrap();
        let come = match armed.as_ref().map(|one| &one.stop) {
            Some(Stop::Told(mark)) => reading.completes(&[mark], bytes),
            _ => false,
        };
        armed.take_if(|_| come).map_or(Next::Pass, |one| Next::Hold(one.held))
    }
}

async fn pass(client: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    cuts.mark_unchanged();
    tokio::select! {
        _ = carry(client, &shared) => {}
        _ = cuts.changed() => {}
    }
}

async fn carry(mut client: TcpStream, shared: &Shared) -> Option<()> {
    let mut server = TcpStream::connect(&shared.there).await.ok()?;
    let (mut asking, mut telling) = (Reading::default(), Reading::default());
    let (mut up, mut down) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut answer_held: Option<watch::Sender<Held>> = None;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let bytes = &up[..read.ok().filter(|read| *read > 0)?];
                match shared.asked(&mut asking, bytes) {
                    Next::Pass => {}
                    Next::Hold(held) => until_released(&held).await,
                    Next::HoldAnswer(held) => answer_held = Some(held),
                }
                server.write_all(bytes).await.ok()?;
            }
            read = server.read(&mut down) => {
                let bytes = &down[..read.ok().filter(|read| *read > 0)?];
                if let Next::Hold(held) = shared.told(&mut telling, bytes) {
                    until_released(&held).await;
                }
                if let Some(held) = answer_held.take() {
                    until_released(&held).await;
                }
                client.write_all(bytes).await.ok()?;
            }
        }
    }
}

async fn until_released(held: &watch::Sender<Held>) {
    held.send_if_modified(|held| {
        *held == Held::NotYet && {
            *held = Held::Reached;
            true
        }
    });
    let mut watching = held.subscribe();
    let _cut = watching.wait_for(|held| *held == Held::Released).await;
}
