//! How texts of configurations name secrets: `${sec:NAME}`.
//!
//! `$${sec:` stands for the text `${sec:` itself. All other macros belong to whoever uses the text.

const BEGIN: &str = "${sec:";

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'t> {
    Text(&'t str),
    /// What stands between `${sec:` and `}`, which need not be a name.
    Name(&'t str),
    /// `${sec:` without an end, and all that follows.
    Open(&'t str),
}

/// Whether there is anything in a text for whoever puts secrets in.
pub fn may_name_secrets(text: &str) -> bool {
    text.contains(BEGIN)
}

/// A text as it is read, in order. Where nothing is named, it is one piece or none.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(BEGIN) {
        let (before, from) = rest.split_at(at);
        let after = &from[BEGIN.len()..];
        if let Some(before) = before.strip_suffix('$') {
            pieces.extend([Piece::Text(before), Piece::Text(BEGIN)]);
            rest = after;
            continue;
        }
        pieces.push(Piece::Text(before));
        let Some((name, behind)) = after.split_once('}') else {
            pieces.push(Piece::Open(from));
            rest = "";
            break;
        };
        pieces.push(Piece::Name(name));
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|it| *it != Piece::Text(""));
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Piece::{Name, Open, Text};
    use super::*;

    #[test]
    fn names_are_found_and_everything_else_stays() {
        assert_eq!(pieces("${sec:A}"), [Name("A")]);
        let url = pieces("https://u:${sec:PW}@h/${date:%Y}");
        assert_eq!(url, [Text("https://u:"), Name("PW"), Text("@h/${date:%Y}")]);
        assert_eq!(pieces("$${sec:A} ${sec:B}")[..2], [Text("${sec:"), Text("A} ")]);
        assert_eq!(pieces("a${sec:B"), [Text("a"), Open("${sec:B")]);
        assert_eq!(pieces("${sec:}"), [Name("")]);
        assert_eq!(pieces(""), []);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_none_is_lost(text in "(\\$|\\{|sec:|\\}|[a-zé])*") {
            let written = |it: Piece<'_>| match it {
                Text(BEGIN) => format!("${BEGIN}"),
                Text(it) | Open(it) => it.to_owned(),
                Name(it) => format!("{BEGIN}{it}}}"),
            };
            let all: String = pieces(&text).into_iter().map(written).collect();
            prop_assert_eq!(all, text);
        }
    }
}
