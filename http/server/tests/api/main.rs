//! The servers over real sockets, with the typed client and with a plain HTTP client.

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "a test's servers live as long as its runtime")]

mod assets;
mod cluster;
mod commands;
mod config_server;
mod deployments;
mod engine;
mod engines;
mod events;
mod fake_access;
mod fake_cluster;
mod fake_deliveries;
mod fake_deployments;
mod fake_items;
mod fake_letters;
mod fake_samples;
mod fake_saves;
mod fake_versions;
mod fixture;
mod guard;
mod items;
mod letters;
mod live;
mod live_joined;
mod metrics;
mod openapi;
mod operations;
mod quota;
mod recorded;
mod rejections;
mod savepoints;
mod schedule_lab;
mod scheduler;
mod shutdown;
mod steering;
mod tls;
mod versions;
