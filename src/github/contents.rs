//! The contents API: the one way to make the first commit of an empty repository.
//! <https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents>

use http::Method;
use serde::{Deserialize, Serialize};

use super::commits::{CommitMessage, Committed, Encoded, about_workflows, access_for};
use super::error::Result;
use super::repo::{Repo, encode_path};
use super::run::Effect;
use crate::model::{FilePath, Oid};

#[derive(Serialize)]
struct Body<'a> {
    message: String,
    content: Encoded<'a>,
    branch: &'a str,
}

#[derive(Deserialize)]
struct Answered {
    commit: Made,
}

#[derive(Deserialize)]
struct Made {
    sha: Oid,
    tree: Tree,
    #[serde(default)]
    html_url: String,
}

#[derive(Deserialize)]
struct Tree {
    sha: Oid,
}

impl Repo {
    /// One commit with one new file; in an empty repository it makes the branch. `Stale`: the file
    /// is there already.
    pub async fn put_contents(
        &self,
        branch: &str,
        path: &FilePath,
        bytes: &[u8],
        message: &CommitMessage,
    ) -> Result<Committed> {
        let body = Body { message: message.text(), content: Encoded(bytes), branch };
        let tail = format!("/contents/{}", encode_path(path.as_str()));
        let call = self.call(Method::PUT, "PUT /repos/{owner}/{repo}/contents/{path}", &tail).with_json(&body)?;
        let call = call.within(self.github.inner.settings.transfer_timeout);
        let sent = self.run(access_for([path]), Effect::Writes, call).await;
        let answer = sent.map_err(|error| about_workflows(error, [path].into_iter()).of_file(path.as_str()))?;
        let made: Answered = answer.json(true)?;
        Ok(Committed { commit: made.commit.sha, tree: made.commit.tree.sha, url: made.commit.html_url })
    }
}
