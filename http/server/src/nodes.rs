//! Nodes of the cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use weir_domain::NodeName;
use weir_http_api::{NodeView, Page, Problem};

use crate::Engine;
use crate::error::Error;
use crate::extract::Part;
use crate::scheduler::drained;
use crate::storages::Storages;

/// The engines of the cluster.
#[utoipa::path(get, path = "/nodes", tag = "nodes", operation_id = "listNodes",
    responses(
        (status = 200, description = "All nodes, by name", body = Page<NodeView>),
        (status = "default", description = "Why not", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn list(
    State(engine): State<Arc<dyn Engine>>,
    storages: Option<Extension<Storages>>,
) -> Result<Json<Page<NodeView>>, Error> {
    let mut page: Page<NodeView> = Page::whole(engine.nodes().await?);
    let drained = drained(storages.as_deref()).await;
    page.items.iter_mut().for_each(|it| it.drained = said(drained.as_ref(), &it.name));
    Ok(Json(page))
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
    storages: Option<Extension<Storages>>,
    Part(name): Part<NodeName>,
) -> Result<Json<NodeView>, Error> {
    let mut nodes = engine.nodes().await?;
    match nodes.iter().position(|it| it.name == name) {
        Some(at) => {
            let drained = said(drained(storages.as_deref()).await.as_ref(), &name);
            Ok(Json(NodeView { drained, ..nodes.swap_remove(at).into() }))
        }
        None => Err(Error::not_found("node", &name, nodes.iter().map(|it| it.name.as_str()))),
    }
}

/// What the scheduler says of one node.
fn said(drained: Option<&BTreeSet<NodeName>>, node: &NodeName) -> Option<bool> {
    drained.map(|it| it.contains(node))
}
