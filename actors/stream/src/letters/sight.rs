//! What of a letter's record is shown: a record may hold the value of a secret, because the system that it
//! came from repeats what it was asked with.
//!
//! The record itself is kept as it is, so that it can be replayed. What may be shown of it is kept beside
//! it: whoever is asked later may not know the secrets any more.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use weir_domain::WorkflowName;
use weir_secrets::Opened;

use super::record::Line;
use crate::Running;

/// What of letters is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// All, as it is kept.
    Whole,
    /// No values of secrets: of those that the letters' stream knew, and of these. `None`: this engine does
    /// not know the workflow's.
    Masked(Option<Opened>),
}

/// A record as it is shown.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) raw: Option<String>,
    pub(super) raw_base64: Option<String>,
    pub(super) is_masked: bool,
}

impl Sight {
    /// Without the values of secrets that the workflow has on this engine.
    pub fn masked(running: &Running, workflow: &WorkflowName) -> Self {
        let means = running.of(workflow);
        Self::Masked(means.plan.is_some().then_some(means.secrets))
    }

    pub(super) fn of(&self, it: &Line, is_vetted: bool) -> Seen {
        let (raw, raw_base64) = (it.raw.clone(), it.raw_base64.clone());
        let whole = Seen { raw, raw_base64, is_masked: false };
        let Self::Masked(known) = self else { return whole };
        let seen = |raw: Option<String>| Seen { raw, raw_base64: None, is_masked: true };
        match (&it.shown, known) {
            (Some(text), Some(known)) => seen(Some(known.masked(text).into_owned())),
            (Some(text), None) => seen(Some(text.clone())),
            // Nobody has looked whether it holds any, and nobody can.
            (None, None) if !is_vetted => seen(None),
            (None, None) => whole,
            (None, Some(known)) => {
                let record = (it.raw.as_deref(), it.raw_base64.as_deref());
                let text = shown(known, record, it.raw_cut);
                text.map_or(whole, |it| seen(Some(it)))
            }
        }
    }
}

/// What may be shown of a record that holds the value of a secret; `None`: it holds none.
pub(super) fn shown(
    secrets: &Opened,
    (raw, encoded): (Option<&str>, Option<&str>),
    is_cut: bool,
) -> Option<String> {
    let masked = |text: &str| {
        let masked = if is_cut { secrets.masked_beginning(text) } else { secrets.masked(text) };
        match masked {
            Cow::Owned(masked) => Some(masked),
            Cow::Borrowed(_) => None,
        }
    };
    match (raw, encoded) {
        (Some(raw), _) => masked(raw),
        (None, encoded) => masked(&String::from_utf8_lossy(&STANDARD.decode(encoded?).ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::AssetName;
    use weir_secrets::Secret;

    use super::*;

    fn secrets(value: &str) -> Opened {
        let name = AssetName::new("PW").unwrap();
        [(name, Secret::from(value.to_owned()))].into_iter().collect()
    }

    fn line(json: &serde_json::Value) -> Line {
        let mut line = serde_json::json!({ "stage": "read" });
        line.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
        serde_json::from_value(line).unwrap()
    }

    /// What is shown, and whether something of it is not.
    fn seen(sight: &Sight, it: &Line, is_vetted: bool) -> (Option<String>, bool) {
        let seen = sight.of(it, is_vetted);
        (seen.raw.or(seen.raw_base64), seen.is_masked)
    }

    #[test]
    fn values_of_secrets_are_shown_to_nobody_who_may_not_see_them() {
        let known = Sight::Masked(Some(secrets("planted")));
        let unknown = Sight::Masked(None);
        let some = |it: &str| Some(it.to_owned());
        let plain = line(&serde_json::json!({ "raw": "a planted value" }));
        assert_eq!(seen(&Sight::Whole, &plain, false), (some("a planted value"), false));
        assert_eq!(seen(&known, &plain, false), (some("a *** value"), true));
        assert_eq!(seen(&unknown, &plain, false), (None, true), "nobody has looked");
        let vetted = line(&serde_json::json!({ "raw": "old planted", "shown": "*** planted" }));
        assert_eq!(seen(&unknown, &vetted, true), (some("*** planted"), true));
        assert_eq!(seen(&known, &vetted, true), (some("*** ***"), true));
        let innocent = line(&serde_json::json!({ "raw": "nothing" }));
        assert_eq!(seen(&unknown, &innocent, true), (some("nothing"), false));
        let cut = line(&serde_json::json!({ "raw": "a plant", "rawCut": true }));
        assert_eq!(seen(&known, &cut, false), (some("a ***"), true));
        let bytes = STANDARD.encode([b"\xffplanted".as_slice(), b"!"].concat());
        let bytes = line(&serde_json::json!({ "rawBase64": bytes }));
        assert_eq!(seen(&known, &bytes, false), (some("\u{fffd}***!"), true));
    }
}
