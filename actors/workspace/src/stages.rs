//! The stages of a workflow or a snippet as they stand in its text: taken out of one text and put into another one
//! with their comments and their layout (W6).
//!
//! A stage is cut out by its lines, and what came of that is read again: where it is not what was meant, as with
//! aliases, the stage is written anew from its values. Nothing but stages that are added changes in a text.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use weir_conf::{Document, Node, Value as Parsed, yaml};

use crate::scalar::{self, Rewrite, Spot};

pub(crate) const PATH: &str = "spec.stages";

/// One stage, whatever text it stood in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stage {
    /// Comments that stand above it, without their indentation.
    above: Vec<String>,
    /// Its mapping as a text of its own.
    body: String,
    fields: Map<String, Value>,
}

/// The stages that a text says something of, in its order. What has no name is no stage.
pub(crate) fn of(text: &str, document: &Document) -> Vec<Stage> {
    let items = items(document);
    let layout = Layout::of(text, document, items);
    let stage = |(at, item): (usize, &Node)| {
        let Value::Object(fields) = item.to_json() else { return None };
        item.get("name")?.as_str()?;
        let written = layout.as_ref().map(|it| it.written(at));
        let written = written.filter(|it| is(&it.1, &fields));
        let (above, body) = written.unwrap_or_else(|| (Vec::new(), anew(&fields)));
        Some(Stage { above, body, fields })
    };
    items.iter().enumerate().filter_map(stage).collect()
}

/// The text with more stages at the end of its list. `None`: it is written so that none can be added.
pub(crate) fn appended(text: &str, document: &Document, more: &[Stage]) -> Option<String> {
    let mut expected = document.to_json();
    let spec = expected.get_mut("spec")?.as_object_mut()?;
    let list = spec.entry("stages").or_insert(Value::Null);
    if list.is_null() {
        *list = Value::Array(Vec::new());
    }
    list.as_array_mut()?.extend(more.iter().map(|it| Value::Object(it.fields.clone())));
    let is_meant = |it: &String| yaml::parse("", it).is_ok_and(|it| it.to_json() == expected);
    let plain: Vec<_> = more.iter().map(Stage::anew).collect();
    [more, &plain].into_iter().find_map(|it| put_in(text, document, it).filter(is_meant))
}

impl Stage {
    /// A stage of values alone.
    pub(crate) fn of_fields(fields: Map<String, Value>) -> Self {
        Self { above: Vec::new(), body: anew(&fields), fields }
    }

    pub(crate) fn name(&self) -> &str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// Where its records come from, as it says that.
    pub(crate) fn fed_by(&self) -> Vec<&str> {
        inputs(&self.fields)
    }

    pub(crate) fn is(&self, slot: &str) -> bool {
        self.fields.get(slot).is_some_and(|it| !it.is_null())
    }

    /// The same stage under another name, behind others.
    pub(crate) fn placed(&self, name: &str, from: &[String]) -> Self {
        let mut fields = self.fields.clone();
        fields.insert("name".into(), name.into());
        let is_list = self.fields.get("from").is_some_and(Value::is_array);
        match from {
            _ if self.fed_by() == from => {}
            [] => _ = fields.remove("from"),
            [one] if !is_list || self.fed_by().len() != 1 => {
                fields.insert("from".into(), one.as_str().into());
            }
            all => _ = fields.insert("from".into(), all.iter().map(String::as_str).collect()),
        }
        let body = self.rewritten(name, from).filter(|it| is(it, &fields));
        let above = self.above.clone();
        Self { above, body: body.unwrap_or_else(|| anew(&fields)), fields }
    }

    fn rewritten(&self, name: &str, from: &[String]) -> Option<String> {
        let document = yaml::parse("", &self.body).ok()?;
        let change = |path: String, old: &str, new: &str| {
            let (place, is_key) = (document.place(&path), false);
            Rewrite { spot: Spot { place, path, is_key }, old: old.into(), new: new.into() }
        };
        let mut all = vec![change("name".into(), self.name(), name)];
        let now = self.fed_by();
        let is_list =
            matches!(document.node("from").map(|it| &it.value), Some(Parsed::Sequence(_)));
        if now.len() == from.len() {
            let renamed = now.iter().zip(from).enumerate().filter(|(_, (old, new))| *old != new);
            all.extend(renamed.map(|(at, (old, new))| match is_list {
                true => change(format!("from[{at}]"), old, new),
                false => change("from".into(), old, new),
            }));
        }
        let body = scalar::rewrite(&self.body, &all).ok()?;
        match now.len() == from.len() {
            true => Some(body),
            false => with_inputs(&body, from),
        }
    }

    fn anew(&self) -> Self {
        Self { above: self.above.clone(), body: anew(&self.fields), fields: self.fields.clone() }
    }

    /// Its lines in a list whose dashes stand behind so many spaces.
    fn lines(&self, indent: usize) -> Vec<String> {
        let space = " ".repeat(indent);
        let mut lines: Vec<_> = self.above.iter().map(|it| format!("{space}{it}")).collect();
        for (at, line) in self.body.lines().enumerate() {
            lines.push(match (at, line) {
                (0, line) => format!("{space}- {line}"),
                (_, "") => String::new(),
                (_, line) => format!("{space}  {line}"),
            });
        }
        lines
    }
}

/// What feeds a stage of these fields.
pub(crate) fn inputs(fields: &Map<String, Value>) -> Vec<&str> {
    match fields.get("from") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The stage and the port that a connection names: `route.late` is the port `late` of `route`, unless there is a
/// stage of that whole name.
pub(crate) fn end<'f>(from: &'f str, names: &BTreeSet<&str>) -> (&'f str, Option<&'f str>) {
    match from.rsplit_once('.') {
        Some((stage, port)) if !names.contains(from) => (stage, Some(port)),
        _ => (from, None),
    }
}

fn items(document: &Document) -> &[Node] {
    match document.node(PATH).map(|it| &it.value) {
        Some(Parsed::Sequence(items)) => items,
        _ => &[],
    }
}

fn is(body: &str, fields: &Map<String, Value>) -> bool {
    yaml::parse("", body).is_ok_and(|it| it.to_json().as_object() == Some(fields))
}

/// A stage's text from its values: its name and what feeds it first, as people write it.
fn anew(fields: &Map<String, Value>) -> String {
    let first = ["name", "from"].into_iter().filter_map(|it| fields.get_key_value(it));
    let others = fields.iter().filter(|it| !["name", "from"].contains(&it.0.as_str()));
    let write = |(key, value): (&String, &Value)| {
        let one = Map::from_iter([(key.clone(), value.clone())]);
        serde_saphyr::to_string(&Value::Object(one)).unwrap_or_default()
    };
    let text: String = first.chain(others).map(write).collect();
    text.trim_end().to_owned()
}

/// The body with these inputs instead of those that it has, on a line behind its name.
fn with_inputs(body: &str, from: &[String]) -> Option<String> {
    let document = yaml::parse("", body).ok()?;
    let said = match from {
        [one] => quoted(one),
        all => format!("[{}]", all.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ")),
    };
    let name = document.node("name")?;
    let (mut lines, at) = (body.lines().map(str::to_owned).collect::<Vec<_>>(), name.place.clone());
    if body.starts_with('{') {
        let (line, column) = (counted(at.line)?, counted(at.column)?);
        let (_, text) = lines.get(line)?.split_at_checked(column)?;
        let length = name.as_str()?.len() + if text.starts_with(['"', '\'']) { 2 } else { 0 };
        let is_there = document.node("from").is_some();
        (!is_there && lines[line].is_char_boundary(column + length)).then_some(())?;
        lines[line].insert_str(column + length, &format!(", from: {said}"));
        return Some(lines.join("\n"));
    }
    let place = if from.is_empty() { None } else { Some(counted(at.line)? + 1) };
    if let Some(place) = place {
        lines.insert(place, format!("from: {said}"));
    }
    let Some(key) = document.node("from").and_then(|it| it.key_place.as_ref()) else {
        return Some(lines.join("\n"));
    };
    // What it said before goes, up to the next key; comments that stand above that stay.
    let shift = |it: usize| if place.is_some_and(|place| it >= place) { it + 1 } else { it };
    let first = counted(key.line)?;
    let Parsed::Mapping(entries) = &document.root.value else { return None };
    let next = entries.iter().filter_map(|it| counted(it.1.key_place.as_ref()?.line));
    let next = next.filter(|it| *it > first).min();
    let mut end = shift(next.unwrap_or(body.lines().count()));
    let first = shift(first);
    while end > first + 1 && is_idle(&lines[end - 1]) {
        end -= 1;
    }
    lines.drain(first..end);
    Some(lines.join("\n"))
}

/// As it stands behind a key or in a list.
fn quoted(name: &str) -> String {
    match yaml::plain(name) {
        Parsed::Text(_) => name.to_owned(),
        _ => format!("\"{name}\""),
    }
}

/// A line or a column of a place, counted from 0.
fn counted(it: u32) -> Option<usize> {
    usize::try_from(it).ok()?.checked_sub(1)
}

/// Nothing, or a comment.
fn is_idle(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Where the stages of a list stand that has a line and a dash for each.
struct Layout<'t> {
    lines: Vec<&'t str>,
    /// How many spaces are in front of the dashes.
    indent: usize,
    stages: Vec<Lines>,
}

#[derive(Clone, Copy)]
struct Lines {
    /// Of its comments.
    above: usize,
    start: usize,
    end: usize,
    /// Where its mapping begins in its first line.
    column: usize,
}

impl<'t> Layout<'t> {
    /// `None`: there are no stages, or the list is written in another way.
    fn of(text: &'t str, document: &Document, items: &[Node]) -> Option<Self> {
        let lines = lines(text);
        let key = usize::try_from(document.node(PATH)?.key_place.as_ref()?.line).ok()?;
        let mut dashes = None;
        let mut begins = Vec::new();
        for item in items {
            let line = counted(item.place.line)?;
            let column = counted(item.place.column)?;
            let before = lines.get(line)?.get(..column)?;
            let dash = indent(before);
            let is_dash = before.trim() == "-" && before[dash..].starts_with('-');
            if !is_dash || *dashes.get_or_insert(dash) != dash {
                return None;
            }
            begins.push((line, column));
        }
        let indent = dashes?;
        let mut stages: Vec<Lines> = Vec::new();
        for (at, (start, column)) in begins.iter().copied().enumerate() {
            let next = begins.get(at + 1).map(|it| it.0);
            let end = end_of(&lines, start + 1, next, indent + 1);
            let floor = stages.last().map_or(key, |it| it.end);
            let mut above = start;
            while above > floor && lines[above - 1].trim_start().starts_with('#') {
                above -= 1;
            }
            stages.push(Lines { above, start, end, column });
        }
        Some(Self { lines, indent, stages })
    }

    /// The comments and the text of a stage.
    fn written(&self, at: usize) -> (Vec<String>, String) {
        let Lines { above, start, end, column } = self.stages[at];
        let above = self.lines[above..start].iter().map(|it| it.trim_start().to_owned());
        let body = self.lines[start..end].iter().enumerate().map(|(at, line)| match at {
            0 => &line[column..],
            _ => &line[indent(line).min(column)..],
        });
        (above.collect(), body.collect::<Vec<_>>().join("\n"))
    }

    /// Whether there is a line between stages; nobody has said otherwise where there is one alone.
    fn is_airy(&self) -> bool {
        let second = self.stages.get(1);
        second.is_none_or(|it| self.lines[it.above - 1].trim().is_empty())
    }
}

fn lines(text: &str) -> Vec<&str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split('\n').map(|it| it.strip_suffix('\r').unwrap_or(it)).collect()
}

/// Where a block ends whose lines have at least so many spaces in front of them: what is idle behind it is not its.
fn end_of(lines: &[&str], start: usize, next: Option<usize>, least: usize) -> usize {
    let is_beyond = |it: &&str| !is_idle(it) && indent(it) < least;
    let beyond = || lines[start..].iter().position(is_beyond).map(|it| start + it);
    let mut end = next.or_else(beyond).unwrap_or(lines.len());
    let is_left = |it: &str| it.trim().is_empty() || (is_idle(it) && indent(it) < least);
    while end > start && is_left(lines[end - 1]) {
        end -= 1;
    }
    end
}

/// The text with the lines of stages in it.
fn put_in(text: &str, document: &Document, more: &[Stage]) -> Option<String> {
    let items = items(document);
    if let Some(layout) = Layout::of(text, document, items) {
        let last = layout.stages.last()?.end;
        let added = list(more, layout.indent, layout.is_airy(), true);
        return Some(with_lines(text, last, None, &added));
    }
    if !items.is_empty() {
        return None;
    }
    let lines = lines(text);
    if let Some(stages) = document.node(PATH) {
        let key = stages.key_place.as_ref()?;
        let (at, column) = (counted(key.line)?, counted(key.column)?);
        let bare = without(lines.get(at)?, "[]");
        let added = list(more, column + 2, true, false);
        return Some(with_lines(text, at + 1, Some(&bare), &added));
    }
    let spec = document.node("spec")?;
    let Parsed::Mapping(entries) = &spec.value else { return None };
    let stages = |indent: usize| {
        let head = format!("{}stages:", " ".repeat(indent));
        [vec![head], list(more, indent + 2, true, false)].concat()
    };
    if let Some((_, first)) = entries.first() {
        let key = first.key_place.as_ref()?;
        let (at, column) = (counted(key.line)?, counted(key.column)?);
        let end = end_of(&lines, at + 1, None, column);
        return Some(with_lines(text, end, None, &stages(column)));
    }
    let at = counted(spec.key_place.as_ref()?.line)?;
    let bare = without(lines.get(at)?, "{}");
    Some(with_lines(text, at + 1, Some(&bare), &stages(2)))
}

fn without(line: &str, empty: &str) -> String {
    let bare = line.replacen(empty, "", 1);
    bare.trim_end().to_owned()
}

fn list(more: &[Stage], indent: usize, is_airy: bool, is_behind: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, stage) in more.iter().enumerate() {
        if is_airy && (is_behind || at > 0) {
            lines.push(String::new());
        }
        lines.extend(stage.lines(indent));
    }
    lines
}

/// The text with more lines before this one, whose ends are as they are in it; the line above may get another text.
fn with_lines(text: &str, at: usize, above: Option<&str>, more: &[String]) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut all: Vec<_> = text.split('\n').map(str::to_owned).collect();
    if let (Some(above), Some(line)) = (above, at.checked_sub(1).and_then(|it| all.get_mut(it))) {
        let is_ended = line.ends_with('\r');
        *line = format!("{above}{}", if is_ended { "\r" } else { "" });
    }
    let is_last = at >= all.len();
    let mut now = all[..at.min(all.len())].join("\n");
    if is_last {
        now.push_str(end);
    } else {
        now.push('\n');
    }
    now.push_str(&more.join(end));
    now.push_str(end);
    now.push_str(&all[at.min(all.len())..].join("\n"));
    now
}

#[cfg(test)]
mod tests;
