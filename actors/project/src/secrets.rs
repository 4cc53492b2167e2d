//! `${sec:NAME}` in texts, and the Secret assets that define the names.
//!
//! A value is sealed where it is written, and stays so here: texts keep their macros, and only the
//! engine that uses a value puts it in.

use std::collections::{BTreeMap, BTreeSet};

use weir_conf::{Node, Value};
use weir_domain::plan::Plan;
use weir_domain::{AssetName, Finding, Place, did_you_mean};
use weir_secrets::{Piece, Sealed, may_name_secrets, pieces};
use weir_stream::SecretUse;

use crate::asset::{Asset, AssetKind};
use crate::config::Config;
use crate::library::Library;
use crate::path::{self, Step};
use crate::spec::{ProjectSpec, SecretSpec};

/// How people write who mean `sec`.
const LOOKALIKES: [&str; 4] = ["${secret:", "${secrets:", "${Sec:", "${SEC:"];

/// Sealed values by name, of all listed assets together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Secrets {
    by_name: BTreeMap<AssetName, Sealed>,
    /// Some assets can't be read, which was reported: names that are missing may be theirs.
    is_partial: bool,
}

impl Secrets {
    /// Reads all Secret assets, and takes the values of those that the project lists, in its order.
    pub(crate) fn of(
        project: &Asset,
        spec: Option<&ProjectSpec>,
        library: &Library,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let mut listed = BTreeSet::new();
        let mut secrets = Self { is_partial: spec.is_none(), ..Self::default() };
        for (index, name) in spec.iter().flat_map(|it| &it.secrets).enumerate() {
            let path = format!("spec.secrets[{index}]");
            match library.find(AssetKind::Secret, name.as_str()) {
                Ok(asset) if listed.insert(name.as_str()) => secrets.define(asset, findings),
                Ok(_) => {
                    let cause = format!("the secrets {name} are listed twice");
                    let finding = project.document.finding(2230, &path, cause);
                    findings.push(finding.with_fix("remove one: the later one would win"));
                }
                Err(missing) => {
                    secrets.is_partial = true;
                    findings.extend(missing.finding(project.document.place(&path), &path));
                }
            }
        }
        // What is not listed today may be tomorrow: it should read, too.
        for asset in library.of_kind(AssetKind::Secret) {
            if !listed.contains(asset.name.as_str()) {
                Self::default().define(asset, findings);
            }
        }
        secrets
    }

    fn define(&mut self, asset: &Asset, findings: &mut Vec<Finding>) {
        // A missing spec was reported with the frame.
        let read = asset.spec().map(|_| weir_conf::read_at::<SecretSpec>(&asset.document, "spec"));
        findings.extend(read.and_then(Result::err).unwrap_or_default());
        let node = asset.document.node("spec.values");
        let Some(Value::Mapping(entries)) = node.map(|it| &it.value) else {
            self.is_partial = true;
            return;
        };
        for (name, node) in entries {
            match entry(name, node) {
                Ok((name, sealed)) => _ = self.by_name.insert(name, sealed),
                Err((cause, fix)) => {
                    self.is_partial = true;
                    let path = path::join("spec.values", &path::write(&[Step::Key(name.clone())]));
                    // Of the file, and no line of it: what stands there instead of a sealed value
                    // may be a clear one, and findings are shown with their lines.
                    let place = Place::file(&asset.document.file);
                    findings.push(Finding::error(2231, place, path, cause).with_fix(fix));
                }
            }
        }
    }

    /// Looks at all that texts below a node name. Returns the places of those where something is
    /// wrong: what else is wrong with them follows from it.
    pub(crate) fn check(
        &self,
        node: &Node,
        path: &str,
        findings: &mut Vec<Finding>,
    ) -> BTreeSet<Place> {
        let mut broken = BTreeSet::new();
        texts(node, &mut Vec::new(), &mut |node, text, steps| {
            let path = path::join(path, &path::write(steps));
            for trouble in self.troubles(text) {
                if trouble.is_error() {
                    broken.insert(node.place.clone());
                }
                findings.extend(trouble.finding(&node.place, &path));
            }
        });
        broken
    }

    fn troubles(&self, text: &str) -> Vec<Trouble> {
        let named = pieces(text).into_iter().filter_map(|it| match it {
            Piece::Text(_) => None,
            Piece::Open(_) => Some(Trouble::Malformed("${sec: has no closing }".to_owned())),
            Piece::Name(name) => self.trouble(name),
        });
        let lookalikes = LOOKALIKES.into_iter().filter(|it| text.contains(it));
        named.chain(lookalikes.map(Trouble::Lookalike)).collect()
    }

    fn trouble(&self, name: &str) -> Option<Trouble> {
        if AssetName::new(name).is_err() {
            return Some(Trouble::Malformed(format!("{name:?} can't be the name of a secret")));
        }
        if self.by_name.contains_key(name) {
            return None;
        }
        let near = did_you_mean(name, self.by_name.keys().map(AssetName::as_str));
        let near = near.map(str::to_owned);
        Some(Trouble::Unknown { name: name.to_owned(), near, is_reported: self.is_partial })
    }

    /// What these names stand for.
    pub(crate) fn named(
        &self,
        names: &BTreeSet<AssetName>,
    ) -> impl Iterator<Item = (&AssetName, &Sealed)> {
        self.by_name.iter().filter(|it| names.contains(it.0))
    }
}

enum Trouble {
    Unknown { name: String, near: Option<String>, is_reported: bool },
    Malformed(String),
    Lookalike(&'static str),
}

impl Trouble {
    fn is_error(&self) -> bool {
        !matches!(self, Self::Lookalike(_))
    }

    fn finding(self, place: &Place, path: &str) -> Option<Finding> {
        let error = |code, cause: String| Finding::error(code, place.clone(), path, cause);
        Some(match self {
            Self::Unknown { is_reported: true, .. } => return None,
            Self::Unknown { name, near, .. } => {
                let fix = match near {
                    Some(near) => format!("did you mean ${{sec:{near}}}?"),
                    None => {
                        "define it in a Secret asset that spec.secrets of the project lists".into()
                    }
                };
                error(2232, format!("no secret of the project is called {name:?}")).with_fix(fix)
            }
            Self::Malformed(cause) => {
                error(2233, cause).with_fix("write ${sec:NAME}; $${sec: stands for the text ${sec:")
            }
            Self::Lookalike(begin) => {
                let cause = format!("{begin}…}} is no macro of secrets and stays as it is");
                Finding::warning(2234, place.clone(), path, cause)
                    .with_fix("did you mean ${sec:…}?")
            }
        })
    }
}

/// A value as it is written. What is wrong is said without what is written.
fn entry(name: &str, node: &Node) -> Result<(AssetName, Sealed), (String, &'static str)> {
    const SEAL: &str = "seal the value with `weir secret encrypt`, and write here what it prints";
    let name = AssetName::new(name).map_err(|it| {
        (
            format!("{name:?} can't be the name of a secret: {it}"),
            "use letters, digits, '_' and '-'",
        )
    })?;
    let Some(text) = node.as_str() else {
        return Err((format!("the value of {name} is no text"), SEAL));
    };
    let sealed = text.trim().parse::<Sealed>();
    let sealed = sealed.map_err(|it| (format!("the value of {name} is not sealed: {it}"), SEAL))?;
    Ok((name, sealed))
}

/// What names secrets in a configuration that would show them. Their places are put into `broken`:
/// what a kind says of these texts follows from that.
pub(crate) fn misplaced(
    config: &Config,
    usage: SecretUse,
    broken: &mut BTreeSet<Place>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    if usage != SecretUse::Refused {
        return found;
    }
    texts(&config.root, &mut Vec::new(), &mut |node, text, steps| {
        let names = pieces(text).iter().any(|it| matches!(it, Piece::Name(_)));
        // Each is reported once, however many workflows use it; what is wrong already, not again.
        if names && broken.insert(node.place.clone()) {
            let cause =
                "the value of a secret would show here: in names of files, in logs and journals";
            let finding = config.finding(2235, steps, cause);
            found.push(finding.with_fix("write an ${env:NAME} here, or no secret"));
        }
    });
    found
}

/// The secrets that the texts of a plan name.
pub(crate) fn of_plan(plan: &Plan) -> BTreeSet<AssetName> {
    let mut names = BTreeSet::new();
    let letters = plan.dead_letters.iter().map(|it| &it.config);
    for config in plan.stages.iter().map(|it| &it.config).chain(letters) {
        of_value(config, &mut names);
    }
    names
}

fn of_value(value: &serde_json::Value, names: &mut BTreeSet<AssetName>) {
    use serde_json::Value::{Array, Object, String};
    match value {
        String(text) => names.extend(pieces(text).into_iter().filter_map(|it| match it {
            Piece::Name(name) => AssetName::new(name).ok(),
            Piece::Text(_) | Piece::Open(_) => None,
        })),
        Array(items) => items.iter().for_each(|it| of_value(it, names)),
        Object(entries) => entries.values().for_each(|it| of_value(it, names)),
        _ => {}
    }
}

fn texts(node: &Node, steps: &mut Vec<Step>, found: &mut impl FnMut(&Node, &str, &[Step])) {
    match &node.value {
        Value::Text(text)
            if may_name_secrets(text) || LOOKALIKES.iter().any(|it| text.contains(it)) =>
        {
            found(node, text, steps);
        }
        Value::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                steps.push(Step::Index(index));
                texts(item, steps, found);
                steps.pop();
            }
        }
        Value::Mapping(entries) => {
            for (key, item) in entries {
                steps.push(Step::Key(key.clone()));
                texts(item, steps, found);
                steps.pop();
            }
        }
        _ => {}
    }
}
