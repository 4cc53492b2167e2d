//! Several nodes in one process, on paused time, over one store.

mod fail_over;
mod hand_over;
mod links;
mod proxies;
mod stage;
mod store_away;
mod world;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
