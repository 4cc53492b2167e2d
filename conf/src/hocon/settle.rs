//! Mends of the syntax tree before resolution, none of which changes what the text means.
//!
//! An optional substitution that certainly stands for nothing is taken out before resolution. To HOCON
//! that is the same, and it keeps the parser from losing the value that it was to override when
//! something refers to the key before the line that defines it.

use std::collections::HashMap;

use ::hocon::parser::{AstField, AstNode};

use super::syntax::{drop_prefix, each_substitution, prefix_len, replace};
use super::tree::Tree;

/// Rounds of taking out what stands for nothing. What is left is still checked by the resolution.
const ROUNDS_MAX: usize = 50;

/// Takes out what certainly stands for nothing, and settles which key a substitution means: in an
/// included file one beside the include, or one counted from the root; and where a substitution leads
/// through another one, the key that is written out (the resolver does not follow such paths).
pub(super) fn settle(fields: &mut Vec<AstField>, env: &HashMap<String, String>) {
    for _ in 0..ROUNDS_MAX {
        let tree = Tree::of(fields);
        let redirected = redirect(fields, &tree);
        if !prune(fields, &tree, env) && !redirected {
            return;
        }
    }
}

fn redirect(fields: &mut [AstField], tree: &Tree) -> bool {
    let mut changed = false;
    for field in fields {
        each_substitution(&mut field.value, &mut |segments, pos| {
            let path: Vec<String> = segments.iter().map(|it| it.text.clone()).collect();
            if prefix_len(pos) > 0 && !tree.may_have(&path) {
                drop_prefix(segments, pos);
                changed = true;
            } else if let Some(other) = tree.follow(&path) {
                replace(segments, pos, other);
                changed = true;
            }
        });
    }
    changed
}

fn prune(fields: &mut Vec<AstField>, tree: &Tree, env: &HashMap<String, String>) -> bool {
    let before = fields.len();
    fields.retain(|it| !is_nothing(&it.value, tree, env));
    let mut changed = fields.len() < before;
    for field in fields {
        changed |= prune_value(&mut field.value, tree, env);
    }
    changed
}

fn prune_value(node: &mut AstNode, tree: &Tree, env: &HashMap<String, String>) -> bool {
    match node {
        AstNode::Object { fields, .. } => prune(fields, tree, env),
        AstNode::Array { items: nodes, .. } | AstNode::Concat { nodes, .. } => {
            nodes.iter_mut().fold(false, |changed, it| prune_value(it, tree, env) | changed)
        }
        _ => false,
    }
}

fn is_nothing(node: &AstNode, tree: &Tree, env: &HashMap<String, String>) -> bool {
    match node {
        AstNode::Substitution { segments, optional: true, list_suffix: false, .. } => {
            let path: Vec<String> = segments.iter().map(|it| it.text.clone()).collect();
            !env.contains_key(&path.join(".")) && !tree.may_have(&path)
        }
        AstNode::Concat { nodes, .. } => nodes.iter().all(|it| {
            matches!(it, AstNode::Scalar { separator: true, .. }) || is_nothing(it, tree, env)
        }),
        _ => false,
    }
}
