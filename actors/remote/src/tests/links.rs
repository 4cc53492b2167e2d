//! Links come up, end and come back; on the network in memory, in paused time.

use weir_domain::NodeUid;

use super::*;

#[tokio::test(start_paused = true)]
async fn two_that_dial_each_other_at_once_get_one_link_that_stays() {
    for seed in 0..20 {
        let (network, a, b) = pair(seed).await;
        network.delay("a", "b", Duration::from_millis(5), Duration::from_millis(20));
        network.delay("b", "a", Duration::from_millis(5), Duration::from_millis(20));
        let (mut from_a, mut from_b) = (a.events(), b.events());
        a.dial(b.local().address.clone());
        b.dial(a.local().address.clone());
        assert_eq!(up(&mut from_a).await, b.local().node);
        assert_eq!(up(&mut from_b).await, a.local().node);
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert!(from_a.try_recv().is_err() && from_b.try_recv().is_err(), "seed {seed}");
        let links = a.links().borrow().clone();
        let row = &links[&b.local().address];
        assert_eq!((row.state, row.peer.as_ref()), (LinkState::Up, Some(&b.local().node)));
        let rtt = row.rtt.unwrap();
        assert!((10..100).contains(&rtt.as_millis()), "{rtt:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_partition_ends_the_link_within_the_deadline_and_proves_nothing() {
    let (network, a, b) = linked().await;
    let mut events = a.events();
    network.cut("a", "b");
    let started = weir_runtime::Stopwatch::start();
    assert!(matches!(down(&mut events).await, Cause::Silent(_)));
    assert!(started.elapsed() < Duration::from_millis(4_600), "{:?}", started.elapsed());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(events.try_recv().is_err());
    network.heal("a", "b");
    assert_eq!(up(&mut events).await, b.local().node);
}

#[tokio::test(start_paused = true)]
async fn loss_in_one_direction_ends_the_link_on_both_sides() {
    let (network, a, b) = linked().await;
    let (mut from_a, mut from_b) = (a.events(), b.events());
    network.cut_one_way("a", "b");
    down(&mut from_b).await;
    down(&mut from_a).await;
    network.heal_all();
    assert_eq!(up(&mut from_a).await, b.local().node);
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_is_proven_gone_by_its_host() {
    let (network, a, b) = linked().await;
    let mut events = a.events();
    network.kill("b");
    assert_eq!(down(&mut events).await, Cause::Closed);
    let started = weir_runtime::Stopwatch::start();
    assert_eq!(gone(&mut events).await, (b.local().node.clone(), Evidence::Refused));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_only_accepted_the_link_finds_out_too() {
    let (network, a, b) = linked().await;
    let mut events = b.events();
    network.kill("a");
    assert_eq!(gone(&mut events).await, (a.local().node.clone(), Evidence::Refused));
}

#[tokio::test(start_paused = true)]
async fn a_frozen_process_is_not_called_gone() {
    let (network, a, _b) = linked().await;
    let mut events = a.events();
    network.freeze("b");
    assert!(matches!(down(&mut events).await, Cause::Silent(_)));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(events.try_recv().is_err());
    network.thaw("b");
    up(&mut events).await;
}

#[tokio::test(start_paused = true)]
async fn a_restarted_node_is_another_incarnation_and_proves_the_end_of_the_one_before() {
    let (network, a, b) = linked().await;
    let mut events = a.events();
    // The loss goes unnoticed until the new one is there.
    network.cut("a", "b");
    let again = network.node(&later_system("b", &b), &cluster()).await.unwrap();
    network.heal("a", "b");
    again.dial(a.local().address.clone());
    assert_eq!(gone(&mut events).await, (b.local().node.clone(), Evidence::Replaced));
    wait_until("the new one is linked", || a.is_linked(again.local().node.uid)).await;
    assert!(!a.is_linked(b.local().node.uid));
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_proof_and_what_was_told_before_it_arrives() {
    let (_network, a, b) = linked().await;
    let notes = Notes::served(&a);
    let mut events = a.events();
    for number in 0..100 {
        b.tell(a.local().node.uid, "notes", &note(number), Lane::Data).unwrap();
    }
    b.stop().await;
    assert!(matches!(down(&mut events).await, Cause::Goodbye(_)));
    assert_eq!(gone(&mut events).await, (b.local().node.clone(), Evidence::Left));
    wait_until("all notes came", || notes.len() == 100).await;
    assert_eq!(b.tell(a.local().node.uid, "notes", &note(1), Lane::Data), Err(SendError::NoLink));
}

#[tokio::test(start_paused = true)]
async fn another_cluster_is_refused_with_the_reason_on_the_side_that_dialled() {
    let network = Network::new(1);
    let a = network.node(&system("a"), &cluster()).await.unwrap();
    let b = network.node(&system("b"), &"other".parse().unwrap()).await.unwrap();
    let mut events = b.events();
    b.dial(a.local().address.clone());
    let refusal = refusal(&mut events).await;
    assert_eq!(refusal.code, code::WRONG_CLUSTER);
    assert!(refusal.reason.contains("\"other\""), "{refusal}");
    let links = b.links().borrow().clone();
    let row = &links[&a.local().address];
    assert_eq!(row.state, LinkState::Refused);
    assert!(row.trouble.as_ref().unwrap().contains("WEIR-10040"), "{row:?}");
}

struct Keeper(NodeUid);

impl Gatekeeper for Keeper {
    fn admit(&self, hello: &Hello) -> Result<(), Refusal> {
        if hello.node.uid == self.0 {
            return Err(Refusal::new(code::TOO_LARGE, "not that one"));
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_gatekeeper_refuses_in_both_directions_and_the_refused_one_is_told() {
    let network = Network::new(1);
    let b = network.node(&system("b"), &cluster()).await.unwrap();
    let (one, settings) = (system("a"), Settings::new("127.0.0.1:0".parse().unwrap()));
    let keeper = Arc::new(Keeper(b.local().node.uid));
    let local = network.local(&one, &cluster());
    let a = network.start(&one, local, settings, keeper).await.unwrap();
    let mut events = b.events();
    a.dial(b.local().address.clone());
    assert_eq!(refusal(&mut events).await.reason, "not that one");
    a.forget(&b.local().address);
    b.dial(a.local().address.clone());
    assert_eq!(refusal(&mut events).await.reason, "not that one");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_dials_itself_notices_and_stops() {
    let network = Network::new(1);
    let a = network.node(&system("a"), &cluster()).await.unwrap();
    a.dial(a.local().address.clone());
    let state = || a.links().borrow().get(&a.local().address).map(|it| it.state);
    wait_until("it notices", || state() == Some(LinkState::Itself)).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_disconnected_is_not_looked_for() {
    let (_network, a, b) = linked().await;
    a.forget(&b.local().address);
    let mut events = a.events();
    a.disconnect(b.local().node.uid, "downed");
    assert_eq!(down(&mut events).await, Cause::Disconnected("downed".to_owned()));
    assert!(!a.is_linked(b.local().node.uid));
}

#[tokio::test(start_paused = true)]
async fn flapping_for_minutes_ends_with_one_link_and_no_proof_of_an_end() {
    let (network, a, b) = linked().await;
    let mut events = a.events();
    b.dial(a.local().address.clone());
    for _ in 0..20 {
        network.cut("a", "b");
        tokio::time::sleep(Duration::from_secs(3)).await;
        network.heal_all();
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(a.is_linked(b.local().node.uid) && b.is_linked(a.local().node.uid));
    while let Ok(event) = events.try_recv() {
        assert!(!matches!(event, LinkEvent::Gone { .. }), "{event:?}");
    }
}

async fn pair(seed: u64) -> (Network, Remote, Remote) {
    let network = Network::new(seed);
    let (one, two) = (system("a"), system("b"));
    let a = network.node(&one, &cluster()).await.unwrap();
    let b = network.node(&two, &cluster()).await.unwrap();
    (network, a, b)
}

/// Two nodes, the first of which dials the second.
pub(super) async fn linked() -> (Network, Remote, Remote) {
    let (network, a, b) = pair(1).await;
    let (mut from_a, mut from_b) = (a.events(), b.events());
    a.dial(b.local().address.clone());
    up(&mut from_a).await;
    up(&mut from_b).await;
    (network, a, b)
}

/// Ids are made of the time; within one millisecond two systems may come in any order.
fn later_system(name: &str, before: &Remote) -> System {
    loop {
        let system = system(name);
        if system.uid() > before.local().node.uid {
            return system;
        }
    }
}
