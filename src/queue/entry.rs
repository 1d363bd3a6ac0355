//! How a job is written in a stream entry, and read back.
//!
//! A delivery: `v` version, `d` delivery id, `e` event, `t` when received (Unix milliseconds), and
//! the body as it is (`b`) or, from 1 KiB on, lz4-compressed with its size in front (`z`): less to
//! copy, to keep and to write to the append-only file. A wake-up: `v`, and `w` such as `project:7`.

use std::borrow::Cow;
use std::collections::HashMap;

use redis::{FromRedisValue, Value};

use crate::job::{Delivery, Job, VERSION, Wake};

/// Shorter bodies are not worth compressing.
const COMPRESS_FROM: usize = 1024;
/// No body that came in is longer; an entry that says otherwise is not ours.
const LONGEST_BODY: usize = 64 << 20;

/// Why an entry could not be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Written by a later version of the program: left to workers that know it.
    Later,
    /// Damaged, or not ours.
    Damaged,
}

/// The body as it goes into the entry, and the field it goes into.
pub fn packed_body(body: &[u8]) -> (&'static str, Cow<'_, [u8]>) {
    if body.len() < COMPRESS_FROM {
        ("b", Cow::Borrowed(body))
    } else {
        ("z", Cow::Owned(lz4_flex::compress_prepend_size(body)))
    }
}

/// A wake-up in the due set, the waiting hash and the stream.
pub fn wake_text(wake: &Wake) -> String {
    match wake {
        Wake::Project { pid } => format!("project:{pid}"),
        Wake::Notification { id } => format!("notification:{id}"),
        Wake::Revocation { id } => format!("revocation:{id}"),
        Wake::PullRequest { id } => format!("pull_request:{id}"),
    }
}

fn wake_from(text: &str) -> Option<Wake> {
    let (kind, id) = text.split_once(':')?;
    let id = id.parse().ok()?;
    match kind {
        "project" => Some(Wake::Project { pid: id }),
        "notification" => Some(Wake::Notification { id }),
        "revocation" => Some(Wake::Revocation { id }),
        "pull_request" => Some(Wake::PullRequest { id }),
        _ => None,
    }
}

/// The job of an entry's fields.
pub fn read(fields: &mut HashMap<String, Value>) -> Result<Job, Unreadable> {
    let version: u32 = take(fields, "v")?;
    if version > VERSION {
        return Err(Unreadable::Later);
    }
    if fields.contains_key("w") {
        let text: String = take(fields, "w")?;
        return wake_from(&text).map(Job::Wake).ok_or(Unreadable::Later);
    }
    let body = body(fields)?;
    let (id, event, received_at) = (take(fields, "d")?, take(fields, "e")?, take(fields, "t")?);
    Ok(Job::Delivery(Delivery { id, event, received_at, body: body.into() }))
}

fn body(fields: &mut HashMap<String, Value>) -> Result<Vec<u8>, Unreadable> {
    if !fields.contains_key("z") {
        return bytes(fields, "b");
    }
    let packed = bytes(fields, "z")?;
    let (size, rest) = lz4_flex::block::uncompressed_size(&packed).map_err(|_| Unreadable::Damaged)?;
    if size > LONGEST_BODY {
        return Err(Unreadable::Damaged);
    }
    lz4_flex::block::decompress(rest, size).map_err(|_| Unreadable::Damaged)
}

fn bytes(fields: &mut HashMap<String, Value>, name: &str) -> Result<Vec<u8>, Unreadable> {
    match fields.remove(name) {
        Some(Value::BulkString(bytes)) => Ok(bytes),
        _ => Err(Unreadable::Damaged),
    }
}

fn take<T: FromRedisValue>(fields: &mut HashMap<String, Value>, name: &str) -> Result<T, Unreadable> {
    let value = fields.remove(name).ok_or(Unreadable::Damaged)?;
    T::from_redis_value(value).map_err(|_| Unreadable::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &[u8])]) -> HashMap<String, Value> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::BulkString(value.to_vec()))).collect()
    }

    fn delivered(body: &[u8]) -> Result<Job, Unreadable> {
        let (name, packed) = packed_body(body);
        read(&mut fields(&[("v", b"1"), ("d", b"id-1"), ("e", b"push"), ("t", b"17"), (name, &packed)]))
    }

    #[test]
    fn deliveries_come_back_as_they_were() {
        for body in [&b""[..], b"{}", &[7; 1023], &[7; 1024], &[7; 100_000]] {
            let expected = Delivery {
                id: "id-1".into(),
                event: "push".into(),
                received_at: 17,
                body: bytes::Bytes::copy_from_slice(body),
            };
            assert_eq!(delivered(body), Ok(Job::Delivery(expected)));
        }
        assert!(packed_body(&[7; 100_000]).1.len() < 1000);
    }

    #[test]
    fn wakes_come_back_as_they_were() {
        let wakes = [
            Wake::Project { pid: 1 },
            Wake::Notification { id: 2 },
            Wake::Revocation { id: 3 },
            Wake::PullRequest { id: i64::MAX },
        ];
        for wake in wakes {
            let text = wake_text(&wake);
            assert_eq!(read(&mut fields(&[("v", b"1"), ("w", text.as_bytes())])), Ok(Job::Wake(wake)));
        }
    }

    #[test]
    fn later_versions_are_told_from_damage() {
        assert_eq!(read(&mut fields(&[("v", b"2")])), Err(Unreadable::Later));
        assert_eq!(read(&mut fields(&[("v", b"1"), ("w", b"moon:1")])), Err(Unreadable::Later));
        assert_eq!(read(&mut fields(&[])), Err(Unreadable::Damaged));
        assert_eq!(read(&mut fields(&[("v", b"1"), ("d", b"x")])), Err(Unreadable::Damaged));
        let huge = [0xff, 0xff, 0xff, 0xff, 0];
        let entry = &mut fields(&[("v", b"1"), ("d", b"x"), ("e", b"push"), ("t", b"1"), ("z", &huge)]);
        assert_eq!(read(entry), Err(Unreadable::Damaged));
    }
}
