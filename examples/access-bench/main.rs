//! What a long history costs: claims a second, pages and counts at ten thousand items and at five
//! million, on the embedded SQLite, in one run.
//!
//! Before anything is timed, the history must have as many items as it says, a claim must skip what
//! is done and take what is new, and a page must hold what was asked for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use weir_domain::{Fingerprint, Item, ItemStatus, Reprocess, SourceName};
use weir_persistence_api::{
    Acquired, ClaimRequest, Fence, ItemFilter, ItemHistory as _, ItemStore as _, LeaseName,
    LeaseStore as _, Settlement, item_page,
};
use weir_persistence_sql::SqliteStore;
use weir_runtime::{IdSource, Stopwatch, SystemClock};

/// Items of the history: few, and many.
const HISTORIES: [u32; 2] = [10_000, 5_000_000];
/// Items that are claimed, committed and settled while it is timed.
const CLAIMS: u32 = 2_000;
/// Items that are offered with each claim, all but one of them done: as a directory that is full.
const OFFERED: u32 = 256;
/// Runs of each read.
const RUNS: u32 = 50;
const SOURCE: &str = "bench/read";

/// What was measured at one length of the history.
struct Measured {
    items: u32,
    claims_per_s: f64,
    by_name: Duration,
    failed: Duration,
    newest: Duration,
    counts: Duration,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut measured = Vec::new();
        for items in HISTORIES {
            measured.push(measure(items).await.with_context(|| format!("{items} items"))?);
        }
        report(&measured);
        Ok(())
    })
}

async fn measure(items: u32) -> anyhow::Result<Measured> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("weir.db");
    open(&path).await?.close().await;
    fill(&path, items).await?;
    let store = open(&path).await?;
    let bench = Bench {
        fence: fence(&store).await?,
        ids: IdSource::new(Arc::new(SystemClock)),
        store,
        items,
    };
    bench.check().await?;
    let measured = Measured {
        items,
        claims_per_s: bench.claims().await?,
        by_name: bench.pages(bench.by_name()).await?,
        failed: bench.pages(failed()).await?,
        newest: bench.pages(bench.newest()).await?,
        counts: bench.counts().await?,
    };
    bench.store.close().await;
    Ok(measured)
}

async fn open(path: &Path) -> anyhow::Result<SqliteStore> {
    let settings = weir_persistence_sql::Settings::default();
    Ok(SqliteStore::open(path, Arc::new(SystemClock), settings).await?)
}

/// Items that are done; one of a thousand has failed.
async fn fill(path: &Path, items: u32) -> anyhow::Result<()> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection: SqliteConnection = options.connect().await?;
    let fill = "INSERT INTO item (source, name, claim, stream, owner, status, size, modified_ns, \
                device, inode, claimed_at, settled_at, settlement, instance) \
                WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers \
                WHERE n + 1 < ?1) \
                SELECT 'bench/read', printf('%08d.csv', n), \
                printf('00000000-0000-7000-8000-%012d', n), \
                printf('00000000-0000-7000-8000-%012d', n), 'node-1#x', \
                CASE WHEN n % 1000 = 7 THEN 'failed' ELSE 'done' END, 1, 1, 1, 1, \
                n, n, x'', 1 FROM numbers";
    sqlx::query(fill).bind(i64::from(items)).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn fence(store: &SqliteStore) -> anyhow::Result<Fence> {
    let lease = LeaseName("access-coordinator".to_owned());
    let hour = Duration::from_secs(3_600);
    match store.lease_acquire(&lease, "node-1#x", hour).await? {
        Acquired::Granted(fence) => Ok(fence),
        Acquired::Held { owner, .. } => anyhow::bail!("{owner} holds the lease"),
    }
}

fn item(name: String) -> Item {
    let fingerprint = Fingerprint { size: 1, modified_ns: 1, device: 1, inode: 1 };
    Item { name, fingerprint }
}

fn failed() -> ItemFilter {
    ItemFilter { status: Some(ItemStatus::Failed), ..ItemFilter::default() }
}

struct Bench {
    store: SqliteStore,
    fence: Fence,
    ids: IdSource,
    items: u32,
}

impl Bench {
    fn by_name(&self) -> ItemFilter {
        let prefix = format!("{:08}", self.items / 2);
        let pattern = format!("{}*", &prefix[..6]).parse().ok();
        ItemFilter { pattern, ..ItemFilter::default() }
    }

    fn newest(&self) -> ItemFilter {
        let since = Some(weir_domain::Timestamp((self.items / 2).into()));
        let until = Some(weir_domain::Timestamp((self.items / 4 * 3).into()));
        ItemFilter { since, until, ..ItemFilter::default() }
    }

    /// What is measured is what it should be.
    async fn check(&self) -> anyhow::Result<()> {
        let source = SourceName::stored(SOURCE);
        let failed_count = self.store.item_count(&source, ItemStatus::Failed, u32::MAX).await?;
        ensure!(failed_count == u64::from(self.items / 1_000), "{failed_count} failed items");
        let done = self.store.item_count(&source, ItemStatus::Done, u32::MAX).await?;
        ensure!(done + failed_count == u64::from(self.items), "{done} done items");
        for filter in [self.by_name(), failed(), self.newest()] {
            let page = item_page::page(&self.store, &filter, None, 100).await?;
            ensure!(!page.rows.is_empty(), "nothing matches {filter:?}");
            ensure!(page.rows.iter().all(|it| filter.matches(it)), "not asked for: {filter:?}");
        }
        let request = self.request(u32::MAX);
        let new = request.candidates.last().map(|it| it.name.clone());
        let claim = self.store.item_claim(&self.fence, request).await?.context("one is new")?;
        ensure!(Some(&claim.item.name) == new.as_ref(), "{} was claimed again", claim.item.name);
        Ok(())
    }

    /// Names that are done, all over the history, and behind them the n-th new one.
    fn request(&self, n: u32) -> ClaimRequest {
        let step = self.items / OFFERED;
        let old = (1..OFFERED).map(|it| (it * step + n % step) % self.items);
        let old = old.map(|it| item(format!("{it:08}.csv")));
        ClaimRequest {
            source: SourceName::stored(SOURCE),
            candidates: old.chain([item(format!("new-{n:010}.csv"))]).collect(),
            reprocess: Reprocess::Never,
            claim: self.ids.claim(),
            stream: self.ids.stream(),
            owner: "node-1#x".to_owned(),
            now: weir_domain::Timestamp(i64::from(self.items) + i64::from(n)),
            settlement: Bytes::from_static(b"undo"),
            clearance: false,
            instance: None,
            interval: None,
            lists_more: false,
        }
    }

    /// Whole lives of claims a second: claimed, committed, settled, each durable.
    async fn claims(&self) -> anyhow::Result<f64> {
        let watch = Stopwatch::start();
        for n in 0..CLAIMS {
            let request = self.request(n);
            let (id, now) = (request.claim, request.now);
            let claim = self.store.item_claim(&self.fence, request).await?;
            ensure!(claim.is_some_and(|it| it.id == id), "claim {n} was not granted");
            self.store.item_commit(&self.fence, id, Bytes::new()).await?;
            self.store.item_settle(&self.fence, id, Settlement::Done, now).await?;
        }
        Ok(f64::from(CLAIMS) / watch.elapsed().as_secs_f64())
    }

    async fn pages(&self, filter: ItemFilter) -> anyhow::Result<Duration> {
        let watch = Stopwatch::start();
        for _ in 0..RUNS {
            item_page::page(&self.store, &filter, None, 100).await?;
        }
        Ok(watch.elapsed() / RUNS)
    }

    async fn counts(&self) -> anyhow::Result<Duration> {
        let watch = Stopwatch::start();
        for _ in 0..RUNS {
            item_page::sources(&self.store, None, 50).await?;
        }
        Ok(watch.elapsed() / RUNS)
    }
}

fn report(measured: &[Measured]) {
    println!(
        "| items in the history | claims/s | page by name | page of failed | page of a time | counts |"
    );
    println!("|---|---|---|---|---|---|");
    for it in measured {
        let reads = [it.by_name, it.failed, it.newest, it.counts];
        let reads = reads.map(|it| format!("{:.2} ms", it.as_secs_f64() * 1e3)).join(" | ");
        println!("| {} | {:.0} | {reads} |", it.items, it.claims_per_s);
    }
    if let [few, .., many] = measured {
        println!("| ratio | {:.2} | | | | |", many.claims_per_s / few.claims_per_s);
    }
}
