//! What the documents say is there: rooms, files, commands and their options.

use std::fs;

use crate::support::{Ran, binary, files};

use super::{directory, members, root};

fn documents() -> Vec<(String, String)> {
    let below = |dir: &'static str| {
        files::below(&root().join(dir)).into_iter().map(move |it| format!("{dir}/{it}"))
    };
    let all = below("docs").chain(below("samples")).chain(["README.md".to_owned()]);
    let all = all.filter(|it| it.ends_with(".md"));
    all.map(|it| (it.clone(), fs::read_to_string(root().join(it)).unwrap())).collect()
}

#[test]
fn the_code_map_names_every_room() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let rows: Vec<_> = readme.lines().filter(|it| it.starts_with("| `")).collect();
    for member in members() {
        let name = format!("`{}`", member["name"].as_str().unwrap());
        let directory = match directory(member).to_str().unwrap() {
            "" => "`src/`".to_owned(),
            other => format!("`{other}"),
        };
        assert!(
            rows.iter().any(|it| it.contains(&name) && it.contains(&directory)),
            "{name} in {directory}` has no row in the code map"
        );
    }
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    for (document, text) in documents() {
        let parent = root().join(&document).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|it| it.split(')').next()) {
            let path = link.split('#').next().unwrap();
            let is_here = !path.is_empty() && !path.contains("://");
            assert!(!is_here || parent.join(path).exists(), "{document} links to {link}");
        }
    }
}

/// The commands in the documents, as lists of words: what follows `$ weir`, and lines of shell
/// blocks that begin with `weir`, or run it as its user.
fn commands() -> Vec<(String, Vec<String>)> {
    let mut commands = Vec::new();
    for (document, text) in documents() {
        let blocks = text.split("```").skip(1).step_by(2);
        let lines = blocks.filter(|it| it.starts_with("sh") || it.starts_with("console"));
        for line in lines.flat_map(|it| it.lines().skip(1)) {
            let Some(rest) = command(line) else { continue };
            let rest = rest.split(['#', '|', '>', '&']).next().unwrap();
            let words = rest.split_whitespace().map(str::to_owned).collect();
            commands.push((format!("{document}: {line}"), words));
        }
    }
    commands
}

/// What follows `weir` in a line that runs it.
fn command(line: &str) -> Option<&str> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    line.strip_prefix("as_weir ").unwrap_or(line).strip_prefix("weir ")
}

#[test]
fn commands_in_the_documents_exist_with_their_options() {
    let commands = commands();
    assert!(commands.len() > 10, "{commands:?}");
    for (place, words) in commands {
        let (path, help) = found(&words);
        assert!(!path.is_empty(), "{place}: there is no {}", words[0]);
        for option in words.iter().filter(|it| it.starts_with('-')) {
            let option = option.split('=').next().unwrap();
            assert!(help.contains(option), "{place}: {option} is not in\n{help}");
        }
    }
}

/// The words that name the command, as deep as there are any, and its help.
fn found(words: &[String]) -> (Vec<&str>, String) {
    let mut path = Vec::new();
    let mut text = help(&path);
    for word in words {
        let is_word = word.chars().all(|it| it.is_ascii_lowercase() || it == '-');
        if !is_word || word.starts_with('-') || !text.contains(&format!("\n  {word} ")) {
            break;
        }
        path.push(word.as_str());
        text = help(&path);
    }
    (path, text)
}

fn help(words: &[&str]) -> String {
    Ran::of(binary().args(words).arg("--help")).ended(0).stdout
}
