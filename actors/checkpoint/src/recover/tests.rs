//! What a restart finds, whatever the one before had done when it died.

use bytes::Bytes;

use super::*;
use crate::coordinator::{Effect, Input};
use crate::disk::{Disk, Job, at, layout, manifest, periodic, reported, sink, source, stage};
use crate::envelope::Unreadable;

fn recovery(writer: &str) -> Recovery {
    Recovery::new(layout(), Writer(writer.to_owned()), RestoreFrom::Newest)
}

fn refused(disk: &mut Disk, from: &RestoreFrom) -> Error {
    disk.recover("z", from).unwrap_err()
}

#[test]
fn a_job_that_never_ran_begins_with_nothing() {
    let recovered = Disk::default().recover("a", &RestoreFrom::Newest).unwrap();
    let expected = Recovered {
        generation: Generation(1),
        slot: Slot(2),
        manifest: None,
        unpublished: vec![],
        aborted: BTreeMap::new(),
        is_over: false,
        order: 0,
        is_ordered: false,
    };
    assert_eq!(recovered, expected);
}

#[test]
fn a_writer_that_recovers_again_is_another_generation() {
    let mut disk = Disk::default();
    let first = Job::new(&mut disk, "a").commit(&mut disk);
    let second = Job::new(&mut disk, "a").commit(&mut disk);
    assert_eq!((first, second), (Epoch::new(1, 1), Epoch::new(2, 1)));
}

#[test]
fn a_committed_epoch_is_restored_and_not_published_again() {
    let mut disk = Disk::default();
    let epoch = Job::new(&mut disk, "a").commit(&mut disk);
    let recovered = disk.recover("b", &RestoreFrom::Newest).unwrap();
    assert_eq!(recovered.generation, Generation(2));
    assert_eq!(recovered.manifest, Some(manifest(&disk, epoch)));
    assert_eq!(recovered.unpublished, []);
    assert_eq!(recovered.slot, Slot(4), "behind a takeover, a claim and a takeover");
}

#[test]
fn claimed_epochs_without_a_marker_are_published_again_oldest_first() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    job.commit(&mut disk);
    let second = job.claim(&mut disk);
    let third = job.claim(&mut disk);
    let recovered = disk.recover("b", &RestoreFrom::Newest).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, third);
    let epochs: Vec<_> = recovered.unpublished.iter().map(CommitPermit::epoch).collect();
    assert_eq!(epochs, [second, third]);
    let permit = &recovered.unpublished[0];
    assert_eq!(permit.generation(), Generation(2));
    assert!(permit.committables(&stage("sink")).unwrap().contains_key(&second));
}

#[test]
fn a_manifest_that_nobody_claimed_is_as_if_it_had_never_been() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let first = job.commit(&mut disk);
    let second = job.announce(periodic());
    let effects = job.report(&mut disk, second);
    disk.perform(&layout(), &effects[1]);
    assert!(disk.blobs.contains_key(&layout().manifest(second)));
    let recovered = disk.recover("b", &RestoreFrom::Newest).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, first);
    assert_eq!(recovered.unpublished, []);
}

#[test]
fn a_record_whose_writer_never_heard_of_it_is_a_claim() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let epoch = job.announce(periodic());
    let effects = job.report(&mut disk, epoch);
    let stored = disk.perform(&layout(), &effects[1]).unwrap();
    let append = job.coordinator.on(Input::Stored(stored));
    disk.perform(&layout(), &append[0]);
    let recovered = disk.recover("b", &RestoreFrom::Newest).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, epoch);
    assert_eq!(recovered.unpublished.len(), 1);
}

#[test]
fn nothing_of_an_earlier_generation_is_claimed_behind_a_takeover() {
    let mut disk = Disk::default();
    let mut old = Job::new(&mut disk, "a");
    let epoch = old.announce(periodic());
    let mut new = Job::new(&mut disk, "b");
    let effects = old.report(&mut disk, epoch);
    let effects = disk.follow(&mut old.coordinator, effects);
    assert_eq!(effects.last(), Some(&Effect::Deposed { by: Generation(2) }), "R1");
    let epoch = new.commit(&mut disk);
    assert_eq!(epoch, Epoch::new(2, 1), "no number is used twice");
}

#[test]
fn of_two_that_recover_at_once_one_is_deposed() {
    let mut disk = Disk::default();
    Job::new(&mut disk, "a").commit(&mut disk);
    for order in 0..64_u32 {
        let mut disk = disk.clone();
        let mut recoveries = ["b", "c"].map(recovery);
        let mut ends: [Option<Result<Generation>>; 2] = [None, None];
        for turn in 0..100 {
            let at = ((order >> (turn % 6)) & 1) as usize;
            let at = if ends[at].is_some() { 1 - at } else { at };
            if ends[at].is_some() {
                break;
            }
            match recoveries[at].advance() {
                Ok(step) => {
                    let found = disk.look(step, recoveries[at].view());
                    ends[at] = found.map(|it| Ok(it.generation));
                }
                Err(error) => ends[at] = Some(Err(error)),
            }
        }
        let ends = ends.map(Option::unwrap);
        let generations: Vec<_> = ends.iter().filter_map(|it| it.as_ref().ok()).collect();
        // Both, if one was done before the other began; then the later one holds.
        assert!(!generations.is_empty(), "order {order}: {ends:?}");
        let is_deposed = |it: &Result<Generation>| matches!(it, Err(Error::Deposed { .. }) | Ok(_));
        assert!(ends.iter().all(is_deposed), "order {order}: {ends:?}");
    }
}

#[test]
fn the_last_claim_of_the_one_before_may_come_during_the_takeover() {
    let mut disk = Disk::default();
    let mut old = Job::new(&mut disk, "a");
    let mut recovery = recovery("b");
    let mut claimed = None;
    let recovered = loop {
        let step = recovery.advance().unwrap();
        if let Step::Create(key, _) = &step
            && layout().read_slot(key).is_some()
            && claimed.is_none()
        {
            // It is claimed at the last moment; whether its writer dares to publish is its matter.
            let epoch = old.announce(periodic());
            let effects = old.report(&mut disk, epoch);
            disk.follow(&mut old.coordinator, effects);
            claimed = Some(epoch);
        }
        if let Some(recovered) = disk.look(step, recovery.view()) {
            break recovered;
        }
    };
    assert_eq!(recovered.manifest.unwrap().epoch, claimed.unwrap());
    assert_eq!(recovered.unpublished.len(), 1);
    assert_eq!(recovered.slot, Slot(4));
}

#[test]
fn a_list_that_leaves_out_the_end_of_the_log_does_no_harm() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    for _ in 0..5 {
        job.commit(&mut disk);
    }
    let last = job.commit(&mut disk);
    let mut recovery = recovery("b");
    let recovered = loop {
        let step = recovery.advance().unwrap();
        if let Step::List(keys) = &step
            && keys.contains(&layout().log())
        {
            let log = disk.below(&layout().log());
            recovery.view().listed(layout().log(), log[..3].to_vec());
            continue;
        }
        if let Some(recovered) = disk.look(step, recovery.view()) {
            break recovered;
        }
    };
    assert_eq!(recovered.manifest.unwrap().epoch, last);
}

#[test]
fn a_claimed_manifest_that_is_missing_ends_the_recovery() {
    let mut disk = Disk::default();
    let epoch = Job::new(&mut disk, "a").commit(&mut disk);
    disk.blobs.remove(&layout().manifest(epoch));
    let error = refused(&mut disk, &RestoreFrom::Newest);
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    assert!(error.to_string().contains("the claim of epoch 1.1"), "{error}");
}

#[test]
fn a_manifest_that_was_replaced_or_damaged_ends_the_recovery() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let (first, second) = (job.commit(&mut disk), job.commit(&mut disk));
    let key = layout().manifest(second);
    let other = disk.blobs[&layout().manifest(first)].clone();
    for content in [other, Bytes::from_static(b"half of it")] {
        disk.blobs.insert(key.clone(), content);
        let error = refused(&mut disk, &RestoreFrom::Newest);
        assert!(matches!(error, Error::Replaced { .. }), "{error}");
        assert!(error.to_string().contains(key.as_str()), "{error}");
    }
    // What is before it can still be restored, if somebody says so.
    let recovered = disk.recover("z", &RestoreFrom::Epoch(first)).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, first);
}

#[test]
fn a_record_that_cannot_be_read_ends_the_recovery() {
    let mut disk = Disk::default();
    Job::new(&mut disk, "a").commit(&mut disk);
    let key = layout().slot(Slot(2));
    let good = disk.blobs[&key].clone();
    let mut damaged = good.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    let newer = String::from_utf8(good.to_vec()).unwrap().replace(" 1 crc32", " 2 crc32");
    disk.blobs.insert(key.clone(), damaged.into());
    let error = refused(&mut disk, &RestoreFrom::Newest);
    assert!(
        matches!(error, Error::Unreadable { source: Unreadable::Damaged { .. }, .. }),
        "{error}"
    );
    disk.blobs.insert(key, newer.into());
    let error = refused(&mut disk, &RestoreFrom::Newest);
    assert!(matches!(error, Error::Unreadable { source: Unreadable::Newer { .. }, .. }), "{error}");
}

#[test]
fn a_marker_of_another_manifest_ends_the_recovery() {
    let mut disk = Disk::default();
    let epoch = Job::new(&mut disk, "a").commit(&mut disk);
    let marker = Marker { epoch, manifest: Digest::of(b"other") };
    disk.put(&layout().marker(epoch), &marker);
    let error = refused(&mut disk, &RestoreFrom::Newest);
    assert!(matches!(error, Error::Misplaced { .. }), "{error}");
    assert!(error.to_string().contains("it marks manifest"), "{error}");
}

#[test]
fn a_log_that_contradicts_itself_ends_the_recovery() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    job.claim(&mut disk);
    job.claim(&mut disk);
    let (second, third) = (layout().slot(Slot(2)), layout().slot(Slot(3)));
    let (one, two) = (disk.blobs[&second].clone(), disk.blobs[&third].clone());
    disk.blobs.insert(second, two);
    disk.blobs.insert(third, one);
    let error = refused(&mut disk, &RestoreFrom::Newest);
    assert!(matches!(error, Error::Misplaced { .. }), "{error}");
}

#[test]
fn a_manifest_of_another_job_ends_the_recovery() {
    let mut disk = Disk::default();
    let epoch = Job::new(&mut disk, "a").commit(&mut disk);
    let key = layout().manifest(epoch);
    let mut other = manifest(&disk, epoch);
    other.job = BlobKey::new("jobs/other").unwrap();
    disk.put(&key, &other);
    let (kind, manifest) = (EpochKind::Periodic, Digest::of(&disk.blobs[&key]));
    let claim = Claim { epoch, kind, manifest, order: 0 };
    disk.put(&layout().slot(Slot(2)), &Record::Claim(claim.clone()));
    disk.put(&layout().marker(epoch), &Marker { epoch, manifest: claim.manifest });
    let error = refused(&mut disk, &RestoreFrom::Newest);
    assert!(error.to_string().contains("of jobs/other"), "{error}");
}

#[test]
fn what_the_one_before_marks_and_collects_during_the_takeover_is_not_missed() {
    for at in 0..40 {
        let mut disk = Disk::default();
        let mut old = Job::new(&mut disk, "a");
        old.commit(&mut disk);
        let epochs = [old.claim(&mut disk), old.claim(&mut disk), old.claim(&mut disk)];
        let mut recovery = recovery("b");
        let mut step = 0;
        let recovered = loop {
            if step == at {
                // It publishes what it had claimed, and deletes what is before it.
                epochs.iter().for_each(|it| drop(old.published(&mut disk, *it)));
                let generation = Generation(9);
                let pins = BTreeSet::new();
                let retention = crate::Retention { epochs: 1, generation, slot: Slot(1), pins };
                let collect = |view: &View| crate::collect(&layout(), &retention, view);
                let garbage = disk.decide(collect).unwrap();
                garbage.keys.iter().for_each(|it| drop(disk.blobs.remove(it)));
            }
            step += 1;
            let next = recovery.advance().unwrap_or_else(|error| panic!("at step {at}: {error}"));
            if let Some(recovered) = disk.look(next, recovery.view()) {
                break recovered;
            }
        };
        assert_eq!(recovered.manifest.unwrap().epoch, epochs[2], "at step {at}");
    }
}

#[test]
fn an_epoch_or_a_savepoint_that_is_asked_for_is_restored() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let first = job.commit(&mut disk);
    let name = SavepointName::new("kept").unwrap();
    let trigger = crate::Trigger::Savepoint { at: at(), name: name.clone() };
    let second = job.announce(Input::Trigger(trigger));
    let effects = job.report(&mut disk, second);
    disk.follow(&mut job.coordinator, effects);
    let third = job.claim(&mut disk);
    for (from, expected) in
        [(RestoreFrom::Epoch(first), first), (RestoreFrom::Savepoint(name), second)]
    {
        let recovered = disk.recover("b", &from).unwrap();
        assert_eq!(recovered.manifest.unwrap().epoch, expected);
        let unpublished: Vec<_> = recovered.unpublished.iter().map(CommitPermit::epoch).collect();
        assert_eq!(unpublished, [second, third], "R3: what was decided");
    }
    let error = refused(&mut disk, &RestoreFrom::Epoch(Epoch::new(7, 7)));
    assert!(error.to_string().contains("1.3, 1.2, 1.1"), "{error}");
    let error = refused(&mut disk, &RestoreFrom::Savepoint(SavepointName::new("kep").unwrap()));
    assert!(error.to_string().contains("these are: kept"), "{error}");
}

#[test]
fn what_follows_a_restored_epoch_stands_on_it() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let first = job.commit(&mut disk);
    job.commit(&mut disk);
    let mut job = Job::from(&mut disk, "b", &RestoreFrom::Epoch(first)).unwrap();
    let next = job.commit(&mut disk);
    assert_eq!(manifest(&disk, next).parent, Some(first));
    let recovered = disk.recover("c", &RestoreFrom::Newest).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, next);
}

#[test]
fn uploads_that_are_not_restored_are_aborted() {
    let upload = |id: &str| Upload { id: id.to_owned(), content: Bytes::new(), blobs: vec![] };
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let first = job.announce(periodic());
    job.coordinator.on(reported("source", first, source(first)));
    let mut report = sink(&mut disk, first);
    report.uploads = vec![upload("open")];
    let effects = job.coordinator.on(reported("sink", first, report));
    disk.follow(&mut job.coordinator, effects);
    job.published(&mut disk, first);
    // The next epoch dies before its claim.
    let second = job.announce(periodic());
    job.coordinator.on(reported("source", second, source(second)));
    let mut report = sink(&mut disk, second);
    report.uploads = vec![upload("open"), upload("begun")];
    let effects = job.coordinator.on(reported("sink", second, report));
    disk.perform(&layout(), effects.last().unwrap());

    let recovered = disk.recover("b", &RestoreFrom::Newest).unwrap();
    let expected = BTreeMap::from([(stage("sink"), BTreeSet::from([upload("begun")]))]);
    assert_eq!(recovered.aborted, expected);
    // One that is damaged was never claimed, and stops nobody.
    disk.blobs.insert(layout().manifest(second), "damaged".into());
    let recovered = disk.recover("c", &RestoreFrom::Newest).unwrap();
    assert_eq!(recovered.aborted, BTreeMap::new());
}

#[test]
fn a_job_that_is_over_stays_over_and_owes_what_it_has_not_published() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let epoch = job.announce(Input::Ended { stage: stage("source"), at: at() });
    let effects = job.report(&mut disk, epoch);
    disk.follow(&mut job.coordinator, effects);
    let mut job = Job::new(&mut disk, "b");
    assert!(job.recovered.is_over);
    let owed = job.coordinator.outstanding();
    assert!(matches!(&owed[..], [Effect::Publish(_)]), "{owed:?}");
    let effects = job.published(&mut disk, epoch);
    assert_eq!(effects.last(), Some(&Effect::Over { epoch }));
    let job = Job::new(&mut disk, "c");
    assert!(job.recovered.is_over && job.recovered.unpublished.is_empty());
    assert_eq!(job.coordinator.outstanding(), [Effect::Over { epoch }]);
}

#[test]
fn a_job_that_stopped_goes_on() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let stop = crate::Trigger::Stop { at: at(), savepoint: None };
    let epoch = job.announce(Input::Trigger(stop));
    let effects = job.report(&mut disk, epoch);
    disk.follow(&mut job.coordinator, effects);
    job.published(&mut disk, epoch);
    let mut job = Job::new(&mut disk, "b");
    assert!(!job.recovered.is_over);
    assert_eq!(job.recovered.manifest.as_ref().unwrap().epoch, epoch);
    assert_eq!(job.coordinator.outstanding(), []);
    job.commit(&mut disk);
}

fn order(number: u32, begin: Begin) -> RestoreFrom {
    RestoreFrom::Ordered(Box::new(Order {
        number,
        id: format!("order {number}"),
        begin,
        jobs: None,
        drops_leftovers: false,
        given_at: at(),
        by: "somebody".to_owned(),
    }))
}

/// A job with two epochs, the first of which has a name.
fn saved(disk: &mut Disk) -> (Epoch, Epoch, SavepointName) {
    let mut job = Job::new(disk, "a");
    let name = SavepointName::new("kept").unwrap();
    let trigger = crate::Trigger::Savepoint { at: at(), name: name.clone() };
    let first = job.announce(Input::Trigger(trigger));
    let effects = job.report(disk, first);
    disk.follow(&mut job.coordinator, effects);
    job.published(disk, first);
    (first, job.commit(disk), name)
}

#[test]
fn an_order_is_followed_until_an_epoch_is_claimed_that_follows_it() {
    let mut disk = Disk::default();
    let (first, second, name) = saved(&mut disk);
    let epochs = BTreeMap::from([("tested".to_owned(), first)]);
    let order = order(1, Begin::Savepoint { name, epochs });
    // However often a life begins that claims nothing.
    for writer in ["b", "c"] {
        let recovered = disk.recover(writer, &order).unwrap();
        assert_eq!(recovered.manifest.unwrap().epoch, first, "R5");
        assert_eq!((recovered.order, recovered.unpublished.len()), (1, 0));
        assert!(recovered.is_ordered);
    }
    let mut job = Job::from(&mut disk, "d", &order).unwrap();
    let third = job.commit(&mut disk);
    assert_eq!(manifest(&disk, third).parent, Some(first));
    assert!(third > second);
    for (writer, from) in [("e", &order), ("f", &RestoreFrom::Newest)] {
        let mut job = Job::from(&mut disk, writer, from).unwrap();
        assert_eq!((job.recovered.order, job.recovered.is_ordered), (1, false));
        let newest = job.recovered.manifest.as_ref().unwrap().epoch;
        assert!(newest >= third, "R5: {newest}");
        job.commit(&mut disk);
    }
}

#[test]
fn an_order_may_let_all_go_or_let_all_stand() {
    let mut disk = Disk::default();
    let (_, second, _) = saved(&mut disk);
    let recovered = disk.recover("b", &order(1, Begin::Newest)).unwrap();
    assert_eq!((recovered.manifest.unwrap().epoch, recovered.order), (second, 1));
    let mut job = Job::from(&mut disk, "c", &order(2, Begin::Nothing)).unwrap();
    assert_eq!((&job.recovered.manifest, job.recovered.order), (&None, 2));
    let third = job.commit(&mut disk);
    assert_eq!(manifest(&disk, third).parent, None);
    let recovered = disk.recover("d", &order(2, Begin::Nothing)).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, third);
}

#[test]
fn an_order_restores_no_other_savepoint_of_the_same_name() {
    let mut disk = Disk::default();
    let (_, second, name) = saved(&mut disk);
    let epochs = [("tested".to_owned(), second)].into();
    let error = refused(&mut disk, &order(1, Begin::Savepoint { name, epochs }));
    assert!(matches!(error, Error::NoSavepoint { .. }), "{error}");
}

#[test]
fn a_job_that_a_savepoint_knows_nothing_of_begins_anew() {
    let mut disk = Disk::default();
    let (first, _, name) = saved(&mut disk);
    let epochs = [("other".to_owned(), first)].into();
    let recovered = disk.recover("c", &order(1, Begin::Savepoint { name, epochs })).unwrap();
    assert_eq!((recovered.manifest, recovered.is_ordered), (None, true));
}

#[test]
fn what_was_decided_before_an_order_is_published_all_the_same() {
    let mut disk = Disk::default();
    let (_, second, _) = saved(&mut disk);
    let mut job = Job::new(&mut disk, "b");
    let third = job.claim(&mut disk);
    let recovered = disk.recover("c", &order(1, Begin::Nothing)).unwrap();
    let unpublished: Vec<_> = recovered.unpublished.iter().map(CommitPermit::epoch).collect();
    assert_eq!((unpublished, recovered.manifest), (vec![third], None), "R3, behind {second}");
}

#[test]
fn a_job_that_is_over_begins_anew_by_an_order() {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let epoch = job.announce(Input::Ended { stage: stage("source"), at: at() });
    let effects = job.report(&mut disk, epoch);
    disk.follow(&mut job.coordinator, effects);
    job.published(&mut disk, epoch);
    assert!(disk.recover("b", &order(1, Begin::Newest)).unwrap().is_over);
    let mut job = Job::from(&mut disk, "c", &order(2, Begin::Nothing)).unwrap();
    assert!(!job.recovered.is_over);
    job.commit(&mut disk);
}
