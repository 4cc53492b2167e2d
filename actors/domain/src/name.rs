//! Names that people give: ASCII letters, digits, `-`, `_` and `.`, beginning with a letter or digit.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest name, in bytes: it fits every database index and file name we put it in.
const LENGTH_MAX: usize = 128;

/// Why a text can't be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("a name must not be empty")]
    Empty,
    #[error("a name has at most {LENGTH_MAX} characters, this one has {0}")]
    TooLong(usize),
    #[error("{0:?} must not stand at the beginning of a name: begin it with a letter or a digit")]
    BadStart(char),
    #[error("{0:?} must not stand in a name: use letters, digits, '-', '_' and '.'")]
    BadCharacter(char),
}

fn check(text: &str) -> Result<(), InvalidName> {
    let first = text.chars().next().ok_or(InvalidName::Empty)?;
    if text.len() > LENGTH_MAX {
        return Err(InvalidName::TooLong(text.chars().count()));
    }
    if !first.is_ascii_alphanumeric() {
        return Err(InvalidName::BadStart(first));
    }
    match text.chars().find(|it| !it.is_ascii_alphanumeric() && !"-_.".contains(*it)) {
        Some(bad) => Err(InvalidName::BadCharacter(bad)),
        None => Ok(()),
    }
}

/// A user's name, or one of a user of another server: `ada@config`.
fn check_user(text: &str) -> Result<(), InvalidName> {
    match text.split_once('@') {
        None => check(text),
        Some(_) if text.len() > LENGTH_MAX => Err(InvalidName::TooLong(text.chars().count())),
        Some((user, server)) => check(user).and_then(|()| check(server)),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        name!($(#[$doc])* $name, check, "^[A-Za-z0-9][A-Za-z0-9_.-]*$");
    };
    ($(#[$doc:meta])* $name:ident, $check:path, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "maxLength": LENGTH_MAX
                })
            }
        }
    };
}

name!(
    /// A cluster of engines.
    ClusterName
);
name!(
    /// A project: one directory of assets.
    ProjectName
);
name!(
    /// An asset of a project, unique among those of its kind.
    AssetName
);
name!(
    /// A stored deployment, unique in the cluster.
    DeploymentTag
);
name!(
    /// A workflow, unique in its project.
    WorkflowName
);
name!(
    /// A stage, unique in its workflow.
    StageId
);
name!(
    /// A table of a stage's state, unique in its stage.
    TableName
);
name!(
    /// A checkpoint that people keep, unique in its job.
    SavepointName
);
name!(
    /// An output of a stage. Most stages have one, `out`.
    PortName
);
name!(
    /// A node of the cluster, unique among its members.
    NodeName
);

name!(
    /// A user of the cluster, or one of another server who is let in on its word: `ada@config`. It never
    /// changes.
    UserName,
    check_user,
    "^[A-Za-z0-9][A-Za-z0-9_.-]*(@[A-Za-z0-9][A-Za-z0-9_.-]*)?$"
);
name!(
    /// A role of users: a set of claims. It never changes.
    RoleName
);

impl UserName {
    /// What a user of another server is called here.
    pub fn of_server(&self, server: &str) -> Result<Self, InvalidName> {
        Self::new(format!("{self}@{server}"))
    }

    /// Whether it is one of another server: nobody here can have that name.
    pub fn is_of_server(&self) -> bool {
        self.0.contains('@')
    }
}

impl PortName {
    /// The output of a stage that has only one.
    pub fn out() -> Self {
        Self("out".to_owned())
    }
}

name!(
    /// A group of resources, such as the partitions of a topic for one consumer.
    GroupName
);
name!(
    /// A resource, unique within its group.
    ResourceName
);

/// The history that items are claimed in: a workflow's source stage, as `workflow/stage`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct SourceName(String);

impl SourceName {
    pub fn of(workflow: &WorkflowName, stage: &StageId) -> Self {
        Self(format!("{workflow}/{stage}"))
    }

    /// A name as it was stored.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_refused_with_the_character_that_is_wrong() {
        assert_eq!(WorkflowName::new(""), Err(InvalidName::Empty));
        assert_eq!(WorkflowName::new("-a"), Err(InvalidName::BadStart('-')));
        assert_eq!(WorkflowName::new("a b"), Err(InvalidName::BadCharacter(' ')));
        assert_eq!(WorkflowName::new("../x"), Err(InvalidName::BadStart('.')));
        assert_eq!(WorkflowName::new("x".repeat(129)), Err(InvalidName::TooLong(129)));
        assert!(WorkflowName::new("flights-2024_v1.2").is_ok());
    }
}
