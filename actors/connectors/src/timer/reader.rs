//! Makes the ticks that are due.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};
use weir_domain::{Clock, Fault, Timestamp};
use weir_stream::{Batch, LiveRead, LiveReader, Positions, Read, Splits};

use super::codes;
use super::config::Missed;
use super::times::Times;

/// The one split.
pub(super) const SPLIT: &str = "timer";

/// The last tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    at: Timestamp,
    /// How many there were.
    tick: u64,
}

pub(super) struct Reader {
    times: Times,
    clock: Arc<dyn Clock>,
    schema: SchemaRef,
    batch_rows: usize,
    last: Position,
}

/// Of all records.
pub(super) fn schema() -> SchemaRef {
    let at = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = vec![Field::new("at", at, false), Field::new("tick", DataType::Int64, false)];
    Arc::new(Schema::new(fields))
}

impl Reader {
    pub(super) fn new(
        times: Times,
        missed: Missed,
        clock: Arc<dyn Clock>,
        from: &Splits,
        batch_rows: usize,
    ) -> Result<Self, Fault> {
        let now = clock.now();
        let last = match from.get(SPLIT) {
            None => Position { at: now, tick: 0 },
            Some(there) => {
                let last = Position::deserialize(there).map_err(|error| {
                    let message = format!("the timer can't go on from {there}: {error}");
                    Fault::config(codes::POSITION, message)
                })?;
                match missed {
                    Missed::CatchUp => last,
                    Missed::Skip => Position { at: last.at.max(now), ..last },
                }
            }
        };
        Ok(Self { times, clock, schema: schema(), batch_rows, last })
    }

    /// The times that are due.
    fn due(&mut self) -> Vec<i64> {
        let (now, mut due) = (self.clock.now(), Vec::new());
        while due.len() < self.batch_rows {
            let Some(at) = self.times.after(self.last.at).filter(|it| *it <= now) else { break };
            self.last = Position { at, tick: self.last.tick + 1 };
            due.push(at.0.saturating_mul(1_000));
        }
        due
    }

    fn wait(&self, within: Duration) {
        let next = self.times.after(self.last.at);
        let wait = next.map_or(within, |it| it.since(self.clock.now()));
        thread::sleep(wait.min(within));
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        let first = self.last.tick + 1;
        let mut due = self.due();
        if due.is_empty() {
            self.wait(within);
            due = self.due();
        }
        if due.is_empty() {
            return Ok(LiveRead::Nothing);
        }
        let ticks: Int64Array = (first..).take(due.len()).map(|it| it as i64).collect();
        let at = TimestampMicrosecondArray::from(due).with_timezone("UTC");
        let columns = vec![Arc::new(at) as _, Arc::new(ticks) as _];
        let records = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|error| Fault::config(codes::CONFIG, format!("no ticks: {error}")))?;
        let bytes = records.num_rows() as u64 * 16;
        let batch = Batch::new(records, Positions::Range { first });
        Ok(LiveRead::Records(Read { batch, bad: Vec::new(), bytes }))
    }

    fn splits(&self) -> Splits {
        let position = serde_json::to_value(self.last).expect("a time and a number become JSON");
        Splits::from([(SPLIT.to_owned(), position)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_runtime::ManualClock;

    use super::*;

    fn reader(clock: &ManualClock, missed: Missed, from: &Splits) -> Reader {
        let times = Times::EveryMs(1_000);
        Reader::new(times, missed, Arc::new(clock.clone()), from, 1_000).unwrap()
    }

    fn rows(reader: &mut Reader) -> usize {
        match reader.read(Duration::ZERO).unwrap() {
            LiveRead::Records(it) => it.batch.rows(),
            LiveRead::Nothing | LiveRead::End => 0,
        }
    }

    #[test]
    fn a_tick_is_made_once_when_it_is_due() {
        let clock = ManualClock::at(Timestamp(10_400));
        let mut reader = reader(&clock, Missed::Skip, &Splits::new());
        assert_eq!(rows(&mut reader), 0);
        clock.advance(Duration::from_millis(600));
        assert_eq!((rows(&mut reader), rows(&mut reader)), (1, 0));
        clock.advance(Duration::from_millis(3_999));
        assert_eq!(rows(&mut reader), 3);
        let at = json!({ "at": "1970-01-01T00:00:14.000Z", "tick": 4 });
        assert_eq!(reader.splits()[SPLIT], at);
    }

    #[test]
    fn what_was_missed_is_left_out_or_made_up_for() {
        let clock = ManualClock::at(Timestamp(10_000));
        let mut before = reader(&clock, Missed::Skip, &Splits::new());
        clock.advance(Duration::from_secs(2));
        assert_eq!(rows(&mut before), 2);
        clock.advance(Duration::from_secs(60));
        let from = before.splits();
        assert_eq!(rows(&mut reader(&clock, Missed::Skip, &from)), 0);
        assert_eq!(rows(&mut reader(&clock, Missed::CatchUp, &from)), 60);
        let broken = Splits::from([(SPLIT.to_owned(), json!(7))]);
        let times = Times::EveryMs(1);
        let broken = Reader::new(times, Missed::Skip, Arc::new(clock), &broken, 1);
        assert_eq!(broken.err().unwrap().code.0, codes::POSITION);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_tick_twice() {
        let clock = ManualClock::at(Timestamp(10_000));
        let mut reader = reader(&clock, Missed::CatchUp, &Splits::new());
        clock.advance(Duration::from_secs(5));
        assert_eq!(rows(&mut reader), 5);
        let back = ManualClock::at(Timestamp(9_000));
        reader.clock = Arc::new(back.clone());
        assert_eq!(rows(&mut reader), 0);
        back.advance(Duration::from_secs(7));
        assert_eq!(rows(&mut reader), 1);
    }
}
