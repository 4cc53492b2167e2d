//! Projects of a configuration server, and their assets.

use reqwest::{Method, RequestBuilder};
use weir_domain::Digest;
use weir_http_api::{
    AssetEffective, AssetRename, AssetRenamed, AssetSummary, AssetUsage, AssetView, AssetWrite,
    Page, ProjectCreate, ProjectImport, ProjectOpen, ProjectRemove, ProjectRename, ProjectSummary,
    Validation, ZIP,
};

use crate::{Client, Error};

impl Client {
    pub async fn projects(&self) -> Result<Page<ProjectSummary>, Error> {
        self.get(&["projects"]).await
    }

    /// Validates a project; it changes nothing.
    pub async fn project_validate(&self, name: &str) -> Result<Validation, Error> {
        self.post(&["projects", &format!("{name}:validate")]).await
    }

    pub async fn project(&self, name: &str) -> Result<ProjectSummary, Error> {
        self.get(&["projects", name]).await
    }

    pub async fn project_create(&self, new: &ProjectCreate) -> Result<ProjectSummary, Error> {
        self.decoded(self.command(Method::POST, &["projects"]).json(new)).await
    }

    /// Takes in a directory of the server's machine.
    pub async fn project_open(&self, request: &ProjectOpen) -> Result<ProjectSummary, Error> {
        self.decoded(self.command(Method::POST, &["projects:open"]).json(request)).await
    }

    pub async fn project_rename(&self, name: &str, to: &str) -> Result<ProjectSummary, Error> {
        let request = self.command(Method::PATCH, &["projects", name]);
        self.decoded(request.json(&ProjectRename { name: to.to_owned() })).await
    }

    /// Forgets a project, or deletes its files as well.
    pub async fn project_remove(
        &self,
        name: &str,
        how: &ProjectRemove,
    ) -> Result<ProjectSummary, Error> {
        self.decoded(self.command(Method::DELETE, &["projects", name]).query(how)).await
    }

    /// The project as a ZIP archive.
    pub async fn project_export(&self, name: &str) -> Result<Vec<u8>, Error> {
        let url = self.url(&["projects", name, "archive"]);
        let response = self.sent(self.authorized(self.http.get(url))).await?;
        match response.status().is_success() {
            true => self.body(response).await,
            false => Err(self.refused(response).await),
        }
    }

    /// Makes a project of a ZIP archive.
    pub async fn project_import(
        &self,
        archive: Vec<u8>,
        how: &ProjectImport,
    ) -> Result<ProjectSummary, Error> {
        let request = self.command(Method::POST, &["projects:import"]).query(how);
        self.decoded(request.header("content-type", ZIP).body(archive)).await
    }

    pub async fn assets(&self, project: &str) -> Result<Page<AssetSummary>, Error> {
        self.get(&["projects", project, "assets"]).await
    }

    pub async fn asset(&self, project: &str, path: &str) -> Result<AssetView, Error> {
        self.get(&["projects", project, "assets", path]).await
    }

    /// Writes an asset over the text that was read; `None`: as a new one.
    pub async fn asset_write(
        &self,
        project: &str,
        path: &str,
        text: String,
        read: Option<Digest>,
    ) -> Result<AssetView, Error> {
        let request = self.command(Method::PUT, &["projects", project, "assets", path]);
        self.decoded(based(request, read).json(&AssetWrite { text })).await
    }

    pub async fn asset_delete(
        &self,
        project: &str,
        path: &str,
        read: Digest,
    ) -> Result<AssetView, Error> {
        let request = self.command(Method::DELETE, &["projects", project, "assets", path]);
        self.decoded(based(request, Some(read))).await
    }

    /// Renames an asset wherever it is named.
    pub async fn asset_rename(
        &self,
        project: &str,
        path: &str,
        to: &str,
        read: Digest,
    ) -> Result<AssetRenamed, Error> {
        let request = self.command(Method::POST, &["projects", project, "assets", path, "rename"]);
        let body = AssetRename { name: to.to_owned() };
        self.decoded(based(request, Some(read)).json(&body)).await
    }

    /// The asset with all that it has from those that it extends.
    pub async fn asset_effective(
        &self,
        project: &str,
        path: &str,
    ) -> Result<AssetEffective, Error> {
        self.get(&["projects", project, "assets", path, "effective"]).await
    }

    pub async fn asset_usages(&self, project: &str, path: &str) -> Result<Page<AssetUsage>, Error> {
        self.get(&["projects", project, "assets", path, "usages"]).await
    }
}

/// What a change is based on, as its headers say.
pub(crate) fn based(request: RequestBuilder, read: Option<Digest>) -> RequestBuilder {
    match read {
        Some(digest) => request.header("if-match", format!("\"{digest}\"")),
        None => request.header("if-none-match", "*"),
    }
}
