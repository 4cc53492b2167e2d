//! The table at the end, and how single measurements become a line of it.

use std::time::Duration;

#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<[String; 5]>,
}

/// What a figure must not exceed, or not fall below.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// For comparison only.
    None,
}

impl Target {
    fn judged(self, value: f64, unit: &str) -> String {
        let verdict = |is_met| if is_met { "met" } else { "missed" };
        match self {
            Self::AtLeast(it) => format!("≥ {it}{unit}: {}", verdict(value >= it)),
            Self::AtMost(it) => format!("≤ {it}{unit}: {}", verdict(value <= it)),
            Self::None => String::new(),
        }
    }
}

impl Report {
    /// A ratio of two figures that were measured side by side.
    pub(crate) fn ratio(&mut self, what: &str, bare: &str, weir: &str, ratio: f64, it: Target) {
        self.add([what, bare, weir, &format!("{ratio:.2}"), &it.judged(ratio, "")]);
    }

    /// A figure that stands for itself.
    pub(crate) fn value(&mut self, what: &str, value: f64, unit: &str, it: Target) {
        let unit = format!(" {unit}");
        let shown = if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        self.add([what, "", &format!("{shown}{unit}"), "", &it.judged(value, &unit)]);
    }

    fn add(&mut self, row: [&str; 5]) {
        println!("{}", line(&row));
        self.rows.push(row.map(str::to_owned));
    }

    pub(crate) fn print(&self) {
        println!("\n{}\n", machine());
        println!("{}", line(&["measure", "bare", "weir", "ratio", "target"]));
        println!("|---|---|---|---|---|");
        self.rows.iter().for_each(|it| println!("{}", line(it)));
    }
}

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |", cells.join(" | "))
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|it| it.strip_prefix("model name"));
    let model = model.map_or("unknown CPU", |it| it.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{cores} cores of {model}; medians of interleaved runs")
}

/// Values that were measured one after the other.
#[derive(Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn add_all(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// `NaN` if nothing was measured.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index of few samples"
        )]
        let at = (last as f64 * quantile).round() as usize;
        sorted.get(at).copied().unwrap_or(f64::NAN)
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(crate) fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

pub(crate) fn millis(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

/// A rate, for people.
pub(crate) fn rate(per_second: f64) -> String {
    match per_second {
        it if it >= 1e6 => format!("{:.2} M/s", it / 1e6),
        it if it >= 1e3 => format!("{:.1} k/s", it / 1e3),
        it => format!("{it:.0} /s"),
    }
}
