//! The statements of this dialect, as they stand in `schemas/sql/sqlite`.

macro_rules! statements {
    ($($name:ident = $path:literal;)*) => {
        $(pub(super) const $name: &str = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../schemas/sql/sqlite/query/",
            $path,
            ".sql"
        ));)*
    };
}

statements! {
    BEGIN = "transaction/begin";
    COMMIT = "transaction/commit";
    SAVEPOINT = "transaction/savepoint";
    RELEASE = "transaction/release";
    ROLLBACK_TO = "transaction/rollback_to";

    SCHEMA_STATE = "schema/state";
    SCHEMA_VERSION = "schema/version";
    SCHEMA_APPLIED = "schema/applied";
    QUICK_CHECK = "schema/quick_check";
    CHECKPOINT = "schema/checkpoint";

    LEASE_CHECK = "lease/check";
    LEASE_ACQUIRE = "lease/acquire";
    LEASE_FORCE = "lease/force";
    LEASE_RENEW = "lease/renew";
    LEASE_RELEASE = "lease/release";
    LEASE_LOAD = "lease/load";
    LEASE_LIST = "lease/list";
    LEASE_PIN = "lease/pin";

    CLUSTER_CLAIM = "member/claim";
    CLUSTER_IDENTITY = "member/identity";
    MEMBER_LIST = "member/list";
    MEMBER_ADVANCE = "member/advance";
    MEMBER_SAVE = "member/save";
    MEMBER_FORGET = "member/forget";

    EVENT_HEAD = "event/head";
    EVENT_ADVANCE = "event/advance";
    EVENT_INSERT = "event/insert";
    EVENT_TAG = "event/tag";
    EVENT_REPLAY = "event/replay";
    EVENT_TAGGED = "event/tagged";
    EVENT_DELETE = "event/delete";
    EVENT_DELETED_TO = "event/deleted_to";

    SNAPSHOT_SAVE = "snapshot/save";
    SNAPSHOT_LOAD = "snapshot/load";
    SNAPSHOT_SEQUENCES = "snapshot/sequences";
    SNAPSHOT_PRUNE = "snapshot/prune";

    ITEM_PAST = "item/past";
    ITEM_CLAIM = "item/claim";
    ITEM_STATE = "item/state";
    ITEM_DECIDE = "item/decide";
    ITEM_SETTLE = "item/settle";
    ITEM_BY_CLAIM = "item/by_claim";
    ITEM_HELD = "item/held";
    ITEM_ADOPT = "item/adopt";
    ITEM_UNFINISHED = "item/unfinished";
    ITEM_BY_NAME = "item/by_name";
    ITEM_NEWEST = "item/newest";
    ITEM_NEWEST_OF_STATUS = "item/newest_of_status";
    ITEM_NAMED = "item/named";
    ITEM_FIRST_SOURCE = "item/first_source";
    ITEM_SOURCE_AFTER = "item/source_after";
    ITEM_COUNT = "item/count";
    ITEM_WAIT = "item/wait";
    ITEM_FORGET = "item/forget";
    ITEM_CLEAR = "item/clear";
    ITEM_DENY = "item/deny";

    SWEEP_BEGIN = "sweep/begin";
    SWEEP_FORGET = "sweep/forget";
    SWEEP_STEP = "sweep/step";
    SWEEP_END = "sweep/end";
    SWEEP_LOAD = "sweep/load";
    SWEEP_OPEN = "sweep/open";

    STREAM_SAVE = "stream/save";
    STREAM_LOG_ADD = "stream/log_add";
    STREAM_LOAD = "stream/load";
    STREAM_LIST = "stream/list";
    STREAM_OF_ITEM = "stream/of_item";
    STREAM_LOG = "stream/log";
    STREAM_LOG_BETWEEN = "stream/log_between";
    STREAM_LOG_NEWEST = "stream/log_newest";
    STREAM_LOG_OLDEST = "stream/log_oldest";
    STREAM_LOG_REPLACE = "stream/log_replace";
    STREAM_LOG_DELETE = "stream/log_delete";
    STREAM_PRUNE = "stream/prune";

    OBJECT_TOUCH = "object/touch";
    OBJECT_TOUCH_ALL = "object/touch_all";
    OBJECT_PRESENT = "object/present";
    OBJECT_CHUNK_PUT = "object/chunk_put";
    OBJECT_PUT = "object/put";
    OBJECT_SIZE = "object/size";
    OBJECT_CHUNK = "object/chunk";
    OBJECT_TOTALS = "object/totals";
    OBJECT_OLD = "object/old";
    OBJECT_DELETE = "object/delete";
    OBJECT_CHUNKS_DELETE = "object/chunks_delete";
    OBJECT_STRAYS_DELETE = "object/strays_delete";

    BLOB_CREATE = "blob/create";
    BLOB_PUT = "blob/put";
    BLOB_GET = "blob/get";
    BLOB_LIST = "blob/list";
    BLOB_DELETE = "blob/delete";
}
