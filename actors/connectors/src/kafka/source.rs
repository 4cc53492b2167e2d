//! Topics as a live source.

use regex::Regex;
use weir_domain::Fault;
use weir_stream::{
    BuildContext, Limits, LiveReader, LiveSource, RawLetter, RecordReader, Share, Splits,
};

use super::client::{self, Listener};
use super::codes;
use super::config::{OnLost, SourceConfig};
use super::lookup;
use super::reader::Reader;
use super::source_kind::whole;
use crate::messages::reread;

pub(super) struct Source {
    config: SourceConfig,
    topics: Topics,
    stage: String,
    limits: Limits,
}

/// Which topics are read.
#[derive(Debug, Clone)]
pub(super) enum Topics {
    Named(Vec<String>),
    /// Those whose whole name it matches.
    Matching(Regex),
}

impl Source {
    pub(super) fn new(config: SourceConfig, cx: &BuildContext) -> Result<Self, Fault> {
        let unfit = |error: regex::Error| {
            Fault::config(codes::CONFIG, format!("stage {}: pattern: {error}", cx.stage))
        };
        let topics = match &config.pattern {
            Some(pattern) => Topics::Matching(whole(pattern).map_err(unfit)?),
            None => Topics::Named(config.topics.clone()),
        };
        Ok(Self { config, topics, stage: cx.stage.to_string(), limits: cx.limits })
    }
}

impl LiveSource for Source {
    fn origin(&self) -> String {
        let brokers = self.config.connection.brokers.join(", ");
        match &self.config.pattern {
            Some(pattern) => format!("topics {pattern} of the brokers {brokers}"),
            None => format!("topics {} of the brokers {brokers}", self.config.topics.join(", ")),
        }
    }

    fn check_access(&self) -> Result<(), Fault> {
        let mut settings = self.config.connection.client();
        settings.set("group.id", "weir");
        let consumer = client::consumer(&settings, Listener::default())?;
        let within = self.config.connection.timeout.duration();
        let look = |topic: Option<&str>| client::metadata(&consumer, topic, within);
        lookup::partitions(&self.topics, look).map(|_| ())
    }

    fn peek(&mut self, records: usize) -> Result<Box<dyn LiveReader>, Fault> {
        // No group is joined and nothing committed, so that nobody else's is named.
        let config = SourceConfig { group: None, on_lost: OnLost::Skip, ..self.config.clone() };
        let topics = self.topics.clone();
        let reader = Reader::new(config, topics, &self.stage, &self.limits, Share::WHOLE)?;
        let from = reader.near_ends(records)?;
        Ok(Box::new(reader.begin(&from)?))
    }

    fn reread(&mut self, letters: Vec<RawLetter>) -> Result<Box<dyn RecordReader>, Fault> {
        let config = &self.config;
        reread(&config.format, &config.attributes, &self.limits, letters)
    }

    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        let (config, topics) = (self.config.clone(), self.topics.clone());
        let reader = Reader::new(config, topics, &self.stage, &self.limits, share)?;
        Ok(Box::new(reader.begin(from)?))
    }
}
