//! Dead letters over the API.

use weir_domain::LetterState;
use weir_http_api::{LettersChosen, LettersQuery, ProblemKind, ReplayCancel};
use weir_http_client::{Client, Error};

use crate::fixture::{config_server, engine};

#[tokio::test]
async fn letters_are_listed_page_by_page_and_by_what_is_said_of_them() {
    // Through the configuration server, which passes questions and commands on.
    let client = Client::new(&config_server(&engine().await).await).unwrap();
    let two = LettersQuery { limit: Some(2), ..LettersQuery::default() };
    let page = client.letters("flights", &two).await.unwrap();
    assert_eq!(page.items.iter().map(|it| it.position).collect::<Vec<_>>(), [3, 2]);
    let rest = LettersQuery { cursor: page.next_cursor, ..two };
    let rest = client.letters("flights", &rest).await.unwrap();
    assert_eq!((rest.items[0].position, rest.next_cursor), (1, None));
    let waiting = LettersQuery { state: Some(LetterState::Waiting), ..LettersQuery::default() };
    assert_eq!(client.letters("flights", &waiting).await.unwrap().items.len(), 2);
    let one = LettersQuery { id: Some(rest.items[0].id.clone()), ..LettersQuery::default() };
    assert_eq!(client.letters("flights", &one).await.unwrap().items, rest.items);
    let unknown = client.letters("flihgts", &LettersQuery::default()).await.unwrap_err();
    assert!(matches!(unknown, Error::Problem(it) if it.is(ProblemKind::NotFound)));
}

#[tokio::test]
async fn all_letters_are_counted_by_stage_and_reason() {
    let client = Client::new(&config_server(&engine().await).await).unwrap();
    let counts = client.letter_counts("flights").await.unwrap();
    assert_eq!((counts.total, counts.waiting, counts.left_out, counts.has_more), (3, 2, 0, false));
    let [group] = &counts.items[..] else { panic!("{counts:?}") };
    assert_eq!((group.stage.as_str(), group.count, group.waiting), ("derive", 3, 2));
    // What all have in common finds them.
    let found = LettersQuery { reason: Some(group.needle.clone()), ..LettersQuery::default() };
    assert_eq!(client.letters("flights", &found).await.unwrap().items.len(), 3);
    let unknown = client.letter_counts("flihgts").await.unwrap_err();
    assert!(matches!(unknown, Error::Problem(it) if it.is(ProblemKind::NotFound)));
}

#[tokio::test]
async fn records_are_masked_unless_they_are_to_be_revealed() {
    let client = Client::new(&config_server(&engine().await).await).unwrap();
    let one = LettersQuery { limit: Some(1), ..LettersQuery::default() };
    let listed = client.letters("flights", &one).await.unwrap().items.remove(0);
    assert_eq!((listed.raw.as_deref(), listed.is_masked), (Some("***"), true));
    let revealed = client.letters_reveal("flights", &one).await.unwrap().items.remove(0);
    assert_eq!((revealed.raw.as_deref(), revealed.is_masked), (Some("planted"), false));
}

#[tokio::test]
async fn a_replay_that_is_sent_again_is_the_same_command() {
    let client = Client::new(&engine().await).unwrap();
    let named = client.clone().with_idempotency_key(Some("after the fix".into()));
    let chosen = LettersChosen::default();
    let asked = named.letters_replay("flights", &chosen).await.unwrap();
    assert_eq!((asked.letters, asked.not_waiting, asked.dry_run), (2, 1, false));
    assert_ne!(asked.replays[0].item, "replay-");
    assert_eq!(named.letters_replay("flights", &chosen).await.unwrap(), asked);
    let dry = LettersChosen { dry_run: true, ..chosen };
    assert!(named.letters_replay("flights", &dry).await.unwrap().dry_run);
    let discarded = client.letters_discard("flights", &LettersChosen::default()).await.unwrap();
    assert_eq!((discarded.letters, discarded.replays.len()), (2, 0));
    let id = client.letters("flights", &LettersQuery::default()).await.unwrap().items[0].id.clone();
    let many = LettersChosen { ids: vec![id; 1_001], ..LettersChosen::default() };
    let refused = client.letters_replay("flights", &many).await.unwrap_err();
    assert!(matches!(refused, Error::Problem(it) if it.is(ProblemKind::InvalidRequest)));
}

#[tokio::test]
async fn replays_that_have_not_ended_are_shown_with_what_they_wait_for_and_can_be_cancelled() {
    let client = Client::new(&config_server(&engine().await).await).unwrap();
    let open = client.replays("flights").await.unwrap().items;
    let shown = open.iter().map(|it| (it.state.as_str(), it.fault.as_ref().map(|it| &*it.message)));
    let away = ("publishing", Some("the broker is away"));
    assert_eq!(shown.collect::<Vec<_>>(), [("waiting", None), away]);
    let of = |item: &str| ReplayCancel { replay: item.into() };
    let cancelled = client.replay_cancel("flights", &of("replay-1-derive")).await.unwrap();
    assert_eq!(cancelled.as_ref(), Some(&open[0]));
    let refused = client.replay_cancel("flights", &of("replay-2-derive")).await.unwrap_err();
    assert!(matches!(refused, Error::Problem(it) if it.is(ProblemKind::Conflict)));
    let unknown = client.replay_cancel("flights", &of("replay-3-derive")).await.unwrap_err();
    assert!(matches!(unknown, Error::Problem(it) if it.is(ProblemKind::NotFound)));
    let again = client.with_idempotency_key(Some("again".into()));
    assert_eq!(again.replay_cancel("flights", &of("replay-3-derive")).await.unwrap(), None);
}
