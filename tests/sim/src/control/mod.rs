//! The verbs over HTTP, for scripts and browsers: JSON in, JSON out, no authentication, no
//! limits, never in the log of requests. What cannot be done is 422 with a `message`.
//!
//! | endpoint | body → answer |
//! |---|---|
//! | `GET /_sim` | → everything in short: `url app apps users organizations installations repositories` |
//! | `POST /_sim/users` | `{login, name?}` → `{id}` |
//! | `POST /_sim/orgs` | `{login, members:{LOGIN:"admin"\|"member"}, members_can_create?, base_permission?}` → `{id}` |
//! | `POST /_sim/default-user` | `{login}`: who sits before the browser |
//! | `POST /_sim/authorize` | `{url, login, allow?:true}` → `{location}` |
//! | `POST /_sim/installations` | `{account, repositories?:[NAME]}` → the installation |
//! | `DELETE /_sim/installations/{id}`, `POST …/suspend`, `…/unsuspend` | |
//! | `POST …/{id}/repositories` | `{add?:NAME, remove?:NAME}` |
//! | `POST …/{id}/permissions` | `{name, level:"read"\|"write"\|"none"}` |
//! | `POST /_sim/tokens` | `{login}` → `{access_token, refresh_token}`, or `{installation}` → `{token}` |
//! | `POST /_sim/tokens/expire`, `POST /_sim/tokens/revoke` `{login}` | |
//! | `POST /_sim/advance` | `{seconds}`: moves GitHub's clock |
//! | `POST /_sim/hook` | `{url?, content_type?:"json"\|"form", callback_urls?, setup_url?}` of the first App |
//! | `POST /_sim/repos` | `{name:"owner/name", private?:true, files?:[CHANGE]}` → the repository |
//! | `GET`, `DELETE /_sim/repos/{owner}/{repo}` | → `{id, full_name, git_dir, default_branch, branches, pulls}` |
//! | `GET …/files?ref=`, `GET …/log?ref=` | → `{PATH: TEXT}`, → commits, newest first |
//! | `POST …/push` | `{branch?, changes:[CHANGE], message?, by?, force?, parent?}` → `{oid}` |
//! | `POST …/branches`, `DELETE …/branches/{name}` | `{name, from?}` |
//! | `POST …/merge` | `{into, from}` → `{oid}` |
//! | `PATCH …` | any of `{name, owner, private, archived}` |
//! | `POST …/collaborators` | `{login, role:"read"\|"write"\|"admin"\|"none"}` |
//! | `POST …/protection`, `DELETE …/protection` | `{pattern, protection?, rule?}`, names as in [`Repo`](crate::Repo) |
//! | `POST …/secrets`, `DELETE …/secrets` | `{text}`: push protection |
//! | `POST …/pulls` | `{title, head, base?, by?}` → the pull request |
//! | `GET …/pulls/{number}` | → the pull request |
//! | `POST …/pulls/{number}/{verb}` | `merge {method?}`, `close`, `reopen`, `draft`, `ready`, `review {by, verdict}` |
//! | `POST …/checks` | `{sha, name, result}`; `POST …/statuses` `{sha, context, state}` |
//! | `POST /_sim/faults`, `DELETE /_sim/faults` | `{fault, filter?, count?, status?, milliseconds?, repository?, branch?, changes?}` |
//! | `POST /_sim/down`, `POST /_sim/up` | |
//! | `POST /_sim/limits` | any fields of [`Limits`](crate::Limits) → all of them |
//! | `POST /_sim/pause` | `{style:"primary"\|"secondary"\|"too_many"\|"silent", seconds}` |
//! | `POST /_sim/webhooks` | any of `{twice, lose_percent, silently, hold, release, seed, send:{event, payload}}` |
//! | `GET /_sim/deliveries?event=`, `POST /_sim/deliveries/{id}` | → the log; redelivers |
//! | `POST /_sim/idle` | answers once every webhook was attempted |
//! | `GET /_sim/requests?filter=`, `DELETE /_sim/requests` | → `{count, requests, unknown}` |
//!
//! CHANGE is `{"op":"put", path, content, mode?}` (content text or `{"base64":…}`),
//! `{"op":"delete", path}` or `{"op":"submodule", path, oid}`. Faults: `status html_error
//! drop_response_after_apply fail_after_apply drop_before_apply delay push_between not_applied truncated empty
//! blank fresh_token_401 replication_lag`.

mod faults;
mod repositories;
mod state;

use serde_json::Value;

use crate::call::Call;
use crate::http::message::{Refusal, refuse};
use crate::http::router::Route;
use crate::sim::Control;

/// All control endpoints.
pub(crate) const ROUTES: &[&[Route]] = &[faults::ROUTES, repositories::ROUTES, state::ROUTES];

fn control(call: &Call<'_>) -> Control {
    Control { core: call.core.clone() }
}

/// A text that must be in the body.
fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let found = body[name].as_str();
    found.ok_or_else(|| refuse(422, &format!("{name} is needed")))
}
