//! From rows and GitHub's side to a plan, with the lines that must be merged for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::look::{Look, Trouble};
use super::pull_branch::LivePull;
use super::pull_edits::edits;
use super::remote::{Remote, There, is_unholdable};
use crate::github::{GithubError, HeadState, is_readable};
use crate::model::{Entry, FilePath, Mode, Oid, Settings};
use crate::store::integrations::Guard;
use crate::store::pulls::Pull;
use crate::store::snapshot::{HeldRow, Sides, Snapshot, Want};
use crate::sync::exclude::Excluder;
use crate::sync::merge::{self, Merged as MergedLines};
use crate::sync::plan::{self, Held, Merged, Plan, Policy, Row};

/// A plan with everything it was made from.
pub(super) struct Decision {
    pub remote: Remote,
    pub snapshot: Snapshot,
    pub rows: BTreeMap<FilePath, Row>,
    pub plan: Plan,
    /// Bytes of what the project is to take.
    pub sizes: HashMap<Oid, i64>,
    /// Something is to be pushed when the batch window is over.
    pub waits_for_window: bool,
    /// Pull requests that hold some of the paths.
    pub live: Vec<LivePull>,
    /// Merged ones, whose paths are released by this look.
    pub released: Vec<i64>,
    /// Merged ones whose merge the branch does not have.
    pub strayed: Vec<Pull>,
    /// The deletions that a person was asked about, when they would still be pushed, though not now.
    pub unconfirmed: Option<Guard>,
}

/// Fewer deletions than this never wait for a person.
const FEW_DELETIONS: usize = 20;

impl Look<'_> {
    pub async fn decide(&mut self, remote: Remote) -> Result<Decision, Trouble> {
        let excluder = excluder(&self.on.settings);
        let wanted: BTreeSet<FilePath> = remote.paths.keys().cloned().collect();
        let want = if remote.whole { Want::All } else { Want::Paths(&wanted) };
        let kept = self.on.settings.pull || remote.moved;
        let mut snapshot = self.engine.store.gather(self.lease, want, kept).await?;
        hide_excluded(&mut snapshot, &excluder);
        self.sizes = sizes_there(&snapshot, &remote);
        let mut rows = rows(&snapshot, &remote, &excluder);
        let live = self.live_pulls_now(&remote).await?;
        let (released, strayed) = self.end_merged(&live, &remote, &mut rows).await?;
        hold_open(&live, &mut rows);
        let policy = self.policy();
        let (merged, sizes) = self.merge_rounds(&rows, policy).await?;
        let plan = plan::plan(&rows, &merged, policy);
        let later = plan::plan(&rows, &merged, Policy { push: true, ..policy });
        let waits_for_window = later.push.len() > plan.push.len();
        let mut decision = Decision {
            remote,
            snapshot,
            rows,
            plan,
            sizes,
            waits_for_window,
            live,
            released,
            strayed,
            unconfirmed: None,
        };
        if self.on.confirm.is_some() && !policy.push {
            decision.unconfirmed = self.guard(&decision, &later).await?;
        }
        let edited = decision.live.iter().any(|live| live.pull.is_open() && !edits(&decision, live).is_empty());
        decision.waits_for_window |= edited && !policy.push;
        Ok(decision)
    }

    /// The pull requests that hold paths. What came in may be a merge of theirs whose webhook comes
    /// later: how they stand is asked, since it decides what their paths are compared with.
    async fn live_pulls_now(&self, remote: &Remote) -> Result<Vec<LivePull>, Trouble> {
        let live = self.live_pulls().await?;
        let concerned = |live: &&LivePull| {
            let mut paths = live.carries.keys();
            live.pull.is_open() && remote.moved && (remote.whole || paths.any(|path| remote.paths.contains_key(path)))
        };
        let asked: Vec<&LivePull> = live.iter().filter(concerned).collect();
        for live in &asked {
            let Some(number) = live.pull.number else { continue };
            match self.engine.read_status(&live.pull, number).await {
                // It is taken to stand as it did, and its paths stay with it; the others are read all the same.
                Err(Trouble::GitHub(error)) if is_about_one(&error) => {
                    self.engine.read_status_again(&live.pull, error).await?;
                }
                read => drop(read?),
            }
        }
        if asked.is_empty() { Ok(live) } else { self.live_pulls().await }
    }

    /// What a merged pull request carried is agreed on as it carried it: GitHub's side, whatever
    /// the reviewers made of it, is then an ordinary change of theirs. One whose merge is not on the
    /// branch, or not any more, changed nothing here: it strayed, and what it carried waits for a person.
    async fn end_merged(
        &self,
        live: &[LivePull],
        remote: &Remote,
        rows: &mut BTreeMap<FilePath, Row>,
    ) -> Result<(Vec<i64>, Vec<Pull>), Trouble> {
        let (mut released, mut strayed) = (Vec::new(), Vec::new());
        let Some(head) = remote.head.filter(|_| remote.asked) else { return Ok((released, strayed)) };
        for ended in live.iter().filter(|live| live.pull.state == "merged") {
            let Some(is_here) = self.has_merge(head.commit, &ended.pull).await? else { continue };
            for (path, carried) in &ended.carries {
                let Some(row) = rows.get_mut(path) else { continue };
                // Where the project has followed GitHub, what was agreed on stands.
                if is_here && !carried.came_in {
                    row.base = carried.entry;
                }
                let left = !is_here && !ended.pull.proposed;
                row.held = left.then_some(Held::PullRequestClosed);
            }
            if is_here {
                released.push(ended.pull.id);
            } else {
                strayed.push(ended.pull.clone());
            }
        }
        Ok((released, strayed))
    }

    /// Whether the branch has what was merged; none: it moved since it was read, and will say.
    async fn has_merge(&self, head: Oid, pull: &Pull) -> Result<Option<bool>, Trouble> {
        if pull.base != self.on.branch {
            return Ok(Some(false));
        }
        let Some(merge) = pull.merge_commit else { return Ok(Some(true)) };
        if merge == head || self.repo.is_in(merge, head).await? {
            return Ok(Some(true));
        }
        let now = self.repo.head(&self.on.branch).await?;
        Ok(matches!(now, HeadState::Branch(now) if now.commit == head).then_some(false))
    }

    fn policy(&self) -> Policy {
        Policy {
            push: self.push_is_due(),
            by_person: self.asked_to_sync(),
            pull: self.on.settings.pull,
            conflict: self.on.settings.conflict_policy,
        }
    }

    async fn merge_rounds(
        &mut self,
        rows: &BTreeMap<FilePath, Row>,
        policy: Policy,
    ) -> Result<(BTreeMap<FilePath, Merged>, HashMap<Oid, i64>), Trouble> {
        let (mut merged, mut sizes) = (BTreeMap::new(), HashMap::new());
        let needed = plan::plan(rows, &merged, policy).needs_merge;
        self.fetch(&needed.iter().filter_map(|path| there(rows, path)).collect()).await?;
        self.fetch_bases(needed.iter().filter_map(|path| rows.get(path)?.base)).await?;
        for path in needed {
            let outcome = self.merge_one(&rows[&path], &mut sizes).await?;
            merged.insert(path, outcome);
        }
        Ok((merged, sizes))
    }

    /// Where the project's side was kept against GitHub's, the base is a version that was never here. One
    /// that GitHub has no more either leaves a conflict.
    async fn fetch_bases(&mut self, bases: impl Iterator<Item = Entry>) -> Result<(), Trouble> {
        match self.fetch(&bases.map(|entry| entry.oid).collect()).await {
            Err(Trouble::GitHub(GithubError::NotFound)) => Ok(()),
            other => other,
        }
    }

    pub(super) async fn merge_one(&self, row: &Row, sizes: &mut HashMap<Oid, i64>) -> Result<Merged, Trouble> {
        let (Some(ours), Some(theirs)) = (row.project, row.github) else { return Ok(Merged::Conflict) };
        let Some(mode) = merge::merge_mode(row.base.map(|entry| entry.mode), ours.mode, theirs.mode) else {
            return Ok(Merged::Conflict);
        };
        let base = match row.base {
            Some(entry) => match self.engine.store.blob(self.on.pid, entry.oid).await? {
                Some(content) => Some(content),
                None => return Ok(Merged::Conflict),
            },
            None => None,
        };
        let (ours, theirs) = (self.content(ours.oid).await?, self.content(theirs.oid).await?);
        let lines = tokio::task::spawn_blocking(move || merge::merge(base.as_deref(), &ours, &theirs)).await;
        match lines.map_err(|why| crate::store::StoreError::Internal(format!("a merge ended badly: {why}")))? {
            MergedLines::Clean(content) => {
                let entry = Entry { oid: Oid::of_blob(&content), mode };
                sizes.insert(entry.oid, content.len() as i64);
                self.engine.store.keep_blobs(self.on.pid, &[(entry.oid, content.into())]).await?;
                Ok(Merged::Clean(entry))
            }
            MergedLines::Conflict { .. } | MergedLines::Binary => Ok(Merged::Conflict),
        }
    }

    async fn content(&self, oid: Oid) -> Result<Vec<u8>, Trouble> {
        let content = self.engine.store.blob(self.on.pid, oid).await?;
        content.ok_or_else(|| crate::store::StoreError::Internal(format!("the content of {oid} is missing")).into())
    }

    /// Brings in the contents that the project is to take, and those a person is to compare.
    pub async fn fetch_contents(&mut self, decision: &mut Decision) -> Result<(), Trouble> {
        let plan = &decision.plan;
        let taken = plan.take.values().chain(plan.propose.values()).flatten().copied();
        let shown = plan.conflict.keys().chain(plan.collision.keys()).filter_map(|path| {
            let row = decision.rows.get(path)?;
            row.github.filter(|entry| !row.unholdable && entry.mode != Mode::Submodule)
        });
        let wanted: BTreeSet<Oid> = taken.chain(shown).map(|entry| entry.oid).collect();
        self.fetch(&wanted).await?;
        decision.sizes.extend(self.engine.store.blob_sizes(self.on.pid, &wanted).await?);
        Ok(())
    }

    /// Brings in the contents that are not here yet.
    pub(super) async fn fetch(&mut self, wanted: &BTreeSet<Oid>) -> Result<(), Trouble> {
        let here = self.engine.store.blob_sizes(self.on.pid, wanted).await?;
        let missing: Vec<(Oid, Option<u64>)> = wanted
            .iter()
            .filter(|oid| !here.contains_key(*oid))
            .map(|oid| (*oid, self.sizes.get(oid).copied()))
            .collect();
        let repo = self.repo.clone();
        let mut arriving = std::pin::pin!(repo.blobs(&missing));
        while let Some(blobs) = arriving.next().await {
            let blobs = blobs?;
            self.engine.store.keep_blobs(self.on.pid, &blobs).await?;
            self.progress(blobs.len() as i64).await?;
        }
        Ok(())
    }

    /// The deletions of a plan, when they are so many that a person must let them through.
    pub async fn guard(&self, decision: &Decision, plan: &Plan) -> Result<Option<Guard>, Trouble> {
        let (here, there) = (plan.deletions_in_project(), plan.deletions_on_github());
        if here <= FEW_DELETIONS && there <= FEW_DELETIONS {
            return Ok(None);
        }
        let share = self.on.settings.max_delete_percent as i64;
        let exceeds = |deleted: usize, of: i64| deleted > FEW_DELETIONS && deleted as i64 * 100 > share * of;
        let on_github = self.engine.store.github_files(self.on.pid).await?;
        if !exceeds(here, decision.snapshot.files) && !exceeds(there, on_github) {
            return Ok(None);
        }
        let fingerprint = fingerprint(plan);
        Ok(Some(Guard { deletes_in_project: here, deletes_on_github: there, fingerprint }))
    }
}

/// Names exactly these deletions, so that a person's yes is not a yes to others.
fn fingerprint(plan: &Plan) -> String {
    let mut hash = Sha256::new();
    let sides = [
        ("project", plan.take.iter().chain(&plan.propose).collect::<BTreeMap<_, _>>()),
        ("github", plan.push.iter().collect()),
    ];
    for (side, moves) in sides {
        for (path, _) in moves.into_iter().filter(|(_, entry)| entry.is_none()) {
            hash.update(format!("{side}\0{path}\0"));
        }
    }
    hex::encode(hash.finalize())
}

/// Patterns were checked when they were set; without valid ones nothing is excluded by mistake.
fn excluder(settings: &Settings) -> Excluder {
    Excluder::new(&settings.exclude).unwrap_or_default()
}

fn there(rows: &BTreeMap<FilePath, Row>, path: &FilePath) -> Option<Oid> {
    rows.get(path).and_then(|row| row.github).map(|entry| entry.oid)
}

/// What no side has any more has no row that says whether its path is in view.
fn hide_excluded(snapshot: &mut Snapshot, excluder: &Excluder) {
    for (path, sides) in snapshot.paths.iter_mut().filter(|(_, sides)| sides.project.is_none() && sides.held.is_some())
    {
        sides.excluded |= excluder.is_excluded(path.as_str());
    }
}

/// What may be wrong with one pull request alone; what the installation lacks is told.
fn is_about_one(error: &GithubError) -> bool {
    error.is_transient() || matches!(error, GithubError::NotFound | GithubError::Invalid(_))
}

/// What an open pull request carries is not committed, even if nothing is known of the path but that:
/// one that came back into view is compared with what the pull request replaces.
fn hold_open(live: &[LivePull], rows: &mut BTreeMap<FilePath, Row>) {
    for live in live.iter().filter(|live| live.pull.holds_paths()) {
        for (path, carried) in &live.carries {
            let Some(row) = rows.get_mut(path) else { continue };
            row.held = Some(Held::PullRequest);
            if live.pull.is_open() && !carried.came_in && row.github == carried.entry {
                // It was merged, and GitHub does not say so yet: an edit made since is an edit of this.
                row.base = carried.entry;
            } else if row.base.is_none() && row.github == carried.old && !live.pull.proposed {
                row.base = carried.old;
            }
        }
    }
}

/// Every path that is in view and on which the sides are not all equal, or GitHub's side moved.
fn rows(snapshot: &Snapshot, remote: &Remote, excluder: &Excluder) -> BTreeMap<FilePath, Row> {
    let mut rows = BTreeMap::new();
    for (path, sides) in snapshot.paths.iter().filter(|(_, sides)| !sides.excluded) {
        let github = match remote.paths.get(path) {
            Some(there) => *there,
            // A name that GitHub does not list is not gone: it is taken to be as recorded.
            None if remote.whole && is_readable(path.as_str()) => None,
            None => {
                sides.github.map(|entry| There { entry, size: sides.github_size.and_then(|size| size.try_into().ok()) })
            }
        };
        insert(&mut rows, path, sides, github);
    }
    for (path, there) in remote.paths.iter().filter(|(path, _)| !snapshot.paths.contains_key(*path)) {
        if there.is_some() && !excluder.is_excluded(path.as_str()) {
            insert(&mut rows, path, &NOWHERE, *there);
        }
    }
    rows
}

/// How large what GitHub has is, where it said.
fn sizes_there(snapshot: &Snapshot, remote: &Remote) -> HashMap<Oid, u64> {
    let recorded = snapshot.paths.values().filter_map(|sides| {
        let size = sides.github_size.and_then(|size| size.try_into().ok());
        Some((sides.github?.oid, size?))
    });
    let read = remote.paths.values().flatten().filter_map(|there| Some((there.entry.oid, there.size?)));
    recorded.chain(read).collect()
}

const NOWHERE: Sides = Sides {
    project: None,
    size: 0,
    base: None,
    github: None,
    github_size: None,
    excluded: false,
    authors: Vec::new(),
    held: None,
};

fn insert(rows: &mut BTreeMap<FilePath, Row>, path: &FilePath, sides: &Sides, github: Option<There>) {
    let entry = github.map(|there| there.entry);
    if sides.project == sides.base && sides.base == entry && sides.github == entry {
        return;
    }
    rows.insert(
        path.clone(),
        Row {
            project: sides.project,
            base: sides.base,
            github: entry,
            unholdable: github.is_some_and(|there| is_unholdable(path, there)),
            held: sides.held.as_ref().and_then(|held| still_held(held, sides.project)),
        },
    );
}

/// A refusal is of one version: an edited file is tried again.
fn still_held(held: &HeldRow, project: Option<Entry>) -> Option<Held> {
    match held.reason.as_str() {
        "refused" if held.version == project => Some(Held::Refused),
        // What a closed pull request left waits for a person in any version.
        "refused" => held.pull_request.map(|_| Held::PullRequestClosed),
        "pull_request" => Some(Held::PullRequest),
        "pull_request_closed" => Some(Held::PullRequestClosed),
        // So it does in a conflict, however that is settled without a person.
        _ => held.pull_request.map(|_| Held::PullRequestClosed),
    }
}
