//! Steps over networks: with which credentials, how long, and what is told of them meanwhile.

use std::fs;
use std::path::PathBuf;

use weir_conf::Secret;
use weir_conf::settings::Remotes;
use weir_domain::{Fault, ProjectName};
use weir_http_api::{Cloned, FetchedBranch, ProjectClone, Pushed, RemoteCredentials};
use weir_http_server::{Progress, ProjectRefusal};
use weir_versions::{
    Access, Cancel, Credentials, Error, Hosts, Limits, Progress as Moved, Reach, Repository, Trust,
};

use super::asked::checked;
use super::credentials::Kept;
use super::refusals::{after, refusal};
use super::{Done, ORIGIN, ProjectVersions, owner, told, views};
use crate::boot::projects;

/// What holds for all remotes.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    reach: Reach,
    hosts: Hosts,
    ca_file: Option<PathBuf>,
    limits: Limits,
}

impl Exchange {
    pub(crate) fn of(settings: &Remotes) -> Self {
        let Remotes { timeout, silence, max_received, ca_file, hosts, directories } = settings;
        let hosts = Hosts::only(hosts);
        let reach = if *directories { Reach::NetworkAndFiles } else { Reach::Network };
        let limits = Limits {
            deadline: timeout.duration(),
            silence: silence.duration(),
            received: *max_received,
        };
        Self { reach, hosts, ca_file: ca_file.clone(), limits }
    }

    /// Read anew each time: authorities change.
    fn access(&self, kept: Option<Kept>, cancel: Cancel) -> Done<Access> {
        let trust = match &self.ca_file {
            None => Trust::System,
            Some(path) => Trust::Authorities(fs::read_to_string(path).map_err(|it| {
                let message = format!("the authorities in {} can't be read: {it}", path.display());
                let hint = "mend the file that weir.config-server.remotes.ca-file names";
                ProjectRefusal::Fault(Fault::config(136, message).with_hint(hint))
            })?),
        };
        let meant = kept.as_ref().map(|it| it.address.clone());
        let credentials = kept.map_or(Credentials::None, |it| {
            let secret = Secret::new(it.secret.expose());
            match it.user {
                Some(user) => Credentials::Password { user, password: secret },
                None => Credentials::Token(secret),
            }
        });
        let (reach, hosts, limits) = (self.reach, self.hosts.clone(), self.limits);
        Ok(Access { credentials, meant, reach, hosts, trust, limits, cancel })
    }
}

impl ProjectVersions {
    /// Does something that a remote may keep waiting, and ends it when somebody asks for that.
    async fn exchanged<T: Send + 'static>(
        &self,
        progress: &Progress,
        work: impl FnOnce(&Self, Cancel, &mut dyn FnMut(Moved)) -> Done<T> + Send + 'static,
    ) -> Done<T> {
        let cancel = Cancel::default();
        let (ours, telling) = (cancel.clone(), progress.clone());
        let worked = self.blocking(move |it| {
            let mut told = None;
            work(it, ours, &mut |moved| tell(&telling, moved, &mut told))
        });
        tokio::pin!(worked);
        tokio::select! {
            done = &mut worked => return done,
            () = progress.cancelled().cancelled() => cancel.cancel(),
        }
        worked.await
    }

    fn access_to(&self, project: &ProjectName, remote: &str, cancel: Cancel) -> Done<Access> {
        let kept = self.credentials.get(&owner(project, remote));
        self.exchange.access(kept.map_err(ProjectRefusal::Fault)?, cancel)
    }

    pub(super) async fn fetched(
        &self,
        project: ProjectName,
        remote: String,
        progress: &Progress,
    ) -> Done<Vec<FetchedBranch>> {
        self.exchanged(progress, move |it, cancel, moved| {
            let repository = it.repository(&project)?;
            let access = it.access_to(&project, &remote, cancel)?;
            let fetched = repository.fetch(&remote, &access, moved).map_err(refusal)?;
            it.durable(&project)?;
            told("remote fetch", &project);
            Ok(fetched.into_iter().map(views::fetched).collect())
        })
        .await
    }

    pub(super) async fn pushed(
        &self,
        project: ProjectName,
        remote: String,
        branch: String,
        progress: &Progress,
    ) -> Done<Pushed> {
        self.exchanged(progress, move |it, cancel, moved| {
            let repository = it.repository(&project)?;
            let access = it.access_to(&project, &remote, cancel)?;
            let sent = repository.push(&remote, &branch, &access, moved).map_err(refusal)?;
            told("remote push", &project);
            Ok(Pushed { remote, branch, version: sent.to_string() })
        })
        .await
    }

    pub(super) async fn cloned(&self, request: ProjectClone, progress: &Progress) -> Done<Cloned> {
        let ProjectClone { address, credentials } = request;
        let credentials = credentials.map(checked).transpose()?;
        let (called, telling) = (progress.id().to_string(), progress.clone());
        let (name, given) = self
            .exchanged(progress, move |it, cancel, moved| {
                let workspace = it.dirs.workspace();
                let place = workspace.arrival(&called).map_err(projects::refusal)?;
                let kept = credentials.clone().map(|RemoteCredentials { user, secret }| Kept {
                    address: address.clone(),
                    user,
                    secret,
                });
                let access = it.exchange.access(kept, cancel.clone())?;
                Repository::clone(&address, &place, &access, moved).map_err(refusal)?;
                let arrived = match cancel.is_cancelled() {
                    true => Err(refusal(Error::Cancelled)),
                    false => {
                        telling.step("open");
                        let arrived = workspace.arrived(&place);
                        arrived.map_err(|it| projects::refusal(it).into())
                    }
                };
                let arrived = arrived.inspect_err(|_| {
                    // What is left is hidden, and cleared away at the next start.
                    let _ = fs::remove_dir_all(&place);
                })?;
                told("project clone", &arrived.name);
                Ok((arrived.name, credentials.map(|it| (address, it))))
            })
            .await?;
        self.blocking(move |it| {
            if let Some((address, given)) = given {
                let kept = it.keep_for(&name, ORIGIN, address, given);
                kept.map_err(after(format!("the project {name} is made")))?;
            }
            let project = it.dirs.shown(&name)?;
            Ok(Cloned { project })
        })
        .await
    }
}

/// Tells how far a step is, where that is something new to a person.
fn tell(progress: &Progress, moved: Moved, told: &mut Option<u8>) {
    let Moved { objects, objects_all, bytes } = moved;
    let percent = (objects * 100).checked_div(objects_all).map_or(0, |it| it.min(100) as u8);
    if *told != Some(percent) {
        *told = Some(percent);
        progress.percent(percent);
        progress.message(format!("{objects} of {objects_all} objects, {bytes} bytes"));
    }
}
