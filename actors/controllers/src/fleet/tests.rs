//! The list of clusters: what is decided, and that what was written still reads.

use weir_domain::UserName;

use super::*;

fn name(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

fn author() -> Author {
    Author { user: UserName::new("ada").unwrap(), at: Timestamp(7) }
}

fn about(url: &str) -> About {
    About { urls: vec![url.to_owned()], note: String::new() }
}

fn add(of: &str) -> Command {
    Command::Add { name: name(of), about: about("http://node-1:5842"), author: author() }
}

fn meet(of: &str, id: u128) -> Command {
    Command::Meet { name: name(of), id: ClusterId(uuid::Uuid::from_u128(id)), at: Timestamp(8) }
}

fn after(commands: impl IntoIterator<Item = Command>) -> Clusters {
    let mut state = Clusters::default();
    for command in commands {
        let events = state.decide(command).unwrap();
        events.iter().for_each(|it| state.apply(it));
    }
    state
}

#[test]
fn a_name_is_taken_once_however_it_is_written() {
    let state = after([add("east")]);
    assert_eq!(state.decide(add("EAST")), Err(Rejection::NameTaken(name("east"))));
    let remove = Command::Remove { name: name("east"), expected: Some(2), author: author() };
    let changed = Rejection::Changed { name: name("east"), expected: 2, actual: 1 };
    assert_eq!(state.decide(remove), Err(changed));
    let near = Some("east".to_owned());
    let unknown = Rejection::Unknown { name: name("eats"), near };
    let set = Command::Set {
        name: name("eats"),
        about: about("http://h:1"),
        expected: None,
        author: author(),
    };
    assert_eq!(state.decide(set), Err(unknown));
}

#[test]
fn an_entry_stays_with_the_cluster_that_it_met_and_no_other_entry_has_it() {
    let state = after([add("east"), add("west"), meet("east", 1)]);
    assert_eq!(state.decide(meet("east", 1)), Ok(vec![]));
    assert_eq!(state.decide(meet("east", 2)), Err(Rejection::OtherCluster { name: name("east") }));
    let same = Rejection::SameCluster { name: name("west"), other: name("east") };
    assert_eq!(state.decide(meet("west", 1)), Err(same));
}

#[test]
fn an_address_is_a_plain_one() {
    let state = Clusters::default();
    for bad in
        ["", "node-1", "https://h", "http://", "http://ada:pw@h:1", "http://h/p", "http://h h"]
    {
        let add = Command::Add { name: name("x"), about: about(bad), author: author() };
        assert_eq!(state.decide(add), Err(Rejection::NoAddress(bad.to_owned())), "{bad}");
    }
    let none = About { urls: vec![], note: String::new() };
    let add = Command::Add { name: name("x"), about: none, author: author() };
    assert_eq!(state.decide(add), Err(Rejection::Addresses(0)));
}

#[test]
fn events_that_were_written_still_read() {
    let golden = include_str!("../../../../schemas/events/fleet.event.v1.json");
    let events: Vec<Event> = serde_json::from_str(golden).expect("the golden events read");
    let mut state = Clusters::default();
    events.iter().for_each(|it| state.apply(it));
    let written: serde_json::Value = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_value(&events).unwrap(), written, "they are written as before");
}
