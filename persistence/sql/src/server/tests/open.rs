//! Opening: what is missing, newer, somebody else's or not to be reached is named, with what to do.

use super::*;
use crate::{Backend, Kind};

on_both! {
    a_missing_schema_is_named_and_made
    migrations_may_be_run_again_and_at_once
    a_newer_schema_is_refused
    somebody_elses_tables_are_left_alone
    the_plan_is_the_schema
    wrong_credentials_are_told_from_other_faults
    a_server_that_takes_no_writes_is_named
    sessions_are_durable_and_strict
}

async fn refused<D: Tested>(settings: ServerSettings) -> Error {
    match ServerStore::<D>::open(settings).await {
        Err(error) => error,
        Ok(_) => panic!("it should not open"),
    }
}

async fn a_missing_schema_is_named_and_made<D: Tested>() {
    let settings = settings(&D::Server::shared().database());
    let missing = refused::<D>(settings.clone()).await;
    assert_says(&missing, &[&settings.database, "no tables", "weir persistence migrate"]);
    assert_eq!(migrate::migrate::<D>(&settings).await, Ok(all_migrations()));
    assert_eq!(migrate::verify::<D>(&settings).await, Ok(()));
    ServerStore::<D>::open(settings).await.unwrap().health().await.unwrap();
}

async fn migrations_may_be_run_again_and_at_once<D: Tested>() {
    let server = D::Server::shared();
    let settings = settings(&server.database());
    let migrate = || migrate::migrate::<D>(&settings);
    let (a, b, c) = tokio::join!(migrate(), migrate(), migrate());
    let applied: Vec<_> = [a, b, c].into_iter().flat_map(|it| it.unwrap()).collect();
    assert_eq!(applied, all_migrations(), "one of them made it");
    let store = ServerStore::<D>::open(settings.clone()).await.unwrap();
    let first = fence(&store).await;
    server.execute_in(&settings.database, "DELETE FROM schema_version");
    let older = refused::<D>(settings.clone()).await;
    assert_says(&older, &["schema version 0", "weir persistence migrate"]);
    assert_eq!(migrate().await, Ok(all_migrations()));
    assert_eq!(fence(&store).await.epoch, first.epoch + 1);
}

async fn a_newer_schema_is_refused<D: Tested>() {
    let server = D::Server::shared();
    let (_, settings) = store::<D>(server).await;
    let later = "INSERT INTO schema_version (version, name, applied_at) VALUES (999, 'later', 0)";
    server.execute_in(&settings.database, later);
    assert_says(&refused::<D>(settings.clone()).await, &["999", "newer program"]);
    assert_says(&refusal(migrate::migrate::<D>(&settings).await), &["999", "newer program"]);
}

async fn somebody_elses_tables_are_left_alone<D: Tested>() {
    let server = D::Server::shared();
    let settings = settings(&server.database());
    server.execute_in(&settings.database, "CREATE TABLE bookmarks (url TEXT)");
    // Who may not see a table does not see that it is there.
    if D::WAITING.contains("pg_") {
        let grant = format!("GRANT ALL ON bookmarks TO {}", settings.user);
        server.execute_in(&settings.database, &grant);
    }
    let own = "a database of its own";
    assert_says(&refused::<D>(settings.clone()).await, &["not those of Weir", own]);
    assert_says(&refusal(migrate::migrate::<D>(&settings).await), &["not those of Weir", own]);
    server.execute_in(&settings.database, "INSERT INTO bookmarks VALUES ('still there')");
}

async fn the_plan_is_the_schema<D: Tested>() {
    let server = D::Server::shared();
    let database = server.database();
    let settings = settings(&database);
    let mut connection = session::connect::<D>(&settings, session::Purpose::Data).await.unwrap();
    D::script(&mut connection, migrate::plan::<D>().leak()).await.unwrap();
    assert_eq!(migrate::verify::<D>(&settings).await, Ok(()));
    assert_eq!(migrate::migrate::<D>(&settings).await, Ok(vec![]));
}

async fn wrong_credentials_are_told_from_other_faults<D: Tested>() {
    let (_, right) = store::<D>(D::Server::shared()).await;
    let secret = "a-wrong-secret";
    let wrong = ServerSettings { password: Password::new(secret), ..right.clone() };
    assert!(!format!("{wrong:?}").contains(secret));
    let error = refused::<D>(wrong).await;
    assert!(!error.to_string().contains(secret));
    assert_says(&error, &["does not let the user weir in", "check user and password"]);

    let nobody = ServerSettings { user: "nobody".into(), ..right.clone() };
    assert_says(&refused::<D>(nobody).await, &["the user nobody"]);

    let none = ServerSettings { database: "weir_none".into(), ..right.clone() };
    assert_says(&refused::<D>(none).await, &["weir_none", "create it"]);

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nowhere = ServerSettings { port, ..right.clone() };
    let error = refused::<D>(nowhere).await;
    assert!(error.is_transient(), "{error}");
    assert_says(&error, &[&port.to_string(), "check host and port"]);

    let unnamed = ServerSettings { host: "no-such-host.invalid".into(), ..right };
    assert_says(&refused::<D>(unnamed).await, &["no-such-host.invalid", "check host and port"]);
}

async fn a_server_that_takes_no_writes_is_named<D: Tested>() {
    let mut server = D::Server::start(Options { fast: true, ..Options::default() });
    let (store, settings) = store::<D>(&server).await;
    let fence = fence(&store).await;
    server.restart_with(D::READ_ONLY);
    let error = refused::<D>(settings.clone()).await;
    assert!(error.is_transient(), "it may become the primary: {error}");
    assert_says(&error, &["takes no writes", "replica"]);
    let answer = wait_until("the server answers an append", async || {
        match store.append(append("one", &fence, 0, b"x")).await {
            Err(Error::Unavailable(why)) if why.contains("takes no writes") => Some(why),
            Err(error) if error.is_transient() => None,
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert!(answer.contains("read-only"), "{answer}");
    server.restart_with(&[]);
    ServerStore::<D>::open(settings).await.unwrap();
}

async fn sessions_are_durable_and_strict<D: Tested>() {
    let settings = settings(&D::Server::shared().database());
    let mut connection = session::connect::<D>(&settings, session::Purpose::Data).await.unwrap();
    let shown: Vec<(String,)> = D::rows(&mut connection, D::SESSION, &[]).await.unwrap();
    assert_eq!(shown[0].0, D::SESSION_WANTED);
}

#[tokio::test]
async fn a_backend_is_opened_by_its_kind() {
    use weir_domain::Timestamp;
    use weir_persistence_api::contract::ManualClock;

    let clock = Arc::new(ManualClock::new(Timestamp(1)));
    let directory = tempfile::tempdir().unwrap();
    let backends = [
        Backend::Sqlite {
            path: directory.path().join("weir.db"),
            settings: crate::Settings::default(),
        },
        Backend::MySql(settings(&servers::MariaDb::shared().database())),
        Backend::Postgres(settings(&servers::Postgres::shared().database())),
    ];
    for (backend, kind) in backends.into_iter().zip([Kind::Sqlite, Kind::MySql, Kind::Postgres]) {
        assert_eq!(backend.kind(), kind);
        assert_eq!(kind.to_string().parse(), Ok(kind));
        crate::migrate(&backend).await.unwrap();
        crate::verify(&backend).await.unwrap();
        let database = crate::open(backend, clock.clone()).await.unwrap();
        assert_eq!(database.health().await, Ok(()));
        assert_eq!(database.highest(&id("none")).await, Ok(0));
        database.close().await;
        assert!(database.health().await.is_err());
    }
    assert!("oracle".parse::<Kind>().is_err());
}
