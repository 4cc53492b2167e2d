//! Snippets of a project: put into its workflows, and made of their stages.

use reqwest::Method;
use weir_domain::Digest;
use weir_http_api::{AssetView, SnippetCut, SnippetInsert, SnippetInserted};

use crate::projects::based;
use crate::{Client, Error};

impl Client {
    /// Puts a snippet into the workflow of that path, as it was read.
    pub async fn snippet_insert(
        &self,
        project: &str,
        path: &str,
        insert: &SnippetInsert,
        read: Digest,
    ) -> Result<SnippetInserted, Error> {
        let request = self.command(Method::POST, &["projects", project, "assets", path, "insert"]);
        self.decoded(based(request, Some(read)).json(insert)).await
    }

    /// Makes a snippet of stages of the workflow of that path, as it was read.
    pub async fn snippet_cut(
        &self,
        project: &str,
        path: &str,
        cut: &SnippetCut,
        read: Digest,
    ) -> Result<AssetView, Error> {
        let request = self.command(Method::POST, &["projects", project, "assets", path, "snippet"]);
        self.decoded(based(request, Some(read)).json(cut)).await
    }
}
