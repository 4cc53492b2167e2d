//! Names of output files: text with macros, read once, filled in for every file.
//!
//! What a macro brings in is data and not to be trusted: it can't add a directory, leave the
//! output directory or hide the file. Only the text and the date's format, which people wrote
//! into the project, may have a `/`.

use jiff::tz::TimeZone;
use weir_domain::{Timestamp, did_you_mean};
use weir_stream::StreamContext;

use super::counter::split_extension;

const MACROS: [&str; 7] = ["field", "date", "item", "stream", "workflow", "instance", "roll"];

/// Longest value in a name, in bytes. A longer one is cut and told apart by its hash.
const VALUE_BYTES_MAX: usize = 80;

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Field(String),
    Date(String),
    Item,
    ItemStem,
    Stream,
    Workflow,
    Instance,
    Roll,
}

/// A name that was read and found good.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

/// What is wrong with a name, and what to write instead.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BadTemplate {
    pub(crate) cause: String,
    pub(crate) fix: String,
}

fn bad(cause: impl Into<String>, fix: impl Into<String>) -> BadTemplate {
    BadTemplate { cause: cause.into(), fix: fix.into() }
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            push_text(&mut parts, &rest[..at]);
            let inside = &rest[at + 2..];
            let Some(end) = inside.find('}') else {
                let cause = format!(
                    "the macro at character {} has no end",
                    text.len() - rest.len() + at + 1
                );
                return Err(bad(cause, "close it with }"));
            };
            parts.push(parse_macro(&inside[..end])?);
            rest = &inside[end + 1..];
        }
        push_text(&mut parts, rest);
        let template = Self { parts };
        template.check_shape()?;
        Ok(template)
    }

    /// Fills in harmless values to see whether the text around them can be a name.
    fn check_shape(&self) -> Result<(), BadTemplate> {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Date(format) => name.push_str(&date(format, Timestamp(0))?),
                _ => name.push('x'),
            }
        }
        check_name(&name)
    }

    /// The fields whose values are part of the name, in order and each once.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let mut fields = Vec::new();
        for part in &self.parts {
            if let Part::Field(name) = part
                && !fields.contains(&name.as_str())
            {
                fields.push(name.as_str());
            }
        }
        fields
    }

    pub(crate) fn has_roll(&self) -> bool {
        self.parts.contains(&Part::Roll)
    }

    /// The name for one file, relative to the output directory. `values` has one value for each
    /// of [`Template::fields`].
    pub(crate) fn expand(
        &self,
        stream: &StreamContext,
        values: &[String],
        roll: u32,
    ) -> Result<String, BadTemplate> {
        let fields = self.fields();
        let mut name = String::new();
        for part in &self.parts {
            let value = match part {
                Part::Text(text) => text.clone(),
                Part::Date(format) => date(format, stream.opened_at)?,
                Part::Field(field) => {
                    let at = fields.iter().position(|it| it == field);
                    harmless(at.and_then(|it| values.get(it)).map_or("", String::as_str))
                }
                Part::Item => harmless(item_name(&stream.item)),
                Part::ItemStem => harmless(split_extension(item_name(&stream.item)).0),
                Part::Stream => match stream.segment {
                    // What lies between two barriers is a file of its own.
                    Some(segment) => format!("{}-{segment}", stream.stream),
                    None => stream.stream.to_string(),
                },
                Part::Workflow => stream.workflow.to_string(),
                Part::Instance => stream.instance.to_string(),
                Part::Roll => roll.to_string(),
            };
            name.push_str(&value);
        }
        check_name(&name)?;
        Ok(name)
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

fn parse_macro(text: &str) -> Result<Part, BadTemplate> {
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name, Some(argument)),
        None => (text, None),
    };
    match (name, argument) {
        ("item", None) => Ok(Part::Item),
        ("item", Some("stem")) => Ok(Part::ItemStem),
        ("item", Some(_)) => Err(bad(
            format!("${{{text}}} is no macro"),
            "write ${item} for the file's name, ${item:stem} for the name without extensions",
        )),
        ("stream", None) => Ok(Part::Stream),
        ("workflow", None) => Ok(Part::Workflow),
        ("instance", None) => Ok(Part::Instance),
        ("roll", None) => Ok(Part::Roll),
        ("field", Some(field)) if !field.is_empty() => Ok(Part::Field(field.to_owned())),
        ("field", _) => Err(bad("${field} needs the name of a field", "write ${field:Carrier}")),
        ("date", Some(format)) if !format.is_empty() => {
            date(format, Timestamp(0))?;
            Ok(Part::Date(format.to_owned()))
        }
        ("date", _) => Err(bad("${date} needs a format", "write ${date:%Y-%m-%d}")),
        ("stream" | "workflow" | "instance" | "roll", Some(_)) => {
            Err(bad(format!("${{{name}}} takes no argument"), format!("write ${{{name}}}")))
        }
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> BadTemplate {
    let fix = match did_you_mean(name, MACROS) {
        Some(near) => format!("did you mean ${{{near}}}?"),
        None => format!("the macros are: {}", MACROS.join(", ")),
    };
    bad(format!("there is no macro ${{{name}}}"), fix)
}

fn date(format: &str, at: Timestamp) -> Result<String, BadTemplate> {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    let zoned = at.to_zoned(TimeZone::UTC);
    jiff::fmt::strtime::format(format, &zoned).map_err(|error| {
        let cause = format!("{format:?} is no format of a date: {error}");
        bad(cause, "write for instance %Y-%m-%d or %H%M%S")
    })
}

/// The file name of a source item: what it is below is the source's business.
fn item_name(item: &str) -> &str {
    item.rsplit('/').next().unwrap_or(item)
}

/// A value as part of a file name: no separator, nothing that is special to a shell or another
/// system, not hidden, not empty, not too long.
fn harmless(value: &str) -> String {
    let is_bad = |it: char| it.is_control() || "/\\:*?\"<>|".contains(it);
    let mut clean: String = value.chars().map(|it| if is_bad(it) { '_' } else { it }).collect();
    if clean.is_empty() {
        return "_".to_owned();
    }
    if clean.starts_with('.') {
        clean.replace_range(..1, "_");
    }
    if clean.len() > VALUE_BYTES_MAX {
        let mut end = VALUE_BYTES_MAX;
        while !clean.is_char_boundary(end) {
            end -= 1;
        }
        clean.truncate(end);
        let hash = twox_hash::XxHash3_128::oneshot(value.as_bytes()) >> 96;
        clean.push_str(&format!("~{hash:08x}"));
    }
    clean
}

/// Longest file name that leaves room for a counter.
const NAME_BYTES_MAX: usize = 240;

fn check_name(name: &str) -> Result<(), BadTemplate> {
    let fix = "write the path of a file below the directory, as flights-${item:stem}.json";
    if name.is_empty() {
        return Err(bad("the name is empty", fix));
    }
    if name.contains('\0') {
        return Err(bad("a name can't have a NUL character", fix));
    }
    for component in name.split('/') {
        let cause = match component {
            "" => format!("{name:?} has an empty part"),
            "." | ".." => format!("{name:?} leads out of its directory"),
            super::HIDDEN => format!("{component} is where files are staged"),
            long if long.len() > NAME_BYTES_MAX => {
                format!("a file name has at most {NAME_BYTES_MAX} bytes, {long:?} is longer")
            }
            _ => continue,
        };
        return Err(bad(cause, fix));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use weir_domain::{InstanceId, StreamId, WorkflowName};

    use super::*;

    fn stream(item: &str) -> StreamContext {
        StreamContext {
            workflow: WorkflowName::new("flights").unwrap(),
            instance: InstanceId(2),
            stream: StreamId("0192f0c1-2222-7333-8444-555555555555".parse().unwrap()),
            item: item.to_owned(),
            segment: None,
            opened_at: Timestamp(1_700_000_000_123),
        }
    }

    fn check(template: &str, values: &[&str], wanted: &str) {
        let values: Vec<_> = values.iter().map(|&it| it.to_owned()).collect();
        let template = Template::parse(template).unwrap();
        let name = template.expand(&stream("in/2024/a.b.csv.gz"), &values, 3).unwrap();
        assert_eq!(name, wanted);
    }

    #[test]
    fn macros_are_filled_in() {
        check("plain.json", &[], "plain.json");
        check("${item}", &[], "a.b.csv.gz");
        check("x-${item:stem}.json", &[], "x-a.b.json");
        check("${date:%Y/%m/%d}/${date:%H:%M}.csv", &[], "2023/11/14/22:13.csv");
        check("${workflow}-${instance}-${roll}", &[], "flights-2-3");
        check("${stream}.json", &[], "0192f0c1-2222-7333-8444-555555555555.json");
        check("${field:a}/${field:b}-${field:a}.csv", &["1", "2"], "1/2-1.csv");
    }

    #[test]
    fn a_value_never_leaves_its_place_in_the_name() {
        let cases = [
            ("..", "_."),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("/etc", "_etc"),
            ("", "_"),
            (".weir", "_weir"),
            ("a\0b\nc", "a_b_c"),
            ("Köln", "Köln"),
            ("a:b*c", "a_b_c"),
        ];
        for (value, wanted) in cases {
            check("${field:f}", &[value], wanted);
        }
        let long = "ü".repeat(300);
        let template = Template::parse("${field:f}.csv").unwrap();
        let name = template.expand(&stream("x"), std::slice::from_ref(&long), 1).unwrap();
        let other = template.expand(&stream("x"), &[format!("{long}!")], 1).unwrap();
        assert!(name.len() < 100 && name != other, "{name} {other}");
    }

    #[test]
    fn a_bad_name_is_refused_with_what_to_write() {
        let cases = [
            ("${feild:a}", "there is no macro ${feild}", "did you mean ${field}?"),
            ("${nonsense}", "there is no macro ${nonsense}", "the macros are: field, date"),
            ("a${item", "the macro at character 2 has no end", "close it"),
            ("${field}", "needs the name", "${field:Carrier}"),
            ("${date}", "needs a format", "%Y"),
            ("${date:%!}", "no format of a date", "%Y"),
            ("${item:base}", "no macro", "${item:stem}"),
            ("${roll:3}", "takes no argument", "${roll}"),
            ("", "empty", "below the directory"),
            ("/abs.csv", "empty part", "below the directory"),
            ("../up.csv", "leads out", "below the directory"),
            ("a/../b", "leads out", "below the directory"),
            (".weir/x", "staged", "below the directory"),
        ];
        for (text, cause, fix) in cases {
            let error = Template::parse(text).unwrap_err();
            assert!(error.cause.contains(cause), "{text}: {}", error.cause);
            assert!(error.fix.contains(fix), "{text}: {}", error.fix);
        }
    }
}
