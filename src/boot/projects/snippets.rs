//! Snippets of projects: what they come to in a workflow, with what is wrong with it then.

use weir_domain::{Digest, Finding, ProjectName};
use weir_http_api::{AssetView, SnippetCut, SnippetInsert, SnippetInserted, SnippetStage};
use weir_http_server::ProjectRefusal;
use weir_project::Drafts;
use weir_workspace::{Cut, Inserted, Insertion};

use super::{ProjectDirs, told, view};

impl ProjectDirs {
    pub(super) async fn inserted(
        &self,
        (project, path): (ProjectName, String),
        request: SnippetInsert,
        read: Digest,
    ) -> Result<SnippetInserted, ProjectRefusal> {
        let name = format!("{project}/{path}");
        let SnippetInsert { snippet, after, before, prefix, dry_run } = request;
        let insertion = Insertion { snippet, after, before, prefix };
        let inserted = self.asked(move |it| {
            let dir = it.workspace.project(project.as_str())?.dir;
            let judged =
                |drafts: &Drafts| weir_project::load_drafts(&dir, &it.registry, drafts).findings;
            let before = judged(&Drafts::new());
            let done = it.workspace.insert(project.as_str(), &path, read, &insertion, dry_run)?;
            let Inserted { asset, stages } = done;
            let now = judged(&Drafts::from([(path, asset.text.clone())]));
            let findings = anew(&before, now).into_iter().map(Into::into).collect();
            let stages = stages.into_iter().map(|(of, name)| SnippetStage { of, name }).collect();
            Ok(SnippetInserted { workflow: view(asset), stages, findings, dry_run })
        });
        let inserted = inserted.await?;
        if !dry_run {
            told("snippet insert", &name, None);
        }
        Ok(inserted)
    }

    pub(super) async fn cut(
        &self,
        (project, path): (ProjectName, String),
        request: SnippetCut,
        read: Digest,
    ) -> Result<AssetView, ProjectRefusal> {
        let SnippetCut { stages, name, description, dry_run } = request;
        let (of, called) = (format!("{project}/{path}"), name.clone());
        let cut = Cut { stages, name, description };
        let made = self
            .asked(move |it| {
                it.workspace.cut(project.as_str(), &path, read, &cut, dry_run).map(view)
            })
            .await?;
        if !dry_run {
            told("snippet create", &of, Some(&called));
        }
        Ok(made)
    }
}

/// What was not found before: lines may have moved, so that they don't count.
fn anew(before: &[Finding], now: Vec<Finding>) -> Vec<Finding> {
    let is = |a: &Finding, b: &Finding| {
        (a.code, &a.place.file, &a.cause) == (b.code, &b.place.file, &b.cause)
    };
    now.into_iter().filter(|it| !before.iter().any(|one| is(one, it))).collect()
}
