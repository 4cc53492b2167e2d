//! `${sec:NAME}` in texts, and the Secret assets that define the names.
//!
//! A value is sealed where it is written, and stays so here: texts keep their macros, and only the
//! engine that uses a value puts it in.

use std::collections::{BTreeMap, BTreeSet};

use weir_conf::{Node, Value};
use weir_domain::plan::Plan;
use weir_domain::{AssetName, Finding, Place, ProjectName, did_you_mean};
use weir_secrets::{Binding, Error, Piece, SealedSecret, may_name_secrets, pieces};
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
    by_name: BTreeMap<AssetName, SealedSecret>,
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
        // What is wrong with the project's name was reported; its secrets are nobody's then.
        let owner = ProjectName::new(project.name.as_str()).ok();
        let mut listed = BTreeSet::new();
        let mut secrets = Self { is_partial: spec.is_none(), ..Self::default() };
        for (index, name) in spec.iter().flat_map(|it| &it.secrets).enumerate() {
            let path = format!("spec.secrets[{index}]");
            match library.find(AssetKind::Secret, name.as_str()) {
                Ok(asset) if listed.insert(name.as_str()) => {
                    secrets.define(asset, owner.as_ref(), findings);
                }
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
                Self::default().define(asset, owner.as_ref(), findings);
            }
        }
        secrets
    }

    fn define(&mut self, asset: &Asset, owner: Option<&ProjectName>, findings: &mut Vec<Finding>) {
        // A missing spec was reported with the frame.
        let read = asset.spec().map(|_| weir_conf::read_at::<SecretSpec>(&asset.document, "spec"));
        findings.extend(read.and_then(Result::err).unwrap_or_default());
        let node = asset.document.node("spec.values");
        let Some(Value::Mapping(entries)) = node.map(|it| &it.value) else {
            self.is_partial = true;
            return;
        };
        for (name, node) in entries {
            match entry(name, node, owner) {
                Ok((name, sealed)) => _ = self.by_name.insert(name, sealed),
                Err(Unfit { code, cause, fix }) => {
                    self.is_partial = true;
                    let path = path::join("spec.values", &path::write(&[Step::Key(name.clone())]));
                    // Of the file, and no line of it: what stands there instead of a sealed value
                    // may be a clear one, and findings are shown with their lines.
                    let place = Place::file(&asset.document.file);
                    let cause = format!("{cause} (in line {})", node.place.line);
                    findings.push(Finding::error(code, place, path, cause).with_fix(fix));
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
    ) -> impl Iterator<Item = (&AssetName, &SealedSecret)> {
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

/// Why a value is not taken. What is written is not in it.
struct Unfit {
    code: u32,
    cause: String,
    fix: String,
}

/// A value as it is written. One that was sealed for another project or under another name is not taken:
/// engines would not open it either.
fn entry(
    name: &str,
    node: &Node,
    owner: Option<&ProjectName>,
) -> Result<(AssetName, SealedSecret), Unfit> {
    let unsealed = |cause, fix: &str| Unfit { code: 2231, cause, fix: fix.to_owned() };
    let name = AssetName::new(name).map_err(|it| {
        let cause = format!("{name:?} can't be the name of a secret: {it}");
        unsealed(cause, "use letters, digits, '_' and '-'")
    })?;
    let seal = format!("seal it with `weir secret encrypt {name}`, and write here what it prints");
    let Some(text) = node.as_str() else {
        return Err(unsealed(format!("the value of {name} is no text"), &seal));
    };
    let sealed = text.trim().parse::<SealedSecret>();
    let sealed = sealed.map_err(|it| match it {
        Error::Unbound => unsealed(format!("the value of {name} can't be used: {it}"), &seal),
        it => unsealed(format!("the value of {name} is not sealed: {it}"), &seal),
    })?;
    let used_as = owner.map(|it| Binding { project: it.clone(), name: name.clone() });
    match used_as.map(|it| sealed.check_is(&it)) {
        Some(Err(moved)) => Err(misused(&moved, &name)),
        None | Some(Ok(())) => Ok((name, sealed)),
    }
}

fn misused(moved: &Error, name: &AssetName) -> Unfit {
    let fix = format!(
        "a sealed value can't be moved or renamed: seal it with `weir secret encrypt {name}` here"
    );
    Unfit { code: 2237, cause: moved.to_string(), fix }
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
