//! The one-time secret that the first administrator is made with: there is no default password.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use weir_secrets::{Secret, write_private};

/// Tells the operator of this host.
pub trait SetUpNotice: Send + Sync + 'static {
    /// The cluster has no administrator: whoever has this makes the first one. It replaces former ones.
    fn announce(&self, secret: &Secret);

    /// It was used: it opens nothing any more.
    fn used(&self);
}

/// Writes it to a file that only the user who runs Weir can read.
#[derive(Debug, Clone)]
pub struct SetUpFile(pub PathBuf);

impl SetUpFile {
    fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != ErrorKind::NotFound
        {
            let path = self.0.display();
            tracing::warn!(code = "WEIR-06142", %path, %error, "an old set-up secret can't be removed");
        }
    }
}

impl SetUpNotice for SetUpFile {
    fn announce(&self, secret: &Secret) {
        self.remove();
        let path = self.0.display();
        match write_private(&self.0, secret) {
            Ok(()) => tracing::warn!(
                code = "WEIR-06140", %path,
                "the cluster has no administrator: make the first administrator with the secret in this file"
            ),
            Err(error) => tracing::error!(
                code = "WEIR-06141", %path, %error,
                "the cluster has no administrator, and the set-up secret can't be written"
            ),
        }
    }

    fn used(&self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use weir_secrets::read_private;

    use super::*;

    #[test]
    fn the_last_secret_stands_in_the_file_until_it_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let file = SetUpFile(dir.path().join("set-up-secret"));
        for text in ["first", "second"] {
            let secret = Secret::from(text.to_owned());
            file.announce(&secret);
            assert_eq!(read_private(&file.0).unwrap(), secret);
        }
        file.used();
        assert!(!file.0.exists());
    }
}
