//! The object store of one bare repository: loose objects and packs on disk, and a bounded
//! cache in memory. Objects are immutable, so readers never wait for writers' disk work.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::pack::{self, Pack};
use super::{Commit, Kind, Oid};
use crate::lock;

/// How much one repository keeps in memory before it starts over.
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
    temporary: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    cache: HashMap<Oid, Object>,
    cached: usize,
    /// Loose objects this process wrote, and their sizes.
    written: HashMap<Oid, usize>,
    folders: HashSet<u8>,
    packs: Vec<Pack>,
}

impl Store {
    pub(crate) fn new(objects: PathBuf) -> Store {
        Store {
            objects,
            state: Mutex::default(),
            temporary: AtomicU64::new(0),
        }
    }

    /// Writes an object unless it is there, and says its id.
    pub(crate) fn write(&self, kind: Kind, data: impl Into<Bytes>) -> io::Result<Oid> {
        let data = data.into();
        let oid = Oid::of(kind, &data);
        if self.knows(&oid) {
            return Ok(oid);
        }
        self.write_loose(oid, kind, &data)?;
        let mut state = lock(&self.state);
        state.written.insert(oid, data.len());
        state.remember(oid, Object { kind, data });
        Ok(oid)
    }

    /// Writes many objects at once, as one pack; for large pushes.
    pub(crate) fn write_pack(&self, objects: Vec<(Kind, Vec<u8>)>) -> io::Result<()> {
        if objects.is_empty() {
            return Ok(());
        }
        let pack = pack::write(&self.objects.join("pack"), objects)?;
        lock(&self.state).packs.push(pack);
        Ok(())
    }

    fn knows(&self, oid: &Oid) -> bool {
        let state = lock(&self.state);
        state.written.contains_key(oid) || state.packs.iter().any(|pack| pack.contains(oid))
    }

    /// Whether the object is there.
    pub(crate) fn has(&self, oid: &Oid) -> bool {
        self.knows(oid) || self.path(oid).exists()
    }

    /// The object, or nothing when it is not there.
    pub(crate) fn read(&self, oid: &Oid) -> Option<Object> {
        if let Some(found) = lock(&self.state).cache.get(oid) {
            return Some(found.clone());
        }
        let object = self.read_packed(oid).or_else(|| self.read_loose(oid))?;
        lock(&self.state).remember(*oid, object.clone());
        Some(object)
    }

    /// The size of an object, without reading it where that can be.
    pub(crate) fn size(&self, oid: &Oid) -> Option<usize> {
        let state = lock(&self.state);
        let known = state.written.get(oid).copied();
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

    fn write_loose(&self, oid: Oid, kind: Kind, data: &[u8]) -> io::Result<()> {
        let path = self.path(&oid);
        let folder = path.parent().unwrap_or(&self.objects);
        if lock(&self.state).folders.insert(oid.raw()[0]) {
            fs::create_dir_all(folder)?;
        }
        let mut deflate = ZlibEncoder::new(Vec::with_capacity(256), Compression::fast());
        write!(deflate, "{} {}\0", kind.name(), data.len())?;
        deflate.write_all(data)?;
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.objects.join(format!("tmp_{number}"));
        write_whole(&temporary, &deflate.finish()?)?;
        fs::rename(&temporary, &path)
    }

    fn read_packed(&self, oid: &Oid) -> Option<Object> {
        let state = lock(&self.state);
        state.packs.iter().find_map(|pack| pack.read(oid))
    }

    /// Also finds what another `git` wrote beside us, such as the result of a merge.
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
    fn remember(&mut self, oid: Oid, object: Object) {
        if object.data.len() > CACHE_OBJECT {
            return;
        }
        if self.cached > CACHE_BYTES {
            self.cache.clear();
            self.cached = 0;
        }
        self.cached += object.data.len() + 100;
        self.cache.insert(oid, object);
    }
}

/// Writes a file no reader ever sees half of, once it is renamed to its place.
pub(super) fn write_whole(path: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(data)
}
