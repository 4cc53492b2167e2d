//! Messages: what connectors to brokers and sockets have in common. A message is a body, and beside it
//! a key, headers and the like, which become fields of the record and are made from them.

mod attribute;
mod check;
mod incoming;
mod outgoing;

pub use attribute::{Attribute, AttributeConfig};
pub(crate) use attribute::{findings, schema_with, takes_header};
pub(crate) use check::{sink_findings, source_schema};
pub(crate) use incoming::{Incoming, Intake, reread};
pub(crate) use outgoing::{Envelope, Line, Message, MessageWriter, Outlet, Posting};

/// The configuration does not fit the records.
const CONFIG: u32 = 4310;
/// Finding: a field can't be used so.
const BAD_FIELD: u32 = 4320;
/// Finding: the format can't be that of messages.
const BAD_FORMAT: u32 = 4321;
