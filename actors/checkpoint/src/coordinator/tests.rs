//! The coordinator alone: given what was, when an input comes, then these effects and no others.

use std::collections::BTreeMap;

use bytes::Bytes;
use weir_domain::{Digest, SavepointName};

use super::*;
use crate::disk::{Disk, Job, at, layout, manifest, periodic, reported, sink, source, stage};
use crate::manifest::{Committable, INLINE_BYTES_MAX, StageManifest};
use crate::record::{GenerationRecord, Record, Writer};

fn start() -> (Disk, Job) {
    let mut disk = Disk::default();
    let job = Job::new(&mut disk, "a");
    (disk, job)
}

fn savepoint(name: &str) -> Input {
    let name = SavepointName::new(name).unwrap();
    Input::Trigger(Trigger::Savepoint { at: at(), name })
}

fn stop() -> Input {
    Input::Trigger(Trigger::Stop { at: at(), savepoint: None })
}

fn ended() -> Input {
    Input::Ended { stage: stage("source"), at: at() }
}

#[test]
fn an_epoch_goes_through_all_its_steps() {
    let (mut disk, mut job) = start();
    let epoch = Epoch::new(1, 1);
    let coordinator = &mut job.coordinator;
    let kind = EpochKind::Periodic;
    assert_eq!(coordinator.on(periodic()), [Effect::Announce { epoch, kind }]);
    assert_eq!(coordinator.on(Input::Aligned { stage: stage("source"), epoch }), []);
    let aligned = Input::Aligned { stage: stage("sink"), epoch };
    assert_eq!(coordinator.on(aligned), [Effect::Aligned { epoch }], "the pipeline goes on");
    assert_eq!(coordinator.on(reported("source", epoch, source(epoch))), []);
    let stored = coordinator.on(reported("sink", epoch, sink(&mut disk, epoch)));
    let [Effect::StoreManifest { content, .. }] = &stored[..] else { panic!("{stored:?}") };
    let digest = Digest::of(content);
    disk.perform(&layout(), &stored[0]);

    let claim = crate::record::Claim { epoch, kind, manifest: digest, order: 0 };
    let record = Record::Claim(claim);
    let append = Effect::Append { slot: Slot(2), record: record.clone() };
    assert_eq!(coordinator.on(Input::Stored(Stored::Manifest { epoch })), [append]);
    let check = Effect::CheckGeneration { epoch, later: Generation(2) };
    let slot = Stored::Slot { slot: Slot(2), record };
    assert_eq!(coordinator.on(Input::Stored(slot)), [check]);
    assert_eq!(coordinator.restorable(), None, "not before the last look");
    let effects = coordinator.on(Input::Stored(Stored::Generation { epoch, later: None }));
    let [Effect::Claimed { epoch: claimed }, Effect::Publish(permit)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((*claimed, permit.epoch()), (epoch, epoch));
    assert_eq!(permit.stages().collect::<Vec<_>>(), [&stage("sink")]);
    assert_eq!(coordinator.restorable(), Some(epoch));

    let marker = Marker { epoch, manifest: digest };
    let published = Input::Published { stage: stage("sink"), epoch };
    assert_eq!(coordinator.on(published), [Effect::Mark(marker)]);
    let marked = Input::Stored(Stored::Marked { epoch });
    assert_eq!(coordinator.on(marked), [Effect::Committed { epoch }]);
    assert_eq!(coordinator.outstanding(), []);
}

#[test]
fn every_input_may_come_twice() {
    let (mut disk, mut job) = start();
    let epoch = job.announce(periodic());
    let mut pending: std::collections::VecDeque<_> =
        [reported("source", epoch, source(epoch)), reported("sink", epoch, sink(&mut disk, epoch))]
            .into();
    let mut seen = Vec::new();
    while let Some(input) = pending.pop_front() {
        let effects = job.coordinator.on(input.clone());
        assert_eq!(job.coordinator.on(input), [], "the second time");
        pending
            .extend(effects.iter().filter_map(|it| disk.perform(&layout(), it)).map(Input::Stored));
        if effects.iter().any(|it| matches!(it, Effect::Publish(_))) {
            pending.push_back(Input::Published { stage: stage("sink"), epoch });
        }
        seen.extend(effects);
    }
    assert_eq!(seen.iter().filter(|it| matches!(it, Effect::Publish(_))).count(), 1);
    assert_eq!(seen.last(), Some(&Effect::Committed { epoch }));
}

#[test]
fn what_is_outstanding_can_be_asked_for_at_every_step() {
    let (mut disk, mut job) = start();
    let epoch = job.announce(periodic());
    assert_eq!(
        job.coordinator.outstanding(),
        [Effect::Announce { epoch, kind: EpochKind::Periodic }]
    );
    let mut effects = job.report(&mut disk, epoch);
    effects.retain(|it| !matches!(it, Effect::Aligned { .. }));
    for _ in 0..3 {
        assert_eq!(job.coordinator.outstanding(), effects);
        let stored = disk.perform(&layout(), &effects[0]).unwrap();
        effects = job.coordinator.on(Input::Stored(stored));
    }
    let publish = job.coordinator.outstanding();
    assert!(matches!(&publish[..], [Effect::Publish(_)]), "{publish:?}");
    let mark = job.coordinator.on(Input::Published { stage: stage("sink"), epoch });
    assert_eq!(job.coordinator.outstanding(), mark);
}

#[test]
fn epochs_are_claimed_in_order_though_reported_in_another() {
    let (mut disk, mut job) = start();
    let (first, second) = (job.announce(periodic()), job.announce(periodic()));
    let effects = job.report(&mut disk, second);
    assert_eq!(effects, [Effect::Aligned { epoch: second }], "C1: the first is not claimed yet");
    let effects = job.report(&mut disk, first);
    let effects = disk.follow(&mut job.coordinator, effects);
    let claimed: Vec<_> =
        effects.iter().filter(|it| matches!(it, Effect::Claimed { .. })).cloned().collect();
    let expected = [first, second].map(|epoch| Effect::Claimed { epoch });
    assert_eq!(claimed, expected);
    assert_eq!(manifest(&disk, second).parent, Some(first));
}

#[test]
fn an_epoch_is_published_after_the_one_before_is_marked() {
    let (mut disk, mut job) = start();
    let first = job.claim(&mut disk);
    let second = job.announce(periodic());
    let effects = job.report(&mut disk, second);
    let effects = disk.follow(&mut job.coordinator, effects);
    assert_eq!(effects[1..], [Effect::Claimed { epoch: second }], "C3");
    assert_eq!(job.published(&mut disk, second), [], "nobody was told to");
    let effects = job.published(&mut disk, first);
    let [Effect::Committed { epoch }, Effect::Publish(permit)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((*epoch, permit.epoch()), (first, second));
}

#[test]
fn what_was_prepared_for_an_abandoned_epoch_goes_with_the_next() {
    let (mut disk, mut job) = start();
    let first = job.announce(periodic());
    job.coordinator.on(reported("sink", first, sink(&mut disk, first)));
    let failed = Input::Failed { stage: stage("source"), epoch: first, reason: "disk full".into() };
    let why = Abandonment::Failed { stage: stage("source"), reason: "disk full".into() };
    assert_eq!(job.coordinator.on(failed), [Effect::Abandon { epoch: first, why }]);
    let second = job.announce(periodic());
    assert!(second > first, "ids are not used again");
    let both =
        sink(&mut disk, first).committables.into_iter().chain(sink(&mut disk, second).committables);
    let both = StageManifest { committables: both.collect(), ..StageManifest::default() };
    job.coordinator.on(reported("source", second, source(second)));
    let effects = job.coordinator.on(reported("sink", second, both));
    disk.follow(&mut job.coordinator, effects);
    let stored = manifest(&disk, second);
    let keys: Vec<_> = stored.stages[&stage("sink")].committables.keys().copied().collect();
    assert_eq!(keys, [first, second], "C5");
}

#[test]
fn what_an_earlier_claim_has_taken_is_left_out() {
    let (mut disk, mut job) = start();
    let (first, second) = (job.announce(periodic()), job.announce(periodic()));
    // The sink has reported the second before it heard of the claim of the first.
    let both =
        sink(&mut disk, first).committables.into_iter().chain(sink(&mut disk, second).committables);
    let both = StageManifest { committables: both.collect(), ..StageManifest::default() };
    job.coordinator.on(reported("source", second, source(second)));
    job.coordinator.on(reported("sink", second, both));
    let effects = job.report(&mut disk, first);
    disk.follow(&mut job.coordinator, effects);
    let stored = manifest(&disk, second);
    let keys: Vec<_> = stored.stages[&stage("sink")].committables.keys().copied().collect();
    assert_eq!(keys, [second], "C5");
}

#[test]
fn an_overdue_epoch_is_abandoned_with_those_that_are_missing() {
    let (_, mut job) = start();
    let epoch = job.announce(periodic());
    job.coordinator.on(reported("source", epoch, source(epoch)));
    let why = Abandonment::Overdue { missing: vec![stage("sink")] };
    assert_eq!(job.coordinator.on(Input::Overdue { epoch }), [Effect::Abandon { epoch, why }]);
    assert_eq!(job.coordinator.on(Input::Overdue { epoch }), []);
    assert_eq!(
        job.coordinator.on(reported("sink", epoch, StageManifest::default())),
        [],
        "too late"
    );
}

#[test]
fn an_abandoned_epoch_frees_the_one_behind_it() {
    let (mut disk, mut job) = start();
    let (first, second) = (job.announce(periodic()), job.announce(periodic()));
    job.report(&mut disk, second);
    let effects = job.coordinator.on(Input::Overdue { epoch: first });
    assert!(matches!(effects[1], Effect::StoreManifest { epoch, .. } if epoch == second));
}

#[test]
fn a_claim_that_may_have_happened_is_never_abandoned() {
    let (mut disk, mut job) = start();
    let epoch = job.announce(periodic());
    let effects = job.report(&mut disk, epoch);
    let stored = disk.perform(&layout(), &effects[1]).unwrap();
    let append = job.coordinator.on(Input::Stored(stored));
    assert_eq!(job.coordinator.on(Input::Overdue { epoch }), [], "C4");
    let failed = Input::Failed { stage: stage("sink"), epoch, reason: "late".into() };
    assert_eq!(job.coordinator.on(failed), [], "C4");
    assert_eq!(job.coordinator.outstanding(), append, "it is asked for until it is known");
    // Its answer was lost: the record is there, and it is this one's.
    disk.perform(&layout(), &append[0]);
    let effects = disk.follow(&mut job.coordinator, append);
    assert!(effects.contains(&Effect::Claimed { epoch }));
}

#[test]
fn a_slot_that_somebody_else_has_taken_deposes() {
    let (mut disk, mut job) = start();
    let epoch = job.announce(periodic());
    let effects = job.report(&mut disk, epoch);
    let other = GenerationRecord { generation: Generation(2), writer: Writer("b".into()) };
    disk.put(&layout().slot(job.coordinator.slot()), &Record::Takeover(other));
    let effects = disk.follow(&mut job.coordinator, effects);
    assert_eq!(effects.last(), Some(&Effect::Deposed { by: Generation(2) }));
    assert_eq!(job.coordinator.outstanding(), [], "C6");
    assert_eq!(job.coordinator.on(periodic()), [], "C6");
}

#[test]
fn a_takeover_that_came_too_late_is_void_and_the_claim_goes_behind_it() {
    let (mut disk, _) = start();
    let mut job = Job::new(&mut disk, "b");
    let late = GenerationRecord { generation: Generation(1), writer: Writer("late".into()) };
    disk.put(&layout().slot(job.coordinator.slot()), &Record::Takeover(late));
    let epoch = job.commit(&mut disk);
    let recovered = disk.recover("c", &crate::recover::RestoreFrom::Newest).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, epoch);
}

#[test]
fn a_later_generation_deposes_though_the_slot_was_free() {
    let (mut disk, mut job) = start();
    let epoch = job.announce(periodic());
    let effects = job.report(&mut disk, epoch);
    let other = GenerationRecord { generation: Generation(2), writer: Writer("b".into()) };
    disk.put(&layout().generation(Generation(2)), &other);
    let effects = disk.follow(&mut job.coordinator, effects);
    assert_eq!(effects.last(), Some(&Effect::Deposed { by: Generation(2) }), "C2");
    assert!(!effects.iter().any(|it| matches!(it, Effect::Publish(_))), "C2");
}

#[test]
fn a_manifest_that_is_refused_abandons_its_epoch() {
    let (mut disk, mut job) = start();
    let epoch = job.announce(periodic());
    job.report(&mut disk, epoch);
    let reason = "access denied".to_owned();
    let refused = Stored::ManifestRefused { epoch, reason: reason.clone() };
    let why = Abandonment::Manifest { reason };
    assert_eq!(job.coordinator.on(Input::Stored(refused)), [Effect::Abandon { epoch, why }]);
}

#[test]
fn a_report_that_is_too_large_or_too_early_fails_its_epoch() {
    let (_, mut job) = start();
    let large = StageManifest {
        position: Bytes::from(vec![0; INLINE_BYTES_MAX + 1]),
        ..StageManifest::default()
    };
    let early = BTreeMap::from([(Epoch::new(9, 9), Committable::default())]);
    let early = StageManifest { committables: early, ..StageManifest::default() };
    for (bad, expected) in [(large, "stage them as a blob"), (early, "epoch 9.9")] {
        let epoch = job.announce(periodic());
        let effects = job.coordinator.on(reported("sink", epoch, bad));
        let [Effect::Abandon { why, .. }] = &effects[..] else { panic!("{effects:?}") };
        assert!(why.to_string().contains(expected), "{why}");
    }
}

#[test]
fn stages_that_nobody_knows_are_ignored() {
    let (_, mut job) = start();
    let epoch = job.announce(periodic());
    assert_eq!(job.coordinator.on(reported("stranger", epoch, StageManifest::default())), []);
    let aligned = Input::Aligned { stage: stage("stranger"), epoch };
    assert_eq!(job.coordinator.on(aligned), []);
}

#[test]
fn no_more_epochs_are_begun_than_may_be_under_way() {
    let (_, mut job) = start();
    job.announce(periodic());
    job.announce(periodic());
    let why = Refusal::Busy { under_way: 2 };
    let refused = Effect::Refused { savepoint: None, why };
    assert_eq!(job.coordinator.on(periodic()), [refused]);
    assert!(matches!(job.coordinator.on(savepoint("now"))[..], [Effect::Announce { .. }]));
}

#[test]
fn the_last_source_to_end_begins_the_final_epoch_and_its_commit_ends_the_job() {
    let (mut disk, mut job) = start();
    let effects = job.coordinator.on(ended());
    let epoch = Epoch::new(1, 1);
    assert_eq!(effects, [Effect::Announce { epoch, kind: EpochKind::Final }]);
    let over = Effect::Refused { savepoint: None, why: Refusal::Over };
    assert_eq!(job.coordinator.on(periodic()), std::slice::from_ref(&over));
    let effects = job.report(&mut disk, epoch);
    disk.follow(&mut job.coordinator, effects);
    let effects = job.published(&mut disk, epoch);
    assert_eq!(effects, [Effect::Committed { epoch }, Effect::Over { epoch }]);
    assert_eq!(job.coordinator.on(periodic()), [over]);
    assert_eq!(job.coordinator.outstanding(), [Effect::Over { epoch }]);
}

#[test]
fn a_final_epoch_that_fails_is_final_again() {
    let (_, mut job) = start();
    job.coordinator.on(ended());
    let epoch = Epoch::new(1, 1);
    let effects = job.coordinator.on(Input::Overdue { epoch });
    assert!(matches!(effects[..], [Effect::Abandon { .. }]));
    let again = Effect::Announce { epoch: Epoch::new(1, 2), kind: EpochKind::Final };
    assert_eq!(job.coordinator.on(periodic()), [again]);
}

#[test]
fn an_ended_source_does_not_stop_the_checkpoints_of_the_others() {
    let mut disk = Disk::default();
    let recovered = disk.recover("a", &crate::recover::RestoreFrom::Newest).unwrap();
    let mut pipeline = crate::disk::pipeline();
    pipeline.stages.insert(stage("other"));
    pipeline.sources.insert(stage("other"));
    let mut coordinator = Coordinator::new(layout(), pipeline, &recovered);
    assert_eq!(coordinator.on(ended()), []);
    let epoch = Epoch::new(1, 1);
    let effects = coordinator.on(periodic());
    assert_eq!(effects, [Effect::Announce { epoch, kind: EpochKind::Periodic }]);
}

#[test]
fn a_stop_is_the_last_epoch_and_is_tried_again_if_it_fails() {
    let (mut disk, mut job) = start();
    let effects = job.coordinator.on(stop());
    let epoch = Epoch::new(1, 1);
    assert_eq!(effects, [Effect::Announce { epoch, kind: EpochKind::Stop }]);
    assert_eq!(
        job.coordinator.on(stop()),
        [Effect::Refused { savepoint: None, why: Refusal::Over }]
    );
    job.coordinator.on(Input::Overdue { epoch });
    let epoch = job.announce(periodic());
    let effects = job.report(&mut disk, epoch);
    disk.follow(&mut job.coordinator, effects);
    let effects = job.published(&mut disk, epoch);
    assert_eq!(effects, [Effect::Committed { epoch }, Effect::Over { epoch }]);
}

#[test]
fn a_stop_during_an_epoch_waits_for_it() {
    let (mut disk, mut job) = start();
    let first = job.announce(periodic());
    let last = job.announce(stop());
    job.report(&mut disk, last);
    let effects = job.report(&mut disk, first);
    disk.follow(&mut job.coordinator, effects);
    job.published(&mut disk, first);
    let effects = job.published(&mut disk, last);
    assert_eq!(effects.last(), Some(&Effect::Over { epoch: last }));
}

#[test]
fn a_savepoint_is_named_after_its_claim() {
    let (mut disk, mut job) = start();
    let epoch = job.announce(savepoint("before-upgrade"));
    let effects = job.report(&mut disk, epoch);
    let effects = disk.follow(&mut job.coordinator, effects);
    let named = effects.iter().find_map(|it| match it {
        Effect::Named(savepoint) => Some(savepoint),
        _ => None,
    });
    let savepoint = named.unwrap();
    assert_eq!((savepoint.name.as_str(), savepoint.epoch), ("before-upgrade", epoch));
    let stored = disk.read::<Savepoint>(&layout().savepoint(&savepoint.name));
    assert_eq!(stored, *savepoint);
}

#[test]
fn a_name_that_is_taken_is_refused_whenever_that_is_found() {
    let (mut disk, mut job) = start();
    let name = SavepointName::new("x").unwrap();
    let epoch = job.announce(savepoint("x"));
    let refused = Effect::Refused { savepoint: Some(name.clone()), why: Refusal::NameTaken };
    assert_eq!(job.coordinator.on(savepoint("x")), std::slice::from_ref(&refused));
    let effects = job.report(&mut disk, epoch);
    disk.follow(&mut job.coordinator, effects);
    job.published(&mut disk, epoch);
    let epoch = job.announce(savepoint("x"));
    let effects = job.report(&mut disk, epoch);
    let effects = disk.follow(&mut job.coordinator, effects);
    assert!(effects.contains(&refused) && effects.contains(&Effect::Claimed { epoch }));
}

#[test]
fn a_savepoint_whose_epoch_is_abandoned_is_answered() {
    let (_, mut job) = start();
    let epoch = job.announce(savepoint("x"));
    let effects = job.coordinator.on(Input::Overdue { epoch });
    let [Effect::Abandon { .. }, Effect::Refused { savepoint: Some(_), why }] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert!(why.to_string().contains("take it again"), "{why}");
}

#[test]
fn pins_hold_what_is_named_published_or_restored() {
    let (mut disk, mut job) = start();
    let first = job.claim(&mut disk);
    assert_eq!(job.coordinator.pins(), BTreeSet::from([first]), "it is being published");
    job.published(&mut disk, first);
    assert_eq!(job.coordinator.pins(), BTreeSet::new());
    let mut next = Job::new(&mut disk, "b");
    assert_eq!(next.coordinator.pins(), BTreeSet::from([first]), "it is restored");
    next.commit(&mut disk);
    assert_eq!(next.coordinator.pins(), BTreeSet::new());
}
