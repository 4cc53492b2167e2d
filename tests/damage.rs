//! A damaged store: the start is refused, says what is damaged, and touches nothing.

use std::fs;

use sqlx::{Connection as _, Row as _, SqliteConnection};

use crate::support::flow::CSV;
use crate::support::{Flow, Project, Start};

/// A project with a history: one stream is committed.
fn used() -> Project {
    let project = Project::of(&Flow::straight(CSV));
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n");
    weir.closed("a.csv");
    weir.stop();
    project
}

/// A project whose deployment is known from its event alone: there was no time for a snapshot.
fn killed() -> Project {
    let project = Project::of(&Flow::straight(CSV));
    Start::of(&project).ready().process.kill();
    project
}

fn in_database<T>(project: &Project, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", project.data_dir().join("weir.db").display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let result = work(&mut connection).await;
        connection.close().await.unwrap();
        result
    })
}

/// Every row that holds something that can't be made again, of the controller that is damaged: others
/// go on, and write.
fn rows(project: &Project) -> Vec<String> {
    in_database(project, async |connection| {
        let rows = sqlx::query(
            "SELECT 'event ' || persistence_id || sequence_number || ' ' || hex(event_payload) || checksum AS row FROM event_journal WHERE persistence_id = 'deployment-storage'
             UNION ALL SELECT 'head ' || persistence_id || highest || deleted_to FROM event_head WHERE persistence_id = 'deployment-storage'
             UNION ALL SELECT 'snapshot ' || persistence_id || sequence_number || hex(snapshot_payload) FROM snapshot WHERE persistence_id = 'deployment-storage'
             UNION ALL SELECT 'item ' || source || name || claim || status FROM item
             UNION ALL SELECT 'stream ' || id || body FROM stream
             ORDER BY 1",
        );
        let rows = rows.fetch_all(connection).await.unwrap();
        rows.iter().map(|it| it.get::<String, _>("row")).collect()
    })
}

#[test]
fn a_damaged_event_stops_the_start_and_is_named() {
    let project = killed();
    in_database(&project, async |connection| {
        let damage = "UPDATE event_journal SET event_payload = X'7B7D' WHERE sequence_number = 1 AND persistence_id = 'deployment-storage'";
        let done = sqlx::query(damage).execute(connection).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    });
    let before = rows(&project);
    project.put("b.csv", "id,amount\n2,2.5\n");
    for _ in 0..2 {
        let refused = Start::of(&project).refused();
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{}", refused.stderr);
        let why = refused.stderr.rsplit("why:").next().unwrap();
        for part in [
            "deployment-storage is not available",
            "it can't be started: WEIR-06016 event 1 of deployment-storage is damaged: \
             its content does not match its checksum",
            "nothing was changed; start the version of weir that wrote it, or restore the store \
             from a backup",
        ] {
            assert!(why.contains(part), "{}", refused.stderr);
        }
        assert_eq!(rows(&project), before, "nothing was overwritten");
    }
    assert_eq!(project.data(), ["in/b.csv"]);
}

#[test]
fn a_damaged_snapshot_is_passed_over_for_the_events() {
    let project = used();
    in_database(&project, async |connection| {
        let damage = "UPDATE snapshot SET snapshot_payload = X'7B7D' WHERE persistence_id = 'deployment-storage'";
        let done = sqlx::query(damage).execute(connection).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    });
    let weir = Start::of(&project).ready();
    project.put("b.csv", "id,amount\n2,2.5\n");
    weir.closed("b.csv");
    let log = weir.stop();
    assert!(log.contains("a snapshot can't be used; trying an older one"), "{log}");
}

#[test]
fn a_damaged_database_stops_the_start_and_is_named() {
    let project = used();
    let path = project.data_dir().join("weir.db");
    let mut content = fs::read(&path).unwrap();
    let length = content.len();
    content[4096..length].fill(0xA5);
    fs::write(&path, &content).unwrap();
    refused_untouched(&project, &content);
}

#[test]
fn a_file_that_is_no_database_stops_the_start_and_is_named() {
    let project = used();
    let content = "not a database ".repeat(1000).into_bytes();
    fs::write(project.data_dir().join("weir.db"), &content).unwrap();
    refused_untouched(&project, &content);
}

#[track_caller]
fn refused_untouched(project: &Project, content: &[u8]) {
    let path = project.data_dir().canonicalize().unwrap().join("weir.db");
    let refused = Start::of(project).refused();
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{}", refused.stderr);
    let begin = format!(
        "error: weir can't run\nwhy:   the database {0} can't be opened: the database {0} is damaged",
        path.display()
    );
    assert!(refused.stderr.starts_with(&begin), "{}", refused.stderr);
    let fix = "restore it from a backup, or move it away to begin anew\n";
    assert!(refused.stderr.contains(fix), "{}", refused.stderr);
    assert!(fs::read(&path).unwrap() == content, "nothing was overwritten");
}
