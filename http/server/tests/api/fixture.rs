//! An engine and projects with fixed contents, and servers that own their ports.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use weir_domain::plan::{Edge, OnError, Plan, Retry, Role, Stage};
use weir_domain::{
    Code, CommandId, Counts, Digest, Fault, Finding, InstanceId, Letter, LetterChoice,
    LetterCounts, LetterId, LogLine, Node, NodeName, NodeStatus, NodeUid, Place, PortName,
    ProjectName, ReplayStanding, Replays, SavepointName, Severity, SniffWish, SourceName, StageId,
    StageTime, Stream, StreamId, StreamOrder, StreamState, SweepId, Timestamp, Workflow,
    WorkflowName, WorkflowState,
};
use weir_http_api::{
    AssetConflict, AssetCopy, AssetEffective, AssetRenamed, AssetSummary, AssetTake, AssetTaken,
    AssetTheirs, AssetUsage, AssetView, ItemView, ProjectCreate, ProjectSummary, RenewalView,
    SavepointView, SniffResult, SnippetCut, SnippetInsert, SnippetInserted, SourceCountView,
    SourceView, SweepAction, SweepView, WorkflowDetail,
};
use weir_http_client::Client;
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemClock, SystemSettings};

use crate::fake_cluster::FakeCluster;
use crate::fake_deliveries::FakeDeliveries;
use crate::fake_items::{fits, items};
use crate::fake_letters;
use crate::fake_samples::FakeSamples;
use crate::fake_saves::Saves;
use crate::fake_versions::FakeVersions;
use weir_http_server::{
    Basis, Checks, Engine, Guard, Here, ItemFilter, ItemPlace, ItemStreams, LettersAsked, Limits,
    Operations, ProjectRefusal, Projects, Records, Refusal, RenewalRequest, Repeats, StreamFilter,
    SweepRequest, Unreached, config_server, engine,
};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) fn name(text: &str) -> WorkflowName {
    text.parse().unwrap()
}

/// The n-th stream; a greater number is a newer stream.
pub(crate) fn stream_id(n: u64) -> StreamId {
    StreamId(uuid::Uuid::from_u64_pair(0x0197_0000_0000_7000, 0x8000_0000_0000_0000 | n))
}

pub(crate) fn counts() -> Counts {
    Counts { records_in: 100, records_out: 98, dead_letters: 2, ..Counts::default() }
}

pub(crate) fn node() -> Node {
    Node {
        name: NodeName::new("one").unwrap(),
        uid: NodeUid(uuid::Uuid::from_u128(7)),
        address: "weir://dev@127.0.0.1:5843".into(),
        rest: "http://127.0.0.1:5842".into(),
        status: NodeStatus::Up,
        unreachable: false,
        roles: vec![],
        version: "0.1.0".into(),
        started_at: NOW,
        uptime_ms: 90_000,
        os: "linux".into(),
        architecture: "x86_64".into(),
        processors: 2,
        memory_bytes: 50 << 20,
        tasks: 17,
        links: 2,
        certificate_expires_at: Some(NOW),
        leases: vec!["access-coordinator".into()],
        workflow_instances: 1,
        open_streams: 1,
    }
}

fn stage(id: &str, role: Role) -> Stage {
    Stage {
        id: StageId::new(id).unwrap(),
        role,
        kind: "file".into(),
        config: serde_json::json!({ "password": "hidden" }),
        on_error: OnError::DeadLetter,
        error_limit: None,
        place: Place::new("flights.yaml", 7, 5),
    }
}

fn time() -> StageTime {
    StageTime { open_ms: 60_000, busy_ms: 24_500, blocked_ms: 3_000 }
}

pub(crate) fn workflow(text: &str) -> Workflow {
    let (from, to) = (stage("in", Role::Source), stage("out", Role::Sink));
    let edge = Edge {
        from: from.id.clone(),
        port: PortName::out(),
        to: to.id.clone(),
        place: Place::default(),
    };
    Workflow {
        name: name(text),
        project: ProjectName::new("sample").unwrap(),
        state: WorkflowState::Processing,
        instances: 1,
        reports: Vec::new(),
        open_streams: 1,
        paused_streams: 0,
        committed: 3,
        committed_with_warnings: 1,
        rolled_back: 0,
        counts: counts(),
        stages: BTreeMap::from([(from.id.clone(), counts())]),
        times: BTreeMap::from([(from.id.clone(), time())]),
        started_at: NOW,
        last_stream_at: Some(NOW),
        fault: None,
        plan: Plan {
            workflow: name(text),
            instances: 1,
            stages: vec![from, to],
            edges: vec![edge],
            retry: Retry::default(),
            dead_letters: None,
            error_limit: None,
        },
    }
}

pub(crate) fn stream(n: u64) -> Stream {
    let state = if n.is_multiple_of(3) { StreamState::RolledBack } else { StreamState::Committed };
    let fault = Fault::data(4_001, "line 7 has 3 fields, the header has 4").with_hint("mend it");
    Stream {
        id: stream_id(n),
        workflow: name(if n.is_multiple_of(2) { "flights" } else { "weather" }),
        instance: InstanceId(1),
        node: "one".into(),
        item: format!("in/{n}.csv"),
        state,
        attempts: 1,
        opened_at: NOW,
        closed_at: Some(NOW),
        counts: counts(),
        stages: BTreeMap::from([(StageId::new("in").unwrap(), counts())]),
        published: vec![format!("out/{n}.jsonl")],
        fault: (state == StreamState::RolledBack).then_some(fault),
    }
}

/// Two workflows, ten streams, six items; some names make it misbehave.
pub(crate) struct FakeEngine {
    pub(crate) journal: Result<(), String>,
    pub(crate) items: Mutex<Vec<ItemView>>,
    pub(crate) reset: Halt,
    pub(crate) saves: Saves,
}

/// Where a reset of the item `waits` stops until it may go on.
#[derive(Default)]
pub(crate) struct Halt {
    pub(crate) reached: Arc<Notify>,
    pub(crate) go: Arc<Notify>,
}

impl FakeEngine {
    pub(crate) fn new() -> Self {
        let (items, saves) = (Mutex::new(items()), Saves::default());
        Self { journal: Ok(()), items, reset: Halt::default(), saves }
    }
}

#[async_trait::async_trait]
impl Engine for FakeEngine {
    async fn nodes(&self) -> Result<Vec<Node>, Fault> {
        Ok(vec![node()])
    }

    async fn workflows(&self) -> Result<Vec<Workflow>, Fault> {
        Ok(vec![workflow("flights"), workflow("weather")])
    }

    async fn workflows_everywhere(
        &self,
        only: Option<&WorkflowName>,
    ) -> Result<Vec<WorkflowDetail>, Fault> {
        let all = self.workflows().await?.into_iter().map(WorkflowDetail::from);
        Ok(all.filter(|it| only.is_none_or(|name| it.summary.name == *name)).collect())
    }

    async fn workflow(&self, asked: &WorkflowName) -> Result<Option<Workflow>, Fault> {
        match asked.as_str() {
            "panics" => panic!("a defect"),
            "hangs" => std::future::pending().await,
            "fails" => Err(Fault::transient(5_001, "the journal is cut off").with_hint("wait")),
            "broken" => Err(Fault::config(6_001, "the monitor lost its mind")),
            _ => Ok(self.workflows().await?.into_iter().find(|it| it.name == *asked)),
        }
    }

    async fn streams(&self, filter: StreamFilter) -> Result<Vec<Stream>, Fault> {
        let fits = |it: &Stream| {
            filter.workflow.as_ref().is_none_or(|name| it.workflow == *name)
                && filter.state.is_none_or(|state| it.state == state)
                && filter.before.is_none_or(|before| it.id < before)
        };
        Ok((0..10).rev().map(stream).filter(fits).take(filter.limit as usize).collect())
    }

    async fn item_streams(&self, of: ItemStreams) -> Result<Vec<Stream>, Fault> {
        let (workflow, before, limit) = (Some(of.workflow), of.before, 100);
        let all = self.streams(StreamFilter { workflow, state: None, before, limit }).await?;
        Ok(all.into_iter().filter(|it| it.item == of.item).take(of.limit as usize).collect())
    }

    async fn stream(&self, id: StreamId) -> Result<Option<Stream>, Fault> {
        Ok((0..10).map(stream).find(|it| it.id == id))
    }

    async fn stream_log(&self, id: StreamId) -> Result<Option<Vec<LogLine>>, Fault> {
        let line = LogLine {
            at: NOW,
            severity: Some(Severity::Warning),
            code: Code(3_002),
            text: "2 dead letters".into(),
        };
        Ok(self.stream(id).await?.map(|_| vec![line]))
    }

    async fn streams_order(
        &self,
        _: StreamOrder,
        streams: Vec<Stream>,
    ) -> Result<(Vec<StreamId>, Vec<Unreached>), Fault> {
        Ok((streams.into_iter().map(|it| it.id).collect(), vec![]))
    }

    async fn has_checkpoints(&self, _: &WorkflowName) -> Result<bool, Fault> {
        Ok(false)
    }

    async fn savepoints(&self, workflow: &WorkflowName) -> Result<Vec<SavepointView>, Fault> {
        Ok(self.saves.all(workflow))
    }

    async fn savepoint(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
    ) -> Result<Option<SavepointView>, Fault> {
        Ok(self.saves.all(workflow).into_iter().find(|it| it.name == *name))
    }

    async fn savepoint_take(
        &self,
        workflow: &WorkflowName,
        name: &SavepointName,
        id: Option<CommandId>,
        by: String,
    ) -> Result<SavepointView, Refusal> {
        self.saves.take(workflow, name, id, by)
    }

    async fn savepoint_delete(
        &self,
        _: &WorkflowName,
        name: &SavepointName,
    ) -> Result<(), Refusal> {
        self.saves.delete(name);
        Ok(())
    }

    async fn workflow_renew(&self, request: RenewalRequest) -> Result<RenewalView, Refusal> {
        self.saves.renew(request)
    }

    async fn letters(
        &self,
        workflow: &WorkflowName,
        choice: LetterChoice,
        before: Option<LetterId>,
        limit: u32,
        records: Records,
    ) -> Result<(Vec<Letter>, Option<LetterId>), Fault> {
        let all = fake_letters::all(workflow, &choice, before.as_ref(), limit, records);
        let more = all.last().filter(|it| all.len() == limit as usize && it.id.number > 1);
        let next = more.map(|it| it.id.clone());
        Ok((all, next))
    }

    async fn letter_counts(&self, workflow: &WorkflowName) -> Result<LetterCounts, Fault> {
        Ok(fake_letters::counts(workflow))
    }

    async fn replays(&self, workflow: &WorkflowName) -> Result<Vec<ReplayStanding>, Fault> {
        Ok(fake_letters::open(workflow))
    }

    async fn replay_cancel(&self, _: &WorkflowName, item: &str, _: String) -> Result<(), Refusal> {
        fake_letters::cancelled(item)
    }

    async fn letters_replay(&self, asked: LettersAsked) -> Result<Replays, Fault> {
        Ok(fake_letters::replayed(&asked))
    }

    async fn letters_discard(&self, asked: LettersAsked) -> Result<Replays, Fault> {
        Ok(Replays { replays: vec![], ..fake_letters::replayed(&asked) })
    }

    async fn sniff(&self, wish: SniffWish) -> Result<SniffResult, Fault> {
        Ok(SniffResult { seen: u64::from(wish.records), ..SniffResult::default() })
    }

    async fn items(
        &self,
        filter: ItemFilter,
        after: Option<ItemPlace>,
        limit: u32,
    ) -> Result<(Vec<ItemView>, Option<ItemPlace>), Fault> {
        let after = after.map(|(source, _, name)| (source, name));
        let is_after = |it: &&ItemView| {
            after.as_ref().is_none_or(|after| (&it.source, &it.name) > (&after.0, &after.1))
        };
        let items = self.items.lock().unwrap();
        let mut found: Vec<_> =
            items.iter().filter(is_after).filter(|it| fits(&filter, it)).cloned().collect();
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|it| (it.source.clone(), it.claimed_at, it.name.clone()));
        Ok((found, next))
    }

    async fn sources(
        &self,
        after: Option<SourceName>,
        limit: u32,
    ) -> Result<Vec<SourceView>, Fault> {
        let mut found: BTreeMap<SourceName, BTreeMap<String, SourceCountView>> = BTreeMap::new();
        for it in self.items.lock().unwrap().iter() {
            let counts = found.entry(it.source.clone()).or_default();
            let none = SourceCountView { count: 0, has_more: false };
            counts.entry(it.status.to_string()).or_insert(none).count += 1;
        }
        let found = found.into_iter().filter(|it| after.as_ref().is_none_or(|after| it.0 > *after));
        let view = |(source, counts)| SourceView { source, counts };
        Ok(found.take(limit as usize).map(view).collect())
    }

    async fn sweep_begin(&self, request: SweepRequest) -> Result<SweepView, Refusal> {
        match request.filter.names.iter().flatten().next().map(String::as_str) {
            Some("panics") => panic!("a defect"),
            Some("waits") => {
                self.reset.reached.notify_one();
                self.reset.go.notified().await;
            }
            _ => {}
        }
        let filter = ItemFilter { source: Some(request.source.clone()), ..request.filter };
        let mut items = self.items.lock().unwrap();
        let count = items.iter().filter(|it| fits(&filter, it)).count() as u64;
        if !request.dry_run && request.action == SweepAction::Reset {
            items.retain(|it| !fits(&filter, it));
        }
        Ok(SweepView {
            id: request.id.unwrap_or(SweepId(uuid::Uuid::from_u128(1))),
            action: request.action,
            source: request.source,
            dry_run: request.dry_run,
            count,
            kept: 0,
            examined: count,
            by: request.by,
            begun_at: NOW,
            ended_at: Some(NOW),
        })
    }

    async fn sweep(&self, _: SweepId) -> Result<Option<SweepView>, Fault> {
        Ok(None)
    }

    async fn readiness(&self) -> Checks {
        vec![("journal", self.journal.clone()), ("workflows", Ok(()))]
    }
}

pub(crate) struct FakeProjects;

#[async_trait::async_trait]
impl Projects for FakeProjects {
    async fn projects(&self) -> Result<Vec<ProjectSummary>, Fault> {
        Ok(vec![ProjectSummary {
            being_looked_at: false,
            name: ProjectName::new("sample").unwrap(),
            description: None,
            directory: "/srv/sample".into(),
            workflows: vec![name("flights")],
            errors: 1,
            warnings: 1,
            digest: None,
            amiss: None,
        }])
    }

    async fn validate(&self, asked: &ProjectName) -> Result<Option<Vec<Finding>>, Fault> {
        let at = |line| Place::new("flights.yaml", line, 3);
        let findings = vec![
            Finding::warning(2_050, at(9), "spec", "two sinks write one file"),
            Finding::error(2_001, at(4), "spec.x", "unknown key \"x\"").with_fix("remove it"),
        ];
        Ok((asked.as_str() == "sample").then_some(findings))
    }

    async fn judge(
        &self,
        project: ProjectName,
        drafts: std::collections::BTreeMap<String, String>,
    ) -> Result<Vec<Finding>, ProjectRefusal> {
        self.project(project).await?;
        let found = |path: String| Finding::error(2_001, Place::new(path, 1, 1), "x", "unknown");
        Ok(drafts.into_keys().map(found).collect())
    }

    async fn project(&self, name: ProjectName) -> Result<ProjectSummary, ProjectRefusal> {
        let mut all = self.projects().await?;
        all.retain(|it| it.name == name);
        let known = vec!["sample".to_owned()];
        let missing =
            || ProjectRefusal::NotFound { what: "project", name: name.to_string(), known };
        all.pop().ok_or_else(missing)
    }

    async fn project_create(&self, new: ProjectCreate) -> Result<ProjectSummary, ProjectRefusal> {
        let reason = format!("{:?} is no name", new.name);
        Err(ProjectRefusal::Invalid { pointer: "name".into(), reason })
    }

    async fn project_open(&self, _: String) -> Result<ProjectSummary, ProjectRefusal> {
        Err(Fault::transient(97, "the disk is full").into())
    }

    async fn project_rename(
        &self,
        name: ProjectName,
        _: String,
    ) -> Result<ProjectSummary, ProjectRefusal> {
        self.project(name).await
    }

    async fn project_export(&self, _: ProjectName) -> Result<Vec<u8>, ProjectRefusal> {
        Ok(b"PK".to_vec())
    }

    async fn project_import(
        &self,
        _: Vec<u8>,
        _: Option<String>,
    ) -> Result<ProjectSummary, ProjectRefusal> {
        let reason = "it is no ZIP archive that can be used".to_owned();
        Err(ProjectRefusal::Invalid { pointer: "archive".into(), reason })
    }

    async fn project_remove(
        &self,
        name: ProjectName,
        _: Option<String>,
    ) -> Result<ProjectSummary, ProjectRefusal> {
        self.project(name).await
    }

    async fn assets(&self, _: ProjectName) -> Result<Vec<AssetSummary>, ProjectRefusal> {
        Ok(vec![asset("a: 1\n").asset])
    }

    async fn asset(&self, _: ProjectName, path: String) -> Result<AssetView, ProjectRefusal> {
        let mut asset = asset("a: 1\n");
        asset.asset.path = path;
        Ok(asset)
    }

    async fn asset_write(
        &self,
        _: ProjectName,
        path: String,
        text: String,
        basis: Basis,
    ) -> Result<AssetView, ProjectRefusal> {
        let there = asset("a: 1\n");
        let etag = Digest::of(there.text.as_bytes());
        if basis == Basis::Text(etag) {
            return Ok(asset(&text));
        }
        let conflict = AssetConflict {
            path,
            base: None,
            theirs: Some(AssetTheirs { etag, text: there.text }),
            yours: Some(text),
            merged: None,
            fields: vec![],
        };
        let detail = "it was changed meanwhile".to_owned();
        Err(ProjectRefusal::Stale { detail, conflict: Box::new(conflict) })
    }

    async fn asset_delete(
        &self,
        _: ProjectName,
        path: String,
        _: Digest,
    ) -> Result<AssetView, ProjectRefusal> {
        let hint = "use something else there first".to_owned();
        Err(ProjectRefusal::Conflict { detail: format!("{path} is used"), hint })
    }

    async fn asset_rename(
        &self,
        _: ProjectName,
        path: String,
        _: String,
        _: Digest,
    ) -> Result<AssetRenamed, ProjectRefusal> {
        let finding =
            Finding::error(2_205, Place::new(path, 1, 13), "apiVersion", "there is no v9");
        let detail = "it would be no asset".to_owned();
        Err(ProjectRefusal::NoAsset { detail, findings: vec![finding.with_fix("write weir/v1")] })
    }

    async fn asset_effective(
        &self,
        _: ProjectName,
        _: String,
    ) -> Result<AssetEffective, ProjectRefusal> {
        Ok(AssetEffective { extends: vec![], spec: Value::Null, fields: vec![] })
    }

    async fn asset_usages(
        &self,
        _: ProjectName,
        _: String,
    ) -> Result<Vec<AssetUsage>, ProjectRefusal> {
        Ok(vec![])
    }

    async fn asset_take(
        &self,
        _: ProjectName,
        request: AssetTake,
    ) -> Result<AssetTaken, ProjectRefusal> {
        Ok(AssetTaken { written: vec![request.asset], same: vec![], needs: vec![] })
    }

    async fn asset_copies(
        &self,
        _: ProjectName,
        _: String,
    ) -> Result<Vec<AssetCopy>, ProjectRefusal> {
        Ok(vec![])
    }

    async fn snippet_insert(
        &self,
        _: ProjectName,
        _: String,
        request: SnippetInsert,
        _: Digest,
    ) -> Result<SnippetInserted, ProjectRefusal> {
        let (stages, findings, dry_run) = (vec![], vec![], request.dry_run);
        Ok(SnippetInserted { workflow: asset(&request.snippet), stages, findings, dry_run })
    }

    async fn snippet_cut(
        &self,
        _: ProjectName,
        _: String,
        request: SnippetCut,
        _: Digest,
    ) -> Result<AssetView, ProjectRefusal> {
        Ok(asset(&request.name))
    }

    async fn readiness(&self) -> Checks {
        vec![("projects", Ok(()))]
    }
}

fn asset(text: &str) -> AssetView {
    let asset = AssetSummary {
        path: "sources/orders.yaml".into(),
        kind: Some("Source".into()),
        name: Some("orders".into()),
        description: None,
        etag: Some(Digest::of(text.as_bytes())),
        findings: vec![],
    };
    AssetView { asset, text: text.to_owned() }
}

/// Serves for as long as the test runs; returns the address.
pub(crate) async fn served(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let never = std::future::pending();
    tokio::spawn(weir_http_server::serve(listener, router, Duration::from_secs(1), never));
    address
}

pub(crate) async fn engine() -> String {
    let limits = Limits::default();
    served(engine::router(
        Arc::new(FakeEngine::new()),
        Arc::new(FakeCluster::new()),
        Guard::closed().or_from_here(Here::Everything),
        limits,
    ))
    .await
}

/// One that takes commands with this token from other machines, too.
pub(crate) async fn engine_with_token(token: &str) -> String {
    let (engine, cluster) = (Arc::new(FakeEngine::new()), Arc::new(FakeCluster::new()));
    let writes = Guard::with_token(token).or_from_here(Here::Everything);
    served(engine::router(engine, cluster, writes, Limits::default())).await
}

pub(crate) async fn config_server(engine: &str) -> String {
    let limits = Limits { body_bytes_max: 1_000, ..Limits::default() };
    let engine = Client::new(engine).unwrap();
    let everybody = Guard::closed().or_from_here(Here::Everything);
    served(config_server::router(design(), engine, everybody, limits)).await
}

/// What a configuration server serves by itself.
pub(crate) fn design() -> config_server::Design {
    let operations = Operations::in_memory(system());
    let deliveries = Arc::new(FakeDeliveries);
    let (projects, versions) = (Arc::new(FakeProjects), Arc::new(FakeVersions));
    let samples = Arc::new(FakeSamples);
    let repeats = Repeats::in_memory(system());
    config_server::Design { projects, deliveries, samples, operations, versions, repeats }
}

pub(crate) fn system() -> System {
    let clock = Arc::new(SystemClock);
    System::new(SystemSettings {
        node: NodeName::new("design").unwrap(),
        ids: IdSource::new(clock.clone()),
        clock,
        shutdown: PhaseTimeouts::default(),
    })
}

/// Status, content type and body of a plain request.
pub(crate) async fn get(url: &str) -> (u16, String, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    read(http.get(url).send().await.unwrap()).await
}

pub(crate) async fn read(response: reqwest::Response) -> (u16, String, String) {
    let content_type = response.headers().get("content-type");
    let content_type = content_type.map_or("", |it| it.to_str().unwrap()).to_owned();
    (response.status().as_u16(), content_type, response.text().await.unwrap())
}

/// The problem that a request gets, without its `instance`, which must be there.
pub(crate) async fn problem(url: &str) -> Value {
    let (status, content_type, body) = get(url).await;
    problem_in(status, &content_type, &body)
}

pub(crate) fn problem_in(status: u16, content_type: &str, body: &str) -> Value {
    assert_eq!(content_type, "application/problem+json", "{status} {body}");
    let mut problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], status);
    let instance = problem.as_object_mut().unwrap().remove("instance").unwrap();
    assert_eq!(instance.as_str().unwrap().len(), 36, "a request id: {instance}");
    problem
}
