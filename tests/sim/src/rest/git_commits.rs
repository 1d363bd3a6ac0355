//! Commits as git objects: <https://docs.github.com/rest/git/commits>.

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

use super::{not_empty, oid};
use crate::access::{read, write};
use crate::auth::Caller;
use crate::call::{Call, Target};
use crate::git::{Commit, Kind, Oid, Person};
use crate::http::message::{Answer, Refusal, Reply, malformed, not_found, refuse, required};
use crate::http::router::{Route, route};
use crate::push::person_of;
use crate::world::World;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/repos/{owner}/{repo}/git/commits/{sha}", get),
    route("POST", "/repos/{owner}/{repo}/git/commits", create),
];

fn get(call: &Call<'_>) -> Answer {
    let target = call.repo(read("contents"))?;
    not_empty(&target)?;
    let oid = oid(call.param("sha"))?;
    let commit = target.git.store.commit(&oid).ok_or_else(not_found)?;
    Ok(Reply::json(200, &target.git_commit_json(oid, &commit)))
}

fn create(call: &Call<'_>) -> Answer {
    let target = call.repo(write("contents"))?;
    not_empty(&target)?;
    let body = call.request.json()?;
    let message = required(&body, "message")?;
    let tree = Oid::parse(required(&body, "tree")?);
    let tree = tree.filter(|it| target.git.store.tree(it).is_some());
    let tree = tree.ok_or_else(tree_missing)?;
    lag(&mut call.world())?;
    let parents = parents(&target, &body)?;
    let signed = Authorship::read(call, &body)?;
    let commit = signed.commit(tree, parents, message.to_owned());
    let oid = target.git.write_commit(&commit);
    let reply = Reply::json(201, &target.git_commit_json(oid, &commit));
    Ok(reply.with("location", format!("{}/git/commits/{oid}", target.url)))
}

fn tree_missing() -> Refusal {
    refuse(422, "Tree SHA does not exist")
}

/// A replica that does not know the tree yet.
fn lag(world: &mut World) -> Result<(), Refusal> {
    if world.replication_lag == 0 {
        return Ok(());
    }
    world.replication_lag -= 1;
    Err(tree_missing())
}

fn parents(target: &Target, body: &Value) -> Result<Vec<Oid>, Refusal> {
    let missing = || refuse(422, "Parent SHA does not exist or is not a commit object");
    let list = body["parents"].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|parent| {
            let oid = parent.as_str().and_then(Oid::parse).ok_or_else(missing)?;
            let object = target.git.store.read(&oid).ok_or_else(missing)?;
            (object.kind == Kind::Commit).then_some(oid).ok_or_else(missing)
        })
        .collect()
}

/// Who a commit made through the API is by, and whether this server signs it.
pub(crate) struct Authorship {
    author: Person,
    committer: Person,
    sign: bool,
    signature: Option<String>,
}

impl Authorship {
    /// Nothing given: by the caller, committed and signed by GitHub.
    pub(crate) fn default_for(caller: &Caller, world: &World) -> Authorship {
        let author = person_of(world, caller.actor(world));
        let committer = Person::new("GitHub", "noreply@github.com", world.now());
        Authorship { author, committer, sign: true, signature: None }
    }

    /// From a body's `author`, `committer` and `signature`: any of them, and GitHub does not
    /// sign.
    pub(crate) fn read(call: &Call<'_>, body: &Value) -> Result<Authorship, Refusal> {
        let world = call.world();
        let mut own = Authorship::default_for(&call.caller, &world);
        let author = person(&body["author"], &world)?;
        let committer = person(&body["committer"], &world)?;
        own.signature = body["signature"].as_str().map(str::to_owned);
        own.sign = author.is_none() && committer.is_none() && own.signature.is_none();
        if let Some(author) = author {
            own.committer = author.clone();
            own.author = author;
        }
        if let Some(committer) = committer {
            own.committer = committer;
        }
        Ok(own)
    }

    pub(crate) fn commit(self, tree: Oid, parents: Vec<Oid>, message: String) -> Commit {
        let mut commit = Commit {
            tree,
            parents,
            author: self.author,
            committer: self.committer,
            message,
            signature: self.signature,
        };
        if self.sign {
            commit.sign();
        }
        commit
    }
}

fn person(value: &Value, world: &World) -> Result<Option<Person>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    let text = |field: &str| {
        value[field]
            .as_str()
            .filter(|it| !it.is_empty())
            .ok_or_else(|| malformed(&format!("\"{field}\" wasn't supplied.")))
    };
    let mut person = Person::new(text("name")?, text("email")?, world.now());
    if let Some(date) = value["date"].as_str() {
        let date = DateTime::<FixedOffset>::parse_from_rfc3339(date);
        person.at = date.map_err(|_| malformed("date is not a valid timestamp."))?;
    }
    Ok(Some(person))
}
