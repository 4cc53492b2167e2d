//! Lists the files of `ui/dist`, so that they become part of the binary. Builds nothing: `make ui`
//! does, and where it did not, the list is empty.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What a browser takes instead, by its file's ending and the name in `content-encoding`.
const PRESSED: [(&str, &str); 2] = [("br", "brotli"), ("gz", "gzip")];

fn main() -> io::Result<()> {
    // Asked when it runs: what was compiled once may run for another clone.
    let here = env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let dist = Path::new(&here).join("../../ui/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    collect(&dist, &mut files)?;
    files.sort();
    let mut list = "&[\n".to_owned();
    if files.iter().any(|it| it.ends_with("index.html")) {
        for file in files.iter().filter(|it| !is_pressed(it)) {
            entry(&mut list, &dist, file)?;
        }
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("files.rs"), list)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|it| it.to_string_lossy().starts_with('.'));
        match path.is_dir() {
            // Notes of the build, and what git needs.
            _ if is_hidden => {}
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

fn is_pressed(file: &Path) -> bool {
    let ending = file.extension().and_then(|it| it.to_str());
    PRESSED.iter().any(|it| Some(it.0) == ending)
}

fn entry(list: &mut String, dist: &Path, file: &Path) -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    fs::read(file)?.hash(&mut hasher);
    let below = file.strip_prefix(dist).expect("it was found there");
    let path = format!("/{}", below.to_string_lossy().replace('\\', "/"));
    let _ = write!(list, "    File {{ path: {path:?}, tag: \"\\\"{:016x}\\\"\", ", hasher.finish());
    let _ = write!(list, "plain: include_bytes!({file:?})");
    for (ending, field) in PRESSED {
        let pressed = PathBuf::from(format!("{}.{ending}", file.display()));
        let _ = match pressed.exists() {
            true => write!(list, ", {field}: Some(include_bytes!({pressed:?}))"),
            false => write!(list, ", {field}: None"),
        };
    }
    list.push_str(" },\n");
    Ok(())
}
