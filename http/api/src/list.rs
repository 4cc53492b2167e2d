//! Which part of a list is asked for, and in which order: the same for every list that is at hand as a whole.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::{Cursor, schema};

/// Which elements of a list to answer, and in which order. Without any of it: all of them, as they are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Most elements of the page. Without it, all that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before; it goes on in the order that it was given for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
    /// Fields to sort by, the first one first, with `-` before those whose largest value comes first: `-errors,name`.
    /// An element without the field comes before all that have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 256)]
    pub sort: Option<String>,
    /// What all elements of the answer have, with spaces between: `name~fl*` matches a pattern, `enabled:true` is
    /// equal or has it among others, `errors>0` and `createdAt<2026-11` are more and less, and a word alone is
    /// somewhere in a text of it, in upper or lower case. Values with spaces are in double quotes; `""` is a field
    /// that is absent or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 1024)]
    pub filter: Option<String>,
}

impl ListQuery {
    /// Most bytes of a filter.
    pub const FILTER_MAX: usize = 1_024;
    /// Most bytes of what to sort by.
    pub const SORT_MAX: usize = 256;
}
