//! The object store of one bare repository. New objects are held in memory and written as one
//! pack when the repository is flushed: a commit costs no disk access, and still any `git` can
//! read the repository afterwards.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bytes::Bytes;
use flate2::read::ZlibDecoder;

use super::pack::{self, Pack};
use super::{Commit, Kind, Oid};
use crate::lock;

/// How much of what is on disk one repository keeps in memory before it starts over.
const CACHE_BYTES: usize = 48 << 20;
/// Larger objects are read from disk each time.
const CACHE_OBJECT: usize = 8 << 20;

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) data: Bytes,
}

/// All objects of a repository.
#[derive(Debug)]
pub(crate) struct Store {
    objects: PathBuf,
    state: Mutex<State>,
    /// One flush at a time.
    flushing: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// New objects that are not on disk yet.
    pending: HashMap<Oid, Object>,
    pending_bytes: usize,
    cache: HashMap<Oid, Object>,
    cached_bytes: usize,
    packs: Vec<Pack>,
}

impl Store {
    pub(crate) fn new(objects: PathBuf) -> Store {
        Store { objects, state: Mutex::default(), flushing: Mutex::default() }
    }

    /// Takes in an object unless it is there, and says its id.
    pub(crate) fn write(&self, kind: Kind, data: impl Into<Bytes>) -> Oid {
        let data = data.into();
        let oid = Oid::of(kind, &data);
        let mut state = lock(&self.state);
        if !state.knows(&oid) {
            state.pending_bytes += data.len();
            state.pending.insert(oid, Object { kind, data });
        }
        oid
    }

    /// How many bytes wait for the next flush.
    pub(crate) fn pending_bytes(&self) -> usize {
        lock(&self.state).pending_bytes
    }

    /// Writes what is new as one pack.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let _alone = lock(&self.flushing);
        let new: Vec<(Oid, Object)> = {
            let state = lock(&self.state);
            let pending = state.pending.iter();
            pending.map(|(oid, object)| (*oid, object.clone())).collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        let pack = pack::write(&self.objects.join("pack"), &new)?;
        let mut state = lock(&self.state);
        state.packs.push(pack);
        for (oid, object) in new {
            state.pending.remove(&oid);
            state.pending_bytes = state.pending_bytes.saturating_sub(object.data.len());
            state.remember(oid, object);
        }
        Ok(())
    }

    /// Whether the object is there.
    pub(crate) fn has(&self, oid: &Oid) -> bool {
        lock(&self.state).knows(oid) || self.path(oid).exists()
    }

    /// The object, or nothing when it is not there.
    pub(crate) fn read(&self, oid: &Oid) -> Option<Object> {
        let mut state = lock(&self.state);
        if let Some(found) = state.in_memory(oid) {
            return Some(found);
        }
        let object = state.packs.iter().find_map(|pack| pack.read(oid));
        let object = object.or_else(|| self.read_loose(oid))?;
        state.remember(*oid, object.clone());
        Some(object)
    }

    /// The size of an object, without reading it where that can be.
    pub(crate) fn size(&self, oid: &Oid) -> Option<usize> {
        let state = lock(&self.state);
        let known = state.pending.get(oid).map(|it| it.data.len());
        let known = known.or_else(|| state.packs.iter().find_map(|pack| pack.size(oid)));
        drop(state);
        known.or_else(|| self.read(oid).map(|it| it.data.len()))
    }

    /// The content of a blob.
    pub(crate) fn blob(&self, oid: &Oid) -> Option<Bytes> {
        self.read_kind(oid, Kind::Blob)
    }

    /// The raw content of a tree.
    pub(crate) fn tree(&self, oid: &Oid) -> Option<Bytes> {
        self.read_kind(oid, Kind::Tree)
    }

    pub(crate) fn commit(&self, oid: &Oid) -> Option<Commit> {
        Commit::parse(&self.read_kind(oid, Kind::Commit)?)
    }

    fn read_kind(&self, oid: &Oid, kind: Kind) -> Option<Bytes> {
        let object = self.read(oid)?;
        (object.kind == kind).then_some(object.data)
    }

    fn path(&self, oid: &Oid) -> PathBuf {
        let hex = oid.hex();
        self.objects.join(&hex[..2]).join(&hex[2..])
    }

    /// What another `git` wrote beside us, such as the result of a merge.
    fn read_loose(&self, oid: &Oid) -> Option<Object> {
        let file = fs::File::open(self.path(oid)).ok()?;
        let mut whole = Vec::new();
        ZlibDecoder::new(file).read_to_end(&mut whole).ok()?;
        let end = whole.iter().position(|byte| *byte == 0)?;
        let header = std::str::from_utf8(&whole[..end]).ok()?;
        let kind = Kind::parse(header.split(' ').next()?)?;
        let data = Bytes::from(whole).slice(end + 1..);
        Some(Object { kind, data })
    }
}

impl State {
    fn knows(&self, oid: &Oid) -> bool {
        self.pending.contains_key(oid) || self.packs.iter().any(|pack| pack.contains(oid))
    }

    fn in_memory(&self, oid: &Oid) -> Option<Object> {
        let found = self.pending.get(oid).or_else(|| self.cache.get(oid));
        found.cloned()
    }

    fn remember(&mut self, oid: Oid, object: Object) {
        if object.data.len() > CACHE_OBJECT {
            return;
        }
        if self.cached_bytes > CACHE_BYTES {
            self.cache.clear();
            self.cached_bytes = 0;
        }
        self.cached_bytes += object.data.len() + 100;
        self.cache.insert(oid, object);
    }
}

/// Writes a file no reader ever sees half of, once it is renamed to its place.
pub(super) fn write_whole(path: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(data)
}
