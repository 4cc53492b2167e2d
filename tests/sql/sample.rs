//! The sample project runs as it is shipped.

use std::path::Path;

use super::store::Store;
use crate::support::{DEADLINE, Project, Start, files, wait_until};

#[test]
fn the_sample_writes_products_and_orders_into_its_own_database() {
    let project = Project::empty();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/sql");
    for name in files::below(&sample) {
        project.asset(&name, &std::fs::read_to_string(sample.join(&name)).unwrap());
    }
    let weir = Start::of(&project).set("weir.stream.checkpoint-interval=100ms").ready();
    let store = Store::Sqlite(project.path("shop.db"));
    let tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('orders', 'products')";
    wait_until("the tables to be made", DEADLINE, || store.number(tables) == 2);
    wait_until("all orders to be there", DEADLINE, || {
        store.number("SELECT count(*) FROM orders") == 2_000
    });
    wait_until("all products to be there", DEADLINE, || {
        store.number("SELECT count(*) FROM products") == 5
    });
    weir.stop();
}
