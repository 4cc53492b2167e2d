//! Which Weir answers.

use axum::{Extension, Json};
use weir_http_api::{ClusterIdentity, LimitsView, VersionView};

use crate::Guard;

/// The server's name, put beside the routes: the handler is the same for all servers.
#[derive(Clone, Copy)]
pub(crate) struct ServerName(pub(crate) &'static str);

/// Which server answers, its version, and how long what is sent to it may be.
#[utoipa::path(get, path = "/version", tag = "version", operation_id = "version",
    responses((status = 200, description = "The version", body = VersionView)))]
pub(crate) async fn show(
    Extension(ServerName(server)): Extension<ServerName>,
    guard: Option<Extension<Guard>>,
    limits: Option<Extension<LimitsView>>,
) -> Json<VersionView> {
    let cluster = guard.and_then(|Extension(it)| it.cluster().cloned());
    Json(VersionView {
        server: server.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        api: "v1".to_owned(),
        cluster: cluster.map(|(id, name)| ClusterIdentity { id, name }),
        limits: limits.map(|Extension(it)| it),
    })
}
