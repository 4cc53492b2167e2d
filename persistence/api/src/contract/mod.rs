//! The contract of a store, as a suite that every back end runs unchanged.
//!
//! A back end writes a [`StoreFactory`] and calls [`contract_suite!`](crate::contract_suite) in
//! its tests: each function here becomes one test. What a back end can't do (open its data again,
//! damage a row) its factory says, and the tests that need it then prove less, never something
//! else.
//!
//! A function panics where the contract is broken.

pub mod blob;
pub mod item;
pub mod journal;
pub mod lease;
pub mod member;
pub mod object;
pub mod snapshot;
pub mod stream;
pub mod sweep;
pub mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::{Clock, Digest, Timestamp};

use crate::{
    Acquired, Append, Fence, LeaseName, LeaseStore, Manifest, NewEvent, PersistenceId, Store, Tag,
};

/// A stored row that a test wants damaged behind the store's back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The payload of an event is changed.
    Event { id: PersistenceId, sequence: u64 },
    /// The row of an event is gone, though nobody deleted it.
    EventLost { id: PersistenceId, sequence: u64 },
    /// The payload of a snapshot is changed.
    Snapshot { id: PersistenceId, sequence: u64 },
    /// The content of an object is changed.
    Object { digest: Digest },
}

/// How the suite gets at one back end.
#[async_trait]
pub trait StoreFactory: Send + Sync {
    type Store: Store;

    /// A new and empty store.
    async fn create(&self) -> Arc<Self::Store>;

    /// Closes the store and opens its data again; `None` if it keeps nothing.
    async fn reopen(&self, _store: Arc<Self::Store>) -> Option<Arc<Self::Store>> {
        None
    }

    /// Damages a row; `false` if this back end has no way to.
    async fn damage(&self, _store: &Self::Store, _damage: Damage) -> bool {
        false
    }

    /// Moves the store's clock, where the store has one that can be moved. The suite waits for
    /// what it expects in any case.
    fn advance(&self, _by: Duration) {}
}

/// A clock that stands still until it is moved.
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Runs every function of the suite as a test of its own against the factory that the expression
/// makes: `contract_suite!(Sqlite::new())`. The caller needs `tokio` with `macros`.
#[macro_export]
macro_rules! contract_suite {
    ($factory:expr) => {
        $crate::contract_suite! { @modules $factory;
            journal {
                an_empty_journal_has_nothing
                events_come_back_as_they_were_written
                an_event_remembers_its_command
                none_and_five_hundred_events_are_one_append
                an_append_to_an_old_picture_is_a_conflict
                one_of_many_concurrent_appends_wins
                replay_goes_on_page_by_page
                numbers_are_not_used_again_after_deletion
                tagged_events_come_in_order
                a_reader_of_tags_misses_nothing
                events_outlive_the_store
                a_damaged_event_is_named
                a_lost_event_is_named
            }
            snapshot {
                the_newest_at_or_below_is_loaded
                saving_again_replaces
                pruning_keeps_the_newest
                snapshots_outlive_the_store
                a_damaged_snapshot_leaves_the_older_one
                none_stands_beyond_its_journal
            }
            lease {
                a_free_lease_is_granted_and_held
                the_owner_is_granted_anew
                an_expired_lease_is_taken
                a_renewed_lease_stays
                a_lost_lease_is_not_renewed
                a_released_lease_is_free
                force_takes_from_the_owner_that_was_seen
                force_does_nothing_when_the_holder_changed
                one_of_many_contenders_wins
                leases_are_listed_by_name
                epochs_outlive_the_store
                a_pin_changes_neither_owner_nor_epoch
                a_pin_makes_a_lease_known
            }
            member {
                a_store_belongs_to_the_first_that_claims_it
                members_are_listed_by_uid
                a_change_saves_and_forgets_together
                a_list_that_changed_is_not_overwritten
                one_of_many_concurrent_changes_wins
                members_outlive_the_store
            }
            writer {
                a_deposed_writer_is_refused_everywhere
                a_refused_write_changes_nothing
                an_expired_lease_that_nobody_took_still_writes
                a_writer_without_a_lease_is_refused
            }
            item {
                the_first_free_candidate_is_claimed
                a_committed_item_runs_through_its_states
                a_failed_item_is_held_until_it_is_settled
                a_released_item_is_claimed_at_once
                a_lost_claim_stays_lost
                decisions_are_final_and_may_be_repeated
                history_decides_by_the_mode
                a_repeated_request_answers_the_same_claim
                two_claimers_never_get_the_same_item
                many_candidates_are_searched_to_the_end
                names_may_hold_any_character
                a_name_that_is_too_long_is_passed_over
                reset_forgets_what_is_settled
                unfinished_claims_come_oldest_first
                an_unfinished_claim_goes_to_another_owner
                what_is_not_the_owners_is_not_adopted
                adopting_again_answers_the_same
                items_are_listed_page_by_page
                items_are_found_by_a_pattern
                a_page_ends_however_little_matches
                items_that_are_new_wait_for_clearance
                sources_are_counted_by_status
                fingerprints_come_back_whole
                items_outlive_the_store
            }
            sweep {
                a_sweep_goes_on_where_it_was
                what_was_claimed_since_is_left_alone
            }
            stream {
                a_stream_is_saved_as_it_is_now
                streams_are_listed_newest_first
                lists_are_filtered
                streams_of_an_item_are_found_by_it
                log_lines_stay_in_order
                a_log_that_is_too_long_loses_its_oldest_lines
                a_save_that_is_repeated_adds_no_line_twice
                pruning_keeps_the_newest_closed_of_each_workflow
                streams_outlive_the_store
            }
            object {
                an_object_comes_back_as_it_was_put
                the_largest_object_is_stored_and_a_larger_one_refused
                an_object_is_stored_once
                many_who_put_one_object_store_it_whole
                content_of_another_digest_is_refused
                missing_objects_are_named
                a_sweep_takes_what_is_old_and_not_kept
                an_object_that_is_asked_for_is_young_again
                a_deposed_sweeper_deletes_nothing
                objects_outlive_the_store
                a_damaged_object_is_named
            }
        }
    };
    (@modules $factory:expr; $($module:ident { $($name:ident)* })*) => {
        $($crate::contract_suite! { @module $factory; $module $($name)* })*
    };
    (@module $factory:expr; $module:ident $($name:ident)*) => {
        mod $module {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $crate::contract::$module::$name(&$factory).await;
                }
            )*
        }
    };
}

const HOUR: Duration = Duration::from_secs(3600);

/// The lease that the suite writes under.
fn lease() -> LeaseName {
    LeaseName("contract".into())
}

fn journal_id(name: &str) -> PersistenceId {
    PersistenceId(name.into())
}

/// Takes the suite's lease for the owner, from whoever has it.
async fn take_over<S: LeaseStore>(store: &S, owner: &str) -> Fence {
    let rows = store.lease_list().await.expect("leases are listed");
    let seen = rows.into_iter().find(|it| it.name == lease() && !it.owner.is_empty());
    let acquired = match seen {
        None => store.lease_acquire(&lease(), owner, HOUR).await,
        Some(row) => {
            store.lease_force(&lease(), owner, HOUR, (row.owner.as_str(), row.epoch)).await
        }
    };
    granted(acquired.expect("the lease store answers"))
}

fn granted(acquired: Acquired) -> Fence {
    match acquired {
        Acquired::Granted(fence) => fence,
        held @ Acquired::Held { .. } => panic!("the lease should be granted, but: {held:?}"),
    }
}

fn event(text: &str) -> NewEvent {
    NewEvent {
        manifest: Manifest { name: "contract.Happened".into(), version: 3 },
        payload: Bytes::copy_from_slice(text.as_bytes()),
        tags: Vec::new(),
        command: None,
    }
}

fn tagged(text: &str, tags: &[&str]) -> NewEvent {
    let tags = tags.iter().map(|it| Tag((*it).to_owned())).collect();
    NewEvent { tags, ..event(text) }
}

fn append(id: &PersistenceId, fence: &Fence, after: u64, events: Vec<NewEvent>) -> Append {
    Append { id: id.clone(), fence: fence.clone(), after, events }
}

fn texts<'a>(payloads: impl IntoIterator<Item = &'a Bytes>) -> Vec<String> {
    payloads.into_iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect()
}
