//! Whether bytes are a JSON document, at the speed that webhooks come in: nothing is built, strings
//! are passed over eight bytes at a time, and no depth is too deep.
//! <https://www.rfc-editor.org/rfc/rfc8259>

/// Whether this is one JSON text in UTF-8.
pub fn is_json(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| depth(text).is_some())
}

/// How deep the arrays and objects of a JSON text lie in each other; none: it is no JSON.
pub fn depth(text: &str) -> Option<usize> {
    let mut scanner = Scanner { body: text.as_bytes(), at: 0, deepest: 0 };
    scanner.document().map(|()| scanner.deepest)
}

struct Scanner<'a> {
    body: &'a [u8],
    at: usize,
    deepest: usize,
}

/// `None` everywhere: it is no JSON.
impl Scanner<'_> {
    fn document(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.token()? {
                container @ (b'{' | b'[') => {
                    self.deepest = self.deepest.max(open.len() + 1);
                    let is_object = container == b'{';
                    if !self.closes(if is_object { b'}' } else { b']' }) {
                        open.push(container);
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => self.string()?,
                b't' => self.word(b"rue")?,
                b'f' => self.word(b"alse")?,
                b'n' => self.word(b"ull")?,
                first @ (b'-' | b'0'..=b'9') => self.number(first)?,
                _ => return None,
            }
            // A value has ended: what it stands in goes on, or ends too.
            loop {
                let Some(container) = open.last() else { return self.end() };
                match (self.token()?, container) {
                    (b',', b'{') => {
                        self.key()?;
                        break;
                    }
                    (b',', _) => break,
                    (b'}', b'{') | (b']', b'[') => drop(open.pop()),
                    _ => return None,
                }
            }
        }
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.body.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank.
    fn token(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.byte()
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.body.get(self.at).copied();
        self.at += 1;
        byte
    }

    /// Whether this comes next; then it is passed.
    fn closes(&mut self, close: u8) -> bool {
        self.skip_blanks();
        let closes = self.body.get(self.at) == Some(&close);
        self.at += usize::from(closes);
        closes
    }

    fn end(&mut self) -> Option<()> {
        self.skip_blanks();
        (self.at == self.body.len()).then_some(())
    }

    fn key(&mut self) -> Option<()> {
        if self.token()? != b'"' {
            return None;
        }
        self.string()?;
        (self.token()? == b':').then_some(())
    }

    /// The rest of a string, its quote already passed.
    fn string(&mut self) -> Option<()> {
        loop {
            self.at += plain(self.body.get(self.at..)?);
            match self.byte()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.byte()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.body.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        let is_there = self.body.get(self.at..)?.starts_with(rest);
        self.at += rest.len();
        is_there.then_some(())
    }

    fn number(&mut self, first: u8) -> Option<()> {
        let leading = if first == b'-' { self.byte()? } else { first };
        match leading {
            b'0' => {}
            b'1'..=b'9' => self.skip_digits(),
            _ => return None,
        }
        if self.body.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.body.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.body.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    fn skip_digits(&mut self) {
        while self.body.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    /// At least one.
    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        self.skip_digits();
        (self.at > from).then_some(())
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes from here on need no attention in a string: neither quote, backslash nor control.
fn plain(bytes: &[u8]) -> usize {
    let (eights, rest) = bytes.as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        let found = special(u64::from_le_bytes(*eight));
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    eights.len() * 8 + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The high bit of each byte that is a quote, a backslash or a control character; the lowest one set
/// is right, higher ones may be wrong.
/// <https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord>
fn special(word: u64) -> u64 {
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let is = |byte: u8| zero(word ^ (ONES * u64::from(byte)));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (is(b'"') | is(b'\\') | control) & HIGHS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde_json::{Value, json};

    use super::*;

    fn by_serde(body: &[u8]) -> bool {
        std::str::from_utf8(body).is_ok() && serde_json::from_slice::<IgnoredAny>(body).is_ok()
    }

    #[test]
    fn documents() {
        let good = [
            "7",
            "-0",
            "0.5e-7",
            "1E+2",
            "null",
            " true ",
            "\"\"",
            "\"\\u00fc\\\\\\n/\\/\"",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1,[2],{\"a\":[]}]",
            "{\"a\":{\"b\":null},\"c\":false}\n",
            "\"123456789 longer than eight bytes ü\"",
        ];
        let bad = [
            "",
            " ",
            "01",
            "-",
            "1.",
            "1e",
            "+1",
            ".5",
            "nul",
            "tru e",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "\"1234567\u{1}\"",
            "[",
            "[1",
            "[1,]",
            "[,]",
            "[1 2]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:2}",
            "{a:1}",
            "]",
            "[}",
            "{]",
            "7 8",
            "{} x",
            "\u{feff}{}",
            "'a'",
            "[1}",
            "{\"a\":1]",
            "NaN",
            "--1",
        ];
        for text in good {
            assert!(is_json(text.as_bytes()) && by_serde(text.as_bytes()), "{text}");
        }
        for text in bad {
            assert!(!is_json(text.as_bytes()) && !by_serde(text.as_bytes()), "{text}");
        }
        assert!(!is_json(b"\"\xff\""));
    }

    #[test]
    fn no_depth_is_too_deep() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(is_json(deep.as_bytes()));
        assert!(!is_json(&deep.as_bytes()[1..]));
    }

    #[test]
    fn depths() {
        for (text, expected) in [("7", 0), ("[]", 1), ("{}", 1), ("[[],[{}]]", 3), (r#"{"a":{"b":"[[["}}"#, 2)] {
            assert_eq!(depth(text), Some(expected), "{text}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((".*", inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// What serde_json writes is JSON; with a byte changed, both readers say the same.
        #[test]
        fn agrees_with_serde(value in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut text = json!([value]).to_string().into_bytes();
            prop_assert!(is_json(&text));
            let at = at.index(text.len());
            text[at] = byte;
            prop_assert_eq!(is_json(&text), by_serde(&text), "{}", String::from_utf8_lossy(&text));
            text.truncate(at);
            prop_assert_eq!(is_json(&text), by_serde(&text));
        }
    }
}
