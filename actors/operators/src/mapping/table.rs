//! Columns that are being rebuilt, with nested fields as first-class places.
//!
//! The same functions run on empty columns when a mapping is checked and on full ones when it
//! works. So the schema that was promised is the schema that comes out.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StructArray, new_empty_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{is_null, nullif};
use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use arrow::error::ArrowError;

/// Why a place can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    /// There is no such field beside these.
    #[error("there is no field {name}")]
    Missing { name: String, siblings: Vec<String> },
    #[error("{name} is {found}, it has no fields inside")]
    NoRecord { name: String, found: String },
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

/// The fields of a record, or of a record inside it.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    fields: Vec<FieldRef>,
    arrays: Vec<ArrayRef>,
    rows: usize,
}

type Column = (FieldRef, ArrayRef);

impl Table {
    pub(crate) fn of(batch: &RecordBatch) -> Self {
        Self {
            fields: batch.schema_ref().fields().iter().cloned().collect(),
            arrays: batch.columns().to_vec(),
            rows: batch.num_rows(),
        }
    }

    pub(crate) fn empty(schema: &SchemaRef) -> Self {
        let fields: Vec<_> = schema.fields().iter().cloned().collect();
        let arrays = fields.iter().map(|it| new_empty_array(it.data_type())).collect();
        Self { fields, arrays, rows: 0 }
    }

    pub(crate) fn fields(&self) -> &[FieldRef] {
        &self.fields
    }

    pub(crate) fn arrays(&self) -> &[ArrayRef] {
        &self.arrays
    }

    pub(crate) fn into_arrays(self) -> Vec<ArrayRef> {
        self.arrays
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|it| it.name() == name)
    }

    fn at(&self, name: &str) -> Result<usize, Wrong> {
        self.position(name).ok_or_else(|| Wrong::Missing {
            name: name.to_owned(),
            siblings: self.fields.iter().map(|it| it.name().clone()).collect(),
        })
    }

    pub(crate) fn has(&self, path: &[String]) -> bool {
        self.get(path).is_ok()
    }

    /// A column, null also where a record around it is.
    pub(crate) fn get(&self, path: &[String]) -> Result<Column, Wrong> {
        let [name, rest @ ..] = path else { return Err(no_name()) };
        let at = self.at(name)?;
        if rest.is_empty() {
            return Ok((Arc::clone(&self.fields[at]), Arc::clone(&self.arrays[at])));
        }
        let (inner, nulls) = self.open(at)?;
        let (field, array) = inner.get(rest).map_err(|it| it.inside(name))?;
        let nullable = field.is_nullable() || self.fields[at].is_nullable();
        Ok((Arc::new(Field::clone(&field).with_nullable(nullable)), masked(&array, &nulls)?))
    }

    /// Puts a column in a place. Records on the way are made where there are none.
    pub(crate) fn set(
        &mut self,
        path: &[String],
        field: &Field,
        array: ArrayRef,
    ) -> Result<(), Wrong> {
        let [name, rest @ ..] = path else { return Err(no_name()) };
        let position = self.position(name);
        if rest.is_empty() {
            self.put(position, Arc::new(field.clone().with_name(name)), array);
            return Ok(());
        }
        let Some(at) = position else {
            let mut inner = Self { fields: Vec::new(), arrays: Vec::new(), rows: self.rows };
            inner.set(rest, field, array)?;
            let (data_type, array) = inner.into_struct(None)?;
            self.put(None, Arc::new(Field::new(name, data_type, false)), array);
            return Ok(());
        };
        let (mut inner, nulls) = self.open(at)?;
        let outer = Arc::clone(&self.fields[at]);
        if outer.is_nullable() {
            inner.make_nullable(&nulls)?;
        }
        // A record that was null exists from now on, where it got a value.
        let valid = nulls.map(|it| valid_in_either(&it, &array));
        inner.set(rest, field, array).map_err(|it| it.inside(name))?;
        self.close(at, inner, valid)
    }

    /// Takes a column out. A record that has no field left goes with it.
    pub(crate) fn remove(&mut self, path: &[String]) -> Result<(), Wrong> {
        let [name, rest @ ..] = path else { return Err(no_name()) };
        let at = self.at(name)?;
        if !rest.is_empty() {
            let (mut inner, nulls) = self.open(at)?;
            inner.remove(rest).map_err(|it| it.inside(name))?;
            if !inner.fields.is_empty() {
                return self.close(at, inner, nulls);
            }
        }
        self.fields.remove(at);
        self.arrays.remove(at);
        Ok(())
    }

    /// Gives a column another name in its place.
    pub(crate) fn rename(&mut self, path: &[String], to: &str) -> Result<(), Wrong> {
        let [name, rest @ ..] = path else { return Err(no_name()) };
        let at = self.at(name)?;
        if rest.is_empty() {
            self.fields[at] = Arc::new(Field::clone(&self.fields[at]).with_name(to));
            return Ok(());
        }
        let (mut inner, nulls) = self.open(at)?;
        inner.rename(rest, to).map_err(|it| it.inside(name))?;
        self.close(at, inner, nulls)
    }

    /// Only the places named, in the order of their first mention.
    pub(crate) fn keep(&mut self, paths: &[&[String]]) -> Result<(), Wrong> {
        let mut kept = Self { fields: Vec::new(), arrays: Vec::new(), rows: self.rows };
        for path in paths {
            let [name, ..] = path else { return Err(no_name()) };
            if kept.position(name).is_some() {
                continue;
            }
            let at = self.at(name)?;
            let below: Vec<_> =
                paths.iter().filter(|it| it[0] == *name).map(|it| &it[1..]).collect();
            let whole = below.iter().any(|it| it.is_empty());
            let column = if whole { self.column(at) } else { self.kept_inside(at, &below)? };
            kept.put(None, column.0, column.1);
        }
        *self = kept;
        Ok(())
    }

    fn kept_inside(&self, at: usize, paths: &[&[String]]) -> Result<Column, Wrong> {
        let (mut inner, nulls) = self.open(at)?;
        inner.keep(paths).map_err(|it| it.inside(self.fields[at].name()))?;
        let (data_type, array) = inner.into_struct(nulls)?;
        Ok((Arc::new(Field::clone(&self.fields[at]).with_data_type(data_type)), array))
    }

    fn column(&self, at: usize) -> Column {
        (Arc::clone(&self.fields[at]), Arc::clone(&self.arrays[at]))
    }

    fn put(&mut self, at: Option<usize>, field: FieldRef, array: ArrayRef) {
        match at {
            Some(at) => (self.fields[at], self.arrays[at]) = (field, array),
            None => {
                self.fields.push(field);
                self.arrays.push(array);
            }
        }
    }

    /// The inside of a record, and where the record itself is null.
    fn open(&self, at: usize) -> Result<(Self, Option<NullBuffer>), Wrong> {
        let Some(record) = self.arrays[at].as_struct_opt() else {
            return Err(Wrong::NoRecord {
                name: self.fields[at].name().clone(),
                found: weir_stream::type_name(self.fields[at].data_type()),
            });
        };
        let inner = Self {
            fields: record.fields().iter().cloned().collect(),
            arrays: record.columns().to_vec(),
            rows: self.rows,
        };
        Ok((inner, record.nulls().cloned()))
    }

    fn close(&mut self, at: usize, inner: Self, nulls: Option<NullBuffer>) -> Result<(), Wrong> {
        let (data_type, array) = inner.into_struct(nulls)?;
        let field = Field::clone(&self.fields[at]).with_data_type(data_type);
        self.put(Some(at), Arc::new(field), array);
        Ok(())
    }

    fn into_struct(self, nulls: Option<NullBuffer>) -> Result<(DataType, ArrayRef), Wrong> {
        let fields = self.fields.into();
        let array = StructArray::try_new_with_length(fields, self.arrays, nulls, self.rows)?;
        Ok((array.data_type().clone(), Arc::new(array)))
    }

    /// Lets every field be null, and be it where the record around was. In a null record the
    /// fields hold anything; that must not come to light when the record becomes one.
    fn make_nullable(&mut self, nulls: &Option<NullBuffer>) -> Result<(), Wrong> {
        for (field, array) in self.fields.iter_mut().zip(&mut self.arrays) {
            *field = Arc::new(Field::clone(field).with_nullable(true));
            *array = masked(array, nulls)?;
        }
        Ok(())
    }
}

impl Wrong {
    fn inside(self, record: &str) -> Self {
        let below = |name: String| format!("{record}.{name}");
        match self {
            Self::Missing { name, siblings } => Self::Missing {
                name: below(name),
                siblings: siblings.into_iter().map(below).collect(),
            },
            Self::NoRecord { name, found } => Self::NoRecord { name: below(name), found },
            it @ Self::Arrow(_) => it,
        }
    }
}

fn no_name() -> Wrong {
    Wrong::Missing { name: String::new(), siblings: Vec::new() }
}

fn masked(array: &ArrayRef, nulls: &Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    match nulls {
        Some(nulls) if nulls.null_count() > 0 => {
            nullif(array, &BooleanArray::new(!nulls.inner(), None))
        }
        _ => Ok(Arc::clone(array)),
    }
}

fn valid_in_either(nulls: &NullBuffer, array: &ArrayRef) -> NullBuffer {
    // Logical nulls: what a reader of the column would see as null.
    let absent = is_null(array)
        .map_or_else(|_| BooleanBuffer::new_unset(array.len()), |it| it.values().clone());
    NullBuffer::new(nulls.inner() | &!&absent)
}
