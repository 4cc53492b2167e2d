//! From a text to its tree.
//!
//! Anchors, aliases and tags are not taken: a field that stands for others can't be changed by
//! itself. Such a text is merged as text.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::Value;
use weir_conf::yaml;

use super::tree::{Entry, Node, Shape, Tree};

impl Tree {
    /// None for what is no YAML, has more than one meaning, or can't be changed field by field.
    pub(crate) fn read(text: &str) -> Option<Self> {
        yaml::parse("", text).ok()?;
        if text.starts_with('\u{feff}') {
            return None;
        }
        let mut text = text.to_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut scan = Scan { text: &text, bytes: Bytes::of(&text), open: Vec::new(), root: None };
        for event in Parser::new_from_str(&text) {
            let (event, span) = event.ok()?;
            scan.accept(event, span)?;
        }
        let root = scan.root?;
        Some(Self { text, root })
    }
}

struct Scan<'t> {
    text: &'t str,
    bytes: Bytes,
    open: Vec<Open>,
    root: Option<Node>,
}

/// A list or mapping whose end was not seen yet.
struct Open {
    start: usize,
    shape: Shape,
    /// The key that waits for its value, with its span.
    key: Option<(String, usize, usize)>,
}

impl Scan<'_> {
    fn accept(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let (start, end) = (self.bytes.at(span.start.index()), self.bytes.at(span.end.index()));
        match event {
            Event::Scalar(text, style, 0, None) => self.scalar(&text, style, start, end),
            Event::SequenceStart(0, None) => {
                let shape = Shape::Sequence { flow: self.byte(start) == b'[', items: Vec::new() };
                self.open.push(Open { start, shape, key: None });
                Some(())
            }
            Event::MappingStart(0, None) => {
                let shape = Shape::Mapping { flow: self.byte(start) == b'{', entries: Vec::new() };
                self.open.push(Open { start, shape, key: None });
                Some(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { start, shape, .. } = self.open.pop()?;
                let end = match &shape {
                    Shape::Sequence { flow: false, items } => items.last()?.end,
                    Shape::Mapping { flow: false, entries } => entries.last()?.node.end,
                    _ => end,
                };
                self.add(Node::new(shape, start, end))
            }
            Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..)
            | Event::Alias(_) => None,
            _ => Some(()),
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, start: usize, end: usize) -> Option<()> {
        let end = start + self.text.get(start..end)?.trim_end().len();
        if let Some(Open { shape: Shape::Mapping { .. }, key: key @ None, .. }) =
            self.open.last_mut()
        {
            *key = Some((text.to_owned(), start, end));
            return Some(());
        }
        let value = match style {
            ScalarStyle::Plain => plain(text),
            _ => Value::String(text.to_owned()),
        };
        let (start, end) = match self.open.last().and_then(|it| it.key.as_ref()) {
            Some((_, _, key_end)) if start == end => {
                let after = self.after_colon(*key_end)?;
                (after, after)
            }
            _ => (start, end),
        };
        self.add(Node::new(Shape::Scalar(value), start, end))
    }

    fn after_colon(&self, key_end: usize) -> Option<usize> {
        let rest = self.text.get(key_end..)?;
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        rest[blank..].starts_with(':').then_some(key_end + blank + 1)
    }

    fn add(&mut self, node: Node) -> Option<()> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match &mut open.shape {
            Shape::Sequence { items, .. } => items.push(node),
            Shape::Mapping { entries, .. } => {
                let (key, key_start, _) = open.key.take()?;
                entries.push(Entry { key, key_start, node });
            }
            Shape::Scalar(_) => return None,
        }
        Some(())
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or_default()
    }
}

fn plain(text: &str) -> Value {
    match yaml::plain(text) {
        weir_conf::Value::Null => Value::Null,
        weir_conf::Value::Bool(it) => it.into(),
        weir_conf::Value::Number(it) => it.into(),
        _ => text.into(),
    }
}

/// From characters, which the parser counts, to bytes.
enum Bytes {
    Ascii(usize),
    Starts(Vec<usize>),
}

impl Bytes {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.len());
        }
        let starts = text.char_indices().map(|it| it.0);
        Self::Starts(starts.chain([text.len()]).collect())
    }

    fn at(&self, character: usize) -> usize {
        match self {
            Self::Ascii(length) => character.min(*length),
            Self::Starts(starts) => starts[character.min(starts.len() - 1)],
        }
    }
}
