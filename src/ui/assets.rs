//! Scripts and styles, embedded in the program. Pages name them by their content, so that browsers
//! may keep them for ever.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// One embedded file.
#[derive(Debug)]
pub struct Asset {
    /// Its name with the hash of its content, as in `/assets/{name}`.
    pub name: String,
    pub content_type: &'static str,
    pub content: &'static [u8],
    /// The hash, for `ETag`.
    pub hash: String,
}

macro_rules! embedded {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/ui/elements/dist/", $name))
    };
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The custom elements, for other people's pages.
pub static EMBED: LazyLock<Asset> = LazyLock::new(|| asset("embed", "js", SCRIPT, embedded!("embed.js")));
/// The panel page's script.
pub static PANEL: LazyLock<Asset> = LazyLock::new(|| asset("panel", "js", SCRIPT, embedded!("panel-page.js")));
/// The console's script.
pub static CONSOLE: LazyLock<Asset> = LazyLock::new(|| asset("console", "js", SCRIPT, embedded!("console.js")));
/// The look of whole pages.
pub static PAGE: LazyLock<Asset> = LazyLock::new(|| asset("page", "css", STYLE, embedded!("page.css")));

/// [`PAGE`] as text, for pages that carry it inside.
pub static PAGE_STYLE: LazyLock<&str> = LazyLock::new(|| std::str::from_utf8(PAGE.content).unwrap_or_default().trim());

/// What a policy names to allow [`PAGE_STYLE`] inside a page.
pub static PAGE_STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(PAGE_STYLE.as_bytes()))));

fn asset(stem: &str, extension: &str, content_type: &'static str, content: &'static [u8]) -> Asset {
    let hash = hex::encode(&Sha256::digest(content)[..8]);
    Asset { name: format!("{stem}-{hash}.{extension}"), content_type, content, hash }
}

/// The asset of this name; none for one of another version.
pub fn named(name: &str) -> Option<&'static Asset> {
    [&PANEL, &CONSOLE, &PAGE].into_iter().map(|asset| &**asset).find(|asset| asset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_found_by_the_name_that_pages_use() {
        assert!(named(&PANEL.name).is_some_and(|asset| asset.content == PANEL.content));
        assert!(named("panel-0000000000000000.js").is_none());
        assert!(PAGE.name.starts_with("page-") && PAGE.name.ends_with(".css"));
    }

    #[test]
    fn the_bundle_defines_every_element() {
        let text = String::from_utf8_lossy(EMBED.content);
        for part in [
            "panel",
            "status",
            "connection",
            "repository-form",
            "sync-controls",
            "history",
            "pull-requests",
            "conflicts",
            "settings",
        ] {
            assert!(text.contains(&format!("\"lockstep-{part}\"")), "{part}");
        }
    }
}
