//! The moments of a worker's life between reading a job and acknowledging it, by what it asks of whom.

use super::Peer::{self, GitHub, Host, PostgreSql, Redis};
use crate::world::tap::Stop::{self, After, Before, Told};

/// A moment in a worker's life: its name, whose answer or question it is at, and how it is known.
pub type Boundary = (&'static str, Peer, Stop);

/// The next message on the same connection: a statement is prepared by one and carried out by the next.
const NEXT: &str = "";
const COMMIT: &str = "COMMIT";
const LEASE: &str = "SET lease_token = $2, lease_until";
const BEGIN_LOOK: &str = "SET due_at = NULL, remote_due = false";
const SNAPSHOT: &str = "SET snapshot = snapshot + 1";
const ROW: &str = "INSERT INTO syncs";
const ABSORB: &str = "SET revision = revision + $2";
const FILES: &str = "INSERT INTO sync_files";
const AGREE: &str = "CASE WHEN f.oid IS NOT DISTINCT FROM excluded.base_oid";
const RELEASE: &str = "lease_token = CASE WHEN old.lease_again";
const LEDGER: &str = "INSERT INTO deliveries";
const TAKE_NOTE: &str = "HDEL";
const ACKNOWLEDGE: &str = "XDEL";
const CLAIM_NOTIFICATION: &str = "UPDATE notifications SET lease_until";
const NOTIFIED: &str = "DELETE FROM notifications WHERE id = $1";
const TELL_HOST: &str = "POST /hook";
const CLAIM_REVOCATION: &str = "UPDATE revocations SET lease_until";
const REVOKED: &str = "DELETE FROM revocations WHERE id = $1";
const REVOKE: &str = "DELETE /applications/";
const TAKE_STATUS: &str = "SET status_due = false, status_reads";
const STATUS: &str = "UPDATE pull_requests SET number = $2";
/// Lockstep's newest commit on the branch of a pull request.
const HEAD_IS: &str = "UPDATE pull_requests SET head_commit";

/// Whoever has a project for something else than a look lets go of it.
const DROP: &str = "SET lease_token = NULL, lease_until = NULL";

/// Moments that are named elsewhere too.
pub mod named {
    pub const CREATE_COMMIT: &str = "createCommitOnBranch";
}

/// From an entry on the stream to its end, while both sides have something new.
pub fn look() -> Vec<Boundary> {
    vec![
        ("the entry handed out, and not received", Redis, Told("project:")),
        ("before the wake-up is noted as taken", Redis, Before(vec![TAKE_NOTE])),
        ("after the wake-up was noted as taken", Redis, After(vec![TAKE_NOTE])),
        ("before the lease is taken", PostgreSql, Before(vec![LEASE, NEXT])),
        ("the lease taken", PostgreSql, After(vec![LEASE, NEXT])),
        ("before what is due is taken over", PostgreSql, Before(vec![BEGIN_LOOK, COMMIT])),
        ("what is due taken over", PostgreSql, After(vec![BEGIN_LOOK, COMMIT])),
        ("before the head is read", GitHub, Before(vec!["POST /graphql"])),
        ("the head read", GitHub, After(vec!["POST /graphql"])),
        ("before the snapshot", PostgreSql, Before(vec![SNAPSHOT, COMMIT])),
        ("the snapshot taken", PostgreSql, After(vec![SNAPSHOT, COMMIT])),
        ("before the history row", PostgreSql, Before(vec![ROW, COMMIT])),
        ("the history row begun", PostgreSql, After(vec![ROW, COMMIT])),
        ("before GitHub's side is taken over", PostgreSql, Before(vec![ABSORB, COMMIT])),
        ("GitHub's side taken over", PostgreSql, After(vec![ABSORB, COMMIT])),
        ("before the commit is asked for", GitHub, Before(vec![named::CREATE_COMMIT])),
        ("GitHub has the commit, and PostgreSQL does not know", GitHub, After(vec![named::CREATE_COMMIT])),
        ("before the end is recorded", PostgreSql, Before(vec![AGREE, COMMIT])),
        ("the end recorded", PostgreSql, After(vec![AGREE, COMMIT])),
        ("before the lease is let go", PostgreSql, Before(vec![RELEASE, NEXT])),
        ("the lease let go", PostgreSql, After(vec![RELEASE, NEXT])),
        ("before the entry is acknowledged", Redis, Before(vec![ACKNOWLEDGE])),
        ("the entry acknowledged", Redis, After(vec![ACKNOWLEDGE])),
    ]
}

/// The project's own edit alone: what was about to be asked of GitHub is written before it is asked.
pub fn edit() -> Vec<Boundary> {
    vec![
        ("before the intent is written", PostgreSql, Before(vec![FILES, COMMIT])),
        ("the intent written", PostgreSql, After(vec![FILES, COMMIT])),
        ("before the commit is asked for", GitHub, Before(vec![named::CREATE_COMMIT])),
        ("GitHub has the commit", GitHub, After(vec![named::CREATE_COMMIT])),
    ]
}

/// An executable file: a tree, a commit, and the branch moved to it.
pub fn trees() -> Vec<Boundary> {
    vec![
        ("before the tree", GitHub, Before(vec!["/git/trees HTTP"])),
        ("the tree made", GitHub, After(vec!["/git/trees HTTP"])),
        ("before the commit", GitHub, Before(vec!["/git/commits HTTP"])),
        ("the commit made, on no branch", GitHub, After(vec!["/git/commits HTTP"])),
        ("before the branch moves", GitHub, Before(vec!["PATCH /repos/"])),
        ("the branch moved", GitHub, After(vec!["PATCH /repos/"])),
    ]
}

/// The first commit of an empty repository.
pub fn root() -> Vec<Boundary> {
    vec![
        ("before the branch is started", GitHub, Before(vec!["PUT /repos/"])),
        ("the branch started", GitHub, After(vec!["PUT /repos/"])),
        ("before the others join", GitHub, Before(vec![named::CREATE_COMMIT])),
        ("the others joined", GitHub, After(vec![named::CREATE_COMMIT])),
        ("before the root commit", GitHub, Before(vec!["/git/commits HTTP"])),
        ("the root commit made, on no branch", GitHub, After(vec!["/git/commits HTTP"])),
        ("before the branch moves to it", GitHub, Before(vec!["updateRefs"])),
        ("the branch moved to it", GitHub, After(vec!["updateRefs"])),
        ("before the end is recorded", PostgreSql, Before(vec![AGREE, COMMIT])),
    ]
}

/// A conflict that goes to a pull request.
pub fn proposal() -> Vec<Boundary> {
    vec![
        ("before the branch is made", GitHub, Before(vec!["/git/refs HTTP"])),
        ("the branch made", GitHub, After(vec!["/git/refs HTTP"])),
        ("before its commit", GitHub, Before(vec![named::CREATE_COMMIT])),
        ("its commit made", GitHub, After(vec![named::CREATE_COMMIT])),
        ("before it is opened", GitHub, Before(vec!["/pulls HTTP"])),
        ("it is open", GitHub, After(vec!["/pulls HTTP"])),
    ]
}

/// A webhook's entry.
pub fn delivery() -> Vec<Boundary> {
    vec![
        ("the delivery handed out, and not received", Redis, Told("\r\npush\r\n")),
        ("before its effect is recorded", PostgreSql, Before(vec![LEDGER, COMMIT])),
        ("its effect recorded", PostgreSql, After(vec![LEDGER, COMMIT])),
        ("before the project is woken up", Redis, Before(vec!["project:"])),
        ("before the delivery is acknowledged", Redis, Before(vec![ACKNOWLEDGE])),
        ("the delivery acknowledged", Redis, After(vec![ACKNOWLEDGE])),
    ]
}

/// An event on its way to the host.
pub fn notification() -> Vec<Boundary> {
    vec![
        ("the notification handed out, and not received", Redis, Told("notification:")),
        ("before the notification is claimed", PostgreSql, Before(vec![CLAIM_NOTIFICATION, NEXT])),
        ("the notification claimed", PostgreSql, After(vec![CLAIM_NOTIFICATION, NEXT])),
        ("before the host is told", Host, Before(vec![TELL_HOST])),
        ("the host told, and PostgreSQL does not know", Host, After(vec![TELL_HOST])),
        ("before the notification is deleted", PostgreSql, Before(vec![NOTIFIED, NEXT])),
        ("the notification deleted", PostgreSql, After(vec![NOTIFIED, NEXT])),
    ]
}

/// A token on its way to be revoked.
pub fn revocation() -> Vec<Boundary> {
    vec![
        ("the revocation handed out, and not received", Redis, Told("revocation:")),
        ("before the revocation is claimed", PostgreSql, Before(vec![CLAIM_REVOCATION, NEXT])),
        ("the revocation claimed", PostgreSql, After(vec![CLAIM_REVOCATION, NEXT])),
        ("before GitHub revokes the token", GitHub, Before(vec![REVOKE])),
        ("the token revoked, and PostgreSQL does not know", GitHub, After(vec![REVOKE])),
        ("before the revocation is deleted", PostgreSql, Before(vec![REVOKED, NEXT])),
        ("the revocation deleted", PostgreSql, After(vec![REVOKED, NEXT])),
        ("before one of both is acknowledged", Redis, Before(vec![ACKNOWLEDGE])),
        ("one of both acknowledged", Redis, After(vec![ACKNOWLEDGE])),
    ]
}

/// How a pull request stands.
pub fn status() -> Vec<Boundary> {
    vec![
        ("the wake-up handed out, and not received", Redis, Told("pull_request:")),
        ("before the reading is taken over", PostgreSql, Before(vec![TAKE_STATUS, NEXT])),
        ("the reading taken over", PostgreSql, After(vec![TAKE_STATUS, NEXT])),
        ("before GitHub is asked", GitHub, Before(vec!["POST /graphql"])),
        ("GitHub was asked", GitHub, After(vec!["POST /graphql"])),
        ("before the status is recorded", PostgreSql, Before(vec![STATUS, COMMIT])),
        ("the status recorded", PostgreSql, After(vec![STATUS, COMMIT])),
        ("before the wake-up is acknowledged", Redis, Before(vec![ACKNOWLEDGE])),
        ("the wake-up acknowledged", Redis, After(vec![ACKNOWLEDGE])),
    ]
}

/// A later edit of what an open pull request carries.
pub fn pull_branch() -> Vec<Boundary> {
    vec![
        ("before the branch gets the commit", GitHub, Before(vec![named::CREATE_COMMIT])),
        ("the branch has the commit, and PostgreSQL does not know", GitHub, After(vec![named::CREATE_COMMIT])),
        ("before the commit is recorded", PostgreSql, Before(vec![HEAD_IS, COMMIT])),
        ("the commit recorded", PostgreSql, After(vec![HEAD_IS, COMMIT])),
        ("before the lease is let go", PostgreSql, Before(vec![RELEASE, NEXT])),
        ("the lease let go", PostgreSql, After(vec![RELEASE, NEXT])),
    ]
}

/// A pull request that could not be made when it was asked for, and is gone on with.
pub fn resumed() -> Vec<Boundary> {
    vec![
        ("the wake-up handed out, and not received", Redis, Told("pull_request:")),
        ("before the lease is taken", PostgreSql, Before(vec![LEASE, NEXT])),
        ("the lease taken", PostgreSql, After(vec![LEASE, NEXT])),
        ("before the branch is made", GitHub, Before(vec!["/git/refs HTTP"])),
        ("the branch made", GitHub, After(vec!["/git/refs HTTP"])),
        ("before its commit", GitHub, Before(vec![named::CREATE_COMMIT])),
        ("its commit made, and PostgreSQL does not know", GitHub, After(vec![named::CREATE_COMMIT])),
        ("before its commit is recorded", PostgreSql, Before(vec![STATUS, COMMIT])),
        ("its commit recorded", PostgreSql, After(vec![STATUS, COMMIT])),
        ("before it is opened", GitHub, Before(vec!["/pulls HTTP"])),
        ("it is open, and PostgreSQL does not know", GitHub, After(vec!["/pulls HTTP"])),
        ("before its number is recorded", PostgreSql, Before(vec![STATUS, ROW, COMMIT])),
        ("its number recorded", PostgreSql, After(vec![STATUS, ROW, COMMIT])),
        ("before the lease is let go", PostgreSql, Before(vec![DROP, NEXT])),
        ("the lease let go", PostgreSql, After(vec![DROP, NEXT])),
        ("before the wake-up is acknowledged", Redis, Before(vec![ACKNOWLEDGE])),
        ("the wake-up acknowledged", Redis, After(vec![ACKNOWLEDGE])),
    ]
}

/// Those at which nothing holds a row locked: a lease can be another's by the time it goes on.
pub fn while_it_may_be_overtaken(mut boundaries: Vec<Boundary>) -> Vec<Boundary> {
    boundaries.retain(|(_, peer, stop)| *peer != PostgreSql || matches!(stop, After(_)));
    boundaries
}
