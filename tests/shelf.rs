//! Assets that one project takes from another one, on a configuration server.

use std::fs;

use crate::support::{Flow, Project, Ran, Start, binary, flow::CSV};

const FORMAT: &str =
    "apiVersion: weir/v1\nkind: Format\nmetadata: { name: lines }\nspec: { type: json }\n";
const SOURCE: &str = "apiVersion: weir/v1\nkind: Source\nmetadata: { name: orders }\nspec:\n  file: \
                      { directory: \"${env:IN}\", format: lines }\n";

#[test]
fn a_connection_is_taken_with_its_format_and_follows_its_original() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = Start::of(&project).ready();
    let shelf = project.root().join("shelf");
    fs::create_dir_all(&shelf).unwrap();
    let about = "apiVersion: weir/v1\nkind: Project\nmetadata: { name: shelf }\n";
    for (file, text) in [("project.yaml", about), ("lines.yaml", FORMAT), ("orders.yaml", SOURCE)] {
        fs::write(shelf.join(file), text).unwrap();
    }
    let run =
        |arguments: &[&str]| Ran::of(binary().args(["--server", weir.page()]).args(arguments));
    run(&["project", "open", shelf.to_str().unwrap()]).ended(0);
    let taken = run(&["project", "take", "test", "shelf", "source/orders"]).ended(0);
    let told = "taken: lines.yaml\ntaken: orders.yaml\nto be defined in this project: env:IN\n";
    assert_eq!(taken.stdout, told);
    assert_eq!(fs::read_to_string(project.dir().join("orders.yaml")).unwrap(), SOURCE);
    fs::write(shelf.join("lines.yaml"), FORMAT.replace("json", "csv")).unwrap();
    let copies = run(&["project", "copies", "shelf", "format/lines"]).ended(0);
    assert!(
        copies.stdout.contains("test     lines.yaml  another one       1"),
        "{}",
        copies.stdout
    );
    let refused = run(&["project", "take", "test", "shelf", "source/orders"]).ended(5);
    assert!(refused.stderr.contains("a Format lines is there already"), "{}", refused.stderr);
    run(&["project", "take", "test", "shelf", "source/orders", "--replace"]).ended(0);
    let now = fs::read_to_string(project.dir().join("lines.yaml")).unwrap();
    assert_eq!(now, FORMAT.replace("json", "csv"));
}
