//! Where a browser goes back to after GitHub: which addresses are let in, and what is added to them.
//! Pure. An address that is let in cannot lead away from the public URL or a panel's origin.

use url::{Origin, Url};

use crate::model::Problem;

const MAX_CHARS: usize = 2048;
/// What is added to the query, so that the page knows how it went.
const OUTCOME: &str = "lockstep";

/// How the visit to GitHub ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Connected,
    Denied,
    Installed,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Connected => "connected",
            Outcome::Denied => "denied",
            Outcome::Installed => "installed",
        }
    }
}

/// Checks an address given by a host or a panel: a URL whose origin is the public URL's or a panel
/// origin, or a path with a single leading `/`. Answers a problem that names the field.
pub fn check(text: &str, public_url: &str, panel_origins: &[String]) -> Result<(), Problem> {
    let refused = |why: &str| Err(Problem::field("return_to", why));
    if text.is_empty() || text.chars().count() > MAX_CHARS {
        return refused("has 1 to 2048 characters");
    }
    // Browsers drop tabs and line ends inside an address and read `\` as `/`.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return refused("has no spaces, control characters or backslashes");
    }
    let Ok(public) = Url::parse(public_url) else { return refused("cannot be checked: the public URL is not a URL") };
    if text.starts_with('/') {
        let stays = !text.starts_with("//") && public.join(text).is_ok_and(|url| url.origin() == public.origin());
        return if stays { Ok(()) } else { refused("is a path with a single leading slash, or a URL") };
    }
    let Ok(url) = Url::parse(text) else { return refused("is a path with a single leading slash, or a URL") };
    // A `blob:` has the origin of the page that made it; `https:x` without slashes is a path to a browser
    // that is on an https page already.
    let written = text.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case(url.scheme()));
    if !written || !matches!(url.scheme(), "http" | "https") {
        return refused("is an http or https address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("holds no user name or password");
    }
    if allowed(&url.origin(), &public.origin(), panel_origins) {
        Ok(())
    } else {
        refused("leads neither to a panel origin nor to the public URL")
    }
}

fn allowed(origin: &Origin, public: &Origin, panel_origins: &[String]) -> bool {
    let panel = |text: &String| Url::parse(text).is_ok_and(|url| url.origin() == *origin);
    origin == public || panel_origins.iter().any(panel)
}

/// The checked address with `lockstep=OUTCOME` added to its query; one that was there is replaced,
/// the rest stays byte for byte.
pub fn with_outcome(address: &str, outcome: Outcome) -> String {
    let (rest, fragment) = split(address, '#');
    let (path, query) = split(rest, '?');
    let prefix = format!("{OUTCOME}=");
    let mut pairs: Vec<&str> = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.retain(|pair| !pair.starts_with(&prefix) && *pair != OUTCOME);
    let added = format!("{OUTCOME}={}", outcome.as_str());
    pairs.push(&added);
    let query = pairs.join("&");
    match fragment {
        Some(fragment) => format!("{path}?{query}#{fragment}"),
        None => format!("{path}?{query}"),
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "https://sync.example:8443";

    fn checked(text: &str) -> bool {
        check(text, PUBLIC, &["https://app.example".to_owned(), "http://localhost:3000".to_owned()]).is_ok()
    }

    #[test]
    fn addresses_that_stay_home_are_let_in() {
        for good in [
            "/",
            "/projects/7?tab=git#top",
            "/a//b",
            "https://app.example",
            "https://app.example/x?y=1",
            "https://APP.example:443/x",
            "http://localhost:3000/",
            "https://sync.example:8443/panel/site",
        ] {
            assert!(checked(good), "{good}");
        }
    }

    #[test]
    fn addresses_that_lead_away_are_refused() {
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "\\/evil.example",
            "https:\\\\evil.example",
            "https:app.example",
            "https:/app.example/x",
            "https://evil.example",
            "https://app.example.evil.example/",
            "https://app.example@evil.example/",
            "https://me:pw@app.example/",
            "http://app.example/",
            "https://app.example:444/",
            "javascript:alert(1)",
            "data:text/html,x",
            "relative/path",
            "https://sync.example/",
            " /x",
            "/x\n",
            "ftp://app.example/",
            "blob:https://app.example/1",
            "https:app.example.evil",
            "http://localhost:3001/",
            "/\u{a0}x",
            &format!("/{}", "x".repeat(2048)),
        ] {
            assert!(!checked(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_outcome_is_added_and_nothing_else_changes() {
        let added = |address| with_outcome(address, Outcome::Connected);
        assert_eq!(added("/a"), "/a?lockstep=connected");
        assert_eq!(added("/a?x=%20y&z"), "/a?x=%20y&z&lockstep=connected");
        assert_eq!(added("/a?#top"), "/a?lockstep=connected#top");
        assert_eq!(
            added("https://app.example/?lockstep=denied&q=1#a?b"),
            "https://app.example/?q=1&lockstep=connected#a?b"
        );
        assert_eq!(with_outcome("/a", Outcome::Denied), "/a?lockstep=denied");
    }
}
