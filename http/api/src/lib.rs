//! Requests, responses and problems of the REST API under `/api/v1`: what the server writes and
//! the client reads, in one place.
//!
//! - JSON in camelCase, points in time as RFC 3339 in UTC, counts and bytes as integers.
//! - What comes in refuses unknown fields; what goes out may gain fields, and readers ignore
//!   those that they do not know.
//! - Lists are pages with opaque cursors; every refusal is a [`Problem`].
//!
//! These are views: they are made from domain values and decide nothing.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod alarm;
mod asset;
mod assignment;
mod audit;
mod branch;
mod cluster;
mod concealed;
mod counts;
mod delivery;
mod deployment;
mod diff;
mod finding;
mod fleet;
mod inferred;
mod item;
mod item_history;
mod key;
mod letter;
mod list;
mod live;
mod log;
mod node;
mod operation;
mod page;
mod peek;
mod problem;
mod project;
mod remote;
mod resource;
mod savepoint;
mod scheduler;
pub mod schema;
mod shelf;
mod sniff;
mod snippet;
mod stored;
mod stream;
mod stream_order;
mod test_run;
mod user;
mod version;
mod versions;
mod workflow;

pub use alarm::{
    AlarmCountsView, AlarmState, AlarmSubjectView, AlarmView, AlarmsConfirm, AlarmsConfirmed,
    AlarmsQuery, AlarmsView, AlarmsWanted, BySeverityView, ConfirmationView, UnjudgedView,
};
pub use asset::{
    AssetConflict, AssetEffective, AssetField, AssetOrigin, AssetRename, AssetRenamed,
    AssetSummary, AssetTheirs, AssetUsage, AssetView, AssetWrite, ProjectCreate, ProjectImport,
    ProjectOpen, ProjectRemove, ProjectRename, ZIP,
};
pub use assignment::{
    ActivationFailureView, ActivationState, ActivationView, AssignmentsView, CanaryStart,
    CanaryStatus, CanaryView, DecidingRule, NodeAssignment, RoleAssignment, RoleAssignments,
    WhyView,
};
pub use audit::{AuditEntryView, AuditHeadView, AuditQuery, AuditSeal};
pub use branch::{
    BranchCreate, BranchDelete, BranchRename, BranchView, MergeConflict, MergeDecision,
    MergeDecisions, MergeOutcome, MergeRequest, MergeTake, MergeView,
};
pub use cluster::{
    CertificateView, ClusterChange, ClusterEvent, ClusterState, ExplainQuery, ExplanationView,
    LeaseMove, LeaseState, LeaseView, LinkState, LinkView, MemberRef, MemberView, MembersView,
    ReasonView,
};
pub use concealed::Concealed;
pub use counts::{CountsView, StageTimeView};
pub use delivery::{
    BuildRequest, BuildSecret, BuildView, DeployNodePlan, DeployObstacle, DeployRequest,
    DeployedView, SealTo, TestsRequest,
};
pub use deployment::{
    DeploymentPreview, DeploymentRequest, DeploymentView, Withdrawal, WithdrawalView,
};
pub use diff::{
    DiffQuery, DiffView, EditKind, EditView, ItemChange, ItemChangeKind, LineView, MovedView,
};
pub use finding::{FaultView, FindingView};
pub use fleet::{
    FleetAdd, FleetClusterView, FleetEntryView, FleetSet, FleetStandingView, IssuerView,
};
pub use inferred::{InferRequest, InferredFieldView, InferredView};
pub use item::{
    ItemView, ItemsClear, ItemsQuery, ItemsReset, SourceCountView, SourceView, SourcesQuery,
    SweepAction, SweepView,
};
pub use item_history::{ItemForgotten, ItemHappening, ItemHistoryQuery, ItemRun};
pub use key::{
    CertificateAdd, KeyCreate, KeyExport, KeyExported, KeyImport, KeyRotate, KeyView, KnownHostAdd,
    KnownHostView, SecretSeal, SecretSealed, TrustedCertificateView,
};
pub use letter::{
    LetterCountsView, LetterGroupView, LetterView, LettersChosen, LettersQuery, OpenReplayView,
    ReplayCancel, ReplayView, ReplaysView,
};
pub use list::ListQuery;
pub use live::{LiveChange, LiveEvent, LiveQuery, LiveTopic};
pub use log::{
    BEARER_PROTOCOL, LOG_PROTOCOL, LogEntry, LogField, LogFilter, LogLevel, LogOrder, LogPage,
    LogTail, LogTailEnd, LogTailQuery, LogUnreached, LogsQuery,
};
pub use node::NodeView;
pub use operation::{
    OperationState, OperationStep, OperationView, OperationsFollow, OperationsQuery, StepState,
};
pub use page::{Cursor, LIMIT_DEFAULT, LIMIT_MAX, Page, Row};
pub use peek::{PeekRequest, PeekView};
pub use problem::{Problem, ProblemKind, ProblemPart};
pub use project::{ProjectDraft, ProjectDrafts, ProjectSummary, Validation};
pub use remote::{
    AddressedCredentials, Cloned, Fetched, FetchedBranch, ProjectClone, Pulled, Pushed, RemoteAdd,
    RemoteCredentials, RemotePull, RemotePush, RemoteView,
};
pub use resource::{
    ReservationView, Reservations, ResourceGroupView, ResourceReserve, ResourceView,
    ResourceWaiterView, ResourcesDeclare, ResourcesRevoke, ResourcesRevoked,
};
pub use savepoint::{
    CheckpointStageView, CheckpointTableView, CheckpointView, RenewalFrom, RenewalLaneView,
    RenewalView, SavepointLaneView, SavepointState, SavepointTake, SavepointView, WorkflowReset,
    WorkflowRestore,
};
pub use scheduler::{
    DrainMove, DrainView, PlannedMove, PlannedStart, PlannedStop, PlannedWorkflow, Rebalance,
    RebalancePlan, ScheduleApply, ScheduleCandidate, ScheduleChange, SchedulePlan, SchedulePreview,
    ScheduleSettings, ScheduleStanding, ScheduleView, ScheduledInstance, ScheduledNode,
    ScheduledWorkflow, ScheduledWorkflowDetail, ShortfallReason, TargetChange, UnknownTarget,
};
pub use shelf::{AssetCopy, AssetTake, AssetTaken};
pub use sniff::{SniffRequest, SniffResult, SniffUnreached, SniffedView};
pub use snippet::{SnippetCut, SnippetInsert, SnippetInserted, SnippetStage};
pub use stored::{
    Activate, ChangeView, DeploymentsView, DryRun, NodeChangeView, ObjectCountView, ObjectsView,
    PACKAGE, PARTIAL_PACKAGE, RecentChangeView, StoredView, TagRef, UploadQuery, UploadView,
    WorkflowDigestView,
};
pub use stream::{LogLineView, StreamDetail, StreamLog, StreamSummary, StreamsQuery};
pub use stream_order::{StreamNotTold, StreamSelection, StreamsTold};
pub use test_run::{
    TestRunEnding, TestRunFailure, TestRunOutput, TestRunPort, TestRunRecord, TestRunRequest,
    TestRunSample, TestRunStage, TestRunView,
};
pub use user::{
    LogIn, LoggedIn, Me, PasswordChange, PasswordSet, ProfileView, ProviderBegun, ProviderFinish,
    RoleChange, RoleCreate, RoleView, SessionView, SetUp, TokenCreate, TokenCreated, TokenView,
    UserChange, UserCreate, UserOrigin, UserView, Via, WaysToLogIn,
};
pub use version::{ClusterIdentity, LimitsView, VersionView};
pub use versions::{
    AssetDiffView, ChangedFileView, CommitRequest, Committed, DiscardRequest, FileChangeKind,
    FileDiffView, HunkLine, HunkLineKind, HunkView, ProjectVersion, ProjectVersionDetail,
    VersionAuthor, VersionDiff, VersionDiffQuery, VersionFileQuery, VersionFileText,
    VersionFileView, VersionStatus, VersionsQuery,
};
pub use workflow::{EdgeView, StageView, WorkflowDetail, WorkflowSummary, WorkflowsQuery};
