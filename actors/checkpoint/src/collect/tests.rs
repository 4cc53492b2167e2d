//! What is kept, what goes, in which order, and when nothing does.

use bytes::Bytes;
use weir_domain::SavepointName;

use super::*;
use crate::disk::{Disk, Job, at, layout, periodic, reported, sink, source, stage};
use crate::epoch::Generation;
use crate::manifest::{StageManifest, Upload};
use crate::{Input, Trigger};

fn retention(job: &Job, epochs: usize) -> Retention {
    Retention {
        epochs,
        generation: job.coordinator.generation(),
        slot: job.coordinator.slot(),
        pins: job.coordinator.pins(),
    }
}

fn collect_from(disk: &mut Disk, job: &Job, epochs: usize) -> Result<Garbage> {
    let retention = retention(job, epochs);
    disk.decide(|view| collect(&layout(), &retention, view))
}

fn sweep(disk: &mut Disk, job: &Job, epochs: usize) -> Garbage {
    let garbage = collect_from(disk, job, epochs).unwrap();
    garbage.keys.iter().for_each(|it| drop(disk.blobs.remove(it)));
    garbage
}

fn staged(epoch: Epoch) -> BlobKey {
    layout().staged(epoch, &stage("sink"), 1)
}

fn start(epochs: usize) -> (Disk, Job, Vec<Epoch>) {
    let mut disk = Disk::default();
    let mut job = Job::new(&mut disk, "a");
    let epochs = (0..epochs).map(|_| job.commit(&mut disk)).collect();
    (disk, job, epochs)
}

#[test]
fn the_newest_epochs_stay_and_the_others_go_oldest_first() {
    let (mut disk, job, epochs) = start(5);
    let garbage = sweep(&mut disk, &job, 2);
    assert_eq!(garbage.kept, BTreeSet::from([epochs[3], epochs[4]]));
    let mut expected: Vec<_> = (1..=4).map(|it| layout().slot(Slot(it))).collect();
    expected.extend(epochs[..3].iter().map(|it| layout().marker(*it)));
    expected.extend(epochs[..3].iter().map(|it| layout().manifest(*it)));
    expected.extend(epochs[..3].iter().map(|it| staged(*it)));
    assert_eq!(garbage.keys, expected, "G4");
    assert_eq!(sweep(&mut disk, &job, 2).keys, [], "once");
    let recovered = disk.recover("b", &crate::RestoreFrom::Newest).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, epochs[4]);
}

#[test]
fn at_least_one_epoch_stays() {
    let (mut disk, job, epochs) = start(2);
    assert_eq!(sweep(&mut disk, &job, 0).kept, BTreeSet::from([epochs[1]]));
}

#[test]
fn what_is_claimed_and_not_marked_stays_and_so_does_the_last_that_is() {
    let (mut disk, mut job, epochs) = start(2);
    let unmarked = [job.claim(&mut disk), job.claim(&mut disk)];
    let garbage = sweep(&mut disk, &job, 1);
    assert_eq!(garbage.kept, BTreeSet::from([epochs[1], unmarked[0], unmarked[1]]));
}

#[test]
fn what_is_under_way_stays() {
    let (mut disk, mut job, _) = start(2);
    let epoch = job.announce(periodic());
    let effects = job.report(&mut disk, epoch);
    disk.perform(&layout(), effects.last().unwrap());
    sweep(&mut disk, &job, 1);
    assert!(disk.blobs.contains_key(&staged(epoch)), "G2");
    assert!(disk.blobs.contains_key(&layout().manifest(epoch)), "G2");
}

#[test]
fn what_a_dead_generation_left_goes() {
    let (mut disk, mut job, _) = start(1);
    let orphan = job.announce(periodic());
    let effects = job.report(&mut disk, orphan);
    disk.perform(&layout(), effects.last().unwrap());
    let mut job = Job::new(&mut disk, "b");
    let garbage = sweep(&mut disk, &job, 1);
    assert_eq!(garbage.keys, [layout().slot(Slot(1)), layout().manifest(orphan), staged(orphan)]);
    job.commit(&mut disk);
}

#[test]
fn what_was_abandoned_goes_once_a_later_epoch_is_claimed_without_it() {
    let (mut disk, mut job, _) = start(1);
    let abandoned = job.announce(periodic());
    sink(&mut disk, abandoned);
    job.coordinator.on(Input::Overdue { epoch: abandoned });
    assert!(!sweep(&mut disk, &job, 1).keys.contains(&staged(abandoned)), "G2");
    job.commit(&mut disk);
    assert!(sweep(&mut disk, &job, 1).keys.contains(&staged(abandoned)));
}

#[test]
fn old_blobs_that_a_kept_epoch_names_stay() {
    let (mut disk, mut job, epochs) = start(3);
    // The first epoch's staged output is still needed by an upload that goes on.
    let epoch = job.announce(periodic());
    job.coordinator.on(reported("source", epoch, source(epoch)));
    let upload =
        Upload { id: "multipart".into(), content: Bytes::new(), blobs: vec![staged(epochs[0])] };
    let report = StageManifest { uploads: vec![upload], ..sink(&mut disk, epoch) };
    let effects = job.coordinator.on(reported("sink", epoch, report));
    disk.follow(&mut job.coordinator, effects);
    job.published(&mut disk, epoch);
    sweep(&mut disk, &job, 1);
    assert!(disk.blobs.contains_key(&staged(epochs[0])), "G1");
    assert!(!disk.blobs.contains_key(&staged(epochs[1])));
}

#[test]
fn a_savepoint_keeps_its_epoch_until_it_is_deleted() {
    let (mut disk, mut job, _) = start(1);
    let name = SavepointName::new("kept").unwrap();
    let trigger = Trigger::Savepoint { at: at(), name: name.clone() };
    let epoch = job.announce(Input::Trigger(trigger));
    let effects = job.report(&mut disk, epoch);
    disk.follow(&mut job.coordinator, effects);
    job.published(&mut disk, epoch);
    for _ in 0..5 {
        job.commit(&mut disk);
    }
    assert!(sweep(&mut disk, &job, 1).kept.contains(&epoch));
    let recovered =
        disk.clone().recover("b", &crate::RestoreFrom::Savepoint(name.clone())).unwrap();
    assert_eq!(recovered.manifest.unwrap().epoch, epoch);
    disk.blobs.remove(&layout().savepoint(&name));
    let garbage = sweep(&mut disk, &job, 1);
    let expected = [layout().marker(epoch), layout().manifest(epoch), staged(epoch)];
    assert_eq!(garbage.keys, expected);
}

#[test]
fn a_pinned_epoch_stays_though_nothing_else_names_it() {
    let (mut disk, _, epochs) = start(4);
    let job = Job::from(&mut disk, "b", &crate::RestoreFrom::Epoch(epochs[0])).unwrap();
    let garbage = sweep(&mut disk, &job, 1);
    assert_eq!(garbage.kept, BTreeSet::from([epochs[0], epochs[3]]));
    assert!(disk.blobs.contains_key(&staged(epochs[0])));
}

#[test]
fn who_was_deposed_collects_nothing() {
    let (mut disk, job, _) = start(4);
    Job::new(&mut disk, "b");
    let refused = collect_from(&mut disk, &job, 1);
    assert_eq!(refused, Err(Error::Deposed { by: Generation(2) }), "G3");
}

#[test]
fn a_root_that_cannot_be_read_stops_the_collection() {
    let (mut disk, job, epochs) = start(3);
    let key = layout().manifest(epochs[2]);
    let good = disk.blobs.remove(&key).unwrap();
    assert!(matches!(collect_from(&mut disk, &job, 1), Err(Error::Missing { .. })), "G3");
    disk.blobs.insert(key.clone(), "damaged".into());
    assert!(matches!(collect_from(&mut disk, &job, 1), Err(Error::Replaced { .. })), "G3");
    disk.blobs.insert(key, good);
    let name = SavepointName::new("x").unwrap();
    disk.blobs.insert(layout().savepoint(&name), "damaged".into());
    assert!(matches!(collect_from(&mut disk, &job, 1), Err(Error::Unreadable { .. })), "G3");
}

#[test]
fn a_log_that_is_shorter_than_it_was_stops_the_collection() {
    let (mut disk, job, _) = start(3);
    disk.blobs.remove(&layout().slot(Slot(4)));
    let refused = collect_from(&mut disk, &job, 1);
    let expected = Error::LogBehind { found: Slot(3), expected: Slot(4) };
    assert_eq!(refused, Err(expected), "G3");
}

#[test]
fn what_is_no_part_of_a_job_is_left_alone_and_told() {
    let (mut disk, job, _) = start(3);
    let strange = ["log/notes", "manifests/1.1", "state/readme", "staged/x/y", "committed/z"];
    let strange = strange.map(|it| layout().job().below(it).unwrap());
    strange.iter().for_each(|it| drop(disk.blobs.insert(it.clone(), Bytes::new())));
    let garbage = sweep(&mut disk, &job, 1);
    assert_eq!(BTreeSet::from_iter(garbage.strange), BTreeSet::from(strange.clone()));
    assert!(strange.iter().all(|it| disk.blobs.contains_key(it)));
}

#[test]
fn an_interrupted_collection_leaves_no_reference_to_what_is_gone() {
    let (disk, job, _) = start(4);
    let keys = collect_from(&mut disk.clone(), &job, 1).unwrap().keys;
    for cut in 0..=keys.len() {
        let mut disk = disk.clone();
        keys[..cut].iter().for_each(|it| drop(disk.blobs.remove(it)));
        sweep(&mut disk, &job, 1);
        let left: Vec<_> = keys.iter().filter(|it| disk.blobs.contains_key(*it)).collect();
        assert_eq!(left, Vec::<&BlobKey>::new(), "after {cut}");
        disk.recover("b", &crate::RestoreFrom::Newest).unwrap();
    }
}

#[test]
fn a_writer_that_slept_finds_a_free_slot_in_the_log_and_is_deposed() {
    let (mut disk, mut old, _) = start(2);
    let mut new = Job::new(&mut disk, "b");
    for _ in 0..4 {
        new.commit(&mut disk);
    }
    sweep(&mut disk, &new, 1);
    assert!(!disk.blobs.contains_key(&layout().slot(old.coordinator.slot())), "its slot is free");
    let epoch = old.announce(periodic());
    let effects = old.report(&mut disk, epoch);
    let effects = disk.follow(&mut old.coordinator, effects);
    assert_eq!(effects.last(), Some(&crate::Effect::Deposed { by: Generation(2) }));
    assert!(!effects.iter().any(|it| matches!(it, crate::Effect::Publish(_))), "C2");
    // What it left is garbage, and stops nobody.
    new.commit(&mut disk);
    sweep(&mut disk, &new, 1);
    assert_eq!(disk.below(&layout().log()).len(), 1);
    disk.recover("c", &crate::RestoreFrom::Newest).unwrap();
}

#[test]
fn what_lives_that_claimed_nothing_have_staged_goes_with_the_next() {
    let mut disk = Disk::default();
    for writer in ["a", "b", "c"] {
        let mut job = Job::new(&mut disk, writer);
        let epoch = job.announce(periodic());
        job.report(&mut disk, epoch);
    }
    let job = Job::new(&mut disk, "d");
    assert_eq!(disk.below(&layout().area(Area::Staged)).len(), 3);
    sweep(&mut disk, &job, 3);
    assert_eq!(disk.below(&layout().area(Area::Staged)), []);
}
