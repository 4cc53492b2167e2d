//! Prints what was committed.

use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use weir_domain::Fault;
use weir_stream::Published;

use crate::messages::Message;
use crate::outbox::{Deliver, Delivery};

/// Standard output takes nothing.
const PRINT: u32 = 4470;

pub(super) struct Printer;

/// There is but one place to print to.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Target {}

impl Deliver for Printer {
    const NAME: &'static str = super::NAME;
    type Connection = Option<()>;
    type Target = Target;
    type Config = Value;

    fn renewed(stored: Target, _config: Value) -> Target {
        stored
    }

    fn deliver(
        &self,
        _connection: Option<()>,
        delivery: &Delivery<'_, Target>,
    ) -> Result<Vec<Published>, Fault> {
        for part in delivery.parts() {
            let Some(entries) = part? else { return Ok(Vec::new()) };
            let mut lines = Vec::new();
            for entry in entries {
                lines.extend_from_slice(&Message::from_bytes(&entry)?.body);
                lines.push(b'\n');
            }
            print(&lines).map_err(|error| {
                let message = format!("standard output can't be written to: {error}");
                Fault::transient(PRINT, message).with_hint("is what reads from it still there?")
            })?;
        }
        Ok(Vec::new())
    }
}

/// Lines of different stages are not mixed.
fn print(lines: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(lines)?;
    out.flush()
}
