//! Publishes messages as they come.

use async_nats::Client;
use weir_domain::Fault;

use super::client::wait;
use super::deliver::{Target, Wire};
use crate::messages::{self, Message};

pub(super) struct Line(Wire);

impl Line {
    pub(super) fn of(client: Client, target: &Target) -> Self {
        Self(Wire::of(client, target))
    }
}

impl messages::Line for Line {
    fn send(&mut self, message: Message) -> Result<(), Fault> {
        wait(self.0.publish(None, message))
    }

    fn settle(&mut self) -> Result<(), Fault> {
        wait(self.0.settle())
    }
}
