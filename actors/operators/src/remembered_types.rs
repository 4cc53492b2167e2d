//! The types that fields had when a stage began to remember something of them: under other ones it would be
//! misread, a decimal of another scale as another number, and a key of another width as another key.
//!
//! What an earlier version left has no types with it: those of the fields then are taken for them.

use arrow::datatypes::Schema;
use weir_domain::{Fault, TableName};
use weir_stream::state::{StateTable, TableKind, TableSpec, ValueTable};
use weir_stream::type_name;

/// The fields are of other types now.
const CHANGED: u32 = 3161;

pub(crate) struct RememberedTypes {
    /// Fields with their types.
    stored: ValueTable<Vec<(String, String)>>,
    now: Vec<(String, String)>,
    is_checked: bool,
}

impl RememberedTypes {
    /// Of fields that the schema has.
    pub(crate) fn of<'a>(
        fields: impl IntoIterator<Item = &'a str>,
        input: &Schema,
        version: u32,
    ) -> Self {
        let typed = |it: &str| {
            let field = input.field_with_name(it).ok()?;
            Some((it.to_owned(), type_name(field.data_type())))
        };
        let now = fields.into_iter().filter_map(typed).collect();
        Self { stored: ValueTable::new(version), now, is_checked: false }
    }

    pub(crate) fn spec(version: u32) -> (TableName, TableSpec) {
        (name(), TableSpec { kind: TableKind::Value, version })
    }

    pub(crate) fn table(&mut self) -> (TableName, &mut dyn StateTable) {
        (name(), &mut self.stored)
    }

    /// Refuses to go on with what was remembered of other types. Before the first record after a start.
    pub(crate) fn check(&mut self) -> Result<(), Fault> {
        if self.is_checked {
            return Ok(());
        }
        if let Some(then) = self.stored.get() {
            let mut changed = then.iter().zip(&self.now).filter(|(then, now)| then != now);
            if let Some(((field, then), (_, now))) = changed.next() {
                let message = format!(
                    "field {field} is {now} now, and was {then} when what this stage remembers was made of it"
                );
                let hint = "CAST it to what it was in a mapping before, or reset the workflow: weir workflow reset";
                return Err(Fault::config(CHANGED, message).with_hint(hint));
            }
        } else {
            self.stored.set(self.now.clone());
        }
        self.is_checked = true;
        Ok(())
    }
}

fn name() -> TableName {
    TableName::new("types").expect("a valid name")
}
