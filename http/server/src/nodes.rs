//! Nodes of the cluster.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_domain::NodeName;
use weir_http_api::{NodeView, Page, Problem};

use crate::Engine;
use crate::error::Error;
use crate::extract::Part;

/// The engines of the cluster.
#[utoipa::path(get, path = "/nodes", tag = "nodes", operation_id = "listNodes",
    responses(
        (status = 200, description = "All nodes, by name", body = Page<NodeView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): State<Arc<dyn Engine>>,
) -> Result<Json<Page<NodeView>>, Error> {
    Ok(Json(Page::whole(engine.nodes().await?)))
}

/// One engine of the cluster.
#[utoipa::path(get, path = "/nodes/{name}", tag = "nodes", operation_id = "showNode",
    params(("name" = String, Path, description = "The node's name")),
    responses(
        (status = 200, description = "The node", body = NodeView),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    State(engine): State<Arc<dyn Engine>>,
    Part(name): Part<NodeName>,
) -> Result<Json<NodeView>, Error> {
    let mut nodes = engine.nodes().await?;
    match nodes.iter().position(|it| it.name == name) {
        Some(at) => Ok(Json(nodes.swap_remove(at).into())),
        None => Err(Error::not_found("node", &name, nodes.iter().map(|it| it.name.as_str()))),
    }
}
