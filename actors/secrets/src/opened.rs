//! Secrets by name, open: what an engine puts into the configurations that name them.
//!
//! Whatever is said about such a configuration goes through `masked` before anybody sees it: an
//! error repeats what it does not understand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use weir_domain::{AssetName, Fault};
use zeroize::Zeroizing;

use crate::reference::{Piece, pieces};
use crate::{Error, Result, Secret};

/// What stands for a value.
const MASK: &str = "***";
/// Less than so many bytes of a value tell nobody anything.
const BEGINNING_MIN: usize = 3;

/// Values that this engine uses now. Clones share them; the last one wipes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened(Arc<BTreeMap<AssetName, Secret>>);

/// How a value is written into a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// As it is.
    Plain,
    /// With each `'` twice: into a literal of SQL.
    Sql,
}

impl Opened {
    /// Those of these names.
    #[must_use]
    pub fn only(&self, names: &[AssetName]) -> Self {
        let named = self.0.iter().filter(|it| names.contains(it.0));
        named.map(|(name, it)| (name.clone(), it.clone())).collect()
    }

    /// The text with its secrets put in.
    pub fn put_into(&self, text: &str, quoting: Quoting) -> Result<Zeroizing<String>> {
        let parts = pieces(text).into_iter().map(|it| self.part(it, quoting));
        let parts: Vec<_> = parts.collect::<Result<_>>()?;
        // Room for all of it from the start: a text that grows leaves copies behind.
        let mut out = Zeroizing::new(String::with_capacity(parts.iter().map(|it| it.len()).sum()));
        parts.iter().for_each(|it| out.push_str(it));
        Ok(out)
    }

    fn part(&self, piece: Piece<'_>, quoting: Quoting) -> Result<Zeroizing<String>> {
        let name = match piece {
            Piece::Text(it) | Piece::Open(it) => return Ok(Zeroizing::new(it.to_owned())),
            Piece::Name(it) => it,
        };
        let value = self.0.get(name).ok_or_else(|| Error::Unknown(name.to_owned()))?;
        let value = value.expose_text().ok_or_else(|| Error::NotText(name.to_owned()))?;
        Ok(Zeroizing::new(match quoting {
            Quoting::Plain => value.to_owned(),
            Quoting::Sql => value.replace('\'', "''"),
        }))
    }

    /// A text that others see, without any of the values, however they were written into it.
    pub fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for form in self.forms() {
            if text.contains(form.as_str()) {
                text = Cow::Owned(text.replace(form.as_str(), MASK));
            }
        }
        text
    }

    /// The same of a text that was cut off: at its end may stand the beginning of a value.
    pub fn masked_beginning<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = self.masked(text);
        let begins = |form: &Zeroizing<String>| {
            let lengths = (BEGINNING_MIN..form.len()).rev().filter(|it| form.is_char_boundary(*it));
            lengths.into_iter().find(|it| text.ends_with(&form[..*it]))
        };
        match self.forms().iter().filter_map(begins).max() {
            Some(length) => Cow::Owned(format!("{}{MASK}", &text[..text.len() - length])),
            None => text,
        }
    }

    /// A fault that others see.
    #[must_use]
    pub fn masked_fault(&self, fault: Fault) -> Fault {
        if self.0.is_empty() {
            return fault;
        }
        let hint = fault.hint.as_deref().map(|it| self.masked(it).into_owned());
        Fault { message: self.masked(&fault.message).into_owned(), hint, ..fault }
    }

    /// What to look for, the longest first: one value may be a part of another one.
    fn forms(&self) -> Vec<Zeroizing<String>> {
        let values = self.0.values().filter_map(Secret::expose_text).filter(|it| !it.is_empty());
        let of = |it: &str| {
            let quoted = Zeroizing::new(format!("{it:?}"));
            let inner = quoted[1..quoted.len() - 1].to_owned();
            [it.to_owned(), it.replace('\'', "''"), inner].map(Zeroizing::new)
        };
        let mut forms: Vec<_> = values.flat_map(of).collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        forms
    }
}

impl FromIterator<(AssetName, Secret)> for Opened {
    fn from_iter<T: IntoIterator<Item = (AssetName, Secret)>>(secrets: T) -> Self {
        Self(Arc::new(secrets.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(secrets: &[(&str, &str)]) -> Opened {
        let of = |(name, value): &(&str, &str)| {
            (AssetName::new(*name).unwrap(), Secret::from((*value).to_owned()))
        };
        secrets.iter().map(of).collect()
    }

    #[test]
    fn values_are_put_where_their_names_stand() {
        let secrets = opened(&[("USER", "ada"), ("PW", "it's")]);
        let put = |text, quoting| secrets.put_into(text, quoting).unwrap().to_string();
        assert_eq!(put("${sec:USER}:${sec:PW}@h", Quoting::Plain), "ada:it's@h");
        assert_eq!(put("c = '${sec:PW}'", Quoting::Sql), "c = 'it''s'");
        assert_eq!(put("$${sec:PW} ${env:X}", Quoting::Plain), "${sec:PW} ${env:X}");
    }

    #[test]
    fn a_name_that_is_not_known_and_a_value_that_is_no_text_are_named() {
        let mut secrets = opened(&[("USER", "ada")]);
        let refused = secrets.put_into("${sec:PW}", Quoting::Plain).unwrap_err();
        assert!(matches!(refused, Error::Unknown(name) if name == "PW"));
        secrets = [(AssetName::new("B").unwrap(), Secret::new(vec![0xff]))].into_iter().collect();
        let refused = secrets.put_into("${sec:B}", Quoting::Plain).unwrap_err();
        assert!(matches!(refused, Error::NotText(name) if name == "B"));
        assert_eq!(secrets.only(&[]), Opened::default());
    }

    #[test]
    fn a_text_that_is_cut_off_ends_with_no_beginning_of_a_value() {
        let secrets = opened(&[("A", "hunter2"), ("B", "überall")]);
        let of = |text: &str| secrets.masked_beginning(text).into_owned();
        assert_eq!(of("a hunter2, hunt"), "a ***, ***");
        assert_eq!(of("an übe"), "an ***");
        assert_eq!(of("hu"), "hu");
        assert_eq!(of("a hunter of"), "a hunter of");
    }

    #[test]
    fn what_is_said_shows_no_value_however_it_was_written() {
        let secrets =
            opened(&[("A", "hunter2"), ("B", "hunter22"), ("C", "it's\n\"so\""), ("D", "")]);
        let said = format!("no hunter2, hunter22; it''s\n\"so\" and {:?}", "it's\n\"so\"");
        assert_eq!(secrets.masked(&said), "no ***, ***; *** and \"***\"");
        assert!(matches!(secrets.masked("nothing"), Cow::Borrowed(_)));
        let fault = Fault::config(1, "bad hunter2").with_hint("not hunter22");
        let masked = secrets.masked_fault(fault);
        assert_eq!((masked.message.as_str(), masked.hint.as_deref()), ("bad ***", Some("not ***")));
    }
}
