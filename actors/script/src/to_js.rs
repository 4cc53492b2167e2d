//! Values of columns as JavaScript sees them. Exact: what can't be told exactly by a number is a
//! `bigint` or a text. docs/scripts.md has the table.

use crate::row::no_such_field;
use arrow::array::{Array, ArrowPrimitiveType, AsArray};
use arrow::datatypes::*;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use rquickjs::function::{Constructor, This};
use rquickjs::{BigInt, Ctx, Exception, Function, IntoJs, JsLifetime, Object, TypedArray, Value};

/// Beyond this a number does not tell an integer from its neighbours.
pub(crate) const SAFE: i64 = (1 << 53) - 1;

/// The property of a `Date` that has what is below its millisecond.
pub(crate) const NANOS: &str = "nanos";

/// What the interpreter came with, taken before the script could replace it.
#[derive(JsLifetime)]
pub(crate) struct Builtins<'js> {
    freeze: Function<'js>,
    date: Constructor<'js>,
    time_of: Function<'js>,
    proxy: Constructor<'js>,
    object: Object<'js>,
}

impl<'js> Builtins<'js> {
    pub(crate) fn take(ctx: &Ctx<'js>) -> rquickjs::Result<Self> {
        let object: Object<'js> = ctx.globals().get("Object")?;
        let freeze = object.get("freeze")?;
        let (object, proxy) = (object.get("prototype")?, ctx.globals().get("Proxy")?);
        let date: Constructor<'js> = ctx.globals().get("Date")?;
        let time_of = date.get::<_, Object<'js>>("prototype")?.get("getTime")?;
        Ok(Self { freeze, date, time_of, proxy, object })
    }

    /// What the classes of rows inherit from: like any object, but nothing is to be set in it.
    pub(crate) fn no_more_fields(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
        let traps = Object::new(ctx.clone())?;
        traps.set("set", Function::new(ctx.clone(), no_such_field)?)?;
        self.proxy.construct((self.object.clone(), traps))
    }

    /// The milliseconds of a `Date`; `None` for anything else.
    pub(crate) fn time(&self, ctx: &Ctx<'js>, value: &Value<'js>) -> Option<f64> {
        let object = value.as_object()?.clone();
        let time = self.time_of.call::<_, f64>((This(object),));
        if time.is_err() {
            // It is no date, which is no error of the script's.
            ctx.catch();
        }
        time.ok()
    }
}

/// The value of a row of a column.
pub(crate) fn to_js<'js>(
    ctx: &Ctx<'js>,
    builtins: &Builtins<'js>,
    array: &dyn Array,
    row: usize,
) -> rquickjs::Result<Value<'js>> {
    use DataType::*;
    if array.is_null(row) {
        return Ok(Value::new_null(ctx.clone()));
    }
    match array.data_type() {
        Boolean => Ok(Value::new_bool(ctx.clone(), array.as_boolean().value(row))),
        Int8 => integer(ctx, at::<Int8Type>(array, row).into()),
        Int16 => integer(ctx, at::<Int16Type>(array, row).into()),
        Int32 => integer(ctx, at::<Int32Type>(array, row).into()),
        Int64 => integer(ctx, at::<Int64Type>(array, row)),
        UInt8 => integer(ctx, at::<UInt8Type>(array, row).into()),
        UInt16 => integer(ctx, at::<UInt16Type>(array, row).into()),
        UInt32 => integer(ctx, at::<UInt32Type>(array, row).into()),
        UInt64 => {
            let value = at::<UInt64Type>(array, row);
            match i64::try_from(value) {
                Ok(it) => integer(ctx, it),
                Err(_) => BigInt::from_u64(ctx.clone(), value)?.into_js(ctx),
            }
        }
        Float16 => Ok(Value::new_number(ctx.clone(), at::<Float16Type>(array, row).to_f64())),
        Float32 => Ok(Value::new_number(ctx.clone(), at::<Float32Type>(array, row).into())),
        Float64 => Ok(Value::new_number(ctx.clone(), at::<Float64Type>(array, row))),
        Utf8 => text(ctx, array.as_string::<i32>().value(row)),
        LargeUtf8 => text(ctx, array.as_string::<i64>().value(row)),
        Utf8View => text(ctx, array.as_string_view().value(row)),
        Binary => bytes(ctx, array.as_binary::<i32>().value(row)),
        LargeBinary => bytes(ctx, array.as_binary::<i64>().value(row)),
        BinaryView => bytes(ctx, array.as_binary_view().value(row)),
        FixedSizeBinary(_) => bytes(ctx, array.as_fixed_size_binary().value(row)),
        Timestamp(unit, _) => timestamp(ctx, builtins, *unit, array, row),
        List(_) => list(ctx, builtins, array.as_list::<i32>().value(row).as_ref()),
        LargeList(_) => list(ctx, builtins, array.as_list::<i64>().value(row).as_ref()),
        ListView(_) => list(ctx, builtins, array.as_list_view::<i32>().value(row).as_ref()),
        LargeListView(_) => list(ctx, builtins, array.as_list_view::<i64>().value(row).as_ref()),
        FixedSizeList(_, _) => list(ctx, builtins, array.as_fixed_size_list().value(row).as_ref()),
        Map(_, _) => list(ctx, builtins, &array.as_map().value(row)),
        Struct(_) => object(ctx, builtins, array, row),
        Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            to_js(ctx, builtins, dictionary.values().as_ref(), key(dictionary.keys(), row))
        }
        _ => shown(ctx, array, row),
    }
}

fn at<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

/// The key of a row of a dictionary.
fn key(keys: &dyn Array, row: usize) -> usize {
    match keys.data_type() {
        DataType::Int8 => at::<Int8Type>(keys, row) as usize,
        DataType::Int16 => at::<Int16Type>(keys, row) as usize,
        DataType::Int32 => at::<Int32Type>(keys, row) as usize,
        DataType::UInt8 => at::<UInt8Type>(keys, row) as usize,
        DataType::UInt16 => at::<UInt16Type>(keys, row) as usize,
        DataType::UInt32 => at::<UInt32Type>(keys, row) as usize,
        DataType::UInt64 => at::<UInt64Type>(keys, row) as usize,
        // Arrow has no others.
        _ => at::<Int64Type>(keys, row) as usize,
    }
}

fn integer<'js>(ctx: &Ctx<'js>, value: i64) -> rquickjs::Result<Value<'js>> {
    match i32::try_from(value) {
        Ok(small) => Ok(Value::new_int(ctx.clone(), small)),
        Err(_) if (-SAFE..=SAFE).contains(&value) => {
            Ok(Value::new_float(ctx.clone(), value as f64))
        }
        Err(_) => BigInt::from_i64(ctx.clone(), value)?.into_js(ctx),
    }
}

fn text<'js>(ctx: &Ctx<'js>, value: &str) -> rquickjs::Result<Value<'js>> {
    rquickjs::String::from_str(ctx.clone(), value)?.into_js(ctx)
}

fn bytes<'js>(ctx: &Ctx<'js>, value: &[u8]) -> rquickjs::Result<Value<'js>> {
    Ok(TypedArray::<u8>::new_copy(ctx.clone(), value)?.into_value())
}

/// Decimals, dates, times and whatever else has a text of its own.
fn shown<'js>(ctx: &Ctx<'js>, array: &dyn Array, row: usize) -> rquickjs::Result<Value<'js>> {
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(array, &options);
    let shown = formatter.and_then(|it| it.value(row).try_to_string());
    match shown {
        Ok(shown) => text(ctx, &shown),
        Err(error) => Err(Exception::throw_range(ctx, &error.to_string())),
    }
}

fn timestamp<'js>(
    ctx: &Ctx<'js>,
    builtins: &Builtins<'js>,
    unit: TimeUnit,
    array: &dyn Array,
    row: usize,
) -> rquickjs::Result<Value<'js>> {
    let (value, in_milli) = match unit {
        TimeUnit::Second => (at::<TimestampSecondType>(array, row).saturating_mul(1_000), 1),
        TimeUnit::Millisecond => (at::<TimestampMillisecondType>(array, row), 1),
        TimeUnit::Microsecond => (at::<TimestampMicrosecondType>(array, row), 1_000),
        TimeUnit::Nanosecond => (at::<TimestampNanosecondType>(array, row), 1_000_000),
    };
    let millis = value.div_euclid(in_milli) as f64;
    if millis.abs() > 8.64e15 {
        return Err(Exception::throw_range(ctx, "the timestamp is out of the range of a Date"));
    }
    let date: Object<'js> = builtins.date.construct((millis,))?;
    let nanos = value.rem_euclid(in_milli) * (1_000_000 / in_milli);
    if nanos != 0 {
        date.set(NANOS, nanos as f64)?;
    }
    Ok(date.into_value())
}

/// Nested values are frozen: a change of theirs would get lost, and says so instead.
fn list<'js>(
    ctx: &Ctx<'js>,
    builtins: &Builtins<'js>,
    items: &dyn Array,
) -> rquickjs::Result<Value<'js>> {
    let list = rquickjs::Array::new(ctx.clone())?;
    for row in 0..items.len() {
        list.set(row, to_js(ctx, builtins, items, row)?)?;
    }
    builtins.freeze.call((list,))
}

fn object<'js>(
    ctx: &Ctx<'js>,
    builtins: &Builtins<'js>,
    array: &dyn Array,
    row: usize,
) -> rquickjs::Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    let members = array.as_struct();
    for (field, member) in members.fields().iter().zip(members.columns()) {
        object.set(field.name().as_str(), to_js(ctx, builtins, member.as_ref(), row)?)?;
    }
    builtins.freeze.call((object,))
}
