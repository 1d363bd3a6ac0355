//! Reviews of pull requests: <https://docs.github.com/rest/pulls/reviews>.

use serde_json::Value;

use super::pulls::find;
use crate::access::{read, write};
use crate::call::Call;
use crate::http::message::{Answer, Reply, malformed, not_found};
use crate::http::paging::Page;
use crate::http::router::{Route, route};
use crate::world::pull::ReviewState;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews", list),
    route("POST", "/repos/{owner}/{repo}/pulls/{number}/reviews", create),
];

fn list(call: &Call<'_>) -> Answer {
    let target = call.repo(read("pull_requests"))?;
    let pull = find(call, &target)?;
    let world = call.world();
    let all: Vec<Value> = pull.reviews.iter().map(|it| world.review_json(&target, &pull, it)).collect();
    Ok(Page::of(call.request).array(&call.core.url, call.request, &all))
}

fn create(call: &Call<'_>) -> Answer {
    let target = call.repo(write("pull_requests"))?;
    let number = find(call, &target)?.number;
    let body = call.request.json()?;
    let state = ReviewState::parse(body["event"].as_str().unwrap_or("COMMENT"));
    let state = state.ok_or_else(|| malformed("Invalid review event."))?;
    let text = body["body"].as_str().unwrap_or_default();
    let mut world = call.world();
    let author = call.actor(&world);
    let id = call.core.review_pull(&mut world, target.id, number, (author, state, text));
    let pull = world.pull(target.id, number).ok_or_else(not_found)?;
    let review = pull.reviews.iter().find(|it| Some(it.id) == id);
    let review = review.ok_or_else(not_found)?;
    Ok(Reply::json(200, &world.review_json(&target, pull, review)))
}
