//! Values that a script made, as values of a field. Strict: what does not fit is refused where it is
//! set, and nothing is rounded or turned into another type in silence.

use arrow::array::timezone::Tz;
use arrow::compute::kernels::cast_utils::{
    Parser, parse_decimal, string_to_datetime, string_to_time_nanoseconds,
};
use arrow::datatypes::*;
use rquickjs::{Coerced, Ctx, Value};
use weir_stream::type_name;

use crate::cell::{Cell, is_settable};
use crate::to_js::{Builtins, NANOS, SAFE};

/// Why a value is none of a field.
pub(crate) enum Unfit {
    Reason(String),
    /// The script itself threw while it was asked.
    Js(rquickjs::Error),
}

impl From<rquickjs::Error> for Unfit {
    fn from(error: rquickjs::Error) -> Self {
        Self::Js(error)
    }
}

type Made = Result<Cell, Unfit>;

/// Makes values of one context.
pub(crate) struct FromJs<'a, 'js> {
    pub(crate) ctx: &'a Ctx<'js>,
    pub(crate) builtins: &'a Builtins<'js>,
    /// How many bytes what is made may still take: a list may hold one long text a million times.
    pub(crate) budget: std::cell::Cell<usize>,
}

impl<'js> FromJs<'_, 'js> {
    /// The value as one of this type. It may run what the script made of getters and proxies.
    pub(crate) fn cell(&self, value: &Value<'js>, data_type: &DataType) -> Made {
        use DataType::*;
        self.spend(size_of::<Cell>())?;
        if value.is_null() || value.is_undefined() {
            return Ok(Cell::Null);
        }
        let unfit = || self.unfit(value, data_type);
        match data_type {
            it if !is_settable(it) => {
                let name = type_name(data_type);
                Err(Unfit::Reason(format!("a script can't set fields of type {name}")))
            }
            Boolean => value.as_bool().map(Cell::Boolean).ok_or_else(unfit),
            Int8 => self.integer(value, data_type, i8::MIN.into(), i8::MAX.into()),
            Int16 => self.integer(value, data_type, i16::MIN.into(), i16::MAX.into()),
            Int32 => self.integer(value, data_type, i32::MIN.into(), i32::MAX.into()),
            Int64 => self.integer(value, data_type, i64::MIN.into(), i64::MAX.into()),
            UInt8 => self.integer(value, data_type, 0, u8::MAX.into()),
            UInt16 => self.integer(value, data_type, 0, u16::MAX.into()),
            UInt32 => self.integer(value, data_type, 0, u32::MAX.into()),
            UInt64 => self.integer(value, data_type, 0, u64::MAX.into()),
            Float32 | Float64 => value.as_number().map(Cell::Float).ok_or_else(unfit),
            Utf8 | LargeUtf8 | Utf8View => {
                self.text(value, data_type).map(|it| Cell::Text(it.into()))
            }
            Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => self.binary(value, data_type),
            Decimal32(precision, scale) => self.decimal(value, data_type, *precision, *scale),
            Decimal64(precision, scale) => self.decimal(value, data_type, *precision, *scale),
            Decimal128(precision, scale) => self.decimal(value, data_type, *precision, *scale),
            Decimal256(precision, scale) => self.decimal(value, data_type, *precision, *scale),
            Date32 => self.date(value, data_type).map(Cell::Integer),
            Date64 => Ok(Cell::Integer(self.date(value, data_type)? * 86_400_000)),
            Time32(unit) | Time64(unit) => self.time(value, data_type, *unit),
            Timestamp(unit, zone) => self.timestamp(value, data_type, *unit, zone.as_deref()),
            List(item) | LargeList(item) => self.list(value, data_type, item),
            Struct(fields) => self.object(value, data_type, fields),
            Dictionary(_, of) => self.cell(value, of),
            _ => Err(unfit()),
        }
    }

    fn spend(&self, bytes: usize) -> Result<(), Unfit> {
        let left = self.budget.get().checked_sub(bytes);
        let left = left.ok_or_else(|| {
            Unfit::Reason("the value takes more memory than limits.memory allows".into())
        })?;
        self.budget.set(left);
        Ok(())
    }

    fn unfit(&self, value: &Value<'js>, data_type: &DataType) -> Unfit {
        let hint = match data_type {
            it if it.is_integer() && value.is_string() => ": use Number(…) or BigInt(…)",
            it if it.is_integer() && value.is_number() => ": use Math.round(…)",
            it if it.is_floating() && value.is_big_int() => ": use Number(…)",
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ": use String(…)",
            _ => "",
        };
        let (shown, name) = (shown(value), type_name(data_type));
        Unfit::Reason(format!("{shown} is not of type {name}{hint}"))
    }

    fn integer(&self, value: &Value<'js>, data_type: &DataType, min: i128, max: i128) -> Made {
        let unfit = || self.unfit(value, data_type);
        let number = match (value.as_int(), value.as_float()) {
            (Some(it), _) => i128::from(it),
            // A number beyond may be the neighbour of the one that was meant.
            (_, Some(it)) if it.fract() == 0.0 && it.abs() <= SAFE as f64 => it as i128,
            _ if value.is_big_int() => self.digits(value)?.parse().map_err(|_| unfit())?,
            _ => return Err(unfit()),
        };
        if !(min..=max).contains(&number) {
            let name = type_name(data_type);
            return Err(Unfit::Reason(format!("{number} is out of the range of {name}")));
        }
        Ok(i64::try_from(number)
            .map_or_else(|_| Cell::Wide(Box::new(i256::from_i128(number))), Cell::Integer))
    }

    /// The digits of a `bigint`: nothing else tells whether it fits.
    fn digits(&self, value: &Value<'js>) -> Result<String, Unfit> {
        Ok(value.get::<Coerced<String>>()?.0)
    }

    fn text(&self, value: &Value<'js>, data_type: &DataType) -> Result<String, Unfit> {
        let text = value.as_string().ok_or_else(|| self.unfit(value, data_type))?;
        let text = text.to_string().map_err(|error| match error {
            rquickjs::Error::Utf8(_) => {
                Unfit::Reason("the text has half of a character (a lone surrogate)".into())
            }
            other => Unfit::Js(other),
        })?;
        self.spend(text.len())?;
        Ok(text)
    }

    fn binary(&self, value: &Value<'js>, data_type: &DataType) -> Made {
        let array = value.as_object().and_then(|it| it.as_typed_array::<u8>());
        let array = array.ok_or_else(|| self.unfit(value, data_type))?;
        self.spend(array.len())?;
        let mut bytes = Vec::with_capacity(array.len());
        for at in 0..array.len() {
            bytes.push(array.as_object().get::<_, u8>(at as u32)?);
        }
        match data_type {
            DataType::FixedSizeBinary(size) if usize::try_from(*size) != Ok(bytes.len()) => {
                let cause = format!("{} bytes are given, and the field has {size}", bytes.len());
                Err(Unfit::Reason(cause))
            }
            _ => Ok(Cell::Binary(bytes.into())),
        }
    }

    /// A number is rounded to the digits of the field, as its own are not decimal; a text must fit.
    fn decimal(&self, value: &Value<'js>, data_type: &DataType, precision: u8, scale: i8) -> Made {
        let unfit = || self.unfit(value, data_type);
        let digits = usize::try_from(scale).unwrap_or(0);
        let text = match value.as_number() {
            Some(it) if it.is_finite() => format!("{it:.digits$}"),
            Some(_) => return Err(unfit()),
            None if value.is_big_int() => self.digits(value)?,
            None => self.text(value, data_type)?,
        };
        let text = text.trim();
        let fraction = text.split_once('.').map_or("", |it| it.1);
        let is_plain = !text.contains(['e', 'E']);
        if is_plain && fraction.trim_end_matches('0').len() > digits {
            let name = type_name(data_type);
            return Err(Unfit::Reason(format!("{text} has more digits than {name}")));
        }
        let parsed = parse_decimal::<Decimal256Type>(text, precision, scale);
        let parsed = parsed.map_err(|_| unfit())?;
        let narrow = parsed.to_i128().and_then(|it| i64::try_from(it).ok());
        Ok(narrow.map_or_else(|| Cell::Wide(Box::new(parsed)), Cell::Integer))
    }

    /// In days: a text as `2024-02-29`, or the day in UTC of a `Date`.
    fn date(&self, value: &Value<'js>, data_type: &DataType) -> Result<i64, Unfit> {
        if let Some(millis) = self.millis(value)? {
            return Ok(i64::try_from(millis.div_euclid(86_400_000)).unwrap_or(i64::MAX));
        }
        let text = self.text(value, data_type)?;
        let days = Date32Type::parse(&text).map(i64::from);
        days.ok_or_else(|| self.unfit(value, data_type))
    }

    fn time(&self, value: &Value<'js>, data_type: &DataType, unit: TimeUnit) -> Made {
        let text = self.text(value, data_type)?;
        let nanos = string_to_time_nanoseconds(&text);
        let nanos = nanos.map_err(|_| self.unfit(value, data_type))?;
        Ok(Cell::Integer(nanos / nanos_in(unit)))
    }

    /// A `Date`, with `nanos` where it has them, or a text of ISO 8601.
    fn timestamp(
        &self,
        value: &Value<'js>,
        data_type: &DataType,
        unit: TimeUnit,
        zone: Option<&str>,
    ) -> Made {
        let nanos = match self.millis(value)? {
            Some(millis) => {
                let nanos: Option<f64> = match value.as_object() {
                    Some(it) => it.get(NANOS)?,
                    None => None,
                };
                millis * 1_000_000 + nanos.unwrap_or(0.0) as i128
            }
            None => {
                let text = self.text(value, data_type)?;
                let unfit = |_| self.unfit(value, data_type);
                let zone: Tz = zone.unwrap_or("+00:00").parse().map_err(unfit)?;
                let at = string_to_datetime(&zone, &text).map_err(unfit)?;
                i128::from(at.timestamp()) * 1_000_000_000 + i128::from(at.timestamp_subsec_nanos())
            }
        };
        let value_in = nanos.div_euclid(nanos_in(unit).into());
        let fits = i64::try_from(value_in).map(Cell::Integer);
        fits.map_err(|_| {
            Unfit::Reason(format!("the time is out of the range of {}", type_name(data_type)))
        })
    }

    /// The milliseconds of a `Date`. `None`: it is none.
    fn millis(&self, value: &Value<'js>) -> Result<Option<i128>, Unfit> {
        match self.builtins.time(self.ctx, value) {
            Some(it) if it.is_nan() => Err(Unfit::Reason("the Date is invalid".into())),
            time => Ok(time.map(|it| it as i128)),
        }
    }

    fn list(&self, value: &Value<'js>, data_type: &DataType, item: &FieldRef) -> Made {
        let array = value.as_array().ok_or_else(|| self.unfit(value, data_type))?;
        let mut cells = Vec::new();
        for at in 0..length(array)? {
            let part = at.to_string();
            let value: Value<'js> = array.get(at)?;
            let cell = self.cell(&value, item.data_type()).map_err(|it| within(it, &part))?;
            if cell.is_null() && !item.is_nullable() {
                return Err(within(Unfit::Reason("it must not be null".into()), &part));
            }
            cells.push(cell);
        }
        Ok(Cell::List(cells))
    }

    fn object(&self, value: &Value<'js>, data_type: &DataType, fields: &Fields) -> Made {
        let object = value.as_object().filter(|_| !value.is_array() && !value.is_function());
        let object = object.ok_or_else(|| self.unfit(value, data_type))?;
        for key in object.keys::<rquickjs::String<'js>>() {
            let key = key?.to_string()?;
            if fields.find(&key).is_none() {
                let cause = format!("there is no field {key} in {}", type_name(data_type));
                return Err(Unfit::Reason(cause));
            }
        }
        let mut cells = Vec::with_capacity(fields.len());
        for field in fields {
            let member: Value<'js> = object.get(field.name().as_str())?;
            let cell =
                self.cell(&member, field.data_type()).map_err(|it| within(it, field.name()))?;
            if cell.is_null() && !field.is_nullable() {
                return Err(within(Unfit::Reason("it must not be null".into()), field.name()));
            }
            cells.push(cell);
        }
        Ok(Cell::Struct(cells))
    }
}

/// How many items an array has, which may be more than an `i32` counts.
pub(crate) fn length(array: &rquickjs::Array<'_>) -> rquickjs::Result<usize> {
    Ok(array.as_object().get::<_, f64>("length")? as usize)
}

fn within(unfit: Unfit, part: &str) -> Unfit {
    match unfit {
        Unfit::Reason(reason) => Unfit::Reason(format!("{part}: {reason}")),
        js @ Unfit::Js(_) => js,
    }
}

fn nanos_in(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// A value as messages show it, without asking the script.
fn shown(value: &Value<'_>) -> String {
    const LENGTH_MAX: usize = 40;
    if let Some(number) = value.as_number() {
        return number.to_string();
    }
    if let Some(truth) = value.as_bool() {
        return truth.to_string();
    }
    match value.as_string().map(rquickjs::String::to_string) {
        Some(Ok(text)) if text.chars().count() <= LENGTH_MAX => format!("'{text}'"),
        Some(Ok(text)) => format!("'{}…'", text.chars().take(LENGTH_MAX).collect::<String>()),
        Some(Err(_)) => "a text".into(),
        None if value.is_array() => "an array".into(),
        None if value.is_function() => "a function".into(),
        None if value.is_big_int() => "a bigint".into(),
        None if value.is_symbol() => "a symbol".into(),
        None => "an object".into(),
    }
}
