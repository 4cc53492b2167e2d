//! The source: offers the objects below a prefix and reads the one that was claimed.
//!
//! An object appears whole, so that there is nothing to wait for. It stays where it is while it is read;
//! only `settle` takes it away.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use object_store::path::Path;
use serde_json::Value;
use weir_domain::{Fault, Fingerprint, Item, Reprocess, StageId};
use weir_formats::{Content, Ranges, ReadOptions, Reader};
use weir_stream::{
    Action as StoredAction, Batch, BuildContext, Limits, Outcome, Read, RecordReader, Source,
};

use super::action::{Action, Finish};
use super::codes;
use super::config::{Finished, InputConfig};
use super::content::Object;
use super::identity::{fingerprint, is_same};
use super::store::{self, Store, given_back};
use crate::whole::{Pattern, sort};

pub(super) struct ObjectSource {
    config: InputConfig,
    store: Store,
    prefix: Option<Path>,
    /// Where finished objects go: they are not offered again.
    excluded: Vec<Path>,
    pattern: Pattern,
    limits: Limits,
    deployed: Value,
    stage: StageId,
    /// What was opened last: it is known better than by a list.
    opened: Option<Item>,
}

impl ObjectSource {
    pub(super) fn new(config: InputConfig, cx: &BuildContext) -> Result<Self, Fault> {
        let pattern = Pattern::new(config.glob.as_deref(), config.regex.as_deref());
        let pattern = pattern.map_err(|bad| {
            Fault::config(codes::CONFIG, format!("stage {}: {}: {}", cx.stage, bad.key, bad.cause))
        })?;
        let store = Store::open(&config.connection)?;
        let prefix = match config.prefix.as_deref().map(|it| it.trim_matches('/')) {
            None | Some("") => None,
            Some(prefix) => Some(store::path(None, prefix)?),
        };
        let moves = [&config.done, &config.error].into_iter().flatten().filter_map(|it| match it {
            Finished::Move(to) => Some(store::path(None, to)),
            Finished::Delete => None,
        });
        let excluded = moves.collect::<Result<_, _>>()?;
        Ok(Self {
            config,
            store,
            prefix,
            excluded,
            pattern,
            limits: cx.limits,
            deployed: cx.deployed.clone(),
            stage: cx.stage.clone(),
            opened: None,
        })
    }

    fn path(&self, item: &Item) -> Result<Path, Fault> {
        store::path(self.prefix.as_ref().map(Path::as_ref), &item.name)
    }

    /// The object as it was read, or listed if it never was.
    fn known<'i>(&'i self, item: &'i Item) -> &'i Fingerprint {
        let opened = self.opened.as_ref().filter(|it| it.name == item.name);
        opened.map_or(&item.fingerprint, |it| &it.fingerprint)
    }

    /// The key below the prefix, of an object that is meant.
    fn name(&self, path: &Path) -> Option<String> {
        if self.excluded.iter().any(|it| path.prefix_matches(it)) {
            return None;
        }
        let key = path.as_ref();
        let name = match &self.prefix {
            Some(prefix) => key.strip_prefix(prefix.as_ref())?.strip_prefix('/')?,
            None => key,
        };
        self.pattern.matches(name).then(|| name.to_owned())
    }
}

impl Source for ObjectSource {
    fn origin(&self) -> String {
        self.store.address(self.prefix.as_ref().map(Path::as_ref).unwrap_or_default())
    }

    fn check_access(&self) -> Result<(), Fault> {
        self.store.check_access(self.prefix.as_ref())
    }

    fn list(&mut self) -> Result<Vec<Item>, Fault> {
        let found = self.store.list(self.prefix.as_ref())?;
        let items = found.iter().filter_map(|it| {
            Some(Item { name: self.name(&it.location)?, fingerprint: fingerprint(it) })
        });
        let mut items: Vec<_> = items.collect();
        sort(&mut items, self.config.sort);
        Ok(items)
    }

    fn open(&mut self, item: &Item) -> Result<Box<dyn RecordReader>, Fault> {
        let path = self.path(item)?;
        let at = self.store.address(path.as_ref());
        let Some(meta) = self.store.head(&path)? else {
            return Err(given_back(
                codes::INPUT_OBJECT,
                format!("{at} was deleted since it was listed"),
            ));
        };
        if !is_same(&fingerprint(&meta), &item.fingerprint) {
            let message = format!("{at} was replaced since it was listed");
            return Err(given_back(codes::INPUT_OBJECT, message));
        }
        let options = ReadOptions {
            batch_rows: self.limits.batch_rows,
            batch_bytes: self.limits.batch_bytes,
            max_record_bytes: self.limits.record_bytes_max,
            raw_limit: self.limits.raw_bytes_max,
            ..ReadOptions::default()
        };
        let object = Arc::new(Object::new(self.store.clone(), meta));
        let fingerprint = object.fingerprint().clone();
        self.opened = Some(Item { name: item.name.clone(), fingerprint });
        let content: Arc<dyn Ranges> = object.clone();
        let InputConfig { format, compression, .. } = &self.config;
        let reader = weir_formats::open(format, Content::from(content), *compression, &options);
        let reader = reader.map_err(|it| object.explain(it))?;
        Ok(Box::new(ObjectReader { reader, object, bytes_seen: 0 }))
    }

    fn verify(&mut self, item: &Item) -> Result<(), Fault> {
        let path = self.path(item)?;
        let found = self.store.head(&path)?;
        if found.is_some_and(|it| is_same(&fingerprint(&it), self.known(item))) {
            return Ok(());
        }
        let at = self.store.address(path.as_ref());
        let message = format!("{at} was replaced or deleted while it was read");
        Err(given_back(codes::INPUT_CHANGED, message)
            .with_hint("it is read anew as what it is now; give new objects keys of their own"))
    }

    fn settle(&self, item: &Item, outcome: Outcome) -> Vec<StoredAction> {
        let finished = match outcome {
            Outcome::Committed => &self.config.done,
            Outcome::Failed => &self.config.error,
        };
        let (Some(finished), Ok(path)) = (finished, self.path(item)) else { return Vec::new() };
        let to = match finished {
            Finished::Delete => None,
            Finished::Move(to) => Some(format!("{}/{}", to.trim_matches('/'), item.name)),
        };
        let fingerprint = self.known(item).clone();
        let (path, place) = (path.to_string(), self.store.place().to_owned());
        let action = Action::Finish(Finish { path, fingerprint, to, place });
        vec![action.stored(&self.stage, &self.deployed)]
    }

    fn interval(&self) -> Duration {
        self.config.interval.duration()
    }

    fn reprocess(&self) -> Reprocess {
        self.config.reprocess
    }

    fn waits_for_clearance(&self) -> bool {
        self.config.wait_for_clearance
    }
}

struct ObjectReader {
    reader: Box<dyn Reader>,
    object: Arc<Object>,
    bytes_seen: u64,
}

impl RecordReader for ObjectReader {
    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    fn read(&mut self) -> Result<Option<Read>, Fault> {
        let chunk = self.reader.read().map_err(|fault| self.object.explain(fault))?;
        let Some(chunk) = chunk else { return Ok(None) };
        let bytes_now = self.reader.bytes_read();
        let bytes = bytes_now.saturating_sub(self.bytes_seen);
        self.bytes_seen = bytes_now;
        Ok(Some(Read { batch: Batch::new(chunk.records, chunk.positions), bad: chunk.bad, bytes }))
    }
}
