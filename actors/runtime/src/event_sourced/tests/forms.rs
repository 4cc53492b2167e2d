use weir_persistence_api::{Manifest, Tag};

use super::*;
use crate::event_sourced::{Form, Stored, Unreadable, recovery};

/// The same journal in the hands of a later version: parcels have a weight now.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Weighed {
    grams: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum WeighedEvent {
    Accepted { parcel: u32, grams: u64 },
}

impl EventSourced for Weighed {
    type Command = ();
    type Event = WeighedEvent;
    type Effect = ();
    type Rejection = Rejection;

    const EVENT_FORM: Form = Form::new("event", 2);
    const STATE_FORM: Form = Form::new("state", 2);

    fn decide(&self, (): ()) -> Decision<Self> {
        Ok(vec![])
    }

    fn apply(&mut self, event: &WeighedEvent) {
        let WeighedEvent::Accepted { grams, .. } = event;
        self.grams += grams;
    }

    fn outstanding(&self) -> Vec<()> {
        vec![]
    }

    fn tags(event: &WeighedEvent) -> Vec<Tag> {
        let WeighedEvent::Accepted { parcel, .. } = event;
        vec![Tag(format!("parcel:{parcel}"))]
    }

    fn upcast(old: &Stored<'_>) -> Result<WeighedEvent, Unreadable> {
        match old.manifest.version {
            1 => match old.read()? {
                Event::Accepted { parcel } => Ok(WeighedEvent::Accepted { parcel, grams: 100 }),
                other => Err(Unreadable(format!("{other:?} has no successor"))),
            },
            _ => Err(old.unknown()),
        }
    }
}

async fn recovered<B: EventSourced>(office: &Office) -> Result<B, Fault> {
    let store: Arc<dyn weir_persistence_api::Store> = Arc::new(office.store.clone());
    let source = recovery::Source { id: &id(), store: &store, page: 10, within: SECOND, known: 0 };
    match recovery::recover::<B>(&source, |_, _| {}).await {
        Ok(recovered) => Ok(recovered.state),
        Err(recovery::NotRecovered::Never(fault)) => Err(fault),
        Err(recovery::NotRecovered::Later(cause)) => panic!("{cause}"),
    }
}

#[tokio::test(start_paused = true)]
async fn events_of_an_older_form_are_lifted_and_snapshots_of_one_are_passed_over() {
    let office = office().await;
    office.write(0, &accepted([1, 2])).await;
    let snapshot = codec::state_to_snapshot(&Parcels::default(), &Default::default(), 2).unwrap();
    office.store.snapshot_save(&id(), &office.fence, snapshot).await.unwrap();
    let new = WeighedEvent::Accepted { parcel: 3, grams: 5 };
    let new = codec::event_to_stored::<Weighed>(&new, None).unwrap();
    assert_eq!(new.tags, [Tag("parcel:3".into())]);
    office.write_raw(2, vec![new]).await;
    assert_eq!(recovered::<Weighed>(&office).await, Ok(Weighed { grams: 205 }));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_from_before_commands_had_ids_is_read() {
    let office = office().await;
    office.write(0, &accepted([1, 2])).await;
    let state = Parcels { accepted: 2, owed: [1, 2].into() };
    let manifest = Manifest { name: "state".into(), version: 1 };
    let payload = rmp_serde::to_vec_named(&state).unwrap().into();
    let snapshot = weir_persistence_api::Snapshot { sequence: 2, manifest, payload };
    office.store.snapshot_save(&id(), &office.fence, snapshot).await.unwrap();
    office.store.delete_to(&id(), &office.fence, 2).await.unwrap();
    assert_eq!(recovered::<Parcels>(&office).await, Ok(state));
}

#[tokio::test(start_paused = true)]
async fn events_of_a_newer_or_strange_form_stop_the_recovery_by_name() {
    let office = office().await;
    let mut newer =
        codec::event_to_stored::<Parcels>(&Event::Accepted { parcel: 1 }, None).unwrap();
    newer.manifest = Manifest { name: "event".into(), version: 9 };
    office.write_raw(0, vec![newer]).await;
    let fault = recovered::<Parcels>(&office).await.unwrap_err();
    assert_eq!(fault.code, code::EVENT_UNREADABLE);
    let message = "event 1 of parcels can't be read: form \"event\" version 9 is not known to this version of weir";
    assert_eq!(fault.message, message);
}

#[test]
fn an_event_is_stored_with_the_names_of_its_fields_and_read_back_whole() {
    let stored = codec::event_to_stored::<Parcels>(&Event::Accepted { parcel: 7 }, None).unwrap();
    assert_eq!(&stored.payload[..], b"\x81\xa8Accepted\x81\xa6parcel\x07");

    let mut longer = stored.payload.to_vec();
    longer.push(0);
    for (payload, reads) in [(stored.payload.to_vec(), true), (longer, false), (vec![0xC1], false)]
    {
        let event = StoredEvent {
            id: id(),
            sequence: 1,
            writer_epoch: 1,
            written_at: weir_domain::Timestamp(0),
            manifest: stored.manifest.clone(),
            payload: payload.into(),
            command: None,
        };
        assert_eq!(codec::event_from_stored::<Parcels>(&event).is_ok(), reads);
    }
}
