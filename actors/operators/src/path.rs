//! Paths to fields as a configuration writes them: `origin.city`, or `"a.b".c` where a name has
//! a dot.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldPath(Vec<String>);

impl FieldPath {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, after) = match rest.strip_prefix('"') {
                Some(quoted) => {
                    let end =
                        quoted.find('"').ok_or_else(|| format!("{text} has an open quote"))?;
                    (&quoted[..end], &quoted[end + 1..])
                }
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if part.is_empty() {
                return Err(match text {
                    "" => "a field needs a name".into(),
                    _ => format!("{text} has an empty name between its dots"),
                });
            }
            parts.push(part.to_owned());
            match (after, after.strip_prefix('.')) {
                ("", _) => return Ok(Self(parts)),
                (_, Some(next)) => rest = next,
                (_, None) => return Err(format!("{text} has text behind a closing quote")),
            }
        }
    }

    /// One field at the top level, whatever signs its name has.
    pub(crate) fn top(name: impl Into<String>) -> Self {
        Self(vec![name.into()])
    }

    pub(crate) fn parts(&self) -> &[String] {
        &self.0
    }

    pub(crate) fn head(&self) -> &str {
        &self.0[0]
    }

    pub(crate) fn name(&self) -> &str {
        &self.0[self.0.len() - 1]
    }

    pub(crate) fn parent(&self) -> &[String] {
        &self.0[..self.0.len() - 1]
    }

    /// Whether this is `other` or a field inside it.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            if part.contains('.') { write!(f, "\"{part}\"")? } else { f.write_str(part)? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_written() {
        let parts = |text: &str| FieldPath::parse(text).map(|it| it.0.join("|"));
        assert_eq!(parts("city"), Ok("city".into()));
        assert_eq!(parts("origin.pos.lat"), Ok("origin|pos|lat".into()));
        assert_eq!(parts("\"a.b\".c"), Ok("a.b|c".into()));
        assert_eq!(FieldPath::parse("\"a.b\".c").unwrap().to_string(), "\"a.b\".c");
        for wrong in ["", ".a", "a.", "a..b", "\"a", "\"a\"b", "\"\""] {
            assert!(FieldPath::parse(wrong).is_err(), "{wrong}");
        }
    }
}
