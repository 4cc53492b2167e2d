//! Parts of a JSON text, as they are written: numbers keep all their digits.

use bytes::Bytes;
use serde::de::IgnoredAny;

/// The elements of an array.
pub(super) fn elements(text: &Bytes) -> Result<Vec<Bytes>, String> {
    check(text)?;
    let mut cursor = Cursor { text, at: 0 };
    if cursor.next_sign() != Some(b'[') {
        return Err("it is no array".to_owned());
    }
    let mut elements = Vec::new();
    while cursor.enters(b']') {
        elements.push(cursor.value());
    }
    Ok(elements)
}

/// What a JSON pointer, as `/data/items`, leads to.
pub(super) fn at(text: &Bytes, pointer: &str) -> Result<Option<Bytes>, String> {
    check(text)?;
    let mut found = Cursor { text, at: 0 }.value();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let Some(below) = child(&found, &token) else { return Ok(None) };
        found = below;
    }
    Ok(Some(found))
}

fn check(text: &[u8]) -> Result<(), String> {
    serde_json::from_slice::<IgnoredAny>(text)
        .map(|_| ())
        .map_err(|it| format!("it is no JSON: {it}"))
}

fn child(text: &Bytes, token: &str) -> Option<Bytes> {
    let mut cursor = Cursor { text, at: 0 };
    match cursor.next_sign()? {
        b'[' => {
            let wanted: usize = token.parse().ok()?;
            let mut index = 0;
            while cursor.enters(b']') {
                let value = cursor.value();
                if index == wanted {
                    return Some(value);
                }
                index += 1;
            }
            None
        }
        b'{' => {
            while cursor.enters(b'}') {
                let name: String = serde_json::from_slice(&cursor.value()).ok()?;
                // The colon.
                cursor.next_sign();
                let value = cursor.value();
                if name == token {
                    return Some(value);
                }
            }
            None
        }
        _ => None,
    }
}

/// Walks over a text that is JSON.
struct Cursor<'a> {
    text: &'a Bytes,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// The next sign that is no space.
    fn next_sign(&mut self) -> Option<u8> {
        let sign = self.peek();
        self.at += 1;
        sign
    }

    /// Whether there is another member before the end of this array or object.
    fn enters(&mut self, end: u8) -> bool {
        if self.peek() == Some(b',') {
            self.at += 1;
        }
        self.peek().is_some_and(|it| it != end)
    }

    /// The value that begins here, and moves behind it.
    fn value(&mut self) -> Bytes {
        self.peek();
        let (start, mut depth, mut is_text) = (self.at, 0_usize, false);
        while let Some(sign) = self.text.get(self.at) {
            match sign {
                b'\\' if is_text => self.at += 1,
                b'"' => is_text = !is_text,
                _ if is_text => {}
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth > 0 => depth -= 1,
                b',' | b':' | b']' | b'}' if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        let end = self.at.min(self.text.len());
        self.text.slice(start..end.max(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(it: &str) -> Bytes {
        Bytes::copy_from_slice(it.as_bytes())
    }

    #[test]
    fn elements_are_as_they_were_written() {
        let all = r#" [ {"a": [1, {"b": "],}\"["}]} , 1.000000000000000000001,"x" , [] , null ] "#;
        let found = elements(&text(all)).unwrap();
        let found: Vec<_> = found.iter().map(|it| str::from_utf8(it).unwrap().trim()).collect();
        let expected =
            [r#"{"a": [1, {"b": "],}\"["}]}"#, "1.000000000000000000001", "\"x\"", "[]", "null"];
        assert_eq!(found, expected);
        assert_eq!(elements(&text("[]")), Ok(Vec::new()));
        assert!(elements(&text("{}")).is_err() && elements(&text("[1")).is_err());
    }

    #[test]
    fn a_pointer_leads_to_a_value() {
        let all = text(r#"{"x": {"x": 1}, "data": {"a/b": [7, {"c~": "y"}]}, "": 3}"#);
        let found = |pointer| {
            let found = at(&all, pointer).unwrap();
            found.map(|it| String::from_utf8(it.to_vec()).unwrap().trim().to_owned())
        };
        assert_eq!(found("/data/a~1b/1/c~0").as_deref(), Some("\"y\""));
        assert_eq!(found("/data/a~1b/0").as_deref(), Some("7"));
        assert_eq!(found("/").as_deref(), Some("3"));
        assert_eq!(found("/data/a~1b/2"), None);
        assert_eq!(found("/x/x/x"), None);
        assert_eq!(found("").as_deref(), Some(str::from_utf8(&all).unwrap()));
    }
}
