//! A bare HTTP/1.1 client: one connection, one request at a time, next to no work of its own, so
//! that what is measured is the server.

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection, kept alive.
pub struct Connection {
    stream: TcpStream,
    /// What came and was not used up yet.
    rest: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(2_000).collect()
    }
}

impl Connection {
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("{address} does not answer"))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, rest: Vec::with_capacity(16 << 10) })
    }

    /// Sends these bytes, which are one request, and reads its answer.
    pub async fn exchange(&mut self, parts: &[&[u8]]) -> anyhow::Result<Answer> {
        for part in parts {
            self.stream.write_all(part).await?;
        }
        self.answer().await
    }

    async fn answer(&mut self) -> anyhow::Result<Answer> {
        let end = loop {
            if let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = Head::read(std::str::from_utf8(&self.rest[..end])?)?;
        self.rest.drain(..end);
        let body = match head.body {
            Body::Length(length) => self.take(length).await?,
            Body::Chunked => self.chunks().await?,
        };
        Ok(Answer { status: head.status, body })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.rest).await?;
        ensure!(read > 0, "the connection was closed");
        Ok(())
    }

    async fn take(&mut self, length: usize) -> anyhow::Result<Vec<u8>> {
        while self.rest.len() < length {
            self.more().await?;
        }
        Ok(self.rest.drain(..length).collect())
    }

    async fn chunks(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(at) = self.rest.windows(2).position(|two| two == b"\r\n") {
                    break self.take(at + 2).await?;
                }
                self.more().await?;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&line)?.trim(), 16)?;
            let chunk = self.take(size + 2).await?;
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
}

struct Head {
    status: u16,
    body: Body,
}

#[derive(Debug, PartialEq, Eq)]
enum Body {
    Length(usize),
    Chunked,
}

impl Head {
    fn read(text: &str) -> anyhow::Result<Head> {
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).context("no status")?;
        let mut body = Body::Length(0);
        for line in text.lines().skip(1) {
            let Some((name, value)) = line.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("content-length") {
                body = Body::Length(value.trim().parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                body = Body::Chunked;
            }
        }
        Ok(Head { status, body })
    }
}

/// Whoever calls an API: JSON out, JSON in.
pub struct Client {
    address: String,
    headers: String,
    connection: Option<Connection>,
}

impl Client {
    /// `address`: `host:port`. `authorization`: the header's value, if there is one.
    pub fn new(address: &str, authorization: Option<&str>) -> Self {
        let authorization = authorization.map(|value| format!("authorization: {value}\r\n")).unwrap_or_default();
        let headers =
            format!("host: {address}\r\nuser-agent: bench\r\ncontent-type: application/json\r\n{authorization}");
        Client { address: address.to_owned(), headers, connection: None }
    }

    pub async fn send(&mut self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<Answer> {
        let head = format!("{method} {path} HTTP/1.1\r\n{}content-length: {}\r\n\r\n", self.headers, body.len());
        // One that was closed meanwhile is replaced.
        for attempt in 0..2 {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => Connection::open(&self.address).await?,
            };
            match connection.exchange(&[head.as_bytes(), body]).await {
                Ok(answer) => {
                    self.connection = Some(connection);
                    return Ok(answer);
                }
                Err(error) if attempt == 1 => return Err(error),
                Err(_) => {}
            }
        }
        bail!("{} cannot be reached", self.address)
    }

    /// As `send`, with JSON, and anything but a success is an error.
    pub async fn call(&mut self, method: &str, path: &str, body: &Value) -> anyhow::Result<Value> {
        let text = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        let answer = self.send(method, path, &text).await?;
        ensure!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text());
        if answer.body.is_empty() { Ok(Value::Null) } else { answer.json() }
    }

    pub async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.call("GET", path, &Value::Null).await
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn heads() {
        let head = Head::read("HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n").unwrap();
        assert_eq!((head.status, head.body), (202, Body::Length(12)));
        let head = Head::read("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
        assert_eq!((head.status, head.body), (200, Body::Chunked));
        assert!(Head::read("nonsense").is_err());
    }
}
