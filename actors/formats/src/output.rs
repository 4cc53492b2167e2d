//! The way out: a buffer, the compression, and a count of what is written.
//!
//! Writers that sit on it flush as they like: the buffer is only emptied when it is full or at
//! the end, so that no batch costs a system call or a compressed block of its own.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use flate2::write::GzEncoder;
use weir_domain::Fault;

use crate::{Compression, fault};

const BUFFER_BYTES: usize = 256 * 1024;
/// The default level of zstd itself.
const ZSTD_LEVEL: i32 = 3;

/// What reached the output, and why it refused more.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Readings>);

#[derive(Default)]
struct Readings {
    /// Bytes that the output took.
    reached: AtomicU64,
    /// Bytes that are on their way to it as they are; none where they are compressed.
    accepted: AtomicU64,
    failure: OnceLock<(io::ErrorKind, String)>,
}

impl Meter {
    /// How long the output is so far, what stands in the buffer before it included; what a
    /// compressor holds back is left out.
    pub(crate) fn bytes(&self) -> u64 {
        let load = |it: &AtomicU64| it.load(Ordering::Relaxed);
        load(&self.0.reached).max(load(&self.0.accepted))
    }

    fn has_failed(&self) -> bool {
        self.0.failure.get().is_some()
    }

    /// The output's failure if there was one, else a failure to encode.
    pub(crate) fn fault(&self, cause: &str) -> Fault {
        match self.0.failure.get() {
            Some((kind, cause)) => fault::write_failed(*kind, cause),
            None => fault::records_unwritable(cause),
        }
    }
}

/// An output that is counted. Parquet writes to it directly: it has buffers of its own.
pub(crate) struct Metered {
    out: Box<dyn Write + Send>,
    meter: Meter,
}

impl Metered {
    pub(crate) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, meter: Meter::default() }
    }

    pub(crate) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.meter.0.failure.get_or_init(|| (error.kind(), error.to_string()));
        }
        result
    }
}

impl Write for Metered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        let written = self.note(written)?;
        self.meter.0.reached.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}

/// Where encoded records go.
pub(crate) struct Output {
    encoder: Encoder,
    meter: Meter,
}

enum Encoder {
    Plain(BufWriter<Metered>),
    Gzip(GzEncoder<BufWriter<Metered>>),
    Zstd(ZstdEncoder),
    Lz4(lz4_flex::frame::FrameEncoder<BufWriter<Metered>>),
    Snappy(Box<snap::write::FrameEncoder<BufWriter<Metered>>>),
}

type ZstdEncoder = zstd::stream::write::Encoder<'static, BufWriter<Metered>>;

impl Output {
    pub(crate) fn new(out: Box<dyn Write + Send>, compression: Compression) -> Result<Self, Fault> {
        let metered = Metered::new(out);
        let meter = metered.meter();
        let buffered = BufWriter::with_capacity(BUFFER_BYTES, metered);
        let encoder = match compression {
            Compression::Auto | Compression::None => Encoder::Plain(buffered),
            Compression::Gzip => {
                Encoder::Gzip(GzEncoder::new(buffered, flate2::Compression::default()))
            }
            Compression::Zstd => {
                let encoder = zstd(buffered);
                Encoder::Zstd(encoder.map_err(|it| meter.fault(&it.to_string()))?)
            }
            Compression::Lz4 => Encoder::Lz4(lz4(buffered)),
            Compression::Snappy => {
                Encoder::Snappy(Box::new(snap::write::FrameEncoder::new(buffered)))
            }
        };
        Ok(Self { encoder, meter })
    }

    pub(crate) fn meter(&self) -> Meter {
        self.meter.clone()
    }

    pub(crate) fn fault(&self, cause: &str) -> Fault {
        self.meter.fault(cause)
    }

    /// Ends the compression and empties the buffer.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        let Self { encoder, meter } = self;
        let finished = match encoder {
            Encoder::Plain(buffered) => Ok(buffered),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
            Encoder::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
            Encoder::Snappy(encoder) => {
                encoder.into_inner().map_err(|it| io::Error::other(it.to_string()))
            }
        };
        let flushed = finished.and_then(|mut it| it.flush());
        flushed.map_err(|it| meter.fault(&it.to_string()))
    }
}

fn zstd(out: BufWriter<Metered>) -> io::Result<ZstdEncoder> {
    let mut encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?;
    // Without it, zstd does not notice when its data changes on the way.
    encoder.include_checksum(true)?;
    Ok(encoder)
}

fn lz4(out: BufWriter<Metered>) -> lz4_flex::frame::FrameEncoder<BufWriter<Metered>> {
    // Without it, nobody notices when the data changes on the way.
    let checked = lz4_flex::frame::FrameInfo::new().content_checksum(true);
    lz4_flex::frame::FrameEncoder::with_frame_info(checked, out)
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An encoder whose output failed is worth nothing, and may panic. Writers that are dropped try.
        if self.meter.has_failed() {
            return Err(io::Error::other("the output failed before"));
        }
        match &mut self.encoder {
            Encoder::Plain(it) => {
                let written = it.write(bytes)?;
                self.meter.0.accepted.fetch_add(written as u64, Ordering::Relaxed);
                Ok(written)
            }
            Encoder::Gzip(it) => it.write(bytes),
            Encoder::Zstd(it) => it.write(bytes),
            Encoder::Lz4(it) => it.write(bytes),
            Encoder::Snappy(it) => it.write(bytes),
        }
    }

    /// Does nothing: see the module's header.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
