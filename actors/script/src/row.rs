//! A record as a script sees it: an object whose properties are read from the columns when they are
//! asked for, `emit`, which hands records to ports, and `copy`, which makes plain objects of rows.
//!
//! A row is an object of a class that is made for the schema: each field is a getter and a setter of
//! its prototype, so a row costs the same however many fields it has. That is why a row can't be
//! spread: it has no properties of its own but one, which says so wherever a spread one is emitted.
//!
//! A row lives as long as the call of `onMessage` that it was made for. One that was kept longer says
//! so when it is used.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::Field;
use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::{Constructor, This};
use rquickjs::object::{Accessor, Property};
use rquickjs::runtime::UserDataGuard;
use rquickjs::{Atom, Class, Ctx, Exception, Function, JsLifetime, Object, Result, Value};

use crate::cell::{self, Cell};
use crate::from_js::{FromJs, Unfit, length};
use crate::shape::Shape;
use crate::to_js::{Builtins, to_js};
use crate::work::{Read, Refused, Shared};

const OVER: &str = "the row is used after its onMessage ended: keep a copy instead, copy(row)";

/// The one property that rows have of their own.
const SPREAD: &str = "use copy(row) instead";

/// A row of the record whose turn has this number.
#[derive(JsLifetime)]
pub(crate) struct Row {
    turn: u64,
}

impl<'js> Trace<'js> for Row {
    fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
}

impl<'js> JsClass<'js> for Row {
    const NAME: &'static str = "Row";
    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}

/// What rows and `emit` need of their context.
#[derive(JsLifetime)]
pub(crate) struct Scene<'js> {
    pub(crate) builtins: Builtins<'js>,
    pub(crate) work: Shared,
    /// The most that one value may take.
    pub(crate) bytes_max: usize,
}

/// The class of the rows of a schema.
#[derive(JsLifetime)]
pub(crate) struct RowClass<'js> {
    prototype: Object<'js>,
    spread: Atom<'js>,
    /// Fields by the names that the interpreter gives to properties.
    by_atom: HashMap<Atom<'js>, usize>,
    atoms: Vec<Atom<'js>>,
}

impl<'js> RowClass<'js> {
    pub(crate) fn of(ctx: &Ctx<'js>, builtins: &Builtins<'js>, shape: &Shape) -> Result<Self> {
        let prototype = Object::new_proto(ctx.clone(), Some(&builtins.no_more_fields(ctx)?))?;
        prototype.prop("toJSON", Property::from(Function::new(ctx.clone(), to_json)?))?;
        let (mut atoms, mut by_atom) = (Vec::new(), HashMap::new());
        for (at, field) in shape.fields.iter().enumerate() {
            let atom = Atom::from_str(ctx.clone(), field.name())?;
            if by_atom.insert(atom.clone(), at).is_none() {
                let get = move |ctx: Ctx<'js>, row: This<Class<'js, Row>>| {
                    value(&ctx, row.0.borrow().turn, at)
                };
                let of = Arc::clone(field);
                let set = move |ctx: Ctx<'js>, row: This<Class<'js, Row>>, value: Value<'js>| {
                    set(&ctx, row.0.borrow().turn, at, &of, &value)
                };
                let accessor = Accessor::new(get, set).enumerable().configurable();
                prototype.prop(atom.clone(), accessor)?;
            }
            atoms.push(atom);
        }
        let spread = Atom::from_str(ctx.clone(), SPREAD)?;
        Ok(Self { prototype, spread, by_atom, atoms })
    }

    pub(crate) fn row(&self, turn: u64) -> Result<Class<'js, Row>> {
        let row = Class::instance_proto(Row { turn }, self.prototype.clone())?;
        row.prop(self.spread.clone(), Property::from(true).enumerable())?;
        Ok(row)
    }
}

/// Both are stored before the script runs.
fn scene<'a, 'js>(ctx: &'a Ctx<'js>) -> Result<UserDataGuard<'a, Scene<'js>>> {
    ctx.userdata().ok_or(rquickjs::Error::Unknown)
}

fn class<'a, 'js>(ctx: &'a Ctx<'js>) -> Result<UserDataGuard<'a, RowClass<'js>>> {
    ctx.userdata().ok_or(rquickjs::Error::Unknown)
}

fn value<'js>(ctx: &Ctx<'js>, turn: u64, field: usize) -> Result<Value<'js>> {
    let scene = scene(ctx)?;
    let read = scene.work.lock().read(turn, field);
    match read {
        Read::Over => Err(Exception::throw_type(ctx, OVER)),
        Read::Given(column, row) => to_js(ctx, &scene.builtins, column.as_ref(), row),
        Read::Set(cell) => {
            let shape = scene.work.shape();
            let column = cell::column(shape.fields[field].data_type(), &[cell]);
            let column =
                column.map_err(|it| Exception::throw_range(ctx, &it.to_string().to_lowercase()))?;
            to_js(ctx, &scene.builtins, column.as_ref(), 0)
        }
        Read::Unset => Ok(Value::new_undefined(ctx.clone())),
    }
}

fn set<'js>(ctx: &Ctx<'js>, turn: u64, at: usize, field: &Field, value: &Value<'js>) -> Result<()> {
    let scene = scene(ctx)?;
    let cell = made(ctx, &scene, field, value)?;
    // Not under the lock: a script may have a say in how its errors are made.
    let is_set = scene.work.lock().set(turn, at, cell);
    if is_set { Ok(()) } else { Err(Exception::throw_type(ctx, OVER)) }
}

/// What scripts call as `copy(row)`: a plain object with the fields that the row has, those that only
/// ports have if they were set.
#[expect(clippy::needless_pass_by_value, reason = "so the interpreter hands arguments over")]
pub(crate) fn copy<'js>(ctx: Ctx<'js>, row: Class<'js, Row>) -> Result<Object<'js>> {
    let copy = Object::new(ctx.clone())?;
    let turn = row.borrow().turn;
    let atoms = class(&ctx)?.atoms.clone();
    for (field, atom) in atoms.into_iter().enumerate() {
        let value = value(&ctx, turn, field)?;
        if !value.is_undefined() {
            copy.set(atom, value)?;
        }
    }
    Ok(copy)
}

fn to_json<'js>(ctx: Ctx<'js>, row: This<Class<'js, Row>>) -> Result<Object<'js>> {
    copy(ctx, row.0)
}

/// What happens where a row is given a property that is no field.
#[expect(clippy::needless_pass_by_value, reason = "so the interpreter hands arguments over")]
pub(crate) fn no_such_field<'js>(
    ctx: Ctx<'js>,
    _target: Value<'js>,
    key: Value<'js>,
    _value: Value<'js>,
    _row: Value<'js>,
) -> Result<bool> {
    let shape = scene(&ctx)?.work.shape();
    Err(no_field(&ctx, &shape, &Atom::from_value(ctx.clone(), &key)?))
}

fn no_field<'js>(ctx: &Ctx<'js>, shape: &Shape, atom: &Atom<'js>) -> rquickjs::Error {
    match atom.to_js_string().and_then(|it| it.to_string()) {
        Ok(name) => Exception::throw_type(ctx, &shape.no_field(&name)),
        Err(error) => error,
    }
}

fn made<'js>(
    ctx: &Ctx<'js>,
    scene: &Scene<'js>,
    field: &Field,
    value: &Value<'js>,
) -> Result<Cell> {
    let from = FromJs { ctx, builtins: &scene.builtins, budget: scene.bytes_max.into() };
    from.cell(value, field.data_type()).map_err(|unfit| match unfit {
        Unfit::Reason(why) => Exception::throw_type(ctx, &format!("field {}: {why}", field.name())),
        Unfit::Js(error) => error,
    })
}

/// What scripts call as `emit(port, record)`.
#[expect(clippy::needless_pass_by_value, reason = "so the interpreter hands arguments over")]
pub(crate) fn emit<'js>(
    ctx: Ctx<'js>,
    port: rquickjs::String<'js>,
    record: Value<'js>,
) -> Result<()> {
    let name = port.to_string()?;
    let shape = scene(&ctx)?.work.shape();
    match shape.port(&name) {
        Some(port) => emit_to(&ctx, &shape, port, &record),
        None => Err(Exception::throw_type(&ctx, &shape.no_port(&name))),
    }
}

/// What `onMessage` returned: a record, several, or nothing.
pub(crate) fn emit_returned<'js>(ctx: &Ctx<'js>, returned: &Value<'js>) -> Result<()> {
    if returned.is_undefined() || returned.is_null() {
        return Ok(());
    }
    let shape = scene(ctx)?.work.shape();
    let Some(port) = shape.returned else {
        let why = "there are several ports and none is called out: use emit(port, record)";
        return Err(Exception::throw_type(ctx, why));
    };
    match returned.as_array() {
        Some(records) => {
            for at in 0..length(records)? {
                emit_to(ctx, &shape, port, &records.get(at)?)?;
            }
            Ok(())
        }
        None => emit_to(ctx, &shape, port, returned),
    }
}

fn emit_to<'js>(
    ctx: &Ctx<'js>,
    shape: &Arc<Shape>,
    port: usize,
    record: &Value<'js>,
) -> Result<()> {
    let Some(object) = record.as_object().filter(|it| !it.is_function() && !it.is_array()) else {
        let why =
            format!("a record is a row or an object, and this is of type {}", record.type_name());
        return Err(Exception::throw_type(ctx, &why));
    };
    let scene = scene(ctx)?;
    // Asking a plain object whether it is a row costs an exception.
    let may_be_row = !object.is_proxy()
        && object
            .get_prototype()
            .is_some_and(|it| class(ctx).is_ok_and(|class| class.prototype == it));
    let row = if may_be_row { Class::<Row>::from_object(object) } else { None };
    let emitted = match row {
        Some(row) => {
            let turn = row.borrow().turn;
            let mut work = scene.work.lock();
            if !work.is_current(turn) {
                drop(work);
                return Err(Exception::throw_type(ctx, OVER));
            }
            work.emit_row(port)
        }
        None => {
            let cells = cells(ctx, &scene, shape, port, object)?;
            scene.work.lock().emit_made(port, cells)
        }
    };
    emitted.map_err(|refused| match refused {
        Refused::Closed => {
            let why = "records are emitted in onMessage and onStreamEnd only";
            Exception::throw_type(ctx, why)
        }
        Refused::Memory => Exception::throw_range(ctx, "too much was emitted at once"),
        Refused::Reason(why) => Exception::throw_type(ctx, &why),
    })
}

/// The values of an object for the columns of a port. What the port does not have is left out, as
/// from a row; what no port and no input has is a mistake.
fn cells<'js>(
    ctx: &Ctx<'js>,
    scene: &Scene<'js>,
    shape: &Shape,
    port: usize,
    object: &Object<'js>,
) -> Result<Vec<Cell>> {
    let names = class(ctx)?;
    for key in object.keys::<Atom<'js>>() {
        let key = key?;
        if key == names.spread {
            let why = "a row can't be spread: write {...copy(row), …}";
            return Err(Exception::throw_type(ctx, why));
        }
        if !names.by_atom.contains_key(&key) {
            return Err(no_field(ctx, shape, &key));
        }
    }
    let columns = &shape.ports[port].columns;
    let mut cells = Vec::with_capacity(columns.len());
    for &field in columns {
        let value: Value<'js> = object.get(names.atoms[field].clone())?;
        cells.push(made(ctx, scene, &shape.fields[field], &value)?);
    }
    Ok(cells)
}
