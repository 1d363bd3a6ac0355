//! Blobs: <https://docs.github.com/rest/git/blobs>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{not_empty, oid};
use crate::access::{read, write};
use crate::call::Call;
use crate::git::Kind;
use crate::http::message::{Answer, Refusal, Reply, malformed, not_found, refuse_with, required};
use crate::http::router::{Route, route};
use crate::render::node_id::NodeId;
use crate::world::World;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/git/blobs/{sha}", get),
    route("POST", "/repos/{owner}/{repo}/git/blobs", create),
];

fn get(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    not_empty(&target)?;
    let oid = oid(call.param("sha"))?;
    let data = target.git.store.blob(&oid).ok_or_else(not_found)?;
    if call.request.accepts("raw") {
        return Ok(Reply::raw(200, "application/vnd.github.raw+json; charset=utf-8", data));
    }
    let body = json!({
        "sha": oid.hex(),
        "node_id": NodeId::Object(target.id, oid).text(),
        "size": data.len(),
        "url": format!("{}/git/blobs/{oid}", target.url),
        "content": base64_lines(&data),
        "encoding": "base64",
    });
    Ok(Reply::json(200, &body))
}

/// GitHub breaks base64 after sixty characters.
pub(super) fn base64_lines(data: &[u8]) -> String {
    let encoded = STANDARD.encode(data);
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / 60 + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(60));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    lines
}

/// Base64 as GitHub takes it: line breaks do not matter.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if !text.contains(['\n', '\r', ' ']) {
        return STANDARD.decode(text).ok();
    }
    let compact: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(compact).ok()
}

fn create(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    not_empty(&target)?;
    let body = call.request.json()?;
    let content = required(&body, "content")?;
    let data = match body["encoding"].as_str().unwrap_or("utf-8") {
        "utf-8" => content.as_bytes().to_vec(),
        "base64" => decode_base64(content).ok_or_else(|| malformed("content is not valid Base64"))?,
        _ => return Err(malformed("encoding must be utf-8 or base64")),
    };
    if data.len() > call.world().limits.blob_bytes {
        return Err(malformed("The blob is too large. Its size must be at most 40 MB."));
    }
    no_secret(&call.world(), target.id, &data, 422)?;
    let oid = target.git.store.write(Kind::Blob, data);
    let url = format!("{}/git/blobs/{oid}", target.url);
    let body = json!({ "sha": oid.hex(), "url": url });
    Ok(Reply::json(201, &body).with("location", url))
}

/// Push protection: 422 for blobs, 409 for contents.
pub(crate) fn no_secret(world: &World, repository: u64, data: &[u8], status: u16) -> Result<(), Refusal> {
    let repo = world.repositories.get(&repository).ok_or_else(not_found)?;
    if repo.secret_in(data).is_none() {
        return Ok(());
    }
    let more = json!({ "metadata": { "secret_scanning": { "bypass_placeholders": [{
        "placeholder_id": crate::random::letters(27), "token_type": "custom_pattern",
    }]}}});
    Err(refuse_with(status, "Repository rule violations found\n\nSecret detected in content\n\n", more))
}
