//! Small files that are replaced as wholes, and last.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Puts the text at that place: after a crash there is what was there before, or all of it. Whoever writes
/// there at the same time is kept out by the caller.
pub(super) fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
