//! Packs: many objects in one file with its index (version 2), written without deltas.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use sha1::{Digest, Sha1};

use super::store::{Object, write_whole};
use super::{Kind, Oid};

/// One pack on disk and where its objects are.
#[derive(Debug)]
pub(super) struct Pack {
    file: File,
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

    pub(super) fn read(&self, oid: &Oid) -> Option<Object> {
        let mut reader = At {
            file: &self.file,
            offset: self.offsets.get(oid)?.0,
        };
        let (kind, size) = read_header(&mut reader)?;
        let mut data = Vec::with_capacity(size);
        ZlibDecoder::new(reader).read_to_end(&mut data).ok()?;
        let data = Bytes::from(data);
        Some(Object { kind, data })
    }
}

/// Writes the objects as one pack into this folder. Doubles are written once.
pub(super) fn write(folder: &Path, objects: Vec<(Kind, Vec<u8>)>) -> io::Result<Pack> {
    let mut seen = HashMap::new();
    let mut body = Vec::new();
    let mut entries = Vec::new();
    body.extend_from_slice(b"PACK\0\0\0\x02\0\0\0\0");
    for (kind, data) in objects {
        let oid = Oid::of(kind, &data);
        if seen.contains_key(&oid) {
            continue;
        }
        let offset = body.len() as u64;
        seen.insert(oid, (offset, data.len()));
        let crc = append(&mut body, kind, &data)?;
        entries.push(Entry { oid, offset, crc });
    }
    let count = u32::try_from(entries.len()).map_err(io::Error::other)?;
    body[8..12].copy_from_slice(&count.to_be_bytes());
    let trailer: [u8; 20] = Sha1::digest(&body).into();
    body.extend_from_slice(&trailer);
    place(folder, &body, &index(entries, &trailer)?, &trailer, seen)
}

fn place(
    folder: &Path,
    body: &[u8],
    index: &[u8],
    trailer: &[u8; 20],
    offsets: HashMap<Oid, (u64, usize)>,
) -> io::Result<Pack> {
    fs::create_dir_all(folder)?;
    let name = format!("pack-{}", hex::encode(trailer));
    let pack = folder.join(format!("{name}.pack"));
    write_whole(&pack, body)?;
    write_whole(&folder.join(format!("{name}.idx")), index)?;
    let file = File::open(pack)?;
    Ok(Pack { file, offsets })
}

fn append(body: &mut Vec<u8>, kind: Kind, data: &[u8]) -> io::Result<u32> {
    let start = body.len();
    let number = match kind {
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
    let mut deflate = ZlibEncoder::new(body, Compression::fast());
    deflate.write_all(data)?;
    let body = deflate.finish()?;
    let mut crc = Crc::new();
    crc.update(&body[start..]);
    Ok(crc.sum())
}

fn low_bits(number: usize, mask: usize) -> u8 {
    (number & mask).to_le_bytes()[0]
}

fn read_header(reader: &mut At<'_>) -> Option<(Kind, usize)> {
    let first = reader.byte()?;
    let kind = match (first >> 4) & 7 {
        1 => Kind::Commit,
        2 => Kind::Tree,
        3 => Kind::Blob,
        4 => Kind::Tag,
        _ => return None,
    };
    let mut size = usize::from(first & 0xf);
    let mut shift = 4;
    let mut byte = first;
    while byte & 0x80 != 0 {
        byte = reader.byte()?;
        size |= usize::from(byte & 0x7f) << shift;
        shift += 7;
    }
    Some((kind, size))
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

/// Reads a file from an offset, without moving a cursor others share.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl At<'_> {
    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.read_exact(&mut byte).ok()?;
        Some(byte[0])
    }
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
