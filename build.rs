//! Rebuilds when what is embedded changes: migrations and the UI, which has to be built first.

use std::path::Path;

/// What `src/ui/assets.rs` includes.
const UI: [&str; 4] = ["embed.js", "panel-page.js", "console.js", "page.css"];

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    let dist = Path::new("src/ui/elements/dist");
    for name in UI {
        let file = dist.join(name);
        println!("cargo:rerun-if-changed={}", file.display());
        if !file.exists() {
            println!("cargo::error=the UI has not been built ({} is missing): run ./dev build", file.display());
        }
    }
}
