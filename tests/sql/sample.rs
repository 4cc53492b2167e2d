//! The sample project runs as it is shipped.

use super::store::Store;
use crate::support::{DEADLINE, Project, Start, wait_until};

#[test]
fn the_sample_keeps_products_and_orders_and_makes_invoices_of_them() {
    let project = Project::sample("sql");
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
    let invoices = || project.published();
    wait_until("all invoices to be there", DEADLINE, || invoices().len() >= 2_000);
    weir.stop();
    let mut numbers: Vec<_> =
        invoices().iter().map(|it| it["order_id"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..2_000).collect::<Vec<_>>());
    for it in invoices() {
        let of = |key: &str| it[key].as_f64().unwrap();
        assert!((of("total") - of("pieces") * of("price")).abs() < 0.005, "{it}");
    }
}
