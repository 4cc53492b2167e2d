//! The kind `sql` of sources.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use serde_json::Value;
use weir_domain::{Fault, Millis, PortName};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, Limits, LiveRead, LiveReader, LiveSource,
    SecretUse, Share, SourceKind, Splits, decode_config,
};

use super::config::misplaced_secrets;
use super::connection::{self, Address};
use super::query::{self, From};
use super::reader::{Place, Reader, Reading, SPLIT};
use super::session::Sessions;
use super::source_config::InputConfig;
use super::{NAME, codes};
use crate::idle::Idle;

/// Rows of a page that somebody only looks at.
const PEEKED_ROWS: usize = 100;

pub(super) struct Input {
    pub(super) sessions: Sessions,
}

impl SourceKind for Input {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> schemars::Schema {
        schemars::schema_for!(InputConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<InputConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, given: &Value) -> Checked {
        let Ok(config) = decode_config::<InputConfig>(given) else { return Checked::default() };
        let mut findings = config.findings();
        findings.extend(misplaced_secrets(given));
        let declared = match config.schema.is_empty() {
            true => None,
            false => query::declared_fields(&config.schema).ok(),
        };
        let outputs = vec![(PortName::out(), declared.map(|it| Arc::new(Schema::new(it))))];
        Checked { outputs, findings, ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: InputConfig = cx.config(config, codes::CONFIG)?;
        let base = std::path::absolute(&cx.base_dir).unwrap_or_else(|_| cx.base_dir.clone());
        let source = SqlSource::new(config, &base, cx.limits, self.sessions.clone())?;
        Ok(AnySource::Live(Box::new(source)))
    }
}

struct SqlSource {
    config: InputConfig,
    address: Arc<Address>,
    from: From,
    limits: Limits,
    sessions: Sessions,
}

impl SqlSource {
    fn new(
        config: InputConfig,
        base: &Path,
        limits: Limits,
        sessions: Sessions,
    ) -> Result<Self, Fault> {
        let address = Arc::new(config.connection.address(base)?);
        let from = From::new(config.table.as_deref(), config.query.as_deref())?;
        Ok(Self { config, address, from, limits, sessions })
    }

    fn reading(&self) -> Result<Reading, Fault> {
        let Self { config, address, from, limits, sessions } = self;
        let all = sessions.with(address, false, |it| query::columns(it, from))?;
        let names = config.updated_at.iter().chain([&config.increasing]);
        let increasing = names.map(|it| query::find(&all, it).cloned());
        let increasing = increasing.collect::<Result<Vec<_>, _>>()?;
        let (selected, schema) = query::schema(all, &config.schema)?;
        Ok(Reading {
            address: address.clone(),
            from: from.clone(),
            selected,
            schema,
            increasing,
            lag: config.lag.duration(),
            interval: config.interval.duration(),
            once: config.once,
            limits: *limits,
        })
    }
}

impl LiveSource for SqlSource {
    fn origin(&self) -> String {
        match &self.from {
            From::Table(name) => format!("{name} of {}", self.address),
            From::Query(_) => format!("a query to {}", self.address),
        }
    }

    fn check_access(&self) -> Result<(), Fault> {
        self.reading().map(drop)
    }

    fn path_here(&self) -> Option<PathBuf> {
        match &self.address.place {
            connection::Place::File(file) => Some(file.clone()),
            connection::Place::Server(_) => None,
        }
    }

    /// The first rows, once.
    fn peek(&mut self, _records: usize) -> Result<Box<dyn LiveReader>, Fault> {
        (self.config.once, self.config.lag) = (true, Millis(0));
        // Rows may be large: whether that is enough is asked after each page.
        self.limits.batch_rows = self.limits.batch_rows.min(PEEKED_ROWS);
        self.open(Share::WHOLE, &Splits::new())
    }

    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        let reading = self.reading()?;
        if !share.has(SPLIT) {
            return Ok(match reading.once {
                true => Box::new(Nothing(reading.schema)),
                false => Box::new(Idle(reading.schema)),
            });
        }
        let place = Place::read(from, reading.identity())?;
        Ok(Box::new(Reader {
            reading,
            sessions: self.sessions.clone(),
            place,
            rested: None,
            seen: VecDeque::new(),
            is_over: false,
        }))
    }
}

/// What a lane reads that has no split of a source that ends.
struct Nothing(SchemaRef);

impl LiveReader for Nothing {
    fn schema(&self) -> SchemaRef {
        self.0.clone()
    }

    fn read(&mut self, _: std::time::Duration) -> Result<LiveRead, Fault> {
        Ok(LiveRead::End)
    }

    fn splits(&self) -> Splits {
        Splits::new()
    }
}
