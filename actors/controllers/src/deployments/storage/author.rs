//! Who changes something.

use serde::{Deserialize, Serialize};
use weir_domain::Timestamp;

use super::{Event, Fact, Limit, Reach};

/// Who changes something, when, and on the sight of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Author {
    pub name: String,
    pub at: Timestamp,
    /// The revision that the change was decided on; `None`: whatever it is.
    pub expected: Option<u64>,
    pub reach: Reach,
}

impl Author {
    pub(super) fn event(&self, fact: Fact) -> Event {
        Event { at: self.at, by: self.name.clone(), fact }
    }
}

/// As it travels between engines of two versions. Somebody who may not change everything has another
/// shape: an engine that knows of no limits can't read it, and refuses, where it would pass over a
/// field that it does not know.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Limited(Limited),
    Everything(Plain),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limited {
    author: Plain,
    limit: Limit,
}

/// Unknown fields are refused: what is not understood could be another limit.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    name: String,
    at: Timestamp,
    expected: Option<u64>,
}

impl From<Written> for Author {
    fn from(written: Written) -> Self {
        let (Plain { name, at, expected }, reach) = match written {
            Written::Limited(Limited { author, limit }) => (author, Reach::Projects(limit)),
            Written::Everything(author) => (author, Reach::Everything),
        };
        Self { name, at, expected, reach }
    }
}

impl From<Author> for Written {
    fn from(Author { name, at, expected, reach }: Author) -> Self {
        let author = Plain { name, at, expected };
        match reach {
            Reach::Everything => Self::Everything(author),
            Reach::Projects(limit) => Self::Limited(Limited { author, limit }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use weir_domain::{ProjectName, UserClaim};

    use super::*;

    fn read(written: &Value) -> Option<Author> {
        let bytes = rmp_serde::to_vec_named(written).unwrap();
        rmp_serde::from_slice(&bytes).ok()
    }

    fn travelled(author: &Author) -> Value {
        let bytes = rmp_serde::to_vec_named(author).unwrap();
        assert_eq!(rmp_serde::from_slice::<Author>(&bytes).unwrap(), *author);
        rmp_serde::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_limit_is_read_or_its_author_refused() {
        let at = Timestamp(0);
        let limit = Limit {
            claim: UserClaim::DeploymentActivate,
            projects: [ProjectName::new("billing").unwrap()].into(),
        };
        let limited =
            Author { name: "bob".into(), at, expected: Some(3), reach: Reach::Projects(limit) };
        let mut written = travelled(&limited);
        assert_eq!(written["name"], Value::Null, "who knows of no limits can't read it");
        written.as_object_mut().unwrap().remove("limit");
        assert_eq!(read(&written), None);

        let free = Author { reach: Reach::Everything, ..limited };
        let mut written = travelled(&free);
        let known = json!({ "name": "bob", "at": "1970-01-01T00:00:00.000Z", "expected": 3 });
        assert_eq!(written, known, "as it always was");
        written["reach"] = json!({ "projects": ["billing"] });
        assert_eq!(read(&written), None);
    }
}
