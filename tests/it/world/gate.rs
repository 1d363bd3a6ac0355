//! A way to PostgreSQL that a test can close and freeze: a server that hangs answers nothing, and
//! its connections stay open.

use std::net::SocketAddr;

use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes pass while it is open.
pub struct Gate {
    /// The database's URL by way of this gate.
    pub url: String,
    here: SocketAddr,
    there: String,
    flows: watch::Sender<bool>,
}

impl Gate {
    /// Nobody listens yet.
    pub fn closed(database: &str) -> Gate {
        let mut url = url::Url::parse(database).unwrap();
        let there = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let here = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(here.port())).unwrap();
        Gate { url: url.into(), here, there, flows: watch::Sender::new(true) }
    }

    pub async fn open(self) -> Gate {
        let listener = TcpListener::bind(self.here).await.unwrap();
        let (there, flows) = (self.there.clone(), self.flows.subscribe());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, there.clone(), flows.clone()));
            }
        });
        self
    }

    /// Nothing passes any more, and nobody is told.
    pub fn freeze(&self) {
        self.flows.send_replace(false);
    }

    /// What is open is cut; new connections pass.
    pub fn thaw(&self) {
        self.flows.send_replace(true);
    }
}

async fn pass(mut client: TcpStream, there: String, mut flows: watch::Receiver<bool>) {
    if !*flows.borrow_and_update() {
        // Accepted by the kernel, never answered.
        let _thawed = flows.changed().await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(there).await else { return };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let both = async { tokio::join!(copy(&mut from_client, &mut to_server), copy(&mut from_server, &mut to_client)) };
    tokio::select! {
        _ = both => {}
        _ = flows.changed() => {
            let _thawed = flows.changed().await;
        }
    }
}
