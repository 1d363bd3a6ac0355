//! One listener: the framework set up with our limits, and everything handlers ask for.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::body::STALL;
use super::edge::{self, Edge, Listener};
use super::keys::KeyRing;
use crate::engine::Engine;

/// Idle connections are kept a little longer than common proxies keep theirs.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What a listener serves with.
#[derive(Clone)]
pub struct Serving {
    pub listener: Listener,
    pub routes: fn(&mut ServiceConfig),
    pub engine: Engine,
    pub keys: Arc<KeyRing>,
    /// Cancelled when the program stops: streams end then.
    pub stopping: CancellationToken,
    /// Threads that serve.
    pub threads: usize,
    /// How long what runs may take to finish once it was told to stop.
    pub grace: Duration,
}

/// Starts serving on the socket; the handle stops it.
pub fn serve(
    socket: TcpListener,
    serving: Serving,
) -> std::io::Result<(ServerHandle, JoinHandle<std::io::Result<()>>)> {
    let (threads, grace) = (serving.threads, serving.grace);
    let app = move || {
        let Serving { engine, keys, stopping, .. } = serving.clone();
        App::new()
            .app_data(web::Data::new(edge_of(&serving)))
            .app_data(web::Data::new(engine.metrics.clone()))
            .app_data(web::Data::new(engine))
            .app_data(web::Data::from(keys))
            .app_data(web::Data::new(stopping))
            .wrap(from_fn(edge::around))
            .configure(serving.routes)
    };
    let server = HttpServer::new(app)
        .workers(threads)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(STALL)
        .client_disconnect_timeout(Duration::from_secs(5))
        .shutdown_timeout(grace.as_secs().max(1))
        .disable_signals()
        .listen(socket)?
        .run();
    let handle = server.handle();
    Ok((handle, tokio::spawn(server)))
}

fn edge_of(serving: &Serving) -> Edge {
    let settings = &serving.engine.settings;
    Edge {
        listener: serving.listener,
        metrics: serving.engine.metrics.clone(),
        https: settings.public_url.starts_with("https://"),
        panel_origins: settings.panel_origins.clone(),
    }
}
