//! Runs the actions of the file connector.

use weir_domain::Fault;
use weir_stream::{Due, Effects, Published};

use super::action::{Action, Discard};
use super::staging::Staging;
use super::{codes, disk, publish, relocate};

pub(super) struct FileEffects;

impl Effects for FileEffects {
    fn run(&self, due: Due<'_>) -> Result<Vec<Published>, Fault> {
        match Action::read(due.payload)? {
            Action::Publish(action) => publish::run(&action).map(|it| vec![it]),
            Action::Move(action) => {
                let warning = relocate::run(&action)?;
                Ok(warning.map(Published::nothing_but).into_iter().collect())
            }
            Action::Discard(action) => discard(&action).map(|()| Vec::new()),
        }
    }
}

fn discard(action: &Discard) -> Result<(), Fault> {
    let staging = Staging::of(&action.directory);
    let doing = "can't remove unpublished files";
    action.directory_id.check(&action.directory, codes::DISCARD, doing, "written to")?;
    staging.discard(&action.owner).map_err(|error| {
        disk::fault(codes::DISCARD, "can't remove unpublished files from", staging.path(), &error)
    })
}
