//! What a route needs, said where it is declared: in its OpenAPI document and before its handler.
//!
//! A route that is declared without any of these has no `security` in its document, which a test
//! that walks the documents refuses.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Query, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::MethodRouter;
use serde::de::IgnoredAny;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{HttpMethod, RefOr};
use utoipa_axum::router::UtoipaMethodRouter;
use weir_domain::{UserClaim, did_you_mean};

use super::pass::pass;
use crate::error::Error;

/// What is shown to everybody where `weir.rest-server.anonymous-reads` says so.
pub(super) const OPEN_READS: [UserClaim; 6] = [
    UserClaim::ClusterRead,
    UserClaim::AlarmRead,
    UserClaim::DeploymentRead,
    UserClaim::AccessRead,
    UserClaim::WorkflowRead,
    UserClaim::StreamRead,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Everybody may.
    Nothing,
    /// Whoever is known.
    LogIn,
    Claim(UserClaim),
    /// The same, where the path does not tell which project it is about: who has the claim for some
    /// projects is let in, and what decides of the change is told for which (`Caller::reach`).
    Within(UserClaim),
}

impl Need {
    pub(super) fn claim(self) -> Option<UserClaim> {
        match self {
            Self::Nothing | Self::LogIn => None,
            Self::Claim(claim) | Self::Within(claim) => Some(claim),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) need: Need,
    /// `noun verb`: what it is called in the audit. `None`: it changes nothing.
    pub(crate) action: Option<&'static str>,
}

impl Rule {
    pub(crate) fn is_command(self) -> bool {
        self.action.is_some()
    }

    pub(crate) fn is_open_read(self) -> bool {
        !self.is_command() && self.need.claim().is_some_and(|it| OPEN_READS.contains(&it))
    }

    pub(crate) fn layer<S: Clone + Send + Sync + 'static>(
        self,
        router: MethodRouter<S>,
    ) -> MethodRouter<S> {
        router.route_layer(from_fn(move |request: Request, next: Next| pass(self, request, next)))
    }

    fn security(self) -> Vec<SecurityRequirement> {
        let nobody = SecurityRequirement::default();
        match self.need {
            Need::Nothing => vec![nobody],
            Need::LogIn => vec![SecurityRequirement::new("token", Vec::<String>::new())],
            Need::Claim(claim) | Need::Within(claim) => {
                let claim = SecurityRequirement::new("token", [claim.as_str()]);
                if self.is_open_read() { vec![nobody, claim] } else { vec![claim] }
            }
        }
    }
}

/// Everybody may, and it changes nothing.
pub(crate) fn open<S>(routes: UtoipaMethodRouter<S>) -> UtoipaMethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    declared(Rule { need: Need::Nothing, action: None }, routes)
}

/// Everybody may try: whether it is done depends on what they bring.
pub(crate) fn tried<S>(action: &'static str, routes: UtoipaMethodRouter<S>) -> UtoipaMethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    declared(Rule { need: Need::Nothing, action: Some(action) }, routes)
}

/// It shows something.
pub(crate) fn read<S>(need: impl Into<Need>, routes: UtoipaMethodRouter<S>) -> UtoipaMethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    declared(Rule { need: need.into(), action: None }, routes)
}

/// It changes something, or gives something away, and is recorded.
pub(crate) fn command<S>(
    need: impl Into<Need>,
    action: &'static str,
    routes: UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    declared(Rule { need: need.into(), action: Some(action) }, routes)
}

impl From<UserClaim> for Need {
    fn from(claim: UserClaim) -> Self {
        Self::Claim(claim)
    }
}

/// Whether it was declared so that everybody may.
pub(crate) fn is_for_everybody(operation: &Operation) -> bool {
    operation.security == Some(Rule { need: Need::Nothing, action: None }.security())
}

fn declared<S>(
    rule: Rule,
    (schemas, mut paths, router): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let mut known = BTreeSet::new();
    for (_, operation) in paths.paths.values_mut().flat_map(operations) {
        operation.security = Some(rule.security());
        let named = operation.parameters.iter().flatten();
        known.extend(named.filter_map(|it| match it {
            RefOr::T(it) if it.parameter_in == ParameterIn::Query => Some(it.name.clone()),
            RefOr::T(_) | RefOr::Ref(_) => None,
        }));
    }
    let known = Arc::new(known);
    let check = from_fn(move |request: Request, next: Next| queried(known.clone(), request, next));
    (schemas, paths, rule.layer(router.route_layer(check)))
}

/// Refuses what is asked for in the query and means nothing to the route: a dry run that is none
/// would be carried out.
async fn queried(
    known: Arc<BTreeSet<String>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let query = Query::<Vec<(String, IgnoredAny)>>::try_from_uri(request.uri());
    // What can't be read at all is refused by the handler, in its own words.
    let asked = query.into_iter().flat_map(|Query(it)| it).map(|it| it.0);
    match asked.into_iter().find(|it| !known.contains(it)) {
        None => Ok(next.run(request).await),
        Some(name) => {
            let near = did_you_mean(&name, known.iter().map(String::as_str));
            let reason = match near {
                Some(near) => format!("nothing here is called so: did you mean {near}?"),
                None if known.is_empty() => "nothing can be asked for here".to_owned(),
                None => {
                    let known: Vec<_> = known.iter().map(String::as_str).collect();
                    format!("what can be asked for here is {}", known.join(", "))
                }
            };
            Err(Error::Invalid { pointer: format!("query/{name}"), reason })
        }
    }
}

/// The operations of a path, with their methods.
pub(crate) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    use HttpMethod::{Delete, Get, Patch, Post, Put};
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [(Get, get), (Put, put), (Post, post), (Delete, delete), (Patch, patch)];
    all.into_iter().filter_map(|(method, it)| Some((method, it.as_mut()?)))
}
