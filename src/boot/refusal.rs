//! Why a start is refused: errors of the rooms as faults, with the codes that operators know.

use std::error::Error;

use weir_cluster::watermark;
use weir_domain::Fault;

use crate::cli::Undecided;
use weir_http_server as http;
use weir_persistence_api as store;

/// An error with everything that led to it, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}

pub(super) fn of_cluster(error: &weir_cluster::Error) -> anyhow::Error {
    use weir_cluster::{Error, code};
    let code = match error {
        Error::OtherCluster { .. } => code::OTHER_CLUSTER,
        Error::Watermark(error) => return until_decided(of_watermark(error)),
        Error::Store(_) | Error::StoreSilent(_) => code::STORE_LOST,
        Error::ShuttingDown => code::LEAVING,
    };
    Fault::config(code.0, chain(error)).into()
}

/// A start that must not be tried again before a person has decided: who knocks for long enough
/// may find the database as far on as what it remembers, with other content.
pub(super) fn until_decided(fault: Fault) -> anyhow::Error {
    Undecided(fault).into()
}

pub(super) fn of_watermark(error: &watermark::Error) -> Fault {
    use weir_cluster::code;
    let code = match error {
        watermark::Error::WentBack { .. } => code::STORE_WENT_BACK,
        watermark::Error::OtherCluster { .. } => code::OTHER_CLUSTER,
        watermark::Error::Io { .. } | watermark::Error::Damaged { .. } => code::WATERMARK,
    };
    Fault::config(code.0, chain(error))
}

pub(super) fn of_links(error: &weir_remote::Error) -> Fault {
    match error {
        weir_remote::Error::Bind { bind, source } => {
            http::refused(&bind.to_string(), "weir.cluster.bind", source)
        }
        weir_remote::Error::Unprotected { .. }
        | weir_remote::Error::Certificates(_)
        | weir_remote::Error::Actors(_) => Fault::config(54, chain(error)),
    }
}

/// Their messages say themselves what kind of refusal they are of, which nobody asks here.
pub(super) fn of_store(error: &store::Error) -> Fault {
    let message = match error {
        store::Error::Unavailable(why) | store::Error::Rejected(why) => why.clone(),
        other => other.to_string(),
    };
    Fault::config(64, message)
}
