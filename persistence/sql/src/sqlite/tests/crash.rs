//! A process that is killed at any moment loses nothing that it had acknowledged.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use weir_persistence_api::Journal;

use super::*;

/// Where the child writes. Only the child has it.
const PATH: &str = "WEIR_TEST_CRASH_PATH";
const CHILD: &str = "sqlite::tests::crash::appends_until_it_is_killed";
const ROUNDS: u64 = 20;
const ACTORS: usize = 3;

/// The child: appends as three actors and prints each acknowledged sequence number. In an
/// ordinary run it does nothing.
#[tokio::test]
async fn appends_until_it_is_killed() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = Sqlite::new().open(Path::new(&path), Settings::default()).await.unwrap();
    let fence = fence(&store).await;
    let actors = (0..ACTORS).map(async |actor| {
        let id = id(actor);
        let mut highest = store.highest(&id).await.unwrap();
        loop {
            let text = format!("{id} {}", highest + 1);
            highest = store.append(append(&id.0, &fence, highest, text.as_bytes())).await.unwrap();
            println!("\nacknowledged {actor} {highest}");
        }
    });
    let _: Vec<()> = futures::future::join_all(actors).await;
}

fn id(actor: usize) -> PersistenceId {
    PersistenceId(format!("actor-{actor}"))
}

fn spawn(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture", "--test-threads=1"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the child after so many acknowledgements, and returns the last one of each actor.
fn run_and_kill(path: &Path, after: u64) -> [u64; ACTORS] {
    let mut child = spawn(path);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut last = [0; ACTORS];
    let mut line = String::new();
    let mut count = 0;
    while count < after && output.read_line(&mut line).unwrap() > 0 {
        count += u64::from(acknowledge(&line, &mut last));
        line.clear();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before it died counts as well.
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let whole = rest.rsplit_once('\n').map_or("", |it| it.0);
    whole.lines().for_each(|it| {
        acknowledge(it, &mut last);
    });
    assert!(count == after, "the child ended by itself after {count} acknowledgements");
    last
}

fn acknowledge(line: &str, last: &mut [u64; ACTORS]) -> bool {
    let Some(numbers) = line.trim().strip_prefix("acknowledged ") else { return false };
    let (actor, sequence) = numbers.split_once(' ').unwrap();
    last[actor.parse::<usize>().unwrap()] = sequence.parse().unwrap();
    true
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let factory = Sqlite::new();
    let path = factory.path(0);
    for round in 0..ROUNDS {
        let acknowledged = run_and_kill(&path, 1 + round * 7 % 40);
        let store = factory.open(&path, Settings::default()).await.unwrap();
        for (actor, acknowledged) in acknowledged.into_iter().enumerate() {
            let id = id(actor);
            let stored = store.replay(&id, 0, u32::MAX).await.unwrap();
            let highest = stored.len() as u64;
            assert!(highest >= acknowledged, "round {round}: {id} lost {acknowledged}");
            assert_eq!(store.highest(&id).await, Ok(highest));
            for (sequence, event) in (1..).zip(&stored) {
                assert_eq!(event.payload, format!("{id} {sequence}"));
            }
        }
        store.close().await;
    }
}
