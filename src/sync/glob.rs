//! One pattern of a `.gitignore`, compiled once and matched in time linear in the path.
//!
//! The meaning is git's (`git help gitignore`, checked against `git check-ignore` in
//! `tests/it/exclude.rs`), its corners included: `?` and classes match one byte, not one character;
//! a class that is never closed matches nothing; `a**/b` reads as `a` and everything below. A path is
//! run through the pattern's states all at once, so no pattern takes exponential time.

/// States that fit: a pattern has at most 500 characters of at most 4 bytes each.
const WORDS: usize = 32;
const MAX_STATES: usize = WORDS * 64;

/// A step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Byte(u8),
    /// Any byte of this set; never a slash.
    Set(Box<[u64; 4]>),
    /// `*`: any bytes but slashes.
    Star,
    /// `**`: any bytes.
    Deep,
    /// `**` of `**/`: any bytes, or nothing and the slash that follows neither.
    DeepOrSkip,
}

/// A compiled pattern: literal ends, which decide most questions, and steps between them.
#[derive(Debug, Clone)]
pub struct Glob {
    prefix: Vec<u8>,
    middle: Vec<Step>,
    suffix: Vec<u8>,
    /// The bytes that must occur.
    needs: ByteSet,
}

/// What patterns are matched against: a path or the last segment of one.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    bytes: &'a [u8],
    has: ByteSet,
}

impl<'a> Text<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Text { bytes, has: ByteSet::of(bytes.iter().copied()) }
    }
}

impl Glob {
    /// Compiles `pattern`. With `pathname` it is for a whole path and slashes count; otherwise it is
    /// for the last segment only. `None` when it is longer than any setting allows.
    pub fn compile(pattern: &[u8], pathname: bool) -> Option<Self> {
        let mut middle = steps(pattern, pathname);
        let needs = needed(&middle);
        let is_byte = |step: &Step| matches!(step, Step::Byte(_));
        let head = middle.iter().take_while(|s| is_byte(s)).count();
        let prefix = bytes_of(middle.drain(..head));
        let tail = middle.iter().rev().take_while(|s| is_byte(s)).count();
        // The slash of a skipping step belongs to it.
        let keep = usize::from(matches!(middle.iter().rev().nth(tail), Some(Step::DeepOrSkip)));
        let suffix = bytes_of(middle.drain((middle.len() - tail + keep).min(middle.len())..));
        (middle.len() < MAX_STATES).then_some(Glob { prefix, middle, suffix, needs })
    }

    /// The text, when nothing but that text matches.
    pub fn literal(&self) -> Option<&[u8]> {
        self.middle.is_empty().then_some(self.prefix.as_slice())
    }

    pub fn matches(&self, text: &Text<'_>) -> bool {
        if !text.has.includes(&self.needs) {
            return false;
        }
        let Some(rest) = text.bytes.strip_prefix(self.prefix.as_slice()) else { return false };
        let Some(rest) = rest.strip_suffix(self.suffix.as_slice()) else { return false };
        match self.middle.as_slice() {
            [] => rest.is_empty(),
            [Step::Deep] => true,
            [Step::Star] => !rest.contains(&b'/'),
            steps => run(steps, rest),
        }
    }
}

/// The bytes of all literal steps, but for a slash that a skipping step may leave out.
fn needed(steps: &[Step]) -> ByteSet {
    let skipped = |at: usize| at > 0 && steps[at - 1] == Step::DeepOrSkip;
    let bytes = steps.iter().enumerate().filter(|(at, _)| !skipped(*at));
    ByteSet::of(bytes.filter_map(|(_, step)| if let Step::Byte(byte) = step { Some(*byte) } else { None }))
}

fn bytes_of(steps: impl Iterator<Item = Step>) -> Vec<u8> {
    steps.filter_map(|step| if let Step::Byte(byte) = step { Some(byte) } else { None }).collect()
}

/// Reads a pattern into steps.
fn steps(pattern: &[u8], pathname: bool) -> Vec<Step> {
    let plain = pattern.iter().position(|b| b"*?[\\".contains(b)).unwrap_or(pattern.len());
    let mut steps = Vec::with_capacity(pattern.len());
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        match byte {
            b'?' => steps.push(any()),
            b'*' => {
                let end = at + pattern[at..].iter().take_while(|b| **b == b'*').count();
                // git cuts the literal start off before it matches, so `**` may follow it too.
                let starts = at == plain || pattern[at - 1] == b'/';
                steps.push(stars(end - at, &pattern[end..], starts, pathname));
                at = end;
                continue;
            }
            b'[' => {
                let (step, next) = class(pattern, at + 1);
                steps.push(step);
                at = next;
                continue;
            }
            b'\\' => {
                at += 1;
                steps.push(pattern.get(at).map_or_else(nothing, |b| Step::Byte(*b)));
            }
            _ => steps.push(Step::Byte(byte)),
        }
        at += 1;
    }
    steps
}

fn stars(count: usize, rest: &[u8], starts: bool, pathname: bool) -> Step {
    let ends = rest.is_empty() || rest.starts_with(b"/") || rest.starts_with(b"\\/");
    match (pathname, count > 1 && starts && ends) {
        (true, true) if rest.starts_with(b"/") => Step::DeepOrSkip,
        (true, true) => Step::Deep,
        _ => Step::Star,
    }
}

fn any() -> Step {
    let mut set = ByteSet([u64::MAX; 4]);
    set.remove(b'/');
    Step::Set(Box::new(set.0))
}

/// A step that no byte takes: the pattern is broken and matches nothing, as in git.
fn nothing() -> Step {
    Step::Set(Box::new([0; 4]))
}

#[derive(Debug, Clone, Copy)]
struct ByteSet([u64; 4]);

impl ByteSet {
    fn of(bytes: impl Iterator<Item = u8>) -> Self {
        let mut set = ByteSet([0; 4]);
        bytes.for_each(|byte| set.insert(byte));
        set
    }

    fn includes(&self, other: &ByteSet) -> bool {
        self.0.iter().zip(&other.0).all(|(mine, theirs)| theirs & !mine == 0)
    }

    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    fn remove(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] &= !(1 << (byte & 63));
    }
}

/// Reads a class whose `[` stands before `at`; answers it and where the pattern goes on.
fn class(pattern: &[u8], mut at: usize) -> (Step, usize) {
    let broken = (nothing(), pattern.len());
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    at += usize::from(negated);
    let mut set = ByteSet([0; 4]);
    let mut previous = None;
    let mut first = true;
    loop {
        let Some(&byte) = pattern.get(at) else { return broken };
        if byte == b']' && !first {
            break;
        }
        first = false;
        if byte == b'-' && previous.is_some() && !matches!(pattern.get(at + 1), None | Some(b']')) {
            let Some((last, next)) = escaped(pattern, at + 1) else { return broken };
            (previous.take().unwrap_or(last)..=last).for_each(|b| set.insert(b));
            at = next;
        } else if byte == b'[' && pattern.get(at + 1) == Some(&b':') {
            let Some(close) = pattern[at + 2..].iter().position(|b| *b == b']') else { return broken };
            match pattern[at + 2..at + 2 + close].strip_suffix(b":") {
                // Not closed by `:]`: a plain bracket.
                None => {
                    set.insert(b'[');
                    previous = Some(b'[');
                    at += 1;
                }
                Some(name) => {
                    let Some(belongs) = named(name) else { return broken };
                    (0..=255).filter(belongs).for_each(|b| set.insert(b));
                    previous = None;
                    at += close + 3;
                }
            }
        } else {
            let Some((byte, next)) = escaped(pattern, at) else { return broken };
            set.insert(byte);
            previous = Some(byte);
            at = next;
        }
    }
    if negated {
        set.0.iter_mut().for_each(|word| *word = !*word);
    }
    set.remove(b'/');
    (Step::Set(Box::new(set.0)), at + 1)
}

/// The byte at `at`, a backslash before it taken off, and where the pattern goes on.
fn escaped(pattern: &[u8], at: usize) -> Option<(u8, usize)> {
    match pattern.get(at)? {
        b'\\' => Some((*pattern.get(at + 1)?, at + 2)),
        byte => Some((*byte, at + 1)),
    }
}

/// The bytes of `[:name:]`.
fn named(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |b| matches!(b, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |b| matches!(b, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

/// Whether `steps` take the whole `text`. A state is the index of the step that is next.
fn run(steps: &[Step], text: &[u8]) -> bool {
    let words = steps.len() / 64 + 1;
    let mut states = [0; WORDS];
    enter(steps, &mut states, 0);
    for &byte in text {
        let mut next = [0; WORDS];
        for (word, bits) in states[..words].iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                step(steps, &mut next, word * 64 + bits.trailing_zeros() as usize, byte);
                bits &= bits - 1;
            }
        }
        if next[..words].iter().all(|bits| *bits == 0) {
            return false;
        }
        states = next;
    }
    states[steps.len() / 64] >> (steps.len() % 64) & 1 == 1
}

/// Marks a state, and those reached from it without a byte.
fn enter(steps: &[Step], states: &mut [u64; WORDS], mut at: usize) {
    loop {
        states[at / 64] |= 1 << (at % 64);
        match steps.get(at) {
            Some(Step::Star | Step::Deep) => {}
            Some(Step::DeepOrSkip) => enter(steps, states, at + 2),
            _ => return,
        }
        at += 1;
    }
}

fn step(steps: &[Step], next: &mut [u64; WORDS], at: usize, byte: u8) {
    match steps.get(at) {
        Some(Step::Byte(b)) if *b == byte => enter(steps, next, at + 1),
        Some(Step::Set(set)) if set[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1 => enter(steps, next, at + 1),
        Some(Step::Star) if byte != b'/' => enter(steps, next, at),
        // Never back to the skip: that is only for a `**/` that takes nothing at all.
        Some(Step::Deep | Step::DeepOrSkip) => {
            next[at / 64] |= 1 << (at % 64);
            enter(steps, next, at + 1);
        }
        _ => {}
    }
}
