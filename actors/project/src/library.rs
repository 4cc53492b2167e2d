//! All assets of a project by kind and name.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::{Finding, Place, did_you_mean};

use crate::asset::{Asset, AssetKind, Unreadable};

#[derive(Debug, Default)]
pub(crate) struct Library {
    assets: BTreeMap<(AssetKind, String), Asset>,
    unreadable: Vec<Unreadable>,
    /// Those that others extend.
    pub(crate) extended: BTreeSet<(AssetKind, String)>,
}

/// A reference that leads to no asset.
#[derive(Debug, PartialEq)]
pub(crate) enum Missing {
    /// To one that may be there but can't be read, which was reported.
    Unreadable,
    Unknown {
        cause: String,
        fix: String,
    },
}

impl Missing {
    /// What is to be said about the reference, if anything.
    pub(crate) fn finding(self, place: Place, path: &str) -> Option<Finding> {
        match self {
            Self::Unreadable => None,
            Self::Unknown { cause, fix } => {
                Some(Finding::error(2220, place, path, cause).with_fix(fix))
            }
        }
    }
}

impl Library {
    /// Takes the assets in; of two with one kind and name, the first stays.
    pub(crate) fn of(
        assets: Vec<Asset>,
        unreadable: Vec<Unreadable>,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut library = Self { unreadable, ..Self::default() };
        for asset in assets {
            // Without a name it can't be referred to, but it can be judged.
            let nameless = || format!("?{}", asset.document.file);
            let name = if asset.name.is_empty() { nameless() } else { asset.name.clone() };
            let key = (asset.kind, name);
            match library.assets.get(&key) {
                Some(first) => findings.push(twice(&asset, first)),
                None => {
                    library.assets.insert(key, asset);
                }
            }
        }
        library
    }

    pub(crate) fn of_kind(&self, kind: AssetKind) -> impl Iterator<Item = &Asset> {
        self.assets.values().filter(move |it| it.kind == kind)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.assets.values()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Asset> {
        self.assets.values_mut()
    }

    pub(crate) fn find(&self, kind: AssetKind, name: &str) -> Result<&Asset, Missing> {
        let found = self.assets.get(&(kind, name.to_owned()));
        found.ok_or_else(|| self.missing(kind, name))
    }

    pub(crate) fn find_mut(&mut self, kind: AssetKind, name: &str) -> Option<&mut Asset> {
        self.assets.get_mut(&(kind, name.to_owned()))
    }

    /// Takes out what can't be judged, which was reported; others may refer to it all the same.
    pub(crate) fn set_aside(&mut self, kind: AssetKind, name: &str) {
        if self.assets.remove(&(kind, name.to_owned())).is_some() {
            self.unreadable.push(Unreadable::known(kind, name));
        }
    }

    /// All assets are here: what is said about the whole is true.
    pub(crate) fn is_complete(&self) -> bool {
        self.unreadable.is_empty()
    }

    fn missing(&self, kind: AssetKind, name: &str) -> Missing {
        if self.unreadable.iter().any(|it| it.may_be(kind, name)) {
            return Missing::Unreadable;
        }
        let a_kind = kind.with_article();
        let cause = format!("there is no {kind} asset {name:?}");
        let names = self.of_kind(kind).map(|it| it.name.as_str());
        let names: Vec<_> = names.filter(|it| !it.is_empty()).collect();
        let namesake = self.assets.values().find(|it| it.name == name);
        let fix = match (did_you_mean(name, names.iter().copied()), namesake) {
            (Some(near), _) => format!("did you mean {near:?}?"),
            (None, Some(asset)) => {
                let file = &asset.document.file;
                let is = asset.kind.with_article();
                format!("{name:?} is {is} asset, in {file}: name {a_kind} asset")
            }
            (None, None) if names.is_empty() => format!("add {a_kind} asset of that name"),
            (None, None) => format!("the {kind} assets are: {}", names.join(", ")),
        };
        Missing::Unknown { cause, fix }
    }
}

fn twice(asset: &Asset, first: &Asset) -> Finding {
    let place = first.document.place("metadata.name");
    let cause =
        format!("the {} asset {:?} is there twice, first at {place}", asset.kind, asset.name);
    asset
        .document
        .finding(2208, "metadata.name", cause)
        .with_fix("give each asset of a kind a name of its own")
}
