//! Writes records into an outbox, from which they are sent.

use arrow::datatypes::SchemaRef;
use reqwest::StatusCode;
use tokio::runtime::Handle;
use weir_domain::Fault;
use weir_stream::{Action, BuildContext, Sink, SinkWriter, StreamContext};

use super::super::{NAME, client};
use super::config::SinkConfig;
use super::deliver::{Sender, Target};
use crate::messages::{Envelope, Message, MessageWriter, Outlet, Posting};
use crate::outbox::{Outgoing, discarding};

pub(super) struct HttpSink {
    pub(super) config: SinkConfig,
    pub(super) cx: BuildContext,
}

impl Sink for HttpSink {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        let SinkConfig { headers, format, max_body, .. } = &self.config;
        let envelope = Envelope { key: None, address: None, headers: headers.clone() };
        let target = Target::of(&self.config);
        let (cx, context) = (self.cx.clone(), stream.clone());
        let send = move |outbox| Outgoing::<Sender>::sending(&cx, &context, outbox, target.clone());
        let outlet = Outlet::outbox(&self.cx, stream, send)?;
        let writer = MessageWriter::open(Posting { format, envelope, outlet }, &self.cx, &schema)?;
        let longest = max_body.as_usize();
        Ok(Box::new(writer.refusing(move |it| unfit(it, longest))))
    }

    fn target(&self) -> Option<String> {
        Some(self.config.connection.shown())
    }

    /// Whether the other side answers and lets us in. It is asked for the head alone, which changes
    /// nothing there; whatever else it says to that, records are sent in another way.
    fn check_access(&self, _: Option<&SchemaRef>) -> Result<(), Fault> {
        let connection = &self.config.connection;
        let client = connection.client(self.config.timeout.duration())?;
        let request = connection.authorised(client.head(connection.url()?))?;
        Handle::current().block_on(async {
            let answer = request.send().await.map_err(|it| connection.away(&it))?;
            match answer.status() {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    Err(connection.refusal(answer).await)
                }
                _ => Ok(()),
            }
        })
    }

    fn discard(&self, stream: &StreamContext) -> Vec<Action> {
        discarding(NAME, stream, &self.cx.stage)
    }
}

/// Why a message can't be sent, if so. Whoever sends can't leave it out any more.
fn unfit(message: &Message, longest: usize) -> Option<String> {
    for (name, value) in &message.headers {
        let text = str::from_utf8(value).ok();
        let sent = text.map(|it| client::header(name, it));
        if !matches!(sent, Some(Ok(_))) {
            return Some(format!("the value of header {name} can't be sent"));
        }
    }
    // An array has brackets around it.
    let length = message.body.len() + 2;
    (length > longest).then(|| format!("a record of {length} bytes is longer than maxBody"))
}
