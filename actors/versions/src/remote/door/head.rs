//! The first lines of requests and answers.

use std::io::{self, Read};

const HEAD_BYTES_MAX: usize = 64 << 10;

/// The lines of a request or an answer up to its body.
pub(super) struct Head {
    pub(super) first: String,
    fields: Vec<(String, String)>,
}

/// How much body follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Length(u64),
    Chunked,
}

impl Head {
    /// Byte by byte, from a reader that has a buffer: what follows is left there.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            if from.read(&mut byte)? == 0 {
                return match bytes.is_empty() {
                    true => Ok(None),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
            bytes.push(byte[0]);
            if bytes.len() > HEAD_BYTES_MAX {
                return Err(io::Error::other("its first lines are too long"));
            }
        }
        let bad = || io::Error::other("it does not speak HTTP");
        let text = String::from_utf8(bytes).map_err(|_| bad())?;
        let mut lines = text.trim_end().split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let mut fields = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(bad)?;
            fields.push((name.trim().to_lowercase(), value.trim().to_owned()));
        }
        Ok(Some(Self { first, fields }))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }

    pub(super) fn without(&mut self, names: &[&str]) {
        self.fields.retain(|it| !names.contains(&it.0.as_str()));
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn body(&self) -> Body {
        let is_chunked = |it: &str| it.to_lowercase().contains("chunked");
        if self.get("transfer-encoding").is_some_and(is_chunked) {
            return Body::Chunked;
        }
        let length = self.get("content-length").and_then(|it| it.parse().ok());
        length.map_or(Body::None, Body::Length)
    }

    /// Of an answer; none if it is no HTTP.
    pub(super) fn status(&self) -> Option<u16> {
        let (version, rest) = self.first.split_once(' ')?;
        version.starts_with("HTTP/1.").then(|| rest.get(..3)?.parse().ok()).flatten()
    }

    pub(super) fn written(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        (text + "\r\n").into_bytes()
    }
}
