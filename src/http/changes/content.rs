//! Contents of files as requests carry them: JSON strings, plain or base64, inside of the body.
//! They are decoded to be hashed, and once more when they have to be written; in between only
//! their place in the body is kept.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::model::Oid;
use crate::store::blobs::Contents;
use crate::store::changes::apply::NewContent;
use crate::store::changes::no_symlink;

/// The largest file, in bytes.
pub const MAX_FILE: usize = 50 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Base64,
}

impl Encoding {
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "utf-8" => Ok(Encoding::Utf8),
            "base64" => Ok(Encoding::Base64),
            _ => Err("is `utf-8` or `base64`".to_owned()),
        }
    }
}

/// Why a content is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    TooLarge,
    Invalid(&'static str),
}

/// Where the contents of a request lie in its body.
#[derive(Debug, Default)]
pub struct Places {
    body: Bytes,
    places: Vec<(Range<usize>, Encoding)>,
}

impl Places {
    pub fn new(body: Bytes) -> Self {
        Places { body, places: Vec::new() }
    }

    /// Checks and hashes a content, and keeps its place. `raw` is a part of the body.
    pub fn add(&mut self, raw: &str, encoding: Encoding) -> Result<NewContent, Refused> {
        let bytes = decode(raw, encoding)?;
        if bytes.len() > MAX_FILE {
            return Err(Refused::TooLarge);
        }
        let size = i64::try_from(bytes.len()).map_err(|_| Refused::TooLarge)?;
        let no_symlink = no_symlink(size, bytes.len() <= 4096 && bytes.contains(&0));
        let oid = Oid::of_blob(&bytes);
        let start = raw.as_ptr() as usize - self.body.as_ptr() as usize;
        self.places.push((start..start + raw.len(), encoding));
        Ok(NewContent { oid, size, content: self.places.len() - 1, no_symlink })
    }
}

impl Contents for Places {
    fn bytes(&self, content: usize) -> Cow<'_, [u8]> {
        let place = self.places.get(content);
        let raw =
            place.and_then(|(range, encoding)| Some((std::str::from_utf8(&self.body[range.clone()]).ok()?, encoding)));
        // What was hashed decodes again.
        raw.and_then(|(raw, encoding)| decode(raw, *encoding).ok()).unwrap_or_default()
    }
}

/// The bytes that a JSON string stands for.
fn decode(raw: &str, encoding: Encoding) -> Result<Cow<'_, [u8]>, Refused> {
    let text = unescape(raw)?;
    match (encoding, text) {
        (Encoding::Utf8, Cow::Borrowed(text)) => Ok(Cow::Borrowed(text.as_bytes())),
        (Encoding::Utf8, Cow::Owned(text)) => Ok(Cow::Owned(text.into_bytes())),
        (Encoding::Base64, text) if text.len() / 4 * 3 > MAX_FILE + 2 => Err(Refused::TooLarge),
        (Encoding::Base64, text) => STANDARD
            .decode(text.as_bytes())
            .map(Cow::Owned)
            .map_err(|_| Refused::Invalid("is not base64 with its padding, in one line")),
    }
}

fn unescape(raw: &str) -> Result<Cow<'_, str>, Refused> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.ok_or(Refused::Invalid("is a string"))?;
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let owned = serde_json::from_str::<String>(raw);
    owned.map(Cow::Owned).map_err(|_| Refused::Invalid("has half of a surrogate pair, which is not UTF-8"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn check(raw: &str, encoding: Encoding) -> Result<Vec<u8>, Refused> {
        let mut places = Places::new(Bytes::from(raw.to_owned()));
        let body = places.body.clone();
        let added = places.add(std::str::from_utf8(&body).unwrap(), encoding)?;
        let bytes = places.bytes(added.content).into_owned();
        assert_eq!((added.oid, added.size), (Oid::of_blob(&bytes), bytes.len() as i64));
        Ok(bytes)
    }

    #[test]
    fn what_fits_is_read() {
        use Encoding::{Base64, Utf8};
        for (raw, encoding, expected) in [
            (r#""""#, Utf8, &b""[..]),
            (r#""plain ü""#, Utf8, "plain ü".as_bytes()),
            (r#""a\n\u0000\ud83d\ude00\/""#, Utf8, "a\n\0😀/".as_bytes()),
            (r#""""#, Base64, b""),
            (r#""aGVsbG8=""#, Base64, b"hello"),
            (r#""\/\/8=""#, Base64, b"\xff\xff"),
        ] {
            assert_eq!(check(raw, encoding).unwrap(), expected, "{raw}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for raw in
            ["\"aGVsbG8\"", "\"aGVsbG8=\\n\"", "\"aGVs bG8=\"", "\"_-8=\"", "\"aGVsbG9=\"", "\"=\"", "\"aGVsbG8==\""]
        {
            assert!(matches!(check(raw, Encoding::Base64), Err(Refused::Invalid(_))), "{raw}");
        }
        for raw in [r#""\ud800""#, r#""\udc00x""#, r#""\ud800\u0041""#, "7", "null", "{}"] {
            assert!(matches!(check(raw, Encoding::Utf8), Err(Refused::Invalid(_))), "{raw}");
        }
    }

    #[test]
    fn the_limit_is_exact() {
        let of = |size: usize| format!("\"{}\"", STANDARD.encode(vec![7; size]));
        assert!(check(&of(MAX_FILE), Encoding::Base64).is_ok());
        assert_eq!(check(&of(MAX_FILE + 1), Encoding::Base64), Err(Refused::TooLarge));
        assert_eq!(check(&of(MAX_FILE + 3000), Encoding::Base64), Err(Refused::TooLarge));
    }
}
