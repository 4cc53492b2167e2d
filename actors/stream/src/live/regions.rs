//! The regions of a live workflow: what hangs together by edges, and so stands and falls together.
//!
//! Each region of a lane is a *job*: it has checkpoints, a claim, runs and faults of its own, and what
//! happens to one leaves the others as they are. The first that ever ran is called as its lane is,
//! others by the source that they were found with: `lane-2`, `lane-2.clicks`.
//!
//! Invariants:
//! - A source keeps the job that its position is in, whatever is added to the workflow or taken from
//!   it (`weir_checkpoint::group`, O4). Regions whose sources share a job run as one: so do those of
//!   workflows whose checkpoints are older than their regions, until they are reset.
//! - A position that no region takes up is refused, unless an order says that it is given up.

use std::collections::{BTreeMap, BTreeSet};

use weir_checkpoint::group::{Begin, Order};
use weir_checkpoint::{Group, Manifest};
use weir_domain::plan::{Graph, Plan, Role};
use weir_domain::{Fault, StageId, WorkflowName};

use super::effects::fault;
use super::jobs::{job, lane_name};

/// What stands for the region that is called as its lane is; before a `.`, for others.
const LANE: &str = "lane";

/// What tells the jobs of a region from those of the others of a lane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RegionName(Option<StageId>);

/// Stages that stand and fall together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Region {
    pub(crate) name: RegionName,
    pub(crate) stages: BTreeSet<StageId>,
}

impl RegionName {
    pub(super) const FIRST: Self = Self(None);

    /// The job of a lane that is this region's.
    pub(crate) fn job(&self, lane: u32) -> String {
        match &self.0 {
            None => lane_name(lane),
            Some(source) => format!("{}.{source}", lane_name(lane)),
        }
    }

    /// The region that a job is of.
    fn of_job(job: &str) -> Option<Self> {
        match job.split_once('.') {
            None => Some(Self::FIRST),
            Some((_, source)) => StageId::new(source).ok().map(|it| Self(Some(it))),
        }
    }

    pub(super) fn is_of(&self, job: &str) -> bool {
        Self::of_job(job).as_ref() == Some(self)
    }

    fn to_place(&self) -> String {
        match &self.0 {
            None => LANE.to_owned(),
            Some(source) => format!("{LANE}.{source}"),
        }
    }

    fn of_place(place: &str) -> Option<Self> {
        let name = place.strip_prefix(LANE)?;
        if name.is_empty() {
            return Some(Self::FIRST);
        }
        StageId::new(name.strip_prefix('.')?).ok().map(|it| Self(Some(it)))
    }
}

/// Whose job each source's position is in.
pub(super) type Places = BTreeMap<StageId, RegionName>;

/// The regions of a plan, each with the job that it goes on with; all who run it are told the same.
pub(crate) async fn agree(
    group: &Group,
    order: Option<&Order>,
    plan: &Plan,
) -> Result<Vec<Region>, Fault> {
    let lanes = plan.instances.max(1);
    let era = group.era(order).await.map_err(|it| fault(&it))?;
    loop {
        let places = places_in(group, (order, era.as_ref())).await?;
        let regions = share_out(plan, &places)?;
        for (source, name) in left_over(plan, &places, &regions) {
            if !is_given_up(group, order, (name, lanes)).await? {
                return Err(gone(plan, source, name));
            }
            group.displace(era.as_ref(), source).await.map_err(|it| fault(&it))?;
        }
        let mut are_agreed = true;
        for region in &regions {
            for source in sources_of(plan, &region.stages) {
                let place = region.name.to_place();
                let agreed = group.place(era.as_ref(), source, &place).await;
                are_agreed &= agreed.map_err(|it| fault(&it))? == place;
            }
        }
        // Else another engine has begun with another version just now: what it said holds.
        if are_agreed {
            return Ok(regions);
        }
    }
}

/// The regions that have jobs under an order, as far as anybody has said so.
pub(super) async fn names(
    group: &Group,
    order: Option<&Order>,
) -> Result<BTreeSet<RegionName>, Fault> {
    let mut names: BTreeSet<_> = standing(group, order).await?.into_values().collect();
    if names.is_empty() {
        names.insert(RegionName::FIRST);
    }
    Ok(names)
}

/// Whose job each source's position is in under an order.
pub(super) async fn standing(group: &Group, order: Option<&Order>) -> Result<Places, Fault> {
    let era = group.era(order).await.map_err(|it| fault(&it))?;
    places_in(group, (order, era.as_ref())).await
}

async fn places_in(
    group: &Group,
    (order, era): (Option<&Order>, Option<&Order>),
) -> Result<Places, Fault> {
    let places = places(group, era).await?;
    if places.is_empty() { inherited(group, (order, era)).await } else { Ok(places) }
}

/// Where positions are in checkpoints of jobs.
pub(super) fn of_saved<'a>(saved: impl IntoIterator<Item = (&'a String, &'a Manifest)>) -> Places {
    let mut places = Places::new();
    for (job, manifest) in saved {
        let region = RegionName::of_job(job).unwrap_or(RegionName::FIRST);
        places.extend(sources_in(manifest).map(|it| (it, region.clone())));
    }
    places
}

async fn places(group: &Group, era: Option<&Order>) -> Result<Places, Fault> {
    let places = group.places(era).await.map_err(|it| fault(&it))?;
    let read = |(source, place): (StageId, String)| match RegionName::of_place(&place) {
        Some(name) => Ok((source, name)),
        None => Err(Fault::config(
            3195,
            format!("whose checkpoints source {source} has can't be read: {place:?}"),
        )
        .with_hint("was it written by a later version? deploy that")),
    };
    places.into_iter().map(read).collect()
}

/// Whose job sources are in, where that was never said: the checkpoints know it that an era begins
/// with, and those that are older than regions.
async fn inherited(
    group: &Group,
    (order, era): (Option<&Order>, Option<&Order>),
) -> Result<Places, Fault> {
    let mut places = Places::new();
    match era.map(|it| &it.begin) {
        Some(Begin::Savepoint { name, epochs }) => {
            for of in epochs.keys() {
                let saved = job(group, of)?.savepoint(name).await.map_err(|it| fault(&it))?;
                places.extend(of_saved([(of, &saved.1)]));
            }
        }
        Some(Begin::Nothing | Begin::Newest) | None => {}
    }
    let begun = era.map_or(0, |it| it.number);
    let lanes = group.jobs(order).await.map_err(|it| fault(&it))?;
    for lane in 0..lanes.unwrap_or(0) {
        let newest = job(group, &lane_name(lane))?.newest().await.map_err(|it| fault(&it))?;
        // Of this era, or of one that was left behind.
        let newest = newest.iter().filter(|it| it.0.order >= begun);
        for source in newest.flat_map(|it| sources_in(&it.1)) {
            places.entry(source).or_insert(RegionName::FIRST);
        }
    }
    Ok(places)
}

/// Only sources have positions.
fn sources_in(manifest: &Manifest) -> impl Iterator<Item = StageId> {
    manifest.stages.iter().filter(|it| !it.1.position.is_empty()).map(|it| it.0.clone())
}

fn sources_of<'a>(
    plan: &'a Plan,
    stages: &'a BTreeSet<StageId>,
) -> impl Iterator<Item = &'a StageId> {
    plan.of_role(Role::Source).map(|it| &it.id).filter(|it| stages.contains(*it))
}

/// Which region goes on with which job.
pub(super) fn share_out(plan: &Plan, places: &Places) -> Result<Vec<Region>, Fault> {
    let mut regions: Vec<Region> = Vec::new();
    let mut is_first_free = places.is_empty();
    for stages in Graph::new(plan).regions() {
        let mut sources = sources_of(plan, &stages).peekable();
        // What no source reaches does nothing.
        let Some(first) = sources.peek().map(|it| (*it).clone()) else { continue };
        let known: BTreeSet<_> = sources.filter_map(|it| places.get(it)).collect();
        if let [one, other, ..] = &*known.iter().collect::<Vec<_>>() {
            return Err(joined(plan, &stages, (one.job(0), other.job(0))));
        }
        let name = match known.into_iter().next() {
            Some(known) => known.clone(),
            None if std::mem::take(&mut is_first_free) => RegionName::FIRST,
            None => RegionName(Some(first)),
        };
        match regions.iter_mut().find(|it| it.name == name) {
            Some(region) => region.stages.extend(stages),
            None => regions.push(Region { name, stages }),
        }
    }
    Ok(regions)
}

/// Positions in jobs that no region goes on with. What else a job has and its region has not is
/// found when it begins (`weir_checkpoint::fit`).
fn left_over<'a>(
    plan: &'a Plan,
    places: &'a Places,
    regions: &'a [Region],
) -> impl Iterator<Item = (&'a StageId, &'a RegionName)> {
    let is_gone = |it: &StageId| !plan.of_role(Role::Source).any(|stage| stage.id == *it);
    let goes_on = |name: &RegionName| regions.iter().any(|it| it.name == *name);
    places.iter().filter(move |(source, name)| is_gone(source) && !goes_on(name))
}

/// Whether the newest order gives up what the region has in its jobs: as long as nothing stands on
/// what it has chosen.
async fn is_given_up(
    group: &Group,
    order: Option<&Order>,
    (name, lanes): (&RegionName, u32),
) -> Result<bool, Fault> {
    let Some(order) = order.filter(|it| it.drops_leftovers) else { return Ok(false) };
    for lane in 0..lanes {
        let newest = job(group, &name.job(lane))?.newest().await.map_err(|it| fault(&it))?;
        if newest.is_some_and(|it| it.0.order >= order.number) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn gone(plan: &Plan, source: &StageId, name: &RegionName) -> Fault {
    let job = name.job(0);
    let message = format!(
        "source {source} has a position in the checkpoints of {job}, and is not in the plan: give it \
         back its name, or restore without what is left over"
    );
    misfit(message, &plan.workflow)
}

/// What is remembered does not fit the plan.
pub(super) fn misfit(message: String, workflow: &WorkflowName) -> Fault {
    Fault::config(3189, message).with_hint(format!(
        "stop it, and look what can be done: weir workflow restore {workflow} --newest \
         --allow-dropped --dry-run"
    ))
}

fn joined(plan: &Plan, stages: &BTreeSet<StageId>, (one, other): (String, String)) -> Fault {
    let sources: Vec<_> = sources_of(plan, stages).map(StageId::as_str).collect();
    let message = format!(
        "sources {} flow together now, and their positions are in checkpoints of their own, as \
         {one} and {other}",
        sources.join(", ")
    );
    Fault::config(3195, message).with_hint(format!(
        "give one of them another name, so that it begins anew; or let all that is remembered go: \
         weir workflow reset {} --dry-run",
        plan.workflow
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_domain::plan::{Edge, OnError, Retry, Stage};
    use weir_domain::{Place, PortName};

    use super::*;

    fn id(name: &str) -> StageId {
        StageId::new(name).unwrap()
    }

    /// Sources that flow into a sink each, but for those that are written together.
    fn plan(regions: &[&str]) -> Plan {
        let stage = |name: &str, role| Stage {
            id: id(name),
            role,
            kind: "test".into(),
            config: json!({}),
            on_error: OnError::Rollback,
            error_limit: None,
            place: Place::default(),
        };
        let (mut stages, mut edges) = (Vec::new(), Vec::new());
        for (at, sources) in regions.iter().enumerate() {
            let sink = format!("sink-{at}");
            stages.push(stage(&sink, Role::Sink));
            for source in sources.split(' ') {
                stages.push(stage(source, Role::Source));
                edges.push(Edge {
                    from: id(source),
                    port: PortName::out(),
                    to: id(&sink),
                    place: Place::default(),
                });
            }
        }
        let workflow = WorkflowName::new("w").unwrap();
        let retry = Retry::default();
        let (dead_letters, error_limit) = (None, None);
        Plan { workflow, instances: 1, stages, edges, retry, dead_letters, error_limit }
    }

    fn named(name: &str) -> RegionName {
        RegionName::of_job(name).unwrap()
    }

    /// Each job with the sources that it has.
    fn jobs(regions: &[&str], places: &[(&str, &str)]) -> Result<Vec<(String, String)>, Fault> {
        let plan = plan(regions);
        let places = places.iter().map(|(source, job)| (id(source), named(job))).collect();
        let regions = share_out(&plan, &places)?;
        let sources = |it: &Region| {
            sources_of(&plan, &it.stages).map(StageId::as_str).collect::<Vec<_>>().join(" ")
        };
        let left: Vec<_> = left_over(&plan, &places, &regions).map(|it| it.0.clone()).collect();
        let left = left.iter().map(|it| ("left over".to_owned(), it.to_string()));
        Ok(regions.iter().map(|it| (it.name.job(0), sources(it))).chain(left).collect())
    }

    fn of(pairs: &[(&str, &str)]) -> Result<Vec<(String, String)>, Fault> {
        Ok(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    #[test]
    fn the_first_region_is_called_as_its_lane_and_keeps_that_whatever_is_added() {
        assert_eq!(jobs(&["b"], &[]), of(&[("lane-1", "b")]));
        assert_eq!(jobs(&["b c", "a"], &[]), of(&[("lane-1", "b c"), ("lane-1.a", "a")]));
        let added = jobs(&["a", "b"], &[("b", "lane-1")]);
        assert_eq!(added, of(&[("lane-1.a", "a"), ("lane-1", "b")]));
        let joined = jobs(&["a b"], &[("b", "lane-1")]);
        assert_eq!(joined, of(&[("lane-1", "a b")]));
    }

    #[test]
    fn regions_whose_positions_are_in_one_job_run_as_one() {
        let places = [("a", "lane-1"), ("b", "lane-1")];
        let older = jobs(&["a", "b", "c"], &places);
        assert_eq!(older, of(&[("lane-1", "a b"), ("lane-1.c", "c")]));
    }

    #[test]
    fn what_no_region_takes_up_is_left_over() {
        let places = [("a", "lane-1"), ("b", "lane-1.b"), ("c", "lane-1.c"), ("d", "lane-1.c")];
        let removed = jobs(&["a", "d"], &places);
        assert_eq!(removed, of(&[("lane-1", "a"), ("lane-1.c", "d"), ("left over", "b")]));
        assert_eq!(jobs(&["b"], &places[..2]), of(&[("lane-1.b", "b"), ("left over", "a")]));
    }

    #[test]
    fn positions_of_two_jobs_do_not_flow_together() {
        let refused = jobs(&["a b"], &[("a", "lane-1"), ("b", "lane-1.b")]).unwrap_err();
        assert_eq!(refused.code.0, 3195);
        assert!(refused.message.contains("lane-1 and lane-1.b"), "{refused}");
    }

    #[test]
    fn places_and_jobs_are_read_back() {
        for name in ["lane-1", "lane-1.clicks", "lane-1.a.b"].map(named) {
            assert_eq!(RegionName::of_place(&name.to_place()), Some(name.clone()));
            assert_eq!(RegionName::of_job(&name.job(7)), Some(name));
        }
        assert_eq!(RegionName::of_place("other"), None);
    }
}
