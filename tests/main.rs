//! The product as a whole, seen from outside: real processes, real files, the REST API and the
//! command line. Nothing here knows how Weir is made; `tidy` alone looks at the sources.
//!
//! - Every test owns its directories and ports, and ends its processes.
//! - A test waits for what it wants to see, with a deadline; it never sleeps and hopes.
//! - An error in the log that a test does not expect fails it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod access;
mod alarms;
mod api;
mod bad_data;
mod bounds;
mod chaos;
mod clusters;
mod crash;
mod damage;
mod delivery;
mod deployments;
mod deploys;
mod disk;
mod findings;
mod fleet;
mod http;
mod items;
mod kafka;
mod letters;
mod live;
mod logs;
mod nats;
mod objects;
mod on_error;
mod on_samples;
mod orders;
mod outputs;
mod peeks;
mod people;
mod regions;
mod sample;
mod samples;
mod savepoints;
mod scripts;
mod sent_again;
mod shelf;
mod shutdown;
mod snippets;
mod sql;
mod support;
mod tail;
mod testing;
mod tidy;
mod timer;
mod tls;
mod usage;
mod versions;
mod workspace;
