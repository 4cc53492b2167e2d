use super::*;

fn parsed(text: &str) -> Document {
    yaml::parse("", text).unwrap()
}

fn all(text: &str) -> Vec<Stage> {
    of(text, &parsed(text))
}

#[track_caller]
fn check(text: &str, more: &str, expected: &str) {
    let more = all(more);
    assert_eq!(appended(text, &parsed(text), &more).as_deref(), Some(expected), "{text}");
}

const MORE: &str = "spec:\n  stages:\n  # What it is for.\n  - name: b # the second\n    script: |\n      # no comment\n      x\n\n      y\n    from: a\n";
const B: &str = "  # What it is for.\n  - name: b # the second\n    script: |\n      # no comment\n      x\n\n      y\n    from: a\n";

fn shifted(text: &str, by: usize) -> String {
    let line = |it: &str| match it {
        "" => "\n".to_owned(),
        it => format!("{}{it}\n", " ".repeat(by)),
    };
    text.lines().map(line).collect()
}

#[test]
fn stages_keep_their_comments_and_their_layout() {
    let head = "spec:\n  stages:\n    - name: a\n";
    check(head, MORE, &format!("{head}\n{}", shifted(B, 2)));
    // With a line between, or without; what stands below stays there.
    let two =
        "spec:\n  stages:\n  - name: a\n    x: 1\n  - name: c\n  # of the list\n# of the rest\n";
    let (before, after) = two.split_at(two.find("  # of").unwrap());
    check(two, MORE, &format!("{before}{B}{after}"));
    let last = "spec:\n  stages:\n  - name: a\n\n  - { name: c }\n  retry: {}";
    let (before, after) = last.split_at(last.find("  retry").unwrap());
    check(last, MORE, &format!("{before}\n{B}{after}"));
    // Without an end of line, and with another one.
    check("spec:\n  stages:\n    - name: a", MORE, &format!("{head}\n{}", shifted(B, 2)));
    let crlf = head.replace('\n', "\r\n");
    let expected = format!("{head}\n{}", shifted(B, 2)).replace('\n', "\r\n");
    check(&crlf, MORE, &expected);
}

#[test]
fn a_list_may_be_empty_or_not_there() {
    let one = "spec:\n  stages:\n  - name: b\n";
    check(
        "spec: # s\n  stages: [] # none\n  x: 1\n",
        one,
        "spec: # s\n  stages:  # none\n    - name: b\n  x: 1\n",
    );
    check("spec:\n  stages:\n", one, "spec:\n  stages:\n    - name: b\n");
    check(
        "spec:\n  x:\n    y: 1\nz: 1\n",
        one,
        "spec:\n  x:\n    y: 1\n  stages:\n    - name: b\nz: 1\n",
    );
    check("spec: {}\n", one, "spec:\n  stages:\n    - name: b\n");
    // Nobody would find it there.
    let text = "spec: { stages: [{ name: a }] }";
    assert_eq!(appended(text, &parsed(text), &all(one)), None);
}

#[test]
fn what_is_written_in_another_way_is_written_anew() {
    let text = "spec:\n  stages: [{ name: b, from: a, x: *y }]\n".replace("*y", "1");
    check(
        "spec:\n  stages:\n  - name: a\n",
        &text,
        "spec:\n  stages:\n  - name: a\n\n  - name: b\n    from: a\n    x: 1\n",
    );
    let aliased = "z: &y 1\nspec:\n  stages:\n  - name: b\n    x: *y\n";
    check("spec:\n  stages: []\n", aliased, "spec:\n  stages:\n    - name: b\n      x: 1\n");
}

#[track_caller]
fn place(text: &str, name: &str, from: &[&str], expected: &str) {
    let stage = all(&format!("spec:\n  stages:\n  - {text}\n")).remove(0);
    let from: Vec<_> = from.iter().map(|it| (*it).to_owned()).collect();
    let placed = stage.placed(name, &from);
    assert!(is(&placed.body, placed.fields()), "{placed:?}");
    assert_eq!(placed.body, expected);
    assert_eq!((placed.name(), placed.fed_by()), (name, from.iter().map(String::as_str).collect()));
}

#[test]
fn a_stage_gets_another_name_and_other_inputs() {
    place("name: a # x\n    x: 1", "b", &[], "name: b # x\nx: 1");
    place("name: a # x\n    x: 1", "b", &["c"], "name: b # x\nfrom: c\nx: 1");
    place(
        "name: 'a'\n    from: [x, y.z] # both",
        "b",
        &["x-2", "y-2.z"],
        "name: 'b'\nfrom: [x-2, y-2.z] # both",
    );
    place("name: a\n    from: x\n    # of y\n    y: 1", "a", &[], "name: a\n# of y\ny: 1");
    place("from: x\n    name: a\n    y: 1", "a", &["p", "q"], "name: a\nfrom: [p, q]\ny: 1");
    place("name: a\n    from:\n    - x\n    - y\n    z: 1", "a", &["x"], "name: a\nfrom: x\nz: 1");
    place("{ name: a, z: 1 }", "b", &["c"], "{ name: b, from: c, z: 1 }");
    place("{ name: \"a\", from: x }", "b", &[], "name: b");
    place("name: a\n    from: [x]", "a", &["12"], "name: a\nfrom: [\"12\"]");
    place("name: a", "a", &["12"], "name: a\nfrom: \"12\"");
}
