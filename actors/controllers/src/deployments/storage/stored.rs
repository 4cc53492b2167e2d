//! Storing and deleting.

use std::collections::BTreeSet;

use weir_domain::{DeploymentTag, Digest};
use weir_persistence_api::ObjectTotals;

use super::{Fact, NewDeployment, ROOT, Rejection, Storage, Use};

impl Storage {
    pub(super) fn store(&self, deployment: NewDeployment) -> Result<Vec<Fact>, Rejection> {
        let tag = &deployment.tag;
        if tag.as_str() == ROOT {
            return Err(Rejection::TagReserved);
        }
        if let Some(taken) = self.by_tag.get(tag) {
            let digest = taken.deployment.digest;
            return Err(Rejection::TagTaken { tag: tag.clone(), digest });
        }
        self.check_exists(&deployment.parent)?;
        let new = self.new_objects(&deployment);
        Ok(vec![Fact::Stored { deployment: Box::new(deployment), new }])
    }

    /// What is not a part of any deployment yet.
    fn new_objects(&self, deployment: &NewDeployment) -> ObjectTotals {
        let known = self.needed();
        let new = deployment.objects.iter().filter(|it| !known.contains(&it.digest));
        new.fold(ObjectTotals::default(), |sum, it| ObjectTotals {
            objects: sum.objects + 1,
            bytes: sum.bytes + it.size,
        })
    }

    /// The objects of all deployments.
    pub fn needed(&self) -> BTreeSet<Digest> {
        self.contents.values().flat_map(|it| it.objects.iter().map(|it| it.digest)).collect()
    }

    pub(super) fn delete(&self, tag: DeploymentTag) -> Result<Vec<Fact>, Rejection> {
        if tag.as_str() == ROOT {
            return Err(Rejection::RootStays);
        }
        self.check_exists(&tag)?;
        if self.default_tag() == tag {
            return Err(Rejection::IsDefault { tag });
        }
        let uses = self.uses(&tag);
        if !uses.is_empty() {
            return Err(Rejection::IsAssigned { tag, uses });
        }
        let nodes = self.nodes.iter().filter(|it| it.1.current.as_ref() == Some(&tag));
        let nodes: Vec<_> = nodes.map(|it| it.0.clone()).collect();
        if !nodes.is_empty() {
            return Err(Rejection::SwitchingAway { tag, nodes });
        }
        Ok(vec![Fact::Deleted { tag }])
    }

    /// The rules that name it, those that fit no node too.
    pub(super) fn uses(&self, tag: &DeploymentTag) -> Vec<Use> {
        let nodes = self.by_node.iter().filter(|it| it.1 == tag);
        let roles = self.roles.iter().filter(|it| it.tag == *tag);
        let canary = self.canary.iter().filter(|it| it.plan.tag == *tag);
        nodes
            .map(|it| Use::Node(it.0.clone()))
            .chain(roles.map(|it| Use::Role(it.role.clone())))
            .chain(canary.map(|_| Use::Canary))
            .collect()
    }
}
