//! The web UI as files in the binary, as `make ui` built them into `ui/dist`.
//!
//! Where it was not built there are no files: cargo needs no Node, and the server says how to build it.

/// A file of the UI.
#[derive(Debug)]
pub struct File {
    /// From the root of the server, with a slash.
    pub path: &'static str,
    /// An entity tag of its content, with its quotes.
    pub tag: &'static str,
    pub plain: &'static [u8],
    pub brotli: Option<&'static [u8]>,
    pub gzip: Option<&'static [u8]>,
}

/// By path; none where the UI was not built.
pub static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// What leads to all views of the UI.
pub const INDEX: &str = "/index.html";

impl File {
    /// Whether its name changes with its content, so that it can be kept for ever.
    pub fn is_named_by_content(&self) -> bool {
        self.path.starts_with("/assets/")
    }

    /// `None`: nothing that the UI is made of.
    pub fn content_type(&self) -> Option<&'static str> {
        Some(match self.path.rsplit_once('.')?.1 {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript",
            "css" => "text/css",
            "woff2" => "font/woff2",
            "svg" => "image/svg+xml",
            "json" => "application/json",
            "txt" => "text/plain; charset=utf-8",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_type_and_there_is_an_index_if_there_is_anything() {
        assert!(FILES.iter().all(|it| it.content_type().is_some()), "{FILES:?}");
        assert_eq!(FILES.is_empty(), !FILES.iter().any(|it| it.path == INDEX));
    }
}
