//! The times at which a timer ticks.

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions, parse_crontab_with};
use weir_domain::{Finding, Timestamp};

use super::codes::BAD_VALUE;
use super::config::TimerConfig;
use crate::finding;

#[derive(Debug)]
pub(super) enum Times {
    EveryMs(i64),
    Cron(Box<Crontab>),
}

impl Times {
    pub(super) fn new(config: &TimerConfig) -> Result<Self, Finding> {
        let wrong = |path: &str, cause: String, fix: &str| {
            Err(finding(BAD_VALUE, path, cause).with_fix(fix))
        };
        match (&config.every, &config.cron) {
            (Some(_), None) if config.time_zone.is_some() => {
                wrong("timeZone", "it is for `cron` only".into(), "leave it out")
            }
            (Some(every), None) => match i64::try_from(every.0) {
                Ok(every) if every > 0 => Ok(Self::EveryMs(every)),
                _ => wrong("every", "that is no time between ticks".into(), "write 10s or 15m"),
            },
            (None, Some(cron)) => match crontab(cron, config.time_zone.as_deref()) {
                Ok(it) => Ok(Self::Cron(Box::new(it))),
                Err(cause) => {
                    let fix = "write five fields, as 0 8 * * MON-FRI, and a time zone of the IANA";
                    wrong("cron", cause, fix)
                }
            },
            (None, None) => {
                wrong("every", "it never ticks".into(), "write `every: 10s`, or `cron`")
            }
            (Some(_), Some(_)) => {
                wrong("cron", "`every` says when it ticks already".into(), "leave one of them out")
            }
        }
    }

    /// The first one after that time. `None`: there is none any more.
    pub(super) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::EveryMs(every) => {
                let next = time.0.div_euclid(*every).checked_add(1)?.checked_mul(*every)?;
                Some(Timestamp(next))
            }
            Self::Cron(crontab) => {
                let time = MakeTimestamp::from_millisecond(time.0).ok()?;
                let next = crontab.find_next(time).ok()?;
                Some(Timestamp(next.timestamp().as_millisecond()))
            }
        }
    }
}

fn crontab(cron: &str, time_zone: Option<&str>) -> Result<Crontab, String> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    let text = format!("{cron} {}", time_zone.unwrap_or_default());
    // Its errors draw the place below the text, in lines of their own.
    let one_line =
        |it: cronexpr::Error| it.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    let crontab = parse_crontab_with(text.trim(), options).map_err(one_line)?;
    let epoch = MakeTimestamp::from_millisecond(0).map_err(one_line)?;
    crontab.find_next(epoch).map_err(|_| "there is no such time".to_owned())?;
    Ok(crontab)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn times(config: serde_json::Value) -> Result<Times, Finding> {
        Times::new(&serde_json::from_value(config).unwrap())
    }

    fn ms(time: &str) -> i64 {
        time.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn intervals_fall_on_their_multiples() {
        let times = times(json!({ "every": "15m" })).unwrap();
        let next = |time| times.after(Timestamp(ms(time))).unwrap().to_string();
        assert_eq!(next("2026-11-21T11:07:00Z"), "2026-11-21T11:15:00.000Z");
        assert_eq!(next("2026-11-21T11:15:00Z"), "2026-11-21T11:30:00.000Z");
        assert_eq!(next("1969-12-31T23:50:00Z"), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn cron_is_meant_in_its_time_zone_over_changes_of_the_clocks() {
        let config = json!({ "cron": "30 8 * * MON-FRI", "timeZone": "Europe/Berlin" });
        let times = times(config).unwrap();
        let next = |time| times.after(Timestamp(ms(time))).unwrap().to_string();
        assert_eq!(next("2026-03-27T07:30:00Z"), "2026-03-30T06:30:00.000Z");
        assert_eq!(next("2026-10-23T06:30:00Z"), "2026-10-26T07:30:00.000Z");
    }

    #[test]
    fn what_never_ticks_is_refused_with_its_path() {
        let path = |config| times(config).unwrap_err().path;
        assert_eq!(path(json!({})), "every");
        assert_eq!(path(json!({ "every": "0s" })), "every");
        assert_eq!(path(json!({ "every": "1s", "cron": "* * * * *" })), "cron");
        assert_eq!(path(json!({ "every": "1s", "timeZone": "UTC" })), "timeZone");
        assert_eq!(path(json!({ "cron": "* * * *" })), "cron");
        assert_eq!(path(json!({ "cron": "0 0 30 2 *" })), "cron");
        assert_eq!(path(json!({ "cron": "0 0 * * *", "timeZone": "Europe/Nowhere" })), "cron");
    }
}
