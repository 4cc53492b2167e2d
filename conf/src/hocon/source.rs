//! Reading files: from the text of a file and all that it includes to one syntax tree.
//!
//! An include that can't be read is refused; HOCON itself would pass over a missing one in silence.
//! The limits here keep the recursion of the parser and resolver, which is unchecked, within bounds.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ::hocon::lexer::tokenize;
use ::hocon::parser::{AstField, AstNode, Pos, parse_tokens};
use weir_domain::{Finding, Place};

use super::lint::{self, Separators, Slip};
use super::syntax::{STRIDE, each_node, each_pos, each_substitution, relativize};
use crate::document::Kind;

const BYTES_MAX: u64 = 4 << 20;
const FILES_MAX: usize = 200;
const INCLUDE_DEPTH_MAX: usize = 20;
/// Keys within keys, counted from the root through all includes.
const PATH_MAX: usize = 100;

/// The files that went into one tree.
pub(super) struct Sources {
    names: Vec<String>,
    pub findings: Vec<Finding>,
}

/// What encloses the text that is being read.
struct Around<'a> {
    /// The file and those that include it.
    stack: Vec<PathBuf>,
    /// Where relative includes are looked for.
    directory: PathBuf,
    /// The keys around the include that led here.
    prefix: &'a [String],
}

impl Sources {
    pub(super) fn new() -> Self {
        Self { names: Vec::new(), findings: Vec::new() }
    }

    /// The fields of a text and of all it includes.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Vec<AstField> {
        let path = Path::new(name);
        let around = Around {
            stack: fs::canonicalize(path).into_iter().collect(),
            directory: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            prefix: &[],
        };
        self.parse(name, text, &around)
    }

    /// The field of one `key=value` from the command line. A value that begins with `[`, `{` or `"` is
    /// HOCON, and so is `null`; any other is the text itself: in a path or URL nothing is to be read
    /// as a comment.
    pub(super) fn add_override(&mut self, text: &str) -> Vec<AstField> {
        let text = text.strip_prefix("-D").unwrap_or(text);
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let (key, value) = (key.trim(), value.trim());
        let place = Place::file(format!("-D {key}"));
        let in_word = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
        let is_word = |it: &str| !it.is_empty() && it.chars().all(in_word);
        if !text.contains('=') || !key.split('.').all(is_word) || key.split('.').count() > PATH_MAX
        {
            let cause = format!("{key:?} does not set a key");
            self.refuse(4, place, &cause, "write for instance \"weir.data-dir=/var/lib/weir\"");
            return Vec::new();
        }
        let is_hocon = value == "null" || value.starts_with(['[', '{', '"']);
        let value = match is_hocon {
            true => value.to_owned(),
            false => serde_json::Value::from(value).to_string(),
        };
        let quoted: Vec<_> = key.split('.').map(|it| format!("\"{it}\"")).collect();
        let around = Around { stack: Vec::new(), directory: PathBuf::new(), prefix: &[] };
        let (before, base) = (self.findings.len(), self.names.len() * STRIDE);
        let fields = self.parse(&place.file, &format!("{} = {value}", quoted.join(".")), &around);
        // The text was made here, so a line and column would mean nothing to its author.
        self.findings[before..].iter_mut().for_each(|it| it.place = place.clone());
        let unplaced = |it: &mut Pos| *it = Pos { line: base, col: 0 };
        fields
            .into_iter()
            .map(|mut it| {
                each_pos(&mut it, &unplaced);
                it
            })
            .collect()
    }

    /// The place of a position in the tree.
    pub(super) fn place(&self, line: usize, column: usize) -> Place {
        let number = |it: usize| u32::try_from(it % STRIDE).unwrap_or(0);
        let name = self.names.get(line / STRIDE).cloned().unwrap_or_default();
        Place::new(name, number(line), number(column))
    }

    fn parse(&mut self, name: &str, text: &str, around: &Around<'_>) -> Vec<AstField> {
        let base = self.names.len() * STRIDE;
        self.names.push(name.to_owned());
        let tokens = match tokenize(text) {
            Ok(tokens) => tokens,
            Err(error) => return self.syntax(base + error.line, error.col, &error.message),
        };
        let slips = lint::brackets(&tokens);
        if !slips.is_empty() {
            return self.slips(base, slips);
        }
        let fields = match parse_tokens(&tokens) {
            Ok(AstNode::Object { fields, .. }) => fields,
            Ok(_) => return self.syntax(base + 1, 1, "the file holds a list instead of keys"),
            Err(error) => return self.syntax(base + error.line, error.col, &error.message),
        };
        let separators = Separators::of(&tokens);
        let mut slips = Vec::new();
        for field in &fields {
            each_node(&field.value, &mut |it| slips.extend(separators.check(it)));
        }
        if !slips.is_empty() {
            return self.slips(base, slips);
        }
        self.fields(fields, base, around)
    }

    /// Moves the positions into the file's range, and puts included fields in place of includes.
    fn fields(&mut self, fields: Vec<AstField>, base: usize, around: &Around<'_>) -> Vec<AstField> {
        let mut all = Vec::new();
        for mut field in fields {
            each_pos(&mut field, &|it| it.line += base);
            each_substitution(&mut field.value, &mut |segments, pos| {
                relativize(segments, pos, around.prefix);
            });
            all.push(field);
        }
        self.expand(all, around.prefix, around)
    }

    fn expand(
        &mut self,
        fields: Vec<AstField>,
        path: &[String],
        around: &Around<'_>,
    ) -> Vec<AstField> {
        let mut all = Vec::new();
        for mut field in fields {
            if let AstNode::Include { path: wanted, is_file, pos, .. } = &field.value {
                let at = self.place(pos.line, pos.col);
                let here = Around { prefix: path, stack: around.stack.clone(), ..around.at() };
                all.extend(self.include(wanted, *is_file, &at, &here));
                continue;
            }
            let path = [path, &field.key].concat();
            if path.len() > PATH_MAX {
                let at = self.place(field.pos.line, field.pos.col);
                let cause = format!("keys are nested deeper than {PATH_MAX} levels");
                self.refuse(7, at, &cause, "");
                return Vec::new();
            }
            self.expand_value(&mut field.value, &path, around);
            all.push(field);
        }
        all
    }

    fn expand_value(&mut self, node: &mut AstNode, path: &[String], around: &Around<'_>) {
        match node {
            AstNode::Object { fields, .. } => {
                *fields = self.expand(std::mem::take(fields), path, around);
            }
            AstNode::Array { items: nodes, .. } | AstNode::Concat { nodes, .. } => {
                nodes.iter_mut().for_each(|it| self.expand_value(it, path, around));
            }
            _ => {}
        }
    }

    fn include(
        &mut self,
        wanted: &str,
        is_file: bool,
        at: &Place,
        around: &Around<'_>,
    ) -> Vec<AstField> {
        // HOCON: `file(…)` counts from the working directory, the plain form from the including file.
        let base = if is_file { Path::new("") } else { &around.directory };
        let path = base.join(wanted);
        let candidates = match path.extension() {
            Some(_) => vec![path],
            None => {
                let with = |it: &str| path.with_extension(it);
                let all = ["json", "conf"].map(with).into_iter().filter(|it| it.exists());
                let mut all: Vec<_> = all.collect();
                if all.is_empty() {
                    all.push(with("conf"));
                }
                all
            }
        };
        candidates.iter().flat_map(|it| self.include_file(it, at, around)).collect()
    }

    fn include_file(&mut self, path: &Path, at: &Place, around: &Around<'_>) -> Vec<AstField> {
        let name = path.display().to_string();
        let refusal = match (read(path), fs::canonicalize(path)) {
            _ if path.extension().is_some_and(|it| it == "properties") => {
                Err("Java properties are not supported: write it as HOCON".to_owned())
            }
            (_, Ok(real)) if around.stack.contains(&real) => {
                Err("it includes itself, directly or through others".to_owned())
            }
            _ if around.stack.len() >= INCLUDE_DEPTH_MAX || self.names.len() >= FILES_MAX => Err(
                format!("more than {FILES_MAX} files, or {INCLUDE_DEPTH_MAX} within each other"),
            ),
            (Ok(text), real) => Ok((text, real)),
            (Err(reason), _) => Err(reason),
        };
        let (text, real) = match refusal {
            Ok(found) => found,
            Err(reason) => {
                let cause = format!("can't include {name:?}: {reason}");
                let fix = "correct the path or the file, or remove the include";
                self.refuse(5, at.clone(), &cause, fix);
                return Vec::new();
            }
        };
        let mut stack = around.stack.clone();
        stack.extend(real);
        let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
        self.parse(&name, &text, &Around { stack, directory, prefix: around.prefix })
    }

    fn slips(&mut self, base: usize, slips: Vec<Slip>) -> Vec<AstField> {
        for it in slips {
            self.refuse(4, self.place(base + it.line, it.column), &it.cause, it.fix);
        }
        Vec::new()
    }

    fn syntax(&mut self, line: usize, column: usize, message: &str) -> Vec<AstField> {
        let fix = "check the quotes, brackets and commas here and in the line above";
        self.refuse(4, self.place(line, column), &format!("not HOCON: {message}"), fix);
        Vec::new()
    }

    fn refuse(&mut self, n: u32, at: Place, cause: &str, fix: &str) {
        self.findings.push(Finding::error(Kind::Hocon.code(n), at, "", cause).with_fix(fix));
    }
}

impl Around<'_> {
    fn at(&self) -> Around<'_> {
        Around { stack: Vec::new(), directory: self.directory.clone(), prefix: self.prefix }
    }
}

/// The text of a file, or in a few words why there is none.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    let file = fs::File::open(path).map_err(told)?;
    if !file.metadata().map_err(told)?.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(format!("it has more than {BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|it| **it == b'\n').count() + 1;
        format!("line {line} is not UTF-8")
    })
}
