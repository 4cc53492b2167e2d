//! The statements that every server has, as they stand in `schemas/sql/<dialect>/query`. Their
//! parameters come in the same order on all servers.

/// Calls a macro with the names of all statements and where they stand.
macro_rules! with_statements {
    ($then:ident $($argument:tt)*) => {
        $crate::server::statement::$then! {
            $($argument)*
            begin = "transaction/begin";
            commit = "transaction/commit";
            rollback = "transaction/rollback";

            session_open = "session/open";
            session_open_lease = "session/open_lease";
            session_patient = "session/patient";
            session_state = "session/state";
            session_variables = "session/variables";

            schema_state = "schema/state";
            schema_version = "schema/version";
            schema_applied = "schema/applied";
            schema_record = "schema/record";
            schema_lock = "schema/lock";

            lease_check = "lease/check";
            lease_acquire = "lease/acquire";
            lease_force = "lease/force";
            lease_make = "lease/make";
            lease_renew = "lease/renew";
            lease_release = "lease/release";
            lease_load = "lease/load";
            lease_list = "lease/list";
            lease_pin = "lease/pin";

            cluster_claim = "member/claim";
            cluster_identity = "member/identity";
            member_list = "member/list";
            member_advance = "member/advance";
            member_save = "member/save";
            member_forget = "member/forget";

            event_insert = "event/insert";
            event_highest = "event/highest";
            event_first = "event/first";
            event_replay = "event/replay";
            event_tagged = "event/tagged";
            event_delete = "event/delete";
            event_delete_tags = "event/delete_tags";
            event_deleted = "event/deleted";
            event_tag_advance = "event/tag_advance";
            event_tag = "event/tag";

            snapshot_save = "snapshot/save";
            snapshot_load = "snapshot/load";
            snapshot_sequences = "snapshot/sequences";
            snapshot_prune = "snapshot/prune";

            item_past = "item/past";
            item_claim = "item/claim";
            item_claim_again = "item/claim_again";
            item_state = "item/state";
            item_decide = "item/decide";
            item_settle = "item/settle";
            item_by_claim = "item/by_claim";
            item_held = "item/held";
            item_adopt = "item/adopt";
            item_unfinished = "item/unfinished";
            item_by_name = "item/by_name";
            item_newest = "item/newest";
            item_newest_of_status = "item/newest_of_status";
            item_named = "item/named";
            item_first_source = "item/first_source";
            item_source_after = "item/source_after";
            item_count = "item/count";
            item_wait = "item/wait";
            item_wait_again = "item/wait_again";
            item_forget = "item/forget";
            item_clear = "item/clear";
            item_deny = "item/deny";

            sweep_begin = "sweep/begin";
            sweep_forget = "sweep/forget";
            sweep_step = "sweep/step";
            sweep_end = "sweep/end";
            sweep_load = "sweep/load";
            sweep_open = "sweep/open";

            stream_save = "stream/save";
            stream_log_add = "stream/log_add";
            stream_load = "stream/load";
            stream_list = "stream/list";
            stream_of_item = "stream/of_item";
            stream_log = "stream/log";
            stream_log_between = "stream/log_between";
            stream_log_newest = "stream/log_newest";
            stream_log_oldest = "stream/log_oldest";
            stream_log_replace = "stream/log_replace";
            stream_log_delete = "stream/log_delete";
            stream_outdated = "stream/outdated";
            stream_log_forget = "stream/log_forget";
            stream_forget = "stream/forget";

            object_touch = "object/touch";
            object_touch_all = "object/touch_all";
            object_present = "object/present";
            object_chunk_put = "object/chunk_put";
            object_put = "object/put";
            object_size = "object/size";
            object_chunk = "object/chunk";
            object_totals = "object/totals";
            object_old = "object/old";
            object_delete = "object/delete";
            object_chunks_delete = "object/chunks_delete";
            object_strays_delete = "object/strays_delete";

            blob_create = "blob/create";
            blob_put = "blob/put";
            blob_get = "blob/get";
            blob_list = "blob/list";
            blob_delete = "blob/delete";
        }
    };
}

macro_rules! define {
    ($($name:ident = $path:literal;)*) => {
        pub(crate) struct Statements {
            $(pub(crate) $name: &'static str,)*
        }
    };
}

macro_rules! load {
    ($dialect:literal $($name:ident = $path:literal;)*) => {
        $crate::server::statement::Statements {
            $($name: $crate::server::statement::text!($dialect, "query/", $path),)*
        }
    };
}

macro_rules! text {
    ($dialect:literal, $($part:expr),*) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../schemas/sql/",
            $dialect,
            "/",
            $($part,)*
            ".sql"
        ))
    };
}

pub(crate) use {define, load, text, with_statements};

with_statements! { define }
