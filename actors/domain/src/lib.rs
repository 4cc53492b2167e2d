//! Values that every room shares: names, ids, time, findings, the plan graph, streams and items.
//!
//! Nothing here does I/O, waits, or reads a clock; nothing here knows Arrow, SQL or actors.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alarm;
mod audit;
mod bytes;
mod claim;
mod cluster;
mod code;
mod digest;
mod fault;
mod finding;
mod id;
mod item;
mod key;
mod letter;
mod misread;
mod name;
mod node;
mod pattern;
pub mod plan;
pub mod schedule;
mod sniff;
mod stream;
mod suggest;
mod time;
mod workflow;

pub use alarm::{
    Alarm, AlarmId, AlarmKey, AlarmKind, AlarmSeverity, AlarmSubject, Complaint, Confirmation,
    SubjectKind,
};
pub use audit::{AuditAction, AuditEntry, AuditHash, AuditHead, AuditOutcome};
pub use bytes::Bytes;
pub use claim::{Claims, Extent, Grants, Scope, UnknownClaim, UserClaim};
pub use cluster::{ClusterAddress, Incarnation, InvalidAddress, InvalidIncarnation, Member};
pub use code::Code;
pub use digest::{Digest, InvalidDigest};
pub use fault::{Fault, FaultKind, Obstacle};
pub use finding::{Finding, Place, Severity};
pub use id::{
    ClaimId, ClusterId, CommandId, InstanceId, InvalidId, NodeUid, ReservationId, SessionId,
    StreamId, SweepId, TokenId,
};
pub use item::{Fingerprint, Item, ItemStatus, Reprocess};
pub use key::{InvalidFingerprint, KeyFingerprint};
pub use letter::{
    InvalidLetterId, Letter, LetterChoice, LetterCounts, LetterGroup, LetterId, LetterState,
    Replay, ReplayStanding, ReplayState, Replays,
};
pub use misread::{Misread, serde_name};
pub use name::{
    AssetName, ClusterName, DeploymentTag, GroupName, InvalidName, NodeName, PortName, ProjectName,
    ResourceName, RoleName, SavepointName, SourceName, StageId, TableName, UserName, WorkflowName,
};
pub use node::{CERTIFICATE_EARLY, Node, NodeStatus};
pub use pattern::{InvalidPattern, NamePattern};
pub use sniff::{SniffFilter, SniffSide, SniffWish, SniffedRecord};
pub use stream::{Counts, LogLine, StageTime, Stream, StreamOrder, StreamState};
pub use suggest::did_you_mean;
pub use time::{Clock, Millis, Timestamp, parse_duration};
pub use workflow::{Workflow, WorkflowState};
