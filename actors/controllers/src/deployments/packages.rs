//! Where packages are taken in: whose are accepted, and how they get into the object store.
//!
//! A package is read by a thread that may wait for whoever sends it, and its objects are stored as
//! they are proven: a few are in memory at a time, however large the package is.

use std::io::{BufReader, Read};
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use weir_domain::plan::Plan;
use weir_domain::{DeploymentTag, Digest, Fault, WorkflowName};
use weir_package::{
    AssignmentSettings, Content, Diff, Limits, Manifest, Object, Reader, SignerKey, Trust,
};
use weir_persistence_api::ObjectStore;
use weir_runtime::System;

use super::transfer::{self, Arrival, TransferError, Uploaded};

/// Packages that are taken in at once; others wait, and so does what they send.
const AT_ONCE: usize = 4;

/// Whose packages are accepted. Asked for each package anew.
pub trait Signers: Send + Sync + 'static {
    fn trust(&self) -> Result<Trust, Fault>;
}

/// What is sent of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Whole,
    /// Without the objects that the store has.
    Partial,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Packages {
    system: System,
    store: Arc<dyn ObjectStore>,
    signers: Arc<dyn Signers>,
    limits: Limits,
    places: Arc<Semaphore>,
}

/// What the thread that reads has proven.
enum Piece {
    Head(Box<Manifest>, SignerKey),
    Object(Object),
    End,
}

type Pieces = mpsc::Receiver<Result<Piece, weir_package::Error>>;

impl Packages {
    pub fn new(system: System, store: Arc<dyn ObjectStore>, signers: Arc<dyn Signers>) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { system, store, signers, limits: Limits::default(), places }
    }

    /// Stores the objects of a package. Which are there already is not asked for.
    pub async fn receive(
        &self,
        source: impl Read + Send + 'static,
        form: Sent,
        parent: DeploymentTag,
    ) -> Result<Uploaded, TransferError> {
        // Never closed.
        let _place = self.places.acquire().await;
        let mut pieces = self.read(source, Some(form))?;
        let mut arrival = self.arrival(&mut pieces, parent).await?;
        loop {
            match next(&mut pieces).await? {
                Piece::Object(object) => arrival.object(object, &*self.store).await?,
                Piece::End => return arrival.end(&*self.store).await,
                Piece::Head(..) => return Err(TransferError::Interrupted),
            }
        }
    }

    /// What a package would bring, by its head. What follows of it is proven, too, if something does.
    pub async fn look(
        &self,
        source: impl Read + Send + 'static,
        parent: DeploymentTag,
    ) -> Result<Arrival, TransferError> {
        // Never closed.
        let _place = self.places.acquire().await;
        let mut pieces = self.read(source, None)?;
        let arrival = self.arrival(&mut pieces, parent).await?;
        match next(&mut pieces).await? {
            Piece::End => Ok(arrival),
            Piece::Head(..) | Piece::Object(_) => Err(TransferError::Interrupted),
        }
    }

    /// What differs between two deployments; `None` is the empty one.
    pub async fn difference(
        &self,
        before: Option<Digest>,
        after: Option<Digest>,
    ) -> Result<Diff, TransferError> {
        transfer::difference(before, after, &*self.store).await
    }

    /// The rules that the package of a deployment brought, if it did.
    pub async fn assignments(
        &self,
        deployment: Digest,
    ) -> Result<Option<AssignmentSettings>, TransferError> {
        let wanted = |it: &Content| it.assignments.into_iter().collect();
        Ok(transfer::load(deployment, wanted, &*self.store).await?.assignments()?)
    }

    /// What a workflow of a stored deployment does, if the deployment has it.
    pub async fn plan(
        &self,
        deployment: Digest,
        workflow: &WorkflowName,
    ) -> Result<Option<Plan>, TransferError> {
        let wanted = |it: &Content| {
            let found = it.workflows.iter().find(|it| it.name == *workflow);
            found.map(|it| it.plan).into_iter().collect()
        };
        let contents = transfer::load(deployment, wanted, &*self.store).await?;
        match contents.content.workflows.iter().any(|it| it.name == *workflow) {
            true => Ok(Some(contents.plan(workflow)?)),
            false => Ok(None),
        }
    }

    async fn arrival(
        &self,
        pieces: &mut Pieces,
        parent: DeploymentTag,
    ) -> Result<Arrival, TransferError> {
        match next(pieces).await? {
            Piece::Head(manifest, signer) => {
                Arrival::begin((*manifest, signer), parent, &*self.store).await
            }
            Piece::Object(_) | Piece::End => Err(TransferError::Interrupted),
        }
    }

    fn read(
        &self,
        source: impl Read + Send + 'static,
        form: Option<Sent>,
    ) -> Result<Pieces, TransferError> {
        let (trust, limits) = (self.signers.trust().map_err(TransferError::Signers)?, self.limits);
        let (sender, pieces) = mpsc::channel(1);
        // It ends by itself when nobody takes what it reads.
        let _ = self.system.tasks().spawn_blocking("deployments/package", move || {
            let hand = |it| sender.blocking_send(it).is_ok();
            if let Err(error) = proven(source, form, (&trust, &limits), &hand) {
                hand(Err(error));
            }
        });
        Ok(pieces)
    }
}

/// Reads a package and hands on what was proven, as long as somebody takes it; of no form: its head, which may be all
/// that there is, and that the rest is sound.
fn proven(
    source: impl Read,
    form: Option<Sent>,
    (trust, limits): (&Trust, &Limits),
    hand: &impl Fn(Result<Piece, weir_package::Error>) -> bool,
) -> Result<(), weir_package::Error> {
    let source = BufReader::new(source);
    let mut reader = match form {
        Some(Sent::Partial) => Reader::open_partial(source, trust, limits)?,
        Some(Sent::Whole) | None => Reader::open(source, trust, limits)?,
    };
    if !hand(Ok(Piece::Head(Box::new(reader.manifest().clone()), reader.signer()))) {
        return Ok(());
    }
    if form.is_some() || reader.has_more()? {
        while let Some(object) = reader.next_object()? {
            if form.is_some() && !hand(Ok(Piece::Object(object))) {
                return Ok(());
            }
        }
    }
    hand(Ok(Piece::End));
    Ok(())
}

async fn next(pieces: &mut Pieces) -> Result<Piece, TransferError> {
    match pieces.recv().await {
        Some(piece) => Ok(piece?),
        None => Err(TransferError::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use weir_persistence_api::MemoryStore;
    use weir_runtime::SystemClock;

    use super::super::storage::root;
    use super::super::testing;
    use super::*;

    struct Only(Trust);

    impl Signers for Only {
        fn trust(&self) -> Result<Trust, Fault> {
            Ok(self.0.clone())
        }
    }

    fn packages(trust: Trust) -> Packages {
        let clock = Arc::new(SystemClock);
        let system = crate::testing::system(clock.clone());
        Packages::new(system, Arc::new(MemoryStore::new(clock)), Arc::new(Only(trust)))
    }

    #[tokio::test]
    async fn a_package_is_looked_at_and_then_taken_in() {
        let packages = packages(Trust::Anyone);
        let file = testing::file("a");
        let head = testing::reader(&file).head_bytes();
        let head = Cursor::new(file[..usize::try_from(head).unwrap()].to_vec());
        let looked = packages.look(head.clone(), root()).await.unwrap();
        assert_eq!(
            looked.missing().len() as u64,
            looked.total().objects - 1,
            "all but the content"
        );
        let refused = packages.receive(head, Sent::Whole, root()).await;
        assert!(
            matches!(refused, Err(TransferError::Package(weir_package::Error::Truncated { .. }))),
            "{refused:?}"
        );
        let taken = packages.receive(Cursor::new(file.clone()), Sent::Whole, root()).await.unwrap();
        assert_eq!(taken.sent, taken.total);
        assert_eq!(taken.deployment, testing::deployment("a"));
        let again = packages.look(Cursor::new(file.clone()), root()).await.unwrap();
        assert!(again.missing().is_empty());
        let (mut flipped, at) = (file.clone(), file.len() - 3);
        flipped[at] ^= 1;
        let refused = packages.look(Cursor::new(flipped), root()).await.map(drop);
        assert!(
            matches!(refused, Err(TransferError::Package(weir_package::Error::Tampered { .. }))),
            "{refused:?}"
        );
        let refused = packages.look(Cursor::new(file[..at].to_vec()), root()).await.map(drop);
        assert!(
            matches!(refused, Err(TransferError::Package(weir_package::Error::Truncated { .. }))),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn whose_package_is_not_trusted_is_named() {
        let packages = packages(Trust::Only([].into()));
        let refused = packages.look(Cursor::new(testing::file("a")), root()).await.map(drop);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("not trusted here"), "{refused}");
    }
}
