//! Runs the actions of the connector.

use weir_domain::Fault;
use weir_stream::{Due, Effects, Published, decode_config};

use super::action::{Action, Discard, unreadable};
use super::connection::Connection;
use super::note::Note;
use super::store::Store;
use super::{finish, publish};

pub(super) struct ObjectEffects;

impl Effects for ObjectEffects {
    fn run(&self, due: Due<'_>) -> Result<Vec<Published>, Fault> {
        let action = Action::read(due.payload)?;
        let connection: Connection = decode_config(due.connection).map_err(|it| unreadable(&it))?;
        let store = Store::open(&connection)?;
        match action {
            Action::Publish(it) => publish::run(&store, due.staging, &it).map(|it| vec![it]),
            Action::Finish(it) => {
                let warning = finish::run(&store, &it)?;
                Ok(warning.map(Published::nothing_but).into_iter().collect())
            }
            Action::Discard(it) => discard(&store, due.staging, &it),
        }
    }
}

fn discard(
    store: &Store,
    staging: &weir_stream::Staging,
    action: &Discard,
) -> Result<Vec<Published>, Fault> {
    let mut left = Vec::new();
    for key in staging.keys(&action.parent)? {
        // Gone: another gave it up, or published it.
        let Some(note) = Note::get(staging, &key)? else { continue };
        let path = note.path()?;
        if note.place == store.place() {
            let aborted = store.upload_abort(&path, &note.upload);
            aborted
                .map_err(|it| store.fault(&format!("can't give up an upload to {path}"), &it))?;
        } else {
            let place = &note.place;
            let warning =
                format!("an upload to {path} stays in {place}: its stage writes elsewhere now");
            left.push(Published::nothing_but(warning));
        }
        staging.remove(&key)?;
    }
    Ok(left)
}
