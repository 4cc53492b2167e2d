//! Peeks at the sources of a project's workflows: what comes there, and its format as an asset.
//!
//! What is text is read raw, and its format is found as that of a sample is. What needs a schema to be read is read
//! with the format that the source has; what has types of its own says them itself.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use weir_domain::plan::{Plan, Role};
use weir_domain::{AssetName, Clock, Fault, Finding, ProjectName, StageId, WorkflowName};
use weir_formats::{Compression, Content, FormatConfig, Inferred, ReadOptions};
use weir_http_api::{PeekRequest, PeekView, ProjectDraft};
use weir_project::{Drafts, Loaded, Project, Row};
use weir_secrets::{Error, Keyring, Opened, SealedSecret};
use weir_stream::{PeekBounds, PeekSpec, Peeked, Registry, nothing_came, rows};

use super::Sources;
use super::inferring::{format_of, view};
use crate::boot::masked_record;

/// All that is shown of records.
const SHOWN_BYTES_MAX: usize = 1 << 20;

/// Why nobody looked.
#[derive(Debug)]
pub(crate) enum NotPeeked {
    /// The project has errors.
    Findings(Vec<Finding>),
    /// The project has no such workflow, but these.
    Workflow(Vec<String>),
    /// What is asked for can't be meant; a pointer into the request says where.
    Request(&'static str, String),
    /// It needs secrets, and who asks may not have them used.
    Secrets,
    /// What the source said, or what stands in the way to it.
    Source(Fault),
}

impl From<Fault> for NotPeeked {
    fn from(fault: Fault) -> Self {
        Self::Source(fault)
    }
}

/// With what it is looked.
pub(crate) struct Glasses<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) clock: Arc<dyn Clock>,
    /// Opens the secrets of projects; absent where who asks may not have them used.
    pub(crate) ring: Option<&'a dyn Fn() -> weir_secrets::Result<Keyring>>,
}

/// Peeks at a source of a workflow. Blocks.
pub(crate) fn peek(
    sources: &Sources,
    about: (&ProjectName, &WorkflowName),
    request: &PeekRequest,
    glasses: &Glasses<'_>,
) -> Result<PeekView, NotPeeked> {
    let drafts = request.drafts.iter();
    let drafts: Drafts =
        drafts.map(|ProjectDraft { path, text }| (path.clone(), text.clone())).collect();
    let environments = &request.environments;
    let Loaded { project, findings } =
        weir_project::load_drafts_in(&sources.dir, glasses.registry, environments, &drafts);
    let Some(project) = project else {
        let errors = findings.into_iter().filter(Finding::is_error).collect();
        return Err(NotPeeked::Findings(errors));
    };
    let (mut plan, stage) = narrowed(&project, about.1, request.source.as_ref())?;
    let secrets = opened(&project, &plan, glasses)?;
    let known = request.format.clone().map(|it| format_of(Value::Object(it))).transpose();
    let known = known.map_err(|it| NotPeeked::Request("/format", it))?;
    let way = Way::of(&mut plan, glasses.registry, known);
    let spec = PeekSpec {
        plan: &plan,
        stage: &stage,
        base_dir: sources.base_dir(),
        secrets: &secrets,
        clock: glasses.clock.clone(),
    };
    let within = Duration::from_millis(request.within_ms);
    // Of a table the first line may name the columns.
    let records = request.records as usize;
    let records = if way.is_raw && !way.is_live && records > 0 { records + 1 } else { records };
    let bounds = PeekBounds { records, bytes: PeekRequest::BYTES_MAX, within };
    let peeked = weir_stream::peek(&spec, glasses.registry, bounds)?;
    let (origin, is_cut) = (peeked.origin.clone(), peeked.is_cut);
    if request.records == 0 {
        return Ok(PeekView { source: stage, origin, format: None, records: vec![], is_cut });
    }
    let (found, rows) = way.found(peeked, request, within)?;
    let records = shown(rows);
    let format = Some(view(&request.name, found, "peek at")?);
    Ok(PeekView { source: stage, origin, format, records, is_cut })
}

/// The plan with nothing but the source.
fn narrowed(
    project: &Project,
    workflow: &WorkflowName,
    source: Option<&StageId>,
) -> Result<(Plan, StageId), NotPeeked> {
    let plan = project.plans.iter().find(|it| it.workflow == *workflow).ok_or_else(|| {
        NotPeeked::Workflow(project.plans.iter().map(|it| it.workflow.to_string()).collect())
    })?;
    let sources: Vec<_> = plan.of_role(Role::Source).collect();
    let found = match (source, sources.as_slice()) {
        (None, [only]) => Some(*only),
        (None, _) => None,
        (Some(id), _) => sources.iter().find(|it| it.id == *id).copied(),
    };
    let names: Vec<_> = sources.iter().map(|it| it.id.to_string()).collect();
    let stage = found.ok_or_else(|| {
        let names = names.join(", ");
        let cause = match source {
            Some(it) => format!("{workflow} has no source {it}: its sources are {names}"),
            None => format!("{workflow} has several sources, name one of {names}"),
        };
        NotPeeked::Request("/source", cause)
    })?;
    let plan =
        Plan { stages: vec![stage.clone()], edges: Vec::new(), dead_letters: None, ..plan.clone() };
    Ok((plan, stage.id.clone()))
}

/// The secrets that the source names.
fn opened(project: &Project, plan: &Plan, glasses: &Glasses<'_>) -> Result<Opened, NotPeeked> {
    let named = Project::secrets_of(plan);
    if named.is_empty() {
        return Ok(Opened::default());
    }
    let ring = glasses.ring.ok_or(NotPeeked::Secrets)?;
    let ring = ring().map_err(|it| Fault::from(&it))?;
    let parts = project.parts(&BTreeSet::from([plan.workflow.clone()]), String::new());
    let parts = parts.map_err(|it| NotPeeked::Request("", it.to_string()))?;
    let sealed = parts.secrets.into_iter().filter(|it| named.contains(&it.name));
    let open = |(name, ciphertext): (AssetName, Bytes)| {
        let text = std::str::from_utf8(&ciphertext).unwrap_or_default();
        let opened = text.parse::<SealedSecret>().and_then(|it| ring.open(&it));
        let opened = opened.map_err(|error| {
            let fault = Fault::from(&error);
            let message = format!("secret {name}: {}", fault.message);
            let fault = Fault { message, ..fault };
            match error {
                // Keys of clusters never leave them.
                Error::MissingKey(_) => fault.with_hint(
                    "name a file with a key that opens it in weir.config-server.project-keys, or seal the value to \
                     one of those",
                ),
                _ => fault,
            }
        })?;
        Ok((name, opened))
    };
    sealed.map(|it| open((it.name, it.ciphertext))).collect()
}

/// How the source is read, and what that becomes.
struct Way {
    is_raw: bool,
    is_live: bool,
    /// What is known of the format before anything came.
    known: Option<FormatConfig>,
}

impl Way {
    /// Changes the plan's one stage so that it is read that way.
    fn of(plan: &mut Plan, registry: &Registry, known: Option<FormatConfig>) -> Self {
        let is_live = registry.is_live(plan);
        let none = Self { is_raw: false, is_live, known: None };
        let Some(stage) = plan.stages.first_mut() else { return none };
        let Some(config) = stage.config.as_object_mut() else { return none };
        let Some(format) = config.get("format").cloned() else { return none };
        let declared = serde_json::from_value::<FormatConfig>(format.clone()).ok();
        let is_text = match &declared {
            Some(FormatConfig::Json(_) | FormatConfig::Csv(_)) => true,
            Some(FormatConfig::Raw(it)) => it.encoding == weir_formats::Encoding::default(),
            _ => false,
        };
        if !is_text && known.is_none() {
            return Self { known: declared, ..none };
        }
        let known = known.or_else(|| undeclared(format, is_live));
        let raw = json!({ "type": "raw", "content": "bytes" });
        config.insert("format".to_owned(), raw);
        config.remove("attributes");
        Self { is_raw: true, is_live, known }
    }

    fn found(
        self,
        peeked: Peeked,
        request: &PeekRequest,
        within: Duration,
    ) -> Result<(Inferred, Vec<Row>), NotPeeked> {
        let show = request.show as usize;
        if !self.is_raw {
            let rows = peeked.rows(show);
            let Peeked { batches, schema, bad, bad_count, .. } = peeked;
            let found = weir_formats::described_as(&batches, &schema, self.known, request.required);
            let reasons = bad.iter().map(|it| format!("record {}: {}", it.position, it.reason));
            let records = found.records + bad_count as u64;
            let found =
                Inferred { records, bad: bad_count as u64, reasons: reasons.collect(), ..found };
            return Ok((found, rows));
        }
        let sample = self.sample(&peeked);
        if sample.is_empty() {
            return Err(match peeked.bad.first() {
                None => nothing_came(&peeked.origin, within).into(),
                Some(bad) => {
                    let message = format!("{}: {}", peeked.origin, bad.reason);
                    let hint = "give a sample in a file, cut off where a record ends";
                    Fault::data(195, message).with_hint(hint).into()
                }
            });
        }
        let (sample, most) = (Bytes::from(sample), request.records as usize);
        let found = weir_formats::infer(sample.clone(), self.known, most, request.required);
        let found = found.map_err(|it| {
            let message = format!("what came from {}: {}", peeked.origin, it.message);
            Fault { message, ..it }
        })?;
        let rows = read(&found.format, sample, show)?;
        Ok((found, rows))
    }

    /// The lines of a file as they stood there, or each message on a line.
    fn sample(&self, peeked: &Peeked) -> Vec<u8> {
        let mut sample = Vec::new();
        for cell in peeked.cells() {
            let from = sample.len();
            sample.extend_from_slice(cell);
            if self.is_live && cell.trim_ascii_start().starts_with(b"{") {
                // Between the parts of a value they mean nothing, and within texts they can't be.
                let breaks = sample[from..].iter_mut().filter(|it| matches!(it, b'\n' | b'\r'));
                breaks.for_each(|it| *it = b' ');
            }
            sample.push(b'\n');
        }
        if peeked.is_cut && !self.is_live {
            cut_whole(&mut sample);
        }
        sample
    }
}

/// Takes the beginning of a record away that was cut off within a quoted text.
fn cut_whole(sample: &mut Vec<u8>) {
    while sample.iter().filter(|it| **it == b'"').count() % 2 == 1 {
        sample.pop();
        let end = sample.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
        sample.truncate(end);
    }
}

/// What a source says of its format but for the fields, which are to be found. Raw says nothing.
fn undeclared(mut format: Value, is_live: bool) -> Option<FormatConfig> {
    let keys = format.as_object_mut()?;
    if keys.get("type").and_then(Value::as_str) == Some("raw") {
        return None;
    }
    keys.remove("schema");
    if is_live {
        // A message is one record.
        keys.remove("layout");
    }
    serde_json::from_value(format).ok()
}

/// The first records of a sample.
fn read(format: &FormatConfig, sample: Bytes, most: usize) -> Result<Vec<Row>, Fault> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let options = ReadOptions { batch_rows: most, ..ReadOptions::default() };
    let content = Content::from(sample);
    let mut reader = weir_formats::open(format, content, Compression::None, &options)?;
    Ok(reader.read()?.map(|it| rows(&it.records)).unwrap_or_default())
}

/// As many of them as may be shown, with what looks like a secret concealed.
fn shown(rows: Vec<Row>) -> Vec<Row> {
    let mut bytes = 0;
    let masked = rows.into_iter().map(masked_record);
    let few = masked.take_while(|row| {
        bytes += serde_json::to_string(row).map_or(0, |it| it.len());
        bytes <= SHOWN_BYTES_MAX
    });
    few.collect()
}

/// The keys in these files.
pub(crate) fn ring(files: &[PathBuf]) -> weir_secrets::Result<Keyring> {
    let key = |it: &PathBuf| weir_secrets::import(&weir_secrets::read_private(it)?, None);
    files.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_was_cut_off_is_left_out() {
        let cut = |text: &str| {
            let mut sample = text.as_bytes().to_vec();
            cut_whole(&mut sample);
            String::from_utf8(sample).unwrap()
        };
        assert_eq!(cut("a;b\n1;\"x\ny\"\n2;\"x\nz\n"), "a;b\n1;\"x\ny\"\n");
        assert_eq!(cut("a;b\n1;x\n"), "a;b\n1;x\n");
        assert_eq!(cut("\"a\n"), "");
    }

    #[test]
    fn what_a_source_says_counts_but_for_fields() {
        let known = |format: Value, is_live| {
            undeclared(format, is_live).map(|it| serde_json::to_value(it).unwrap())
        };
        assert_eq!(known(json!({ "type": "raw" }), true), None);
        let csv = json!({ "type": "csv", "delimiter": ";", "schema": [{ "name": "a", "type": "string" }] });
        let found = known(csv, false).unwrap();
        assert_eq!((&found["delimiter"], found.get("schema")), (&json!(";"), None));
    }
}
