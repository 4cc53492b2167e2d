//! Compression of blocks, within bounds.

use std::io::{Read, Write};

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::config::AvroCodec;

/// A block that takes more, compressed or not, is not read.
pub(super) const BLOCK_BYTES_MAX: usize = 256 * 1024 * 1024;
const ZSTD_LEVEL: i32 = 3;

impl AvroCodec {
    /// As files name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Zstd => "zstandard",
        }
    }

    pub(super) fn named(name: &[u8]) -> Result<Self, String> {
        let all = [Self::None, Self::Deflate, Self::Snappy, Self::Zstd];
        all.into_iter().find(|it| it.name().as_bytes() == name).ok_or_else(|| {
            let name = String::from_utf8_lossy(name);
            format!("its blocks are compressed with {name:?}, which is not known here")
        })
    }

    pub(super) fn compress(self, block: &[u8]) -> Result<Vec<u8>, String> {
        let compressed = match self {
            Self::None => Ok(block.to_vec()),
            Self::Deflate => {
                let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(block).and_then(|()| encoder.finish())
            }
            Self::Snappy => {
                let compressed = snap::raw::Encoder::new().compress_vec(block);
                let mut compressed = compressed.map_err(|it| it.to_string())?;
                compressed.extend(crc32fast::hash(block).to_be_bytes());
                Ok(compressed)
            }
            Self::Zstd => zstd::encode_all(block, ZSTD_LEVEL),
        };
        compressed.map_err(|it| it.to_string())
    }

    pub(super) fn decompress(self, block: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::None => Ok(block.to_vec()),
            Self::Deflate => bounded(DeflateDecoder::new(block)),
            Self::Snappy => unsnap(block),
            Self::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(block);
                bounded(decoder.map_err(|it| it.to_string())?)
            }
        }
    }
}

fn bounded(decoder: impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = decoder.take(BLOCK_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|it| it.to_string())?;
    match bytes.len() > BLOCK_BYTES_MAX {
        true => Err(format!("it holds more than {BLOCK_BYTES_MAX} bytes")),
        false => Ok(bytes),
    }
}

/// Snappy has its length in front, and behind it the checksum of what was compressed.
fn unsnap(block: &[u8]) -> Result<Vec<u8>, String> {
    let (data, sum) = block.split_last_chunk().ok_or("it is too short for a checksum")?;
    let length = snap::raw::decompress_len(data).map_err(|it| it.to_string())?;
    if length > BLOCK_BYTES_MAX {
        return Err(format!(
            "it is said to hold {length} bytes, and {BLOCK_BYTES_MAX} are the most"
        ));
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(data).map_err(|it| it.to_string())?;
    match crc32fast::hash(&bytes) == u32::from_be_bytes(*sum) {
        true => Ok(bytes),
        false => Err("its checksum is another".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back_or_is_refused() {
        let block: Vec<u8> = (0..5000).map(|it| (it % 97) as u8).collect();
        for codec in [AvroCodec::None, AvroCodec::Deflate, AvroCodec::Snappy, AvroCodec::Zstd] {
            assert_eq!(AvroCodec::named(codec.name().as_bytes()), Ok(codec));
            let compressed = codec.compress(&block).unwrap();
            assert_eq!(codec.decompress(&compressed).as_ref(), Ok(&block));
            if codec != AvroCodec::None {
                assert!(
                    codec.decompress(&compressed[..compressed.len() - 5]).is_err(),
                    "{codec:?}"
                );
                assert!(codec.decompress(b"\x01").is_err());
            }
        }
        let huge = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], b"abcd"].concat();
        assert!(
            AvroCodec::Snappy.decompress(&huge).unwrap_err().contains("said to hold 4294967295")
        );
        assert!(AvroCodec::named(b"bzip2").unwrap_err().contains("\"bzip2\""));
    }
}
