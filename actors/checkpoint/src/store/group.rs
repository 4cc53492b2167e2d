//! A group of jobs on a store of blobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_domain::{SavepointName, StageId};
use weir_persistence_api::{BlobKey, BlobStore, InvalidBlobKey};

use super::{Checkpoints, Retry, open_at};
use crate::envelope::seal;
use crate::error::{Error, Result};
use crate::group::{Begin, Order, Wish};
use crate::layout::Layout;

/// The jobs below one key.
#[derive(Clone)]
pub struct Group(Checkpoints);

impl Group {
    pub fn new(
        store: Arc<dyn BlobStore>,
        key: &str,
        retry: Retry,
    ) -> std::result::Result<Self, InvalidBlobKey> {
        Ok(Self(Checkpoints::new(store, Layout::new(key)?, retry)))
    }

    /// The checkpoints of one of its jobs.
    pub fn job(&self, name: &str) -> std::result::Result<Checkpoints, InvalidBlobKey> {
        let Checkpoints { store, layout, retry } = self.0.clone();
        let layout = Layout::new(layout.job().below(name)?.as_str())?;
        Ok(Checkpoints { store, layout, retry })
    }

    /// All orders that were ever given, oldest first.
    pub async fn orders(&self) -> Result<Vec<Order>> {
        let mut orders = Vec::new();
        for number in 1.. {
            match self.order(number).await? {
                Some(order) => orders.push(order),
                // O2.
                None => break,
            }
        }
        Ok(orders)
    }

    pub async fn newest_order(&self) -> Result<Option<Order>> {
        let parent = self.key("orders");
        let listed = self.0.retry.run(|| self.0.store.blob_list(&parent)).await?;
        let Some(newest) = listed.last() else { return Ok(None) };
        let content = self.0.get(&newest.key).await?;
        content.map(|it| open_at(&newest.key, &it)).transpose()
    }

    pub async fn order(&self, number: u32) -> Result<Option<Order>> {
        let key = self.order_key(number);
        let content = self.0.get(&key).await?;
        content.map(|it| open_at(&key, &it)).transpose()
    }

    /// Gives an order under its number; `false`: somebody else gave one of that number. O1.
    pub async fn give(&self, order: &Order) -> Result<bool> {
        let key = self.order_key(order.number);
        let found: Order = open_at(&key, &self.0.create(&key, seal(order)).await?)?;
        Ok(found == *order)
    }

    /// Of how many jobs it is under that order; `None`: no job has run yet that would know.
    pub async fn jobs(&self, order: Option<&Order>) -> Result<Option<u32>> {
        if let Some(jobs) = order.and_then(|it| it.jobs) {
            return Ok(Some(jobs));
        }
        let key = self.jobs_key(order);
        let Some(found) = self.0.get(&key).await? else { return Ok(None) };
        read_jobs(&key, &found).map(Some)
    }

    /// Of how many jobs it is under that order, which is so many where nobody has said it yet.
    pub async fn agree(&self, order: Option<&Order>, jobs: u32) -> Result<u32> {
        if let Some(jobs) = order.and_then(|it| it.jobs) {
            return Ok(jobs);
        }
        let key = self.jobs_key(order);
        read_jobs(&key, &self.0.create(&key, jobs.to_string().into()).await?)
    }

    /// The order since which its jobs are known anew: the newest that lets them begin elsewhere than
    /// where they stand.
    pub async fn era(&self, order: Option<&Order>) -> Result<Option<Order>> {
        let mut order = order.cloned();
        while let Some(it) = order {
            if it.begin != Begin::Newest {
                return Ok(Some(it));
            }
            order = match it.number {
                0 | 1 => None,
                number => self.order(number - 1).await?,
            };
        }
        Ok(None)
    }

    /// Which sources have been given a place in that era, and which one. What a place is is for those
    /// to know who give them.
    pub async fn places(&self, era: Option<&Order>) -> Result<BTreeMap<StageId, String>> {
        let parent = self.places_key(era);
        let mut places = BTreeMap::new();
        for entry in self.0.retry.run(|| self.0.store.blob_list(&parent)).await? {
            let source = entry.key.under(&parent).and_then(|it| StageId::new(it).ok());
            let (Some(source), Some(found)) = (source, self.0.get(&entry.key).await?) else {
                continue;
            };
            places.insert(source, read_place(&entry.key, &found)?);
        }
        Ok(places)
    }

    /// Gives a source a place, where it has none; returns the one that it has. O4.
    pub async fn place(
        &self,
        era: Option<&Order>,
        source: &StageId,
        place: &str,
    ) -> Result<String> {
        let key = self.place_key(era, source)?;
        read_place(&key, &self.0.create(&key, place.to_owned().into()).await?)
    }

    /// Forgets the place of a source that is gone, and whose job nobody works on any more.
    pub async fn displace(&self, era: Option<&Order>, source: &StageId) -> Result<()> {
        self.0.delete(&self.place_key(era, source)?).await
    }

    /// Reserves a name; returns whose it is. O3.
    pub async fn wish(&self, wish: &Wish) -> Result<Wish> {
        let key = self.wish_key(&wish.name);
        open_at(&key, &self.0.create(&key, seal(wish)).await?)
    }

    pub async fn wished(&self, name: &SavepointName) -> Result<Option<Wish>> {
        let key = self.wish_key(name);
        let content = self.0.get(&key).await?;
        content.map(|it| open_at(&key, &it)).transpose()
    }

    /// All names that are reserved. One that can't be read says why.
    pub async fn wishes(&self) -> Result<Vec<(SavepointName, Result<Wish>)>> {
        let parent = self.0.layout.savepoints();
        let mut wishes = Vec::new();
        for entry in self.0.retry.run(|| self.0.store.blob_list(&parent)).await? {
            let Some(name) = self.0.layout.read_savepoint(&entry.key) else { continue };
            if let Some(content) = self.0.get(&entry.key).await? {
                wishes.push((name, open_at(&entry.key, &content)));
            }
        }
        Ok(wishes)
    }

    /// Frees a name. What it stands for in the jobs is to be deleted before.
    pub async fn wish_forget(&self, name: &SavepointName) -> Result<()> {
        self.0.delete(&self.wish_key(name)).await
    }

    fn wish_key(&self, name: &SavepointName) -> BlobKey {
        self.0.layout.savepoint(name)
    }

    fn order_key(&self, number: u32) -> BlobKey {
        self.key(&format!("orders/{number:010}"))
    }

    fn jobs_key(&self, order: Option<&Order>) -> BlobKey {
        match order {
            None => self.key("lanes"),
            Some(order) => self.key(&format!("lanes-{:010}", order.number)),
        }
    }

    fn places_key(&self, era: Option<&Order>) -> BlobKey {
        match era {
            None => self.key("sources"),
            Some(order) => self.key(&format!("sources-{:010}", order.number)),
        }
    }

    fn place_key(&self, era: Option<&Order>, source: &StageId) -> Result<BlobKey> {
        let parent = self.places_key(era);
        parent.below(source).map_err(|it| Error::Misplaced { key: parent, reason: it.to_string() })
    }

    fn key(&self, name: &str) -> BlobKey {
        self.0.layout.job().below(name).expect("the group's key leaves room for it")
    }
}

fn read_place(key: &BlobKey, found: &[u8]) -> Result<String> {
    String::from_utf8(found.to_vec()).map_err(|_| {
        let reason = "it is not text".to_owned();
        Error::Misplaced { key: key.clone(), reason }
    })
}

fn read_jobs(key: &BlobKey, found: &[u8]) -> Result<u32> {
    let jobs = std::str::from_utf8(found).ok().and_then(|it| it.parse().ok());
    jobs.ok_or_else(|| {
        let reason = "it does not hold a number of jobs".to_owned();
        Error::Misplaced { key: key.clone(), reason }
    })
}
