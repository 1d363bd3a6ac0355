//! Packs: many objects in one file with its index (version 2), written without deltas.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use flate2::read::ZlibDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use sha1::{Digest, Sha1};

use super::store::{Object, write_whole};
use super::{Kind, Oid};

/// One pack on disk and where its objects are.
#[derive(Debug)]
pub(super) struct Pack {
    path: PathBuf,
    /// Where each object begins, and its size.
    offsets: HashMap<Oid, (u64, usize)>,
}

struct Entry {
    oid: Oid,
    offset: u64,
    crc: u32,
}

impl Pack {
    pub(super) fn contains(&self, oid: &Oid) -> bool {
        self.offsets.contains_key(oid)
    }

    pub(super) fn size(&self, oid: &Oid) -> Option<usize> {
        self.offsets.get(oid).map(|(_, size)| *size)
    }

    /// Opens the file each time: there may be more packs than a process may have files open.
    pub(super) fn read(&self, oid: &Oid) -> Option<Object> {
        let (offset, size) = *self.offsets.get(oid)?;
        let mut file = File::open(&self.path).ok()?;
        file.seek(SeekFrom::Start(offset)).ok()?;
        let mut reader = BufReader::new(file);
        let kind = read_header(&mut reader)?;
        let mut data = Vec::with_capacity(size);
        ZlibDecoder::new(reader).read_to_end(&mut data).ok()?;
        let data = Bytes::from(data);
        Some(Object { kind, data })
    }
}

/// Writes the objects as one pack into this folder.
pub(super) fn write(folder: &Path, objects: &[(Oid, Object)]) -> io::Result<Pack> {
    let mut offsets = HashMap::with_capacity(objects.len());
    let mut zlib = Compress::new(Compression::fast(), true);
    let mut body = Vec::new();
    let mut entries = Vec::with_capacity(objects.len());
    body.extend_from_slice(b"PACK\0\0\0\x02");
    let count = u32::try_from(objects.len()).map_err(io::Error::other)?;
    body.extend_from_slice(&count.to_be_bytes());
    for (oid, object) in objects {
        let offset = body.len() as u64;
        offsets.insert(*oid, (offset, object.data.len()));
        let crc = append(&mut body, &mut zlib, object)?;
        entries.push(Entry { oid: *oid, offset, crc });
    }
    let trailer: [u8; 20] = Sha1::digest(&body).into();
    body.extend_from_slice(&trailer);
    let path = place(folder, &body, &index(entries, &trailer)?, &trailer)?;
    Ok(Pack { path, offsets })
}

/// The pack first, its index last: without one, no reader looks at it.
fn place(folder: &Path, body: &[u8], index: &[u8], trailer: &[u8; 20]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let name = format!("pack-{}", hex::encode(trailer));
    let pack = folder.join(format!("{name}.pack"));
    write_whole(&pack, body)?;
    let temporary = folder.join("tmp_idx");
    write_whole(&temporary, index)?;
    fs::rename(temporary, folder.join(format!("{name}.idx")))?;
    Ok(pack)
}

fn append(body: &mut Vec<u8>, zlib: &mut Compress, object: &Object) -> io::Result<u32> {
    let (start, data) = (body.len(), &object.data);
    let number = match object.kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut rest = data.len() >> 4;
    let mut byte = (number << 4) | low_bits(data.len(), 0xf);
    while rest > 0 {
        body.push(byte | 0x80);
        byte = low_bits(rest, 0x7f);
        rest >>= 7;
    }
    body.push(byte);
    deflate(body, zlib, data)?;
    let mut crc = Crc::new();
    crc.update(&body[start..]);
    Ok(crc.sum())
}

/// With one compressor for all objects: making one costs more than most objects do.
fn deflate(body: &mut Vec<u8>, zlib: &mut Compress, data: &[u8]) -> io::Result<()> {
    zlib.reset();
    loop {
        body.reserve(data.len() / 2 + 64);
        let done = usize::try_from(zlib.total_in()).map_err(io::Error::other)?;
        let status = zlib.compress_vec(&data[done..], body, FlushCompress::Finish)?;
        if status == Status::StreamEnd {
            return Ok(());
        }
    }
}

fn low_bits(number: usize, mask: usize) -> u8 {
    (number & mask).to_le_bytes()[0]
}

/// The kind; the size that follows is known already.
fn read_header(reader: &mut impl Read) -> Option<Kind> {
    let mut byte = [0];
    reader.read_exact(&mut byte).ok()?;
    let kind = match (byte[0] >> 4) & 7 {
        1 => Kind::Commit,
        2 => Kind::Tree,
        3 => Kind::Blob,
        4 => Kind::Tag,
        _ => return None,
    };
    while byte[0] & 0x80 != 0 {
        reader.read_exact(&mut byte).ok()?;
    }
    Some(kind)
}

fn index(mut entries: Vec<Entry>, trailer: &[u8; 20]) -> io::Result<Vec<u8>> {
    entries.sort_by_key(|entry| entry.oid);
    let mut index = vec![0xff, b't', b'O', b'c', 0, 0, 0, 2];
    let mut count = 0u32;
    let mut rest = entries.iter().peekable();
    for first in 0..=255u8 {
        while rest.next_if(|it| it.oid.raw()[0] == first).is_some() {
            count += 1;
        }
        index.extend_from_slice(&count.to_be_bytes());
    }
    for entry in &entries {
        index.extend_from_slice(entry.oid.raw());
    }
    for entry in &entries {
        index.extend_from_slice(&entry.crc.to_be_bytes());
    }
    for entry in &entries {
        let offset = i32::try_from(entry.offset).map_err(io::Error::other)?;
        index.extend_from_slice(&offset.to_be_bytes());
    }
    index.extend_from_slice(trailer);
    let own: [u8; 20] = Sha1::digest(&index).into();
    index.extend_from_slice(&own);
    Ok(index)
}
