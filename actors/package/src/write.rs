//! Writing a package.

use std::io::Write;

use bytes::Bytes;

use crate::{Error, Manifest, Result, Signer};

/// The first line. A package of another format begins with the same word and another number.
pub(crate) const MAGIC: &str = "WEIR-PACKAGE ";
pub(crate) const FORMAT: u32 = 1;

/// Writes the manifest, its signature, and the objects, which must come in the manifest's order.
/// They are asked for one after the other, so that they need not be in memory together.
pub(crate) fn write(
    mut sink: impl Write,
    manifest: &Manifest,
    signer: &Signer,
    objects: impl Iterator<Item = Result<Bytes>>,
) -> Result<()> {
    let head = head(manifest);
    let mut put = |bytes: &[u8]| sink.write_all(bytes).map_err(Error::Io);
    put(&head)?;
    put(signer.key().as_bytes())?;
    put(&signer.sign(&head))?;
    for object in objects {
        put(&object?)?;
    }
    sink.flush().map_err(Error::Io)
}

/// All that is signed.
fn head(manifest: &Manifest) -> Vec<u8> {
    let json = serde_json::to_vec(manifest).expect("a manifest is made of JSON");
    // A manifest was checked against a limit that is far below.
    let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
    let mut head = format!("{MAGIC}{FORMAT}\n").into_bytes();
    head.extend(length.to_be_bytes());
    head.extend(json);
    head
}
