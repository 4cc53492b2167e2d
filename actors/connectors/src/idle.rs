//! The reader of a lane that has no split. It never ends: a lane that has ended is done for good, and
//! another version of the workflow may have something for it.

use std::thread;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_stream::{LiveRead, LiveReader, Splits};

pub(crate) struct Idle(pub(crate) SchemaRef);

impl LiveReader for Idle {
    fn schema(&self) -> SchemaRef {
        self.0.clone()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        thread::sleep(within);
        Ok(LiveRead::Nothing)
    }

    fn splits(&self) -> Splits {
        Splits::new()
    }
}
