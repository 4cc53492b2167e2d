//! Records become messages that go out.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::{Fault, StageId};
use weir_formats::{FormatConfig, MessageEncoder, message_encoder};
use weir_stream::{
    Action, BadRecord, Batch, BuildContext, Positions, Prepared, SinkWriter, StreamContext,
};

use super::CONFIG;
use crate::outbox::{ENTRY_BYTES_MAX, Outbox, OutboxWriter};

/// A message that is to go out. It is kept in an outbox: fields may be added with a default, never
/// renamed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) body: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, Bytes)>,
    /// The topic, subject or path, where each record has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

impl Message {
    fn to_bytes(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("bytes and texts can be written")
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        rmp_serde::from_slice(bytes)
            .map_err(|error| Fault::config(CONFIG, format!("a message can't be read: {error}")))
    }
}

/// Which fields of a record stand beside the body of its message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Envelope {
    pub(crate) key: Option<String>,
    pub(crate) address: Option<String>,
    /// By the names of the headers.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Envelope {
    /// The path in the configuration and the field, of all that it takes from records.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.key.iter().chain(&self.address).chain(self.headers.values()).map(String::as_str)
    }
}

/// What a sink of messages needs to know to make them.
pub(crate) struct Posting<'a> {
    pub(crate) format: &'a FormatConfig,
    pub(crate) envelope: Envelope,
    pub(crate) outlet: Outlet,
}

/// Takes messages that don't wait for the commit: what is rolled back was sent all the same, and what
/// is read again is sent again.
pub(crate) trait Line: Send {
    /// Has it sent soon. It waits where the other side takes no more.
    fn send(&mut self, message: Message) -> Result<(), Fault>;

    /// Waits until the other side has all.
    fn settle(&mut self) -> Result<(), Fault>;
}

/// Where messages go.
pub(crate) enum Outlet {
    /// To be sent once the commit is decided, by what makes an action of an outbox.
    Outbox(OutboxWriter, Box<dyn Fn(Outbox) -> Action + Send>),
    /// With the bytes that were sent.
    Line(Box<dyn Line>, u64),
}

impl Outlet {
    /// The outbox of a stage.
    pub(crate) fn outbox(
        cx: &BuildContext,
        stream: &StreamContext,
        send: impl Fn(Outbox) -> Action + Send + 'static,
    ) -> Result<Self, Fault> {
        let writer = OutboxWriter::open(&cx.staging, stream, &cx.stage)?;
        Ok(Self::Outbox(writer, Box::new(send)))
    }

    /// As many outboxes as there are times so many bytes.
    pub(crate) fn cut_after(self, bytes_max: u64) -> Result<Self, Fault> {
        match self {
            Self::Outbox(writer, send) => Ok(Self::Outbox(writer.cut_after(bytes_max)?, send)),
            Self::Line(..) => Ok(self),
        }
    }

    pub(crate) fn line(line: impl Line + 'static) -> Self {
        Self::Line(Box::new(line), 0)
    }
}

/// Why a message could never be sent, if so.
type Unfit = Box<dyn Fn(&Message) -> Option<String> + Send>;

/// Makes messages of records and puts them into an outbox, or on a line.
pub(crate) struct MessageWriter {
    encoder: MessageEncoder,
    envelope: Envelope,
    outlet: Outlet,
    stage: StageId,
    raw_bytes_max: usize,
    unfit: Unfit,
}

impl MessageWriter {
    pub(crate) fn open(
        posting: Posting<'_>,
        cx: &BuildContext,
        schema: &SchemaRef,
    ) -> Result<Self, Fault> {
        let Posting { format, envelope, outlet } = posting;
        for field in envelope.fields() {
            if schema.field_with_name(field).is_err() {
                let message = format!("stage {}: there is no field {field}", cx.stage);
                return Err(Fault::config(CONFIG, message).with_hint("name a field that is there"));
            }
        }
        Ok(Self {
            encoder: message_encoder(format, schema)?,
            envelope,
            outlet,
            stage: cx.stage.clone(),
            raw_bytes_max: cx.limits.raw_bytes_max,
            unfit: Box::new(|_| None),
        })
    }

    /// With a check that says why a message could never be sent, if so: it would stand in the way of all
    /// that are behind it.
    #[must_use]
    pub(crate) fn refusing(
        mut self,
        unfit: impl Fn(&Message) -> Option<String> + Send + 'static,
    ) -> Self {
        self.unfit = Box::new(unfit);
        self
    }

    /// The bodies of all rows, or what is wrong with which of them.
    fn bodies(&mut self, batch: &Batch) -> (Vec<Option<Bytes>>, Vec<BadRecord>) {
        if let Ok(bodies) = self.encoder.encode(&batch.records) {
            return (bodies.into_iter().map(Some).collect(), Vec::new());
        }
        let (mut bodies, mut bad) = (Vec::new(), Vec::new());
        for row in 0..batch.rows() {
            let one = batch.records.slice(row, 1);
            match self.encoder.encode(&one).map(|it| it.into_iter().next()) {
                Ok(body) => bodies.push(body),
                Err(fault) => {
                    bodies.push(None);
                    bad.push(self.bad(&batch.positions, row, None, &fault.message));
                }
            }
        }
        (bodies, bad)
    }

    fn bad(
        &self,
        positions: &Positions,
        row: usize,
        raw: Option<&Bytes>,
        reason: &str,
    ) -> BadRecord {
        let (raw, raw_cut) =
            raw.map_or((Bytes::new(), false), |it| weir_stream::beginning(it, self.raw_bytes_max));
        let reason = format!("stage {}: {reason}", self.stage);
        BadRecord { position: positions.at(row), line: None, offset: None, raw, raw_cut, reason }
    }
}

impl SinkWriter for MessageWriter {
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        let (bodies, mut bad) = self.bodies(batch);
        let beside = Beside::of(&self.envelope, &batch.records)?;
        for (row, body) in bodies.into_iter().enumerate() {
            let Some(body) = body else { continue };
            let message = beside.message(row, body);
            if let Some(reason) = (self.unfit)(&message) {
                bad.push(self.bad(&batch.positions, row, Some(&message.body), &reason));
                continue;
            }
            let outbox = match &mut self.outlet {
                Outlet::Outbox(outbox, _) => outbox,
                Outlet::Line(line, bytes) => {
                    *bytes += message.body.len() as u64;
                    line.send(message)?;
                    continue;
                }
            };
            let entry = message.to_bytes();
            if entry.len() > ENTRY_BYTES_MAX {
                let reason = format!("a message of {} bytes is too long", entry.len());
                bad.push(self.bad(&batch.positions, row, Some(&message.body), &reason));
                continue;
            }
            outbox.push(&entry)?;
        }
        bad.sort_by_key(|it| it.position);
        Ok(bad)
    }

    fn prepare(self: Box<Self>) -> Result<Prepared, Fault> {
        let bytes = self.bytes_written();
        let actions = match self.outlet {
            Outlet::Outbox(outbox, send) => outbox.finish()?.into_iter().map(send).collect(),
            Outlet::Line(mut line, _) => {
                line.settle()?;
                Vec::new()
            }
        };
        Ok(Prepared { actions, bytes })
    }

    fn bytes_written(&self) -> u64 {
        match &self.outlet {
            Outlet::Outbox(outbox, _) => outbox.bytes(),
            Outlet::Line(_, bytes) => *bytes,
        }
    }
}

/// The columns that stand beside the bodies, as bytes.
struct Beside {
    key: Option<BinaryArray>,
    address: Option<BinaryArray>,
    headers: Vec<(String, BinaryArray)>,
}

impl Beside {
    fn of(envelope: &Envelope, records: &RecordBatch) -> Result<Self, Fault> {
        let column = |field: &String| bytes_of(field, records);
        let headers = envelope.headers.iter();
        Ok(Self {
            key: envelope.key.as_ref().map(column).transpose()?,
            address: envelope.address.as_ref().map(column).transpose()?,
            headers: headers
                .map(|(name, field)| Ok((name.clone(), column(field)?)))
                .collect::<Result<_, Fault>>()?,
        })
    }

    fn message(&self, row: usize, body: Bytes) -> Message {
        let value = |column: &BinaryArray| {
            column.is_valid(row).then(|| Bytes::copy_from_slice(column.value(row)))
        };
        let headers = self.headers.iter();
        let address = self.address.as_ref().and_then(value);
        Message {
            body,
            key: self.key.as_ref().and_then(value),
            headers: headers.filter_map(|(name, it)| Some((name.clone(), value(it)?))).collect(),
            address: address.map(|it| String::from_utf8_lossy(&it).into_owned()),
        }
    }
}

/// The texts of a column, or its bytes.
fn bytes_of(field: &str, records: &RecordBatch) -> Result<BinaryArray, Fault> {
    let column = records.column_by_name(field);
    let column =
        column.ok_or_else(|| Fault::config(CONFIG, format!("there is no field {field}")))?;
    let unfit = |error: arrow::error::ArrowError| {
        Fault::config(CONFIG, format!("the field {field} can't stand beside a message: {error}"))
    };
    let text: ArrayRef = match column.data_type() {
        DataType::Binary => return Ok(column.as_binary::<i32>().clone()),
        _ => cast(column, &DataType::Utf8).map_err(unfit)?,
    };
    Ok(cast(&text, &DataType::Binary).map_err(unfit)?.as_binary::<i32>().clone())
}
