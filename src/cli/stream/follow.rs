//! Waiting until a stream is closed, with its progress on the terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::sleep;
use weir_domain::{Millis, StreamId};
use weir_http_api::{StreamDetail, StreamSummary};
use weir_http_client::Client;

use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::look::Status;

const EVERY: Duration = Duration::from_millis(500);
/// About three hundred years: as good as no limit, and it can be added to any moment.
const NO_LIMIT: Duration = Duration::from_secs(1 << 33);

/// The stream when it is closed. Progress goes to stderr, and only where that is a terminal.
pub(crate) async fn until_closed(
    client: &Client,
    id: StreamId,
    timeout: Option<Millis>,
) -> Result<StreamDetail, Failure> {
    let limit = timeout.map_or(NO_LIMIT, Millis::duration);
    let deadline = sleep(limit);
    tokio::pin!(deadline);
    let spinner = ProgressBar::new_spinner().with_style(style());
    spinner.enable_steady_tick(Duration::from_millis(120));
    loop {
        let stream = super::ask(client, id).await?;
        if stream.summary.state.is_closed() {
            spinner.finish_and_clear();
            return Ok(stream);
        }
        spinner.set_message(progress(&stream.summary));
        tokio::select! {
            () = &mut deadline => {
                spinner.finish_and_clear();
                return Err(timed_out(&stream.summary, timeout));
            }
            () = sleep(EVERY) => {}
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("a valid template")
}

fn progress(it: &StreamSummary) -> String {
    let state = Status::from(it.state).text();
    let item = human::plain(&it.item);
    let (records, bytes) = (human::count(it.counts.records_in), human::bytes(it.counts.bytes_in));
    let dead = match it.counts.dead_letters {
        0 => String::new(),
        n => {
            format!(", {}", human::plural(usize::try_from(n).unwrap_or(usize::MAX), "dead letter"))
        }
    };
    format!("{item}: {state}, {records} records, {bytes}{dead}")
}

fn timed_out(it: &StreamSummary, timeout: Option<Millis>) -> Failure {
    let limit = timeout.map_or("the limit".into(), |it| it.to_string());
    let why = format!("after {limit} it is still {}", Status::from(it.state).text());
    Failure::new(Reason::StreamOpen, format!("stream {} is not closed", it.id), why)
        .with_hint(format!("weir stream show {} --log", it.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;
    use crate::cli::samples::{self, LOOK};

    #[test]
    fn progress_is_one_line() {
        assert_eq!(
            progress(&samples::stream_detail().summary),
            "in/2001-01.csv: ↻ retrying, 231.0k records, 15.0 MiB, 13 dead letters"
        );
    }

    #[test]
    fn who_waited_in_vain_learns_where_to_look() {
        let failure = timed_out(&samples::stream_detail().summary, Some(Millis::seconds(90)));
        assert_eq!(failure.exit, Exit::TimedOut);
        assert_eq!(
            failure.text(&LOOK),
            "\
error: stream 0197a8b0-5b5e-7c3e-9d4f-0123456789ab is not closed
why:   after 90s it is still ↻ retrying
hint:  weir stream show 0197a8b0-5b5e-7c3e-9d4f-0123456789ab --log
code:  WEIR-07301
"
        );
    }
}
