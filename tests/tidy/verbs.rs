//! The verbs of the Makefile leave no test out.

use std::fs;
use std::path::Path;

use super::{directory, members, root};
use crate::support::files::below;

/// `make test` does not run what comments show.
#[test]
fn no_example_in_a_comment_is_code() {
    let mut code = Vec::new();
    for src in members().into_iter().map(|it| directory(it).join("src")) {
        for file in below(&root().join(&src)) {
            let Ok(text) = fs::read_to_string(root().join(&src).join(&file)) else { continue };
            for fence in ["/// ```", "//! ```"] {
                let fences = text.lines().filter_map(|it| it.trim_start().strip_prefix(fence));
                // Every other one is an end.
                if fences.step_by(2).any(|it| it != "text") {
                    code.push(src.join(&file));
                }
            }
        }
    }
    assert!(code.is_empty(), "nobody runs the examples in {code:?}: say ```text, and test it");
}

/// `make test` runs `clusters::` by itself, and all else without what is called so.
#[test]
fn only_the_tests_of_clusters_are_called_so() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    for part in
        ["--test product -- --test-threads 1 clusters:: 2>&1 |", " --skip clusters:: 2>&1 |"]
    {
        assert!(makefile.contains(part), "{part:?} is not in the Makefile");
    }
    let of_members = members().into_iter().flat_map(|it| {
        let directory = directory(it);
        ["src", "tests"].map(|it| directory.join(it))
    });
    let mut taken = Vec::new();
    for dir in of_members.filter(|it| root().join(it).is_dir()) {
        for file in below(&root().join(&dir)) {
            let path = dir.join(&file);
            let is_of_clusters = path.starts_with("tests/clusters") || file == "clusters.rs";
            if dir == Path::new("tests") && is_of_clusters {
                continue;
            }
            let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
            let is_called_so = path.with_extension("").iter().any(|it| it == "clusters");
            if is_called_so && text.contains("test]\n") {
                taken.push(path);
            }
        }
    }
    assert!(taken.is_empty(), "`make test` leaves out the tests of {taken:?}: call them otherwise");
}
