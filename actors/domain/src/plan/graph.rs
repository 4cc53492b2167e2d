//! The plan as a graph: order, cycles, what hangs together, and islands of stages that run as one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Edge, Plan, Role, Stage};
use crate::StageId;

/// A view of a plan's edges. Edges to or from stages that don't exist are left out.
pub struct Graph<'a> {
    plan: &'a Plan,
    index: BTreeMap<&'a StageId, usize>,
}

/// Which stages run fused. Every stage is in exactly one island, in order of flow.
pub type Islands = Vec<Vec<StageId>>;

impl<'a> Graph<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        let index = plan.stages.iter().enumerate().map(|(at, stage)| (&stage.id, at)).collect();
        Self { plan, index }
    }

    pub fn outgoing(&self, id: &'a StageId) -> impl Iterator<Item = &'a Edge> {
        self.edges().filter(move |it| it.from == *id)
    }

    pub fn incoming(&self, id: &'a StageId) -> impl Iterator<Item = &'a Edge> {
        self.edges().filter(move |it| it.to == *id)
    }

    fn edges(&self) -> impl Iterator<Item = &'a Edge> {
        let known =
            |edge: &&Edge| self.index.contains_key(&edge.from) && self.index.contains_key(&edge.to);
        self.plan.edges.iter().filter(known)
    }

    /// Stages in an order in which data reaches them, or one cycle, first stage repeated at its end.
    pub fn order(&self) -> Result<Vec<&'a StageId>, Vec<&'a StageId>> {
        let mut order = Vec::with_capacity(self.plan.stages.len());
        let mut marks = vec![Mark::New; self.plan.stages.len()];
        for stage in &self.plan.stages {
            let mut path = Vec::new();
            self.visit(&stage.id, &mut marks, &mut path, &mut order)?;
        }
        order.reverse();
        Ok(order)
    }

    fn visit(
        &self,
        id: &'a StageId,
        marks: &mut [Mark],
        path: &mut Vec<&'a StageId>,
        order: &mut Vec<&'a StageId>,
    ) -> Result<(), Vec<&'a StageId>> {
        let at = self.index[id];
        path.push(id);
        match marks[at] {
            Mark::Done => {}
            Mark::Open => {
                let start = path.iter().position(|it| *it == id).unwrap_or(0);
                return Err(path.split_off(start));
            }
            Mark::New => {
                marks[at] = Mark::Open;
                // Later edges first, so that the reversed order keeps the order of writing.
                let next: Vec<_> = self.outgoing(id).map(|it| &it.to).collect();
                for to in next.into_iter().rev() {
                    self.visit(to, marks, path, order)?;
                }
                marks[at] = Mark::Done;
                order.push(id);
            }
        }
        path.pop();
        Ok(())
    }

    /// Stages that no source reaches.
    pub fn unreached(&self) -> Vec<&'a StageId> {
        let mut reached = vec![false; self.plan.stages.len()];
        let mut open: Vec<_> = self.plan.of_role(Role::Source).map(|it| &it.id).collect();
        while let Some(id) = open.pop() {
            if !std::mem::replace(&mut reached[self.index[id]], true) {
                open.extend(self.outgoing(id).map(|it| &it.to));
            }
        }
        let stages = self.plan.stages.iter().zip(reached);
        stages.filter(|(_, reached)| !reached).map(|(stage, _)| &stage.id).collect()
    }

    /// What hangs together by edges, in order of the stages: nothing flows from one to another.
    pub fn regions(&self) -> Vec<BTreeSet<StageId>> {
        let mut regions: Vec<BTreeSet<StageId>> = Vec::new();
        for Stage { id, .. } in &self.plan.stages {
            let next = self.outgoing(id).map(|it| &it.to);
            let mut region: BTreeSet<_> = std::iter::once(id).chain(next).cloned().collect();
            let at = regions.iter().position(|it| !it.is_disjoint(&region));
            let (joined, others) = regions.into_iter().partition(|it| !it.is_disjoint(&region));
            let joined: Vec<BTreeSet<_>> = joined;
            region.extend(joined.into_iter().flatten());
            regions = others;
            regions.insert(at.unwrap_or(regions.len()), region);
        }
        regions
    }

    /// Groups connected operators: an operator joins the island of its upstream operator when
    /// that is its only input; a fan-in begins a new island. Sources and sinks stand alone.
    /// Call it on a plan that has no cycle.
    pub fn islands(&self) -> Islands {
        let order = self.order().unwrap_or_default();
        let mut island_of: BTreeMap<&StageId, usize> = BTreeMap::new();
        let mut islands: Islands = Vec::new();
        for id in order {
            let fused = self.fused_upstream(id).and_then(|it| island_of.get(it).copied());
            let at = fused.unwrap_or_else(|| {
                islands.push(Vec::new());
                islands.len() - 1
            });
            islands[at].push(id.clone());
            island_of.insert(id, at);
        }
        islands
    }

    fn fused_upstream(&self, id: &'a StageId) -> Option<&'a StageId> {
        let is_operator =
            |it: &StageId| self.plan.stage(it).is_some_and(|it| it.role == Role::Operator);
        let mut inputs = self.incoming(id);
        match (inputs.next(), inputs.next()) {
            (Some(only), None) if is_operator(id) && is_operator(&only.from) => Some(&only.from),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Mark {
    New,
    Open,
    Done,
}

#[cfg(test)]
mod tests {
    use super::super::check::tests::plan;
    use super::*;

    fn names(ids: &[&StageId]) -> String {
        ids.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn order_follows_the_flow() {
        let plan = plan("s:source m:op f:op a:sink b:sink", "s>m m>f f.x>a f.y>b");
        assert_eq!(Graph::new(&plan).order().map(|it| names(&it)), Ok("s m f a b".into()));
    }

    #[test]
    fn a_cycle_is_named_from_its_first_stage_round_to_it() {
        let plan = plan("s:source a:op b:op c:op", "s>a a>b b>c c>a");
        assert_eq!(Graph::new(&plan).order().map_err(|it| names(&it)), Err("a b c a".into()));
    }

    #[test]
    fn operators_fuse_until_data_must_meet() {
        let plan =
            plan("s:source m:op f:op x:op y:op j:op o:sink", "s>m m>f f.a>x f.b>y x>j y>j j>o");
        let islands = Graph::new(&plan).islands();
        let text: Vec<_> = islands.iter().map(|it| names(&it.iter().collect::<Vec<_>>())).collect();
        assert_eq!(text, ["s", "m f x y", "j", "o"]);
    }

    #[test]
    fn what_no_edge_joins_are_regions_in_order_of_the_stages() {
        let edges = "a>x b>y c>z y>o x>o";
        let plan = plan("a:source c:source b:source x:op y:op z:sink o:sink", edges);
        let regions = Graph::new(&plan).regions();
        let text: Vec<_> = regions.iter().map(|it| names(&it.iter().collect::<Vec<_>>())).collect();
        assert_eq!(text, ["a b o x y", "c z"]);
    }
}
