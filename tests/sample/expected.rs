//! What the sample must make of its inputs, worked out from the inputs alone.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::AsArray as _;
use arrow::datatypes::{Float64Type, Int64Type};
use serde_json::{Value, json};

use crate::support::files;

/// A flight, as far as it tells one from another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flight {
    /// `2001/01/31 07:45`
    date: String,
    delay: i64,
    km: f64,
    origin: String,
    destination: String,
    class: &'static str,
}

/// The good rows of a file, in order.
pub(super) fn flights(path: &Path) -> Vec<Flight> {
    let text = String::from_utf8(files::bytes(path)).unwrap();
    text.lines().skip(1).filter_map(flight).collect()
}

fn flight(line: &str) -> Option<Flight> {
    let [date, delay, distance, origin, destination] =
        line.split(',').collect::<Vec<_>>().try_into().ok()?;
    let (day, time) = date.split_once(' ')?;
    let is_date = day.split('/').map(str::len).eq([4, 2, 2]) && time.get(..2)? < "24";
    let delay = delay.parse().ok()?;
    let km = (distance.parse::<f64>().ok()? * 16.09344).round() / 10.0;
    is_date.then(|| Flight {
        date: date.to_owned(),
        delay,
        km,
        origin: origin.to_owned(),
        destination: destination.to_owned(),
        class: class(delay),
    })
}

fn class(delay: i64) -> &'static str {
    match delay {
        180.. => "severe",
        60.. => "long",
        15.. => "late",
        0.. => "on time",
        _ => "early",
    }
}

pub(super) fn severe(flights: &[Flight]) -> Vec<Value> {
    flights.iter().filter(|it| it.class == "severe").map(record).collect()
}

pub(super) fn long(flights: &[Flight]) -> Vec<Value> {
    let is_long = |it: &&Flight| {
        it.class != "severe" && (it.delay >= 60 || (it.delay >= 30 && it.km < 500.0))
    };
    flights.iter().filter(is_long).map(record).collect()
}

fn record(it: &Flight) -> Value {
    let (day, time) = it.date.split_once(' ').unwrap();
    let day = day.replace('/', "-");
    json!({
        "delay": it.delay,
        "origin": it.origin,
        "destination": it.destination,
        "departure": format!("{day}T{time}:00"),
        "day": day,
        "hour": time[..2].parse::<u32>().unwrap(),
        "weekday": weekday(&day),
        "route": format!("{}-{}", it.origin, it.destination),
        "distanceKm": it.km,
        "delayClass": it.class,
    })
}

/// All data is of 2001, which began on a Monday.
fn weekday(day: &str) -> &'static str {
    let number = |at: std::ops::Range<usize>| day[at].parse::<usize>().unwrap();
    let before = [0, 31, 59, 90][number(5..7) - 1];
    let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    names[(before + number(8..10) - 1) % 7]
}

/// The flights of an archive file, in order.
pub(super) fn read_archive(path: &Path) -> Vec<Flight> {
    let mut flights = Vec::new();
    for batch in files::parquet(path) {
        let options = arrow::util::display::FormatOptions::default()
            .with_timestamp_format(Some("%Y/%m/%d %H:%M"));
        let text = |name: &str| {
            arrow::util::display::ArrayFormatter::try_new(&batch[name], &options).unwrap()
        };
        let (dates, origins, destinations) =
            (text("departure"), text("origin"), text("destination"));
        let classes = text("delayClass");
        let delays = batch["delay"].as_primitive::<Int64Type>();
        let km = batch["distanceKm"].as_primitive::<Float64Type>();
        for at in 0..batch.num_rows() {
            let delay = delays.value(at);
            assert_eq!(classes.value(at).to_string(), class(delay));
            flights.push(Flight {
                date: dates.value(at).to_string(),
                delay,
                km: km.value(at),
                origin: origins.value(at).to_string(),
                destination: destinations.value(at).to_string(),
                class: class(delay),
            });
        }
    }
    flights
}

/// The airports by the file that they belong into.
pub(super) fn airports(path: &Path) -> BTreeMap<String, Vec<Value>> {
    let text = String::from_utf8(files::bytes(path)).unwrap();
    let mut by_file: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells = cells(line);
        let [code, name, city, state, country, latitude, longitude] = cells.try_into().unwrap();
        let file = match (country.as_str(), state.as_str()) {
            ("USA", "NA") => "elsewhere/airports.jsonl".to_owned(),
            ("USA", state) => format!("{state}.jsonl"),
            _ => "elsewhere/airports.jsonl".to_owned(),
        };
        let mut airport = json!({ "name": name });
        let fields = airport.as_object_mut().unwrap();
        for (key, value) in [("city", city), ("state", state)] {
            if value != "NA" {
                fields.insert(key.into(), value.into());
            }
        }
        fields.insert("country".into(), country.into());
        fields.insert("code".into(), code.into());
        let number = |text: &str| text.parse::<f64>().unwrap();
        let position = json!({ "latitude": number(&latitude), "longitude": number(&longitude) });
        fields.insert("position".into(), position);
        by_file.entry(file).or_default().push(airport);
    }
    by_file
}

/// The cells of a line of CSV.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut rest = line.chars().peekable();
    while let Some(it) = rest.next() {
        match it {
            '"' if is_quoted && rest.peek() == Some(&'"') => {
                cells.last_mut().unwrap().extend(rest.next())
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            other => cells.last_mut().unwrap().push(other),
        }
    }
    cells
}
