//! Content of files: reading many at once, and making blobs.
//! <https://docs.github.com/en/rest/git/blobs>

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::commits::Encoded;
use super::diff::{alias, objects_query};
use super::error::{GithubError, Result};
use super::repo::Repo;
use super::run::Effect;
use super::tokens::Access;
use super::transport::{RAW, weight};
use crate::model::Oid;

/// Text up to this size is read through GraphQL, many files in a request.
const SMALL: u64 = 64 * 1024;
/// Files and bytes of one GraphQL request.
const BATCH: usize = 100;
const BATCH_BYTES: u64 = 1 << 20;
/// Above this, two at a time: memory.
const LARGE: u64 = 4 << 20;

/// Blobs that are read together.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Batch {
    Small(Vec<Oid>),
    One(Oid),
    Large(Oid),
}

impl Repo {
    /// The content of blobs, in no order, some at a time; each is checked against its id. The second
    /// part of a wanted one is its size, where it is known. What was shown already is not asked for.
    pub fn blobs(&self, wanted: &[(Oid, Option<u64>)]) -> impl Stream<Item = Result<Vec<(Oid, Bytes)>>> + '_ {
        let mut known = Vec::new();
        let mut asked = Vec::new();
        for (oid, size) in wanted {
            match self.shown.text(*oid) {
                Some(text) => known.push((*oid, text)),
                None => asked.push((*oid, size.or_else(|| self.shown.size(*oid)))),
            }
        }
        let known = stream::iter((!known.is_empty()).then_some(Ok(known)));
        let (large, other): (Vec<_>, Vec<_>) =
            batches(&asked).into_iter().partition(|batch| matches!(batch, Batch::Large(_)));
        let quick = stream::iter(other).map(move |batch| self.read(batch)).buffer_unordered(8);
        let slow = stream::iter(large).map(move |batch| self.read(batch)).buffer_unordered(2);
        known.chain(quick).chain(slow)
    }

    /// The content of one blob.
    pub async fn blob(&self, oid: Oid) -> Result<Bytes> {
        let call = self.call(Method::GET, "GET /repos/{owner}/{repo}/git/blobs/{sha}", &format!("/git/blobs/{oid}"));
        let call = call.accepting(RAW).up_to(weight::BLOB).within(self.github.inner.settings.transfer_timeout);
        let body = self.run(Access::Read, Effect::Reads, call).await?.body;
        if Oid::of_blob(&body) == oid {
            Ok(body)
        } else {
            Err(GithubError::unavailable("GitHub answered with other content"))
        }
    }

    async fn read(&self, batch: Batch) -> Result<Vec<(Oid, Bytes)>> {
        match batch {
            Batch::One(oid) | Batch::Large(oid) => Ok(vec![(oid, self.blob(oid).await?)]),
            Batch::Small(oids) => self.read_small(&oids).await,
        }
    }

    /// What GraphQL cannot show (binary, cut off, not UTF-8) is read one by one.
    async fn read_small(&self, oids: &[Oid]) -> Result<Vec<(Oid, Bytes)>> {
        let mut found = match self.texts(oids).await {
            Ok(found) => found,
            Err(GithubError::Invalid(_) | GithubError::TooLarge { .. } | GithubError::Unavailable { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let missing: Vec<Oid> = oids.iter().copied().filter(|oid| !found.iter().any(|(have, _)| have == oid)).collect();
        let mut rest =
            stream::iter(missing).map(|oid| async move { Ok((oid, self.blob(oid).await?)) }).buffer_unordered(4);
        while let Some(one) = rest.next().await {
            found.push(one?);
        }
        Ok(found)
    }

    async fn texts(&self, oids: &[Oid]) -> Result<Vec<(Oid, Bytes)>> {
        let (owner, name) = self.owner_and_name()?;
        let text = objects_query(oids, "... on Blob { text isTruncated }");
        let graph = self.query("graphql blobs", Access::Read, &text, json!({"owner": owner, "name": name})).await?;
        let mut data = graph.complete()?;
        let shown = oids.iter().enumerate().filter_map(|(at, oid)| {
            let object = data.get_mut("repository")?.get_mut(alias(at))?;
            let Value::String(text) = object.get_mut("text")?.take() else { return None };
            // Text in other encodings comes converted: its id tells.
            (Oid::of_blob(text.as_bytes()) == *oid).then(|| (*oid, Bytes::from(text)))
        });
        Ok(shown.collect())
    }

    /// Makes a blob. One that this process made here before is not sent again.
    pub async fn create_blob(&self, bytes: &[u8]) -> Result<Oid> {
        #[derive(Serialize)]
        struct Body<'a> {
            content: Encoded<'a>,
            encoding: &'static str,
        }
        #[derive(Deserialize)]
        struct Created {
            sha: Oid,
        }
        let oid = Oid::of_blob(bytes);
        if self.github.inner.made.has(self.id(), oid) {
            return Ok(oid);
        }
        let call = self.call(Method::POST, "POST /repos/{owner}/{repo}/git/blobs", "/git/blobs");
        let call = call.within(self.github.inner.settings.transfer_timeout);
        let call = call.with_json(&Body { content: Encoded(bytes), encoding: "base64" })?;
        let created: Created = self.run(Access::Write, Effect::Adds, call).await?.json(false)?;
        if created.sha != oid {
            return Err(GithubError::unavailable("the new blob has another id than its content"));
        }
        self.github.inner.made.add(self.id(), oid);
        Ok(oid)
    }
}

fn batches(wanted: &[(Oid, Option<u64>)]) -> Vec<Batch> {
    let mut batches = Vec::new();
    let (mut small, mut bytes) = (Vec::new(), 0);
    for (oid, size) in wanted {
        match size {
            Some(size) if *size <= SMALL => {
                if small.len() == BATCH || bytes + size > BATCH_BYTES {
                    batches.push(Batch::Small(std::mem::take(&mut small)));
                    bytes = 0;
                }
                small.push(*oid);
                bytes += size;
            }
            Some(size) if *size <= LARGE => batches.push(Batch::One(*oid)),
            _ => batches.push(Batch::Large(*oid)),
        }
    }
    match small.as_slice() {
        [] => {}
        // For one file both ways cost one request, and this one knows no exceptions.
        [oid] => batches.push(Batch::One(*oid)),
        _ => batches.push(Batch::Small(small)),
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(n: u32) -> Oid {
        Oid::of_blob(&n.to_be_bytes())
    }

    #[test]
    fn small_ones_share_requests() {
        let wanted: Vec<_> = (0..250).map(|n| (oid(n), Some(10))).collect();
        let sizes: Vec<_> = batches(&wanted)
            .iter()
            .map(|batch| match batch {
                Batch::Small(oids) => oids.len(),
                _ => 0,
            })
            .collect();
        assert_eq!(sizes, [100, 100, 50]);
        let heavy: Vec<_> = (0..40).map(|n| (oid(n), Some(60_000))).collect();
        assert_eq!(batches(&heavy).len(), 3);
    }

    #[test]
    fn others_come_alone() {
        assert_eq!(batches(&[(oid(1), Some(10))]), [Batch::One(oid(1))]);
        assert_eq!(batches(&[(oid(1), Some(1 << 20))]), [Batch::One(oid(1))]);
        assert_eq!(batches(&[(oid(1), Some(40 << 20))]), [Batch::Large(oid(1))]);
        assert_eq!(batches(&[(oid(1), None)]), [Batch::Large(oid(1))]);
    }
}
