//! Sessions: made in the background, and to a server that takes writes.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::*;

on_both! {
    a_connection_outlives_the_patience_of_its_caller
    a_demoted_server_is_left_by_all
}

/// Stands before a server, and lets connections through while it is open.
struct Gate {
    port: u16,
    is_open: watch::Sender<bool>,
    met: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

impl Gate {
    async fn before(settings: &ServerSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = (settings.host.clone(), settings.port);
        let (is_open, gate) = watch::channel(true);
        let (count, met) = watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                count.send_modify(|it| *it += 1);
                let (mut gate, server) = (gate.clone(), server.clone());
                connections.spawn(async move {
                    if gate.wait_for(|it| *it).await.is_ok() {
                        let mut server = TcpStream::connect(server).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { port, is_open, met, _tasks: tasks }
    }

    fn met(&self) -> usize {
        *self.met.borrow()
    }
}

async fn a_connection_outlives_the_patience_of_its_caller<D: Tested>() {
    let (direct, settings) = store::<D>(D::Server::shared()).await;
    let fence = fence(&direct).await;
    let gate = Gate::before(&settings).await;
    let patient = Duration::from_secs(20);
    let behind = ServerSettings {
        host: "127.0.0.1".into(),
        port: gate.port,
        lease_deadline: patient,
        connect_deadline: patient,
        ..settings
    };
    let store = ServerStore::<D>::open(behind).await.unwrap();
    let before = gate.met();
    gate.is_open.send_replace(false);
    for n in 1..=LEASE_CONNECTIONS as usize {
        let mut met = gate.met.clone();
        tokio::select! {
            answer = store.lease_renew(&fence, HOUR) => panic!("nobody can answer: {answer:?}"),
            it = met.wait_for(|it| *it == before + n) => drop(it.unwrap()),
        }
    }
    gate.is_open.send_replace(true);
    assert_eq!(store.lease_renew(&fence, HOUR).await, Ok(true));
    assert_eq!(gate.met() - before, LEASE_CONNECTIONS as usize, "what was begun is used");
}

async fn a_demoted_server_is_left_by_all<D: Tested>() {
    let server = D::Server::start(Options { fast: true, ..Options::default() });
    let (store, settings) = store::<D>(&server).await;
    let fence = fence(&store).await;
    store.append(append("one", &fence, 0, b"1")).await.unwrap();
    assert_eq!(store.highest(&id("one")).await, Ok(1));
    for sql in D::DEMOTE {
        server.execute_in(&settings.database, sql);
    }
    let why =
        wait_until("a renewal is refused", async || store.lease_renew(&fence, HOUR).await.err())
            .await;
    assert!(matches!(why, Error::Unavailable(_)), "{why:?}");
    assert_says(&why, &["takes no writes"]);
    // What could be read there may be old: the connections for data rested, and are gone too.
    assert_says(&refusal(store.highest(&id("one")).await), &["takes no writes", "replica"]);
    let written = refusal(store.append(append("one", &fence, 1, b"2")).await);
    assert!(matches!(written, Error::Unavailable(_)), "{written:?}");
    for sql in D::PROMOTE {
        server.execute_in(&settings.database, sql);
    }
    let again =
        wait_until("the lease is renewed", async || store.lease_renew(&fence, HOUR).await.ok());
    assert!(again.await);
    assert_eq!(store.append(append("one", &fence, 1, b"2")).await, Ok(2));
}
