//! Names with a counter before the extension: `flights.csv.gz`, `flights_1.csv.gz`, …

use std::path::{Path, PathBuf};

/// Extensions that stand behind another one.
const COMPRESSIONS: [&str; 7] = ["gz", "gzip", "zst", "zstd", "bz2", "lz4", "sz"];

/// The stem and the extensions of a file name; the second begins with its dot, or is empty.
pub(crate) fn split_extension(name: &str) -> (&str, &str) {
    let dot = |name: &str| name.rfind('.').filter(|&at| at > 0);
    let Some(last) = dot(name) else { return (name, "") };
    let is_compression = COMPRESSIONS.contains(&name[last + 1..].to_ascii_lowercase().as_str());
    match dot(&name[..last]) {
        Some(inner) if is_compression => name.split_at(inner),
        _ => name.split_at(last),
    }
}

/// A file name with its number, which stands before the extension.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    let (directory, file) = match name.rfind('/') {
        Some(at) => name.split_at(at + 1),
        None => ("", name),
    };
    let (stem, extension) = split_extension(file);
    format!("{directory}{stem}_{number}{extension}")
}

/// The path with the number in its file name.
pub(crate) fn numbered_path(path: &Path, number: u32) -> PathBuf {
    let name = path.file_name().map(|it| it.to_string_lossy()).unwrap_or_default();
    path.with_file_name(numbered(&name, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_stands_before_all_extensions() {
        let cases = [
            ("file.txt", "file_1.txt"),
            ("file", "file_1"),
            ("flights.2024.csv.gz", "flights.2024_1.csv.gz"),
            ("data.gz", "data_1.gz"),
            (".hidden", ".hidden_1"),
            ("a.b/c", "a.b/c_1"),
            ("a/b.json.ZST", "a/b_1.json.ZST"),
        ];
        for (name, wanted) in cases {
            assert_eq!(numbered(name, 1), wanted);
        }
    }
}
