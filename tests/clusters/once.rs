//! Commands whose answer is lost because the host of their controller is killed meanwhile. Sent again
//! with the same key, at another engine, each is carried out once.
//!
//! That it was once is seen by undoing it: sent once more after that, it changes nothing.

mod calls;
mod row;
mod table;

use serde_json::Value;

use super::access::{done, log_in};
use super::{CONTROLLERS, other};
use crate::support::cluster::{Call, Cluster, Files, Kind, Oracle};
use crate::support::{DEADLINE, wait_for, wait_until};
use row::{Row, told};
use table::Table;

/// What happens to the host of all controllers while commands are on their way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Kill,
    /// All of them go to another node.
    Move,
}

#[test]
fn a_command_whose_answer_is_lost_is_carried_out_once() {
    let setup = Cluster::of(3, Kind::Postgres)
        .set("weir.rest-server.trust-local=none")
        .set("weir.packages.accept-any-signer=true");
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster);
    log_in(&mut cluster);
    let files = Files::with_instances(2);
    let table = Table::prepare(&cluster, &files);
    let mut sent = Vec::new();
    for (number, fault) in [Fault::Kill; 3].into_iter().chain([Fault::Move; 3]).enumerate() {
        let host = number % cluster.nodes.len();
        cluster.gather(&CONTROLLERS, host);
        let rows = match number {
            0 => table.making(&cluster),
            1 => table.changing(&cluster),
            2 => table.ending(&cluster),
            // What holds for the members that there were, and for what they run.
            3 => table.stopping(&cluster),
            4 => table.promoting(),
            _ => table.evening(&cluster),
        };
        round(&mut cluster, host, fault, &rows);
        sent.extend(rows.into_iter().map(|it| (it.does.method, it.does.path)));
    }
    // Rewrapping changes nothing here. No controller has to do with savepoints and dead letters: the tests of these
    // kill engines in the middle of them.
    let left = [
        "post /api/v1/keys:rewrap",
        "post /api/v1/workflows/{name}/dead-letters:discard",
        "post /api/v1/workflows/{name}/dead-letters:replay",
        "post /api/v1/workflows/{name}/replays:cancel",
        "post /api/v1/workflows/{name}/reset",
        "post /api/v1/workflows/{name}/restore",
        "post /api/v1/workflows/{name}/savepoints",
        "delete /api/v1/workflows/{name}/savepoints/{savepoint}",
    ];
    assert_eq!(commands_but(&sent), left);
    done(&cluster, 0, &["audit", "verify"]);
    // What one command led to was written by one life of its controller.
    let split = cluster.database.rows(
        "SELECT persistence_id FROM event_journal WHERE command IS NOT NULL \
         GROUP BY persistence_id, command HAVING COUNT(DISTINCT writer_epoch) > 1",
    );
    assert_eq!(split, Vec::<String>::new());
    cluster.stop();
    oracle.check(&mut cluster);
}

/// The commands that take a key, by the document of the API, without those that were sent.
fn commands_but(sent: &[(&str, String)]) -> Vec<String> {
    let document = include_str!("../../schemas/openapi/engine.json");
    let document: Value = serde_json::from_str(document).unwrap();
    let mut left = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let takes_a_key = parameters.clone().any(|it| it["name"] == "idempotency-key");
            let is_it =
                |(by, it): &(&str, String)| by.eq_ignore_ascii_case(method) && is_of(path, it);
            if takes_a_key && !sent.iter().any(is_it) {
                left.push(format!("{method} {path}"));
            }
        }
    }
    left
}

/// Whether a path is one of these, where `{…}` stands for any part.
fn is_of(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(of, it)| of.starts_with('{') || of == it)
}

/// Has all commands of these rows on their way when the fault happens.
fn round(cluster: &mut Cluster, host: usize, fault: Fault, rows: &[Row<'_>]) {
    let (a, b) = (other(cluster, host), other(cluster, other(cluster, host)));
    let looks =
        |cluster: &Cluster| -> Vec<Value> { rows.iter().map(|it| (it.look)(cluster, a)).collect() };
    let before = looks(cluster);
    let unheard = |row: &Row<'_>| {
        let at = if row.is_through_the_host { host } else { a };
        let called = cluster.nodes[at].called_unheard(&row.does);
        called.unwrap_or_else(|it| panic!("{}: {it}", row.name))
    };
    let unheard: Vec<_> = rows.iter().map(unheard).collect();
    match fault {
        Fault::Kill => cluster.nodes[host].kill(),
        Fault::Move => cluster.gather(&CONTROLLERS, a),
    }
    drop(unheard);
    for row in rows {
        let answer = told(cluster, [b, a], &row.does);
        let is_right = answer.status == 200 || Some(answer.status) == row.sent_again;
        assert!(is_right, "{}: {} {}", row.name, answer.status, answer.body);
    }
    for ((row, before), after) in rows.iter().zip(&before).zip(looks(cluster)) {
        assert_ne!(*before, after, "{} was carried out", row.name);
    }
    for undo in rows.iter().filter_map(|it| it.undo.as_ref()) {
        undo(cluster, [a, b]);
    }
    let undone = looks(cluster);
    for ((row, before), undone) in rows.iter().zip(&before).zip(&undone) {
        assert!(row.undo.is_none() || before == undone, "{} was undone: {undone}", row.name);
    }
    for row in rows {
        let answer = told(cluster, [a, b], &row.does);
        let expected = row.undone_and_sent_again.or(row.sent_again).unwrap_or(200);
        assert_eq!(answer.status, expected, "{}: {}", row.name, answer.body);
    }
    for ((row, undone), now) in rows.iter().zip(undone).zip(looks(cluster)) {
        assert_eq!(undone, now, "{} was carried out once", row.name);
    }
    if fault == Fault::Kill {
        cluster.nodes[host].start();
        cluster.all_up();
    }
}
