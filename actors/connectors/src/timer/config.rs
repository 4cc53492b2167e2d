//! When a timer ticks, as people configure it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Millis;

/// Makes a record `{ at, tick }` at fixed times: `every` so often, or as `cron` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "TimerSource")]
pub struct TimerConfig {
    /// How long it is from tick to tick. They fall on multiples of it since 1970 in UTC: with `15m` on
    /// the quarters of hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Millis>,
    /// Minute, hour, day of the month, month, day of the week, as `*/5 8-17 * * MON-FRI`. Instead of
    /// `every`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// Where the times of `cron` are meant, as `Europe/Berlin`. UTC if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What becomes of the ticks that were due while nothing ran.
    #[serde(default)]
    pub missed: Missed,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TimerMissed")]
pub enum Missed {
    /// They are left out.
    #[default]
    Skip,
    /// They are made as soon as it runs again.
    CatchUp,
}
