//! A package as a file: written whole, proven before it is sent, and sent without what the cluster has.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use weir_domain::Digest;
use weir_http_api::{PACKAGE, PARTIAL_PACKAGE};
use weir_http_client::Upload;
use weir_package::{Limits, Manifest, Package, Reader, Selection, Signer, SignerKey, Trust};

/// What is read of the file at a time.
const PIECE_BYTES: u64 = 256 << 10;

/// A package that was read to its end, so that it is proven whole.
pub(crate) struct Proven {
    pub(crate) manifest: Manifest,
    pub(crate) signer: SignerKey,
    pub(crate) head_bytes: u64,
}

/// Why a file can't be used as a package, or not be written as one.
#[derive(Debug)]
pub(crate) enum Unusable {
    Io(io::Error),
    Package(weir_package::Error),
}

/// A file that is there is not replaced: it may be what somebody deployed.
pub(crate) fn write(path: &Path, package: &Package, signer: &Signer) -> Result<u64, Unusable> {
    let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(Unusable::Io)?;
    let done = write_whole(&file, package, signer);
    if done.is_err() {
        // Nobody may take a part of a package for one.
        let _ = std::fs::remove_file(path);
    }
    done.map_err(Unusable::Package)
}

fn write_whole(file: &File, package: &Package, signer: &Signer) -> weir_package::Result<u64> {
    package.write(BufWriter::new(file), signer)?;
    file.sync_all().map_err(weir_package::Error::Io)?;
    file.metadata().map(|it| it.len()).map_err(weir_package::Error::Io)
}

/// Reads the whole file: what was damaged or changed is named.
pub(crate) fn prove(path: &Path) -> Result<Proven, Unusable> {
    let file = File::open(path).map_err(Unusable::Io)?;
    let source = BufReader::new(file);
    let mut reader =
        Reader::open(source, &Trust::Anyone, &Limits::default()).map_err(Unusable::Package)?;
    while reader.next_object().map_err(Unusable::Package)?.is_some() {}
    let (signer, head_bytes) = (reader.signer(), reader.head_bytes());
    Ok(Proven { manifest: reader.into_manifest(), signer, head_bytes })
}

/// All of it before its first object: enough to be told what is missing.
pub(crate) fn head(file: &Path, proven: &Proven) -> Upload {
    let head = parts(file, vec![(0, proven.head_bytes)], &[]);
    body(head, proven.head_bytes, PACKAGE)
}

/// The head, which objects follow, and those.
pub(crate) fn partial(file: &Path, proven: &Proven, missing: &BTreeSet<Digest>) -> Upload {
    let mut ranges = Vec::new();
    let mut at = proven.head_bytes;
    for object in &proven.manifest.objects {
        if missing.contains(&object.digest) {
            ranges.push((at, object.size));
        }
        at += object.size;
    }
    let selection = Selection::of(&proven.manifest, missing);
    let objects: u64 = ranges.iter().map(|it| it.1).sum();
    let length = proven.head_bytes + selection.as_bytes().len() as u64 + objects;
    let head = parts(file, vec![(0, proven.head_bytes)], selection.as_bytes());
    body(head.chain(parts(file, ranges, &[])), length, PARTIAL_PACKAGE)
}

/// What the query says that stands before the package.
pub(crate) fn behind(before: &Bytes, upload: Upload) -> Upload {
    let Upload { pieces, length, content_type } = upload;
    let first = (!before.is_empty()).then(|| Ok(before.clone()));
    body(first.into_iter().chain(pieces), before.len() as u64 + length, content_type)
}

fn body(
    pieces: impl Iterator<Item = io::Result<Bytes>> + Send + 'static,
    length: u64,
    content_type: &'static str,
) -> Upload {
    Upload { pieces: Box::new(pieces), length, content_type }
}

/// Ranges of the file, piece by piece, and what follows them.
fn parts(
    file: &Path,
    ranges: Vec<(u64, u64)>,
    more: &[u8],
) -> impl Iterator<Item = io::Result<Bytes>> + Send + use<> {
    let (path, more) = (file.to_path_buf(), Bytes::copy_from_slice(more));
    let pieces = ranges.into_iter().flat_map(|(start, length)| {
        let starts = (0..length).step_by(PIECE_BYTES as usize);
        starts.map(move |at| (start + at, PIECE_BYTES.min(length - at)))
    });
    let read = pieces.map(move |(at, length)| piece(&path, at, length));
    read.chain((!more.is_empty()).then_some(Ok(more)))
}

fn piece(path: &Path, at: u64, length: u64) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(at))?;
    let mut piece = Vec::new();
    file.take(length).read_to_end(&mut piece)?;
    match piece.len() as u64 == length {
        true => Ok(piece.into()),
        false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file changed meanwhile")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sent_in_pieces_that_are_together_what_is_wanted() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = directory.path().join("p");
        let bytes: Vec<u8> = (0..PIECE_BYTES * 3 + 7).map(|it| it as u8).collect();
        std::fs::write(&path, &bytes).expect("written");
        let whole = (0, bytes.len() as u64);
        let read: Vec<_> = parts(&path, vec![whole, (5, 2)], b"more").collect();
        assert_eq!(read.len(), 6);
        let read: Vec<u8> = read.into_iter().flat_map(|it| it.expect("read")).collect();
        assert_eq!(read, [&bytes[..], &bytes[5..7], b"more"].concat());
        let beyond = parts(&path, vec![(bytes.len() as u64, 1)], &[]).next();
        assert!(beyond.expect("a piece").is_err());
    }
}
