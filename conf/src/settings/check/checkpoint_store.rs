//! Whether checkpoints can be kept where they are said to be.

use super::Checks;
use crate::settings::{CheckpointStoreKind, Settings};

impl Checks<'_> {
    /// Only the store in use is looked at.
    pub(super) fn checkpoint_store(&mut self, settings: &Settings) {
        let store = &settings.stream.checkpoint_store;
        let (endpoint, allow_http) = match store.kind {
            CheckpointStoreKind::Database => return,
            CheckpointStoreKind::Directory => {
                self.checkpoint_directory(settings);
                return;
            }
            CheckpointStoreKind::S3 => {
                self.named("s3.bucket", &store.s3.bucket);
                let (id, key) = (&store.s3.access_key_id, &store.s3.secret_access_key);
                if id.is_some() != key.is_some() {
                    let missing = if id.is_some() { "secret-access-key" } else { "access-key-id" };
                    let cause = "a key has two parts, and one is missing";
                    self.of_store(
                        &format!("s3.{missing}"),
                        cause,
                        "set it, best from the environment, or leave both out for those of the machine",
                    );
                }
                (("s3.endpoint", &store.s3.endpoint), store.s3.allow_http)
            }
            CheckpointStoreKind::Gcs => {
                self.named("gcs.bucket", &store.gcs.bucket);
                return;
            }
            CheckpointStoreKind::Azure => {
                self.named("azure.account", &store.azure.account);
                self.named("azure.container", &store.azure.container);
                (("azure.endpoint", &store.azure.endpoint), store.azure.allow_http)
            }
        };
        if let (key, Some(endpoint)) = endpoint {
            if endpoint.starts_with("http://") && !allow_http {
                let cause = "what is sent there could be read on its way";
                self.of_store(key, cause, "use https://, or set allow-http beside it");
            } else if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                self.of_store(key, "this is no address of a store", "write https://HOST[:PORT]");
            }
        }
    }

    fn checkpoint_directory(&mut self, settings: &Settings) {
        let path = settings.stream.checkpoint_store.directory.as_deref();
        let Some(path) = path else {
            let cause = "checkpoints are to be in a directory, and it is not named";
            self.of_store("directory", cause, "name one that all engines share");
            return;
        };
        if settings.has_peers() && path.is_relative() {
            let cause = "each engine would have a directory of its own";
            self.of_store("directory", cause, "write the whole path of one that all engines share");
        }
    }

    fn named(&mut self, key: &str, name: &str) {
        if name.is_empty() || name.contains('/') {
            let cause = "checkpoints are to be in a store of objects, and this is not its name";
            self.of_store(key, cause, "write its name alone; prefix says what is below it");
        }
    }

    fn of_store(&mut self, key: &str, cause: &str, fix: &str) {
        let path = format!("stream.checkpoint-store.{key}");
        let at = if self.is_default(&path) { "stream.checkpoint-store.type" } else { &path };
        let fix = if at == path { fix.to_owned() } else { format!("{path}: {fix}") };
        self.add(at, cause, &fix);
    }
}
