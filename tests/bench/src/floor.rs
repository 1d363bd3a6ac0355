//! The floor of webhook ingest: the least a program in this framework does to take a delivery over.
//! It checks the signature, sends one pipeline of two commands over a connection of its worker's own,
//! and answers. It checks no JSON, writes no log, counts nothing, and forgets what it cannot send.

use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use redis::aio::MultiplexedConnection;
use sha2::Sha256;
use tokio::sync::OnceCell;

/// How it is started.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    #[arg(long)]
    listen: String,
    #[arg(long)]
    redis: String,
    #[arg(long)]
    prefix: String,
    #[arg(long, env = "FLOOR_SECRET")]
    secret: String,
}

struct Worker {
    key: Hmac<Sha256>,
    client: redis::Client,
    stream: String,
    prefix: String,
    connection: OnceCell<MultiplexedConnection>,
}

impl Worker {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        Ok(Worker {
            key: Hmac::new_from_slice(arguments.secret.as_bytes())?,
            client: redis::Client::open(arguments.redis.as_str())?,
            stream: format!("{}:{{q}}:deliveries", arguments.prefix),
            prefix: format!("{}:{{q}}:seen", arguments.prefix),
            connection: OnceCell::new(),
        })
    }

    fn is_signed(&self, request: &HttpRequest, body: &[u8]) -> bool {
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let mut bytes = [0; 32];
        let given = header("x-hub-signature-256").and_then(|text| text.strip_prefix("sha256="));
        if given.is_none_or(|hex| hex::decode_to_slice(hex, &mut bytes).is_err()) {
            return false;
        }
        let mut key = self.key.clone();
        key.update(body);
        key.verify_slice(&bytes).is_ok()
    }

    async fn keep(&self, request: &HttpRequest, body: &[u8]) -> redis::RedisResult<()> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let (id, event) = (header("x-github-delivery"), header("x-github-event"));
        let open = || self.client.get_multiplexed_async_connection();
        let mut connection = self.connection.get_or_try_init(open).await?.clone();
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(format!("{}:{id}", self.prefix)).arg(1).arg("NX").arg("EX").arg(259_200).ignore();
        pipe.cmd("XADD").arg(&self.stream).arg("*").arg("d").arg(id).arg("e").arg(event).arg("b").arg(body).ignore();
        pipe.query_async(&mut connection).await
    }
}

async fn receive(worker: Data<Worker>, request: HttpRequest, body: Bytes) -> HttpResponse {
    if !worker.is_signed(&request, &body) {
        return HttpResponse::Unauthorized().finish();
    }
    match worker.keep(&request, &body).await {
        Ok(()) => HttpResponse::Accepted().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// Serves until it is ended, with as many workers as cores.
pub async fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    Worker::new(arguments)?;
    let own = arguments.clone();
    let app = move || {
        let worker = Worker::new(&own).map(Data::new);
        App::new()
            .app_data(PayloadConfig::new(25 << 20))
            .configure(|routes| {
                if let Ok(worker) = worker {
                    routes.app_data(worker);
                }
            })
            .route("/webhooks/github", web::post().to(receive))
            .route("/healthz", web::get().to(HttpResponse::Ok))
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let server = HttpServer::new(app).workers(cores).bind(&arguments.listen).context("floor: listen")?;
    Ok(server.run().await?)
}
