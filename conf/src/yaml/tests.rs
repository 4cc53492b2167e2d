use super::parse;
use serde_json::json;

fn read(text: &str) -> serde_json::Value {
    parse("a.yaml", text).expect("the text is YAML").to_json()
}

fn check(text: &str, expected: &[&str]) {
    let findings = parse("a.yaml", text).err().unwrap_or_default();
    let shown: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected, "in {text:?}");
}

#[test]
fn a_document_becomes_a_tree_of_the_core_schema() {
    let text = "\
# a comment
a: no            # text, unlike YAML 1.1
b: [1, 2.5, ~, true, '1', \"x\\ty\"]
c: |
  two
  lines
d: >-
  one
  line
e: {f: {g: 0x10}}
\"h i\": !!str 5
5: five
";
    let expected = json!({
        "a": "no",
        "b": [1, 2.5, null, true, "1", "x\ty"],
        "c": "two\nlines\n",
        "d": "one line",
        "e": {"f": {"g": 16}},
        "h i": "5",
        "5": "five",
    });
    assert_eq!(read(text), expected);
    assert_eq!(read(""), json!(null));
    assert_eq!(read("# nothing\n"), json!(null));
    assert_eq!(read("\u{feff}---\na: 1\n...\n"), json!({"a": 1}));
}

#[test]
fn every_node_knows_its_place_and_its_key() {
    let text = "spec:\n  stages:\n    - id: a\n      filter: x > 1\n    - {id: ä, filter: y}\n";
    let document = parse("a.yaml", text).unwrap();
    let check = |path: &str, key: &str, value: &str| {
        assert_eq!(document.key_place(path).to_string(), key, "key of {path}");
        assert_eq!(document.place(path).to_string(), value, "value of {path}");
    };
    check("spec", "a.yaml:1:1", "a.yaml:2:3");
    check("spec.stages[0].filter", "a.yaml:4:7", "a.yaml:4:15");
    check("spec.stages[1].filter", "a.yaml:5:15", "a.yaml:5:23");
    check("spec.stages[1]", "a.yaml:5:7", "a.yaml:5:7");
    check("spec.stages[7].nothing", "a.yaml:2:3", "a.yaml:3:5");
    check("", "a.yaml:1:1", "a.yaml:1:1");
}

#[test]
fn anchors_and_aliases_work_and_an_alias_stands_where_it_is_written() {
    let text = "base: &b {x: [1, 2]}\nother: *b\nlist: [*b, *b]\n";
    let base = json!({"x": [1, 2]});
    assert_eq!(read(text), json!({"base": base, "other": base, "list": [base, base]}));
    let document = parse("a.yaml", text).unwrap();
    assert_eq!(document.place("other").to_string(), "a.yaml:2:8");
    assert_eq!(document.place("other.x[1]").to_string(), "a.yaml:1:18");
}

#[test]
fn what_could_be_misread_is_refused() {
    check(
        "a: 1\nb: {c: 1, c: 2}\na: 3\n",
        &[
            "a.yaml:2:11: error[WEIR-02005] b.c: the key \"c\" stands twice: it is in line 2, too\n  fix: keep one of the two",
            "a.yaml:3:1: error[WEIR-02005] a: the key \"a\" stands twice: it is in line 1, too\n  fix: keep one of the two",
        ],
    );
    check(
        "a: 1\n---\nb: 2\n",
        &[
            "a.yaml:2:1: error[WEIR-02008]: a second document begins here, but a file holds one\n  fix: move what follows \"---\" to a file of its own",
        ],
    );
    check(
        "a: &x {b: 1}\nc: {<<: *x}\n",
        &[
            "a.yaml:2:5: error[WEIR-02005] c: merge keys are not supported\n  fix: write the keys out: merge keys are not part of YAML 1.2",
        ],
    );
    check(
        "a: !python/object x\nb: !!int one\nc: 99999999999999999999\n",
        &[
            "a.yaml:1:4: error[WEIR-02002] a: the tag \"!python/object\" has no meaning here\n  fix: remove it",
            "a.yaml:2:4: error[WEIR-02002] b: \"one\" is not what its tag \"!!int\" says\n  fix: remove the tag, or correct the value",
            "a.yaml:3:4: error[WEIR-02002] c: the number 99999999999999999999 is too large to be kept exactly\n  fix: put it in quotes if it is a text",
        ],
    );
    check(
        "? [a, b]\n: c\n",
        &[
            "a.yaml:1:3: error[WEIR-02005]: a list or a mapping can't be a key\n  fix: use a text as the key",
        ],
    );
    check(
        ": c\n",
        &["a.yaml:1:1: error[WEIR-02005]: a key is empty\n  fix: write the key before the colon"],
    );
}

#[test]
fn syntax_errors_have_line_and_column() {
    let syntax = |text: &str, expected: &str| {
        let last = parse("a.yaml", text).expect_err(text).pop().unwrap();
        assert_eq!(last.code.0, 2004, "{text:?}: {last}");
        assert!(!last.fix.is_empty());
        assert_eq!(
            format!("{} {}", last.place, last.cause.trim_start_matches("not YAML: ")),
            expected
        );
    };
    syntax("a:\n\tb: 1\n", "a.yaml:2:2 tabs disallowed within this context (block indentation)");
    syntax("a: [1, 2\nb: 3\n", "a.yaml:2:2 illegal placement of ':' indicator");
    syntax("a: 'o\n", "a.yaml:1:4 while scanning a quoted scalar, found unexpected end of stream");
    syntax("a: b: c\n", "a.yaml:1:5 mapping values are not allowed in this context");
    syntax("a: 1\n b: 2\n", "a.yaml:2:3 mapping values are not allowed in this context");
    syntax("a: *nobody\n", "a.yaml:1:4 while parsing node, found unknown anchor");
    syntax("}\n", "a.yaml:1:1 misplaced bracket");
}

#[test]
fn no_text_costs_more_than_it_should() {
    let bomb: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain((1..9).map(|it| {
            let list = vec![format!("*a{}", it - 1); 10].join(", ");
            format!("a{it}: &a{it} [{list}]\n")
        }))
        .collect();
    let refused = |text: &str| parse("a.yaml", text).unwrap_err().pop().unwrap().to_string();
    assert!(refused(&bomb).contains("aliases expand to more than 100000 values"));
    assert!(refused("a: &a [*a]").contains("an alias stands inside what it stands for"));
    assert!(refused(&"[".repeat(100_000)).contains("nested too deeply"));
    assert!(refused(&"- ".repeat(100_000)).contains("deeper than 64 levels"));
    assert!(refused(&"# x\n".repeat(3 << 20)).contains("more than the 10485760 allowed"));
}

/// Whatever is cut off or swapped, the answer is a tree or findings with a place in the file.
#[test]
fn no_text_panics() {
    let text = "a: &x {b: [1, 'ä', \"\\u00e4\"], ? c : |-\n  d\n}\ne: !!str *x\n--- %x\n\t- : <<\n";
    let chars: Vec<char> = text.chars().collect();
    for cut in 0..chars.len() {
        for other in
            ["", "\t", "&", "*", "{", "]", "\u{0}", "\u{feff}", "\r", "!", "\"", "- ", "\n"]
        {
            let (head, tail) = chars.split_at(cut);
            let text: String =
                head.iter().copied().chain(other.chars()).chain(tail.iter().copied()).collect();
            let text_without: String = head.iter().copied().chain(other.chars()).collect();
            for text in [text, text_without] {
                for finding in parse("a.yaml", &text).err().unwrap_or_default() {
                    assert_eq!(finding.place.file, "a.yaml");
                    assert!(finding.place.line > 0);
                }
            }
        }
    }
}
