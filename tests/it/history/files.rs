//! Versions of files, small enough that both sides often have the same idea; trees of them, and the
//! edits people make.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use github_sim::Change;
use lockstep::model::Oid;
use proptest::prelude::*;
use serde_json::{Value, json};

pub type Tree = BTreeMap<String, File>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Regular,
    Executable,
    Link,
}

impl Mode {
    pub fn text(self) -> &'static str {
        match self {
            Mode::Regular => "100644",
            Mode::Executable => "100755",
            Mode::Link => "120000",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Three lines, so far from each other that each is merged for itself.
    Cells([u8; 3]),
    /// A text that has no line in common with others, or where a link leads.
    Line(u8),
    Binary(u8),
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    pub mode: Mode,
    pub content: Content,
}

impl File {
    pub fn bytes(&self) -> Vec<u8> {
        match (self.mode, self.content) {
            (Mode::Link, Content::Line(n)) => format!("to/{n}").into_bytes(),
            (_, Content::Line(n)) => format!("only {n}\n").into_bytes(),
            (_, Content::Cells([a, b, c])) => {
                format!("cell {a}\nand\nthen\ncell {b}\nso\nforth\ncell {c}\n").into_bytes()
            }
            (_, Content::Binary(n)) => vec![0, 255, n, 0, 10],
            (_, Content::Empty) => Vec::new(),
        }
    }

    /// Mode and blob, as both sides' listings have them.
    pub fn listed(&self) -> (String, String) {
        (self.mode.text().to_owned(), Oid::of_blob(&self.bytes()).to_string())
    }

    pub fn on_github(&self, path: &str) -> Change {
        Change::Put { path: path.to_owned(), mode: self.mode.text().to_owned(), content: self.bytes() }
    }

    /// As an entry of a tree request, or a put.
    pub fn in_request(&self, path: &str) -> Value {
        let bytes = self.bytes();
        match String::from_utf8(bytes) {
            Ok(text) => json!({ "path": path, "mode": self.mode.text(), "content": text }),
            Err(bytes) => {
                let text = STANDARD.encode(bytes.as_bytes());
                json!({ "path": path, "mode": self.mode.text(), "content": text, "encoding": "base64" })
            }
        }
    }
}

/// Every content that is ever made up has values below this.
pub const VALUES: u8 = 12;

/// The files of a listing: all contents there can be are known.
pub fn tree_of(listing: &BTreeMap<String, (String, String)>) -> Tree {
    listing.iter().map(|(path, (mode, oid))| (path.clone(), file_of(mode, oid))).collect()
}

fn file_of(mode: &str, oid: &str) -> File {
    static KNOWN: OnceLock<HashMap<(String, String), File>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        let all = || 0..VALUES;
        let cells = all().flat_map(|a| all().flat_map(move |b| all().map(move |c| Content::Cells([a, b, c]))));
        let others = all().flat_map(|n| [Content::Line(n), Content::Binary(n), Content::Empty]);
        let files = cells.chain(others).map(|content| File { mode: Mode::Regular, content });
        let links = all().map(|n| File { mode: Mode::Link, content: Content::Line(n) });
        let runs = |file: File| [file, File { mode: Mode::Executable, ..file }];
        files.flat_map(runs).chain(links).map(|file| (file.listed(), file)).collect()
    });
    let wanted = (mode.to_owned(), oid.to_owned());
    *known.get(&wanted).unwrap_or_else(|| panic!("nobody wrote {wanted:?}"))
}

pub fn listed(tree: &Tree) -> BTreeMap<String, (String, String)> {
    tree.iter().map(|(path, file)| (path.clone(), file.listed())).collect()
}

/// What somebody means to do to a tree; picks are taken among what is there.
#[derive(Debug, Clone)]
pub enum Edit {
    Put {
        path: String,
        file: File,
    },
    /// One of the three lines of a file, or a new file.
    Line {
        path: String,
        cell: usize,
        value: u8,
    },
    Delete {
        pick: usize,
    },
    Rename {
        pick: usize,
        to: String,
    },
    /// The executable bit, the other way.
    Mode {
        pick: usize,
    },
}

/// What is done to a tree, for certain.
#[derive(Debug, Clone)]
pub enum Done {
    Put(String, File),
    Delete(String),
    Rename(String, String),
}

fn picked(tree: &Tree, pick: usize) -> Option<(String, File)> {
    tree.iter().nth(pick.checked_rem(tree.len())?).map(|(path, file)| (path.clone(), *file))
}

impl Edit {
    /// Does it to this tree and says what that was: files that stand where a folder is to be, or in the
    /// folder where a file is to be, go first. Nothing when there is nothing to do it to.
    pub fn apply(&self, tree: &mut Tree) -> Vec<Done> {
        let Some(done) = self.meant(tree) else { return Vec::new() };
        let mut all: Vec<Done> = match &done {
            Done::Put(to, _) | Done::Rename(_, to) => in_the_way(tree, to).into_iter().map(Done::Delete).collect(),
            Done::Delete(_) => Vec::new(),
        };
        all.push(done);
        all.iter().for_each(|done| done.to(tree));
        all
    }

    /// The same of this path, where it says which.
    pub fn of(&self, path: &str) -> Edit {
        let path = path.to_owned();
        match self.clone() {
            Edit::Put { file, .. } => Edit::Put { path, file },
            Edit::Line { cell, value, .. } => Edit::Line { path, cell, value },
            Edit::Rename { pick, .. } => Edit::Rename { pick, to: path },
            other => other,
        }
    }

    fn meant(&self, tree: &Tree) -> Option<Done> {
        Some(match self {
            Edit::Put { path, file } => Done::Put(path.clone(), *file),
            Edit::Line { path, cell, value } => {
                let mut file = tree.get(path).copied().filter(|file| file.mode != Mode::Link);
                let file = file.get_or_insert(File { mode: Mode::Regular, content: Content::Empty });
                let mut cells = if let Content::Cells(cells) = file.content { cells } else { [0; 3] };
                cells[*cell] = *value;
                Done::Put(path.clone(), File { content: Content::Cells(cells), ..*file })
            }
            Edit::Delete { pick } => Done::Delete(picked(tree, *pick)?.0),
            Edit::Rename { pick, to } => {
                let (from, _) = picked(tree, *pick).filter(|(from, _)| from != to && !nested(from, to))?;
                Done::Rename(from, to.clone())
            }
            Edit::Mode { pick } => {
                let (path, file) = picked(tree, *pick).filter(|(_, file)| file.mode != Mode::Link)?;
                let mode = if file.mode == Mode::Regular { Mode::Executable } else { Mode::Regular };
                Done::Put(path, File { mode, ..file })
            }
        })
    }
}

/// Whether one path lies in the other.
pub fn nested(one: &str, other: &str) -> bool {
    let inside = |path: &str, folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    inside(one, other) || inside(other, one)
}

fn in_the_way(tree: &Tree, path: &str) -> Vec<String> {
    tree.keys().filter(|other| nested(other, path)).cloned().collect()
}

impl Done {
    fn to(&self, tree: &mut Tree) {
        match self {
            Done::Put(path, file) => drop(tree.insert(path.clone(), *file)),
            Done::Delete(path) => drop(tree.remove(path)),
            Done::Rename(from, to) => {
                let file = tree.remove(from);
                tree.extend(file.map(|file| (to.clone(), file)));
            }
        }
    }

    /// As a change request has it.
    pub fn in_request(&self) -> Value {
        match self {
            Done::Put(path, file) => {
                let mut change = file.in_request(path);
                change["op"] = json!("put");
                change
            }
            Done::Delete(path) => json!({ "op": "delete", "path": path }),
            Done::Rename(from, to) => json!({ "op": "rename", "from": from, "path": to }),
        }
    }
}

/// What others push to make one tree of another.
pub fn pushed(before: &Tree, after: &Tree) -> Vec<Change> {
    let gone = before.keys().filter(|path| !after.contains_key(*path)).map(|path| Change::delete(path));
    let put = after.iter().filter(|(path, file)| before.get(*path) != Some(file));
    gone.chain(put.map(|(path, file)| file.on_github(path))).collect()
}

/// With values below `values`: the fewer, the more often both sides have the same idea.
pub fn file(values: u8) -> impl Strategy<Value = File> {
    let value = 0..values.min(VALUES);
    let content = prop_oneof![
        6 => [value.clone(), value.clone(), value.clone()].prop_map(Content::Cells),
        2 => value.clone().prop_map(Content::Line),
        1 => value.prop_map(Content::Binary),
        1 => Just(Content::Empty),
    ];
    let mode = prop_oneof![8 => Just(Mode::Regular), 1 => Just(Mode::Executable), 1 => Just(Mode::Link)];
    (mode, content).prop_map(|(mode, content)| match (mode, content) {
        (Mode::Link, Content::Cells([n, ..]) | Content::Binary(n)) => File { mode, content: Content::Line(n) },
        (Mode::Link, Content::Empty) => File { mode, content: Content::Line(0) },
        _ => File { mode, content },
    })
}

pub fn edit(paths: &'static [&'static str], values: u8) -> impl Strategy<Value = Edit> {
    let path = move || prop::sample::select(paths).prop_map(str::to_owned);
    let pick = any::<usize>().prop_map(|pick| pick % 64);
    prop_oneof![
        4 => (path(), file(values)).prop_map(|(path, file)| Edit::Put { path, file }),
        6 => (path(), 0..3_usize, 0..values).prop_map(|(path, cell, value)| Edit::Line { path, cell, value }),
        3 => pick.clone().prop_map(|pick| Edit::Delete { pick }),
        2 => (pick.clone(), path()).prop_map(|(pick, to)| Edit::Rename { pick, to }),
        1 => pick.prop_map(|pick| Edit::Mode { pick }),
    ]
}

/// No path of it is both file and folder.
pub fn tree(paths: &'static [&'static str], values: u8) -> impl Strategy<Value = Tree> {
    let path = prop::sample::select(paths).prop_map(str::to_owned);
    prop::collection::vec((path, file(values)), 0..6).prop_map(|files| {
        let mut tree = Tree::new();
        for (path, file) in files {
            Edit::Put { path, file }.apply(&mut tree);
        }
        tree
    })
}
