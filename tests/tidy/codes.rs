//! A code means one thing: it is given by one package, in the package's range.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{directory, members, root, sources};

/// Where the ranges of `weir_domain::Code` are at home, by the first two digits.
const RANGES: &[(u32, &[&str])] = &[
    (0, &["weir", "weir-runtime"]),
    (1, &["weir-conf"]),
    (
        2,
        &[
            "weir-domain",
            "weir-project",
            "weir-package",
            "weir-operators",
            "weir-script",
            "weir-expr",
            "weir-stream",
            "weir-connectors",
            "weir-conf",
            "weir-testing",
        ],
    ),
    (3, &["weir-stream", "weir-domain", "weir-operators", "weir-script"]),
    (4, &["weir-connectors", "weir-formats", "weir-expr", "weir-operators"]),
    (5, &["weir-persistence-api", "weir-persistence-sql"]),
    (6, &["weir-runtime", "weir-controllers"]),
    (7, &["weir", "weir-http-api", "weir-http-client", "weir-http-server"]),
    (10, &["weir-remote"]),
    (11, &["weir-cluster"]),
    (12, &["weir-secrets"]),
    (13, &["weir-versions"]),
    (14, &["weir-identity"]),
];

/// The codes that a source gives: written out in a log line, or as the first argument of a fault
/// or finding, or as a named constant of a file of codes.
fn codes(path: &std::path::Path) -> BTreeSet<u32> {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let mut codes = BTreeSet::new();
    let before = [
        "\"WEIR-",
        "Fault::data(",
        "Fault::transient(",
        "Fault::config(",
        "Finding::error(",
        "Finding::warning(",
        "Code(",
    ];
    for start in before {
        codes.extend(text.split(start).skip(1).filter_map(leading_number));
    }
    if path.ends_with("codes.rs") || path.ends_with("code.rs") || path.ends_with("fault.rs") {
        codes.extend(text.split(": u32 = ").skip(1).filter_map(leading_number));
        codes.extend(text.split(": Code = Code(").skip(1).filter_map(leading_number));
    }
    codes
}

fn leading_number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '_').unwrap_or(text.len());
    text[..end].replace('_', "").parse().ok()
}

/// Codes that several files of a package give, each time for the same thing.
const SAME_IN_SEVERAL_FILES: &[u32] = &[
    // A plan without a source.
    3_111, // The store is away from a stream.
    3_132, // Writers of the store, on servers and embedded.
    5_001, 5_002,
];

#[test]
fn a_code_of_a_package_is_given_by_one_file() {
    for member in members() {
        let mut givers: BTreeMap<u32, BTreeSet<_>> = BTreeMap::new();
        for source in sources(&root().join(directory(member))) {
            for code in codes(&source) {
                givers.entry(code).or_default().insert(source.clone());
            }
        }
        givers.retain(|code, by| by.len() > 1 && !SAME_IN_SEVERAL_FILES.contains(code));
        assert_eq!(givers, BTreeMap::new(), "codes with several meanings");
    }
}

#[test]
fn a_code_is_given_by_one_package_in_its_range() {
    let ranges: BTreeMap<_, _> = RANGES.iter().copied().collect();
    let mut givers: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for member in members() {
        let name = member["name"].as_str().unwrap();
        for source in sources(&root().join(directory(member))) {
            for code in codes(&source) {
                givers.entry(code).or_default().insert(name);
            }
        }
    }
    assert!(givers.len() > 100, "the codes were not found: {givers:?}");
    let shared: BTreeMap<_, _> = givers.iter().filter(|it| it.1.len() > 1).collect();
    assert_eq!(shared, BTreeMap::new(), "codes of several packages");
    let strays: Vec<_> = givers
        .iter()
        .filter(|(code, by)| {
            let homes = ranges.get(&(**code / 1000)).copied().unwrap_or_default();
            !by.iter().all(|it| homes.contains(it))
        })
        .collect();
    assert_eq!(strays, Vec::<(&u32, &BTreeSet<&str>)>::new(), "codes outside of their range");
}

/// What a row of a table of codes is about: `WEIR-07123, 07124`, or `WEIR-07120 … 07122`.
fn told(row: &str) -> Option<Vec<u32>> {
    let cell = row.strip_prefix("| WEIR-")?.split('|').next()?;
    let numbers = cell.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok());
    let numbers: Vec<u32> = numbers.collect();
    match (cell.contains('…'), numbers.as_slice()) {
        (true, &[first, last]) => Some((first..=last).collect()),
        _ => Some(numbers),
    }
}

/// In how many rows of the documents each code is told.
fn rows_of_codes() -> BTreeMap<u32, usize> {
    let mut rows = BTreeMap::new();
    for document in fs::read_dir(root().join("docs")).unwrap() {
        let path = document.unwrap().path();
        if path.extension().is_some_and(|it| it == "md") {
            let text = fs::read_to_string(path).unwrap();
            text.lines()
                .filter_map(told)
                .flatten()
                .for_each(|it| *rows.entry(it).or_default() += 1);
        }
    }
    rows
}

#[test]
fn a_code_is_told_in_one_row_of_the_documents() {
    let rows = rows_of_codes();
    assert!(rows.len() > 50, "the rows were not found: {rows:?}");
    let twice: Vec<_> = rows.iter().filter(|it| *it.1 > 1).collect();
    assert_eq!(twice, Vec::<(&u32, &usize)>::new(), "codes with several rows");
}

#[test]
fn a_code_of_the_servers_and_the_command_line_is_told() {
    let rows = rows_of_codes();
    let mut untold = BTreeSet::new();
    for member in members() {
        for source in sources(&root().join(directory(member))) {
            untold.extend(codes(&source).into_iter().filter(|it| it / 1_000 == 7));
        }
    }
    assert!(untold.len() > 30, "the codes were not found: {untold:?}");
    untold.retain(|it| !rows.contains_key(it));
    assert_eq!(untold, BTreeSet::new(), "codes that docs/cli.md does not tell");
}
