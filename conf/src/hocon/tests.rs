use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use super::*;

/// The environment of every test.
fn test_env() -> HashMap<String, String> {
    let set = [("WEIR_TEST_HOST", "env-host"), ("WEIR_TEST_PORT", "7000")];
    set.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn shown(findings: &[Finding]) -> String {
    findings.iter().map(|it| format!("{it}\n")).collect()
}

/// Each `x.conf` beside an `x.json` means that, and beside an `x.findings` is refused with them.
#[test]
fn the_corpus_means_what_it_says() {
    let mut cases: Vec<PathBuf> =
        fs::read_dir("tests/hocon").unwrap().map(|it| it.unwrap().path()).collect();
    cases.retain(|it| it.extension().is_some_and(|it| it == "conf"));
    cases.sort();
    assert!(cases.len() > 30, "the corpus is there");
    for case in cases {
        let name = case.display().to_string();
        let text = fs::read_to_string(&case).unwrap();
        let read = Hocon::named(&name).with_env(test_env()).document(&text);
        match fs::read_to_string(case.with_extension("findings")) {
            Ok(expected) => assert_eq!(shown(&read.expect_err(&name)), expected, "{name}"),
            Err(_) => {
                let expected = fs::read_to_string(case.with_extension("json")).expect(&name);
                let expected: serde_json::Value = serde_json::from_str(&expected).expect(&name);
                let found = read.map(|it| it.to_json()).map_err(|it| shown(&it));
                assert_eq!(found, Ok(expected), "{name}");
            }
        }
    }
}

fn parse_in(text: &str) -> Result<serde_json::Value, String> {
    let read = Hocon::named("a.conf").with_env(test_env()).document(text);
    read.map(|it| it.to_json()).map_err(|it| shown(&it))
}

#[test]
fn every_value_knows_where_it_was_written_last() {
    let text = "\
base { size = 1 }
a { b = 1 }
a.b = 2
copy = ${base}
copy.colour = red
list = [1
  { x = 5 }]
set = ${WEIR_TEST_PORT}
";
    let document = Hocon::named("a.conf").with_env(test_env()).document(text).unwrap();
    let check = |path: &str, key: &str, value: &str| {
        assert_eq!(document.key_place(path).to_string(), key, "key of {path}");
        assert_eq!(document.place(path).to_string(), value, "value of {path}");
    };
    check("a.b", "a.conf:3:1", "a.conf:3:7");
    check("copy.size", "a.conf:1:8", "a.conf:1:15");
    check("copy.colour", "a.conf:5:1", "a.conf:5:15");
    check("list[1].x", "a.conf:7:5", "a.conf:7:9");
    check("set", "a.conf:8:1", "a.conf:8:7");
    check("list[0]", "a.conf:6:9", "a.conf:6:9");
}

/// An optional override that is not set must not lose the value, wherever the reference stands; the
/// order of different keys means nothing.
#[test]
fn the_order_of_keys_never_decides_a_value() {
    let lines = [
        "j { s = ${s} }",
        "url = ${s.db.host}",
        "copy = ${j.s.db.url}",
        "s { db { host = localhost, host = ${?WEIR_TEST_UNSET}, url = \"jdbc://\"${s.db.host} } }",
    ];
    let expected = serde_json::json!({
        "j": {"s": {"db": {"host": "localhost", "url": "jdbc://localhost"}}},
        "s": {"db": {"host": "localhost", "url": "jdbc://localhost"}},
        "url": "localhost", "copy": "jdbc://localhost",
    });
    for first in 0..lines.len() {
        for second in 0..lines.len() {
            let mut lines = lines;
            lines.swap(first, second);
            lines.swap(0, second);
            assert_eq!(parse_in(&lines.join("\n")), Ok(expected.clone()), "{lines:?}");
        }
    }
}

#[test]
fn no_text_costs_more_than_it_should() {
    let refused = |text: &str, reason: &str| {
        let refused = parse_in(text).unwrap_err();
        assert!(refused.contains(reason), "{reason}: {refused}");
    };
    let doubled = |count: usize, line: &dyn Fn(usize) -> String| -> String {
        (1..count).map(line).chain(["a0 = xxxxxxxxxxxxxxxx\n".to_owned()]).collect()
    };
    refused(&doubled(40, &|it| format!("a{it} = ${{a{}}}${{a{}}}\n", it - 1, it - 1)), "expand");
    refused(
        &doubled(40, &|it| format!("a{it} = [${{a{}}}, ${{a{}}}]\n", it - 1, it - 1)),
        "expand",
    );
    refused(&doubled(40, &|_| "a0 = ${a0}${a0}\n".to_owned()), "expand");
    let own: String = (0..60).map(|_| "a = ${a}${a}\n").collect();
    refused(&format!("a = x\n{own}"), "expand to too much");
    refused(&doubled(5_000, &|it| format!("a{it} = ${{a{}}}\n", it - 1)), "in a row");
    refused(&"a += 1\n".repeat(5_000), "a.conf:5000:1: error[WEIR-01107] a: the key is assigned");
    refused(&format!("a{} = 1", ".a".repeat(5_000)), "nested deeper than 100 levels");
    refused(&"a { ".repeat(5_000), "is never closed");
    refused(&format!("{}{}", "a { ".repeat(5_000), "}".repeat(5_000)), "nests deeper than 128");
    refused(&format!("a = {}{}", "[".repeat(5_000), "]".repeat(5_000)), "nests deeper than 128");
    refused("a = ${a.x}", "${a.x} stands for nothing");
    refused("a = ${b.x}\nb = ${a.x}", "stands for nothing");
    let optional: String = (0..300).map(|it| format!("a{it} = ${{?a{}}}\n", it + 1)).collect();
    assert_eq!(parse_in(&optional), Ok(serde_json::json!({})));
}

#[test]
fn an_include_that_is_not_text_is_refused_where_it_is_included() {
    let directory = tempfile::TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("latin.conf"), b"a = \"\xff\"").unwrap();
    let main = at("main.conf").display().to_string();
    let refused = |include: &str| {
        let text = format!("# first line\ninclude {include}\n");
        let findings = Hocon::named(&main).document(&text).unwrap_err();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place.file, main);
        (findings[0].place.line, findings[0].place.column, findings[0].cause.clone())
    };
    let (line, column, cause) = refused("\"latin.conf\"");
    assert_eq!((line, column), (2, 9));
    assert!(cause.ends_with("line 1 is not UTF-8"), "{cause}");
    assert!(refused("file(\"nowhere/x.conf\")").2.ends_with("there is no such file"));
    assert!(refused("required(\"x.conf\")").2.ends_with("there is no such file"));
    let text = "include url(\"http://localhost/x\")";
    assert!(Hocon::named(&main).document(text).is_err());
}

#[test]
fn the_format_serves_config() {
    let format = Hocon::named("a.conf").with_env(test_env());
    let text = "a { b = 1, c = [x, 2.5], d = null, e = true, port = ${WEIR_TEST_PORT} }";
    let source = config::File::from_str(text, format);
    let config = config::Config::builder().add_source(source).build().unwrap();
    assert_eq!(config.get_int("a.b").unwrap(), 1);
    assert_eq!(config.get_string("a.c[0]").unwrap(), "x");
    assert_eq!(config.get::<u16>("a.port").unwrap(), 7000);
    let broken = config::File::from_str("a = [", Hocon::named("a.conf"));
    let error = config::Config::builder().add_source(broken).build().unwrap_err();
    assert!(error.to_string().starts_with("a.conf:1:5: error[WEIR-01104]"), "{error}");
}

/// Whatever is cut off or put in, the answer is a tree or findings.
#[test]
fn no_text_panics() {
    let text = "a { b = [1, ${?x}], c = \"\"\"x\"\"\" }\ninclude \"y\"\na.b += ${a.c} ä\nd = ${a} {e: 1}\n";
    let chars: Vec<char> = text.chars().collect();
    for cut in 0..chars.len() {
        for other in
            ["", "\"", "{", "}", "]", "${", "\\", "+=", "\u{0}", "\u{feff}", ".", "include"]
        {
            let (head, tail) = chars.split_at(cut);
            let with = |tail: &[char]| -> String {
                head.iter().copied().chain(other.chars()).chain(tail.iter().copied()).collect()
            };
            for text in [with(tail), with(&[])] {
                if let Err(findings) = parse("a.conf", &text) {
                    let broken = findings.iter().find(|it| it.cause.contains("the parser can't"));
                    assert!(broken.is_none(), "{text:?}");
                }
            }
        }
    }
}
