//! From the parser's events to a located tree, with an explicit stack: depth costs no stack.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, ScalarStyle, Span, Tag};
use weir_domain::{Finding, Place};

use super::place;
use super::scalar::{self, TooLarge};
use crate::document::{Kind, Node, Value};
use crate::path::{self, Step};

/// Mappings and lists within each other.
const DEPTH_MAX: usize = 64;
/// Nodes that aliases may add; more is a bomb, not a document.
const ALIASED_NODES_MAX: usize = 100_000;

pub(super) struct Builder<'f> {
    file: &'f str,
    pub findings: Vec<Finding>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    /// Finished nodes by the parser's number of their anchor, with their size.
    anchors: HashMap<usize, (Node, usize)>,
    aliased_nodes: usize,
}

/// A list or mapping whose end was not seen yet.
struct Open {
    place: Place,
    anchor: usize,
    content: Content,
    nodes: usize,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<(String, Node)>, seen: HashSet<String>, key: Option<(String, Place)> },
}

impl<'f> Builder<'f> {
    pub(super) fn new(file: &'f str) -> Self {
        Self {
            file,
            findings: Vec::new(),
            open: Vec::new(),
            root: None,
            documents: 0,
            anchors: HashMap::new(),
            aliased_nodes: 0,
        }
    }

    /// Takes the next event; false if the rest of the text is of no use.
    pub(super) fn accept(&mut self, event: Event<'_>, span: Span) -> bool {
        let at = place(self.file, &span);
        match event {
            Event::DocumentStart(_) => return self.start(at),
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), at);
            }
            Event::Alias(anchor) => return self.alias(anchor, at),
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", &at);
                return self.enter(at, anchor, Content::Sequence(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", &at);
                let content =
                    Content::Mapping { entries: Vec::new(), seen: HashSet::new(), key: None };
                return self.enter(at, anchor, content);
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Nothing => {}
        }
        true
    }

    /// An empty text is a document, too: it holds nothing.
    pub(super) fn finish(self) -> Result<Node, Vec<Finding>> {
        if self.findings.is_empty() {
            let nothing = || Node::new(Value::Null, Place::new(self.file, 1, 1));
            return Ok(self.root.unwrap_or_else(nothing));
        }
        Err(self.findings)
    }

    fn start(&mut self, at: Place) -> bool {
        self.documents += 1;
        if self.documents == 1 {
            return true;
        }
        let cause = "a second document begins here, but a file holds one";
        self.add(8, at, cause, "move what follows \"---\" to a file of its own");
        false
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Place,
    ) {
        if let Some(Content::Mapping { key: None, .. }) = self.open.last().map(|it| &it.content) {
            return self.key(text.to_owned(), style, at);
        }
        let value = self.value(text, style, tag, &at);
        self.add_node(Node::new(value, at), anchor, 1);
    }

    fn key(&mut self, text: String, style: ScalarStyle, at: Place) {
        let plain = style == ScalarStyle::Plain;
        if plain && text == "<<" {
            let fix = "write the keys out: merge keys are not part of YAML 1.2";
            self.add(5, at.clone(), "merge keys are not supported", fix);
        } else if plain && text.is_empty() {
            self.add(5, at.clone(), "a key is empty", "write the key before the colon");
        }
        let Some(Content::Mapping { seen, key, .. }) =
            self.open.last_mut().map(|it| &mut it.content)
        else {
            return;
        };
        let again = !seen.insert(text.clone());
        *key = Some((text, at.clone()));
        if again {
            self.duplicate(at);
        }
    }

    fn duplicate(&mut self, at: Place) {
        let path = self.path();
        let Some(Content::Mapping { entries, key: Some((name, _)), .. }) =
            self.open.last().map(|it| &it.content)
        else {
            return;
        };
        let first = entries.iter().find(|it| it.0 == *name).and_then(|it| it.1.key_place.as_ref());
        let line = first.map(|it| it.line).unwrap_or_default();
        let cause = format!("the key {name:?} stands twice: it is in line {line}, too");
        let finding = Finding::error(Kind::Yaml.code(5), at, path, cause);
        self.findings.push(finding.with_fix("keep one of the two"));
    }

    fn value(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, at: &Place) -> Value {
        let read = match tag {
            None if style == ScalarStyle::Plain => scalar::resolve(text),
            None => Ok(Value::Text(text.to_owned())),
            Some(tag) => self.tagged(text, tag, at),
        };
        read.unwrap_or_else(|TooLarge| {
            let cause = format!("the number {text} is too large to be kept exactly");
            self.add(2, at.clone(), &cause, "put it in quotes if it is a text");
            Value::Null
        })
    }

    fn tagged(&mut self, text: &str, tag: &Tag, at: &Place) -> Result<Value, TooLarge> {
        let suffix = if tag.is_yaml_core_schema() { tag.suffix.as_str() } else { "" };
        let value = match (suffix, scalar::resolve(text)?) {
            ("str", _) => return Ok(Value::Text(text.to_owned())),
            ("int" | "float", it @ Value::Number(_)) => it,
            ("bool", it @ Value::Bool(_)) => it,
            ("null", it @ Value::Null) => it,
            ("int" | "float" | "bool" | "null", _) => {
                let cause = format!("{text:?} is not what its tag \"!!{suffix}\" says");
                self.add(2, at.clone(), &cause, "remove the tag, or correct the value");
                Value::Null
            }
            _ => {
                self.unknown_tag(tag, at);
                Value::Null
            }
        };
        Ok(value)
    }

    fn check_tag(&mut self, tag: Option<&Tag>, expected: &str, at: &Place) {
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && tag.suffix == expected)
        {
            self.unknown_tag(tag, at);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, at: &Place) {
        let cause = format!("the tag \"{tag}\" has no meaning here");
        self.add(2, at.clone(), &cause, "remove it");
    }

    fn enter(&mut self, at: Place, anchor: usize, content: Content) -> bool {
        if self.open.len() == DEPTH_MAX {
            let cause = format!("lists and mappings are nested deeper than {DEPTH_MAX} levels");
            self.add(7, at, &cause, "");
            return false;
        }
        if self.is_key() {
            let fix = "use a text as the key";
            self.add(5, at, "a list or a mapping can't be a key", fix);
            return false;
        }
        self.open.push(Open { place: at, anchor, content, nodes: 1 });
        true
    }

    fn leave(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let value = match open.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { entries, .. } => Value::Mapping(entries),
        };
        self.add_node(Node::new(value, open.place), open.anchor, open.nodes);
    }

    fn alias(&mut self, anchor: usize, at: Place) -> bool {
        if self.is_key() {
            self.add(5, at, "an alias can't be a key", "write the key out");
            return false;
        }
        let Some((node, nodes)) = self.anchors.get(&anchor) else {
            self.add(6, at, "an alias stands inside what it stands for", "write the value out");
            return false;
        };
        self.aliased_nodes += nodes;
        if self.aliased_nodes > ALIASED_NODES_MAX {
            let cause = format!("aliases expand to more than {ALIASED_NODES_MAX} values");
            self.add(6, at, &cause, "write the values out, or split the file");
            return false;
        }
        let (node, nodes) = (Node { place: at, ..node.clone() }, *nodes);
        self.add_node(node, 0, nodes);
        true
    }

    fn add_node(&mut self, mut node: Node, anchor: usize, nodes: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), nodes));
        }
        node.key_place = None;
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        open.nodes += nodes;
        match &mut open.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, key, .. } => {
                let Some((key, key_place)) = key.take() else { return };
                node.key_place = Some(key_place);
                entries.push((key, node));
            }
        }
    }

    fn is_key(&self) -> bool {
        matches!(self.open.last().map(|it| &it.content), Some(Content::Mapping { key: None, .. }))
    }

    fn path(&self) -> String {
        let step = |open: &Open| match &open.content {
            Content::Sequence(items) => Some(Step::Index(items.len())),
            Content::Mapping { key, .. } => key.as_ref().map(|it| Step::Key(it.0.clone())),
        };
        path::format(&self.open.iter().filter_map(step).collect::<Vec<_>>())
    }

    fn add(&mut self, n: u32, at: Place, cause: &str, fix: &str) {
        let finding = Finding::error(Kind::Yaml.code(n), at, self.path(), cause);
        self.findings.push(finding.with_fix(fix));
    }
}
