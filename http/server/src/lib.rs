//! axum: the engine's REST API, its management, the configuration server's, and the metrics endpoint.
//!
//! - A handler extracts, asks one of the traits in [`ports`], and maps the answer. It decides
//!   nothing and keeps nothing.
//! - Every refusal is an RFC 9457 problem with a stable code, made in `error.rs` alone.
//! - Every request has an id, a time limit and a bounded body; a panic is one answer, not the end.
//! - The OpenAPI documents are made from the routes, and checked in under `schemas/openapi`.
//!
//! Who may call is decided in one place (`guard`), by what each route says it needs where it is
//! declared; what changes something is recorded there, too. Servers listen on the loopback interface
//! by default.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alarms;
mod archives;
mod assets;
mod assignments;
mod audit;
mod body;
mod canary;
mod cluster;
mod clusters;
pub mod config_server;
mod connections;
mod deliveries;
mod deployments;
mod drafts;
pub mod engine;
mod engines;
mod error;
mod etag;

mod extract;
mod failures;
mod fleet;
mod forward;
mod guard;
mod health;
mod idempotency;
mod item_history;
mod items;
mod keys;
mod layers;
mod letters;
mod listen;
mod lists;
mod live;
mod log_in;
mod logs;
pub mod management;
pub mod metrics;
mod nodes;
mod on_behalf;
mod openapi;
mod operations;
mod origin;
mod overview;
mod paging;
mod peeks;
pub mod ports;
mod problems;
mod projects;
mod provider;
mod quota;
mod repeats;
mod replays;
mod resources;
mod roles;
mod samples;
mod savepoints;
mod scheduler;
mod sessions;
mod shelf;
mod sniff;
mod snippets;
mod steering;
mod storages;
mod stored;
mod streams;
mod sweeps;
mod throttle;
mod tls;
mod trust;
mod ui;
mod users;
mod verbs;
mod version;
mod versions;
mod voucher;
mod workflows;

pub use connections::open_more_files;
pub use deliveries::Deliveries;
pub use engines::Engines;
pub use fleet::Fleet;
pub use guard::{Guard, Here};
pub use layers::Limits;
pub use listen::{address, bind, refused, serve, serve_over};
pub use logs::{Logs, LogsAsked, with_logs};
pub use on_behalf::{AtCluster, OnBehalf};
pub use operations::{
    Begin as BeginOperation, Ended, InMemory, Most as MostOperations, OperationStore, Operations,
    Progress,
};
pub use ports::{
    Access, Basis, Begin, Checks, Cluster, ClusterNews, Deployments, Engine, Health, ItemFilter,
    ItemPlace, ItemStreams, LettersAsked, ProjectRefusal, Projects, Records, Refusal,
    RenewalRequest, StreamFilter, SweepRequest, Unreached,
};
pub use repeats::{AnswerStore, Claim, Claimed, KeptAnswer, KeptInMemory, Repeats, Scope, Taken};
pub use samples::Samples;
pub use storages::{People, Storages};
pub use stored::{applied, edit_view};
pub use tls::{Files as TlsFiles, Tls};
pub use versions::{BranchEnd, CommitAsked, HistoryAsked, HistoryFound, VersionRefusal, Versions};
pub use voucher::{Issuer, PackageKey, TrustedServer};
