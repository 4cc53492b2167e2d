//! Fetch, pull and push.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use git2::{
    AutotagOption, BranchType, ErrorClass, ErrorCode, FetchOptions, FetchPrune, PushOptions,
    RemoteCallbacks, RemoteRedirect,
};
use serde::Serialize;
use weir_domain::Timestamp;

use super::access::{Access, Progress, Reach};
use super::address::{self, Address};
use super::door::{Door, Target};
use super::stop::Ended;
use crate::branches::check_name;
use crate::merge::{Merge, Merged, Resolutions};
use crate::repository::lossy;
use crate::{Author, Error, Repository, Result, VersionId};

/// A branch of a remote that is not where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    /// Without the remote's name.
    pub branch: String,
    pub before: Option<VersionId>,
    /// None: the remote has it no longer.
    pub after: Option<VersionId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    pub remote: String,
    /// Of the remote; it is merged into the branch that the project is on.
    pub branch: String,
    pub author: Author,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    pub fetched: Vec<Fetched>,
    /// Conflicts are decided by merging `remote/branch`.
    pub merged: Merged,
}

impl Repository {
    /// Learns where the branches of a remote are.
    pub fn fetch(
        &self,
        remote: &str,
        access: &Access,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Fetched>> {
        let url = self.remote_url(remote)?;
        let before = self.remote_branches(remote)?;
        self.fetch_from(remote, &url, access, progress)?;
        let after = self.remote_branches(remote)?;
        let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
        names.sort();
        names.dedup();
        let moved = names.into_iter().filter(|it| before.get(*it) != after.get(*it));
        let fetched = moved.map(|it| Fetched {
            branch: it.clone(),
            before: before.get(it).copied(),
            after: after.get(it).copied(),
        });
        Ok(fetched.collect())
    }

    /// Fetches, and merges one branch of the remote.
    pub fn pull(
        &self,
        pull: &Pull,
        access: &Access,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Pulled> {
        self.require_idle()?;
        self.branch_reference()?;
        let fetched = self.fetch(&pull.remote, access, progress)?;
        let reference = format!("refs/remotes/{}/{}", pull.remote, pull.branch);
        if self.git.find_reference(&reference).is_err() {
            let (remote, branch) = (pull.remote.clone(), pull.branch.clone());
            return Err(Error::NoRemoteBranch { remote, branch });
        }
        let merge = Merge {
            branch: format!("{}/{}", pull.remote, pull.branch),
            author: pull.author.clone(),
            at: pull.at,
            message: None,
            resolutions: Resolutions::default(),
        };
        let merged = self.merge_reference(&merge, &reference)?;
        Ok(Pulled { fetched, merged })
    }

    /// Sends a branch to the branch of the same name. What goes wrong once sending has begun may have been
    /// done all the same: only a clear answer of the remote is told as a refusal then.
    pub fn push(
        &self,
        remote: &str,
        branch: &str,
        access: &Access,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<VersionId> {
        check_name(branch)?;
        let url = self.remote_url(remote)?;
        let found = self.git.find_branch(branch, BranchType::Local);
        let found = found.map_err(|_| Error::NoBranch(branch.to_owned()))?;
        let tip = found.get().peel_to_commit()?.id();
        let refused = RefCell::new(None);
        let is_sending = Cell::new(false);
        let pushed = self.exchange(&url, access, |way, is_ended| {
            let mut callbacks = RemoteCallbacks::new();
            callbacks.push_update_reference(|_, status| {
                *refused.borrow_mut() = status.map(clean);
                Ok(())
            });
            callbacks.push_transfer_progress(|objects, all, bytes| {
                progress(Progress {
                    objects: objects as u64,
                    objects_all: all as u64,
                    bytes: bytes as u64,
                });
            });
            // The last chance to end: Git packs what it sends without asking.
            callbacks.push_negotiation(|_| match is_ended() {
                true => Err(git2::Error::from_str("ended")),
                false => {
                    is_sending.set(true);
                    Ok(())
                }
            });
            let mut options = PushOptions::new();
            options.remote_callbacks(callbacks).follow_redirects(RemoteRedirect::None);
            if is_ended() {
                return Err(git2::Error::from_str("ended"));
            }
            let spec = format!("refs/heads/{branch}:refs/heads/{branch}");
            self.way_to(way)?.push(&[spec], Some(&mut options))
        });
        let unknown = |cause: Error| Error::PushUnknown {
            remote: remote.to_owned(),
            branch: branch.to_owned(),
            cause: Box::new(cause),
        };
        let behind =
            || Error::NotFastForward { remote: remote.to_owned(), branch: branch.to_owned() };
        match pushed {
            Err(Failed::Git(error)) if error.code() == ErrorCode::NotFastForward => {
                return Err(behind());
            }
            Err(failed) if is_sending.get() => {
                let error = failed.said(&url);
                return Err(if is_answer(&error) { error } else { unknown(error) });
            }
            other => other.map_err(|it| it.said(&url))?,
        }
        if let Some(reason) = refused.into_inner() {
            let is_behind = ["non-fast-forward", "fetch first", "stale info"];
            if is_behind.iter().any(|it| reason.contains(it)) {
                return Err(behind());
            }
            let (remote, branch) = (remote.to_owned(), branch.to_owned());
            return Err(Error::PushRefused { remote, branch, reason });
        }
        let known = format!("refs/remotes/{remote}/{branch}");
        self.git.reference(&known, tip, true, "push").map_err(|it| unknown(it.into()))?;
        Ok(VersionId(tip))
    }

    /// Fetches from an address into the branches of a remote; tells the remote's own branch.
    pub(super) fn fetch_from(
        &self,
        name: &str,
        url: &str,
        access: &Access,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<String>> {
        let fetched = self.exchange(url, access, |way, is_ended| {
            let mut callbacks = RemoteCallbacks::new();
            callbacks.transfer_progress(|it| {
                progress(Progress {
                    objects: it.received_objects() as u64,
                    objects_all: it.total_objects() as u64,
                    bytes: it.received_bytes() as u64,
                });
                !is_ended()
            });
            callbacks.sideband_progress(|_| !is_ended());
            let mut options = FetchOptions::new();
            options
                .remote_callbacks(callbacks)
                .update_fetchhead(false)
                .download_tags(AutotagOption::None)
                .prune(FetchPrune::On)
                .follow_redirects(RemoteRedirect::None);
            let mut remote = self.way_to(way)?;
            let spec = format!("+refs/heads/*:refs/remotes/{name}/*");
            remote.fetch(&[spec], Some(&mut options), Some("fetch"))?;
            let head = remote.list()?.iter().find(|it| it.name() == "HEAD");
            Ok(head.and_then(|it| it.symref_target().map(str::to_owned)))
        });
        fetched.map_err(|it| it.said(url))
    }

    /// A remote at exactly this address, whatever configurations say.
    fn way_to(&self, way: &str) -> std::result::Result<git2::Remote<'_>, git2::Error> {
        let remote = self.git.remote_anonymous(way)?;
        let is_way = |it: Option<&[u8]>| it.is_none_or(|it| it == way.as_bytes());
        if is_way(Some(remote.url_bytes())) && is_way(remote.pushurl_bytes()) {
            return Ok(remote);
        }
        Err(git2::Error::from_str(
            "a configuration of Git replaces addresses (url.*.insteadOf): take it out",
        ))
    }

    /// Does `work` with an address that Git may speak to.
    fn exchange<T>(
        &self,
        url: &str,
        access: &Access,
        work: impl FnOnce(&str, &dyn Fn() -> bool) -> std::result::Result<T, git2::Error>,
    ) -> std::result::Result<T, Failed> {
        if access.cancel.is_cancelled() {
            return Err(Failed::Known(Error::Cancelled));
        }
        // Other programs may have written another address into the configuration meanwhile.
        let is_for = access.meant.as_deref().is_none_or(|it| it == url);
        if let (Some(meant), false) = (&access.meant, is_for)
            && access.credentials != super::Credentials::None
        {
            let (remote, meant) = (address::shown(url), address::shown(meant));
            return Err(Failed::Known(Error::OtherAddress { remote, meant }));
        }
        match address::read(url).map_err(Failed::Known)? {
            Address::File(_) if access.reach == Reach::Network => {
                let reason = "files of this machine are not exchanged with";
                Err(Failed::Known(Error::Address { address: address::shown(url), reason }))
            }
            Address::File(path) => {
                let deadline = access.limits.deadline;
                let clock = access.cancel.clock(deadline);
                let done = work(&path.to_string_lossy(), &|| clock.ended().is_some());
                done.map_err(|it| match clock.ended() {
                    Some(Ended::Cancelled) => Failed::Known(Error::Cancelled),
                    Some(_) => {
                        let remote = address::shown(url);
                        Failed::Known(Error::Deadline { remote, deadline })
                    }
                    None => Failed::Git(it),
                })
            }
            Address::Http { host, .. } if !access.hosts.have(&host) => {
                Err(Failed::Known(Error::Host { remote: address::shown(url), host }))
            }
            Address::Http { is_tls, host, port, path } => {
                let is_here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
                if !is_tls && !is_here && access.credentials != super::Credentials::None {
                    let reason = "credentials are not sent in clear text: use https";
                    return Err(Failed::Known(Error::Address {
                        address: address::shown(url),
                        reason,
                    }));
                }
                let target = Target { is_tls, host, port, path };
                let door =
                    Door::open(target, &address::shown(url), access).map_err(Failed::Known)?;
                let done = work(door.address(), &|| door.is_ended());
                let way = door.address().to_owned();
                let cause = door.close();
                done.map_err(|error| match cause {
                    Some(cause) => Failed::Known(cause),
                    None if error.code() == ErrorCode::NotFastForward => Failed::Git(error),
                    None => {
                        let remote = address::shown(url);
                        let reason = clean(&error.message().replace(&way, "it"));
                        // The way to it was open: what came over it is what is wrong.
                        Failed::Known(match error.class() {
                            ErrorClass::Http | ErrorClass::Net => Error::NoGit { remote, reason },
                            _ => Error::Unreachable { remote, reason },
                        })
                    }
                })
            }
        }
    }

    fn remote_branches(&self, remote: &str) -> Result<BTreeMap<String, VersionId>> {
        let mut branches = BTreeMap::new();
        let prefix = format!("refs/remotes/{remote}/");
        for reference in self.git.references_glob(&format!("{prefix}*"))? {
            let reference = reference?;
            let name = lossy(reference.name_bytes());
            if let (Some(name), Some(id)) = (name.strip_prefix(&prefix), reference.target()) {
                branches.insert(name.to_owned(), VersionId(id));
            }
        }
        Ok(branches)
    }
}

enum Failed {
    Git(git2::Error),
    Known(Error),
}

impl Failed {
    fn said(self, url: &str) -> Error {
        match self {
            Self::Known(error) => error,
            Self::Git(error) => {
                let (remote, reason) = (address::shown(url), clean(error.message()));
                Error::Unreachable { remote, reason }
            }
        }
    }
}

/// Whether a remote has said itself that it does not do it.
fn is_answer(error: &Error) -> bool {
    match error {
        Error::Credentials { .. }
        | Error::Anonymous { .. }
        | Error::NoRepository { .. }
        | Error::Redirected { .. } => true,
        // Who stands before it says so, too, when it has said nothing in time.
        Error::Answer { status, .. } => *status < 500,
        _ => false,
    }
}

/// One line of what a remote said.
fn clean(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|it| !it.is_control()).take(200).collect()
}
