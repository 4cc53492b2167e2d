//! The operations of a configuration server, each a file of its data directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use weir_domain::{CommandId, Fault};
use weir_http_api::OperationView;
use weir_http_server::OperationStore;
use weir_runtime::Tasks;

use super::durable;

/// In the data directory.
const DIRECTORY: &str = "operations";
const SUFFIX: &str = "json";

/// A file is the whole former one or the whole new one, whatever ends the process.
pub(crate) struct OperationFiles {
    tasks: Tasks,
    directory: PathBuf,
}

impl OperationFiles {
    pub(crate) fn in_data_dir(tasks: Tasks, data_dir: &Path) -> Self {
        Self { tasks, directory: data_dir.join(DIRECTORY) }
    }

    fn path(&self, id: CommandId) -> PathBuf {
        self.directory.join(format!("{id}.{SUFFIX}"))
    }

    async fn done<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Fault> {
        let directory = self.directory.clone();
        let shown = directory.display().to_string();
        let task = self.tasks.spawn_blocking("operations/files", move || work(&directory));
        let done = task.join().await.map_err(|it| Fault::transient(100, it.to_string()))?;
        done.map_err(|it| {
            let message = format!("an operation can't be {what} in {shown}: {it}");
            Fault::transient(100, message).with_hint("look at the disk, and at who may write there")
        })
    }
}

#[async_trait]
impl OperationStore for OperationFiles {
    async fn all(&self) -> Result<Vec<OperationView>, Fault> {
        self.done("read", all).await
    }

    async fn save(&self, operation: OperationView) -> Result<(), Fault> {
        let path = self.path(operation.id);
        self.done("kept", move |directory| {
            fs::create_dir_all(directory)?;
            let text = serde_json::to_vec_pretty(&operation).map_err(io::Error::from)?;
            durable::write(&path, &text)
        })
        .await
    }

    async fn forget(&self, id: CommandId) -> Result<(), Fault> {
        let path = self.path(id);
        self.done("forgotten", move |_| match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        })
        .await
    }
}

fn all(directory: &Path) -> io::Result<Vec<OperationView>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|it| it != SUFFIX) {
            continue;
        }
        let read = fs::read(&path);
        match read.and_then(|it| serde_json::from_slice(&it).map_err(io::Error::from)) {
            Ok(operation) => found.push(operation),
            // It tells of the past: nothing waits for it.
            Err(error) => {
                let file = path.display();
                tracing::warn!(code = "WEIR-00101", %file, %error, "an operation is left out");
            }
        }
    }
    Ok(found)
}
