//! Events as they were stored.

use super::*;

/// Written by the first version: they must be readable for ever. A variant that is added goes to the
/// end of both.
#[test]
fn events_of_the_first_version_still_read() {
    let golden = include_str!("../../../../../schemas/events/users.event.v1.json");
    let events: Vec<Event> = serde_json::from_str(golden).expect("the golden events read");
    let variants: BTreeSet<usize> = events.iter().map(variant).collect();
    assert!(variants.into_iter().eq(0..VARIANTS), "there is one of each");
    let mut state = Users::default();
    events.iter().for_each(|event| state.apply(event));
    assert_eq!((state.users.len(), state.tokens.len(), state.sessions.len()), (2, 0, 0));
    let hash = state.users[&name("root")].password.as_ref().unwrap();
    assert!(hash.is_of(&Secret::from("correct horse battery".to_owned())));
    let written: serde_json::Value = serde_json::from_str(golden).unwrap();
    assert_eq!(serde_json::to_value(&events).unwrap(), written);
}

const VARIANTS: usize = 18;

fn variant(event: &Event) -> usize {
    match event {
        Event::SetUpPrepared { .. } => 0,
        Event::SetUp { .. } => 1,
        Event::UserCreated { .. } => 2,
        Event::UserChanged { .. } => 3,
        Event::PasswordSet { .. } => 4,
        Event::UserDeleted { .. } => 5,
        Event::RoleCreated { .. } => 6,
        Event::RoleChanged { .. } => 7,
        Event::RoleDeleted { .. } => 8,
        Event::TokenCreated { .. } => 9,
        Event::TokenRevoked { .. } => 10,
        Event::LoggedIn { .. } => 11,
        Event::LogInFailed { .. } => 12,
        Event::SessionEnded { .. } => 13,
        Event::SessionsOfUserEnded { .. } => 14,
        Event::TokensUsed { .. } => 15,
        Event::ExternalRecorded { .. } => 16,
        Event::ExternalDisowned { .. } => 17,
    }
}
