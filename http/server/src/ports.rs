//! What the servers ask of the rest of Weir. The composition root implements these traits.
//!
//! A [`Fault`] says why a question has no answer: `Transient` and `Stopped` become 503, the
//! others 500, and its code, message and hint reach the client.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use weir_controllers::users::Identity;
use weir_domain::{
    AuditAction, CommandId, Digest, Fault, Finding, Incarnation, ItemStatus, Letter, LetterChoice,
    LetterCounts, LetterId, LogLine, NamePattern, Node, NodeName, ProjectName, ReplayStanding,
    Replays, SavepointName, SniffWish, SourceName, Stream, StreamId, StreamOrder, StreamState,
    SweepId, Timestamp, UserClaim, Workflow, WorkflowName,
};
use weir_http_api::{
    AssetConflict, AssetCopy, AssetEffective, AssetRenamed, AssetSummary, AssetTake, AssetTaken,
    AssetUsage, AssetView, ClusterEvent, DeploymentPreview, DeploymentRequest, DeploymentView,
    ExplanationView, ItemView, LeaseView, LinkView, MembersView, ProjectCreate, ProjectSummary,
    RenewalView, SavepointView, SniffResult, SnippetCut, SnippetInsert, SnippetInserted,
    SourceView, SweepAction, SweepView, WorkflowDetail,
};
use weir_runtime::Tasks;

/// What must be fine for a server to be ready: each check by its name, with what is wrong.
pub type Checks = Vec<(&'static str, Result<(), String>)>;

/// Which streams to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFilter {
    pub workflow: Option<WorkflowName>,
    pub state: Option<StreamState>,
    /// Go on after this stream.
    pub before: Option<StreamId>,
    /// Most streams to return.
    pub limit: u32,
}

/// Which streams of one item to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemStreams {
    pub workflow: WorkflowName,
    pub item: String,
    /// Go on after this stream.
    pub before: Option<StreamId>,
    /// Most streams to return.
    pub limit: u32,
}

/// A stream whose engine gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    pub id: StreamId,
    pub why: String,
}

/// Which items to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemFilter {
    pub source: Option<SourceName>,
    pub status: Option<ItemStatus>,
    pub names: Option<Vec<String>>,
    pub pattern: Option<NamePattern>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Where a list of items goes on: its source, when it was claimed, its name.
pub type ItemPlace = (SourceName, Timestamp, String);

/// A pass over the items of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepRequest {
    /// `None`: a new one.
    pub id: Option<SweepId>,
    pub action: SweepAction,
    pub dry_run: bool,
    pub source: SourceName,
    pub filter: ItemFilter,
    pub by: String,
}

/// Where the next run of a workflow is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Where it stands.
    Newest,
    /// As if it had never run.
    Nothing,
    Savepoint(SavepointName),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalRequest {
    pub workflow: WorkflowName,
    pub begin: Begin,
    /// State that no stage takes any more is given up.
    pub drops_leftovers: bool,
    pub dry_run: bool,
    /// `None`: a new one.
    pub id: Option<CommandId>,
    pub by: String,
}

/// What is to become of dead letters of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LettersAsked {
    pub workflow: WorkflowName,
    pub choice: LetterChoice,
    pub dry_run: bool,
    /// `None`: a new one.
    pub command: Option<CommandId>,
    pub by: String,
}

/// What of the records of dead letters is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// No values of secrets.
    Masked,
    /// As they are kept.
    Whole,
}

/// An engine as its REST API sees it.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// The members of the cluster, by name.
    async fn nodes(&self) -> Result<Vec<Node>, Fault>;
    /// The workflows that this engine runs, by name.
    async fn workflows(&self) -> Result<Vec<Workflow>, Fault>;
    async fn workflow(&self, name: &WorkflowName) -> Result<Option<Workflow>, Fault>;
    /// Workflows as all engines run them, with the sum of what these counted: all, by name and without
    /// their stages, or only that one.
    async fn workflows_everywhere(
        &self,
        only: Option<&WorkflowName>,
    ) -> Result<Vec<WorkflowDetail>, Fault>;
    async fn streams(&self, filter: StreamFilter) -> Result<Vec<Stream>, Fault>;
    async fn item_streams(&self, of: ItemStreams) -> Result<Vec<Stream>, Fault>;
    async fn stream(&self, id: StreamId) -> Result<Option<Stream>, Fault>;
    /// The log of a stream, oldest line first; `None` where the stream is not known.
    async fn stream_log(&self, id: StreamId) -> Result<Option<Vec<LogLine>>, Fault>;
    /// Tells open streams what to do, wherever they run: those that were told, and those whose engine
    /// could not be. Others are not open any more.
    async fn streams_order(
        &self,
        order: StreamOrder,
        streams: Vec<Stream>,
    ) -> Result<(Vec<StreamId>, Vec<Unreached>), Fault>;
    /// Whether anything is stored of what a workflow read and remembers.
    async fn has_checkpoints(&self, workflow: &WorkflowName) -> Result<bool, Fault>;
    /// By name.
    async fn savepoints(&self, workflow: &WorkflowName) -> Result<Vec<SavepointView>, Fault>;
    /// With all that it holds.
    async fn savepoint(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
    ) -> Result<Option<SavepointView>, Fault>;
    /// Has it taken, and waits a while for that. With an id of its own it is the same savepoint when
    /// it is asked for again.
    async fn savepoint_take(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
        id: Option<CommandId>,
        by: String,
    ) -> Result<SavepointView, Refusal>;
    async fn savepoint_delete(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
    ) -> Result<(), Refusal>;
    /// Orders where the next run of a workflow begins. Durable when this returns.
    async fn workflow_renew(&self, request: RenewalRequest) -> Result<RenewalView, Refusal>;
    /// Dead letters that are kept, the newest first, from before one on; and before which the next page
    /// begins.
    async fn letters(
        &self,
        workflow: &WorkflowName,
        choice: LetterChoice,
        before: Option<LetterId>,
        limit: u32,
        records: Records,
    ) -> Result<(Vec<Letter>, Option<LetterId>), Fault>;
    /// How many dead letters are kept, by stage and reason.
    async fn letter_counts(&self, workflow: &WorkflowName) -> Result<LetterCounts, Fault>;
    /// Has letters replayed. Durable when this returns.
    async fn letters_replay(&self, asked: LettersAsked) -> Result<Replays, Fault>;
    /// Has nothing become of letters. Durable when this returns.
    async fn letters_discard(&self, asked: LettersAsked) -> Result<Replays, Fault>;
    /// Replays that have not ended, the oldest first.
    async fn replays(&self, workflow: &WorkflowName) -> Result<Vec<ReplayStanding>, Fault>;
    /// Ends a replay that has not ended: its letters wait again, now or soon.
    async fn replay_cancel(
        &self,
        workflow: &WorkflowName,
        item: &str,
        by: String,
    ) -> Result<(), Refusal>;
    /// Looks at live records on all engines.
    async fn sniff(&self, wish: SniffWish) -> Result<SniffResult, Fault>;
    /// One page of items, and where the next one begins.
    async fn items(
        &self,
        filter: ItemFilter,
        after: Option<ItemPlace>,
        limit: u32,
    ) -> Result<(Vec<ItemView>, Option<ItemPlace>), Fault>;
    /// Sources by name, with how many items they have in each state.
    async fn sources(
        &self,
        after: Option<SourceName>,
        limit: u32,
    ) -> Result<Vec<SourceView>, Fault>;
    /// Begins a sweep, or says how far the one of that id came.
    async fn sweep_begin(&self, request: SweepRequest) -> Result<SweepView, Refusal>;
    async fn sweep(&self, id: SweepId) -> Result<Option<SweepView>, Fault>;
    async fn readiness(&self) -> Checks;
    /// What somebody should look at, and what keeps it from no work.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The cluster as one of its nodes sees it. A node alone is a cluster, too.
#[async_trait]
pub trait Cluster: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
    async fn members(&self) -> Result<MembersView, Fault>;
    /// By name.
    async fn leases(&self) -> Result<Vec<LeaseView>, Fault>;
    /// By address.
    async fn links(&self) -> Result<Vec<LinkView>, Fault>;
    /// Why a node stands where it does, this one where none is named; `None` where it is neither a
    /// member nor one that tries to be.
    async fn explain(&self, node: Option<&NodeName>) -> Result<Option<ExplanationView>, Fault>;
    /// What happens from now on. Ends with the cluster.
    fn events(&self) -> BoxStream<'static, ClusterNews>;
    /// Lets a member leave in good order. Returns when that is written down, not when it is done.
    async fn member_leave(&self, node: &Incarnation) -> Result<(), Refusal>;
    /// Takes a member for lost, whatever it does: it must stop.
    async fn member_down(&self, node: &Incarnation) -> Result<(), Refusal>;
    /// Wants a lease on a node, `None`: wherever the cluster puts it. Returns when that is written
    /// down, not when it is done.
    async fn lease_move(&self, lease: &str, node: Option<&NodeName>) -> Result<(), Refusal>;
    async fn readiness(&self) -> Checks;
    /// What somebody should look at, and what keeps it from no work.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What the cluster runs.
#[async_trait]
pub trait Deployments: Send + Sync + 'static {
    /// By project.
    async fn list(&self) -> Result<Vec<DeploymentView>, Fault>;
    /// Returns when it is written down, not when all engines run it. A command that its sender
    /// named is carried out once, however often it is sent.
    async fn deploy(
        &self,
        project: ProjectName,
        request: DeploymentRequest,
        named: Option<CommandId>,
    ) -> Result<DeploymentView, Refusal>;
    /// What deploying that would do. Refused as that would be.
    async fn preview(
        &self,
        project: ProjectName,
        request: DeploymentRequest,
    ) -> Result<DeploymentPreview, Refusal>;
    async fn withdraw(&self, project: ProjectName) -> Result<(), Refusal>;
}

/// What a configuration server keeps its users, its audit and its clusters in.
#[async_trait]
pub trait Health: Send + Sync + 'static {
    async fn checks(&self) -> Checks;
    /// What somebody should look at, and what keeps it from no work.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Who users are, and where it is written down what they do.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    /// Who shows that; `None`: nobody that is known.
    async fn identify(&self, shown: &str) -> Result<Option<Identity>, Refusal>;
    /// Whether a user here has what is shown, though nobody is let in by it now.
    async fn has_given(&self, _shown: &str) -> Result<bool, Refusal> {
        Ok(false)
    }
    /// Durable when this returns.
    async fn record(&self, action: AuditAction) -> Result<(), Fault>;
    fn now(&self) -> Timestamp;
    /// A new id for a request that has none of its own.
    fn request(&self) -> CommandId;
    /// Where commands are carried out, whether or not their senders wait.
    fn tasks(&self) -> &Tasks;
}

/// What a follower of the cluster's events gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterNews {
    Event(Box<ClusterEvent>),
    /// The follower was too slow, and events are lost: it must look at the whole.
    Missed,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It contradicts what is.
    Conflict {
        detail: String,
        hint: Option<String>,
    },
    Fault(Fault),
    /// What would carry it out is not there now, and says when to ask again.
    Later {
        fault: Fault,
        after: Duration,
    },
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a change of an asset is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// There is nothing yet.
    New,
    /// The text of this digest.
    Text(Digest),
}

/// Why something is not done with a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectRefusal {
    NotFound {
        what: &'static str,
        name: String,
        known: Vec<String>,
    },
    /// A part of the request can't be used.
    Invalid {
        pointer: String,
        reason: String,
    },
    /// What was sent is no asset.
    NoAsset {
        detail: String,
        findings: Vec<Finding>,
    },
    TooLarge {
        detail: String,
    },
    Conflict {
        detail: String,
        hint: String,
    },
    /// Too much of that is done already.
    Busy {
        detail: String,
    },
    /// It is not what the caller has read.
    Stale {
        detail: String,
        conflict: Box<AssetConflict>,
    },
    /// Who asks may not do this.
    Forbidden {
        claim: UserClaim,
    },
    /// What the system said that a source reads from.
    Source(Fault),
    Fault(Fault),
}

impl From<Fault> for ProjectRefusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The projects of a configuration server. What changes something is durable when it returns.
#[async_trait]
pub trait Projects: Send + Sync + 'static {
    /// By name.
    async fn projects(&self) -> Result<Vec<ProjectSummary>, Fault>;
    /// Reads the project's files now; `None` where the project is not known.
    async fn validate(&self, name: &ProjectName) -> Result<Option<Vec<Finding>>, Fault>;
    /// What would be found with these texts, by path, in the place of files.
    async fn judge(
        &self,
        project: ProjectName,
        drafts: BTreeMap<String, String>,
    ) -> Result<Vec<Finding>, ProjectRefusal>;
    async fn project(&self, name: ProjectName) -> Result<ProjectSummary, ProjectRefusal>;
    async fn project_create(&self, new: ProjectCreate) -> Result<ProjectSummary, ProjectRefusal>;
    async fn project_open(&self, directory: String) -> Result<ProjectSummary, ProjectRefusal>;
    async fn project_rename(
        &self,
        name: ProjectName,
        to: String,
    ) -> Result<ProjectSummary, ProjectRefusal>;
    /// As a ZIP archive.
    async fn project_export(&self, name: ProjectName) -> Result<Vec<u8>, ProjectRefusal>;
    /// Makes a project of a ZIP archive, under its own name or another one.
    async fn project_import(
        &self,
        archive: Vec<u8>,
        name: Option<String>,
    ) -> Result<ProjectSummary, ProjectRefusal>;
    /// Forgets it; with its name once more its files are deleted as well.
    async fn project_remove(
        &self,
        name: ProjectName,
        delete_files_of: Option<String>,
    ) -> Result<ProjectSummary, ProjectRefusal>;
    /// By path, `project.yaml` first.
    async fn assets(&self, project: ProjectName) -> Result<Vec<AssetSummary>, ProjectRefusal>;
    async fn asset(&self, project: ProjectName, path: String) -> Result<AssetView, ProjectRefusal>;
    async fn asset_write(
        &self,
        project: ProjectName,
        path: String,
        text: String,
        basis: Basis,
    ) -> Result<AssetView, ProjectRefusal>;
    /// Returns what it was.
    async fn asset_delete(
        &self,
        project: ProjectName,
        path: String,
        read: Digest,
    ) -> Result<AssetView, ProjectRefusal>;
    async fn asset_rename(
        &self,
        project: ProjectName,
        path: String,
        to: String,
        read: Digest,
    ) -> Result<AssetRenamed, ProjectRefusal>;
    async fn asset_effective(
        &self,
        project: ProjectName,
        path: String,
    ) -> Result<AssetEffective, ProjectRefusal>;
    async fn asset_usages(
        &self,
        project: ProjectName,
        path: String,
    ) -> Result<Vec<AssetUsage>, ProjectRefusal>;
    /// Takes an asset of another project, with all that it refers to.
    async fn asset_take(
        &self,
        project: ProjectName,
        request: AssetTake,
    ) -> Result<AssetTaken, ProjectRefusal>;
    /// Where other projects have an asset of the same kind and name.
    async fn asset_copies(
        &self,
        project: ProjectName,
        path: String,
    ) -> Result<Vec<AssetCopy>, ProjectRefusal>;
    /// Puts a snippet into a workflow.
    async fn snippet_insert(
        &self,
        project: ProjectName,
        path: String,
        request: SnippetInsert,
        read: Digest,
    ) -> Result<SnippetInserted, ProjectRefusal>;
    /// Makes a snippet of stages of a workflow.
    async fn snippet_cut(
        &self,
        project: ProjectName,
        path: String,
        request: SnippetCut,
        read: Digest,
    ) -> Result<AssetView, ProjectRefusal>;
    async fn readiness(&self) -> Checks;
}
