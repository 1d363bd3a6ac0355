//! Projects and their connections: files through the API, the connection as a row, which spares a
//! browser's way through GitHub's pages.

use serde_json::{Value, json};

use crate::place::{Repository, World};

/// Connects the project to the repository's `main`, and commits each change at once.
pub async fn connect(world: &World, project: &str, repository: &Repository) -> anyhow::Result<()> {
    window(world, project, 0).await?;
    world
        .sql
        .execute(
            "INSERT INTO integrations (pid, connection, installation_id, repository_id, full_name, private,
                                       default_branch, url, branch, state, connected_by, due_at, remote_due)
             SELECT pid, gen_random_uuid(), $2, $3, $4, true, 'main', 'http://github.test/' || $4, 'main',
                    'connected', 'bench', now(), true FROM projects WHERE id = $1",
            &[&project, &repository.installation, &repository.id, &repository.name],
        )
        .await?;
    Ok(())
}

/// Sets the project's batch window.
pub async fn window(world: &World, project: &str, seconds: i32) -> anyhow::Result<()> {
    let update =
        "UPDATE projects SET settings = settings || jsonb_build_object('batch_seconds', $2::int) WHERE id = $1";
    world.sql.execute(update, &[&project, &seconds]).await?;
    Ok(())
}

/// A change request's body.
pub fn change(event_id: &str, files: &[(String, String)]) -> Value {
    let changes: Vec<Value> =
        files.iter().map(|(path, content)| json!({"op": "put", "path": path, "content": content})).collect();
    json!({"event_id": event_id, "changes": changes})
}

/// So many small files, in folders of a hundred, in folders of ten.
pub fn small_files(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("area{}/part{}/file{n}.txt", n / 1_000, n / 100), format!("file {n}\n"))).collect()
}

/// Text of roughly this size, as people write it: no two files alike.
pub fn text(seed: usize, bytes: usize) -> String {
    const WORDS: [&str; 16] = [
        "sync", "branch", "the", "of", "commit", "project", "and", "window", "merge", "to", "tree", "request",
        "conflict", "is", "change", "with",
    ];
    let mut text = String::with_capacity(bytes + 16);
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = WORDS[(state >> 60) as usize];
        text.push_str(word);
        match state >> 32 & 15 {
            0 => text.push_str(&format!("{:x}\n", state >> 40)),
            _ => text.push(' '),
        }
    }
    text.truncate(bytes);
    text
}
