//! Projects of a configuration server, and their assets.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;
use weir_domain::{Digest, did_you_mean};
use weir_http_api::{
    AssetEffective, AssetRenamed, AssetSummary, AssetUsage, AssetView, Page, ProjectCreate,
    ProjectImport, ProjectOpen, ProjectRemove, ProjectSummary,
};
use weir_http_client::{Client, List};

use crate::cli::exit::Reason;
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::human::{plain, plural};
use crate::cli::listing::Listing;
use crate::cli::look::{Look, Tone};
use crate::cli::output::Output;
use crate::cli::table::{self, Column, Rows};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the projects of a configuration server
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Make an empty project on a configuration server
    Create {
        name: String,
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Take in a directory of the server's machine that is a project
    Open {
        /// From the root of the server's file system
        directory: String,
    },
    /// Forget a project; its files stay
    Remove {
        project: String,
        /// Delete its files as well: the project's name once more
        #[arg(long, value_name = "PROJECT")]
        delete_files_of: Option<String>,
    },
    /// Give a project another name
    Rename { project: String, name: String },
    /// Write a project into a ZIP archive
    Export {
        project: String,
        /// PROJECT.zip, if it is not said
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Make a project of a ZIP archive
    Import {
        file: PathBuf,
        /// Its name, instead of the one in the archive
        #[arg(long)]
        name: Option<String>,
    },
    /// List the assets of a project
    Assets {
        project: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Print the text of an asset
    Show {
        project: String,
        #[command(flatten)]
        asset: AssetArg,
        /// With all that it has from assets that it extends, and where each value is written
        #[arg(long)]
        effective: bool,
    },
    /// Write an asset from a file
    Put {
        project: String,
        /// Its path in the project, as sources/orders.yaml
        path: String,
        file: PathBuf,
        #[command(flatten)]
        read: ReadArg,
    },
    /// Delete an asset that no other one names
    Rm {
        project: String,
        #[command(flatten)]
        asset: AssetArg,
        #[command(flatten)]
        read: ReadArg,
    },
    /// Give an asset another name wherever it is named
    Mv {
        project: String,
        #[command(flatten)]
        asset: AssetArg,
        /// The new name
        name: String,
        #[command(flatten)]
        read: ReadArg,
    },
    /// List where other assets name an asset
    Usages {
        project: String,
        #[command(flatten)]
        asset: AssetArg,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AssetArg {
    /// Its path in the project, as sources/orders.yaml, or its kind and name, as source/orders
    asset: String,
}

#[derive(Debug, Args)]
pub(crate) struct ReadArg {
    /// Only if it has this etag, as `weir project assets` shows; without it whatever is there now
    #[arg(long, value_name = "ETAG")]
    if_etag: Option<Digest>,
}

impl Verb {
    pub(crate) async fn run(self, client: &Client, out: &Output) -> Result<ExitCode, Failure> {
        match self {
            Self::List { listing } => {
                let refused = |it| Failure::of_client("can't list projects", it);
                listing.show((client, out), List::projects(), refused, listed).await?;
            }
            Self::Create { name, description } => {
                let what = format!("can't make the project {}", plain(&name));
                let made = client.project_create(&ProjectCreate { name, description }).await;
                out.show(&made.map_err(|it| Failure::of_client(what, it))?, shown)?;
            }
            Self::Open { directory } => {
                let what = format!("can't open {}", plain(&directory));
                let opened = client.project_open(&ProjectOpen { directory }).await;
                out.show(&opened.map_err(|it| Failure::of_client(what, it))?, shown)?;
            }
            Self::Remove { project, delete_files_of } => {
                let what = format!("can't remove {}", plain(&project));
                let is_deleted = delete_files_of.is_some();
                let how = ProjectRemove { delete_files_of };
                let gone = client.project_remove(&project, &how).await;
                let gone = gone.map_err(|it| Failure::of_client(what, it))?;
                out.show(&gone, |it, _| removed(it, is_deleted))?;
            }
            Self::Rename { project, name } => {
                let what = format!("can't rename {}", plain(&project));
                let renamed = client.project_rename(&project, &name).await;
                out.show(&renamed.map_err(|it| Failure::of_client(what, it))?, shown)?;
            }
            Self::Export { project, file } => export(client, out, &project, file).await?,
            Self::Import { file, name } => {
                let shown_file = file.display().to_string();
                let archive = std::fs::read(&file);
                let archive = archive.map_err(|it| files::unread(&shown_file, &it))?;
                let made = client.project_import(archive, &ProjectImport { name }).await;
                let what = format!("can't import {}", plain(&shown_file));
                out.show(&made.map_err(|it| Failure::of_client(what, it))?, shown)?;
            }
            Self::Assets { project, listing } => {
                let what = format!("can't list the assets of {}", plain(&project));
                let refused = |it| Failure::of_client(what, it);
                listing.show((client, out), List::assets(&project), refused, assets).await?;
            }
            Self::Show { project, asset, effective: true } => {
                let path = asset.path(client, &project).await?;
                let whole = client.asset_effective(&project, &path).await;
                let what = format!("can't show {}", plain(&path));
                out.show(&whole.map_err(|it| Failure::of_client(what, it))?, effective)?;
            }
            Self::Show { project, asset, effective: false } => {
                let asset = asset.read(client, &project).await?;
                out.show(&asset, |it, _| it.text.clone())?;
            }
            Self::Put { project, path, file, read } => {
                put(client, out, (&project, &path), (&file, read)).await?;
            }
            Self::Rm { project, asset, read } => {
                let (asset, etag) = asset.known(client, &project, read).await?;
                let gone = client.asset_delete(&project, &asset, etag).await;
                let what = format!("can't delete {}", plain(&asset));
                let gone = gone.map_err(|it| Failure::of_client(what, it))?;
                out.show(&gone, |it, _| format!("{} is deleted\n", named(&it.asset)))?;
            }
            Self::Mv { project, asset, name, read } => {
                let (asset, etag) = asset.known(client, &project, read).await?;
                let renamed = client.asset_rename(&project, &asset, &name, etag).await;
                let what = format!("can't rename {}", plain(&asset));
                out.show(&renamed.map_err(|it| Failure::of_client(what, it))?, |it, _| moved(it))?;
            }
            Self::Usages { project, asset } => {
                let path = asset.path(client, &project).await?;
                let page = client.asset_usages(&project, &path).await;
                let what = format!("can't tell who names {}", plain(&path));
                out.show(&page.map_err(|it| Failure::of_client(what, it))?, usages)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn export(
    client: &Client,
    out: &Output,
    project: &str,
    file: Option<PathBuf>,
) -> Result<(), Failure> {
    let what = format!("can't export {}", plain(project));
    let archive = client.project_export(project).await;
    let archive = archive.map_err(|it| Failure::of_client(what, it))?;
    let file = file.unwrap_or_else(|| PathBuf::from(format!("{project}.zip")));
    let written = std::fs::write(&file, &archive);
    written.map_err(|it| files::unwritten(file.display(), &it))?;
    let exported = Exported { file: file.display().to_string(), bytes: archive.len() as u64 };
    out.show(&exported, |it, _| format!("{}: {} bytes\n", plain(&it.file), it.bytes))
}

#[derive(Serialize)]
struct Exported {
    file: String,
    bytes: u64,
}

async fn put(
    client: &Client,
    out: &Output,
    (project, path): (&str, &str),
    (file, read): (&std::path::Path, ReadArg),
) -> Result<(), Failure> {
    let what = || format!("can't write {}", plain(path));
    let text = files::text("the asset", file)?;
    let read = match read.if_etag {
        Some(etag) => Some(etag),
        None => {
            let page = client.assets(project).await;
            let page = page.map_err(|it| Failure::of_client(what(), it))?;
            page.items.into_iter().find(|it| it.path == path).and_then(|it| it.etag)
        }
    };
    let written = client.asset_write(project, path, text, read).await;
    let written = written.map_err(|it| Failure::of_client(what(), it))?;
    out.show(&written, |it, _| format!("{} is written\n", named(&it.asset)))
}

impl AssetArg {
    /// The asset of a kind that is meant by a name, or by what this takes else.
    pub(super) fn of(kind: &str, given: &str) -> Self {
        let is_whole = given.contains('/') || given.ends_with(".yaml") || given.ends_with(".yml");
        Self { asset: if is_whole { given.to_owned() } else { format!("{kind}/{given}") } }
    }

    /// What is no path is a kind and a name.
    pub(super) async fn path(&self, client: &Client, project: &str) -> Result<String, Failure> {
        let asset = self.asset.as_str();
        if asset.ends_with(".yaml") || asset.ends_with(".yml") {
            return Ok(asset.to_owned());
        }
        let what = format!("can't find {}", plain(asset));
        let page = client.assets(project).await;
        let items = page.map_err(|it| Failure::of_client(what.clone(), it))?.items;
        let called = |it: &AssetSummary| {
            Some(format!("{}/{}", it.kind.as_ref()?.to_lowercase(), it.name.as_ref()?))
        };
        let (kind, name) = asset.split_once('/').unwrap_or(("", asset));
        let wanted = format!("{}/{name}", kind.to_lowercase());
        if let Some(it) = items.iter().find(|it| called(it).as_deref() == Some(&wanted)) {
            return Ok(it.path.clone());
        }
        let known: Vec<_> = items.iter().filter_map(called).collect();
        let near = did_you_mean(&wanted, known.iter().map(String::as_str));
        let hint = match near {
            Some(near) => format!("did you mean {near}?"),
            None => format!("weir project assets {}", plain(project)),
        };
        let why = format!("the project {} has no such asset", plain(project));
        Err(Failure::new(Reason::Unknown, what, why).with_hint(hint))
    }

    async fn read(&self, client: &Client, project: &str) -> Result<AssetView, Failure> {
        let path = self.path(client, project).await?;
        let asset = client.asset(project, &path).await;
        asset.map_err(|it| Failure::of_client(format!("can't show {}", plain(&path)), it))
    }

    /// Its path, and the etag that it must have.
    pub(super) async fn known(
        &self,
        client: &Client,
        project: &str,
        read: ReadArg,
    ) -> Result<(String, Digest), Failure> {
        if let Some(etag) = read.if_etag {
            return Ok((self.path(client, project).await?, etag));
        }
        let asset = self.read(client, project).await?.asset;
        let etag = asset.etag.ok_or_else(|| {
            let what = format!("can't change {}", plain(&asset.path));
            Failure::new(Reason::Unusable, what, "its file can't be read")
        })?;
        Ok((asset.path, etag))
    }
}

fn named(it: &AssetSummary) -> String {
    let [kind, name] = [&it.kind, &it.name].map(|it| it.as_deref().unwrap_or("?"));
    format!("{} {}, {},", plain(kind), plain(name), plain(&it.path))
}

fn listed(page: &Page<ProjectSummary>, look: &Look) -> String {
    let narrow = [
        Column::Text("NAME"),
        Column::Number("WORKFLOWS"),
        Column::Number("ERRORS"),
        Column::Number("WARNINGS"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Column::Text("DIRECTORY")]);
    for it in &page.items {
        let mut cells = vec![
            table::text(it.name.as_str()),
            table::count(it.workflows.len() as u64),
            table::bad_count(it.errors.into(), Tone::Bad),
            table::bad_count(it.warnings.into(), Tone::Warn),
        ];
        if it.being_looked_at {
            cells[1..].fill_with(|| table::text("…"));
        }
        rows.add(cells, vec![table::text(&it.directory)]);
    }
    let amiss = page.items.iter().filter_map(|it| it.amiss.as_ref());
    let amiss = amiss.map(|it| format!("{} {}\n", look.paint(Tone::Bad, "✗"), plain(it)));
    rows.text() + &amiss.collect::<String>()
}

pub(super) fn shown(it: &ProjectSummary, _: &Look) -> String {
    let workflows = it.workflows.iter().map(|it| plain(it.as_str())).collect::<Vec<_>>();
    let mut facts = vec![
        ("project", plain(it.name.as_str())),
        ("directory", plain(&it.directory)),
        ("workflows", workflows.join(", ")),
        (
            "findings",
            format!(
                "{}, {}",
                plural(it.errors as usize, "error"),
                plural(it.warnings as usize, "warning")
            ),
        ),
    ];
    if let Some(description) = &it.description {
        facts.insert(1, ("description", plain(description)));
    }
    table::facts(&facts)
}

fn removed(it: &ProjectSummary, is_deleted: bool) -> String {
    let (name, directory) = (plain(it.name.as_str()), plain(&it.directory));
    match is_deleted {
        true => format!("{name} is deleted, with all its files in {directory}\n"),
        false => format!("{name} is removed; its files stay in {directory}\n"),
    }
}

fn assets(page: &Page<AssetSummary>, look: &Look) -> String {
    let narrow = [
        Column::Text("KIND"),
        Column::Text("NAME"),
        Column::Text("PATH"),
        Column::Number("FINDINGS"),
    ];
    let mut rows = Rows::new(look, &narrow, &[Column::Text("ETAG"), Column::Text("DESCRIPTION")]);
    for it in &page.items {
        let of = |it: &Option<String>| table::text(it.as_deref().unwrap_or("-"));
        let etag = it.etag.map(|it| it.to_string());
        rows.add(
            vec![
                of(&it.kind),
                of(&it.name),
                table::text(&it.path),
                table::bad_count(it.findings.len() as u64, Tone::Bad),
            ],
            vec![of(&etag), of(&it.description)],
        );
    }
    rows.text()
}

fn effective(it: &AssetEffective, look: &Look) -> String {
    let narrow = [Column::Text("AT"), Column::Text("VALUE"), Column::Text("PLACE")];
    let mut rows = Rows::new(look, &narrow, &[]);
    for field in &it.fields {
        let place = format!("{}:{}:{}", field.path, field.line, field.column);
        let value = value_at(&it.spec, &field.at).map(ToString::to_string);
        let value = table::text(value.as_deref().unwrap_or("-"));
        rows.add(vec![table::text(&field.at), value, table::text(&place)], vec![]);
    }
    rows.text()
}

/// The value at a path that names the entries of lists, as far as its keys are plain.
fn value_at<'v>(spec: &'v Value, at: &str) -> Option<&'v Value> {
    let mut value = spec;
    for step in at.strip_prefix("spec.")?.split('.') {
        let (key, names) = step.split_once('[').map_or((step, None), |it| (it.0, Some(it.1)));
        value = value.get(key)?;
        for name in names.into_iter().flat_map(|it| it.strip_suffix(']').unwrap_or(it).split("]["))
        {
            value = value.as_array()?.iter().find(|it| it["name"] == name)?;
        }
    }
    Some(value)
}

fn moved(it: &AssetRenamed) -> String {
    let users: String = it.users.iter().map(|it| format!("changed {}\n", plain(it))).collect();
    let AssetSummary { kind, name, path, .. } = &it.asset.asset;
    let [kind, name] = [kind, name].map(|it| plain(it.as_deref().unwrap_or("?")));
    format!("{kind} {name} is {}\n{users}", plain(path))
}

fn usages(page: &Page<AssetUsage>, look: &Look) -> String {
    let narrow =
        [Column::Text("KIND"), Column::Text("NAME"), Column::Text("PLACE"), Column::Text("AT")];
    let mut rows = Rows::new(look, &narrow, &[Column::Text("BY")]);
    for it in &page.items {
        let place = format!("{}:{}:{}", it.path, it.line, it.column);
        rows.add(
            vec![
                table::text(&it.kind),
                table::text(&it.name),
                table::text(&place),
                table::text(&it.at),
            ],
            vec![table::text(it.by.as_deref().unwrap_or(""))],
        );
    }
    rows.text()
}
