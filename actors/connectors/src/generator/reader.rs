//! Makes the records of a lane's partitions, at their rate.

use std::thread;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use serde_json::{Value, json};
use weir_domain::Fault;
use weir_runtime::Stopwatch;
use weir_stream::{Batch, LiveRead, LiveReader, Positions, Read, Share, Splits};

use super::config::{CONFIG, GeneratorConfig, POSITION};
use super::values::{self, Run};

/// With a rate, records are made in so many slices of a second.
const SLICES: u64 = 50;

pub(super) struct Reader {
    config: GeneratorConfig,
    schema: SchemaRef,
    partitions: Vec<Partition>,
    /// Whose turn it is.
    next: usize,
    batch_rows: u64,
    opened: Stopwatch,
    /// Since it was opened.
    made: u64,
}

struct Partition {
    number: u32,
    made: u64,
    /// How many it will ever have.
    end: u64,
}

impl Reader {
    pub(super) fn new(
        config: GeneratorConfig,
        share: Share,
        from: &Splits,
        batch_rows: usize,
    ) -> Result<Self, Fault> {
        let own = (0..config.partitions.get()).filter(|it| share.has(&it.to_string()));
        let partition = |number| {
            let (made, end) = (made(from, number)?, end(&config, number));
            Ok(Partition { number, made, end })
        };
        let partitions = own.map(partition).collect::<Result<_, Fault>>()?;
        let (schema, opened) = (values::schema(&config.fields), Stopwatch::start());
        let batch_rows = batch_rows as u64;
        Ok(Self { config, schema, partitions, next: 0, batch_rows, opened, made: 0 })
    }

    /// How many records may be made now, by all partitions of this lane.
    fn due(&self) -> u64 {
        let Some(rate) = self.config.rate else { return u64::MAX };
        let share = self.partitions.len() as u128;
        let slice = self.opened.elapsed().as_millis() * u128::from(SLICES) / 1_000;
        let all = u128::from(self.config.partitions.get()) * u128::from(SLICES);
        let due = slice * u128::from(rate.get()) * share / all;
        u64::try_from(due).unwrap_or(u64::MAX).saturating_sub(self.made)
    }

    fn make(&mut self, at: usize, rows: u64) -> Result<Read, Fault> {
        let partition = &mut self.partitions[at];
        let run = Run {
            seed: self.config.seed,
            partition: partition.number,
            first: partition.made,
            rows,
        };
        let records = values::batch(&self.schema, &self.config.fields, run)
            .map_err(|error| Fault::config(CONFIG, format!("no records can be made: {error}")))?;
        partition.made += rows;
        self.made += rows;
        let bytes = records.get_array_memory_size() as u64;
        let batch = Batch::new(records, Positions::Range { first: run.first + 1 });
        Ok(Read { batch, bad: Vec::new(), bytes })
    }
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        let count = self.partitions.len();
        let mut turns = (0..count).map(|it| (self.next + it) % count);
        let Some(at) = turns.find(|it| self.partitions[*it].made < self.partitions[*it].end) else {
            // One without partitions waits for none: their number is fixed.
            return Ok(LiveRead::End);
        };
        let due = self.due();
        if due == 0 {
            thread::sleep(within.min(Duration::from_millis(1_000 / SLICES)));
            return Ok(LiveRead::Nothing);
        }
        self.next = (at + 1) % count;
        let left = self.partitions[at].end - self.partitions[at].made;
        self.make(at, left.min(due).min(self.batch_rows)).map(LiveRead::Records)
    }

    fn splits(&self) -> Splits {
        self.partitions.iter().map(|it| (it.number.to_string(), json!(it.made))).collect()
    }
}

fn made(from: &Splits, number: u32) -> Result<u64, Fault> {
    let Some(made) = from.get(&number.to_string()) else { return Ok(0) };
    Value::as_u64(made).ok_or_else(|| {
        let message = format!("partition {number} can't go on from {made}: it is no number");
        Fault::config(POSITION, message)
    })
}

/// The records of the whole source are shared out evenly; the first partitions have one more.
fn end(config: &GeneratorConfig, number: u32) -> u64 {
    let Some(records) = config.records else { return u64::MAX };
    let partitions = u64::from(config.partitions.get());
    let (each, more) = (records.get() / partitions, records.get() % partitions);
    each + u64::from(u64::from(number) < more)
}

#[cfg(test)]
mod tests {
    use weir_stream::decode_config;

    use super::*;

    fn config(more: &Value) -> GeneratorConfig {
        let mut config = json!({ "fields": [{ "name": "n", "make": "sequence" }] });
        let entries = more.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(entries);
        decode_config(&config).unwrap()
    }

    /// Reads to the end, and counts.
    fn read(reader: &mut Reader) -> u64 {
        let mut rows = 0;
        loop {
            match reader.read(Duration::from_millis(1)).unwrap() {
                LiveRead::Records(it) => rows += it.batch.rows() as u64,
                LiveRead::Nothing => {}
                LiveRead::End => return rows,
            }
        }
    }

    #[test]
    fn lanes_together_make_all_records_and_go_on_where_they_were() {
        let config = config(&json!({ "partitions": 7, "records": 1_000 }));
        let of = |lane, from: &Splits| {
            Reader::new(config.clone(), Share { lane, lanes: 3 }, from, 64).unwrap()
        };
        let mut all = 0;
        for lane in 0..3 {
            let mut reader = of(lane, &Splits::new());
            let LiveRead::Records(first) = reader.read(Duration::ZERO).unwrap() else { continue };
            all += first.batch.rows() as u64;
            all += read(&mut of(lane, &reader.splits()));
        }
        assert_eq!(all, 1_000);
    }

    #[test]
    fn a_position_that_is_no_number_is_refused() {
        let from = Splits::from([("0".to_owned(), json!("x"))]);
        let share = Share { lane: 0, lanes: 1 };
        let fault = Reader::new(config(&json!({})), share, &from, 10).err().unwrap();
        assert_eq!(fault.code.0, POSITION);
    }

    #[test]
    fn no_more_is_made_than_is_due() {
        let config = config(&json!({ "rate": 1_000 }));
        let mut reader =
            Reader::new(config, Share { lane: 0, lanes: 1 }, &Splits::new(), 8_192).unwrap();
        let mut rows = 0;
        while rows == 0 {
            if let LiveRead::Records(it) = reader.read(Duration::from_millis(5)).unwrap() {
                rows = it.batch.rows() as u64;
            }
        }
        let most = reader.opened.elapsed().as_millis() as u64;
        assert!(rows <= most, "{rows} records in {most} ms");
    }
}
