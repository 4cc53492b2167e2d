//! Sends messages as they come.

use std::sync::Arc;

use weir_domain::Fault;

use super::codes;
use super::producer::Producer;
use crate::messages::{self, Message};

pub(super) struct Line {
    pub(super) producer: Arc<Producer>,
    /// Of messages that name none.
    pub(super) topic: Option<String>,
}

impl messages::Line for Line {
    fn send(&mut self, message: Message) -> Result<(), Fault> {
        let topic = message.address.as_ref().or(self.topic.as_ref());
        let topic =
            topic.ok_or_else(|| Fault::config(codes::CONFIG, "a message names no topic"))?;
        self.producer.send(topic, &message)
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.producer.settle()
    }
}
