//! Alarms.

use reqwest::Method;
use weir_http_api::{AlarmView, AlarmsConfirm, AlarmsConfirmed, AlarmsQuery, AlarmsView};

use crate::{Client, Error};

impl Client {
    /// One page of alarms.
    pub async fn alarms(&self, query: &AlarmsQuery) -> Result<AlarmsView, Error> {
        self.get_with(&["alarms"], query).await
    }

    pub async fn alarm(&self, id: &str) -> Result<AlarmView, Error> {
        self.get(&["alarms", id]).await
    }

    /// Says that somebody has seen alarms.
    pub async fn alarms_confirm(&self, command: &AlarmsConfirm) -> Result<AlarmsConfirmed, Error> {
        self.decoded(self.command(Method::POST, &["alarms:confirm"]).json(command)).await
    }
}
