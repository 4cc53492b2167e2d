//! Visits of the parser's syntax tree, and what its positions hold beside line and column.

use ::hocon::lexer::Segment;
use ::hocon::parser::{AstField, AstNode, Pos};

/// Positions of several files in one tree: a line is `index of the file * STRIDE + line`. No file has
/// as many lines or columns, as none has as many bytes.
pub(super) const STRIDE: usize = 10_000_000;

/// Puts the keys around an include in front of a substitution; how many is kept in the column.
pub(super) fn relativize(segments: &mut Vec<Segment>, pos: &mut Pos, prefix: &[String]) {
    let (line, col) = (pos.line, pos.col);
    let prefix_of = |text: &String| Segment { text: text.clone(), line, col };
    segments.splice(0..0, prefix.iter().map(prefix_of));
    pos.col += prefix.len() * STRIDE;
}

/// How many segments an include put in front; they are tried first, and then left out.
pub(super) fn prefix_len(pos: &Pos) -> usize {
    pos.col / STRIDE
}

pub(super) fn drop_prefix(segments: &mut Vec<Segment>, pos: &mut Pos) {
    segments.drain(..prefix_len(pos).min(segments.len()));
    pos.col %= STRIDE;
}

/// Makes a substitution refer to another path, which counts from the root.
pub(super) fn replace(segments: &mut Vec<Segment>, pos: &mut Pos, path: Vec<String>) {
    pos.col %= STRIDE;
    let (line, col) = (pos.line, pos.col);
    *segments = path.into_iter().map(|text| Segment { text, line, col }).collect();
}

pub(super) fn each_node(node: &AstNode, visit: &mut impl FnMut(&AstNode)) {
    visit(node);
    match node {
        AstNode::Object { fields, .. } => {
            fields.iter().for_each(|it| each_node(&it.value, visit));
        }
        AstNode::Array { items: nodes, .. } | AstNode::Concat { nodes, .. } => {
            nodes.iter().for_each(|it| each_node(it, visit));
        }
        _ => {}
    }
}

pub(super) fn each_substitution(
    node: &mut AstNode,
    visit: &mut impl FnMut(&mut Vec<Segment>, &mut Pos),
) {
    match node {
        AstNode::Substitution { segments, pos, .. } => visit(segments, pos),
        AstNode::Object { fields, .. } => {
            fields.iter_mut().for_each(|it| each_substitution(&mut it.value, visit));
        }
        AstNode::Array { items: nodes, .. } | AstNode::Concat { nodes, .. } => {
            nodes.iter_mut().for_each(|it| each_substitution(it, visit));
        }
        _ => {}
    }
}

pub(super) fn each_pos(field: &mut AstField, change: &impl Fn(&mut Pos)) {
    change(&mut field.pos);
    each_node_pos(&mut field.value, change);
}

fn each_node_pos(node: &mut AstNode, change: &impl Fn(&mut Pos)) {
    match node {
        AstNode::Object { fields, pos } => {
            change(pos);
            fields.iter_mut().for_each(|it| each_pos(it, change));
        }
        AstNode::Array { items: nodes, pos } | AstNode::Concat { nodes, pos } => {
            change(pos);
            nodes.iter_mut().for_each(|it| each_node_pos(it, change));
        }
        AstNode::Scalar { pos, .. }
        | AstNode::Substitution { pos, .. }
        | AstNode::Include { pos, .. } => change(pos),
    }
}
