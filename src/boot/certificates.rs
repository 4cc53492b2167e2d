//! The certificates that a process shows, as the files are now: they end whoever looks, and what runs does not stand
//! still because of it, so that it has to be said.

use std::path::PathBuf;
use std::sync::Arc;

use weir_conf::Settings;
use weir_domain::Timestamp;
use weir_remote::read_certificate;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Certificates(Arc<Vec<(&'static str, PathBuf)>>);

impl Certificates {
    /// Of an engine: those that it shows its peers, and its clients.
    pub(crate) fn of_engine(settings: &Settings) -> Self {
        Self::of([
            ("weir.cluster.tls.certificate", settings.cluster.tls.certificate.clone()),
            ("weir.rest-server.tls.certificate", settings.rest_server.tls.certificate.clone()),
            ("weir.management.tls.certificate", settings.management.tls.certificate.clone()),
            ("weir.metrics.tls.certificate", settings.metrics.tls.certificate.clone()),
        ])
    }

    /// Of a configuration server: those that it shows browsers, and others that share its store.
    pub(crate) fn of_config_server(settings: &Settings) -> Self {
        Self::of([
            ("weir.config-server.tls.certificate", settings.config_server.tls.certificate.clone()),
            ("weir.cluster.tls.certificate", settings.cluster.tls.certificate.clone()),
        ])
    }

    fn of<const N: usize>(all: [(&'static str, Option<PathBuf>); N]) -> Self {
        let named = all.into_iter().filter_map(|(key, path)| Some((key, path?)));
        Self(Arc::new(named.collect()))
    }

    /// When the first of them ends.
    pub(crate) fn first_end(&self) -> Option<Timestamp> {
        self.ends().map(|it| it.1).min()
    }

    /// Those that nobody believes any more.
    pub(crate) fn warnings(&self, now: Timestamp) -> Vec<String> {
        let ended = self.ends().filter(|it| it.1 <= now);
        ended.map(|(key, at)| format!("the certificate of {key} has ended: {at}")).collect()
    }

    /// One that can't be read now is told of where it is used.
    fn ends(&self) -> impl Iterator<Item = (&'static str, Timestamp)> {
        let read = |path: &PathBuf| Some(read_certificate(path).ok()?.expires);
        self.0.iter().filter_map(move |(key, path)| Some((*key, read(path)?)))
    }
}
