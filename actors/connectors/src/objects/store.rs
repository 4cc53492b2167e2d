//! A store as the connector uses it: calls that block, and faults that say what to do.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{
    Error as Cause, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutPayload,
};
use tokio::runtime::Handle;
use weir_domain::{Fault, FaultKind};
use weir_persistence_objects::{Judged, Remote, judge};

use super::codes;
use super::connection::Connection;

#[derive(Clone)]
pub(super) struct Store(Arc<Remote>);

fn wait<T>(call: impl Future<Output = T>) -> T {
    Handle::current().block_on(call)
}

impl Store {
    pub(super) fn open(connection: &Connection) -> Result<Self, Fault> {
        Ok(Self::of(connection.open()?))
    }

    pub(super) fn of(remote: Remote) -> Self {
        Self(Arc::new(remote))
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> &str {
        &self.0.place
    }

    /// Of an object, or of all below a prefix.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}/{path}", self.0.address)
    }

    /// What could not be done, and what to do about it. `doing` is a clause: `can't list in/`.
    pub(super) fn fault(&self, doing: &str, cause: &Cause) -> Fault {
        let Judged { passes, said, advice } = judge(cause);
        let message = format!("{doing} in {}: {said}", self.0.place);
        match passes {
            true => Fault::transient(codes::AWAY, message).with_hint(advice),
            false => Fault::config(codes::ACCESS, message).with_hint(advice),
        }
    }

    /// All below a prefix, in no order. A list that breaks off is none.
    pub(super) fn list(&self, prefix: Option<&Path>) -> Result<Vec<ObjectMeta>, Fault> {
        let listed = wait(self.0.store.list(prefix).try_collect());
        listed.map_err(|it| self.fault(&format!("can't list {}", shown(prefix)), &it))
    }

    /// Whether there is something that can be listed.
    pub(super) fn check_access(&self, prefix: Option<&Path>) -> Result<(), Fault> {
        let looked = wait(self.0.store.list(prefix).try_next());
        looked.map(drop).map_err(|it| self.fault(&format!("can't list {}", shown(prefix)), &it))
    }

    /// Whether objects could be written below the prefix, of which nothing becomes visible.
    pub(super) fn check_writing(&self, path: &Path) -> Result<(), Fault> {
        self.check_access(Some(path))?;
        let doing = |it: &Cause| self.fault(&format!("can't write below {path}"), it);
        let upload = self.upload_begin(path).map_err(|it| doing(&it))?;
        self.upload_abort(path, &upload).map_err(|it| doing(&it))
    }

    pub(super) fn head(&self, path: &Path) -> Result<Option<ObjectMeta>, Fault> {
        match wait(self.0.store.head(path)) {
            Ok(meta) => Ok(Some(meta)),
            Err(Cause::NotFound { .. }) => Ok(None),
            Err(cause) => Err(self.fault(&format!("can't look at {path}"), &cause)),
        }
    }

    /// So many bytes from there on of the object with that tag, and what it is by then.
    pub(super) fn range(
        &self,
        path: &Path,
        (offset, bytes): (u64, u64),
        e_tag: Option<&String>,
    ) -> Result<(ObjectMeta, Bytes), Cause> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(offset..offset + bytes)),
            if_match: e_tag.cloned(),
            ..GetOptions::default()
        };
        wait(async {
            let found: GetResult = self.0.store.get_opts(path, options).await?;
            let meta = found.meta.clone();
            Ok((meta, found.bytes().await?))
        })
    }

    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<(), Fault> {
        let copied = wait(self.0.store.copy(from, to));
        copied.map_err(|it| self.fault(&format!("can't copy {from} to {to}"), &it))
    }

    /// Fine if it is gone.
    pub(super) fn delete(&self, path: &Path) -> Result<(), Fault> {
        match wait(self.0.store.delete(path)) {
            Ok(()) | Err(Cause::NotFound { .. }) => Ok(()),
            Err(cause) => Err(self.fault(&format!("can't delete {path}"), &cause)),
        }
    }

    pub(super) fn upload_begin(&self, path: &Path) -> Result<String, Cause> {
        wait(self.0.uploads.create_multipart(path))
    }

    pub(super) fn upload_part(
        &self,
        path: &Path,
        upload: &String,
        (number, content): (usize, Bytes),
    ) -> Result<String, Cause> {
        let content = PutPayload::from(content);
        wait(self.0.uploads.put_part(path, upload, number, content)).map(|it| it.content_id)
    }

    pub(super) fn upload_complete(
        &self,
        path: &Path,
        upload: &String,
        parts: &[String],
    ) -> Result<(), Cause> {
        let parts = parts.iter().map(|it| PartId { content_id: it.clone() }).collect();
        wait(self.0.uploads.complete_multipart(path, upload, parts)).map(drop)
    }

    /// Fine if it is gone.
    pub(super) fn upload_abort(&self, path: &Path, upload: &String) -> Result<(), Cause> {
        match wait(self.0.uploads.abort_multipart(path, upload)) {
            Err(cause) if !is_gone(&cause) => Err(cause),
            _ => Ok(()),
        }
    }
}

/// Whether an upload is not there any more. Azure has no uploads, and misses their blocks instead.
pub(super) fn is_gone(cause: &Cause) -> bool {
    let said = || judge(cause).said;
    matches!(cause, Cause::NotFound { .. })
        || ["NoSuchUpload", "InvalidBlockList", "status code: 404"]
            .iter()
            .any(|it| said().contains(it))
}

fn shown(prefix: Option<&Path>) -> String {
    prefix.map_or_else(|| "objects".to_owned(), |it| format!("objects below {it}"))
}

/// The object that was claimed is not there any more, and no further attempt can find it. What is there
/// instead is listed as what it is now, and claimed anew.
pub(super) fn given_back(code: u32, message: String) -> Fault {
    Fault::new(FaultKind::Stopped, code, message)
}

/// The path of a key below a prefix.
pub(super) fn path(prefix: Option<&str>, name: &str) -> Result<Path, Fault> {
    let prefix = prefix.unwrap_or_default().trim_matches('/');
    let key = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
    Path::parse(key.trim_matches('/')).map_err(|error| {
        Fault::data(codes::OUTPUT_OBJECT, format!("{key:?} can't be the key of an object: {error}"))
            .with_hint("use names without empty parts, `.` and `..`")
    })
}
